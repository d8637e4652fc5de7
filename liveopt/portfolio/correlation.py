"""Correlations of everybody with everybody, without ever keeping them all.

Tiles above the diagonal are multiplied in float64, looked at once, and written over by the next:
what stays is what each strategy has of it, and a histogram of all pairs.
"""

import hashlib
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from liveopt import whole
from liveopt.data.panel.panel import Float64
from liveopt.engine.kernels import load_kernel, text_of
from liveopt.portfolio.likeness import Likeness

TILE: Final = 1024
BINS: Final = 200
"""Of the histogram, from -1 to 1."""
TOP: Final = 5
"""Of each strategy's largest that are kept."""
NOBODY: Final = -1
ROUNDING: Final = 1e-12
"""By so much a correlation may miss the threshold and still reach it: twins are correlated by 1."""
Lines = tuple[int, int]
Bins = npt.NDArray[np.int64]
About = tuple[Float64, tuple[int, int], float, Any]
"""A tile, where it lies, the threshold, and what is kept."""


@dataclass(frozen=True, slots=True)
class Correlations:
    """What is known of all pairs."""

    threshold: float
    mean: Float64
    """Of each strategy with all others."""
    size: Float64
    """The mean of sizes."""
    reached: npt.NDArray[np.int64]
    """With how many others its correlation is at least the threshold, up or down."""
    best: Float64
    """[strategy, place]: its largest correlations, the largest first; NaN where there are fewer."""
    partner: npt.NDArray[np.int32]
    """With whom; -1 where there is nobody."""
    bins: npt.NDArray[np.int64]
    """How many pairs, from -1 to 1."""

    @property
    def pairs(self) -> int:
        """How many there are."""
        return int(self.bins.sum())

    @property
    def pairs_reached(self) -> int:
        """How many reach the threshold."""
        return int(self.reached.sum()) // 2


def kernels() -> ModuleType:
    """The compiled loops; the first time on a machine this takes some seconds."""
    return load_kernel(text_of("portfolio.kernels"))


def correlate(
    likeness: Likeness,
    threshold: float,
    top: int = TOP,
    threads: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Correlations:
    """Every pair once. `progress` hears the share that is done."""
    loops, count = kernels(), len(likeness.mean)
    hands = threads or len(os.sched_getaffinity(0))
    sums, best = np.zeros((4, count)), np.full((count, top), -2.0)
    sums[3] = -2.0
    kept = sums, best, np.full((count, top), NOBODY, np.int32)
    bins = np.zeros((hands, BINS), np.int64)
    buffer, done, all_tiles = np.empty(TILE * TILE), 0, _tiles(count)
    with ThreadPoolExecutor(hands) as pool:
        for row0 in range(0, count, TILE):
            rows = likeness.standard(row0, row0 + TILE)
            for column0 in range(row0, count, TILE):
                others = likeness.standard(column0, column0 + TILE)
                tile = buffer[: len(rows) * len(others)].reshape(len(rows), len(others))
                np.matmul(rows, others.T, out=tile)
                about = tile, (row0, column0), threshold - ROUNDING, kept
                # first whoever comes before: of equal partners the first is kept
                _each(pool, len(others), bins, partial(_scan_columns, loops, about))
                _each(pool, len(rows), bins, partial(_scan_rows, loops, about))
                done += 1
                progress(done / all_tiles)
    partner, rest = kept[2], max(count - 1, 1)
    best[partner == NOBODY] = np.nan
    mean, size, reached = sums[0] / rest, sums[1] / rest, sums[2].astype(np.int64)
    return Correlations(threshold, mean, size, reached, best, partner, bins.sum(axis=0))


def _tiles(count: int) -> int:
    side = -(-count // TILE)
    return max(side * (side + 1) // 2, 1)


def _scan_rows(loops: ModuleType, about: About, lines: Lines, bins: Bins) -> None:
    tile, corner, threshold, kept = about
    loops.scan_rows(tile, lines, corner, threshold, kept, bins)


def _scan_columns(loops: ModuleType, about: About, lines: Lines, bins: Bins) -> None:
    del bins  # a pair is counted once, by its row
    tile, corner, threshold, kept = about
    loops.scan_columns(tile, lines, corner, threshold, kept)


def _each(
    pool: ThreadPoolExecutor, count: int, bins: Bins, do: Callable[[Lines, Bins], None]
) -> None:
    """So many lines, shared out; each line is one thread's, so the sums' order is always theirs."""
    edges = np.linspace(0, count, len(bins) + 1).astype(int).tolist()
    tasks = [pool.submit(do, lines, bins[i]) for i, lines in enumerate(pairwise(edges))]
    for task in tasks:
        task.result()


class Cache:
    """Correlations of data that were seen before, by the hash of the data and of what was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def key(self, likeness: Likeness, threshold: float, top: int = TOP) -> str:
        """Equal for equal rows and equal questions."""
        found = hashlib.blake2b(digest_size=20)
        found.update(repr((likeness.rows.shape, threshold, top, TILE, "1")).encode())
        found.update(np.ascontiguousarray(likeness.rows).data)
        return found.hexdigest()

    def get(self, key: str) -> Correlations | None:
        """What was kept; None if nothing was, or if it is damaged."""
        try:
            with (
                self._path(key).open("rb") as file,  # which a damaged one would leave open
                np.load(file, allow_pickle=False) as found,
            ):
                return Correlations(
                    float(found["threshold"]), found["mean"], found["size"], found["reached"],
                    found["best"], found["partner"], found["bins"],
                )  # fmt: skip
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, BadZipFile):
            return None

    def put(self, key: str, found: Correlations) -> None:
        """Keep it; where that cannot be, it is reckoned again the next time."""
        file = io.BytesIO()
        np.savez(
            file, threshold=found.threshold, mean=found.mean, size=found.size,
            reached=found.reached, best=found.best, partner=found.partner, bins=found.bins,
        )  # fmt: skip
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            whole.write(self._path(key), file.getvalue(), synced=False)
        except OSError:
            return

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"
