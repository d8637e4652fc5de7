"""Who is asked in which order, whose word counts, and when somebody has failed too often."""

import pytest
from msgspec import structs

from liveopt.core.events import Bar
from liveopt.slow.roll import Roll
from liveopt.slow.words import Feed, Join
from liveopt.walk.variant import Variant

VARIANT = Variant("one", "mine", "XBTUSDTM", {"window": 3.0}, lane="slow")
BAR = Feed("XBTUSDTM", Bar(0, 1.0, 1.0, 1.0, 1.0, 1.0), 1)


def roll(*names: str) -> Roll:
    found = Roll(variants_max=5, strikes=3)
    for name in names:
        found.add(structs.replace(VARIANT, id=name), "both").joined = True
    return found


@pytest.mark.parametrize(
    ("at_s", "too_often"),
    [
        ([0.0, 10.0, 60.0], True),
        ([0.0, 10.0, 60.1], False),
        ([0.0, 50.0, 100.0], False),
        ([0.0, 50.0, 100.0, 105.0], True),
    ],
)
def test_three_faults_within_a_minute_are_too_many(at_s: list[float], too_often: bool) -> None:
    roll_ = roll("one")
    (seat,) = roll_
    found = []
    for now_s in at_s:
        found.append(roll_.strike(seat, now_s))
        seat.row = 0  # it has answered in between
    assert found == [False] * (len(at_s) - 1) + [too_often]


def test_three_faults_in_a_row_are_too_many_however_far_apart() -> None:
    roll_ = roll("one")
    (seat,) = roll_
    assert [roll_.strike(seat, now_s) for now_s in (0.0, 3_600.0, 7_200.0)] == [False, False, True]


def test_a_word_counts_once_for_each_bar() -> None:
    roll_ = roll("one", "other")
    assert roll_.news(1, BAR) is not None
    assert roll_.news(1, BAR) is None
    assert roll_.news(2, BAR) is not None
    roll_.next_bar()
    assert roll_.news(1, BAR) is not None


def test_faults_of_a_warm_up_all_count() -> None:
    roll_ = roll("one")
    join = Join(1, VARIANT, "both", told=True)
    assert roll_.news(1, join) is roll_.news(1, join) is not None


def test_a_word_of_one_who_is_out_is_no_news() -> None:
    roll_ = roll("one")
    next(iter(roll_)).stopped = True
    assert roll_.news(1, BAR) is None
    assert roll_.news(7, BAR) is None
    assert list(roll_) == []


def test_the_next_word_is_of_the_first_who_has_not_spoken_on_this_symbol() -> None:
    roll_ = roll("one", "other", "third")
    elsewhere = structs.replace(VARIANT, id="away", symbol="ETHUSDTM")
    roll_.add(elsewhere, "both").joined = True
    assert roll_.news(1, BAR) is not None
    first, other, third, away = roll_
    other.stopped = True
    assert roll_.being_asked(BAR) is third
    assert roll_.being_asked(structs.replace(BAR, symbol="ETHUSDTM")) is away
    assert roll_.being_asked(Join(1, VARIANT, "both", told=True)) is first
    assert roll_.being_asked(None) is None
    assert roll_.news(3, BAR) is third
    assert roll_.being_asked(BAR) is None


def test_places_are_never_given_twice() -> None:
    roll_ = roll("one", "other")
    roll_.forget(2)
    assert roll_.add(structs.replace(VARIANT, id="other"), "long").place == 3


def test_there_is_room_for_so_many_and_no_name_twice() -> None:
    roll_ = roll("a", "b", "c", "d", "e")
    with pytest.raises(ValueError, match="takes 5 variants"):
        roll_.add(VARIANT, "both")
    with pytest.raises(AssertionError):
        roll("a", "a")
