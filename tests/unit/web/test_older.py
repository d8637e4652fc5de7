"""Marks in a journal: as many as fit, and a way to any time."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.journal.appender import Appender
from liveopt.journal.folder import point
from liveopt.journal.places import START
from liveopt.journal.recovery import FRESH
from liveopt.walk.lines import written
from liveopt.walk.records import EXPERIMENTAL, Trade
from liveopt.web import follower
from liveopt.web import older as olders
from liveopt.web import tail as tails
from liveopt.web.kept import Place, Wanted
from liveopt.web.older import MARKS_MAX, Mark, Marks, _Scan
from liveopt.web.tail import Tail
from tests.unit.journal.journals_made import ground, no_trouble
from tests.unit.web.journalled import begun

SECOND_NS = 1_000_000_000


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
    for name, value in (("MARKED_LINES", 5), ("SCANNED_MAX", 1)):
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


def trade(at_s: int) -> Trade:
    """One of many, known by its time."""
    symbol = "XBTUSDTM" if at_s % 3 else "ETHUSDTM"
    return Trade(
        at_s * SECOND_NS, f"v{at_s % 4}", symbol, "macd", "aa", experimental=True, side="long",
        size=1.0, leverage=2.0, margin=5.0, entry_ns=0, entry_price=1.0, exit_price=2.0,
        duration_s=1.0, gross=1.0, fees=0.0, funding=0.0, net=1.0, roi=0.2, reason="take",
        signal_strength=None,
    )  # fmt: skip


def journalled(folder: Path, times_s: Sequence[int]) -> None:
    """A run whose trades came in this order."""
    run = folder / "run"
    run.mkdir()
    point(folder, run)
    appender = Appender(ground(run), EXPERIMENTAL, FRESH, no_trouble)
    for first in range(0, len(times_s), 4):
        appender.put([written(trade(at_s)) for at_s in times_s[first : first + 4]])
        appender.sync()
    appender.close()


async def all_found(folder: Path, times_s: Sequence[int], wanted: Wanted) -> None:
    """By pages, each trade once, the newest first."""
    tail = Tail(folder)
    tail.read()
    assert tail.total == len(times_s)
    found, page = list[int](), await tail.page(wanted)
    while True:
        found += [kept.place.at_ns // SECOND_NS for kept in page.kept]
        if page.next is None:
            break
        page = await tail.page(replace(wanted, before=page.next))
    since_s, until_s = wanted.since_ns // SECOND_NS, wanted.until_ns // SECOND_NS
    assert found == sorted((t for t in times_s if since_s <= t <= until_s), reverse=True)


async def test_trades_of_a_symbol_that_come_long_after_those_of_the_others_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "TRADES_MAX", 5)
    monkeypatch.setattr(follower, "SLICE", 4)
    monkeypatch.setattr(olders, "MARKED_LINES", 8)
    late = [*range(100), *range(100, 400, 2), *range(101, 200, 2), *range(400, 500)]
    journalled(tmp_path, late)
    await all_found(tmp_path, late, Wanted(7))
    await all_found(tmp_path, late, Wanted(30, since_ns=120 * SECOND_NS, until_ns=150 * SECOND_NS))


@settings(max_examples=30, deadline=None)
@given(
    times_s=st.lists(st.integers(1, 200), min_size=8, max_size=90),
    scanned=st.sampled_from([1, 20, 1_000]),
    limit=st.integers(1, 20),
    ends=st.tuples(st.integers(0, 200), st.integers(0, 200)),
)
async def test_in_whatever_order_they_came_all_are_found(
    tmp_path_factory: pytest.TempPathFactory,
    times_s: list[int],
    scanned: int,
    limit: int,
    ends: tuple[int, int],
) -> None:
    folder = tmp_path_factory.mktemp("trades")
    journalled(folder, times_s)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(tails, "TRADES_MAX", 5)
        small.setattr(follower, "SLICE", 3)
        small.setattr(olders, "MARKED_LINES", 6)
        small.setattr(olders, "SCANNED_MAX", scanned)
        first, last = (one * SECOND_NS for one in sorted(ends))
        await all_found(folder, times_s, Wanted(limit))
        await all_found(folder, times_s, Wanted(limit, since_ns=first, until_ns=last))


def test_for_one_that_came_very_late_nothing_between_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "SLICE", 4)
    monkeypatch.setattr(olders, "MARKED_LINES", 10)
    journalled(tmp_path, [*range(1_000), 50, *range(1_000, 1_020)])
    tail = Tail(tmp_path)
    tail.read()
    marks = tail.marks[EXPERIMENTAL].upto()
    scan = _Scan(tmp_path / "run", EXPERIMENTAL, marks, 45 * SECOND_NS, 55 * SECOND_NS)
    assert [kept.place.at_ns // SECOND_NS for kept in scan] == [*range(45, 55), 50]
    assert scan.lines < 60
