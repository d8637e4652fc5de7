"""Buckets: nobody gets more than there is, and everybody gets it back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.limits import AT_ONCE, BUCKETS_MAX, HOUR_S, Buckets, Limits, Rates, at_once


@given(st.integers(1, 50), st.lists(st.floats(0.0, 600.0), max_size=200))
def test_in_no_hour_more_than_twice_the_limit_and_at_once_the_limit(
    limit: int, pauses: list[float]
) -> None:
    limits = Limits(Rates(general=limit))
    now_s, given_at = 0.0, list[float]()
    for pause_s in pauses:
        now_s += pause_s
        left = limits.spend("key a", "addr", "general", now_s)
        assert left is not None
        if left.allowed:
            given_at.append(now_s)
            assert left.remaining >= 0
        else:
            assert left.retry_s > 0
    for start_s in given_at:
        count = sum(start_s <= at_s < start_s + HOUR_S for at_s in given_at)
        assert count <= 2 * limit


@pytest.mark.parametrize(
    ("who", "most"), [("key a", at_once(1_000)), ("session 1", at_once(Rates().session))]
)
def test_an_hours_worth_is_not_given_at_once_and_within_the_hour_it_is(who: str, most: int) -> None:
    limits, now_s, given_ = Limits(), 0.0, 0
    hour = Rates().session if who.startswith("session") else Rates().data
    first = [limits.spend(who, "x", "data", now_s) for _ in range(hour)]
    assert sum(left is not None and left.allowed for left in first) == most < hour / 9
    while now_s < HOUR_S:
        left = limits.spend(who, "x", "data", now_s)
        assert left is not None
        given_ += left.allowed
        now_s += 0.0 if left.allowed else left.retry_s
    assert given_ == pytest.approx(hour, rel=0.01)


@given(st.integers(1, 10_000_000))
def test_at_once_there_is_a_minutes_worth_or_a_scripts_and_never_more_than_the_hours(
    limit: int,
) -> None:
    assert min(limit, AT_ONCE) <= at_once(limit) <= limit
    assert at_once(limit) <= max(AT_ONCE, limit / 60 + 1)


def test_after_the_wait_that_was_said_it_goes(tmp_path: object) -> None:
    limits = Limits(Rates(optimization=2))
    assert all(limits.spend("key a", "x", "optimization", 0.0).allowed for _ in range(2))  # type: ignore[union-attr]
    refused = limits.spend("key a", "x", "optimization", 0.0)
    assert refused is not None
    assert not refused.allowed
    later = limits.spend("key a", "x", "optimization", float(refused.retry_s))
    assert later is not None
    assert later.allowed
    assert limits.hits == 1


def test_kinds_and_keys_have_buckets_of_their_own_and_free_has_none() -> None:
    limits = Limits(Rates(general=1))
    assert limits.spend("key a", "x", "free", 0.0) is None
    for who in ("key a", "key b"):
        left = limits.spend(who, "x", "general", 0.0)
        assert left is not None
        assert left.allowed
    again = limits.spend("key a", "x", "general", 0.0)
    assert again is not None
    assert not again.allowed
    other = limits.spend("key a", "x", "data", 0.0)
    assert other is not None
    assert other.allowed


def test_an_address_may_ask_as_often_as_one_key_whatever_the_settings_give_it() -> None:
    limits = Limits(Rates(general=9, address=7))
    given_ = [limits.spend("key a", "x", "general", 0.0) for _ in range(12)]
    assert sum(left is not None and left.allowed for left in given_) == 9


def test_many_keys_of_one_address_share_what_it_has() -> None:
    limits = Limits(Rates(general=5, address=7))
    given_ = [limits.spend(f"key {n % 3}", "x", "general", 0.0) for n in range(12)]
    assert sum(left is not None and left.allowed for left in given_) == 7


def test_a_session_asks_far_more_often() -> None:
    limits = Limits()
    left = limits.spend("session 1", "x", "optimization", 0.0)
    assert left is not None
    assert left.limit == Rates().session


def test_wrong_keys_are_counted_by_address_and_in_all() -> None:
    limits = Limits()
    assert [bool(limits.failed("a", 0.0)) for _ in range(12)] == [False] * 10 + [True] * 2
    waits = [limits.failed(f"b{n}", 0.0) for n in range(200)]
    assert sum(wait == 0 for wait in waits) == 90
    assert limits.failed("a", 70.0) == 0


def test_of_too_many_buckets_the_one_used_longest_ago_goes() -> None:
    buckets = Buckets()
    for number in range(BUCKETS_MAX + 5):
        buckets.at(number, 1, 1.0, 0.0)
    assert len(buckets._of) == BUCKETS_MAX
