"""The picture of the algorithms."""

import dataclasses
import itertools
from collections.abc import Sequence

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text

from liveopt.portfolio.reports.comparison import draw, png
from liveopt.portfolio.reports.drawing import sheet
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


WIDE = [5e9 * 10.0**-i for i in range(9)]


def spread(report: Report, values: Sequence[float], tried: int = 20_000) -> Report:
    """The same run, its leaders' fitness these values, each found by so many portfolios."""
    leaders = [
        dataclasses.replace(one, fitness=value)
        for one, value in zip(report.outcome.leaders, values, strict=False)
    ]
    of = {one.origin: one.fitness for one in leaders}
    found = [
        dataclasses.replace(
            one, fitness=of[one.algorithm], evaluations=tried,
            history=[(1, 0.1 * of[one.algorithm]), (tried, of[one.algorithm])],
        )
        for one in report.outcome.tried
    ]  # fmt: skip
    return changed(report, leaders=leaders, best=leaders[0], tried=found)


def figure_of(report: Report) -> Figure:
    with sheet("", "") as (figure, _):
        draw(figure, report.outcome)
    return figure


def shown(texts: Sequence[Text], within: tuple[float, float]) -> list[tuple[float, float]]:
    """Where each begins and ends from left to right, of those on the axis."""
    boxes = [one.get_window_extent() for one in texts if one.get_text()]
    spans = [(box.x0, box.x1) for box in boxes]
    return sorted(one for one in spans if within[0] - 1 <= sum(one) / 2 <= within[1] + 1)


@pytest.mark.parametrize("values", [WIDE, [9.0, 8.0, 7.0, 6.0], [5e6, 2.0, -3.0, -4e6], [1e8] * 4])
@pytest.mark.parametrize("tried", [30, 700, 20_000, 3_000_000])
def test_no_number_stands_on_another(plain: Report, values: list[float], tried: int) -> None:
    figure = figure_of(spread(plain, values, tried))
    left, curves, _ = figure.axes
    for axes in (left, curves):
        box = axes.get_window_extent()
        spans = shown(axes.get_xticklabels(), (box.x0, box.x1))
        assert len(spans) >= 2
        assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))
    beside = min(one.get_window_extent().x0 for one in curves.get_yticklabels() if one.get_text())
    for one in left.get_children():
        if isinstance(one, Annotation):
            assert one.get_window_extent().x1 < beside


def test_fitness_of_more_than_three_decades_has_a_logarithmic_axis_that_says_so(
    plain: Report,
) -> None:
    left, curves, _ = figure_of(spread(plain, [5e6, 4e6, 30.0, 20.0])).axes
    assert left.get_xscale() == curves.get_yscale() == "symlog"
    assert left.get_xlabel() == "logarithmic axis"
    assert curves.get_title(loc="left").endswith("(logarithmic)")
    left, curves, _ = figure_of(spread(plain, [500.0, 400.0, 200.0, 100.0])).axes
    assert left.get_xscale() == curves.get_yscale() == "linear"
    assert left.get_xlabel() == ""
