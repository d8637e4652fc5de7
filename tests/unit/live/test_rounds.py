"""Rounds of search beside a run: when one begins, and what comes of a process that dies."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from liveopt.core.bars import MINUTE_NS
from liveopt.core.events import Candle
from liveopt.guard.gate import HALT
from liveopt.journal.disk import Disk
from liveopt.live import rounds as module
from liveopt.live.replay import Replay
from liveopt.live.rounds import BY, DEATHS_MAX, Open, Rounds, Said, Schedule, facts
from liveopt.walk.events import Proposal, Propose
from liveopt.walk.lines import read_input
from liveopt.walk.records import Refusal
from liveopt.walk.state import State
from tests.run import (
    START_NS,
    SYMBOL,
    Live,
    appended,
    begin,
    candles,
    opening,
    strategies,
    variant,
    variants,
)
from tests.seeking import GOOD, Kept, proposing, says, waves

FRESH = variant("fresh", fast=3.0, slow=30.0, leverage=7.0)
OTHER = variant("other", fast=90.0, slow=300.0, leverage=3.0)
CALM = candles(waves(400), MINUTE_NS)
NEVER = Schedule(0, on_regime=False)
SOON_S = 45.0
"""A process has to start; nobody waits that long for what does happen."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same looks and pauses, each a moment."""
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "AGAIN_S", 0.001)
    monkeypatch.setattr(module, "AGAIN_S_MAX", 0.01)


WAITS = "while True: time.sleep(0.01)"


@pytest.fixture
def live(tmp_path: Path) -> Any:
    """A run that has seen twenty bars."""
    found = Live(tmp_path)
    found.take([*opening(variants(4, reckless=0.0)), *CALM[:20]])
    yield found
    found.close()


@asynccontextmanager
async def running(live: Live, kept: Kept, schedule: Schedule = NEVER) -> AsyncIterator[Rounds]:
    rounds = Rounds(live.pump, kept, schedule)
    task = asyncio.create_task(rounds.run())
    try:
        yield rounds
        assert not task.done() or task.exception() is None
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(seen: Callable[[], bool]) -> None:
    """Wait for something that will happen."""
    async with asyncio.timeout(SOON_S):
        while not seen():  # noqa: ASYNC110  a test looks, nobody tells it
            await asyncio.sleep(0.005)


async def quiet() -> None:
    """As long as a dozen looks take."""
    await asyncio.sleep(0.12)


def proposed(live: Live) -> list[Propose]:
    """What came in from the search."""
    found = [read_input(record.content) for record in appended(live.folder)]
    return [one for one in found if isinstance(one, Propose)]


async def test_a_round_begins_every_so_many_bars(live: Live) -> None:
    kept = Kept()
    async with running(live, kept, Schedule(30, on_regime=False)):
        await quiet()
        live.take(CALM[20:29])
        await quiet()
        assert kept.begun == []
        live.take(CALM[29:30])
        await until(lambda: len(kept.ended) == 1)
        await quiet()
        live.take(CALM[30:59])
        await quiet()
        assert kept.begun == [(1, "every", 30)]
        live.take(CALM[59:60])
        await until(lambda: len(kept.ended) == 2)
    assert kept.begun == [(1, "every", 30), (2, "every", 60)]


async def test_bars_before_a_restart_of_the_engine_count(live: Live) -> None:
    kept = Kept(newest=(6, None, {SYMBOL: 15}))
    async with running(live, kept, Schedule(10, on_regime=False)):
        await quiet()
        assert kept.begun == []
        live.take(CALM[20:25])
        await until(lambda: bool(kept.ended))
    assert kept.begun == [(7, "every", 25)]


async def test_nothing_begins_by_itself_where_nothing_is_wanted(live: Live) -> None:
    kept = Kept()
    async with running(live, kept):
        live.take(CALM[20:])
        await quiet()
    assert (kept.begun, kept.lives) == ([], 0)


async def test_a_round_that_is_asked_for_begins_and_one_at_a_time(live: Live) -> None:
    kept = Kept([says(Said(None, 1, 10), then="time.sleep(0.3)", code=1), proposing()])
    async with running(live, kept) as rounds:
        assert rounds.ask()
        await until(lambda: rounds.progress.phase == "searching")
        assert not rounds.ask()
        await until(lambda: len(kept.ended) == 1)
        await quiet()
        assert kept.begun == [(1, "asked", 20)]
        assert rounds.ask()
        await until(lambda: len(kept.ended) == 2)
    assert kept.begun == [(1, "asked", 20), (2, "asked", 20)]


