"""Every figure beside its definition, its golden cases, skfolio's, and what is true of all."""

import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.figures import Basic, Figures, Money, kelly, measure, sharpe, sortino, tail
from liveopt.portfolio.gather import CpuGather
from liveopt.portfolio.likeness import likeness
from tests import portfolio_reference as reference
from tests.unit.portfolio import golden
from tests.unit.portfolio.panels import FAR_SUMS, MONEY, PANELS, SIZES, TERMS, sets_of

OF_MONEY = {"roi", "max_drawdown", "expectancy"}
"""Figures in the currency: sums that cancel out are as precise as what was added up."""
CENTS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 7), st.integers(1, 20)),
    elements=st.integers(-1000, 1000).map(float),
)


def measured(pnl: Float64, money: Money = MONEY) -> Figures:
    """Of all rows as one portfolio."""
    sets = np.arange(len(pnl), dtype=np.int32)[None]
    series, sums = CpuGather(pnl, likeness(pnl, "pearson"))(sets)
    return measure(series, Basic(sums, len(pnl), pnl.shape[1]), money)


def alone(*profits: float) -> dict[str, float]:
    """Of one strategy."""
    return measured(np.array([profits])).row(0)


@pytest.mark.parametrize("name", PANELS)
def test_every_figure_is_that_of_the_definition(name: str) -> None:
    pnl = PANELS[name]
    gather, scale = CpuGather(pnl, likeness(pnl, "pearson")), float(np.abs(pnl).max())
    precise = FAR_SUMS.get(name, 1e-9)
    for size in SIZES:
        sets = sets_of(name, size)
        series, sums = gather(sets)
        found = measure(series, Basic(sums, size, pnl.shape[1]), MONEY)
        for i, own in enumerate(sets):
            wanted, row = reference.figures(pnl[own], TERMS, MONEY.capital), found.row(i)
            assert row.keys() == wanted.keys()
            for figure, value in wanted.items():
                zero = 1e-12 * scale if figure in OF_MONEY else 1e-12
                if figure == "correlation" and name in FAR_SUMS:
                    zero = precise
                assert row[figure] == pytest.approx(value, rel=precise, abs=zero, nan_ok=True), (
                    figure, size, i
                )  # fmt: skip


def test_a_hundred_members_and_a_thousand_sessions_are_as_precise() -> None:
    pnl = 1_000.0 * np.random.default_rng(4).standard_t(3, (100, 1_000)) + 50.0
    wanted, found = reference.figures(pnl, TERMS, MONEY.capital), measured(pnl).row(0)
    assert found == pytest.approx(wanted, rel=1e-9)


# golden ---------------------------------------------------------------------------------------


def test_kelly_of_the_document() -> None:
    found = kelly(np.array([0.55]), np.array([1.2]), np.array([1.0]))
    assert found[0] == pytest.approx(0.175, rel=1e-12)


@pytest.mark.parametrize(
    ("win", "gain", "loss", "wanted"),
    [(0.9, 2.0, 1.0, 0.25), (0.3, 1.0, 1.0, 0.0), (0.0, 0.0, 1.0, 0.0), (1.0, 1.0, 0.0, 0.25)],
)
def test_kelly_is_between_nothing_and_a_quarter(
    win: float, gain: float, loss: float, wanted: float
) -> None:
    assert kelly(np.array([win]), np.array([gain]), np.array([loss]))[0] == wanted


