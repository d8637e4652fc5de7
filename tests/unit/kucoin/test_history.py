"""Pages cover a stretch once and whole, gaps are counted, and what is filled in is flat."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import DAY_NS, MINUTE_NS, Bars, check
from liveopt.core.events import Bar, Gap
from liveopt.kucoin.history import filled, gaps, pages
from liveopt.kucoin.words import ROWS_MAX, Venue

NOON_NS = 1_704_110_400_000_000_000


def bars_at(*minutes: int) -> Bars:
    return Bars.of(
        Bar(NOON_NS + m * MINUTE_NS, 10.0 + m, 12.0 + m, 9.0 + m, 11.0 + m, 5.0) for m in minutes
    )


def minute(count: int) -> int:
    return NOON_NS + count * MINUTE_NS


@given(st.integers(0, 5_000), st.sampled_from(["spot", "futures"]))
def test_pages_cover_the_stretch_once_oldest_first_and_no_page_is_too_long(
    count: int, venue: Venue
) -> None:
    asked = list(pages(venue, MINUTE_NS, NOON_NS, minute(count)))
    covered = [at_ns for page in asked for at_ns in range(*page, MINUTE_NS)]
    assert covered == list(range(NOON_NS, minute(count), MINUTE_NS))
    assert all(0 < (b - a) // MINUTE_NS <= ROWS_MAX[venue] for a, b in asked)


def test_gaps_are_before_between_and_after() -> None:
    found = gaps(bars_at(2, 3, 6), MINUTE_NS, NOON_NS, minute(10))
    assert found == [
        Gap(minute(0), minute(2)),
        Gap(minute(4), minute(6)),
        Gap(minute(7), minute(10)),
    ]


def test_a_stretch_without_gaps_has_none_and_one_without_candles_is_one() -> None:
    assert gaps(bars_at(0, 1, 2), MINUTE_NS, NOON_NS, minute(3)) == []
    assert gaps(bars_at(), MINUTE_NS, NOON_NS, minute(3)) == [Gap(minute(0), minute(3))]


def test_what_is_filled_in_is_flat_at_the_close_before_and_without_volume() -> None:
    full = filled(bars_at(1, 4), MINUTE_NS)
    assert full.at_ns.tolist() == [minute(m) for m in (1, 2, 3, 4)]
    for column in full.floats()[:4]:
        assert column[1:3].tolist() == [12.0, 12.0]
    assert full.volume.tolist() == [5.0, 0.0, 0.0, 5.0]
    assert full.high.tolist() == [13.0, 12.0, 12.0, 16.0]


def test_a_silence_of_more_than_a_day_stays_a_gap() -> None:
    day = DAY_NS // MINUTE_NS
    assert len(filled(bars_at(0, day + 1), MINUTE_NS)) == day + 2
    assert len(filled(bars_at(0, day + 2), MINUTE_NS)) == 2
    assert len(filled(bars_at(0, day + 2, day + 5), MINUTE_NS)) == 5


def test_nothing_is_filled_out_of_nothing() -> None:
    assert len(filled(bars_at(), MINUTE_NS)) == 0


@given(st.sets(st.integers(0, 400), min_size=1))
def test_after_filling_no_minute_is_missing_and_no_candle_has_changed(minutes: set[int]) -> None:
    bars = bars_at(*sorted(minutes))
    full = filled(bars, MINUTE_NS)
    check(full)
    first, last = minute(min(minutes)), minute(max(minutes) + 1)
    assert gaps(full, MINUTE_NS, first, last) == []
    traded = full.volume > 0.0
    for ours, theirs in zip(full.floats(), bars.floats(), strict=True):
        assert np.array_equal(ours[traded], theirs)
    assert np.array_equal(full.at_ns[traded], bars.at_ns)
    again = filled(full, MINUTE_NS)
    assert np.array_equal(again.at_ns, full.at_ns)
    assert np.array_equal(again.volume, full.volume)


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_filling_piece_by_piece_is_filling_at_once(cut: int) -> None:
    """How a file is extended: the filled beginning, then what came since."""
    bars = bars_at(0, 3, 5, 9)
    first, rest = filled(bars.part(0, cut), MINUTE_NS), bars.part(cut, 4)
    columns = zip((first.at_ns, *first.floats()), (rest.at_ns, *rest.floats()), strict=True)
    pieces = filled(Bars(*(np.concatenate(pair) for pair in columns)), MINUTE_NS)
    assert np.array_equal(pieces.close, filled(bars, MINUTE_NS).close)
    assert np.array_equal(pieces.at_ns, filled(bars, MINUTE_NS).at_ns)
