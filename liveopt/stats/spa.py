"""Is the best of many better than the benchmark, and which are? Hansen's SPA and StepM.

Both work on gains over the benchmark [n, N] (larger is better) and on the counts of bootstrap draws
(`bootstrap.counts_of`): all resampled means are one matrix product.
"""

import math
from typing import Any, NamedTuple

from liveopt.stats.arrays import library_of
from liveopt.stats.bootstrap import long_run_variance, on_grid

COLUMNS = 256
"""So many series at a time."""
SINGLE = 2.0**-24
"""The relative error of one rounding to float32."""


class Spa(NamedTuple):
    """The p-values of Hansen (2005): the consistent one and its two bounds."""

    lower: float
    consistent: float
    upper: float


class _Test(NamedTuple):
    """The series that vary, with means measured in their standard errors."""

    series: Any
    gains: Any
    """On a grid: their sums are exact."""
    scale: Any
    """What a sum is multiplied with to become a statistic."""
    observed: Any
    relevant: Any
    """Not so bad that it cannot matter: what the consistent test centres."""

    def drawn(self, counts: Any) -> Any:
        """The statistics [b, N] of these resamples, not centred."""
        return counts @ self.gains * self.scale


def spa(gains: Any, counts: Any, mean_block: float, *, studentised: bool = True) -> Spa:
    """p-values of "no series has a mean above nought" by Hansen (2005), "A test for superior ...".

    The statistic is the largest sqrt(n) mean / w, w^2 by `long_run_variance` (without `studentised`
    the largest mean, White 2000). A p-value is the share of resamples whose largest centred
    statistic is greater. Centred by the series' own mean: all of them (upper), those with
    sqrt(n) mean / w >= -sqrt(2 log log n) (consistent), those above nought (lower).
    Hansen's T is never below nought; here it may be, which changes no p-value while some mean is
    positive. A series without variance says nothing and is left out; undefined (NaN) if none is
    left or below three rows.

    The errors of the means are estimated, and the draws do not know it: with few blocks the test
    finds too much. Of 20 series without gains it found one at .1 in 31 % of samples of 80 rows in
    blocks of 6, in 12 % of 400 rows; not studentised in 16 % and 8 %.
    """
    xp = library_of(gains)
    test = _prepare(gains, mean_block, studentised)
    if test is None:
        nan = float("nan")
        return Spa(nan, nan, nan)
    lower = xp.maximum(test.observed, 0.0)
    consistent = xp.where(test.relevant, test.observed, 0.0)
    above = _exceeding(test, counts, xp.stack([lower, consistent, test.observed]))
    return Spa(*(float(share) for share in above.mean(axis=1)))


def step_m(
    gains: Any, counts: Any, mean_block: float, size: float, *, studentised: bool = True
) -> Any:
    """Which series [N] have a mean above nought, at most `size` of the times one that has not.

    Romano & Wolf (2005), "Stepwise multiple testing": the series above the 1 - size quantile of the
    largest centred statistic are found, taken out, and the rest tried again until nothing is found.
    Centred as the consistent SPA (Hsu, Hsu & Kuan 2010). Quantiles are interpolated. A series
    without variance is never found.
    """
    xp = library_of(gains)
    found = xp.zeros(gains.shape[1], dtype=bool)
    test = _prepare(gains, mean_block, studentised)
    if test is None:
        return found
    centred = test.drawn(counts) - xp.where(test.relevant, test.observed, 0.0)
    left = xp.ones_like(test.relevant)
    while left.any():
        bound = xp.quantile(centred[:, left].max(axis=1), 1.0 - size)
        better = left & (test.observed > bound)
        if not better.any():
            break
        left &= ~better
    found[test.series] = ~left
    return found


def _prepare(gains: Any, mean_block: float, studentised: bool) -> _Test | None:
    xp = library_of(gains)
    n = len(gains)
    if n < 3:
        return None
    variance = long_run_variance(gains, mean_block)
    series = xp.flatnonzero(variance > 0.0)
    if not len(series):
        return None
    if len(series) < gains.shape[1]:
        gains, variance = gains[:, series], variance[series]
    error = xp.sqrt(variance / n)
    # without studentising all are measured in one error, which no comparison notices
    unit = error if studentised else xp.full_like(error, error.max())
    exact = on_grid(gains, n)
    observed = exact.sum(axis=0) / (n * unit)
    relevant = observed >= -math.sqrt(2.0 * math.log(math.log(n))) * error / unit
    return _Test(series, exact, 1.0 / (n * unit), observed, relevant)


def _exceeding(test: _Test, counts: Any, centres: Any) -> Any:
    """Where [centre, b] the largest centred statistic is above the largest observed.

    Asked in float32 first, some series at a time, and a resample that is above by every centre is
    not asked on. Only those nearer to the bound than the error can be are then asked in float64, so
    that the answer is the one float64 gives. A sum of n products is wrong by (n + a few) roundings
    of the sum of their magnitudes at most, in any order (Higham 2002, section 3.1), and those are
    bounded by the lengths of the two vectors.
    """
    xp = library_of(counts)
    n, series = test.gains.shape
    best = test.observed.max()
    ahead = xp.full((len(centres), len(counts)), -xp.inf)
    longest = xp.sqrt(xp.einsum("bj,bj->b", counts, counts).max())
    rough = counts.astype(xp.float32)
    unsure, error = xp.arange(len(counts)), 0.0
    for first in range(0, series, COLUMNS):
        part = slice(first, first + COLUMNS)
        units = (test.gains[:, part] * test.scale[part]).astype(xp.float32)
        measure = longest * xp.sqrt(xp.einsum("jk,jk->k", units, units).max())
        wrong = 1.1 * SINGLE * ((n + 8) * measure + 4.0 * xp.abs(centres).max())
        error = max(error, float(wrong))
        found = _largest(rough @ units, centres[:, part].astype(xp.float32)) - best
        ahead[:, unsure] = xp.maximum(ahead[:, unsure], found)
        stays = (ahead[:, unsure] <= error).any(axis=0)
        unsure, rough = unsure[stays], rough[stays]
    unsure = unsure[(xp.abs(ahead[:, unsure]) <= error).any(axis=0)]
    above = ahead > 0.0
    if len(unsure):
        above[:, unsure] = _largest(test.drawn(counts[unsure]), centres) > best
    return above


def _largest(drawn: Any, centres: Any) -> Any:
    return library_of(drawn).stack([(drawn - centre).max(axis=1) for centre in centres])