class Slow(Disk):
    """A disk that takes its time."""

    def fdatasync(self, fd: int) -> None:
        time.sleep(0.2)
        super().fdatasync(fd)


async def test_the_record_has_the_bars_before_the_search_reads_it(tmp_path: Path) -> None:
    durable: list[tuple[int, int]] = []
    run = Live(tmp_path, disk=Slow())

    class Checking(Kept):
        def prepare(self, one: Open, state: State) -> Callable[[], None]:
            durable.append((run.writer.durable["inputs"], run.pump.seq))
            return super().prepare(one, state)

    kept = Checking()
    run.take(opening(variants(2, reckless=0.0)))
    async with running(run, kept, Schedule(5, on_regime=False)):
        await quiet()
        run.take(CALM[:5])
        assert run.writer.durable["inputs"] < run.pump.seq
        await until(lambda: bool(kept.ended))
    run.close()
    ((written, seq),) = durable
    assert written == seq


async def test_who_asked_is_known_of_the_round_that_begins_for_that_and_of_no_other(
    live: Live,
) -> None:
    asked: list[Open] = []

    class Noting(Kept):
        def prepare(self, one: Open, state: State) -> Callable[[], None]:
            asked.append(one)
            return super().prepare(one, state)

    kept = Noting()
    async with running(live, kept, Schedule(30, on_regime=False)) as rounds:
        assert rounds.ask("key 1a2b")
        assert rounds.ask("somebody else"), "it has not begun yet"
        await until(lambda: len(kept.ended) == 1)
        assert rounds.ask()
        await until(lambda: len(kept.ended) == 2)
        live.take(CALM[20:50])
        await until(lambda: len(kept.ended) == 3)
        assert rounds.progress.by == ""
    assert asked == [
        Open(1, "asked", "key 1a2b"), Open(2, "asked", "operator"), Open(3, "every"),
    ]  # fmt: skip
    assert [outcome["by"] for _, outcome in kept.ended] == ["key 1a2b", "operator", ""]


async def test_no_round_begins_in_a_halt(live: Live) -> None:
    kept = Kept()
    live.stop(HALT)
    live.take(CALM[20:21])
    async with running(live, kept, Schedule(5, on_regime=True)) as rounds:
        rounds.ask()
        await quiet()
        assert kept.begun == []
        live.resume()
        live.take(CALM[21:22])
        await until(lambda: bool(kept.ended))
    assert kept.begun == [(1, "asked", 22)]


async def test_no_round_begins_before_the_run_or_amid_a_broken_event(tmp_path: Path) -> None:
    live, kept = Live(tmp_path), Kept()
    live.take([begin()])
    async with running(live, kept, Schedule(1, on_regime=True)) as rounds:
        rounds.ask()
        await quiet()
        live.take([*opening([])[1:], *CALM[:2]])
        live.pump.sound = False
        await quiet()
        assert kept.begun == []
        live.pump.sound = True
        await until(lambda: bool(kept.ended))
    live.close()


def changing() -> list[Candle]:
    """Calm for long and then wild; by the 400th bar another regime stands."""
    first, wild = waves(320, drift=0.0, noise=0.0002), waves(180, drift=0.0, noise=0.004)
    calm, later = candles(first, MINUTE_NS), candles(wild, MINUTE_NS)
    past_ns = int(first.at_ns[-1]) + MINUTE_NS - START_NS
    return calm + [
        replace(one, bar=replace(one.bar, at_ns=one.bar.at_ns + past_ns)) for one in later
    ]


@pytest.mark.parametrize(("every", "before", "at"), [(0, 370, 420), (400, 370, 470)])
async def test_a_change_of_regime_begins_a_round_when_a_part_of_the_pause_is_over(
    tmp_path: Path, every: int, before: int, at: int
) -> None:
    live, market = Live(tmp_path), changing()
    live.take(opening(variants(2, reckless=0.0)))
    kept = Kept(newest=(1, None, {SYMBOL: before}))
    async with running(live, kept, Schedule(every, on_regime=True)):
        await quiet()  # it listens before anything comes
        live.take(market[: at - 1])
        await quiet()
        assert kept.begun == []
        live.take(market[at - 1 : at])
        await until(lambda: bool(kept.ended))
        live.take(market[at : at + 20])
        await quiet()
    live.close()
    assert kept.begun == [(2, "regime", at)], "one change is one round"


