"""Bollinger reversion: trade against a close outside the bands, leave at the middle.

The bands stand `mult` (population) standard deviations of the last closes from their plain mean.
Long when the close comes out below the lower band, short when it comes out above the upper one;
a position is closed when the close is back at the mean. Squares are compared, so no root is taken.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import moving_mean, moving_squares, parting
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Columns, Knob, Lag, Strategy

ROUNDING = 1e-18
"""Square of the share of a price that is rounding: a flat market is never outside its bands."""


@dataclass(slots=True)
class Memory:
    """Mean and sum of squared distances of the window, and where the last close was."""

    target: float = 0.0
    mean: float = 0.0
    squares: float = 0.0
    zone: float = 0.0


def step(bar: Market, k: Any, x: Any, m: Memory) -> float:
    """Against the band that was crossed until the close is back at the mean."""
    gone = parting(x.left, m.mean, bar.inv_n, k.inv)
    mean = moving_mean(m.mean, bar.close, gone, bar.inv_n, k.inv)
    m.squares = moving_squares(m.squares, bar.close, gone, m.mean, mean)
    m.mean = mean
    gap = bar.close - mean
    reach = k.reach * m.squares + ROUNDING * bar.close * bar.close
    away = 1.0 if gap > 0.0 else -1.0
    here = away if gap * gap > reach else 0.0
    fresh = (here != m.zone) & (here != 0.0)
    m.zone = here
    held = m.target if m.target * gap < 0.0 else 0.0
    return -here if fresh else held


def derive(k: Columns) -> dict[str, Array]:
    """The weight of a bar in the mean, and the squared width of the bands per squared distance."""
    return {"inv": 1.0 / k["window"], "reach": k["mult"] * k["mult"] / k["window"]}


STRATEGY = Strategy(
    text="Trades against a close outside the Bollinger bands and leaves at their middle.",
    step=step,
    memory=Memory,
    knobs={
        "window": Knob(5, 300, 20, "bars in mean and deviation", whole=True),
        "mult": Knob(0.5, 4.0, 2.0, "distance of the bands in standard deviations"),
    },
    inputs={"left": Lag("close", "window")},
    derive=derive,
    warmup=lambda k: k["window"] + 1.0,
)
