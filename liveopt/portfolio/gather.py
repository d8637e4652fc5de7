"""Many portfolios in one batch: the profit and loss of each, and what it adds up to.

The device is chosen once. Both keep one order of adding, so both have the same bits.
"""

from importlib.resources import files
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from liveopt.data.panel.panel import Float64
from liveopt.engine.gpu import OPTIONS, Gpu
from liveopt.portfolio.correlation import kernels
from liveopt.portfolio.likeness import Likeness

Sets = npt.NDArray[np.int32]
COLUMNS: Final = 8
"""As the kernel has them."""
THREADS: Final = 128
SHARED_USUAL: Final = 48 * 1024
"""Bytes that a block may share without asking: 6,144 sessions."""


class Gather(Protocol):
    """Whoever adds portfolios up."""

    name: str

    def __call__(self, sets: Sets) -> tuple[Float64, Float64]:
        """Series [set, session], and sums [set, column]."""
        ...


class CpuGather:
    """The CPU; one thread, for who searches has a process for each."""

    name = "cpu"

    def __init__(self, pnl: Float64, likeness: Likeness) -> None:
        self._gather, self._pnl = kernels().gather, pnl
        self._likeness = likeness.rows, likeness.mean, likeness.scale

    def __call__(self, sets: Sets) -> tuple[Float64, Float64]:
        """See `Gather`."""
        series = np.empty((len(sets), self._pnl.shape[1]))
        sums = np.empty((len(sets), COLUMNS))
        self._gather(self._pnl, self._likeness, sets, series, sums)
        return series, sums


class GpuGather:
    """A CUDA device; a block of threads takes a portfolio."""

    name = "gpu"

    def __init__(self, gpu: Gpu, pnl: Float64, likeness: Likeness) -> None:
        cupy = self._cupy = gpu.cupy
        self._kernel = cupy.RawModule(
            code=text_of_device("gather.cu"), options=OPTIONS
        ).get_function("gather")
        self._pnl: Any = cupy.asarray(pnl)
        self._rows: Any = self._pnl if likeness.rows is pnl else cupy.asarray(likeness.rows)
        if 8 * pnl.shape[1] > SHARED_USUAL:
            self._kernel.max_dynamic_shared_size_bytes = 8 * pnl.shape[1]
        self._mean, self._scale = cupy.asarray(likeness.mean), cupy.asarray(likeness.scale)

    def __call__(self, sets: Sets) -> tuple[Float64, Float64]:
        """See `Gather`."""
        cupy, (count, members) = self._cupy, sets.shape
        sessions = self._pnl.shape[1]
        series, sums = cupy.empty((count, sessions)), cupy.empty((count, COLUMNS))
        if count:
            self._kernel(
                (count,),
                (THREADS,),
                (self._pnl, self._rows, self._mean, self._scale,
                 cupy.asarray(np.ascontiguousarray(sets, np.int32)),
                 np.int64(members), np.int64(sessions), series, sums),
                shared_mem=8 * sessions,
            )  # fmt: skip
        return series.get(), sums.get()


def text_of_device(name: str) -> str:
    """A program for the device, which a C compiler takes too."""
    return files("liveopt.portfolio").joinpath(name).read_text(encoding="utf-8")
