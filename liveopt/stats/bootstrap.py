"""Resampling many series at once: counts of draws [resample, row] times values [row, series].

A resample of n rows is known by how often it took each row, so all resampled sums of all series are
one matrix product. Values are first rounded to a grid on which such sums are exact: the product is
then the same to the last bit in any order, on any number of threads, with and without a GPU.

Draws come from a generator that is passed in, or are passed in themselves: same draws, same result.
They are made and counted on the CPU; the values, and the counts with them, may live on a GPU.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from liveopt.stats.arrays import NOISE, Interval, library_of

Indices = npt.NDArray[np.int64]
Counts = npt.NDArray[np.float64]
Uniforms = npt.NDArray[np.float64]

MANTISSA = 53
EXPONENT_LEAST = -900
"""Values below 2^-900 count as nought: their grid would be finer than numbers are."""
COLUMNS = 2_048
"""So many series at a time: a product of 1,000 resamples then stays at 16 MB."""


def on_grid(values: Any, terms: int) -> Any:
    """Round each column so that a sum of up to so many of its values is exact in any order.

    The grid's step is a power of two: the column's largest value times 2^-53 times `terms`, each
    rounded up to a power of two. For 1,000 terms that is 1e-13 of the largest value.
    """
    xp = library_of(values)
    if not len(values):
        return values
    largest = xp.maximum(values.max(axis=0), -values.min(axis=0))
    exponent = xp.maximum(xp.frexp(largest)[1], EXPONENT_LEAST)
    step = xp.ldexp(xp.ones_like(largest), exponent + (terms - 1).bit_length() - MANTISSA)
    steps = values / step
    xp.rint(steps, out=steps)
    steps *= step
    return steps


def counts_of(indices: Indices) -> Counts:
    """How often each resample [b] took each row: the counts [b, n] of its n indices [b, n]."""
    from liveopt.stats.draws import tally

    counts = np.zeros(indices.shape)
    tally(np.ascontiguousarray(indices, np.int64), counts)
    return counts


def iid_indices(uniforms: Uniforms, n: int) -> Indices:
    """Rows drawn one by one with replacement (Efron 1979) from uniforms [b, n or more] in [0, 1).

    The first n uniforms of each resample are taken, so one table serves series of all lengths and a
    series' draws do not depend on which others are there.
    """
    drawn: Indices = (uniforms[:, :n] * n).astype(np.int64)
    return drawn


def stationary_indices(
    rng: np.random.Generator, resamples: int, n: int, mean_block: float
) -> Indices:
    """Rows of the stationary bootstrap, Politis & Romano (1994).

    Blocks start anywhere, run on around the end, and end after each row with probability
    1 / mean_block: their lengths are geometric with that mean. A mean of 1 is the plain bootstrap.
    """
    from liveopt.stats.draws import lay

    fresh = rng.random((resamples, n), dtype=np.float32) <= 1.0 / mean_block
    fresh[:, :1] = True
    rows = np.empty((resamples, n), np.int64)
    lay(rng.integers(n, size=np.count_nonzero(fresh)), fresh, rows)
    return rows


def circular_indices(rng: np.random.Generator, resamples: int, n: int, block: int) -> Indices:
    """Rows of the circular block bootstrap, Politis & Romano (1992): blocks of one length."""
    starts = rng.integers(n, size=(resamples, -(-n // block)))
    rows = (starts[:, :, None] + np.arange(block)) % n
    found: Indices = rows.reshape(resamples, -1)[:, :n]
    return found


def resampled_means(values: Any, counts: Any) -> Any:
    """Means [b, N] of the series [n, N] in the resamples of these counts [b, n]."""
    n = len(values)
    return counts @ on_grid(values, n) / n


def confidence(values: Any, lengths: Any, uniforms: Any) -> Any:
    """Share of resampled means above nought, for series of different lengths.

    Series i is the first lengths[i] rows of values[:, i]; it is resampled to its own length by
    `iid_indices`. A mean of exactly nought does not count. Undefined (NaN) below two values, and
    where a value is NaN.
    """
    xp = library_of(values)
    share = xp.full(values.shape[1], xp.nan)
    for n in sorted({int(length) for length in lengths if length >= 2}):
        counts = xp.asarray(counts_of(iid_indices(uniforms, n)))
        alike = xp.flatnonzero(lengths == n)
        for first in range(0, len(alike), COLUMNS):
            chosen = alike[first : first + COLUMNS]
            sums = counts @ on_grid(values[:n, chosen], n)
            share[chosen] = xp.where(xp.isnan(sums[0]), xp.nan, (sums > 0.0).mean(axis=0))
    return share


def mean_interval(values: Any, counts: Any, level: float) -> Interval:
    """Interval of the mean of each series [n, N], symmetric: mean +- quantile of |mean* - mean|.

    With counts of the stationary bootstrap it holds for dependent rows; for the difference of two
    means pass the rows' differences (as Ledoit & Wolf 2008 do for Sharpe ratios; here the deviation
    is not studentised). Undefined (NaN) below two rows.
    """
    xp = library_of(values)
    n = len(values)
    if n < 2:
        nothing = xp.full(values.shape[1], xp.nan)
        return Interval(nothing, nothing)
    mean = on_grid(values, n).sum(axis=0) / n
    reach = xp.quantile(xp.abs(resampled_means(values, counts) - mean), level, axis=0)
    return Interval(mean - reach, mean + reach)


def long_run_variance(values: Any, mean_block: float) -> Any:
    """Variance of sqrt(n) times the stationary bootstrap's mean, given the series [n, N]: exact.

    Politis & Romano (1994), lemma 1: sum over i of k(i) c(i), c the circular autocovariances and
    k(i) = (1 - i/n) q^i + (i/n) q^(n-i), q = 1 - 1 / mean_block. Taken as a sum over frequencies.
    Noughts where a series has no variance; undefined (NaN) below two rows.
    """
    xp = library_of(values)
    n = len(values)
    if n < 2:
        return xp.full(values.shape[1], xp.nan)
    lag, stays = xp.arange(n), 1.0 - 1.0 / mean_block
    weight = (1.0 - lag / n) * stays**lag + lag / n * stays ** (n - lag)
    weight[0] = 1.0
    mean = values.mean(axis=0)
    waves = xp.fft.rfft(values - mean, axis=0)
    spectrum = waves.real**2 + waves.imag**2
    mirrored = xp.full(len(spectrum), 2.0 / n**2)  # each frequency stands for its mirror image
    mirrored[0] = 1.0 / n**2
    if n % 2 == 0:
        mirrored[-1] = 1.0 / n**2
    plain = xp.einsum("f,fk->k", mirrored, spectrum)
    found = xp.einsum("f,fk->k", mirrored * xp.fft.rfft(weight).real, spectrum)
    varied = plain > NOISE * (plain + mean * mean)
    return xp.where(varied, xp.maximum(found, 0.0), 0.0)
