"""Whether a proposal may join: what an optimizer found must be more than the best of its trials."""

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import Final

import msgspec

from liveopt.promotion.conditions import Condition

DEFLATED_MIN: Final = 0.95
TRADES_MIN: Final = 30
DISTANCE_MIN: Final = 0.02
"""Root mean square of the parameters' differences, each as a share of its range."""


class Backtest(msgspec.Struct, frozen=True):
    """How a proposal did out of sample, and in what company."""

    bars: int
    trades: int
    sharpe: float
    """Mean over deviation of its bars' returns; no factor."""
    skew: float
    kurtosis: float
    """3 of a normal law."""
    trials: int
    """All that were evaluated to find it, whatever became of them."""
    trials_variance: float
    """Of the trials' Sharpe ratios."""


def distance(
    one: Mapping[str, float | str],
    other: Mapping[str, float | str],
    spans: Mapping[str, tuple[float, float]],
) -> float:
    """How different two variants of a strategy are, from 0 to 1; words differ or do not."""
    names = one.keys() | other.keys()
    total = 0.0
    for name in names:
        a, b = one.get(name), other.get(name)
        if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
            total += 0.0 if a == b else 1.0
            continue
        low, high = spans.get(name, (0.0, 0.0))
        part = (a - b) / (high - low) if high > low else float(a != b)
        total += min(part * part, 1.0)
    return sqrt(total / len(names)) if names else 0.0


def admitted(test: Backtest, deflated: float, nearest: Iterable[float]) -> tuple[Condition, ...]:
    """The conditions, from its deflated Sharpe ratio and its distances to those who live."""
    closest = min(nearest, default=1.0)
    return (
        Condition("insufficient_samples", test.trades, TRADES_MIN, test.trades >= TRADES_MIN),
        Condition("luck_of_many", deflated, DEFLATED_MIN, deflated >= DEFLATED_MIN),
        Condition("too_alike", closest, DISTANCE_MIN, closest >= DISTANCE_MIN),
    )
