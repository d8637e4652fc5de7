"""Bars are checked at the door, built from ticks and grouped by the clock."""

import copy
import re

import numpy as np
import pytest

from liveopt.core.bars import (
    DAY_NS,
    INTERVALS,
    MINUTE_NS,
    SECOND_NS,
    BadBar,
    BarBuilder,
    Bars,
    check,
    floor_ns,
    infer_interval_ns,
    interval_ns,
    resample,
)
from liveopt.core.events import Bar, Closed, Gap, LateTick, Tick

NOON_NS = 1_704_110_400 * SECOND_NS  # 2024-01-01 12:00 UTC


def minutes(*offsets: int) -> Bars:
    """One bar at each minute after noon, its prices told apart by the minute."""
    return Bars.of(
        Bar(NOON_NS + m * MINUTE_NS, 10.0 + m, 12.0 + m, 9.0 + m, 11.0 + m, 1.0) for m in offsets
    )


def tick(second: int, price: float, size: float = 1.0) -> Tick:
    return Tick(NOON_NS + second * SECOND_NS, price, size)


def flat(second: int, price: float) -> Bar:
    return Bar(NOON_NS + second * SECOND_NS, price, price, price, price, 0.0)


def rows(bars: Bars) -> list[tuple[float, ...]]:
    columns = (bars.at_ns, *bars.floats())
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_an_interval_is_known_by_its_name() -> None:
    assert [interval_ns(name) // SECOND_NS for name in ("1s", "1m", "1d")] == [1, 60, 86_400]


def test_an_unknown_interval_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"no interval '2m'; the intervals are 1s, 5s, .*, 1d"):
        interval_ns("2m")


@pytest.mark.parametrize("name", INTERVALS)
def test_intervals_are_counted_from_midnight_utc(name: str) -> None:
    midnight_ns = NOON_NS - DAY_NS // 2
    width_ns = INTERVALS[name]
    assert floor_ns(midnight_ns, width_ns) == midnight_ns
    assert floor_ns(midnight_ns + width_ns - 1, width_ns) == midnight_ns
    assert floor_ns(midnight_ns - 1, width_ns) == midnight_ns - width_ns


def test_a_part_of_bars_has_the_rows_between_its_bounds() -> None:
    bars = minutes(0, 1, 2, 3)
    assert len(bars.part(1, 3)) == 2
    assert rows(bars.part(1, 3)) == rows(minutes(1, 2))


def test_good_bars_pass_the_door() -> None:
    check(minutes(0, 1, 5))
    check(minutes())


@pytest.mark.parametrize("column", ["open", "high", "low", "close"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 0.0, -1.0])
def test_a_price_that_is_not_positive_and_finite_is_refused(column: str, value: float) -> None:
    bars = minutes(0, 1, 2, 3)
    getattr(bars, column)[2] = value
    with pytest.raises(BadBar, match=r"row 2 \(the first row is row 0\)") as caught:
        check(bars)
    assert caught.value.row == 2


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_volume_that_is_negative_or_not_finite_is_refused(value: float) -> None:
    bars = minutes(0, 1)
    bars.volume[1] = value
    with pytest.raises(BadBar, match="volume is") as caught:
        check(bars)
    assert (caught.value.row, caught.value.column) == (1, "volume")


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("high", 10.9, "high is 10.9, below the open or the close"),
        ("low", 10.1, "low is 10.1, above the open or the close"),
        ("open", 12.1, "high is 12.0, below the open or the close"),
        ("close", 8.9, "low is 9.0, above the open or the close"),
    ],
)
def test_open_and_close_lie_between_low_and_high(column: str, value: float, why: str) -> None:
    bars = minutes(0)
    getattr(bars, column)[0] = value
    with pytest.raises(BadBar, match=re.escape(why)):
        check(bars)


@pytest.mark.parametrize("second", [0, -1])
def test_times_that_do_not_increase_are_refused(second: int) -> None:
    with pytest.raises(BadBar, match="not later than the row before") as caught:
        check(minutes(0, second))
    assert (caught.value.row, caught.value.column) == (1, "at_ns")
    assert caught.value.value == NOON_NS + second * MINUTE_NS


def test_the_first_of_several_bad_bars_is_named() -> None:
    bars = minutes(0, 1, 2, 3)
    bars.open[3] = -1.0
    bars.volume[1] = -1.0
    with pytest.raises(BadBar) as caught:
        check(bars)
    assert (caught.value.row, caught.value.value) == (1, -1.0)
    assert caught.value.why == "not a finite amount of 0 or more"


def test_columns_of_different_lengths_are_a_bug() -> None:
    bars = minutes(0, 1)
    with pytest.raises(AssertionError):
        Bars(bars.at_ns, bars.open, bars.high, bars.low, bars.close, bars.volume[:1])


