"""Moving-average crossover: go with the fast average when it crosses the slow one.

Long when the fast average of closes crosses above the slow one, short (or flat, in a long-only
run) when it crosses below. The first crossing after the slow average is complete is the first
signal; standing above from the beginning is not one, and to touch is not to cross.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import ema
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Choice, Columns, Knob, Mean, Strategy, Weighted

NOISE = 1e-12
"""Averages closer than this share of their value are equal: what is left is rounding."""


@dataclass(slots=True)
class Memory:
    """The two exponential averages and the last comparison."""

    target: float = 0.0
    fast: float = 0.0
    slow: float = 0.0
    above: float = 0.0


def step(bar: Market, k: Any, x: Any, m: Memory) -> float:
    """The side of the last crossing."""
    if k.kind == "ema":
        m.fast = ema(m.fast, bar.close, bar.inv_n, k.fast_inv, k.fast_weight)
        m.slow = ema(m.slow, bar.close, bar.inv_n, k.slow_inv, k.slow_weight)
        fast = m.fast
        slow = m.slow
    elif k.kind == "sma":
        fast = x.fast_mean
        slow = x.slow_mean
    else:
        fast = x.fast_weighted
        slow = x.slow_weighted
    gap = fast - slow
    noise = NOISE * slow
    below = -1.0 if gap < -noise else m.above
    complete = bar.n >= k.slow
    above = (1.0 if gap > noise else below) if complete else 0.0
    crossed = above != m.above
    m.above = above
    return above if crossed else m.target


def derive(k: Columns) -> dict[str, Array]:
    """The weights of the averages."""
    return {
        "fast_inv": 1.0 / k["fast"],
        "slow_inv": 1.0 / k["slow"],
        "fast_weight": 2.0 / (k["fast"] + 1.0),
        "slow_weight": 2.0 / (k["slow"] + 1.0),
    }


STRATEGY = Strategy(
    text="Trades in the direction in which a fast moving average last crossed a slow one.",
    step=step,
    memory=Memory,
    knobs={
        "fast": Knob(2, 200, 12, "bars in the fast average", whole=True),
        "slow": Knob(3, 600, 26, "bars in the slow average", whole=True),
    },
    choices={"kind": Choice(("ema", "sma", "wma"), "ema", "how the average weighs its bars")},
    inputs={
        "fast_mean": Mean("close", "fast"),
        "slow_mean": Mean("close", "slow"),
        "fast_weighted": Weighted("close", "fast"),
        "slow_weighted": Weighted("close", "slow"),
    },
    derive=derive,
    warmup=lambda k: k["slow"] + 1.0,
    valid=lambda k: k["fast"] < k["slow"],
    rule="fast < slow",
)
