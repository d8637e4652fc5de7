"""Runs a batch on the CPU: the generated module compiled by numba, blocks shared out to threads."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from liveopt.engine.batch import Batch
from liveopt.engine.emit_numba import source
from liveopt.engine.inputs import spool
from liveopt.engine.kernels import load_kernel
from liveopt.engine.program import SIGNAL, Program
from liveopt.engine.rows import Rows

CHUNK_ROWS = 1024
"""Rows that stay in a core's cache while it takes block after block over them."""
SERIAL_WORK = 200_000
"""Variant-bars below which waking a second thread costs more than it saves."""
TASKS_PER_THREAD = 4


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
        for first in range(0, len(rows), CHUNK_ROWS):
            part = rows.part(first, first + CHUNK_ROWS)
            self._chunk(batch, part)
            progress(len(part))

    def _chunk(self, batch: Batch, rows: Rows) -> None:
        kernel, layout = compiled(batch.program), batch.inputs.layout
        tape = spool(batch.inputs, rows, batch.signals)

        def run(first: int, last: int) -> None:
            span = np.array([first, last, len(rows)])
            kernel(
                rows.table, rows.kinds, batch.terms, batch.blocks,
                tape.values, tape.offsets, layout.strides, layout.index, layout.runs,
                batch.log, batch.logged, span,
            )  # fmt: skip

        blocks = len(batch.blocks)
        if self.threads == 1 or blocks == 1 or batch.size * len(rows) < SERIAL_WORK:
            run(0, blocks)
        else:
            self._share(run, blocks)
        batch.signals += int(np.count_nonzero(rows.kinds & SIGNAL))

    def _share(self, run: Callable[[int, int], None], blocks: int) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, "engine")
        step = -(-blocks // (self.threads * TASKS_PER_THREAD))
        tasks = [
            self._pool.submit(run, first, min(first + step, blocks))
            for first in range(0, blocks, step)
        ]
        for task in tasks:
            task.result()


def _cores() -> int:
    """Cores this process may use, where the system says; else all there are."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


@lru_cache(maxsize=256)
def compiled(program: Program) -> Callable[..., None]:
    """The kernel of a program; printed once for each program object."""
    kernel: Callable[..., None] = load_kernel(source(program)).advance
    return kernel