def test_a_bar_holds_first_highest_lowest_and_last_price_and_the_sum_of_sizes() -> None:
    builder = BarBuilder(MINUTE_NS)
    for each in (tick(5, 10.0, 1.0), tick(20, 12.0, 2.0), tick(30, 9.0, 3.0), tick(59, 11.0, 4.0)):
        assert builder.add(each) == Closed()
    assert builder.add(tick(60, 50.0)).bars == (Bar(NOON_NS, 10.0, 12.0, 9.0, 11.0, 10.0),)


def test_minutes_without_trades_repeat_the_last_close_without_volume() -> None:
    builder = BarBuilder(MINUTE_NS)
    builder.add(tick(0, 10.0))
    closed = builder.add(tick(185, 20.0))
    assert closed.bars[1:] == (flat(60, 10.0), flat(120, 10.0))
    assert builder.bar == Bar(NOON_NS + 180 * SECOND_NS, 20.0, 20.0, 20.0, 20.0, 1.0)


def test_the_clock_closes_a_bar_at_its_end_and_not_before() -> None:
    builder = BarBuilder(MINUTE_NS)
    builder.add(tick(5, 10.0))
    assert builder.seal(NOON_NS + MINUTE_NS - 1) == Closed()
    assert builder.seal(NOON_NS + MINUTE_NS).bars == (Bar(NOON_NS, 10.0, 10.0, 10.0, 10.0, 1.0),)
    assert builder.seal(NOON_NS + MINUTE_NS) == Closed()


def test_the_clock_closes_nothing_before_the_first_tick() -> None:
    builder = BarBuilder(MINUTE_NS)
    assert builder.seal(NOON_NS) == Closed()
    assert builder == BarBuilder(MINUTE_NS)


def test_a_clock_that_runs_behind_the_ticks_closes_nothing() -> None:
    builder = BarBuilder(MINUTE_NS)
    builder.add(tick(100, 10.0))
    before = copy.copy(builder)
    assert builder.seal(NOON_NS) == Closed()
    assert builder == before


def test_a_quiet_market_is_filled_the_same_by_the_clock_and_by_the_next_tick() -> None:
    by_clock, by_tick = BarBuilder(MINUTE_NS), BarBuilder(MINUTE_NS)
    by_clock.add(tick(0, 10.0))
    by_tick.add(tick(0, 10.0))
    bars = [
        *by_clock.seal(NOON_NS + MINUTE_NS).bars,
        *by_clock.seal(NOON_NS + 3 * MINUTE_NS).bars,
        *by_clock.add(tick(200, 11.0)).bars,
    ]
    assert bars == list(by_tick.add(tick(200, 11.0)).bars)
    assert by_clock == by_tick


def test_a_late_tick_changes_no_bar_and_is_handed_back() -> None:
    builder = BarBuilder(MINUTE_NS)
    builder.add(tick(65, 10.0))
    late = tick(59, 99.0)
    open_ns = NOON_NS + MINUTE_NS
    assert builder.add(late) == Closed(late=LateTick(late, open_ns))
    assert builder.late == 1
    assert builder.seal(open_ns + MINUTE_NS).bars == (Bar(open_ns, 10.0, 10.0, 10.0, 10.0, 1.0),)


def test_a_tick_of_a_bar_that_the_clock_closed_is_late() -> None:
    builder = BarBuilder(MINUTE_NS)
    builder.add(tick(0, 10.0))
    builder.seal(NOON_NS + MINUTE_NS)
    assert builder.add(tick(59, 11.0)).late is not None


def test_a_tick_out_of_order_within_the_open_bar_still_counts() -> None:
    builder = BarBuilder(MINUTE_NS)
    builder.add(tick(30, 10.0))
    assert builder.add(tick(10, 12.0)) == Closed()
    assert builder.bar == Bar(NOON_NS, 10.0, 12.0, 10.0, 12.0, 2.0)