@pytest.mark.parametrize(
    ("profits", "fall", "ratio"),
    [
        ([100.0, -50.0, 100.0], 50.0, 3.0),
        ([-100.0, 50.0, 150.0], 0.0, 10_000.0),  # the first session's end is the first peak
        ([3.0, 4.0], 0.0, 700.0),
        ([-3.0], 0.0, -30.0),
        ([0.0, 0.0], 0.0, 0.0),
        ([-3.0, -4.0], 4.0, -1.75),
        ([10.0, -10.0, 5.0, -20.0, 15.0], 25.0, 0.0),
        ([2e-6, -1e-6, 3.0], 1e-6, 100.0 * (2e-6 - 1e-6 + 3.0)),  # a fall of 1e-6 is none
        ([2.0, -3e-6, 1.0], 3e-6, (3.0 - 3e-6) / 3e-6),
    ],
)
def test_the_ratio_in_its_special_cases(profits: list[float], fall: float, ratio: float) -> None:
    found = alone(*profits)
    assert found["max_drawdown"] == pytest.approx(fall, abs=1e-15)
    assert found["ratio"] == pytest.approx(ratio, rel=1e-9)


@pytest.mark.parametrize(
    ("profits", "reported", "in_fitness"),
    [
        ([3.0, -2.0, 1.0], 2.0, 2.0),
        ([3.0, 0.0], math.inf, 1.0),
        ([0.0, 0.0], 0.0, 0.0),
        ([-1.0, -2.0], 0.0, 0.0),
        ([1.0, -1e-7], math.inf, 1.0),
        ([0.0, -1e-7], 0.0, 0.0),
    ],
)
def test_the_profit_factor_in_its_special_cases(
    profits: list[float], reported: float, in_fitness: float
) -> None:
    pnl = np.array([profits])
    _, sums = CpuGather(pnl, likeness(pnl, "pearson"))(np.zeros((1, 1), np.int32))
    basic = Basic(sums, 1, len(profits))
    assert basic.profit_factor[0] == reported
    assert basic.capped_profit_factor[0] == in_fitness
    assert measured(pnl).omega[0] == reported


def test_a_small_portfolio_by_hand() -> None:
    found = measured(
        np.array([[4.0, -2.0, 6.0, 0.0], [0.0, -4.0, 2.0, 0.0]]), Money(100.0, 4.0, 0.0)
    )
    row = found.row(0)  # 2, -3, 4, 0
    assert row["roi"] == 3.0
    assert row["max_drawdown"] == 3.0
    assert row["ratio"] == 1.0
    assert row["win_rate"] == 0.5
    assert row["profit_factor"] == row["omega"] == 2.0
    assert row["expectancy"] == 0.5 * 3.0 - 0.5 * 3.0
    assert row["kelly"] == 0.25, "two of three were won: 2/3 * 3 - 1/3 * 3 of 3 is a third"
    assert row["volatility"] == pytest.approx(2.0 * math.sqrt((4 + 9 + 16) / 4 - 9 / 16) / 100.0)
    assert row["sharpe"] == pytest.approx(0.03 / row["volatility"])
    assert math.isnan(row["sortino"])
    assert row["calmar"] == pytest.approx(1.0)
    assert row["var95"] == pytest.approx((-3.0 + 0.15 * 3.0) / 100.0)
    assert row["cvar95"] == pytest.approx(-0.03)
    assert row["correlation"] == pytest.approx(np.corrcoef([4, -2, 6, 0], [0, -4, 2, 0])[0, 1])


def test_a_session_without_a_profit_is_not_won() -> None:
    assert alone(0.0, 1.0, 0.0, -1.0)["win_rate"] == 0.25


@pytest.mark.parametrize("name", golden.SERIES)
def test_risks_are_skfolios_where_the_definitions_meet(name: str) -> None:
    capital = 1e5
    returns = golden.returns_of(name)
    money = Money(capital, golden.PERIODS, golden.RISK_FREE)
    row = measured(np.array([returns]) * capital, money).row(0)
    row["max_drawdown"] /= capital
    wanted = dict(golden.GOLDEN[name])
    own = np.array([r for r in returns if r < 0.0])
    both = math.sqrt((own.var() + own.mean() ** 2) * len(own) / len(returns))
    assert both == pytest.approx(wanted.pop("semi_deviation"), rel=1e-12)
    assert {figure: row[figure] for figure in wanted} == pytest.approx(wanted, rel=1e-9)


