"""Runs a batch on the CPU: the generated module compiled by numba, blocks shared out to threads."""

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from liveopt.engine.batch import Batch
from liveopt.engine.emit_numba import source
from liveopt.engine.inputs import spool
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
    return load_kernel(source(program))


def load_kernel(text: str) -> Callable[..., None]:
    """Compile a generated module, or take it from the disk where an earlier run left it.

    The file's name is the hash of its text, and its text is all there is to compile: a change in
    any station makes another file, so the cache can not be stale.
    """
    name = f"liveopt_kernel_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    path = cache_folder() / f"{name}.py"
    if not path.exists() or path.read_text() != text:
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(text)
        part.replace(path)
    _use_full_width()
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    found: Callable[..., None] = module.advance
    return found


def _use_full_width() -> None:
    """Let LLVM use 512-bit vectors where there are any; for some CPUs it prefers half of them."""
    import llvmlite.binding as llvm
    import numba.core.config as module

    config: Any = module
    if config.CPU_FEATURES is None and llvm.get_host_cpu_features().get("avx512f"):
        config.CPU_FEATURES = llvm.get_host_cpu_features().flatten() + ",-prefer-256-bit"


def cache_folder() -> Path:
    """Where compiled kernels are kept: $LIVEOPT_CACHE, else the user's cache, else a new folder."""
    base = os.environ.get("LIVEOPT_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(base).expanduser() / "liveopt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix="liveopt-"))
