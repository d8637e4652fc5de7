"""Supertrend: a band of ATRs that follows the trend and never gives way; a close beyond it turns.

The bands stand `mult` ATRs above and below the middle of the bar. The upper one only falls and
the lower one only rises until a close breaks it. Long when the close breaks the upper band, short
when it breaks the lower one. Breaks before the ATR has a full window do not count.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import wilder, zone
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Columns, Knob, Strategy


@dataclass(slots=True)
class Memory:
    """The average true range, both bands and the trend."""

    target: float = 0.0
    atr: float = 0.0
    upper: float = 0.0
    lower: float = 0.0
    side: float = 0.0


def step(bar: Market, k: Any, _x: Any, m: Memory) -> float:
    """The side of the band that was broken last."""
    m.atr = wilder(m.atr, bar.true_range, bar.inv_moves, k.weight)
    middle = 0.5 * (bar.high + bar.low)
    upper = middle + k.mult * m.atr
    lower = middle - k.mult * m.atr
    last_close = bar.close - bar.change
    m.upper = upper if (upper < m.upper) | (last_close > m.upper) else m.upper
    m.lower = lower if (lower > m.lower) | (last_close < m.lower) else m.lower
    broken = zone(bar.close, m.lower, m.upper)
    full = bar.inv_moves <= k.weight
    turned = full & (broken != 0.0) & (broken != m.side)
    m.side = broken if turned else m.side
    return broken if turned else m.target


def derive(k: Columns) -> dict[str, Array]:
    """The weight of the average true range."""
    return {"weight": 1.0 / k["window"]}


STRATEGY = Strategy(
    text="Follows the trend until a close breaks the band of ATRs that trails it.",
    step=step,
    memory=Memory,
    knobs={
        "window": Knob(2, 100, 10, "bars in the average true range", whole=True),
        "mult": Knob(0.5, 8.0, 3.0, "distance of the bands in ATRs"),
    },
    derive=derive,
    warmup=lambda k: k["window"] + 1.0,
)
