"""The tail: all that the journals say, as they grow, within bounds."""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest

from liveopt.journal.folder import point
from liveopt.live.rulings import read_rulings
from liveopt.walk.records import Trade
from liveopt.web import tail as tails
from liveopt.web.kept import Kept, Place, Wanted, place_of
from liveopt.web.tail import Tail
from tests.run import SYMBOL, Live, ticks
from tests.unit.web.journalled import begun, standings_in, trades_in


async def test_it_has_every_trade_in_the_order_of_their_times(tmp_path: Path) -> None:
    live = begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    assert tail.total == len(tail.trades) == trades_in(live.folder) > 20
    times = [kept.place.at_ns for kept in tail.trades]
    assert times == sorted(times)
    own = [k.record for k in tail.trades if isinstance(k.record, Trade) and k.record.experimental]
    assert 0 < tail.tally.all.trades == len(own) < tail.total
    assert sum(one.trades for one in tail.tally.by.values()) == len(own)
    newest = await tail.find(Wanted(3))
    assert [kept.place for kept in newest] == [k.place for k in list(tail.trades)[:-4:-1]]


def test_a_record_that_comes_a_step_late_is_put_where_it_belongs(tmp_path: Path) -> None:
    begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    some = list(tail.trades)
    there: deque[Kept] = deque(maxlen=12)
    for kept in (some[n] for n in (0, 2, 1, 5, 4, 3, *range(6, 20))):
        tails._insert(there, kept)
    assert list(there) == some[8:20]


async def test_pages_go_through_all_trades_once(tmp_path: Path) -> None:
    begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    found: list[Place] = []
    before = None
    while page := await tail.find(Wanted(7, before=before)):
        found += [kept.place for kept in page]
        before = place_of(str(page[-1].place))
        assert before == page[-1].place
    assert found == [kept.place for kept in reversed(tail.trades)]


async def test_it_follows_a_run_that_goes_on(tmp_path: Path) -> None:
    begun(tmp_path, 150)
    heard: list[Kept] = []
    tail = Tail(tmp_path, heard=heard.append)
    tail.read()
    before = tail.total
    assert heard == [], "what is old is no news"
    live = Live(tmp_path)
    live.take(ticks(300, first=150))
    live.close()
    tail.read()
    assert tail.total == trades_in(live.folder) > before
    assert heard == list(tail.trades)[before:], "with where each stands"


def gone_on(folder: Path, told: Callable[[Kept], None]) -> tuple[Tail, int]:
    """A tail that has all of a run's first half, how many trades those were, and the other half."""
    begun(folder, 150)
    tail = Tail(folder, heard=told)
    tail.read()
    before = tail.total
    live = Live(folder)
    live.take(ticks(300, first=150))
    live.close()
    return tail, before


def test_a_hearer_that_fails_costs_no_trade(tmp_path: Path) -> None:
    told: list[Kept] = []

    def heard(kept: Kept) -> None:
        told.append(kept)
        if len(told) == 2:
            raise RuntimeError("a fault of whoever hears")

    tail, before = gone_on(tmp_path, heard)
    with pytest.raises(RuntimeError):
        tail.read()
    tail.read()
    assert tail.total == len(tail.trades) == trades_in(tmp_path / "run") > before + 2
    assert len(told) == tail.total - before, "the others were told as well, each once"
    fresh = Tail(tmp_path)
    fresh.read()
    assert (list(tail.trades), tail.tally) == (list(fresh.trades), fresh.tally)


async def test_a_batch_that_was_not_taken_in_whole_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Kept] = []
    tail, before = gone_on(tmp_path, told.append)
    plain, left = tails._insert, iter(range(3))

    def faulty(there: deque[Kept], kept: Kept) -> None:
        if next(left, None) is None:
            raise MemoryError
        plain(there, kept)

    with monkeypatch.context() as fault:
        fault.setattr(tails, "_insert", faulty)
        with pytest.raises(MemoryError):
            await tail.follow()
    assert told == []
    assert tail.total < trades_in(tmp_path / "run")
    task = asyncio.create_task(tail.follow())
    async with asyncio.timeout(20):
        while tail.total < trades_in(tmp_path / "run") or not tail.caught_up:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    tail.close()
    fresh = Tail(tmp_path)
    fresh.read()
    assert list(tail.trades) == list(fresh.trades)
    assert list(tail.entries) == list(fresh.entries)
    assert (tail.tally, tail.candles, tail.rulings.all) == (
        fresh.tally, fresh.candles, fresh.rulings.all,
    )  # fmt: skip
    assert tail.total > before


