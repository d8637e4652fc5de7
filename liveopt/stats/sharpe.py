"""How much a Sharpe ratio proves: its interval, and how probable it is after so many trials.

Sharpe ratios here are of one period (a bar, a trade), never annualised.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from liveopt.stats.arrays import Interval, varies
from liveopt.stats.normal import cdf, quantile

EULER_GAMMA = 0.5772156649015329
KNOWN_LEAST = 30
"""Trials whose ratios are known; fewer do not tell how far luck spreads."""


class Track(NamedTuple):
    """What is seen of each series: numbers, or arrays of one shape."""

    sharpe: Any
    n: Any
    skewness: Any
    kurtosis: Any
    """Of a normal sample 3, not 0."""


def track(values: Any) -> Track:
    """Sharpe ratio and shape of each series [n, N], or of one [n].

    The Sharpe ratio is the mean over the sample deviation (n - 1), skewness and kurtosis are ratios
    of central moments (n). Undefined (NaN) below two rows and without variance.
    """
    series = np.asarray(values, np.float64)
    n = len(series)
    if n < 2:
        nothing = np.full(series.shape[1:], np.nan)[()]
        return Track(nothing, n, nothing, nothing)
    mean = series.mean(axis=0)
    deviation = series - mean
    variance = np.where(varies(series), (deviation**2).mean(axis=0), np.nan)
    spread = np.sqrt(variance)
    return Track(
        (mean / (spread * math.sqrt(n / (n - 1))))[()],
        n,
        ((deviation**3).mean(axis=0) / (spread * variance))[()],
        ((deviation**4).mean(axis=0) / variance**2)[()],
    )


def _dispersion(seen: Track) -> Any:
    """1 - g3 SR + (g4 - 1)/4 SR^2, n - 1 times the ratio's variance; NaN where not positive."""
    sharpe = np.asarray(seen.sharpe, np.float64)
    found = 1.0 - seen.skewness * sharpe + 0.25 * (seen.kurtosis - 1.0) * sharpe * sharpe
    return np.where(found > 0.0, found, np.nan)


def standard_error(seen: Track) -> Any:
    """Of the Sharpe ratio of any independent sample: sqrt((1 - g3 SR + (g4 - 1)/4 SR^2) / (n - 1)).

    Mertens (2002); Opdyke (2007) shows that it holds for stationary returns too. n - 1 as in Bailey
    & Lopez de Prado (2012). Undefined (NaN) below two rows.
    """
    freedom = np.asarray(seen.n, np.float64) - 1.0
    return np.sqrt(_dispersion(seen) / np.where(freedom > 0.0, freedom, np.nan))[()]


def interval(seen: Track, level: float) -> Interval:
    """Interval of the Sharpe ratio that holds it `level` of the times: SR +- z standard errors."""
    reach = quantile(0.5 + 0.5 * level) * standard_error(seen)
    return Interval(seen.sharpe - reach, seen.sharpe + reach)


def probabilistic(seen: Track, benchmark: Any = 0.0) -> Any:
    """PSR, the probability that the true Sharpe ratio is above the benchmark's.

    Phi((SR - SR*) / standard error): Bailey & Lopez de Prado (2012), "The Sharpe ratio efficient
    frontier". Undefined (NaN) below two rows, without variance, and where the estimated variance of
    the ratio is not positive.
    """
    return cdf((seen.sharpe - benchmark) / standard_error(seen))


def expected_maximum(trials: Any, deviation: Any) -> Any:
    """Largest Sharpe ratio to expect of so many trials that have none.

    deviation ((1 - gamma) Phi^-1(1 - 1/N) + gamma Phi^-1(1 - 1/(N e))), the deviation being that of
    the Sharpe ratios over the trials: Bailey & Lopez de Prado (2014), "The deflated Sharpe ratio".
    One trial is no selection and gives 0; fewer are undefined (NaN).
    """
    count = np.asarray(trials, np.float64)
    many = np.where(count > 1.0, count, 2.0)
    # Phi^-1(1 - p) is -Phi^-1(p), without the digits that 1 - p loses
    high = -quantile(1.0 / many)
    higher = -quantile(1.0 / (many * math.e))
    units = (1.0 - EULER_GAMMA) * high + EULER_GAMMA * higher
    chosen = np.where(count > 1.0, units, np.where(count == 1.0, 0.0, np.nan))
    return (deviation * chosen)[()]


def spread_of_trials(deviation: float, known: int, n: int) -> float:
    """The deviation of trials' ratios; where few are known, that of chance over n rows at least.

    A ratio of no edge has a deviation of 1/sqrt(n - 1) (Lo 2002, at a ratio of 0).
    """
    if known >= KNOWN_LEAST or n < 2:
        return deviation
    return max(deviation, 1.0 / math.sqrt(n - 1.0))


def deflated(seen: Track, trials: Any, deviation: Any) -> Any:
    """DSR, the probabilistic Sharpe ratio against the largest to expect of that many trials."""
    return probabilistic(seen, expected_maximum(trials, deviation))


def minimum_length(seen: Track, level: float, benchmark: Any = 0.0) -> Any:
    """MinTRL: so many rows and the probabilistic Sharpe ratio reaches the level.

    1 + (1 - g3 SR + (g4 - 1)/4 SR^2) (Phi^-1(level) / (SR - SR*))^2, Bailey & Lopez de Prado
    (2012). Infinite where SR is not above SR*: no length is enough. Undefined (NaN) where SR is.
    """
    ahead = np.asarray(seen.sharpe, np.float64) - benchmark
    needed = quantile(level) / np.where(ahead > 0.0, ahead, np.nan)
    rows = 1.0 + _dispersion(seen) * needed * needed
    return np.where(ahead <= 0.0, np.inf, rows)[()]