def test_a_day_of_silence_is_filled() -> None:
    builder = BarBuilder(DAY_NS // 24)
    builder.add(tick(0, 10.0))
    closed = builder.add(tick(25 * 3600, 11.0))
    assert closed.gap is None
    assert len(closed.bars) == 1 + 24


def test_after_more_than_a_day_of_silence_the_bars_start_anew() -> None:
    hour_ns = DAY_NS // 24
    builder = BarBuilder(hour_ns)
    builder.add(tick(0, 10.0))
    closed = builder.add(tick(26 * 3600, 11.0))
    assert closed.bars == (Bar(NOON_NS, 10.0, 10.0, 10.0, 10.0, 1.0),)
    assert closed.gap == Gap(NOON_NS + hour_ns, NOON_NS + 26 * hour_ns)
    assert builder.last_close is None


def test_after_a_gap_nothing_is_invented_until_the_next_trade() -> None:
    builder = BarBuilder(MINUTE_NS)
    builder.add(tick(0, 10.0))
    assert builder.seal(NOON_NS + 2 * DAY_NS).gap is not None
    assert builder.seal(NOON_NS + 2 * DAY_NS + 5 * MINUTE_NS) == Closed()
    assert builder.add(tick(2 * 86_400 + 600, 11.0)) == Closed()


@pytest.mark.parametrize(
    ("price", "size"), [(float("nan"), 1.0), (0.0, 1.0), (float("inf"), 1.0), (1.0, -1.0)]
)
def test_a_tick_that_is_no_trade_is_a_bug_of_the_feed(price: float, size: float) -> None:
    with pytest.raises(AssertionError):
        BarBuilder(MINUTE_NS).add(tick(0, price, size))


def test_a_copy_of_the_builder_goes_its_own_way() -> None:
    builder = BarBuilder(MINUTE_NS)
    builder.add(tick(0, 10.0))
    other = copy.copy(builder)
    other.add(tick(1, 12.0))
    assert builder.bar == Bar(NOON_NS, 10.0, 10.0, 10.0, 10.0, 1.0)
    assert other != builder


@pytest.mark.parametrize(
    ("offsets", "marks", "opens"),
    [
        # the minutes that exist, the marks on them, the minutes at which the closed bars open
        ((0, 1, 2, 3, 4), (0, 0, 0, 0, 1), (0,)),
        ((0, 1, 2, 3), (0, 0, 0, 0), ()),  # still open: minute 4 may come
        ((0, 1, 2, 3, 5), (0, 0, 0, 1, 0), (0,)),  # minute 4 will not come any more
        ((0, 2, 4, 5), (0, 0, 1, 0), (0,)),  # a hole inside is no matter
        ((3, 4, 5, 6, 7, 8, 9), (0, 1, 0, 0, 0, 0, 1), (0, 5)),  # the first may be short
        ((1, 16, 17), (1, 0, 0), (0,)),  # nothing at 5 and 10: no signal bars there
        ((4, 9, 14), (1, 1, 1), (0, 5, 10)),
        ((), (), ()),
    ],
)
def test_a_signal_bar_closes_with_its_last_fine_bar(
    offsets: tuple[int, ...], marks: tuple[int, ...], opens: tuple[int, ...]
) -> None:
    closes, signal = resample(minutes(*offsets), MINUTE_NS, 5 * MINUTE_NS)
    assert closes.dtype == np.uint8
    assert tuple(closes.tolist()) == marks
    assert signal.at_ns.tolist() == [NOON_NS + minute * MINUTE_NS for minute in opens]


def test_a_signal_bar_has_the_prices_and_volume_of_its_fine_bars() -> None:
    bars = minutes(0, 1, 2, 3, 4, 5, 6)
    bars.high[2], bars.low[3] = 99.0, 1.0
    _, signal = resample(bars, MINUTE_NS, 5 * MINUTE_NS)
    assert rows(signal) == [(NOON_NS, 10.0, 99.0, 1.0, 15.0, 5.0)]
    check(signal)


def test_signal_bars_of_the_fine_interval_are_the_fine_bars() -> None:
    bars = minutes(0, 1, 3)
    closes, signal = resample(bars, MINUTE_NS, MINUTE_NS)
    assert closes.tolist() == [1, 1, 1]
    assert rows(signal) == rows(bars)


@pytest.mark.parametrize(
    ("fine_ns", "signal_ns"),
    [(MINUTE_NS, 90 * SECOND_NS), (5 * MINUTE_NS, MINUTE_NS), (0, MINUTE_NS), (MINUTE_NS, 0)],
)
def test_a_signal_bar_is_made_of_whole_fine_bars(fine_ns: int, signal_ns: int) -> None:
    with pytest.raises(ValueError, match="not made of whole bars"):
        resample(minutes(0, 1), fine_ns, signal_ns)


def test_the_interval_of_bars_is_their_most_common_step() -> None:
    assert infer_interval_ns(minutes(0, 1, 2, 7, 8)) == MINUTE_NS
    assert infer_interval_ns(minutes(0, 5, 6)) == MINUTE_NS


def test_an_interval_needs_two_bars() -> None:
    with pytest.raises(ValueError, match="at least 2 bars, there are 1"):
        infer_interval_ns(minutes(0))


def test_a_step_that_is_no_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="most bars are 120 s apart; intervals are 1s"):
        infer_interval_ns(minutes(0, 2, 4))
