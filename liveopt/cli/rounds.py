"""A run's rounds of search as the run itself sees them: what each is told, and what is kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from liveopt import whole
from liveopt.config import Settings
from liveopt.journal.disk import DISK
from liveopt.live.pump import Pump
from liveopt.live.rounds import Open
from liveopt.optimize.rounds.folder import (
    OUTCOME,
    TASK,
    Unreadable,
    numbers_of,
    place,
    result_of,
    task_of,
    thin_out,
)
from liveopt.optimize.rounds.plans import names
from liveopt.optimize.rounds.task import Effort, Sought, Task
from liveopt.optimize.studies.store import Store
from liveopt.walk.seat import GONE
from liveopt.walk.state import Market, State
from liveopt.walk.variant import Variant

LIVING: Final = 64
"""Of each strategy: enough to begin with, and to be something else than."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RoundsFolder:
    """What `live.rounds` needs of them."""

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
        return number, None if ended else Open(number, task.why, task.by), bars

    def prepare(self, one: Open, state: State) -> Callable[[], None]:
        """The living are looked at now; what is slow is done by the caller of what comes back."""
        assert state.terms is not None
        wanted = self.settings.reoptimize
        effort = Effort(wanted.algorithm, wanted.evals, wanted.bars, wanted.proposals)
        task = Task(
            one.number, one.why, str(self.run), str(self.studies), state.at_ns, state.terms,
            self.settings.live.set, self.settings.live.seed, effort,
            tuple(self._sought(market) for market in state.markets.values()), one.by,
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
        for parent in (self.run, folder.parent):  # a power cut leaves the names of new folders too
            DISK.fsync_dir(parent)
        task = msgspec.structs.replace(task, sought=sought)
        whole.write(folder / TASK, msgspec.json.encode(task))

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
        """Keep what became of it, and less of those long before it."""
        whole.write(place(self.run, number) / OUTCOME, msgspec.json.encode(outcome))
        try:
            thin_out(self.run)
        except OSError as error:
            log.warning("markets of old rounds of search could not be removed", why=str(error))


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
