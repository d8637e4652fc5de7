"""Out of the band a side is taken, at the average it is given up."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said

CLOSES = [10, 10.5, 10, 10.5, 10, 10.5, 12, 13, 13, 12, 11, 10, 9, 9, 10, 11]


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        (CLOSES, "......+++..---.."),
        ([20 - c for c in CLOSES], "......---..+++.."),
        ([10.0, 12, 14, 16, 18, 20, 22], "......."),
        ([10] * 8, "........"),
    ],
    ids=["up and down", "the mirror image", "outside from the beginning", "flat"],
)
def test_a_breakout_is_held_until_the_close_is_back_at_the_average(
    closes: list[float], expected: str
) -> None:
    lone = alone("keltner_breakout", window=4, atr=3, mult=1)
    assert said(lone, minutes(closes)) == expected
