"""The MACD line crossing its signal line gives the side."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([10, 10, 10, 10, 10, 10, 11, 12, 12, 12, 11, 9, 9, 9], "......+++----+"),
        ([10, 10, 10, 10, 10, 10, 9, 8, 8, 8, 9, 11, 11, 11], "......---++++-"),
        ([10, 10.1, 10.3, 10.6, 11, 11.5, 12.1], "......."),
        ([10] * 9, "........."),
    ],
    ids=[
        "a rise that tires, falls and stops falling",
        "the mirror image",
        "above from the beginning",
        "flat",
    ],
)
def test_the_side_is_that_of_the_last_crossing(closes: list[float], expected: str) -> None:
    assert said(alone("macd", fast=2, slow=4, signal=2), minutes(closes)) == expected


def test_the_signal_line_begins_with_the_first_complete_macd_line() -> None:
    lone = alone("macd", fast=2, slow=3, signal=2)
    said(lone, minutes([10, 12, 17]))
    assert lone.m.fast - lone.m.slow == pytest.approx(lone.m.signal)
