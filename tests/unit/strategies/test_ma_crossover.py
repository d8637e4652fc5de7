"""The fast average crossing the slow one gives the side."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said


@pytest.mark.parametrize(
    ("kind", "closes", "expected"),
    [
        ("ema", [10, 10, 10, 10, 11, 12, 11.5, 9, 8, 8, 10], "....+++---+"),
        ("sma", [10, 10, 10, 10, 11, 12, 11.5, 9, 8, 8, 10], "....+++---+"),
        ("wma", [10, 10, 10, 10, 11, 12, 11.5, 9, 8, 8, 10], "....+++---+"),
        ("ema", [10, 11, 12, 13, 14, 15], "......"),
        ("sma", [10, 11, 12, 13, 14, 15], "......"),
        ("wma", [10, 11, 12, 13, 14, 15], "......"),
    ],
)
def test_the_side_is_that_of_the_last_crossing(
    kind: str, closes: list[float], expected: str
) -> None:
    lone = alone("ma_crossover", {"kind": kind}, fast=2, slow=3)
    assert said(lone, minutes(closes)) == expected
