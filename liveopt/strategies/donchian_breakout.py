"""Donchian breakout: buy a new high, sell a new low, leave at a smaller extreme the other way.

Long when the close exceeds the highest high of the `entry` bars before this one, short when it
falls below their lowest low. With `leave` "channel" a long is closed by a close below the lowest
low of the `exit` bars before (the turtles' rule), a short mirrored; with "reverse" a position
stays until the breakout on the other side.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import zone
from liveopt.core.market import Market
from liveopt.core.strategy import Choice, Highest, Knob, Lowest, Strategy


@dataclass(slots=True)
class Memory:
    """Nothing but what was said last: the channels are inputs."""

    target: float = 0.0


def step(bar: Market, k: Any, x: Any, m: Memory) -> float:
    """The side of the breakout."""
    held = m.target
    if k.leave == "channel":
        back = zone(bar.close, x.exit_low, x.exit_high)
        held = m.target if back * m.target >= 0.0 else 0.0
    broken = zone(bar.close, x.entry_low, x.entry_high)
    return broken if broken != 0.0 else held


STRATEGY = Strategy(
    text="Buys a close above the highest high of the bars before, sells one below the lowest low.",
    step=step,
    memory=Memory,
    knobs={
        "entry": Knob(3, 400, 20, "bars in the channel that opens", whole=True),
        "exit": Knob(2, 200, 10, "bars in the channel that closes", whole=True),
    },
    choices={"leave": Choice(("channel", "reverse"), "channel", "what closes a position")},
    inputs={
        "entry_high": Highest("high", "entry", skip=1),
        "entry_low": Lowest("low", "entry", skip=1),
        "exit_high": Highest("high", "exit", skip=1),
        "exit_low": Lowest("low", "exit", skip=1),
    },
    warmup=lambda k: k["entry"] + 1.0,
    valid=lambda k: k["exit"] <= k["entry"],
    rule="exit <= entry",
)
