"""Whatever is wrong with a round of search is no harm to the run: told, and tried again later."""

import asyncio
import errno
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from liveopt.cli.rounds import RoundsFolder
from liveopt.config import Settings
from liveopt.guard.gate import HALT
from liveopt.journal.disk import Disk
from liveopt.journal.writer import JournalBroken
from liveopt.live import rounds as module
from liveopt.live.pump import HalfDone, Pump
from liveopt.live.rounds import Open, Rounds, Said, Schedule, Searches
from liveopt.live.supervise import CRASHES_MAX, Supervisor
from liveopt.optimize.rounds.folder import TASK, Outcome, numbers_of, outcome_of, place, task_of
from liveopt.optimize.studies.store import FILE
from liveopt.walk.joining import HALTED
from liveopt.walk.records import Refusal
from liveopt.walk.state import State
from liveopt.walk.verdicts import Admission
from tests.run import Live, opening, variants
from tests.seeking import Kept, proposing, says
from tests.unit.live.test_rounds import CALM, FRESH, NEVER, OTHER, proposed, quiet, until

SETTINGS = Settings.model_validate({"live": {"strategies": ["ma_crossover"]}})
TRIES = CRASHES_MAX + 2
"""A part of the service that crashed as often would have ended it."""
FULL = "No space left on device"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same looks and pauses, each a moment."""
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    for name in ("AGAIN_S", "AGAIN_S_MAX", "TROUBLE_S_MAX"):
        monkeypatch.setattr(module, name, 0.02)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """What is said in the log; whole states in tracebacks would take longer than the pauses."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def live(tmp_path: Path) -> Any:
    """A run that has seen twenty bars."""
    found = Live(tmp_path)
    found.take([*opening(variants(4, reckless=0.0)), *CALM[:20]])
    yield found
    found.close()


@asynccontextmanager
async def served(
    live: Live, searches: Searches, schedule: Schedule = NEVER
) -> AsyncIterator[Rounds]:
    """Kept alive as the service does it; a crash of the part would be heard of."""
    rounds, crashes = Rounds(live.pump, searches, schedule), Counter[str]()
    boss = Supervisor(np.random.default_rng(1), lambda part: crashes.update([part]))
    task = asyncio.create_task(boss.keep("rounds", rounds.run))
    try:
        yield rounds
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert not crashes
    assert live.pump.sound
    assert live.pump.listeners == []


@dataclass
class Failing(Kept):
    """Each of these calls fails so often, then goes well."""

    fails: Counter[str] = field(default_factory=Counter)

    def _work(self, call: str) -> None:
        if self.fails[call]:
            self.fails[call] -= 1
            raise OSError(errno.ENOSPC, FULL)

    def last(self) -> tuple[int, Open | None, dict[str, int]]:
        self._work("last")
        return super().last()

    def prepare(self, one: Open, state: State) -> Callable[[], None]:
        self._work("prepare")
        keep = super().prepare(one, state)

        def later() -> None:
            self._work("keep")
            keep()

        return later

    def end(self, number: int, outcome: Mapping[str, Any]) -> None:
        self._work("end")
        super().end(number, outcome)


@pytest.mark.parametrize("call", ["last", "prepare", "keep", "end"])
async def test_a_disk_that_is_full_ends_no_run_and_is_tried_again(
    live: Live, logged: list[Any], call: str
) -> None:
    kept = Failing([proposing(FRESH)], fails=Counter({call: TRIES}))
    bars, told = iter(CALM[20:]), set[str]()
    async with served(live, kept, Schedule(1, on_regime=False)) as rounds:
        async with asyncio.timeout(45.0):
            while not kept.ended:
                live.take([next(bars)])
                await asyncio.sleep(0.02)
                own = rounds.progress
                if own.trouble:
                    told.add(f"{own.phase}: {own.trouble}")
        await until(lambda: rounds.progress.phase == "ended")
        assert rounds.progress.trouble == ""
    assert told == {f"given up: [Errno {errno.ENOSPC}] {FULL}"}
    assert kept.fails[call] == 0
    assert [one["event"] for one in logged].count("a round of search failed") == TRIES
    live.take([next(bars)])
    assert live.state.find("fresh") is not None


@pytest.mark.parametrize("call", ["prepare", "keep"])
@pytest.mark.parametrize(("every", "why"), [(0, "asked"), (20, "every")])
async def test_a_round_that_could_not_be_begun_is_still_due(
    live: Live, call: str, every: int, why: str
) -> None:
    """Nobody has to ask once more, and no bars have to pass."""
    kept = Failing(fails=Counter({call: 3}))
    async with served(live, kept, Schedule(every, on_regime=False)) as rounds:
        if not every:
            rounds.ask()
        await until(lambda: bool(kept.ended))
        await quiet()
    assert [(one, bars) for _, one, bars in kept.begun] == [(why, 20)], "once, and no more"


