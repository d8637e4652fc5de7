"""The report that a person reads first."""

import dataclasses

import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.portfolio.reports.figure import FIGURES
from liveopt.portfolio.reports.performance import text
from liveopt.portfolio.reports.words import line, number
from liveopt.portfolio.result import Outcome, Report

SECTIONS = (
    "THE ANSWER", "OUT OF SAMPLE", "AGAINST THE ALTERNATIVES", "WHY THIS ONE",
    "WHAT IT IS MADE OF", "WHAT IF", "REGIMES", "CAPITAL", "THE ALGORITHMS",
    "WHAT WAS ASSUMED", "HOW LONG IT TOOK", "SETTINGS",
)  # fmt: skip


def with_outcome(report: Report, **changes: object) -> Report:
    outcome: Outcome = dataclasses.replace(report.outcome, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(report, outcome=outcome)


@pytest.mark.parametrize("which", ["plain", "zoned", "tested"])
def test_the_answer_comes_first_and_nothing_is_left_out(
    which: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(which)
    told = text(report).decode()
    places = [told.index(f"\n{title}\n") for title in SECTIONS]
    assert places == sorted(places)
    best = report.outcome.best
    for figure in FIGURES:
        assert f"{figure.title} " in told
        assert figure.said(best.figures) in told
    for share in report.outcome.shares:
        assert line(report.outcome.names[share.member]) in told
    for chosen in report.outcome.leaders:
        assert number(chosen.fitness) in told
    assert "In sample: the best of" in told


def test_every_line_can_be_printed_whatever_the_names(plain: Report, zoned: Report) -> None:
    for report in (plain, zoned):
        assert all(one.isprintable() for one in text(report).decode().split("\n"))


def test_what_was_assumed_is_said(plain: Report) -> None:
    told = text(plain).decode()
    assert "  - 2 empty cells were taken for 0" in told
    assert "  - a note with\\na line | and a bar" in told


def test_what_failed_is_said_with_why(plain: Report) -> None:
    first, *rest = plain.outcome.tried
    failed = dataclasses.replace(
        first, status="failed", members=(), fitness=float("-inf"), error="no\nmemory"
    )
    told = text(with_outcome(plain, tried=[failed, *rest])).decode()
    assert f"{first.algorithm} with {first.size}: no\\nmemory" in told


def test_one_leader_has_nothing_beside_it(plain: Report) -> None:
    told = text(with_outcome(plain, leaders=[plain.outcome.best])).decode()
    assert "Nothing else was found to compare it with." in told


def test_a_run_without_all_correlations_says_nothing_of_them(plain: Report) -> None:
    told = text(with_outcome(plain, correlations=None)).decode()
    assert " pairs of strategies" not in told
    assert " pairs of strategies:" in " ".join(text(plain).decode().split())


def test_undefined_and_infinite_figures_are_words(plain: Report) -> None:
    best = plain.outcome.best
    figures = {**best.figures, "sortino": float("nan"), "profit_factor": float("inf")}
    told = text(with_outcome(plain, best=dataclasses.replace(best, figures=figures))).decode()
    assert "nan" not in told.lower()
    assert "infinite  gains over losses" in told


def test_the_formula_of_the_fitness_is_that_of_the_settings(plain: Report) -> None:
    terms = Portfolio(fitness="enhanced")
    told = text(dataclasses.replace(plain, terms=terms)).decode()
    assert "Fitness is (Kelly x max(Sharpe, 0.1)" in told
    assert "ratio - 10" not in told


def noted(report: Report, *notes: str) -> Report:
    return dataclasses.replace(report, source=dataclasses.replace(report.source, notes=notes))


def test_a_drawdown_of_next_to_nothing_is_warned_of_before_the_fitness_is_named(
    plain: Report,
) -> None:
    told = text(noted(plain, "the largest fall of the best is 0.1, next to nothing")).decode()
    first = told.split("THE ANSWER")[1].split("\n")[2]
    assert first == "  Caution: The largest fall of the best is 0.1, next to nothing."
    assert told.count("next to nothing") == 1


def test_the_unweighted_figures_stand_beside_the_weighted(plain: Report) -> None:
    told = text(noted(plain, "unweighted, the best earned 12", "another")).decode()
    answer = told.split("OUT OF SAMPLE")[0]
    assert "had a profit. Unweighted, the best earned 12." in " ".join(answer.split())
    assert told.count("the best earned 12") == 1
    assert "  - another\n" in told


def test_a_loss_is_not_earned(plain: Report) -> None:
    best = plain.outcome.best
    lost = dataclasses.replace(best, figures={**best.figures, "roi": -7.5})
    assert "they lost 7.50 with" in " ".join(text(with_outcome(plain, best=lost)).decode().split())


def test_returns_are_told_as_they_were_calculated(plain: Report, zoned: Report) -> None:
    told = " ".join(text(plain).decode().split())
    assert plain.terms.risk_free > 0.0
    assert "No capital is stated" in told
    assert "no risk-free return is deducted" in told
    assert "beyond the risk-free" not in told
    told = " ".join(text(zoned).decode().split())
    assert "over a capital of 500,000.00, the mean of the file's column." in told
    assert f"A year has {zoned.outcome.money.periods_per_year:.6g} sessions;" in told
    assert "deducted in Sharpe and Sortino is 2.00%" in told
    assert "a year's return beyond the risk-free 2.00%" in told
    own = dataclasses.replace(plain, terms=Portfolio(capital=5.0, fitness="enhanced"))
    assert ", portfolio.capital." in text(own).decode()


def test_where_the_folder_of_jobs_lies_is_in_no_report(plain: Report) -> None:
    terms = plain.terms.model_copy(update={"share": "/srv/desk"})
    assert "/srv/desk" not in text(dataclasses.replace(plain, terms=terms)).decode()
