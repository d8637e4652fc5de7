"""The parts of a run go on, each for itself, until the feed ends or one cannot be mended."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import numpy as np
import pytest
import structlog

from liveopt import logs
from liveopt.core.bars import DAY_NS, MINUTE_NS, SECOND_NS
from liveopt.core.events import Bar, Tick
from liveopt.journal import snapshots
from liveopt.live.mailbox import Mailbox
from liveopt.live.recover import recover_run
from liveopt.live.report import report
from liveopt.live.service import (
    ADDED_MAX,
    PAST_MAX,
    SNAPSHOT_LOOK_S,
    Rhythm,
    Service,
    World,
    additions,
)
from liveopt.live.supervise import Supervisor, TooManyCrashes
from liveopt.walk.events import Add, Begin, Begun, Funding, Past, Time
from liveopt.walk.image import image
from liveopt.walk.lines import read_input
from liveopt.walk.records import Out
from liveopt.walk.verdicts import Looked, Promoted
from tests import contest
from tests.run import (
    START_NS,
    SYMBOL,
    TERMS,
    Live,
    appended,
    begin,
    folded,
    opening,
    strategies,
    ticks,
    variants,
)
from tests.virtual import World as Virtual
from tests.virtual import run as in_virtual_time

MARKET = ticks(300, step_s=20.0)
PEOPLE = variants(6)


@pytest.fixture(autouse=True)
def _logs() -> None:
    """As the service's: structlog's own way to show a crash takes seconds; the watchdog bites."""
    logs.setup(stream=StringIO())


class Fed:
    """A feed of given ticks; some lives of it end with a crash."""

    unbroken = True

    def __init__(self, events: Sequence[Tick], crash: bool, pause_s: float = 0.0) -> None:
        self.mailbox = Mailbox()
        self.events, self.crash, self.pause_s = events, crash, pause_s

    def whole(self, symbol: str) -> bool:
        return symbol == SYMBOL and self.unbroken and not self.mailbox.unread

    async def run(self) -> None:
        try:
            self.mailbox.put(self.events)
            await asyncio.sleep(self.pause_s)
            if self.crash:
                raise ConnectionError("the feed is torn")
        finally:
            self.mailbox.close()


class Market:
    """Opens feeds: each goes on behind the last tick that is known."""

    def __init__(self, crashes: list[int], pause_s: float = 0.0) -> None:
        self.crashes = crashes
        self.pause_s = pause_s
        self.known: list[tuple[Tick, ...]] = []

    def open(self, known: tuple[Tick, ...]) -> Fed:
        self.known.append(known)
        first = known[0].sequence if known else 0
        at = self.crashes[len(self.known) - 1] if len(self.known) <= len(self.crashes) else None
        return Fed(MARKET[first:at], at is not None, self.pause_s)


def service(live: Live, market: Market, **parts: Any) -> Service:
    world = World(market.open, parts.pop("now_ns", None), parts.pop("history", None))
    restarts = live.pump.board.restarts
    supervisor = Supervisor(np.random.default_rng(1), lambda name: restarts.update([name]))
    board = live.pump.board
    return Service(
        live.folder, live.state, live.writer, live.pump, board, world, supervisor, **parts
    )


def inputs(live: Live) -> list[Any]:
    return [read_input(record.content) for record in appended(live.folder)]


async def test_it_runs_until_the_feed_ends(tmp_path: Path) -> None:
    live = Live(tmp_path)
    run = service(live, Market([]))
    await run.begin(begin(), PEOPLE)
    await run.run()
    live.close()
    assert inputs(live) == [*opening(PEOPLE), *MARKET]
    assert run.durable == len(inputs(live))


async def test_a_feed_that_crashes_goes_on_behind_the_last_tick(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    market = Market([100, 100, 200])
    await service(live, market).run()
    live.close()
    assert [t for t in inputs(live) if isinstance(t, Tick)] == MARKET
    assert live.pump.board.restarts == Counter(feed=3)
    assert market.known[0] == ()
    assert all(known == (MARKET[known[0].sequence - 1],) for known in market.known[1:])


async def test_a_feed_that_crashes_too_often_ends_the_run(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    with pytest.raises(ExceptionGroup) as found:
        await service(live, Market([10] * 20)).run()
    assert found.group_contains(TooManyCrashes)
    live.close()


async def test_a_writer_that_breaks_ends_the_run(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    run = asyncio.create_task(service(live, Market([], pause_s=60.0)).run())
    await asyncio.sleep(0.1)
    live.writer._fail(OSError("no disk"))
    async with asyncio.timeout(5.0):
        with pytest.raises(ExceptionGroup) as found:
            await run
    assert found.group_contains(OSError, match="no disk")
    assert live.trouble == ["broken"]
    live.writer.close()


async def test_bars_close_by_the_exchanges_clock_a_second_after_their_end(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    asked = 0

    async def now_ns() -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise TimeoutError("the exchange is slow")
        return MARKET[-1].at_ns + (MINUTE_NS if asked > 2 else 0) + SECOND_NS

    await service(live, Market([], pause_s=1.2), now_ns=now_ns).run()
    live.close()
    told = [e for e in inputs(live) if isinstance(e, Time)]
    assert told == [Time(MARKET[-1].at_ns + MINUTE_NS, SYMBOL)]
    assert not live.pump.board.restarts


async def test_no_bar_closes_by_the_clock_while_ticks_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    monkeypatch.setattr(Fed, "unbroken", False)

    async def now_ns() -> int:
        return MARKET[-1].at_ns + 5 * MINUTE_NS

    await service(live, Market([], pause_s=0.8), now_ns=now_ns).run()
    live.close()
    assert not [e for e in inputs(live) if isinstance(e, Time)]


@pytest.mark.parametrize(("silent_ns", "events"), [(300 * MINUTE_NS, 6), (3 * DAY_NS, 1)])
async def test_a_long_silence_closes_in_parts_and_an_outage_at_once(
    tmp_path: Path, silent_ns: int, events: int
) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))

    async def now_ns() -> int:
        return MARKET[-1].at_ns + silent_ns

    await service(live, Market([], pause_s=1.0), now_ns=now_ns).run()
    live.close()
    steps = [e.at_ns for e in inputs(live) if isinstance(e, Time)]
    assert len(steps) == events
    assert steps[-1] >= MARKET[-1].at_ns + silent_ns - MINUTE_NS - SECOND_NS


async def test_funding_is_settled_before_the_first_tick_after_its_time(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    settled_ns = MARKET[100].at_ns
    live.pump.settlements[SYMBOL] = settled_ns, 0.001
    await service(live, Market([])).run()
    live.close()
    events = inputs(live)
    at = events.index(Funding(settled_ns, SYMBOL, 0.001))
    assert events[at + 1] == MARKET[100]
    assert events[at - 1] == MARKET[99]
    assert not live.pump.settlements


def test_an_exchange_without_a_word_of_funding_is_told_once_an_hour_and_when_it_is_back(
    tmp_path: Path,
) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    asked: list[float] = []
    at_ns = MARKET[-1].at_ns

    async def main(world: Virtual) -> list[tuple[float, str]]:
        lines: list[tuple[float, str]] = []
        began_s = world.elapsed_s

        async def funding(symbol: str) -> tuple[int, float]:
            asked.append(world.elapsed_s - began_s)
            hours = asked[-1] / 3600.0
            if hours < 2.5 or 2.6 < hours < 2.7 or 3.0 < hours < 3.1:
                raise TimeoutError
            return at_ns, 0.001

        def noted(_logger: object, _method: str, event: Any) -> Any:
            lines.append((world.elapsed_s - began_s, event["event"]))
            raise structlog.DropEvent

        structlog.configure(processors=[noted])
        run = service(live, Market([]))
        run.world = replace(run.world, funding=funding)
        asking = asyncio.create_task(run._settle_funding())
        await asyncio.sleep(4 * 3600.0)
        asking.cancel()
        return lines

    lines = in_virtual_time(main)
    live.close()
    assert len(asked) == 4 * 180
    word, back = "no word of funding", "funding is told again"
    assert [text for _, text in lines] == [word, word, word, back, word, back]
    assert [round(at_s / 3600.0, 1) for at_s, _ in lines] == [0.0, 1.0, 2.0, 2.5, 3.0, 3.1]
    assert live.pump.settlements == {SYMBOL: (at_ns, 0.001)}


async def test_state_is_put_down_when_there_is_enough_news(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    run = service(live, Market([], pause_s=1.3), rhythm=Rhythm(3600.0, 50))
    await run.run()
    live.close()
    (found,) = snapshots.load_all(live.folder)
    assert found.positions["inputs"].seq == live.pump.seq
    recovered = recover_run(live.folder, strategies())
    assert recovered.folded == 0
    assert image(recovered.state) == image(live.state)


async def test_a_half_done_state_is_never_put_down(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take(opening(PEOPLE))
    with pytest.raises(AssertionError):
        live.pump.take(begin())
    service(live, Market([])).snapshot()
    live.close()
    assert list(snapshots.load_all(live.folder)) == []


# the beginning --------------------------------------------------------------------------------


def past(count: int) -> list[Bar]:
    first = START_NS - count * MINUTE_NS
    return [
        Bar(first + n * MINUTE_NS, 30_000.0, 30_000.0 + n, 29_900.0, 30_000.0, 1.0)
        for n in range(count)
    ]


def history_of(count: int) -> Callable[[str], Any]:
    async def history(symbol: str) -> list[Bar]:
        assert symbol == SYMBOL
        return past(count)

    return history


async def test_a_run_begins_with_the_past_and_with_everybody(tmp_path: Path) -> None:
    live = Live(tmp_path)
    people = variants(150)
    await service(live, Market([]), history=history_of(700)).begin(begin(), people)
    live.close()
    events = inputs(live)
    assert [type(e) for e in events] == [Begin, Past, Past, Past, Add, Add, Add, Begun]
    assert [bar for e in events if isinstance(e, Past) for bar in e.bars] == past(700)
    assert max(len(e.bars) for e in events if isinstance(e, Past)) == PAST_MAX
    assert [v for e in events if isinstance(e, Add) for v in e.variants] == people
    assert live.state.begun
    assert len(live.state.markets[SYMBOL].past) == TERMS.history_bars


async def test_a_start_that_was_cut_off_is_taken_up_where_it_was(tmp_path: Path) -> None:
    people = variants(150)
    first, *adds, _ = opening(people)
    for done in range(len(adds) + 2):
        home = tmp_path / str(done)
        live = Live(home)
        live.take([first, *adds][:done])
        live.close()
        again = Live(home)
        await service(again, Market([])).begin(begin(), people)
        again.close()
        assert [v.id for v in again.state.joining] == [v.id for v in people]
        assert [type(e) for e in inputs(again)].count(Begin) == 1
        assert again.state.begun


async def test_a_past_that_was_cut_off_is_completed(tmp_path: Path) -> None:
    bars = past(700)
    for parts in range(4):
        home = tmp_path / str(parts)
        live = Live(home)
        live.take([begin(), *(Past(SYMBOL, tuple(bars[n * 300 :][:300])) for n in range(parts))])
        live.close()
        again = Live(home)
        await service(again, Market([]), history=history_of(700)).begin(begin(), PEOPLE)
        again.close()
        assert [b for e in inputs(again) if isinstance(e, Past) for b in e.bars] == bars
        assert again.state.begun


def test_variants_are_added_in_parts_that_fit_into_a_line() -> None:
    people = variants(2 * ADDED_MAX + 1)
    parts = additions(5, people, "ann")
    assert [len(part.variants) for part in parts] == [ADDED_MAX, ADDED_MAX, 1]
    assert [v for part in parts for v in part.variants] == people
    assert {(part.at_ns, part.by) for part in parts} == {(5, "ann")}
    assert additions(5, [], "ann") == []


# what is told ---------------------------------------------------------------------------------


async def test_the_report_counts_what_happened(tmp_path: Path) -> None:
    live = Live(tmp_path)
    run = service(live, Market([]))
    await run.begin(begin(), PEOPLE)
    live.pump.board.phase = "running"
    await run.run()
    said = report(run, live.pump.board)
    live.close()
    assert said["run"] == begin().run
    assert said["ticks"] == said["markets"][SYMBOL]["bars"] * 3 + 3 == len(MARKET)
    assert said["seq"] == live.pump.seq
    assert said["journal_ok"]
    assert said["halted"] is None
    assert sum(said["variants"].values()) == len(PEOPLE)
    assert said["entries"] - said["trades"] == said["positions"] >= 0
    assert said["markets"][SYMBOL]["price"] == MARKET[-1].price
    assert said["standing"][SYMBOL]["close"] > 0.0
    assert said["rss_mib"] > 10.0


async def test_a_runs_looks_are_done_beside_it_and_change_nothing(tmp_path: Path) -> None:
    live, market = Live(tmp_path), contest.waves(220)
    live.take(contest.opening())
    threads: list[str] = []
    run = service(live, Market([]))
    run.world = World(lambda _: Fed(market, crash=False), None, None)

    def heard(_event: object, outs: list[Out]) -> None:
        if any(isinstance(record, Looked) for _, record in outs):
            threads.extend(one.name for one in enumerate_threads())

    live.pump.listeners.append(heard)
    await run.run()
    expected = folded([*contest.opening(), *market])
    assert image(live.state) == image(expected.state)
    assert expected.of(Promoted)
    assert any(name.startswith("looks") for name in threads)
    assert live.pump.listeners == [heard], "nobody takes looks any more"
    assert not any(one.name.startswith("looks") for one in enumerate_threads())
    live.close()


def put_down(live: Live) -> int:
    """The last input that a snapshot holds."""
    return max((one.positions["inputs"].seq for one in snapshots.load_all(live.folder)), default=0)


async def test_a_snapshot_waits_until_a_look_is_over(tmp_path: Path) -> None:
    live, market = Live(tmp_path), contest.waves(60)
    live.take(contest.opening())
    run = service(live, Market([]), rhythm=Rhythm(snapshot_s=0.0))
    run.world = World(lambda _: Fed(market, crash=False, pause_s=60.0), None, None)
    going = asyncio.create_task(run.run())
    while live.pump.seq < len(market):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    free = Event()
    assert run._looks is not None
    own = live.state.markets[SYMBOL].contest
    assert own is not None
    try:
        own.epoch.work = partial(free.wait)  # type: ignore[assignment]
        run._looks.take()
        own.epoch.work = None
        await asyncio.sleep(2 * SNAPSHOT_LOOK_S)
        before = put_down(live)
        live.pump.take(Time(market[-1].at_ns, SYMBOL))
        await asyncio.sleep(3 * SNAPSHOT_LOOK_S)
        assert put_down(live) == before < live.pump.seq
    finally:
        free.set()
    async with asyncio.timeout(10.0):
        while put_down(live) < live.pump.seq:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    going.cancel()
    with suppress(asyncio.CancelledError):
        await going
    live.close()
