"""`liveopt search-round`: the process that searches beside a live run; nobody types it.

It takes only the processor's time that nobody else wants, says how far it is on stdout, and ends
when its stdin does: that is the engine's other end.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from liveopt import whole
from liveopt.cli.studies import opened
from liveopt.cli.working import complete, stamp
from liveopt.engine.cpu import Cpu, compiled
from liveopt.live.rounds import Said
from liveopt.optimize.rounds.folder import RESULT, TASK
from liveopt.optimize.rounds.plans import Draft
from liveopt.optimize.rounds.round import Done, search
from liveopt.optimize.rounds.task import Result, Searched, Task
from liveopt.optimize.studies.crew import Crew
from liveopt.optimize.studies.store import Store
from liveopt.optimize.studies.study import Heard, Study
from liveopt.strategies import load
from liveopt.walk.events import Proposal
from liveopt.walk.group import programs

STDIN: Final = 0
PATIENCE_S: Final = 0.25
"""Generations take milliseconds here, and the run's journal is on the same disk."""
ROOM: Final = 64 << 20
"""Bytes of a batch: little, so that the engine's own data stay in the processor's cache."""


def search_round(
    folder: Annotated[Path, typer.Option("--folder", help="The round's own.")],
) -> None:
    """One round of search beside a live run."""
    _step_back()
    threading.Thread(target=_end_with_the_engine, name="stdin", daemon=True).start()
    task = msgspec.json.decode((folder / TASK).read_bytes(), type=Task)
    found = _searched(folder, task)
    done = sum(one.trials for one in found) - sum(one.trials_before for one in task.sought)
    _say(Said(proposals_of(found), done, done))


def _searched(folder: Path, task: Task) -> Sequence[Searched]:
    """All symbols, unless it was done to its end and only the word of it was lost."""
    if (folder / RESULT).exists():
        known = msgspec.json.decode((folder / RESULT).read_bytes(), type=Result)
        return known.searched
    strategies = load()
    worker = _Worker(task, Store(Path(task.studies), PATIENCE_S))
    found: list[Searched] = []
    for sought in task.sought:
        one = search(task, sought, strategies, folder, worker.do)
        variants = [proposal.variant for proposal in one.proposals]
        for program in programs(variants, strategies, sought.instrument, task.terms):
            compiled(program)  # its machine code is left where the engine looks for it
        found.append(one)
    whole.write(folder / RESULT, msgspec.json.encode(Result(task.number, tuple(found))))
    return found


def proposals_of(searched: Sequence[Searched]) -> tuple[Proposal, ...]:
    """Of all symbols."""
    return tuple(one for each in searched for one in each.proposals)


class _Worker:
    """Does studies one after the other, and says how far it is."""

    def __init__(self, task: Task, store: Store) -> None:
        self._store = store
        self.wanted = sum(task.effort.evals * len(one.strategies) for one in task.sought)
        self.done = self._told = 0

    def do(self, draft: Draft) -> Done:
        """One study, or what is left of it."""
        begun_s = time.perf_counter()
        run, source = opened(draft.plan)
        self._store.begin(draft.name, draft.plan, stamp())
        crew = Crew(run, Cpu(1), ROOM, None, 0)
        study = Study(draft.plan, crew, self._store, draft.name, self._hear())
        (outcome,) = study.run()
        complete(study, source, [outcome], time.perf_counter() - begun_s)
        self._tell()
        return Done(draft, run, study, outcome)

    def _tell(self) -> None:
        """How far it is; what is told is kept."""
        if self.done > self._told and not self._store.waiting:
            self._told = self.done
            _say(Said(None, self.done, self.wanted))

    def _hear(self) -> Callable[[Heard], None]:
        before = self.done

        def hear(heard: Heard) -> None:
            self.done = before + heard.evaluated
            self._tell()

        return hear


def _say(word: Said) -> None:
    """A line for the engine."""
    sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
    sys.stdout.buffer.flush()


def _step_back() -> None:
    """The live loop comes first."""
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _end_with_the_engine() -> None:
    while os.read(STDIN, 1 << 12):  # a thread that holds Python's own stdin would break the exit
        pass
    os._exit(1)
