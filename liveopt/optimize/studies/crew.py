"""Who evaluates candidates: this process with its threads, or processes of an executor.

By the fold law it makes no difference to any figure who evaluates what.
"""

from collections.abc import Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liveopt.core.account import Rule
from liveopt.core.instrument import Instrument
from liveopt.engine.batch import Setup, open_batch, program_of
from liveopt.engine.cpu import Cpu, compiled
from liveopt.engine.device import Device, Run, batch_size
from liveopt.engine.program import LANES
from liveopt.engine.rows import Rows
from liveopt.optimize.parameters import Variants
from liveopt.strategies import load

Array = npt.NDArray[np.float64]
Metrics = dict[str, Array]
Span = tuple[int, int]
"""Rows from the first to before the last."""
METRICS_BYTES: Final = 8 * 2 * 20
"""Of one candidate's metrics on two accounts."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a process needs to know before it can evaluate; all of it can be pickled."""

    strategy: str
    rule: Rule
    instrument: Instrument
    capital: float
    rows: Rows
    periods_per_year: float
    room: int

    def run(self) -> Run:
        """The run that these are the terms of."""
        setup = Setup(
            load()[self.strategy], self.rule, self.instrument, self.capital, pessimistic=True
        )
        return Run(setup, self.rows, self.periods_per_year)


def measure(run: Run, variants: Variants, span: Span, device: Device, room: int) -> list[Metrics]:
    """Metrics of every variant on the main account and on the pessimistic one."""
    setup = replace(run.setup, choices=variants.choices, pessimistic=True)
    rows, size = run.rows.part(*span), batch_size(setup, len(variants), room)
    order = np.lexsort(list(variants.knobs.values()))  # who reads the same inputs lies together
    parts: list[list[Metrics]] = []
    for first in range(0, len(order), size):
        own = order[first : first + size]
        batch = open_batch(setup, _cut(variants.knobs, own), _cut(variants.risk, own))
        device.advance(batch, rows)
        parts.append([batch.metrics(run.periods_per_year, late) for late in (False, True)])
    back = np.argsort(order)
    return [_joined([p[account] for p in parts], back) for account in (0, 1)]


class Crew:
    """The evaluators of a study."""

    def __init__(self, run: Run, device: Device, room: int, executor: Executor | None, hands: int):
        """`executor` takes the work in as many parts as there are hands; None: this process."""
        self.run, self._device, self._room = run, device, room
        self._executor, self._hands = executor, hands

    def metrics(self, variants: Variants, span: Span) -> list[Metrics]:
        """Metrics of every variant on both accounts."""
        if self._executor is None:
            return measure(self.run, variants, span, self._device, self._room)
        each = max(1, -(-len(variants) // self._hands))
        tasks = [
            self._executor.submit(
                work, dict(variants.choices), _slice(variants.knobs, first, first + each),
                _slice(variants.risk, first, first + each), span,
            )
            for first in range(0, len(variants), each)
        ]  # fmt: skip
        parts = [task.result() for task in tasks]
        nothing = np.arange(len(variants))
        return [_joined([p[account] for p in parts], nothing) for account in (0, 1)]

    def close(self) -> None:
        """Let the processes go."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)


def prepare(run: Run, choices: list[dict[str, str]]) -> None:
    """Compile before anybody waits, and once instead of in each process."""
    for one in choices:
        compiled(program_of(replace(run.setup, choices=one, pessimistic=True)))


def processes(terms: Terms, workers: int) -> ProcessPoolExecutor:
    """The usual executor: processes that each have the bars."""
    return ProcessPoolExecutor(workers, initializer=begin, initargs=(terms,))


_SEAT: dict[str, Any] = {}


def begin(terms: Terms) -> None:
    """What a process does first."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when it is over
    _SEAT.update(run=terms.run(), room=terms.room, device=Cpu(1))


def work(
    choices: dict[str, str], knobs: dict[str, Array], risk: dict[str, Array], span: Span
) -> list[Metrics]:
    """One part of a generation, in a process that has begun."""
    variants = Variants(choices, knobs, risk, 0)
    return measure(_SEAT["run"], variants, span, _SEAT["device"], _SEAT["room"])


def memory_bytes(run: Run, widest: int, workers: int, evals: int) -> int:
    """What a study will hold at its widest: rows, one generation's state, what was told."""
    setup = replace(run.setup, pessimistic=True)
    lanes = -(-widest // LANES) * LANES
    program = program_of(setup)
    state = lanes * 8 * (program.width // LANES + 2 * len(program.params) + 8)
    rows = run.rows.table.nbytes + run.rows.kinds.nbytes
    return rows * (1 + workers) + state + widest * METRICS_BYTES + evals * 250


def _cut(columns: Mapping[str, Array], places: npt.NDArray[np.int64]) -> dict[str, Array]:
    return {name: values[places] for name, values in columns.items()}


def _slice(columns: Mapping[str, Array], first: int, last: int) -> dict[str, Array]:
    return {name: values[first:last] for name, values in columns.items()}


def _joined(parts: list[Metrics], order: npt.NDArray[np.int64]) -> Metrics:
    return {n: np.concatenate([p[n] for p in parts])[order] for n in parts[0]}
