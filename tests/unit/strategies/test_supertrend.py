"""A close beyond the band of ATRs turns the trend."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said

QUIET = [10, 10.5, 10, 10.5, 10, 10.5]


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([*QUIET, 12, 13, 13.5, 12, 11, 10, 12.5], "......+++---+"),
        ([*QUIET, 8.5, 7.5, 7, 8.5, 9.5, 10.5, 8], "......---+++-"),
        ([10] * 8, "........"),
    ],
    ids=["up, down, up", "down, up, down", "flat"],
)
def test_the_trend_turns_with_a_close_beyond_the_band(closes: list[float], expected: str) -> None:
    assert said(alone("supertrend", window=2, mult=1), minutes(closes)) == expected


def test_a_band_only_moves_towards_the_price_until_it_is_broken() -> None:
    lone = alone("supertrend", window=2, mult=1)
    said(lone, minutes([*QUIET, 12, 13]))
    lower = []
    for close in (13.5, 12.8, 13.2, 12.9):
        said(lone, minutes([close]))
        lower.append(lone.m.lower)
    assert lower == sorted(lower)
    said(lone, minutes([8.0]))
    assert lone.m.side == -1.0
    said(lone, minutes([8.0]))
    assert lone.m.lower < 8.0
