"""The stop is hit, the side turns; between two turns it is kept."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, ranges, said


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([10, 11, 12, 13, 12, 11, 10, 9, 8, 9, 10, 11], "..++++------"),
        ([10, 10, 10, 10, 10, 10], "......"),
    ],
    ids=["up, then down through the stop", "flat"],
)
def test_the_side_turns_at_the_stop(closes: list[float], expected: str) -> None:
    assert said(alone("parabolic_sar"), minutes(closes)) == expected


def test_a_market_that_falls_first_begins_with_a_falling_trend() -> None:
    lone = alone("parabolic_sar", start=0.1, step=0.1, max=0.2)
    bars = ranges((10, 12), (8, 10), (6, 8), (5, 7), (10, 13), (12, 14), (13, 15), (5, 9))
    assert said(lone, bars[:4]) == "...."
    assert (lone.m.side, lone.m.best, lone.m.pace) == (-1.0, 5.0, 0.2)
    assert said(lone, bars[4:]) == "+++-"


def test_the_stop_never_enters_the_range_of_the_last_two_bars() -> None:
    lone = alone("parabolic_sar", start=0.1, step=0.1, max=0.5)
    said(lone, ranges((10, 11), (11, 20), (19, 40), (20, 60)))
    assert (lone.m.side, lone.m.stop) == (1.0, 19.0)


def test_a_turn_begins_beyond_the_extremes_of_trend_and_bars() -> None:
    lone = alone("parabolic_sar", start=0.02, step=0.02, max=0.2)
    said(lone, ranges((10, 11), (11, 12), (12, 13), (5, 15)))
    assert (lone.m.side, lone.m.stop, lone.m.best, lone.m.pace) == (-1.0, 15.0, 5.0, 0.02)


def test_a_bar_without_a_range_that_rests_on_the_stop_turns_nothing() -> None:
    lone = alone("parabolic_sar")
    said(lone, ranges((10, 11), (10.5, 12)))
    stop = lone.m.stop
    assert said(lone, ranges((stop, stop), (stop, stop))) == ".."
    assert (lone.m.side, lone.m.stop) == (1.0, stop)
    assert said(lone, ranges((stop, 11))) == "-"
