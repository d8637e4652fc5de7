"""A flood is one line a second, and nothing of it is lost to the count."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from liveopt.web.seldom import EVERY_S, Seldom


def test_the_first_is_told_at_once_and_the_others_with_a_later_one() -> None:
    seldom = Seldom()
    assert [seldom.due(at_s) for at_s in (5.0, 5.1, 5.2, 6.0, 6.1, 9.0)] == [1, 0, 0, 3, 0, 2]


@given(st.lists(st.floats(0.0, 3.0), max_size=60))
def test_of_any_flood_no_second_has_two_lines_and_every_event_is_counted_once(
    waits_s: list[float],
) -> None:
    seldom, now_s, told = Seldom(), 0.0, list[tuple[float, int]]()
    for wait_s in waits_s:
        now_s += wait_s
        if count := seldom.due(now_s):
            told.append((now_s, count))
    assert all(b >= a + EVERY_S for (a, _), (b, _) in pairwise(told))
    assert sum(count for _, count in told) + seldom._count == len(waits_s)
