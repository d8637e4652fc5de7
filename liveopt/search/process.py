"""A Gaussian process: what is likely between points that have been measured.

A sum of two: of all coordinates together, Matern 5/2 with a length for each kind of coordinate, and
of each kind alone, the mean of as many rational quadratics (the additive part of Duvenaud et al.
2011), which sees a wide bowl through waves and noise where points are too few for the other.
Fitted by marginal likelihood (Rasmussen & Williams 2006, chapters 2, 4.2 and 5.4) times a prior:
lengths near the root of the number of coordinates (as in Hvarfner et al. 2024, but narrower), and
little noise. The prior keeps ten points from making a cliff of one coordinate.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from liveopt.search.space import Array

ROOT5: Final = 5.0**0.5
JITTER: Final = 1e-9
LENGTH: Final = (0.0, 0.7)
"""Mean and deviation of the prior of log length less half the log of how many lengths there are."""
SIGNAL: Final = (0.0, 1.0)
"""Of log variance."""
NOISE: Final = (-9.0, 2.0)
"""Of log noise variance."""
OTHERS: Final = 4
"""Logarithms after the lengths: length and variance of each kind alone, variance of all together,
variance of the noise."""
ALONE: Final = (-0.5, 0.5)
"""Of log length of each kind alone."""
STEPS: Final = 25
BOUND: Final = 12.0
"""Logarithms beyond this are not looked at."""


@dataclass(frozen=True, slots=True)
class Process:
    """A fitted process over n points."""

    logs: Array
    """Logarithms of the lengths, then as in `OTHERS`."""
    root: Array
    """Inverse of the Cholesky factor of the covariance of the points [n, n]."""
    weight: Array
    """Inverse covariance times values [n]."""

    def predict(self, gaps: Array) -> tuple[Array, Array]:
        """Mean and deviation at m places, from their gaps [kind, n, m] to the points."""
        cross = _covariance(gaps, self.logs)
        mean = self.weight @ cross
        shrunk = self.root @ cross
        variance = np.exp(self.logs[-3:-1]).sum() - (shrunk * shrunk).sum(axis=0)
        return mean, np.sqrt(np.maximum(variance, 1e-18))


def begin(kinds: int) -> Array:
    """Logarithms to begin a fit with: lengths half as long as the space is wide, some noise.

    The prior's own mean would not do: so long a length makes all points nearly the same one.
    """
    logs = np.full(kinds + OTHERS, np.log(0.5) + 0.5 * np.log(kinds))
    logs[-OTHERS:] = ALONE[0], -1.0, -1.0, -4.0
    return logs


def condition(gaps: Array, values: Array, logs: Array) -> Process:
    """The process with these lengths, given values at points with these gaps [kind, n, n]."""
    count = len(values)
    covariance = _covariance(gaps, logs)
    covariance[np.diag_indices(count)] += np.exp(logs[-1]) + JITTER * np.exp(logs[-3:-1]).sum()
    root = np.linalg.inv(np.linalg.cholesky(covariance))
    return Process(logs, root, root.T @ (root @ values))


def fit(gaps: Array, values: Array, last: Array | None) -> Array:
    """The likeliest logarithms, from the usual beginning and from those of the last fit."""
    found, loss = _climb(gaps, values, begin(len(gaps)), STEPS)
    if last is not None:
        other, lower = _climb(gaps, values, last, STEPS)
        return other if lower <= loss else found
    return found


def _climb(gaps: Array, values: Array, logs: Array, steps: int) -> tuple[Array, float]:
    """So many steps of BFGS (Nocedal & Wright 2006, algorithm 6.1)."""
    loss, slope = _loss(gaps, values, logs)
    inverse = np.eye(len(logs))
    for _ in range(steps):
        way = -inverse @ slope
        if way @ slope >= 0.0:
            inverse, way = np.eye(len(logs)), -slope
        way = way / max(1.0, float(np.abs(way).max()))
        lower, moved, new = loss, logs, slope
        for length in 0.4 ** np.arange(15):
            tried = np.clip(logs + length * way, -BOUND, BOUND)
            lower, new = _loss(gaps, values, tried)
            if lower <= loss + 1e-4 * length * (way @ slope):
                moved = tried
                break
        if loss - lower < 1e-4 or moved is logs:
            break
        step, turn = moved - logs, new - slope
        logs, loss, slope = moved, lower, new
        if (curve := step @ turn) > 1e-12:
            push = np.eye(len(logs)) - np.outer(step, turn) / curve
            inverse = push @ inverse @ push.T + np.outer(step, step) / curve
    return logs, loss


def _covariance(gaps: Array, logs: Array) -> Array:
    a = ROOT5 * np.sqrt(np.tensordot(np.exp(-2.0 * logs[:-OTHERS]), gaps, axes=1))
    together = np.exp(logs[-2]) * (1.0 + a + a * a / 3.0) * np.exp(-a)
    alone = np.exp(logs[-3]) * _alone(gaps, logs).mean(axis=0)
    found: Array = together + alone
    return found


def _alone(gaps: Array, logs: Array) -> Array:
    """Correlation of each kind alone: rational quadratic with alpha 1, which costs no exp."""
    found: Array = 1.0 / (1.0 + np.exp(-2.0 * logs[-4]) * gaps)
    return found


def _loss(gaps: Array, values: Array, logs: Array) -> tuple[float, Array]:
    """Minus the log of likelihood times prior, and its slope."""
    count = len(values)
    scaled = np.exp(-2.0 * logs[:-OTHERS])
    a = ROOT5 * np.sqrt(np.tensordot(scaled, gaps, axes=1))
    decay = np.exp(logs[-2]) * np.exp(-a)
    plain = decay * (1.0 + a + a * a / 3.0)
    noise = np.exp(logs[-1])
    each = _alone(gaps, logs)
    alone = np.exp(logs[-3]) * each.mean(axis=0)
    covariance = plain + alone
    covariance[np.diag_indices(count)] += noise + JITTER * np.exp(logs[-3:-1]).sum()
    mean, deviation = _prior(len(gaps))
    off = (logs - mean) / deviation
    try:
        lower = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return np.inf, np.zeros(len(logs))
    root = np.linalg.inv(lower)
    weight = root.T @ (root @ values)
    pull = np.outer(weight, weight) - root.T @ root
    slope = np.empty(len(logs))
    bent = pull * decay * (1.0 + a) * (5.0 / 3.0)
    slope[:-OTHERS] = 0.5 * scaled * np.tensordot(gaps, bent, axes=2)
    slope[-4] = np.exp(logs[-3]) * (pull * (each - each * each).mean(axis=0)).sum()
    slope[-3] = 0.5 * (pull * alone).sum()
    slope[-2] = 0.5 * (pull * plain).sum()
    slope[-1] = 0.5 * noise * np.trace(pull)
    likelihood = -0.5 * values @ weight - np.log(np.diag(lower)).sum()
    return float(-likelihood + 0.5 * off @ off), -slope + off / deviation


def _prior(kinds: int) -> tuple[Array, Array]:
    mean = np.full(kinds + OTHERS, LENGTH[0] + 0.5 * np.log(kinds))
    deviation = np.full(kinds + OTHERS, LENGTH[1])
    mean[-OTHERS:] = ALONE[0], SIGNAL[0], SIGNAL[0], NOISE[0]
    deviation[-OTHERS:] = ALONE[1], SIGNAL[1], SIGNAL[1], NOISE[1]
    return mean, deviation
