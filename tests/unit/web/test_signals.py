"""Signals and trades between two times, as seed 004 asks for them."""

import pytest
from msgspec.structs import replace

from liveopt.web.api.signals import History
from liveopt.web.kept import Kept, Place
from tests.unit.web.test_older import trade


@pytest.mark.parametrize(
    ("at_ns", "within"),
    [(4_999_999, False), (5_000_000, True), (7_000_001, True), (7_999_999, True),
     (8_000_000, False)],
)  # fmt: skip
def test_both_milliseconds_are_asked_for_with_all_that_is_in_them(at_ns: int, within: bool) -> None:
    wanted = History(startTime=5, endTime=7).wanted()
    assert wanted.takes(Kept(Place(at_ns, "trades", 1), replace(trade(1), at_ns=at_ns))) is within


def test_where_no_time_is_said_any_is_wanted() -> None:
    kept = Kept(Place(1 << 62, "trades", 1), replace(trade(1), at_ns=1 << 62))
    assert History().wanted().takes(kept)
