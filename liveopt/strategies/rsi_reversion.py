"""RSI reversion: buy what has fallen too fast, sell what has risen too fast, leave in the middle.

With `entry` "leaves" (the default) a long opens when RSI comes back above `oversold`, a short when
it comes back below `overbought`; with "enters", already when RSI gets there. A position is closed
when RSI reaches 50. A market that does not move is neither oversold nor overbought.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import strength, wilder, zone
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Choice, Columns, Knob, Strategy


@dataclass(slots=True)
class Memory:
    """The means of gains and losses, and the last zone: -1 oversold, 1 overbought."""

    target: float = 0.0
    up: float = 0.0
    down: float = 0.0
    zone: float = 0.0


def step(bar: Market, k: Any, _x: Any, m: Memory) -> float:
    """Against the extreme until RSI is back in the middle."""
    m.up = wilder(m.up, bar.gain, bar.inv_moves, k.weight)
    m.down = wilder(m.down, bar.loss, bar.inv_moves, k.weight)
    rsi = strength(m.up, m.down) if m.up + m.down > 0.0 else 50.0
    here = zone(rsi, k.oversold, k.overbought)
    if k.entry == "enters":
        fresh = (here != m.zone) & (here != 0.0)
        against = -here
    else:
        fresh = (here != m.zone) & (m.zone != 0.0)
        against = -m.zone
    m.zone = here
    target = against if fresh else m.target
    return target if target * (rsi - 50.0) < 0.0 else 0.0


def derive(k: Columns) -> dict[str, Array]:
    """The weight of Wilder's mean."""
    return {"weight": 1.0 / k["window"]}


STRATEGY = Strategy(
    text="Trades against an oversold or overbought RSI and leaves when RSI is back at 50.",
    step=step,
    memory=Memory,
    knobs={
        "window": Knob(2, 100, 14, "bars in the means of gains and losses", whole=True),
        "oversold": Knob(5, 45, 30, "RSI below which the market has fallen too fast"),
        "overbought": Knob(55, 95, 70, "RSI above which the market has risen too fast"),
    },
    choices={
        "entry": Choice(("leaves", "enters"), "leaves", "the moment of the extreme to act on")
    },
    derive=derive,
    warmup=lambda k: k["window"] + 2.0,
)
