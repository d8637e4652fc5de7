"""Runs a batch on the CPU: the generated module compiled by numba, blocks shared out to threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from liveopt.engine.batch import Batch
from liveopt.engine.emit_numba import source
from liveopt.engine.inputs import spool
from liveopt.engine.kernels import load_kernel
from liveopt.engine.program import Program
from liveopt.engine.rows import Rows

CHUNK_ROWS = 1024
"""Rows that stay in a core's cache while it takes block after block over them."""
SERIAL_WORK = 200_000
"""Variant-bars below which waking a second thread costs more than it saves."""
TASKS_PER_THREAD = 4


Kernel = Callable[..., int]
"""Runs a span of blocks over all rows; says how many signal bars there were."""


class Cpu:
    """The CPU as a device. `threads` 0 means every core this process may use."""

    name = "cpu"

    def __init__(self, threads: int = 0) -> None:
        """Find out how many threads there are; none is started before it is needed."""
        self.threads = threads or _cores()
        self._pool: ThreadPoolExecutor | None = None

    def advance(
        self, batch: Batch, rows: Rows, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Fold the rows into the batch's state; `progress` hears how many rows were done."""
        count = len(rows.kinds)
        if count <= CHUNK_ROWS:
            self._chunk(batch, rows)
            progress(count)
            return
        for first in range(0, count, CHUNK_ROWS):
            part = rows.part(first, first + CHUNK_ROWS)
            self._chunk(batch, part)
            progress(len(part))

    def _chunk(self, batch: Batch, rows: Rows) -> None:
        kernel, layout = compiled(batch.program), batch.inputs.layout
        tape = spool(batch.inputs, rows, batch.signals)
        arguments = (
            rows.table, rows.kinds, batch.terms, batch.blocks,
            tape.values, tape.offsets, layout.strides, layout.index, layout.runs,
            batch.log, batch.logged,
        )  # fmt: skip
        blocks = len(batch.blocks)
        if self.threads == 1 or blocks == 1 or batch.size * len(rows.kinds) < SERIAL_WORK:
            batch.signals += kernel(*arguments, 0, blocks)
        else:
            batch.signals += self._share(kernel, arguments, blocks)

    def _share(self, kernel: Kernel, arguments: tuple[Any, ...], blocks: int) -> int:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, "engine")
        step = -(-blocks // (self.threads * TASKS_PER_THREAD))
        tasks = [
            self._pool.submit(kernel, *arguments, first, min(first + step, blocks))
            for first in range(0, blocks, step)
        ]
        signals = 0
        for task in tasks:
            signals = task.result()  # every block saw the same market
        return signals


def _cores() -> int:
    """Cores this process may use, where the system says; else all there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


@lru_cache(maxsize=256)
def compiled(program: Program) -> Kernel:
    """The kernel of a program; printed once for each program object.

    It is called past numba's choice of an overload, of which there is one, so that a live bar does
    not pay for it. Every array is of the type the signature names: `Batch` and `Rows` see to that.
    """
    kernel: Kernel = next(iter(load_kernel(source(program)).advance.overloads.values())).entry_point
    return kernel
