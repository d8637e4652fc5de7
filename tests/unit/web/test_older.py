"""Marks in a journal: as many as fit, and a way to any time."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.journal.places import START
from liveopt.web import follower
from liveopt.web import older as olders
from liveopt.web import tail as tails
from liveopt.web.kept import Place, Wanted
from liveopt.web.older import MARKS_MAX, Mark, Marks
from liveopt.web.tail import Tail
from tests.unit.web.journalled import begun


@given(st.lists(st.integers(1, 3_000), max_size=300))
def test_marks_are_as_far_apart_as_was_said_and_in_order(slices: list[int]) -> None:
    marks, at = Marks(every=2_000), 0
    for lines in slices:
        at += lines
        marks.add(lines, Mark(at, START))
    times = [0, *(mark.at_ns for mark in marks.all)]
    gaps = [b - a for a, b in pairwise(times)]
    assert all(2_000 <= gap < 5_000 for gap in gaps)
    assert at - times[-1] < 2_000


def test_there_are_never_too_many() -> None:
    marks, most = Marks(every=1), 3 * MARKS_MAX
    for at in range(1, most + 1):
        marks.add(1, Mark(at, START))
        assert len(marks.all) < MARKS_MAX
    times = [mark.at_ns for mark in marks.all]
    assert times == sorted(times)
    assert times[-1] > most - 8
    assert max(b - a for a, b in pairwise([0, *times])) <= 2 * marks.every


async def test_what_memory_has_forgotten_the_files_still_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path)
    whole = Tail(tmp_path)
    whole.read()
    monkeypatch.setattr(tails, "TRADES_MAX", 10)
    monkeypatch.setattr(follower, "SLICE", 5)
    monkeypatch.setattr(olders, "MARKED_LINES", 3)
    tail = Tail(tmp_path)
    tail.read()
    assert (len(tail.trades), tail.total, tail.forgotten) == (10, whole.total, True)
    some = whole.trades[5].record
    assert sum(len(marks.all) for marks in tail.marks.values()) > 10
    for wanted in (
        Wanted(1_000), Wanted(40), Wanted(1_000, variant=some.variant), Wanted(20, side="long"),
        Wanted(5, before=whole.trades[8].place), Wanted(9, until_ns=some.at_ns),
        Wanted(9, since_ns=some.at_ns), Wanted(9, reason="take"), Wanted(9, experimental=False),
    ):  # fmt: skip
        assert await tail.find(wanted) == await whole.find(wanted), wanted


async def test_pages_go_on_where_a_question_had_read_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path)
    whole = Tail(tmp_path)
    whole.read()
    for name, value in (("MARKED_LINES", 5), ("SCANNED_MAX", 1), ("SLACK_NS", 0)):
        monkeypatch.setattr(olders, name, value)
    monkeypatch.setattr(tails, "TRADES_MAX", 10)
    monkeypatch.setattr(follower, "SLICE", 5)
    tail = Tail(tmp_path)
    tail.read()
    name = whole.trades[0].record.variant
    found, before, pages, empty = list[Place](), None, 0, 0
    while True:
        page = await tail.page(Wanted(3, variant=name, before=before))
        found += [kept.place for kept in page.kept]
        pages, empty = pages + 1, empty + (not page.kept)
        if page.next is None:
            break
        assert before is None or page.next < before, "each question comes further"
        before = page.next
    assert found == [kept.place for kept in await whole.find(Wanted(1_000, variant=name))]
    assert pages > 5
    assert empty, "nothing was found, and there is more to read"
