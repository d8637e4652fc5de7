"""Evidence that may be looked at whenever one likes: e-values of sums, in arrays, as logarithms.

An e-value has a mean of at most one if nothing is there; a process of them exceeds 1/a at any time
with probability at most a (Ville 1939). Plain arithmetic only, see `arithmetic`: a replay
finds the same bits.
"""

from typing import Any

import numpy as np

from liveopt.stats.arrays import Interval
from liveopt.stats.normal import LN2, logs

CAPITAL_MOST = 1e300
"""Where an e-CUSUM stops growing: infinity times nought would be no number."""
HALVINGS = 64


def log_mixture(sums: Any, variances: Any, rho: float, out: Any = None) -> Any:
    """Log e-value of "the mean is not above nought" from sums S and their variances V >= 0.

    log E = log 2 + 1/2 log(rho / (V + rho)) + S^2 / (2 (V + rho)) + log Phi(S / sqrt(V + rho)): the
    one-sided normal mixture, the mean's prior a half-normal of deviation 1 / sqrt(rho). Robbins
    (1970); Howard, Ramdas, McAuliffe & Sekhon (2021). Valid where exp(l S - l^2 V / 2) is a
    supermartingale for every l > 0: V the sum of squares of symmetric differences (de la Pena
    1999), or of known variances.

    `variances` have the shape of `sums` or of its last axis (worlds of the same series). Exact far
    below nought too, where log E falls like -log |S|. With `out`, a C-ordered float64 array of the
    shape of `sums`, nothing large is allocated. NaN gives NaN.
    """
    from liveopt.stats.arithmetic import fill_tilted

    total = np.asarray(sums, np.float64, order="C")
    spread = np.asarray(variances, np.float64) + rho
    if spread.ndim == 0:
        spread = np.broadcast_to(spread, total.shape[-1:])
    assert spread.shape == total.shape[total.ndim - spread.ndim :], "variances do not fit the sums"
    found = np.empty(total.shape) if out is None else out
    assert found.flags.c_contiguous, "out is not in C order"
    scale, base = 1.0 / np.sqrt(spread), 0.5 * logs(rho / spread)
    rows = (-1, max(spread.size, 1))
    fill_tilted(total.reshape(rows), scale.reshape(-1), base.reshape(-1), found.reshape(rows))
    return found[()]


def boundary(variances: Any, rho: float, alpha: float) -> Any:
    """The sum at which `log_mixture` reaches log(1 / alpha), a crossing of probability alpha.

    Found by halving: log(2 Phi(z)) + z^2/2 rises, and lies between z^2/2 and z^2/2 + log 2.
    """
    spread = np.asarray(variances, np.float64) + rho
    target = -logs(alpha) - 0.5 * logs(rho / spread)
    low, high = np.sqrt(2.0 * np.maximum(target - LN2, 0.0)), np.sqrt(2.0 * target)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        short = log_mixture(middle, 0.0, 1.0) < target
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return (high * np.sqrt(spread))[()]


def confidence_sequence(sums: Any, variances: Any, n: Any, rho: float, alpha: float) -> Interval:
    """Interval of the mean that holds it at all times at once with probability 1 - alpha.

    (S +- b) / n, b the boundary at alpha / 2 on either side. V is that of the sum about its own
    mean, or more. Undefined (NaN) at n = 0.
    """
    count = np.asarray(n, np.float64)
    count = np.where(count > 0.0, count, np.nan)
    reach = boundary(variances, rho, 0.5 * alpha)
    return Interval(((sums - reach) / count)[()], ((sums + reach) / count)[()])


def e_bh(log_e: Any, alpha: float) -> Any:
    """Which e-values are found, with a false discovery rate of at most alpha however they depend.

    The k largest, for the largest k with e_(k) >= N / (alpha k): Wang & Ramdas (2022), "False
    discovery rate control with e-values". NaN is never found.
    """
    given = np.asarray(log_e, np.float64)
    held = np.where(np.isnan(given), -np.inf, given)
    rank = np.arange(1, held.size + 1)
    needed = logs(held.size / (alpha * rank))
    reached = np.flatnonzero(np.sort(held)[::-1] >= needed)
    if not reached.size:
        return np.zeros(held.shape, bool)
    return held >= needed[reached[-1]]


def e_cusum(capital: Any, gains: Any, stakes: Any) -> Any:
    """The capital [.., K] of bets on a change, after these gains [..] at these stakes [K].

    max(capital, 1) (1 + stake gain): bankrupt bettors start anew, so that a late change is found as
    fast as an early one. It begins at 0. Shin, Ramdas & Rinaldo (2024), "E-detectors": if gains
    have no positive mean and none is below -1 / stake, the mean capital over stakes takes c rows on
    average to reach c. A gain below that leaves nothing.
    """
    bet = np.maximum(1.0 + np.asarray(gains, np.float64)[..., None] * stakes, 0.0)
    return np.minimum(np.maximum(capital, 1.0) * bet, CAPITAL_MOST)
