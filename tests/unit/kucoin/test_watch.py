"""A silence that lasts too long is found in time, a quiet market is left in peace."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import State
from liveopt.kucoin.watch import QUIET_NS_MAX, SILENCE_NS_MIN, Band, Quality, Silence

S = SECOND_NS
MS = 1_000_000


def steady(interval_ns: int, count: int = 200) -> tuple[Silence, int]:
    """A topic with data at an even pace, and when the last came."""
    silence = Silence(0)
    for number in range(1, count + 1):
        assert not silence.data(number * interval_ns)
    return silence, count * interval_ns


def test_it_learns_how_often_data_comes() -> None:
    silence, now_ns = steady(2 * S)
    assert silence.usual_ns == pytest.approx(2 * S)
    for _ in range(200):
        now_ns += S
        silence.data(now_ns)
    assert silence.usual_ns == pytest.approx(S, rel=0.01)
    assert silence.allowed_ns == pytest.approx(3 * S, rel=0.02)
    assert silence.age_ns(now_ns + 5) == 5


def test_a_busy_topic_may_be_silent_for_three_seconds() -> None:
    assert steady(10 * MS)[0].allowed_ns == SILENCE_NS_MIN


@given(
    st.lists(st.integers(0, 20 * S), min_size=1, max_size=60),
    st.integers(0, 100 * MS),
    st.integers(0, 700 * MS),
)
def test_a_silence_is_found_within_what_is_allowed(
    gaps: list[int], beat_ns: int, answer_ns: int
) -> None:
    silence, now_ns = Silence(0), 0
    for gap in gaps:
        now_ns += gap
        silence.data(now_ns)
    asked_ns = silence.probe_ns + beat_ns  # somebody looks ten times a second
    assert asked_ns + answer_ns <= now_ns + max(3 * silence.usual_ns, 3 * S)


def test_a_quiet_market_is_asked_less_and_less_but_once_a_minute() -> None:
    silence, now_ns = steady(S)
    looks, last_ns = [], now_ns
    while now_ns < last_ns + 1800 * S:
        now_ns = silence.probe_ns
        looks.append(now_ns)
        assert silence.quiet(now_ns) == (len(looks) == 1), "told once"
    assert silence.state == "quiet"
    waits = [after - before for before, after in pairwise(looks)]
    assert all(wait >= int(0.7 * silence.allowed_ns) for wait in waits)
    assert waits == sorted(waits)
    assert max(waits) <= QUIET_NS_MAX
    assert len(looks) < 80


def test_what_trades_seldom_is_not_asked_more_often_for_being_quiet() -> None:
    silence, _ = steady(300 * S)
    silence.quiet(silence.probe_ns)
    assert silence.probe_ns - silence._quiet_ns == int(0.7 * silence.allowed_ns)


def test_data_ends_a_quiet_state_and_says_so() -> None:
    silence, now_ns = steady(S)
    silence.quiet(now_ns + 9 * S)
    assert silence.data(now_ns + 10 * S)
    assert silence.state == "live"
    assert not silence.data(now_ns + 11 * S)
    assert silence.probe_ns == now_ns + 11 * S + int(0.7 * silence.allowed_ns)


@pytest.mark.parametrize("state", ["stale", "reconnecting"])
def test_an_outage_teaches_nothing(state: State) -> None:
    silence, now_ns = steady(S)
    silence.state = state
    assert silence.data(now_ns + 7200 * S)
    assert silence.usual_ns == pytest.approx(S)


def test_a_new_connection_counts_its_silence_from_its_start() -> None:
    silence, now_ns = steady(S)
    silence.quiet(now_ns + 9 * S)
    silence.restart(now_ns + 20 * S)
    assert silence.age_ns(now_ns + 21 * S) == S
    assert silence.probe_ns == now_ns + 20 * S + int(0.7 * silence.allowed_ns)
    assert silence.usual_ns == pytest.approx(S)


def test_stale_is_said_once_and_ends_with_data() -> None:
    silence, now_ns = steady(S)
    assert silence.stale()
    assert not silence.stale()
    silence.strikes = 2
    assert silence.data(now_ns + S)
    assert (silence.state, silence.strikes) == ("live", 0)


# Bad frames.


def test_less_than_three_bad_frames_are_an_accident() -> None:
    quality = Quality()
    assert not quality.refuse(0)
    assert not quality.refuse(1)
    assert quality.refuse(2)
    assert quality.bad == 3


@pytest.mark.parametrize(("good", "too_many"), [(296, True), (297, False), (298, False)])
def test_more_than_one_in_a_hundred_are_too_many(good: int, too_many: bool) -> None:
    quality = Quality()
    for _ in range(good):
        quality.good()
    assert [quality.refuse(S) for _ in range(3)] == [False, False, too_many]


def test_only_the_last_ten_seconds_count() -> None:
    quality = Quality()
    for _ in range(10_000):
        quality.good()
    quality.roll(0)
    assert not any(quality.refuse(9 * S) for _ in range(9)), "ten thousand good ones stand by"
    assert quality.refuse(10 * S), "they no longer do"
    quality = Quality()
    quality.refuse(0)
    quality.refuse(0)
    for second in range(1, 11):
        quality.roll(second * S)
    assert not quality.refuse(10 * S)
    assert not quality.refuse(10 * S)
    assert len(quality._slots) <= 10


@given(st.lists(st.tuples(st.integers(0, 3 * S), st.sampled_from("gbr")), max_size=300))
def test_its_memory_is_ten_slots(steps: list[tuple[int, str]]) -> None:
    quality, now_ns, bad = Quality(), 0, 0
    recent: list[tuple[int, bool]] = []
    for passed, what in steps:
        now_ns += passed
        if what == "g":
            quality.good()
            quality.roll(now_ns)
            recent.append((now_ns // S, False))
        elif what == "r":
            quality.roll(now_ns)
        else:
            bad += 1
            recent.append((now_ns // S, True))
            window = [is_bad for second, is_bad in recent if second > now_ns // S - 10]
            assert quality.refuse(now_ns) == (sum(window) >= 3 and sum(window) > len(window) / 100)
        assert len(quality._slots) <= 10
    assert quality.bad == bad


# Prices.


def test_a_price_within_the_band_moves_it() -> None:
    band = Band(0.2)
    assert band.holds(100.0), "the first is believed"
    assert band.holds(120.0)
    assert not band.holds(95.9)
    assert band.holds(96.0)
    assert band.good == 96.0


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf, 0.0, -100.0, 121.0, 79.0])
def test_an_absurd_price_is_refused_and_not_remembered(price: float) -> None:
    band = Band(0.2, 100.0)
    assert not band.holds(price)
    assert band.good == 100.0


def test_a_band_without_width_lets_everything_through() -> None:
    band = Band(0.0)
    assert band.holds(1.0)
    assert band.holds(1e9)


def test_an_absurd_first_price_holds_until_the_exchange_has_spoken() -> None:
    band = Band(0.2)
    assert band.holds(1e9)
    assert not band.holds(100.0)
    band.good = 100.0  # what the history says
    assert band.holds(101.0)
