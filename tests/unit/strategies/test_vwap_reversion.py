"""Against a close far from the day's average price, until it is back there."""

import pytest

from liveopt.core.bars import DAY_NS, MINUTE_NS
from tests.unit.strategies.drawn import alone, minutes, said

QUIET = [10, 10.1] * 8
CLOSES = [*QUIET, 10, 9, 9.3, 9.8, 10.2, 10, 11, 10.5, 10, 9.9]


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        (CLOSES, "." * 17 + "+++----.."),
        ([20 - c for c in CLOSES], "." * 17 + "---++++.."),
        ([100.1] * 20, "." * 20),
    ],
    ids=["down and up", "the mirror image", "flat"],
)
def test_a_close_far_from_the_average_is_traded_against_until_it_is_back(
    closes: list[float], expected: str
) -> None:
    assert said(alone("vwap_reversion", band=1), minutes(closes)) == expected


def test_volume_weighs_and_before_any_volume_the_average_is_the_price() -> None:
    lone = alone("vwap_reversion", band=1)
    averages = []
    for bar in minutes([10, 10, 10, 13, 13], [0, 0, 1, 0, 2]):
        said(lone, [bar])
        averages.append(lone.m.vwap)
    assert averages == pytest.approx([10, 10, 10, 10, 12])


def test_the_average_begins_anew_with_the_day() -> None:
    lone = alone("vwap_reversion", band=1)
    before = DAY_NS - 17 * MINUTE_NS
    assert said(lone, minutes([*QUIET, 9], start_ns=before)) == "." * 16 + "+"
    assert said(lone, minutes([9.1, 9.1], start_ns=DAY_NS)) == ".."
    assert lone.m.vwap == pytest.approx(9.1)