# special cases --------------------------------------------------------------------------------


def test_what_is_undefined_is_no_number() -> None:
    row = alone(2.0, 3.0, 1.0)
    assert math.isnan(row["sortino"])
    assert math.isinf(row["calmar"])
    rest = alone(0.0, 0.0)
    assert math.isnan(rest["calmar"])
    assert rest["sharpe"] == rest["volatility"] == rest["ratio"] == rest["var99"] == 0.0


def test_the_sharpe_of_what_never_moves_is_0_whatever_rounding_says() -> None:
    returns = np.full((1, 7), 0.1)
    assert returns.std() != 0.0
    assert sharpe(returns, MONEY)[0] == 0.0


def test_the_sortino_of_equal_losses_is_undefined_whatever_rounding_says() -> None:
    returns = np.array([[-0.1] * 7 + [0.3]])
    assert np.isnan(sortino(returns, MONEY)[0])


@pytest.mark.parametrize("count", [1, 2, 20, 21, 41, 100, 101, 250, 1001])
def test_quantiles_are_on_lines_between_observations(count: int) -> None:
    returns = np.random.default_rng(count).standard_normal((3, count))
    for share, one_in in ((0.05, 20), (0.01, 100)):
        at, mean = tail(returns, share)
        for i, row in enumerate(returns.tolist()):
            wanted = reference.quantile(row, Fraction(1, one_in))
            beyond = [r for r in row if r <= wanted]
            assert at[i] == pytest.approx(wanted, rel=1e-12)
            assert mean[i] == pytest.approx(sum(beyond) / len(beyond), rel=1e-12)


# general truths -------------------------------------------------------------------------------


@given(CENTS, st.randoms(use_true_random=False))
def test_the_order_of_members_changes_no_figure_beyond_rounding(pnl: Float64, luck: Random) -> None:
    order = list(range(len(pnl)))
    luck.shuffle(order)
    one, other = measured(pnl).row(0), measured(np.ascontiguousarray(pnl[order])).row(0)
    assert one == pytest.approx(other, rel=1e-12, abs=1e-12, nan_ok=True)


@given(CENTS, st.integers(-20, 20))
def test_money_of_another_unit_scales_money_alone(pnl: Float64, power: int) -> None:
    factor = 2.0**power
    other_money = Money(MONEY.capital * factor, MONEY.periods_per_year, MONEY.risk_free)
    one, other = measured(pnl).row(0), measured(pnl * factor, other_money).row(0)
    flat = one["max_drawdown"] <= 1e-6  # then the legacy's ratio is money
    for figure, value in one.items():
        if figure in OF_MONEY or (flat and figure == "ratio"):
            assert other[figure] == value * factor
        else:
            assert other[figure] == pytest.approx(value, rel=1e-12, abs=1e-15, nan_ok=True)


@given(CENTS)
def test_figures_keep_their_bounds_and_their_order(pnl: Float64) -> None:
    row = measured(pnl).row(0)
    assert row["max_drawdown"] >= 0.0
    assert 0.0 <= row["win_rate"] <= 1.0
    assert 0.0 <= row["kelly"] <= 0.25
    assert -1.0 - 1e-12 <= row["correlation"] <= 1.0 + 1e-12
    assert row["volatility"] >= 0.0
    assert row["cvar99"] <= row["var99"] <= row["var95"]
    assert row["cvar99"] <= row["cvar95"] <= row["var95"]
    assert row["profit_factor"] >= 0.0


@given(CENTS)
def test_as_many_of_each_member_is_the_same_portfolio(pnl: Float64) -> None:
    one = measured(pnl).row(0)
    twice = measured(np.repeat(pnl, 2, axis=0)).row(0)
    del one["correlation"], twice["correlation"]
    assert one == pytest.approx(twice, rel=1e-12, abs=1e-12, nan_ok=True)
