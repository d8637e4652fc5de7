"""What correlations are reckoned from, beside the definition, pandas and scipy."""

import math
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.likeness import BLOCK, likeness, matrix, ranks
from tests import portfolio_reference as reference
from tests.unit.portfolio.panels import FAR, PANELS

pd: Any = import_module("pandas")
SMALL = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 15)),
    elements=st.integers(-4, 4).map(float),
)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("name", PANELS)
def test_every_correlation_is_that_of_the_definition(name: str, method: str) -> None:
    pnl = PANELS[name][:20]
    wanted = reference.correlations(pnl, method)
    precise = FAR.get(name, 1e-12) if method == "pearson" else 1e-12
    np.testing.assert_allclose(matrix(likeness(pnl, method)), wanted, atol=precise, rtol=precise)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
@pytest.mark.parametrize("name", ["plain", "heavy tails", "twins", "few values", "some never move"])
def test_every_correlation_is_that_of_pandas_but_0_where_pandas_has_none(
    name: str, method: str
) -> None:
    pnl = PANELS[name]
    wanted = pd.DataFrame(pnl.T).corr(method=method).to_numpy(copy=True)
    wanted[np.isnan(wanted)] = 0.0
    np.fill_diagonal(wanted, 1.0)
    np.testing.assert_allclose(matrix(likeness(pnl, method)), wanted, atol=1e-12)


def test_a_small_deviation_on_a_large_level_keeps_its_correlations() -> None:
    """A mean that is rounded once too often put them off by 1e-5."""
    pnl = 1e9 + 1e-3 * np.random.default_rng(2).standard_normal((60, 250))
    found = likeness(pnl, "pearson")
    left = [abs(math.fsum(row - mean)) / 250.0 for row, mean in zip(pnl, found.mean, strict=True)]
    assert max(left) <= 0.51 * np.spacing(1e9)  # the nearest there is
    np.testing.assert_allclose(matrix(found)[:6, :6], reference.correlations(pnl[:6]), atol=1e-8)


@given(SMALL)
def test_ranks_are_scipys(pnl: Float64) -> None:
    assert ranks(pnl).tolist() == stats.rankdata(pnl, axis=1).tolist()


@given(SMALL)
def test_spearman_is_scipys(pnl: Float64) -> None:
    found = matrix(likeness(pnl, "spearman"))
    for i, one in enumerate(pnl):
        for j, other in enumerate(pnl[:i]):
            if one.min() < one.max() and other.min() < other.max():
                assert found[i, j] == pytest.approx(stats.spearmanr(one, other)[0], abs=1e-12)
            else:
                assert found[i, j] == 0.0


@given(SMALL, st.sampled_from(["pearson", "spearman"]))
def test_correlations_lie_between_their_bounds_and_read_the_same_both_ways(
    pnl: Float64, method: str
) -> None:
    found = matrix(likeness(pnl, method))
    assert (np.abs(found) <= 1.0).all()
    assert (found.diagonal() == 1.0).all()
    np.testing.assert_allclose(found, found.T, atol=1e-15)


@given(SMALL, st.integers(1, 1000), st.integers(-1000, 1000))
def test_another_currency_or_a_fixed_gain_changes_no_correlation(
    pnl: Float64, factor: int, gain: int
) -> None:
    found, other = (matrix(likeness(p, "pearson")) for p in (pnl, pnl * factor + gain))
    np.testing.assert_allclose(found, other, atol=1e-9)


def test_who_never_moves_has_no_scale_whatever_rounding_says_of_its_mean() -> None:
    pnl = np.array([[0.1] * 7, [1e9 / 3.0] * 7, [0.0] * 7])
    for method in ("pearson", "spearman"):
        assert likeness(pnl, method).scale.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_more_strategies_than_a_block_are_each_as_they_are_alone(method: str) -> None:
    pnl = np.random.default_rng(3).integers(-3, 4, (BLOCK + 5, 9)).astype(float)
    found = likeness(pnl, method)
    for at in (0, BLOCK - 1, BLOCK, BLOCK + 4):
        alone = likeness(pnl[at : at + 1], method)
        assert (found.mean[at], found.scale[at]) == (alone.mean[0], alone.scale[0])
        assert found.rows[at].tolist() == alone.rows[0].tolist()
