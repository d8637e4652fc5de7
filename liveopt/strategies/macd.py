"""MACD: go with the distance between two averages when it crosses its own average.

The MACD line is the fast exponential average of closes minus the slow one; the signal line is an
exponential average of it, begun when the slow average is complete. Long when the MACD line
crosses above the signal line, short when it crosses below.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import ema, side, since
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Columns, Knob, Strategy


@dataclass(slots=True)
class Memory:
    """The averages, the signal line and the last comparison."""

    target: float = 0.0
    fast: float = 0.0
    slow: float = 0.0
    signal: float = 0.0
    above: float = 0.0


def step(bar: Market, k: Any, _x: Any, m: Memory) -> float:
    """The side of the last crossing of the two lines."""
    m.fast = ema(m.fast, bar.close, bar.inv_n, k.fast_inv, k.fast_weight)
    m.slow = ema(m.slow, bar.close, bar.inv_n, k.slow_inv, k.slow_weight)
    line = m.fast - m.slow
    m.signal = ema(m.signal, line, since(bar.n, k.before), k.signal_inv, k.signal_weight)
    above = side(line, m.signal, m.above)
    crossed = above != m.above
    m.above = above
    return above if crossed else m.target


def derive(k: Columns) -> dict[str, Array]:
    """The weights of the averages, and the bars before the first complete MACD line."""
    names = ("fast", "slow", "signal")
    plain = {f"{name}_inv": 1.0 / k[name] for name in names}
    weights = {f"{name}_weight": 2.0 / (k[name] + 1.0) for name in names}
    return plain | weights | {"before": k["slow"] - 1.0}


STRATEGY = Strategy(
    text="Trades in the direction in which the MACD line last crossed its signal line.",
    step=step,
    memory=Memory,
    knobs={
        "fast": Knob(2, 100, 12, "bars in the fast average", whole=True),
        "slow": Knob(3, 300, 26, "bars in the slow average", whole=True),
        "signal": Knob(2, 50, 9, "bars in the signal line", whole=True),
    },
    derive=derive,
    warmup=lambda k: k["slow"] + k["signal"],
    valid=lambda k: k["fast"] < k["slow"],
    rule="fast < slow",
)
