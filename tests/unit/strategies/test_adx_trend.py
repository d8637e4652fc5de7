"""The leading movement is followed while ADX is high; the other one leading ends the position."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, ranges, said

RISE_AND_FALL = [10, 11, 10, 11, 10, 11, 10, 11, 12, 13, 14, 13, 12, 11, 10, 10, 11]


@pytest.mark.parametrize(
    ("closes", "threshold", "expected"),
    [
        (RISE_AND_FALL, 50, "............----."),
        (RISE_AND_FALL, 25, "............----+"),
        ([21 - c for c in RISE_AND_FALL], 50, "............++++."),
        ([21 - c for c in RISE_AND_FALL], 25, "............++++-"),
        ([10] * 9, 10, "........."),
    ],
    ids=[
        "a crossing in a weak trend closes",
        "a crossing in a strong trend reverses",
        "closes, mirrored",
        "reverses, mirrored",
        "flat",
    ],
)
def test_the_side_is_that_of_the_leading_movement(
    closes: list[float], threshold: float, expected: str
) -> None:
    assert said(alone("adx_trend", window=3, threshold=threshold), minutes(closes)) == expected


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(30, "........++++--..."), (50, "..........++....."), (60, "." * 17)],
)
def test_a_higher_threshold_waits_for_a_stronger_trend(threshold: float, expected: str) -> None:
    swings = [(10, 11), (11, 12)] * 4
    trends = [(12, 13), (13, 14), (14, 15), (13, 14), (12, 13), (11, 12)]
    calm = [(12, 13), (12, 13), (13, 14)]
    lone = alone("adx_trend", window=3, threshold=threshold)
    assert said(lone, ranges(*swings, *trends, *calm)) == expected
