"""VWAP reversion: trade against a price far from the day's average price, leave at that average.

The average is weighted by volume and begins anew with each UTC day; before any volume it is the
price itself. Long when the close comes to stand more than `band` ATRs (of 14 bars) below it, short
when as far above; a position is closed when the close is back at the average.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from liveopt.core.indicators import zone
from liveopt.core.market import ATR_MOVES, Market
from liveopt.core.strategy import Knob, Strategy

ROUNDING = 1e-9
"""Share of a price that is rounding: a flat market is never far from its average."""


@dataclass(slots=True)
class Memory:
    """The day's average price and volume, and where the last close was."""

    target: float = 0.0
    vwap: float = 0.0
    volume: float = 0.0
    zone: float = 0.0


def step(bar: Market, k: Any, _x: Any, m: Memory) -> float:
    """Against the distance until the close is back at the average."""
    before = 0.0 if bar.day_start > 0.0 else m.volume
    m.volume = before + bar.volume
    traded = m.volume > 0.0
    safe = m.volume if traded else 1.0
    share = bar.volume / safe if traded else 1.0
    m.vwap = m.vwap + share * (bar.typical - m.vwap)
    gap = bar.close - m.vwap
    reach = k.band * bar.atr + ROUNDING * bar.close
    here = zone(gap, -reach, reach)
    fresh = (here != m.zone) & (here != 0.0)
    m.zone = here
    held = m.target if m.target * gap < 0.0 else 0.0
    return -here if fresh else held


STRATEGY = Strategy(
    text="Trades against a close far from the day's volume-weighted average price, leaves there.",
    step=step,
    memory=Memory,
    knobs={"band": Knob(0.5, 10.0, 3.0, "distance from the average in ATRs")},
    warmup=lambda k: np.full_like(k["band"], ATR_MOVES + 2.0),
)
