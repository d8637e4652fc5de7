"""Against a close outside the bands, until it is back at the mean."""

import pytest

from tests.unit.strategies.drawn import alone, minutes, said

CLOSES = [10, 10.1, 9.9, 10, 10.1, 9.9, 9, 9.2, 9.6, 10, 10.1, 10, 11, 10.5, 10]


@pytest.mark.parametrize("level", [0.0, 1e6])
@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        (CLOSES, "......++....--."),
        ([20 - c for c in CLOSES], "......--....++."),
        ([10, 10, 10, 10, 10, 9, 8, 7, 6, 5], ".....+++++"),
        ([10.1] * 4 + [10.7] + [10.1] * 9, "." * 14),
    ],
    ids=[
        "down and up",
        "the mirror image",
        "a fall that goes on is bought once",
        "flat after a move",
    ],
)
def test_a_close_outside_the_bands_is_traded_against_until_the_mean(
    closes: list[float], expected: str, level: float
) -> None:
    lone = alone("bollinger_reversion", window=5, mult=1.5)
    assert said(lone, minutes([level + c for c in closes])) == expected
