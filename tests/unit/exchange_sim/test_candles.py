"""Candles say what the trades said, for every length, and never more than is kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.exchange_sim.candles import INTERVALS_S, KEPT, SLACK, Candles, Row

T0_S = 1_760_000_000
Trade = tuple[int, int, int]

TRADES = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 20, 61, 300, 4_000, 90_000, 700_000]),
        st.integers(1, 50),
        st.integers(1, 9),
    ),
    max_size=60,
).map(
    lambda steps: [
        (T0_S + sum(step[0] for step in steps[: i + 1]), ticks, lots)
        for i, (_, ticks, lots) in enumerate(steps)
    ]
)


def brute(trades: list[Trade], interval_s: int) -> list[Row]:
    """Every interval by looking through all trades again."""
    rows = []
    for start_s in sorted({at_s - at_s % interval_s for at_s, _, _ in trades}):
        inside = [(p, n) for at_s, p, n in trades if start_s <= at_s < start_s + interval_s]
        prices = [p for p, _ in inside]
        rows.append((
            *(start_s, prices[0], prices[-1], max(prices), min(prices)),
            *(sum(n for _, n in inside), sum(p * n for p, n in inside)),
        ))  # fmt: skip
    return rows


def folded(trades: list[Trade]) -> Candles:
    candles = Candles()
    for at_s, ticks, lots in trades:
        candles.add(at_s * 1_000_000_000 + 999, ticks, lots)
    return candles


@given(TRADES)
@settings(max_examples=150, deadline=None)
def test_candles_of_every_length_are_the_fold_of_the_trades(trades: list[Trade]) -> None:
    candles = folded(trades)
    for interval_s in INTERVALS_S:
        assert candles.rows(interval_s, 0, 2**40) == brute(trades, interval_s)


@given(TRADES, TRADES)
@settings(max_examples=100, deadline=None)
def test_a_history_of_minutes_counts_like_the_trades_it_was_made_of(
    early: list[Trade], late: list[Trade]
) -> None:
    begin = early[-1][0] - T0_S if early else 0
    late = [(at_s + begin, ticks, lots) for at_s, ticks, lots in late]
    candles = Candles(brute(early, 60))
    for at_s, ticks, lots in late:
        candles.add(at_s * 1_000_000_000, ticks, lots)
    for interval_s in INTERVALS_S:
        assert candles.rows(interval_s, 0, 2**40) == brute(early + late, interval_s)


def test_a_window_takes_the_candles_that_open_in_it_and_the_open_one_at_once() -> None:
    base = T0_S - T0_S % 300
    candles = folded([(base, 5, 1), (base + 60, 6, 1), (base + 299, 7, 2), (base + 600, 8, 3)])
    opens = [row[0] - base for row in candles.rows(60, base + 60, base + 600)]
    assert opens == [60, 240]
    assert [row[0] - base for row in candles.rows(60, base, base + 601)] == [0, 60, 240, 600]
    assert candles.rows(300, base, base + 1) == [(base, 5, 7, 7, 5, 4, 25)]
    assert candles.rows(300, base + 600, base + 900) == [(base + 600, 8, 8, 8, 8, 3, 24)]
    assert candles.rows(300, base + 300, base + 600) == []


def test_asking_changes_nothing() -> None:
    candles = folded([(T0_S, 5, 1), (T0_S + 1, 6, 1)])
    before = candles.rows(300, 0, 2**40)
    assert candles.rows(300, 0, 2**40) == before == brute([(T0_S, 5, 1), (T0_S + 1, 6, 1)], 300)


def test_no_trades_no_candles_and_an_unknown_length_is_refused() -> None:
    assert Candles().rows(60, 0, 2**40) == []
    with pytest.raises(ValueError, match="no candles of 59 s"):
        Candles().rows(59, 0, 2**40)


def test_the_oldest_minutes_are_dropped_and_longer_candles_stay_whole() -> None:
    candles = Candles()
    minutes = KEPT + SLACK + 10
    begin = T0_S - T0_S % 86_400
    for minute in range(minutes):
        candles.add((begin + minute * 60) * 1_000_000_000, 100, 1)
    rows = candles.rows(60, 0, 2**40)
    assert KEPT <= len(rows) <= KEPT + SLACK + 1
    assert rows[-1][0] == begin + (minutes - 1) * 60
    days = candles.rows(86_400, 0, 2**40)
    assert days[0][:1] + days[0][5:6] == (begin, 1_440)
    assert sum(day[5] for day in days) == minutes