class OfRecord(RoundsFolder):
    """Rounds in their folders; what a process of them says is this."""

    def command(self, number: int) -> Sequence[str]:
        return "-c", proposing(FRESH)


class Forgetful(OfRecord):
    """The folder cannot be looked into at first."""

    def last(self) -> tuple[int, Open | None, dict[str, int]]:
        if not (self.run / "looked").exists():
            (self.run / "looked").touch()
            raise OSError(errno.EIO, "Input/output error")
        return super().last()


def folder_of(live: Live, kind: type[RoundsFolder] = OfRecord) -> RoundsFolder:
    return kind(live.folder, live.home, SETTINGS, live.pump)


async def test_earlier_rounds_that_could_not_be_seen_at_once_are_not_written_over(
    live: Live,
) -> None:
    folder = folder_of(live, Forgetful)
    folder.prepare(Open(1, "every"), live.state)()
    folder.end(1, {"phase": "ended", "admitted": 77})
    before = (place(live.folder, 1) / TASK).read_bytes()
    live.take(CALM[20:25])
    async with served(live, folder) as rounds:
        rounds.ask()
        await until(lambda: bool(outcome_of(live.folder, 2)))
        assert rounds.progress.number == 2
    assert numbers_of(live.folder) == [1, 2]
    assert (place(live.folder, 1) / TASK).read_bytes() == before
    assert outcome_of(live.folder, 1) == Outcome("ended", admitted=77)


async def test_a_newest_round_whose_task_is_torn_is_left_and_the_next_begins(live: Live) -> None:
    folder = folder_of(live)
    folder.prepare(Open(1, "every"), live.state)()
    file = place(live.folder, 1) / TASK
    file.write_bytes(file.read_bytes()[:100])
    torn = file.read_bytes()
    async with served(live, folder) as rounds:
        rounds.ask()
        await until(lambda: rounds.progress.phase == "ended")
        assert (rounds.progress.number, rounds.progress.admitted) == (2, 1)
    assert file.read_bytes() == torn
    assert outcome_of(live.folder, 1) is None
    assert task_of(live.folder, 2).why == "asked"


async def test_a_damaged_store_of_studies_is_told_and_once_it_is_away_rounds_go_on(
    live: Live,
) -> None:
    (live.home / FILE).write_bytes(b"this is no database" * 999)
    async with served(live, folder_of(live)) as rounds:
        rounds.ask()
        seen = set[int]()
        async with asyncio.timeout(45.0):
            while len(seen) < TRIES:
                if rounds.progress.phase == "given up":
                    seen.add(rounds.progress.number)
                    assert f"{FILE} cannot be used" in rounds.progress.trouble
                    assert "move it away" in rounds.progress.trouble
                await asyncio.sleep(0.002)
        live.take(CALM[20:30])
        assert numbers_of(live.folder) == []
        (live.home / FILE).rename(live.home / "away")
        await until(lambda: rounds.progress.phase == "ended")
        assert (rounds.progress.admitted, rounds.progress.trouble) == (1, "")
    assert numbers_of(live.folder) == [rounds.progress.number]


class Strange(RoundsFolder):
    """Its first round proposes what nobody can compile."""

    def command(self, number: int) -> Sequence[str]:
        odd = replace(FRESH, id="strange", strategy="of_no_file")
        return "-c", proposing(odd if number == 1 else FRESH)


async def test_a_round_that_failed_has_an_outcome_that_says_why_and_is_over(live: Live) -> None:
    """Also for an engine that starts later: it would fail once more."""
    folder = folder_of(live, Strange)
    async with served(live, folder) as rounds:
        rounds.ask("key 1a2b")
        await until(lambda: outcome_of(live.folder, 1) is not None)
    found = outcome_of(live.folder, 1)
    assert found is not None
    assert (found.phase, found.why, found.by) == ("given up", "asked", "key 1a2b")
    assert (found.proposed, found.admitted, found.deaths) == (1, 0, 0)
    assert "of_no_file" in found.trouble
    assert folder.last()[:2] == (1, None)
    async with served(live, folder) as rounds:
        await quiet()
        assert (rounds.progress.number, rounds.progress.phase) == (1, "none")
        rounds.ask()
        await until(lambda: rounds.progress.phase == "ended")
        assert rounds.progress.number == 2


