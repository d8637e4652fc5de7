"""Journals read on: whole batches, in the order of time, whatever happens to the disk."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from liveopt.journal.appender import Limits
from liveopt.journal.codec import Line
from liveopt.journal.reader import Reader
from liveopt.web import follower
from liveopt.web.kept import Kept
from liveopt.web.tail import Tail
from tests.run import SYMBOL, Live, contents, ticks
from tests.unit.web.journalled import begun, standings_in, trades_in, trades_in_lines


async def test_however_it_is_cut_into_slices_trades_are_in_the_order_of_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path)
    whole = Tail(tmp_path)
    whole.read()
    for lines in (1, 3, 20):
        monkeypatch.setattr(follower, "SLICE", lines)
        tail, heard = Tail(tmp_path), list[Kept]()
        tail.heard = heard.append
        tail.read()
        assert list(tail.trades) == list(whole.trades)
        assert list(tail.entries) == list(whole.entries)
        assert heard == []


async def test_a_torn_end_is_no_damage_and_a_changed_line_is(tmp_path: Path) -> None:
    live = begun(tmp_path)
    path = max(live.folder.glob("experimental-trades*.jsonl"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    tail = Tail(tmp_path)
    tail.read()
    assert tail.damage == ""
    path.write_bytes(whole)
    tail.read()
    assert tail.total == trades_in(live.folder)


async def test_a_changed_line_is_told_of_and_what_was_before_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = begun(tmp_path)
    path = max(live.folder.glob("experimental-trades*.jsonl"))
    lines = path.read_bytes().splitlines(keepends=True)
    half = len(lines) // 2
    lines[half] = lines[half].replace(b'"at_ns":1', b'"at_ns":2')
    path.write_bytes(b"".join(lines))
    tail = Tail(tmp_path)
    tail.read()
    assert tail.damage == "", "for a moment it may be what an engine that starts now cuts off"
    monkeypatch.setattr(follower, "STANDS_S", 0.0)
    tail.read()
    assert "experimental-trades" in tail.damage
    assert 0 < tail.total < trades_in_lines(lines)
    assert len(tail.candles[SYMBOL]) == min(500, len(standings_in(live.folder)))


async def test_half_a_batch_of_a_killed_engine_is_neither_shown_nor_damage(tmp_path: Path) -> None:
    live = begun(tmp_path)
    path = max(live.folder.glob("experimental-trades*.jsonl"))
    whole = path.read_bytes().splitlines(keepends=True)
    batches = [re.search(rb'"~b":\[(\d+),(\d+),(\d+)\]', line) for line in whole]
    cut = max(n for n, b in enumerate(batches) if b and 1 < int(b[2]) < int(b[3]) - 1)
    found = batches[cut]
    assert found is not None
    begin = cut - int(found[2])
    assert trades_in_lines(whole[begin : cut + 1]) > 0
    path.write_bytes(b"".join(whole[: cut + 1]))
    tail = Tail(tmp_path)
    tail.read()
    others = trades_in_lines(contents(live.folder)["trades"])
    assert (tail.total, tail.damage) == (trades_in_lines(whole[:begin]) + others, "")
    again = Live(tmp_path)  # what was half done is cut off, and done again
    again.take(ticks(310, first=300))
    again.close()
    tail.read()
    assert tail.damage == ""
    assert tail.total == trades_in(live.folder) > trades_in_lines(whole[:begin]) + others
    fresh = Tail(tmp_path)
    fresh.read()
    assert [kept.place for kept in fresh.trades] == [kept.place for kept in tail.trades]


async def test_a_look_that_fails_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = begun(tmp_path)
    monkeypatch.setattr(follower, "SLICE", 7)
    fails = 0
    plain = Reader._lines

    def lines(self: Reader, path: Path, file: BinaryIO) -> Iterator[Line]:
        nonlocal fails
        for number, line in enumerate(plain(self, path, file)):
            if number == 3 and self.name == "trades" and fails < 5:
                fails += 1
                raise OSError("the disk does not answer")
            yield line

    monkeypatch.setattr(Reader, "_lines", lines)
    tail = Tail(tmp_path)
    while True:
        try:
            tail.read()
        except OSError:
            continue
        break
    assert fails == 5
    assert tail.total == trades_in(live.folder)
    places = [kept.place for kept in tail.trades]
    assert len(places) == len(set(places))


async def test_journals_of_several_segments_are_one(tmp_path: Path) -> None:
    live = begun(tmp_path, limits=Limits(segment_bytes=5_000, ballast_bytes=0))
    assert len(list(live.folder.glob("experimental-trades*.jsonl"))) > 2
    tail = Tail(tmp_path)
    tail.read()
    assert tail.total == trades_in(live.folder) > 20
    assert tail.damage == ""
