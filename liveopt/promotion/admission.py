"""Whether a proposal may join: what an optimizer found must be more than the best of its trials."""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from liveopt.promotion.conditions import Condition

Array = npt.NDArray[np.float64]

DEFLATED_MIN: Final = 0.95
TRADES_MIN: Final = 30
DISTANCE_MIN: Final = 0.02
"""See `distances`."""


class Backtest(msgspec.Struct, frozen=True):
    """How a proposal did out of sample, and in what company."""

    bars: int
    trades: int
    sharpe: float
    """Mean over deviation of its bars' returns; no factor."""
    skewness: float
    kurtosis: float
    """3 of a normal law."""
    trials: int
    """All that were evaluated to find it, whatever became of them."""
    trials_deviation: float
    """Of the trials' Sharpe ratios."""


def distances(own: Array, others: Array, widths: Array) -> Array:
    """How far variants of one kind [n, parameter] are from one [parameter], from 0 to 1.

    Root mean square of the differences, each as a share of its range and at most all of it.
    """
    parts = np.where(
        widths > 0.0, (others - own) / np.where(widths > 0.0, widths, 1.0), others != own
    )
    found: Array = np.sqrt((np.minimum(parts * parts, 1.0)).mean(axis=1))
    return found


def admitted(test: Backtest, deflated: float, nearest: float) -> tuple[Condition, ...]:
    """The conditions, from its deflated Sharpe ratio and its distance to the most similar."""
    return (
        Condition("insufficient_samples", test.trades, TRADES_MIN, test.trades >= TRADES_MIN),
        Condition("luck_of_many", deflated, DEFLATED_MIN, deflated >= DEFLATED_MIN),
        Condition("too_alike", nearest, DISTANCE_MIN, nearest >= DISTANCE_MIN),
    )
