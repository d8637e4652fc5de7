"""The budget of the worlds' track: how many shadow worlds may have been crossed by now."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor, inf
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
STEPS: Final[Sequence[float]] = (0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)
"""Levels that are walked along beside the one that decides: the smallest at which a variant would
have passed is its p-value."""
ROUNDING: Final = 1e-9
LONE: Final = 2.995732273553991
"""Log 20: evidence that a variant needs of its own, whichever track it passes by."""


@dataclass(frozen=True, slots=True)
class Step:
    """One look at one level."""

    allowed: int
    """Worlds that may have been crossed by now."""
    crossed: int
    """Those that have been, this look's among them."""
    threshold: float
    """The evidence above which a variant passes; infinite while there is nothing to spend."""


@dataclass(slots=True)
class Ladder:
    """Which worlds are still alive, for each level; the first decides."""

    alpha: float
    worlds: int
    alive: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.alive = np.ones((1 + len(STEPS), self.worlds), np.bool_)

    @property
    def levels(self) -> tuple[float, ...]:
        """The deciding one, then the others, the largest first."""
        return (self.alpha, *STEPS)

    def climb(self, best: Array, share: float) -> list[Step]:
        """Spend what may be spent; `best` is each world's best evidence, `share` of the error.

        Of the worlds still alive the best few are given up, as many as the budget has left: the
        threshold is the least of them, but never so low that what passes is no evidence. A world
        below it is not given up, and its share of the error is left for later. Equal ones go
        together, and the next looks have so many fewer to spend.
        """
        return [self._step(n, best, share) for n in range(len(self.levels))]

    def _step(self, n: int, best: Array, share: float) -> Step:
        alive = self.alive[n]
        allowed = floor(self.levels[n] * share * (self.worlds + 1) + ROUNDING)
        left = allowed - (self.worlds - int(np.count_nonzero(alive)))
        threshold = inf
        if left > 0:
            living = best[alive]
            threshold = LONE if n == 0 else 0.0
            if left <= len(living):
                fewest = float(np.partition(living, len(living) - left)[len(living) - left])
                threshold = max(threshold, fewest)
            self.alive[n] = alive & (best < threshold)
        crossed = self.worlds - int(np.count_nonzero(self.alive[n]))
        return Step(allowed, crossed, threshold)