async def test_where_regimes_are_not_wanted_none_begins_one(tmp_path: Path) -> None:
    live, kept = Live(tmp_path), Kept()
    live.take(opening(variants(2, reckless=0.0)))
    async with running(live, kept):
        await quiet()
        live.take(changing())
        await quiet()
    live.close()
    assert kept.begun == []


async def test_what_it_finds_is_proposed_one_by_one_and_counted(live: Live) -> None:
    kept = Kept([proposing(FRESH, OTHER)])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        progress = rounds.progress
        assert (progress.phase, progress.done, progress.wanted) == ("ended", 10, 10)
        assert (progress.proposed, progress.admitted, progress.deaths) == (2, 2, 0)
        assert kept.ended == [(1, facts(progress))]
    assert [one.proposals for one in proposed(live)] == [
        (Proposal(FRESH, GOOD),), (Proposal(OTHER, GOOD),)
    ]  # fmt: skip
    assert {one.by for one in proposed(live)} == {BY}
    live.take(CALM[20:21])
    assert live.state.find("fresh") is not None


async def test_what_another_proposes_is_not_counted(live: Live) -> None:
    kept = Kept([proposing(FRESH)])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        live.take([Propose(live.state.at_ns, (Proposal(OTHER, GOOD),), "somebody")])
        assert rounds.progress.admitted == 1
    live.take(CALM[20:21])
    assert live.state.find("other") is not None


async def test_who_is_replaced_for_it_is_counted(tmp_path: Path) -> None:
    live, kept = Live(tmp_path), Kept([proposing(FRESH)])
    drawn = [replace(one, origin="random") for one in variants(4, reckless=0.0)]
    live.take([*opening(drawn), *CALM[:200]])  # long enough to be judged
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        assert (rounds.progress.admitted, rounds.progress.replaced) == (1, 1)
    live.close()


async def test_a_replay_needs_neither_the_process_nor_its_luck(live: Live) -> None:
    kept = Kept([proposing(FRESH)])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        live.take(CALM[20:40])
        await live.pump.written()
    replay = Replay(live.folder, strategies())
    assert len(list(replay.steps())) == live.pump.seq
    assert replay.difference is None


async def test_what_cannot_trade_here_is_refused_by_the_run(live: Live) -> None:
    away = replace(FRESH, symbol="ETHUSDTM")
    kept, outs = Kept([proposing(away)]), list[Any]()
    live.pump.listeners.append(lambda _, own: outs.extend(own))
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        assert (rounds.progress.proposed, rounds.progress.admitted) == (1, 0)
    assert [record.variant for _, record in outs if isinstance(record, Refusal)] == ["fresh"]


async def test_in_a_halt_nobody_is_proposed_until_it_ends(live: Live) -> None:
    kept = Kept([proposing(FRESH, OTHER)])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: rounds.progress.phase == "searching")
        live.stop(HALT)
        live.take(CALM[20:21])
        await until(lambda: rounds.progress.phase == "proposing")
        await quiet()
        assert rounds.progress.admitted == 0
        assert kept.ended == []
        live.resume()
        live.take(CALM[21:22])
        await until(lambda: bool(kept.ended))
        assert rounds.progress.admitted == 2


DEATHS = {
    "a code": says(Said(None, 3, 10), code=9),
    "a code after its result": says(Said((), 3, 10), code=1),
    "no result": says(Said(None, 3, 10)),
    "silence": says(),
    "a signal": says(Said(None, 3, 10), then="os.kill(os.getpid(), 9)"),
    "nonsense": says(then="os.write(1, b'Traceback: what?\\n')"),
    "half a line": says(Said(None, 3, 10), then="os.write(1, b'{\"proposals\":[')"),
}


@pytest.mark.parametrize("text", DEATHS.values(), ids=DEATHS)
async def test_a_process_that_dies_is_started_again(live: Live, text: str) -> None:
    kept = Kept([text, proposing(FRESH)])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        assert (rounds.progress.deaths, rounds.progress.admitted) == (1, 1)
    assert kept.lives == 2
    assert kept.begun == [(1, "asked", 20)], "it is the same round"


