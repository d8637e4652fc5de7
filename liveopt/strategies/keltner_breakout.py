"""Keltner breakout: go with a close outside a band of ATRs, leave at the average in its middle.

Long when the close comes out above the exponential average plus `mult` ATRs, short when it comes
out below the average minus as much. A position is closed when the close is back beyond the average.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from liveopt.core.indicators import ema, wilder, zone
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Columns, Knob, Strategy


@dataclass(slots=True)
class Memory:
    """The average, the average true range and on which side of the band the last close was."""

    target: float = 0.0
    mean: float = 0.0
    atr: float = 0.0
    zone: float = 0.0


def step(bar: Market, k: Any, _x: Any, m: Memory) -> float:
    """The side of the breakout until the close is back at the average."""
    m.mean = ema(m.mean, bar.close, bar.inv_n, k.window_inv, k.window_weight)
    m.atr = wilder(m.atr, bar.true_range, bar.inv_moves, k.atr_weight)
    reach = k.mult * m.atr
    here = zone(bar.close, m.mean - reach, m.mean + reach)
    fresh = (here != m.zone) & (here != 0.0)
    m.zone = here
    held = m.target if m.target * (bar.close - m.mean) > 0.0 else 0.0
    return here if fresh else held


def derive(k: Columns) -> dict[str, Array]:
    """The weights of the two averages."""
    return {
        "window_inv": 1.0 / k["window"],
        "window_weight": 2.0 / (k["window"] + 1.0),
        "atr_weight": 1.0 / k["atr"],
    }


STRATEGY = Strategy(
    text="Goes with a close outside a band of ATRs round a moving average, leaves at the average.",
    step=step,
    memory=Memory,
    knobs={
        "window": Knob(3, 300, 20, "bars in the average", whole=True),
        "atr": Knob(2, 100, 10, "bars in the average true range", whole=True),
        "mult": Knob(0.5, 6.0, 2.0, "half the band's width in ATRs"),
    },
    derive=derive,
    warmup=lambda k: np.maximum(k["window"], k["atr"] + 1.0) + 1.0,
)
