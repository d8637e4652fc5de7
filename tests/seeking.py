"""Rounds for tests: a search in this process, and processes that say what they are told to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from liveopt.cli.studies import opened
from liveopt.core.bars import MINUTE_NS, Bars
from liveopt.core.events import Bar
from liveopt.engine.cpu import Cpu
from liveopt.live.rounds import Open, Said
from liveopt.optimize.rounds.plans import Draft
from liveopt.optimize.rounds.round import Done, search
from liveopt.optimize.rounds.task import Effort, Searched, Sought, Task
from liveopt.optimize.studies.crew import Crew
from liveopt.optimize.studies.store import Store
from liveopt.optimize.studies.study import Heard, Study
from liveopt.promotion.admission import Backtest
from liveopt.walk.events import Add, Begun, Input, Past, Proposal
from liveopt.walk.state import State
from liveopt.walk.variant import Variant
from tests.run import INSTRUMENT, START_NS, SYMBOL, TERMS, begin, run_of, strategies
from tests.run import candles as events

Hear = Callable[[Heard], None]
GOOD = Backtest(
    bars=5_000, trades=200, sharpe=0.06, skewness=-0.2, kurtosis=5.0, trials=400,
    trials_deviation=0.012,
)  # fmt: skip
"""More than luck."""
FIXED = ("kind=ema",)
"""One step to compile instead of three."""


def waves(
    count: int, half: int = 9, drift: float = 0.002, noise: float = 0.0005, seed: int = 1
) -> Bars:
    """Up for so many bars, then down, again and again; without a drift there is only noise."""
    rng = np.random.default_rng(seed)
    way = np.where(np.arange(count) // half % 2 == 0, 1.0, -1.0)
    close = np.round(
        30_000.0 * np.exp(np.cumsum(drift * way + noise * rng.standard_normal(count))), 1
    )
    opened_ = np.concatenate([[30_000.0], close[:-1]])
    return Bars(
        START_NS + np.arange(count, dtype=np.int64) * MINUTE_NS,
        opened_, np.maximum(opened_, close), np.minimum(opened_, close), close, np.ones(count),
    )  # fmt: skip


def singly(bars: Bars) -> list[Bar]:
    """The same, one by one."""
    columns = (bars.at_ns.tolist(), *(column.tolist() for column in bars.floats()))
    return [Bar(*row) for row in zip(*columns, strict=True)]


def recorded(
    home: Path, bars: Bars, past: int | None = None, people: Sequence[Variant] = ()
) -> Path:
    """The folder of a run that was told of so many bars (all, if not said) and saw the others."""
    known = singly(bars)[:past]
    later = events(bars, MINUTE_NS)[len(known) :]
    told: list[Input] = [begin(), Past(SYMBOL, tuple(known))]
    return run_of(home, [*told, Add(START_NS, tuple(people), "start"), Begun(START_NS), *later])


def sought_of(**changes: Any) -> Sought:
    """The one symbol, searched for crossings."""
    plain = Sought(SYMBOL, INSTRUMENT, 0.0, ("ma_crossover",), (), 0, 0.0, 0)
    return replace(plain, **changes)


def effort_of(**changes: Any) -> Effort:
    """Little."""
    return replace(Effort("random", 60, 1_000_000, 3), **changes)


def task_of(run: Path, sought: Sequence[Sought] = (), **changes: Any) -> Task:
    """A small round on this record, long after it."""
    terms = replace(TERMS, drawdown_limit=1.0)
    plain = Task(
        1, "asked", str(run), str(run.parent / "state"), 2 * START_NS, terms, FIXED, 7,
        effort_of(), tuple(sought) or (sought_of(),),
    )  # fmt: skip
    return replace(plain, **changes)


def doer(task: Task, hear: Hear = lambda _: None) -> Callable[[Draft], Done]:
    """Does studies as they are asked for, kept in the task's store."""
    store = Store(Path(task.studies))

    def do(draft: Draft) -> Done:
        run, _ = opened(draft.plan)
        store.begin(draft.name, draft.plan, "now")
        study = Study(draft.plan, Crew(run, Cpu(1), 1 << 26, None, 0), store, draft.name, hear)
        (outcome,) = study.run()
        return Done(draft, run, study, outcome)

    return do


def searched(task: Task, hear: Hear = lambda _: None) -> Searched:
    """What comes of its first symbol."""
    folder = Path(task.run) / "rounds" / f"{task.number:04d}"
    folder.mkdir(parents=True, exist_ok=True)
    return search(task, task.sought[0], strategies(), folder, doer(task, hear))


def says(*words: Said, code: int = 0, then: str = "") -> str:
    """The text of a process that says these and ends so."""
    lines = b"".join(msgspec.json.encode(word) + b"\n" for word in words)
    return f"import os, sys, time\nos.write(1, {lines!r})\n{then}\nos._exit({code})"


def proposing(*found: Any) -> str:
    """One that goes well."""
    proposals = tuple(Proposal(one, GOOD) for one in found)
    return says(Said(None, 5, 10), Said(None, 10, 10), Said(proposals, 0, 0))


@dataclass
class Kept:
    """Rounds that are kept in memory; their processes are these, the last one again and again."""

    texts: Sequence[str] = (proposing(),)
    newest: tuple[int, Open | None, dict[str, int]] = (0, None, {})
    begun: list[tuple[int, str, int]] = field(default_factory=list)
    ended: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    lives: int = 0

    def last(self) -> tuple[int, Open | None, dict[str, int]]:
        return self.newest

    def prepare(self, one: Open, state: State) -> Callable[[], None]:
        bars = state.markets[SYMBOL].bars
        return lambda: self.begun.append((one.number, one.why, bars))

    def command(self, number: int) -> Sequence[str]:
        self.lives += 1
        return "-c", self.texts[min(self.lives, len(self.texts)) - 1]

    def end(self, number: int, outcome: Mapping[str, Any]) -> None:
        self.ended.append((number, dict(outcome)))
