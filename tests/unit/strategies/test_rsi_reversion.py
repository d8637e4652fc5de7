"""Against an extreme RSI, until it is back at 50."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said

CLOSES = [10, 10.1, 10, 10.1, 10, 9, 8, 8.3, 8.6, 9, 9.5, 10, 10.5, 11, 10.7, 10.5, 10.3, 10]


@pytest.mark.parametrize(
    ("entry", "closes", "expected"),
    [
        ("leaves", CLOSES, "........+......-.."),
        ("enters", CLOSES, ".....++++.------.+"),
        ("leaves", [20 - c for c in CLOSES], "........-......+.."),
        ("enters", [20 - c for c in CLOSES], ".....----.++++++.-"),
        ("leaves", [10, 10, 10, 10, 10, 10, 11, 12], "........"),
        ("enters", [10, 10, 10, 10, 10, 10, 9, 8], "......++"),
        ("enters", [10] * 8, "........"),
        ("leaves", [10, 10.1, 10, 10.1, 10, 9, 8, 12], "........"),
    ],
    ids=[
        "back from both extremes",
        "into both extremes",
        "back from both, mirrored",
        "into both, mirrored",
        "a market that did not move was not oversold",
        "but its first fall is",
        "flat",
        "from oversold to overbought in one bar is no entry",
    ],
)
def test_an_extreme_is_traded_against_until_the_middle(
    entry: str, closes: list[float], expected: str
) -> None:
    assert said(alone("rsi_reversion", {"entry": entry}, window=3), minutes(closes)) == expected
