"""On-balance volume crossing its average gives the side."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said

CLOSES = [10, 11, 10, 11, 10, 11, 12, 11, 10]
SIZES = [1, 1, 1, 1, 1, 5, 1, 3, 9]


@pytest.mark.parametrize(
    ("closes", "sizes", "expected"),
    [
        (CLOSES, SIZES, "...+-++--"),
        (CLOSES, [0] * 9, "........."),
        ([10] * 9, SIZES, "........."),
        ([10, 11, 12, 13, 14, 15], [1] * 6, "......"),
    ],
    ids=["with the volume", "no volume", "flat", "above from the beginning"],
)
def test_the_side_is_that_of_the_last_crossing(
    closes: list[float], sizes: list[float], expected: str
) -> None:
    assert said(alone("obv_trend", window=3), minutes(closes, sizes)) == expected
