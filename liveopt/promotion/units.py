"""In what evidence is counted, and what of it."""

QUANTUM = 0.00390625
"""Evidence is counted in 1/256 of a standard deviation."""
CAP = 8.0
"""Of one evidence bar, in standard deviations: one lucky jump is not evidence of many."""
FLOOR = -128.0
"""A loss beyond it ends all hope as it is; 512 bars of it still add up without rounding."""
BURN = 10.0
"""Evidence bars with a difference that only tell how large one is, before the others count too."""
NOTHING = 1e-12
"""A smaller difference is rounding, not trading."""
