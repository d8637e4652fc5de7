"""Runs a batch on a CUDA device through CuPy: the same program, printed as CUDA, the same bits."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from liveopt.engine.batch import Batch
from liveopt.engine.emit_c import cuda_source
from liveopt.engine.inputs import spool
from liveopt.engine.program import SIGNAL, Program
from liveopt.engine.rows import Rows

CHUNK_ROWS = 16_384
"""Rows of one launch: a fraction of a second, so that progress and Ctrl-C get through."""
OPTIONS = ("--fmad=false", "--std=c++11")
THREADS = 128
FEW = 32
"""Threads of a block when there are too few variants to give every multiprocessor full ones."""


class NoGpu(RuntimeError):
    """Why there is no GPU to use, and what would mend it."""


class Gpu:
    """The first CUDA device."""

    name = "gpu"

    def __init__(self) -> None:
        """Look for CuPy and a device once; say what is missing."""
        try:
            import cupy
        except ImportError as error:
            raise NoGpu("CuPy is not installed; `make gpu` adds it") from error
        try:
            if not cupy.cuda.runtime.getDeviceCount():
                raise NoGpu("CuPy finds no CUDA device")
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise NoGpu(f"CuPy finds no CUDA device ({error})") from error
        self.cupy: Any = cupy
        properties = cupy.cuda.runtime.getDeviceProperties(0)
        self.model = properties["name"].decode()
        self.cores = int(properties["multiProcessorCount"])

    def memory_free(self) -> int:
        """Bytes that can still be had."""
        return int(self.cupy.cuda.runtime.memGetInfo()[0])

    def release(self) -> None:
        """Give back what earlier batches held, after running out of memory."""
        self.cupy.get_default_memory_pool().free_all_blocks()

    def kernel(self, program: Program) -> Any:
        """The compiled kernel; CuPy keeps it on disk under the hash of its text."""
        return _compiled(self.cupy, program)

    def advance(
        self, batch: Batch, rows: Rows, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Fold the rows into the batch's state, which comes back to the host at the end."""
        if batch.program.log:
            raise ValueError("trades are written down on the CPU; run the chosen variants there")
        cupy, kernel = self.cupy, self.kernel(batch.program)
        blocks, terms = cupy.asarray(batch.blocks), cupy.asarray(batch.terms)
        layout = (
            cupy.asarray(batch.inputs.layout.strides),
            cupy.asarray(batch.inputs.layout.index),
        )
        lanes = batch.blocks.shape[0] * 64
        threads = THREADS if lanes >= THREADS * self.cores * 4 else FEW
        for first in range(0, len(rows), CHUNK_ROWS):
            part = rows.part(first, first + CHUNK_ROWS)
            tape = spool(batch.inputs, part, batch.signals)
            market = blocks[0, batch.program.tail :].copy()
            arrays = (part.table, part.kinds, terms, blocks, tape.values, tape.offsets, *layout)
            kernel(
                (-(-lanes // threads),),
                (threads,),
                (*map(cupy.ascontiguousarray, map(cupy.asarray, arrays)), market,
                 np.int64(lanes), np.int64(len(part))),
            )  # fmt: skip
            cupy.cuda.get_current_stream().synchronize()
            batch.signals += int(np.count_nonzero(part.kinds & SIGNAL))
            progress(len(part))
        batch.blocks[:] = blocks.get()


@lru_cache(maxsize=64)
def _compiled(cupy: Any, program: Program) -> Any:
    module = cupy.RawModule(code=cuda_source(program), options=OPTIONS)
    return module.get_function("advance")
