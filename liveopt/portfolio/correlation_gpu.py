"""Correlations of everybody with everybody on a CUDA device: the figures of `correlation`.

Whole rows are multiplied in float64 and looked at once; the last digit may differ from the CPU's,
for sums are added in another order.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from liveopt.engine.gpu import OPTIONS, Gpu
from liveopt.portfolio.correlation import BINS, NOBODY, ROUNDING, TOP, Correlations
from liveopt.portfolio.gather import text_of_device
from liveopt.portfolio.likeness import Likeness

THREADS: Final = 128
TOP_MOST: Final = 5
"""As the kernel has it."""
SHARE: Final = 0.5
"""Of the free memory that rows of correlations may take."""
ROWS_MOST: Final = 8192


def correlate(
    gpu: Gpu,
    likeness: Likeness,
    threshold: float,
    progress: Callable[[float], None] = lambda _: None,
) -> Correlations:
    """Every pair; a block of rows at a time, as many as the memory holds."""
    cupy: Any = gpu.cupy
    count = len(likeness.mean)
    rows = cupy.asarray(likeness.rows)
    rows = rows - cupy.asarray(likeness.mean)[:, None]
    rows *= cupy.asarray(likeness.scale)[:, None]
    height = int(SHARE * gpu.memory_free()) // (8 * max(count, 1))
    height = max(1, min(height, ROWS_MOST, count))
    module = cupy.RawModule(code=text_of_device("correlation.cu"), options=OPTIONS)
    scan = module.get_function("scan")
    sums, best = cupy.zeros((count, 3)), cupy.full((count, TOP), -2.0)
    partner, bins = cupy.full((count, TOP), NOBODY, np.int32), cupy.zeros(BINS, np.uint64)
    tile = cupy.empty((height, count))
    for first in range(0, count, height):
        part = rows[first : first + height]
        own = tile[: len(part)]
        cupy.matmul(part, rows.T, out=own)
        scan(
            (len(part),), (THREADS,),
            (own, np.int64(count), np.int64(first), np.float64(threshold - ROUNDING), np.int32(TOP),
             np.int32(BINS), sums, best, partner, bins),
            shared_mem=THREADS * (3 * 8 + TOP_MOST * 12) + 4 * BINS,
        )  # fmt: skip
        cupy.cuda.get_current_stream().synchronize()
        progress(min(first + height, count) / count)
    found, rest = sums.get(), max(count - 1, 1)
    largest, whom = best.get(), partner.get()
    largest[whom == NOBODY] = np.nan
    return Correlations(
        threshold, found[:, 0] / rest, found[:, 1] / rest, found[:, 2].astype(np.int64), largest,
        whom, bins.get().astype(np.int64),
    )  # fmt: skip
