"""Three averages in order give a side; out of order they give none."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said

both_kinds = pytest.mark.parametrize("kind", ["ema", "sma"])


@both_kinds
@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([10, 10, 10, 10, 10, 11, 12, 11, 9, 8], ".....+++--"),
        ([10, 10, 10, 10, 10, 9, 8, 9, 11, 12], ".....---++"),
        ([10, 11, 12, 13, 14, 15, 16], "......."),
        ([10, 10, 10, 10, 10, 10, 10], "......."),
    ],
    ids=["up then down", "down then up", "in order from the beginning", "flat"],
)
def test_a_side_is_taken_when_the_averages_come_to_stand_in_its_order(
    kind: str, closes: list[float], expected: str
) -> None:
    lone = alone("triple_ma", {"kind": kind}, fast=2, middle=3, slow=4)
    assert said(lone, minutes(closes)) == expected


@both_kinds
def test_a_pullback_that_puts_the_averages_out_of_order_closes_the_position(kind: str) -> None:
    lone = alone("triple_ma", {"kind": kind}, fast=2, middle=4, slow=8)
    closes = [10] * 8 + [11, 12, 13, 14, 13, 12, 12, 14, 16]
    assert said(lone, minutes(closes)) == "........+++++..++"
