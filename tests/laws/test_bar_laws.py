"""Bars are a fold over ticks: where the stream is cut, and how it is counted, changes nothing."""

import copy

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import MINUTE_NS, SECOND_NS, BarBuilder, Bars, check, floor_ns, resample
from liveopt.core.events import Bar, Tick

START_NS = 1_704_067_200 * SECOND_NS

# Multiples of 1/8 add up without rounding, so that sums may be compared exactly.
eighths = st.integers(1, 80_000).map(lambda n: n / 8.0)
steps_s = st.one_of(st.integers(0, 30), st.integers(0, 600))


@st.composite
def streams(draw: st.DrawFn) -> list[Tick]:
    moves = draw(st.lists(st.tuples(steps_s, eighths, eighths), min_size=1, max_size=60))
    at_ns = START_NS
    ticks = []
    for step_s, price, size in moves:
        at_ns += step_s * SECOND_NS
        ticks.append(Tick(at_ns, price, size))
    return ticks


def fold(builder: BarBuilder, ticks: list[Tick]) -> list[Bar]:
    return [bar for tick in ticks for bar in builder.add(tick).bars]


def naive(ticks: list[Tick]) -> list[Bar]:
    """The closed bars by a dictionary of minutes."""
    groups: dict[int, list[Tick]] = {}
    for tick in ticks:
        groups.setdefault(floor_ns(tick.at_ns, MINUTE_NS), []).append(tick)
    bars: list[Bar] = []
    for at_ns in range(min(groups), max(groups), MINUTE_NS):
        prices = [tick.price for tick in groups.get(at_ns, [])] or [bars[-1].close]
        volume = sum(tick.size for tick in groups.get(at_ns, []))
        bars.append(Bar(at_ns, prices[0], max(prices), min(prices), prices[-1], volume))
    return bars


@given(streams(), st.integers(0, 60))
def test_a_cut_of_the_ticks_anywhere_gives_the_same_bars(ticks: list[Tick], cut: int) -> None:
    whole, first = BarBuilder(MINUTE_NS), BarBuilder(MINUTE_NS)
    bars = fold(first, ticks[:cut])
    second = copy.copy(first)
    assert bars + fold(second, ticks[cut:]) == fold(whole, ticks)
    assert second == whole


@given(streams())
def test_bars_agree_with_a_dictionary_of_minutes(ticks: list[Tick]) -> None:
    bars = fold(BarBuilder(MINUTE_NS), ticks)
    assert bars == naive(ticks)
    check(Bars.of(bars))


@given(streams(), st.integers(1, 60))
def test_a_prefix_of_ticks_gives_a_prefix_of_bars(ticks: list[Tick], length: int) -> None:
    bars = fold(BarBuilder(MINUTE_NS), ticks)
    early = fold(BarBuilder(MINUTE_NS), ticks[:length])
    assert bars[: len(early)] == early


@given(streams())
def test_no_volume_is_lost(ticks: list[Tick]) -> None:
    builder = BarBuilder(MINUTE_NS)
    bars = fold(builder, ticks)
    bars += builder.seal(ticks[-1].at_ns + MINUTE_NS).bars
    assert sum(bar.volume for bar in bars) == sum(tick.size for tick in ticks)


@given(streams(), st.sets(st.integers(0, 59)))
def test_a_clock_that_is_on_time_changes_no_bar(ticks: list[Tick], sealed: set[int]) -> None:
    builder = BarBuilder(MINUTE_NS)
    bars: list[Bar] = []
    for index, tick in enumerate(ticks):
        if index in sealed:
            bars += builder.seal(tick.at_ns).bars
        bars += builder.add(tick).bars
    assert bars == fold(BarBuilder(MINUTE_NS), ticks)


@given(streams(), st.lists(st.integers(1, 600), max_size=5))
def test_late_ticks_change_no_bar(ticks: list[Tick], ages_s: list[int]) -> None:
    builder = BarBuilder(MINUTE_NS)
    bars = fold(builder, ticks)
    before = copy.copy(builder)
    assert builder.open_ns is not None
    for age_s in ages_s:
        closed = builder.add(Tick(builder.open_ns - age_s * SECOND_NS, 1.0, 1.0))
        assert closed.bars == ()
        assert closed.late is not None
    assert builder.late == len(ages_s)
    builder.late = 0
    assert builder == before
    assert bars == naive(ticks)


@given(streams(), st.sets(st.integers(0, 200)), st.integers(0, 600))
def test_signal_bars_of_a_prefix_are_a_prefix_of_the_signal_bars(
    ticks: list[Tick], missing: set[int], length: int
) -> None:
    minutes = fold(BarBuilder(MINUTE_NS), ticks)
    bars = Bars.of(bar for index, bar in enumerate(minutes) if index not in missing)
    closes, signal = resample(bars, MINUTE_NS, 5 * MINUTE_NS)
    early_closes, early = resample(bars.part(0, length), MINUTE_NS, 5 * MINUTE_NS)
    assert closes.sum() == len(signal)
    final = max(0, len(early_closes) - 1)
    assert np.array_equal(closes[:final], early_closes[:final])
    for column, prefix in zip(signal.floats(), early.floats(), strict=True):
        assert np.array_equal(column[: len(early)], prefix)


@given(streams())
def test_five_minutes_from_minutes_agree_with_five_minutes_from_ticks(ticks: list[Tick]) -> None:
    minutes = Bars.of(fold(BarBuilder(MINUTE_NS), ticks))
    _, signal = resample(minutes, MINUTE_NS, 5 * MINUTE_NS)
    built = Bars.of(fold(BarBuilder(5 * MINUTE_NS), ticks))
    assert np.array_equal(signal.at_ns, built.at_ns)
    assert np.array_equal(signal.close, built.close)
    assert np.array_equal(signal.volume, built.volume)
    # A minute without trades repeats a price that ticks would not have seen in these five.
    assert (signal.high >= built.high).all()
    assert (signal.low <= built.low).all()
