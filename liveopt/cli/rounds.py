"""Where a run keeps its rounds of search, and what each of them is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import structlog

from liveopt.cli.searching import RESULT, TASK, keep
from liveopt.config import Settings
from liveopt.live.pump import Pump
from liveopt.live.rounds import Open
from liveopt.optimize.rounds.plans import names
from liveopt.optimize.rounds.task import Effort, Result, Sought, Task
from liveopt.optimize.studies.store import Store
from liveopt.walk.seat import GONE
from liveopt.walk.state import Market, State
from liveopt.walk.variant import Variant

FOLDER: Final = "rounds"
OUTCOME: Final = "outcome.json"
LIVING: Final = 64
"""Of each strategy: enough to begin with, and to be something else than."""
T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RoundsFolder:
    """One run's rounds, a folder each: its task, the market it saw, its result, its outcome."""

    run: Path
    studies: Path
    settings: Settings
    pump: Pump

    def last(self) -> tuple[int, Open | None, dict[str, int]]:
        """The newest round that was begun, itself if it has not ended, and where the run was."""
        numbers = numbers_of(self.run)
        if not numbers:
            return 0, None, {}
        number = numbers[-1]
        try:
            task = task_of(self.run, number)
        except Unreadable as error:
            log.warning("a round of search cannot be gone on with", number=number, why=str(error))
            return number, None, {}
        ended = (place(self.run, number) / OUTCOME).exists()
        bars = {one.symbol: one.bars for one in task.sought}
        return number, None if ended else Open(number, task.why), bars

    def prepare(self, number: int, why: str, state: State) -> Callable[[], None]:
        """The living are looked at now; what is slow is done by the caller of what comes back."""
        assert state.terms is not None
        wanted = self.settings.reoptimize
        effort = Effort(wanted.algorithm, wanted.evals, wanted.bars, wanted.proposals)
        task = Task(
            number, why, str(self.run), str(self.studies), state.at_ns, state.terms,
            self.settings.live.set, self.settings.live.seed, effort,
            tuple(self._sought(market) for market in state.markets.values()),
        )  # fmt: skip
        return lambda: self._begin(task)

    def _sought(self, market: Market) -> Sought:
        funding = self.pump.settlements.get(market.symbol)
        strategies = self.settings.live.strategies
        return Sought(
            market.symbol, market.instrument, 0.0 if funding is None else funding[1], strategies,
            tuple(living(market, strategies)), 0, 0.0, market.bars,
        )  # fmt: skip

    def _begin(self, task: Task) -> None:
        """Keep it, with how many trials there were before: luck had those chances too."""
        store = Store(self.studies)
        try:
            sought = tuple(self._counted(store, task, one) for one in task.sought)
        finally:
            store.close()
        folder = place(self.run, task.number)
        folder.mkdir(parents=True, exist_ok=True)
        keep(folder / TASK, msgspec.json.encode(msgspec.structs.replace(task, sought=sought)))

    def _counted(self, store: Store, task: Task, one: Sought) -> Sought:
        """By the store, or by the last result where the store was moved away."""
        before = store.tally(f"{names(task, one.symbol)}*")
        count = max(before.count, self._told(task.number, one.symbol))
        return msgspec.structs.replace(one, trials_before=count, deviation_before=before.deviation)

    def _told(self, number: int, symbol: str) -> int:
        """Trials by the newest result there is: rounds since may have been given up."""
        for earlier in reversed(numbers_of(self.run)):
            try:
                last = result_of(self.run, earlier) if earlier < number else None
            except Unreadable as error:
                log.warning("trials of a round of search are not known", why=str(error))
                continue
            for one in last.searched if last else ():
                if one.symbol == symbol:
                    return one.trials
        return 0

    def command(self, number: int) -> Sequence[str]:
        """The hidden command that does a round."""
        return ("-m", "liveopt", "search-round", "--folder", str(place(self.run, number)))

    def end(self, number: int, outcome: Mapping[str, Any]) -> None:
        """Keep what became of it."""
        keep(place(self.run, number) / OUTCOME, msgspec.json.encode(outcome))


def living(market: Market, strategies: Sequence[str]) -> list[Variant]:
    """Some of each strategy that run now, the champion first and the others by name.

    A name is chance. Whoever picked the best would pick by the bars that are the test.
    """
    found: list[Variant] = []
    for name in strategies:
        own = [group for group in market.groups if group.seats[0].key.strategy == name]
        there = [
            (not group.champion, seat.id, seat)
            for group in own
            for seat in group.seats
            if seat.status not in GONE
        ]
        found += [seat.variant for *_, seat in nsmallest(LIVING, there, key=itemgetter(0, 1))]
    return found


class Unreadable(Exception):
    """A file of a round was damaged, or written by another version."""


def numbers_of(run: Path) -> list[int]:
    """The rounds that were begun, in order."""
    found = (one.parent.name for one in (run / FOLDER).glob(f"*/{TASK}"))
    return sorted(int(name) for name in found if name.isdecimal())


def place(run: Path, number: int) -> Path:
    """Where a round is kept."""
    return run / FOLDER / f"{number:04d}"


def task_of(run: Path, number: int) -> Task:
    """What a round was told."""
    return _read(place(run, number) / TASK, Task)


def result_of(run: Path, number: int) -> Result | None:
    """What its search came to; None if it has not come to an end."""
    file = place(run, number) / RESULT
    return _read(file, Result) if file.exists() else None


def outcome_of(run: Path, number: int) -> dict[str, Any] | None:
    """What became of it in the run; None while that is open."""
    file = place(run, number) / OUTCOME
    return _read(file, dict[str, Any]) if file.exists() else None


def _read(file: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
        raise Unreadable(f"{file}: {error}") from error
