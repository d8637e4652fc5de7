"""ADX trend: go with the stronger directional movement, but only when the trend is strong.

+DI and -DI are Wilder's means of upward and downward movement (over the true range, which does
not matter for comparing them); ADX is the mean of how far they are apart. Long from the bar on
which +DI stands above -DI and ADX above the threshold, both for the first time together; short
mirrored. A crossing of the two against the position closes it, and reverses it in a strong trend.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import directional, side, since, wilder
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Columns, Knob, Strategy


@dataclass(slots=True)
class Memory:
    """The means of movement up and down, of their distance, which led, and the last signal."""

    target: float = 0.0
    up: float = 0.0
    down: float = 0.0
    adx: float = 0.0
    lead: float = 0.0
    signal: float = 0.0


def step(bar: Market, k: Any, _x: Any, m: Memory) -> float:
    """The side that leads a strong trend, until the other one leads."""
    m.up = wilder(m.up, bar.up_move, bar.inv_moves, k.weight)
    m.down = wilder(m.down, bar.down_move, bar.inv_moves, k.weight)
    spread = directional(m.up, m.down)
    m.adx = wilder(m.adx, spread, since(bar.n, k.window), k.weight)
    m.lead = side(m.up, m.down, m.lead)
    signal = m.lead if m.adx > k.threshold else 0.0
    fresh = (signal != m.signal) & (signal != 0.0)
    m.signal = signal
    held = m.target if m.lead == m.target else 0.0
    return signal if fresh else held


def derive(k: Columns) -> dict[str, Array]:
    """The weight of Wilder's mean."""
    return {"weight": 1.0 / k["window"]}


STRATEGY = Strategy(
    text="Follows the leading directional movement (+DI or -DI) once ADX says the trend is strong.",
    step=step,
    memory=Memory,
    knobs={
        "window": Knob(3, 100, 14, "bars in the means of movement", whole=True),
        "threshold": Knob(5, 80, 25, "ADX from which a trend is strong"),
    },
    derive=derive,
    warmup=lambda k: 2.0 * k["window"] + 1.0,
)
