"""The list of figures."""

from liveopt.portfolio.figures import Figures, Money
from liveopt.portfolio.reports.figure import BEYOND, BY_KEY, FIGURES, MAIN, OF_SERIES


def test_every_figure_that_is_calculated_is_shown() -> None:
    assert {one.key for one in FIGURES} == {*Figures.__slots__}


def test_the_five_of_the_platform_come_first() -> None:
    assert {one.key for one in MAIN} == {
        "ratio", "roi", "max_drawdown", "win_rate", "profit_factor",
    }  # fmt: skip
    assert FIGURES[: len(MAIN)] == MAIN


def test_sharpe_says_what_risk_free_return_is_deducted_and_nothing_where_none_is() -> None:
    sharpe = BY_KEY["sharpe"]
    assert "beyond the risk-free 3.00%" in sharpe.means(Money(1e5, 252.0, 0.03))
    assert "risk-free" not in sharpe.means(Money(1e5, 252.0, 0.0))
    assert not any(BEYOND in one.means(Money(1e5, 252.0, 0.03)) for one in FIGURES)


def test_a_figure_that_is_not_known_is_a_dash() -> None:
    assert BY_KEY["roi"].said({}) == "\N{EN DASH}"
    assert BY_KEY["win_rate"].said({"win_rate": 0.5}) == "50.00%"
    assert "correlation" not in {one.key for one in OF_SERIES}
