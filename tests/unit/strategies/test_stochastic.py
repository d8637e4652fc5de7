"""%K crossing %D counts in the zones alone."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said

CLOSES = [10, 11, 12, 11, 10, 9, 8, 7, 6, 7, 8, 9, 10, 11, 12, 11, 10]


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        (CLOSES, ".........++++++--"),
        ([20 - c for c in CLOSES], ".........------++"),
        ([10, 12, 11, 12, 11, 12, 11, 12, 11], "........."),
        ([10] * 9, "........."),
    ],
    ids=["down and up", "the mirror image", "crossings between the zones", "flat"],
)
def test_a_crossing_in_a_zone_gives_the_side(closes: list[float], expected: str) -> None:
    lone = alone("stochastic", window=5, smooth=1, signal=2)
    assert said(lone, minutes(closes)) == expected