async def test_how_far_it_is_never_goes_back(live: Live) -> None:
    again = says(Said(None, 2, 10), then="time.sleep(0.2)", code=1)
    kept = Kept([says(Said(None, 7, 10), code=1), again, proposing()])
    seen: list[int] = []
    async with running(live, kept) as rounds:
        rounds.ask()
        while not kept.ended:
            seen.append(rounds.progress.done)
            await asyncio.sleep(0.002)
    assert 7 in seen
    assert seen == sorted(seen)


@pytest.mark.parametrize("text", [DEATHS["a code"], DEATHS["silence"]])
async def test_one_that_comes_no_further_is_given_up_and_the_next_begins(
    live: Live, text: str
) -> None:
    lives = DEATHS_MAX + (text == DEATHS["a code"])  # that one comes a little further at first
    kept = Kept([*[text] * lives, proposing(FRESH)])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        assert rounds.progress.phase == "given up"
        assert (kept.lives, rounds.progress.deaths) == (lives, lives)
        assert proposed(live) == []
        assert rounds.ask()
        await until(lambda: len(kept.ended) == 2)
        assert (rounds.progress.number, rounds.progress.phase) == (2, "ended")
        assert rounds.progress.deaths == 0


async def test_one_that_comes_further_each_time_is_not_given_up(live: Live) -> None:
    texts = [says(Said(None, n, 10), code=1) for n in range(1, DEATHS_MAX + 4)]
    kept = Kept([*texts, proposing(FRESH)])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        assert rounds.progress.phase == "ended"
        assert rounds.progress.deaths == DEATHS_MAX + 3


async def test_a_round_that_an_engine_left_open_goes_on(live: Live) -> None:
    kept = Kept([proposing(FRESH)], newest=(3, Open(3, "regime"), {SYMBOL: 15}))
    async with running(live, kept) as rounds:
        await until(lambda: bool(kept.ended))
        assert (rounds.progress.number, rounds.progress.why) == (3, "regime")
        assert kept.begun == []
        rounds.ask()
        await until(lambda: len(kept.ended) == 2)
    assert [number for number, _ in kept.ended] == [3, 4]


async def test_who_is_known_already_is_not_proposed_twice(live: Live) -> None:
    """An engine died between the proposals and the end of the round."""
    live.take([Propose(live.state.at_ns, (Proposal(FRESH, GOOD),), BY), *CALM[20:22]])
    kept = Kept([proposing(FRESH, OTHER)], newest=(1, Open(1, "every"), {}))
    async with running(live, kept) as rounds:
        await until(lambda: bool(kept.ended))
        assert rounds.progress.admitted == 2
    assert [p.variant.id for one in proposed(live) for p in one.proposals] == ["fresh", "other"]
    live.take(CALM[22:23])
    assert live.state.find("other") is not None


async def test_the_process_ends_with_the_rounds(live: Live, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    kept = Kept([f"import os, time\nopen({str(file)!r}, 'w').write(str(os.getpid()))\n{WAITS}"])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: file.exists() and bool(file.read_text()))
        pid = int(file.read_text())
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert kept.ended == [], "the next engine goes on with it"
    assert rounds.progress.phase == "none"
    assert live.pump.listeners == []


async def test_the_process_is_told_by_its_stdin_that_the_engine_lives(live: Live) -> None:
    """It is open as long as the engine is, and nothing comes by it."""
    looks = (
        "import os, select\nready, _, _ = select.select([0], [], [], 0.2)\n"
        "os._exit(3) if ready else None\n"
    )
    kept = Kept([looks + proposing(FRESH)])
    async with running(live, kept) as rounds:
        rounds.ask()
        await until(lambda: bool(kept.ended))
        assert (rounds.progress.deaths, rounds.progress.admitted) == (0, 1)


def test_the_facts_of_a_round_are_plain() -> None:
    found = facts(module.Progress(2, "ended", "every", 10, 10, 1, 3, 2, 1))
    assert found == {
        "number": 2, "phase": "ended", "why": "every", "done": 10, "wanted": 10, "deaths": 1,
        "proposed": 3, "admitted": 2, "replaced": 1, "trouble": "", "by": "",
    }  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(found)) == found
