"""The picture of the equity."""

import dataclasses

import numpy as np
import pytest

from liveopt.portfolio.reports.equity import png
from liveopt.portfolio.result import Chosen, Outcome, Report
from tests.unit.portfolio.reports.test_drawing import size_of


def changed(report: Report, **changes: object) -> Report:
    outcome: Outcome = dataclasses.replace(report.outcome, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(report, outcome=outcome)


def first(report: Report, sessions: int) -> Report:
    """Of the first sessions only."""
    leaders = [
        dataclasses.replace(one, series=one.series[:sessions]) for one in report.outcome.leaders
    ]
    rows = np.arange(sessions)
    return changed(
        report, leaders=leaders, best=leaders[0], sessions=report.outcome.sessions.take(rows)
    )


@pytest.mark.parametrize("which", ["plain", "zoned", "tested"])
def test_it_is_drawn_the_same_twice(which: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(which)
    found = png(report)
    assert size_of(found) == (1600, 900)
    assert png(report) == found


@pytest.mark.parametrize("sessions", [1, 2, 5])
def test_few_sessions_are_drawn(plain: Report, sessions: int) -> None:
    assert size_of(png(first(plain, sessions))) == (1600, 900)


def flat(one: Chosen, value: float) -> Chosen:
    return dataclasses.replace(one, series=np.full_like(one.series, value))


@pytest.mark.parametrize("value", [0.0, -1e-9, 1e12, float("inf"), float("nan")])
def test_whatever_the_numbers_it_is_drawn(plain: Report, value: float) -> None:
    leaders = [flat(one, value) for one in plain.outcome.leaders]
    assert size_of(png(changed(plain, leaders=leaders, best=leaders[0]))) == (1600, 900)


def test_another_portfolio_is_another_picture(plain: Report) -> None:
    leaders = list(reversed(plain.outcome.leaders))
    assert png(changed(plain, leaders=leaders)) != png(plain)


def test_sessions_held_back_are_drawn(tested: Report) -> None:
    assert png(tested) != png(dataclasses.replace(tested, held=None))
