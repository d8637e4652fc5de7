"""OBV trend: go with the volume - on-balance volume crossing its own average.

On-balance volume adds the volume of bars that close higher and takes away that of bars that close
lower. Long when it crosses above its exponential average (buyers press), short when below.
"""

from dataclasses import dataclass
from typing import Any

from liveopt.core.indicators import ema, side
from liveopt.core.market import Market
from liveopt.core.strategy import Array, Columns, Knob, Strategy


@dataclass(slots=True)
class Memory:
    """The average and the last comparison."""

    target: float = 0.0
    mean: float = 0.0
    above: float = 0.0


def step(bar: Market, k: Any, _x: Any, m: Memory) -> float:
    """The side of the last crossing."""
    m.mean = ema(m.mean, bar.obv, bar.inv_n, k.inv, k.weight)
    above = side(bar.obv, m.mean, m.above)
    crossed = above != m.above
    m.above = above
    return above if crossed else m.target


def derive(k: Columns) -> dict[str, Array]:
    """The weights of the average."""
    return {"inv": 1.0 / k["window"], "weight": 2.0 / (k["window"] + 1.0)}


STRATEGY = Strategy(
    text="Trades in the direction in which on-balance volume last crossed its moving average.",
    step=step,
    memory=Memory,
    knobs={"window": Knob(2, 400, 20, "bars in the average", whole=True)},
    derive=derive,
    warmup=lambda k: k["window"] + 1.0,
)
