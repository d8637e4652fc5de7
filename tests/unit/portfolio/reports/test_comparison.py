"""The picture of the algorithms."""

import dataclasses

import pytest

from liveopt.portfolio.reports.comparison import png
from liveopt.portfolio.result import Report
from tests.unit.portfolio.reports.test_drawing import size_of
from tests.unit.portfolio.reports.test_equity import changed


@pytest.mark.parametrize("which", ["plain", "zoned"])
def test_it_is_drawn_the_same_twice(which: str, request: pytest.FixtureRequest) -> None:
    report: Report = request.getfixturevalue(which)
    found = png(report)
    assert size_of(found) == (1600, 900)
    assert png(report) == found


def test_what_failed_has_a_place(plain: Report) -> None:
    tried = [
        dataclasses.replace(one, status="failed", members=(), fitness=float("-inf"), history=[])
        if one.algorithm == "ga"
        else one
        for one in plain.outcome.tried
    ]
    leaders = [one for one in plain.outcome.leaders if one.origin != "ga"]
    failed = changed(plain, tried=tried, leaders=leaders)
    assert size_of(png(failed)) == (1600, 900)
    assert png(failed) != png(changed(plain, leaders=leaders))


@pytest.mark.parametrize(
    "fitness", [0.0, -5.0, 1e-9, 1e9, float("inf"), float("-inf"), float("nan")]
)
def test_whatever_the_fitness_it_is_drawn(plain: Report, fitness: float) -> None:
    leaders = [dataclasses.replace(one, fitness=fitness) for one in plain.outcome.leaders]
    tried = [
        dataclasses.replace(one, fitness=fitness, history=[(1, fitness)], seconds=0.0)
        for one in plain.outcome.tried
    ]
    assert size_of(png(changed(plain, leaders=leaders, tried=tried))) == (1600, 900)


def test_fitness_that_lies_close_together_is_drawn_from_near(plain: Report) -> None:
    leaders = [
        dataclasses.replace(one, fitness=100.0 - 0.1 * i)
        for i, one in enumerate(plain.outcome.leaders)
    ]
    assert size_of(png(changed(plain, leaders=leaders))) == (1600, 900)
