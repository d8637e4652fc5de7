"""Stochastic oscillator: buy its upward crossing when oversold, sell the mirror image.

%K says where the close stands between the lowest low and the highest high of the window (0..100),
smoothed exponentially; %D is an exponential average of %K. Long when %K crosses above %D while %D
is below `oversold`, short when it crosses below while %D is above `overbought`; a position stays
until the opposite signal.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import ema, position, side, since
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Columns, Highest, Knob, Lowest, Strategy


@dataclass(slots=True)
class Memory:
    """Both lines and the last comparison."""

    target: float = 0.0
    smoothed: float = 0.0
    signal: float = 0.0
    above: float = 0.0


def step(bar: Market, k: Any, x: Any, m: Memory) -> float:
    """The side of the last crossing in an extreme zone."""
    stands = 100.0 * position(bar.close, x.low, x.high)
    seen = since(bar.n, k.before)
    m.smoothed = ema(m.smoothed, stands, seen, k.smooth_inv, k.smooth_weight)
    seen = since(bar.n, k.before_signal)
    m.signal = ema(m.signal, m.smoothed, seen, k.signal_inv, k.signal_weight)
    above = side(m.smoothed, m.signal, m.above)
    buy = (above > m.above) & (m.signal < k.oversold)
    sell = (above < m.above) & (m.signal > k.overbought)
    m.above = above
    return 1.0 if buy else (-1.0 if sell else m.target)


def derive(k: Columns) -> dict[str, Array]:
    """The weights of the averages, and the bars before each line's first input."""
    return {
        "smooth_inv": 1.0 / k["smooth"],
        "smooth_weight": 2.0 / (k["smooth"] + 1.0),
        "signal_inv": 1.0 / k["signal"],
        "signal_weight": 2.0 / (k["signal"] + 1.0),
        "before": k["window"] - 1.0,
        "before_signal": k["window"] + k["smooth"] - 2.0,
    }


STRATEGY = Strategy(
    text="Buys when %K crosses above %D in the oversold zone, sells the mirror image.",
    step=step,
    memory=Memory,
    knobs={
        "window": Knob(3, 200, 14, "bars in the range", whole=True),
        "smooth": Knob(1, 20, 3, "bars in the average that makes %K", whole=True),
        "signal": Knob(2, 20, 3, "bars in the average of %K that makes %D", whole=True),
        "oversold": Knob(5, 45, 20, "%D below which a crossing buys"),
        "overbought": Knob(55, 95, 80, "%D above which a crossing sells"),
    },
    inputs={"low": Lowest("low", "window"), "high": Highest("high", "window")},
    derive=derive,
    warmup=lambda k: k["window"] + k["smooth"] + k["signal"] - 1.0,
)
