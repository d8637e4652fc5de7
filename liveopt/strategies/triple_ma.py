"""Triple moving average: be in the market only while three averages agree on the direction.

Long while the fast average stands above the middle one and that above the slow one, short while
they stand the other way round, flat while they are out of order. An order that stood from the
beginning is not a signal; the first change is.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import ema
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Choice, Columns, Knob, Mean, Strategy


@dataclass(slots=True)
class Memory:
    """The three exponential averages and the direction they last agreed on."""

    target: float = 0.0
    fast: float = 0.0
    middle: float = 0.0
    slow: float = 0.0
    order: float = 0.0


def step(bar: Market, k: Any, x: Any, m: Memory) -> float:
    """The direction on which the averages have come to agree."""
    if k.kind == "ema":
        m.fast = ema(m.fast, bar.close, bar.inv_n, k.fast_inv, k.fast_weight)
        m.middle = ema(m.middle, bar.close, bar.inv_n, k.middle_inv, k.middle_weight)
        m.slow = ema(m.slow, bar.close, bar.inv_n, k.slow_inv, k.slow_weight)
        fast = m.fast
        middle = m.middle
        slow = m.slow
    else:
        fast = x.fast_mean
        middle = x.middle_mean
        slow = x.slow_mean
    falling = (fast < middle) & (middle < slow)
    rising = (fast > middle) & (middle > slow)
    order = 1.0 if rising else (-1.0 if falling else 0.0)
    changed = order != m.order
    m.order = order
    return order if changed else m.target


def derive(k: Columns) -> dict[str, Array]:
    """The weights of the averages."""
    names = ("fast", "middle", "slow")
    plain = {f"{name}_inv": 1.0 / k[name] for name in names}
    return plain | {f"{name}_weight": 2.0 / (k[name] + 1.0) for name in names}


STRATEGY = Strategy(
    text="Holds a side only while a fast, a middle and a slow moving average stand in its order.",
    step=step,
    memory=Memory,
    knobs={
        "fast": Knob(2, 50, 5, "bars in the fast average", whole=True),
        "middle": Knob(3, 150, 20, "bars in the middle average", whole=True),
        "slow": Knob(4, 400, 60, "bars in the slow average", whole=True),
    },
    choices={"kind": Choice(("ema", "sma"), "ema", "how the average weighs its bars")},
    inputs={
        "fast_mean": Mean("close", "fast"),
        "middle_mean": Mean("close", "middle"),
        "slow_mean": Mean("close", "slow"),
    },
    derive=derive,
    warmup=lambda k: k["slow"] + 1.0,
    valid=lambda k: (k["fast"] < k["middle"]) & (k["middle"] < k["slow"]),
    rule="fast < middle < slow",
)
