"""A close beyond the channel opens; a smaller channel, or the other side, closes."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said

CLOSES = [10, 11, 10, 11, 12, 13, 12, 11, 10, 9, 8, 9, 10, 11]


@pytest.mark.parametrize(
    ("leave", "closes", "expected"),
    [
        ("channel", CLOSES, "....+++.----.+"),
        ("reverse", CLOSES, "....++++-----+"),
        ("channel", [22 - c for c in CLOSES], "....---.++++.-"),
        ("reverse", [22 - c for c in CLOSES], "....----+++++-"),
        ("channel", [10] * 8, "........"),
        ("channel", [10, 10, 10, 12, 12, 12], "......"),
    ],
)
def test_breakouts_open_and_the_smaller_channel_closes(
    leave: str, closes: list[float], expected: str
) -> None:
    lone = alone("donchian_breakout", {"leave": leave}, entry=4, exit=2)
    assert said(lone, minutes(closes)) == expected
