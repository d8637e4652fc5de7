"""How long the blocks of a bootstrap should be, read from the series themselves."""

import math
from typing import Any, NamedTuple

from liveopt.stats.arrays import library_of, varies

LAGS_LEAST = 5
ROWS_LEAST = 8


class Blocks(NamedTuple):
    """The best mean block of the stationary bootstrap and block of the circular one, a series."""

    stationary: Any
    circular: Any


def block_length(values: Any) -> Blocks:
    """Automatic block length of each series [n, N]: Politis & White (2004), corrected 2009.

    b = (2 g^2 n / d)^(1/3), at most ceil(min(3 sqrt n, n/3)), with g = sum of w(k/m) |k| c(k),
    s = sum of w(k/m) c(k) over |k| <= m, d = 2 s^2 for the stationary and 4/3 s^2 for the circular
    bootstrap (Patton, Politis & White 2009), c the autocovariances and w flat to 1/2, then falling
    to nought at 1. m is twice the first lag of a run of max(5, log10 n) lags whose correlations lie
    within 2 sqrt(log10(n) / n); at most ceil(sqrt n) plus that run. Undefined (NaN) below eight
    rows and without variance. It may be below one: then a block of one row is meant.
    """
    xp = library_of(values)
    n, series = values.shape
    if n < ROWS_LEAST:
        nothing = xp.full(series, xp.nan)
        return Blocks(nothing, nothing)
    run = max(LAGS_LEAST, int(math.log10(n)))
    lags = min(math.ceil(math.sqrt(n)) + run, n - 2)
    covariance, correlation = _autocovariances(values, lags)
    m = _bandwidth(correlation, run, 2.0 * math.sqrt(math.log10(n) / n))
    lag = xp.arange(1, lags + 1)[:, None]
    weight = xp.clip(2.0 * (1.0 - lag / m), 0.0, 1.0)
    g = (2.0 * weight * lag * covariance[1:]).sum(axis=0)
    s = covariance[0] + (2.0 * weight * covariance[1:]).sum(axis=0)
    defined = varies(values) & (s != 0.0)
    ratio = xp.where(defined, (g / xp.where(defined, s, 1.0)) ** 2, xp.nan)
    longest = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    stationary = xp.minimum(xp.cbrt(ratio * n), longest)
    circular = xp.minimum(xp.cbrt(1.5 * ratio * n), longest)
    return Blocks(stationary, circular)


def _autocovariances(values: Any, lags: int) -> tuple[Any, Any]:
    """Autocovariances, and the correlations of the stretches they compare, by lag [lags + 1, N]."""
    xp = library_of(values)
    n = len(values)
    deviation = values - values.mean(axis=0)
    until = xp.cumsum(deviation * deviation, axis=0)
    covariance, correlation = [], []
    for lag in range(lags + 1):
        product = (deviation[lag:] * deviation[: n - lag]).sum(axis=0)
        late, early = until[-1] - until[lag], until[n - lag - 2]
        square = late * early
        covariance.append(product / n)
        correlation.append(xp.abs(product) / xp.sqrt(xp.where(square > 0.0, square, xp.inf)))
    return xp.stack(covariance), xp.stack(correlation)


def _bandwidth(correlation: Any, run: int, band: float) -> Any:
    """Twice the first lag from which `run` correlations are small, within the lags there are."""
    xp = library_of(correlation)
    lags = len(correlation) - 1
    m = xp.full(correlation.shape[1], lags)
    for first in range(lags - run, -1, -1):
        quiet = (correlation[first : first + run] < band).all(axis=0)
        m = xp.where(quiet, min(2 * max(first, 1), lags), m)
    return m
