"""Where a run keeps its rounds of search, and what each of them is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from liveopt.cli.searching import RESULT, TASK, keep
from liveopt.config import Settings
from liveopt.live.pump import Pump
from liveopt.live.rounds import Open
from liveopt.optimize.rounds.task import Effort, Result, Sought, Task
from liveopt.optimize.studies.store import Store
from liveopt.walk.group import Group
from liveopt.walk.seat import GONE
from liveopt.walk.state import Market, State
from liveopt.walk.variant import Variant

FOLDER: Final = "rounds"
OUTCOME: Final = "outcome.json"
LIVING: Final = 64
"""Of each strategy: the best are enough to begin with, and to be something else than."""


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
        task = task_of(self.run, number)
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
            tuple(living(market, strategies)), 0, market.bars,
        )  # fmt: skip

    def _begin(self, task: Task) -> None:
        """Keep it, with how many trials there were before: luck had those chances too."""
        store = Store(self.studies)
        try:
            sought = tuple(
                msgspec.structs.replace(one, trials_before=self._trials(store, one.symbol))
                for one in task.sought
            )
        finally:
            store.close()
        folder = place(self.run, task.number)
        folder.mkdir(parents=True, exist_ok=True)
        keep(folder / TASK, msgspec.json.encode(msgspec.structs.replace(task, sought=sought)))

    def _trials(self, store: Store, symbol: str) -> int:
        return store.evaluated(f"opt_{self.run.name}_*_{symbol}_*")

    def command(self, number: int) -> Sequence[str]:
        """The hidden command that does a round."""
        return ("-m", "liveopt", "search-round", "--folder", str(place(self.run, number)))

    def end(self, number: int, outcome: Mapping[str, Any]) -> None:
        """Keep what became of it."""
        keep(place(self.run, number) / OUTCOME, msgspec.json.encode(outcome))


def living(market: Market, strategies: Sequence[str]) -> list[Variant]:
    """The best of each strategy that run now, the champion among them."""
    found: list[Variant] = []
    for name in strategies:
        own = [group for group in market.groups if group.seats[0].key.strategy == name]
        ranked = sorted((one for group in own for one in _running(group)), reverse=True)
        found += [group.seats[seat].variant for _, _, group, seat in ranked[:LIVING]]
    return found


def _running(group: Group) -> list[tuple[float, str, Group, int]]:
    equity = group.batch.cell("p_equity")
    there = [n for n, seat in enumerate(group.seats) if seat.status not in GONE]
    return [(float(equity[n]), group.seats[n].id, group, n) for n in there]


def numbers_of(run: Path) -> list[int]:
    """The rounds that were begun, in order."""
    found = (run / FOLDER).glob(f"*/{TASK}")
    return sorted(int(one.parent.name) for one in found)


def place(run: Path, number: int) -> Path:
    """Where a round is kept."""
    return run / FOLDER / f"{number:04d}"


def task_of(run: Path, number: int) -> Task:
    """What a round was told."""
    return msgspec.json.decode((place(run, number) / TASK).read_bytes(), type=Task)


def result_of(run: Path, number: int) -> Result | None:
    """What its search came to; None if it has not come to an end."""
    try:
        return msgspec.json.decode((place(run, number) / RESULT).read_bytes(), type=Result)
    except FileNotFoundError:
        return None


def outcome_of(run: Path, number: int) -> dict[str, Any] | None:
    """What became of it in the run; None while that is open."""
    try:
        found: dict[str, Any] = msgspec.json.decode((place(run, number) / OUTCOME).read_bytes())
    except FileNotFoundError:
        return None
    return found