async def test_its_rulings_are_those_of_the_journals(tmp_path: Path) -> None:
    live = begun(tmp_path, 600)
    tail = Tail(tmp_path)
    tail.read()
    there = read_rulings(live.folder)
    assert tail.rulings.all == there.all
    assert [one.id for one in tail.rulings.waiting] == [one.id for one in there.waiting]


async def test_candles_are_the_newest_signal_bars_also_for_who_comes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails, "CANDLES_MAX", 20)
    begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    live = Live(tmp_path)
    live.take(ticks(400, first=300))
    live.close()
    tail.read()
    bars = [one.bar for one in standings_in(live.folder)]
    assert len(bars) > 25
    wanted = [(b.at_ns // 10**6, b.open, b.high, b.low, b.close) for b in bars[-20:]]
    assert list(tail.candles[SYMBOL]) == wanted
    times = [candle[0] for candle in tail.candles[SYMBOL]]
    assert times == sorted(set(times))
    again = Tail(tmp_path)
    again.read()
    assert again.candles == tail.candles
    point(tmp_path, tmp_path / "other")
    tail.read()
    assert tail.candles == {}


async def test_another_run_begins_anew_and_none_is_no_trouble(tmp_path: Path) -> None:
    empty = Tail(tmp_path / "nothing")
    empty.read()
    assert (empty.run, empty.total, await empty.find(Wanted())) == (None, 0, [])
    begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    (tmp_path / "other").mkdir()
    point(tmp_path, tmp_path / "other")
    tail.read()
    assert (tail.run, tail.total, len(tail.trades)) == (tmp_path / "other", 0, 0)


async def test_a_run_that_is_to_come_is_waited_for_and_no_other_is_shown(tmp_path: Path) -> None:
    live = begun(tmp_path)
    coming = tmp_path / "coming"
    tail = Tail(tmp_path, wanted=coming)
    tail.read()
    assert (tail.run, tail.total, tail.caught_up) == (None, 0, True)
    live.folder.rename(coming)
    tail.read()
    assert (tail.run, tail.total) == (coming, trades_in(coming))


async def test_trades_between_two_times_are_summed_up_as_they_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    whole = [k for k in tail.trades if isinstance(k.record, Trade) and k.record.experimental]
    middle_ns = whole[len(whole) // 2].place.at_ns
    wanted = Wanted(10_000, experimental=True, since_ns=middle_ns)
    found = await tail.tallied(wanted)
    assert 0 < found.all.trades == len(await tail.find(wanted)) < len(whole)
    assert found.complete
    name = whole[0].record.variant
    own = await tail.tallied(Wanted(variant=name, experimental=True))
    assert {n: one.trades for n, one in own.by.items()} == {
        name: sum(k.record.variant == name for k in whole)
    }
    assert (await tail.tallied(Wanted(variant="nobody"))).all.trades == 0
    assert (await tail.tallied(Wanted(since_ns=1 << 61))).all.trades == 0
    monkeypatch.setattr(tail, "forgotten", True)
    assert not (await tail.tallied(Wanted(until_ns=middle_ns))).complete
    assert (await tail.tallied(wanted)).complete, "all of those are newer than what is forgotten"


@pytest.mark.parametrize("slice_", [1, 7, 4_096])
async def test_a_page_is_the_same_in_whatever_slices_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slice_: int
) -> None:
    begun(tmp_path)
    tail = Tail(tmp_path)
    tail.read()
    monkeypatch.setattr(tails, "SLICE", slice_)
    for wanted in (Wanted(5), Wanted(10_000), Wanted(5, side="long"), Wanted(5, reason="none")):
        expected = [kept for kept in reversed(tail.trades) if wanted.takes(kept)][: wanted.limit]
        assert await tail.find(wanted) == expected
