"""The named interface reckons on pandas' frames what the rest reckons on arrays."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.face import calculate_correlations_cudf, calculate_fitness_cudf
from liveopt.portfolio.optimize import CAPITAL
from tests import portfolio_reference as reference
from tests.unit.portfolio.panels import PANELS

pd: Any = import_module("pandas")
PNL = PANELS["some never move"]
FRAME = pd.DataFrame({f"s{i}": row for i, row in enumerate(PNL)})
SOME = ["s7", "s1", "s2", "s20"]


def test_correlations_are_a_frame_of_the_same_kind() -> None:
    found = calculate_correlations_cudf(FRAME, SOME)
    assert list(found.columns) == list(found.index) == SOME
    wanted = reference.correlations(PNL[[7, 1, 2, 20]])
    np.testing.assert_allclose(found.to_numpy(), wanted, atol=1e-12)


def test_fitness_is_the_usual_one_with_all_figures() -> None:
    found = calculate_fitness_cudf(FRAME, SOME)
    usual = Portfolio(capital=CAPITAL, risk_free=0.0)
    wanted = reference.figures(PNL[[7, 1, 2, 20]], usual, CAPITAL)
    assert found.pop("fitness") == pytest.approx(reference.fitness(wanted, usual), rel=1e-9)
    assert found == pytest.approx(wanted, rel=1e-9, nan_ok=True)


def test_what_is_missing_counts_as_0() -> None:
    holes = FRAME.copy()
    holes.loc[3, "s7"] = np.nan
    filled = FRAME.copy()
    filled.loc[3, "s7"] = 0.0
    assert calculate_fitness_cudf(holes, SOME) == pytest.approx(
        calculate_fitness_cudf(filled, SOME), nan_ok=True
    )
