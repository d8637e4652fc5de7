"""The list of figures."""

from liveopt.portfolio.figures import Figures
from liveopt.portfolio.reports.figure import BY_KEY, FIGURES, MAIN, OF_SERIES


def test_every_figure_that_is_reckoned_is_shown() -> None:
    assert {one.key for one in FIGURES} == {*Figures.__slots__}


def test_the_five_of_the_platform_come_first() -> None:
    assert {one.key for one in MAIN} == {
        "ratio", "roi", "max_drawdown", "win_rate", "profit_factor",
    }  # fmt: skip
    assert FIGURES[: len(MAIN)] == MAIN


def test_a_figure_that_is_not_known_is_a_dash() -> None:
    assert BY_KEY["roi"].said({}) == "\N{EN DASH}"
    assert BY_KEY["win_rate"].said({"win_rate": 0.5}) == "50.00%"
    assert "correlation" not in {one.key for one in OF_SERIES}
