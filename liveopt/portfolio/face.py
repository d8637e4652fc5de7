"""The part of the desk's named interface that reckons; see `liveopt.data.panel.face` for the rest.

A frame is cuDF's, or pandas' for whoever has no device: columns are strategies, rows sessions.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from liveopt.config import Portfolio
from liveopt.portfolio.aim import Aim
from liveopt.portfolio.figures import Money
from liveopt.portfolio.gather import CpuGather
from liveopt.portfolio.likeness import likeness, matrix
from liveopt.portfolio.optimize import CAPITAL


def calculate_correlations_cudf(df: Any, strategy_cols: Sequence[str]) -> Any:
    """Pearson's correlations of these strategies, as a frame of the same kind.

    A strategy that never moves is correlated with nobody. For many thousands see
    `liveopt.portfolio.correlation`, which keeps no matrix.
    """
    found = matrix(likeness(_rows(df, strategy_cols), "pearson"))
    return type(df)(found, index=list(strategy_cols), columns=list(strategy_cols))


def calculate_fitness_cudf(df: Any, portfolio: Sequence[str]) -> dict[str, float]:
    """The fitness of these strategies together, as usual settings have it, and all figures."""
    pnl = _rows(df, portfolio)
    terms = Portfolio()
    like = likeness(pnl, terms.correlation)
    gather, sets = CpuGather(pnl, like), np.arange(len(pnl), dtype=np.int32)[None]
    money = Money(CAPITAL, terms.days_per_year, 0.0)
    aim = Aim(terms, money, 1.0)
    _, figures = aim.figures(sets, gather)
    return {"fitness": float(aim.fitness(sets, gather)[0]), **figures.row(0)}


def _rows(df: Any, columns: Sequence[str]) -> Any:
    """Strategies as rows; what is missing counts as 0."""
    found = np.asarray(df[list(columns)].to_numpy(), np.float64)
    if np.isinf(found).any():
        raise ValueError("a profit is infinite; mend the frame")
    return np.nan_to_num(np.ascontiguousarray(found.T))
