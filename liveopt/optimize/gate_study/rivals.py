"""The gates that others use, asked at every look as they are: the yardsticks of the study."""

from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.optimize.gate_study.worlds import COUNT, SAMPLES_MIN, SQUARES, TOTAL, Array
from liveopt.stats.bootstrap import counts_of, stationary_indices
from liveopt.stats.normal import quantile
from liveopt.stats.spa import step_m

Flags = npt.NDArray[np.bool_]
CONFIDENCE: Final = 0.95
RESAMPLES: Final = 199
BLOCK: Final = 2.0
"""Evidence bars in a block of the bootstrap, on average: one says next to nothing of the next."""
STEPM_ROWS: Final = 50
"""Evidence bars before which it is not asked; with fewer it errs more than it says."""
STEPM_EVERY: Final = 5
"""Looks of the gate for each that StepM has: it is a bootstrap of all there is."""


def t_values(known: Array) -> Array:
    """Student's t of each variant's mean over its signal bars; 0 before `SAMPLES_MIN` of them."""
    count = np.maximum(known[COUNT], SAMPLES_MIN)
    mean = known[TOTAL] / count
    variance = (known[SQUARES] - count * mean * mean) / (count - 1.0)
    found = mean / np.sqrt(np.maximum(variance, 1e-300) / count)
    return np.where(known[COUNT] >= SAMPLES_MIN, found, 0.0)


def bound(tests: int) -> float:
    """Above it a t-value passes, one-sided, if so many are looked at once."""
    return -float(quantile((1.0 - CONFIDENCE) / tests))


class StepM:
    """Romano and Wolf's StepM over all evidence bars so far, tried again and again."""

    def __init__(self, rng: np.random.Generator) -> None:
        """Nothing is known yet."""
        self._rng = rng
        self._bars: list[Array] = []

    def see(self, differences: Array) -> Flags | None:
        """The evidence bars of one look; who is found, where it is asked."""
        self._bars.append(differences)
        if not _asked(len(self._bars), len(differences)):
            return None
        gains = np.concatenate(self._bars)
        rows = stationary_indices(self._rng, RESAMPLES, len(gains), BLOCK)
        found: Flags = step_m(gains, counts_of(rows), BLOCK, 1.0 - CONFIDENCE)
        return found


def stepm_looks(looks: int, every: int) -> int:
    """How often StepM is asked in so many looks, one every so many evidence bars."""
    return sum(_asked(n, every) for n in range(1, looks + 1))


def _asked(looks: int, every: int) -> bool:
    return looks % STEPM_EVERY == 0 and looks * every >= STEPM_ROWS