class Stuck(Disk):
    """A disk that answers when it is let."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()

    def fdatasync(self, fd: int) -> None:
        self.free.wait(30.0)
        super().fdatasync(fd)


async def test_a_record_that_is_not_written_in_time_is_waited_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pump.written, "__defaults__", (0.05,))
    disk, kept = Stuck(), Kept([proposing(FRESH)])
    live = Live(tmp_path, disk=disk)
    live.take(opening(variants(4, reckless=0.0)))
    async with served(live, kept) as rounds:
        await quiet()
        disk.free.clear()
        live.take(CALM[:20])
        rounds.ask()
        told = dict[int, str]()
        async with asyncio.timeout(45.0):
            while len(told) < TRIES:
                if rounds.progress.phase == "given up":
                    told[rounds.progress.number] = rounds.progress.trouble
                await asyncio.sleep(0.002)
        assert set(told.values()) == {"TimeoutError()"}
        assert kept.begun == []
        live.take(CALM[20:25])
        disk.free.set()
        await until(lambda: bool(kept.ended))
        assert rounds.progress.admitted == 1
    live.close()


async def test_a_proposal_whose_step_cannot_be_made_spoils_its_round_alone(live: Live) -> None:
    strange = replace(FRESH, id="strange", strategy="of_no_file")
    kept = Kept([proposing(OTHER, strange), proposing(FRESH)])
    async with served(live, kept) as rounds:
        rounds.ask()
        await until(lambda: rounds.progress.phase == "given up")
        assert "of_no_file" in rounds.progress.trouble
        assert (rounds.progress.proposed, rounds.progress.admitted) == (2, 1)
        await quiet()
        live.take(CALM[20:25])
        assert rounds.ask()
        await until(lambda: len(kept.ended) == 2)
        assert (rounds.progress.number, rounds.progress.admitted) == (2, 1)
    assert [p.variant.id for one in proposed(live) for p in one.proposals] == ["other", "fresh"]
    (_, spoilt), (number, well) = kept.ended
    assert (spoilt["phase"], spoilt["number"], spoilt["admitted"]) == ("given up", 1, 1)
    assert "of_no_file" in spoilt["trouble"]
    assert (number, well["phase"], well["trouble"]) == (2, "ended", "")


async def test_pauses_grow_while_rounds_fail_and_end_with_the_first_that_goes_well(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TROUBLE_S_MAX", 0.3)
    kept = Failing(fails=Counter({"prepare": 6}))
    began: dict[int, float] = {}
    loop = asyncio.get_running_loop()
    async with served(live, kept) as rounds:
        rounds.ask()
        async with asyncio.timeout(45.0):
            while not kept.ended:
                began.setdefault(rounds.progress.number, loop.time())
                await asyncio.sleep(0.001)
        at = [began[number] for number in range(1, 8)]
        gaps = np.diff(at)
        assert gaps[4] > 0.25 > gaps[0]
        assert gaps[5] < 0.3 + 0.25, "no longer than that"
        asked_s = loop.time()
        await until(lambda: rounds.progress.phase == "ended")
        rounds.ask()
        await until(lambda: len(kept.begun) == 2)
        assert loop.time() - asked_s < 0.25


@pytest.mark.parametrize("kind", [HalfDone, JournalBroken])
async def test_what_is_the_runs_own_trouble_is_not_hidden(
    live: Live, kind: type[Exception]
) -> None:
    """Its process proposes into a run that can take nothing any more."""
    kept = Kept([says(Said(None, 1, 2), then="time.sleep(0.3)", code=1), proposing(FRESH)])
    rounds = Rounds(live.pump, kept, NEVER)
    task = asyncio.create_task(rounds.run())
    await asyncio.sleep(0)
    rounds.ask()
    await until(lambda: rounds.progress.done == 1)
    if kind is HalfDone:
        live.pump.sound = False
    else:
        live.writer.close()
    with pytest.raises(kind):
        await asyncio.wait_for(task, 45.0)
    assert rounds.progress.trouble == ""
    assert kept.ended == []


async def test_who_is_refused_for_a_halt_of_the_same_instant_is_proposed_again_after_it(
    live: Live,
) -> None:
    """The gate is shut and no event has told the run so: the proposal itself does."""
    kept, outs = Kept([proposing(FRESH)]), list[Any]()
    live.pump.listeners.append(lambda _, own: outs.extend(record for _, record in own))
    heard = live.pump.listeners[0]
    rounds = Rounds(live.pump, kept, NEVER)
    task = asyncio.create_task(rounds.run())
    rounds.ask()
    await until(lambda: rounds.progress.phase == "searching")
    live.stop(HALT)
    assert live.pump.state.halt is None
    await until(lambda: bool(refusals(outs)))
    await quiet()
    assert live.state.halt is not None
    assert [one.why for one in refusals(outs)] == [HALTED]
    assert not [one for one in outs if isinstance(one, Admission)]
    assert (rounds.progress.admitted, rounds.progress.replaced, kept.ended) == (0, 0, [])
    live.resume()
    live.take(CALM[20:21])
    await until(lambda: bool(kept.ended))
    assert rounds.progress.admitted == 1
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    live.pump.listeners.remove(heard)
    names = [p.variant.id for one in proposed(live) for p in one.proposals]
    assert names == ["fresh", "fresh"]
    live.take(CALM[21:22])
    assert live.state.find("fresh") is not None


def refusals(outs: Sequence[object]) -> list[Refusal]:
    """Who was told that it is not let in."""
    return [one for one in outs if isinstance(one, Refusal)]
