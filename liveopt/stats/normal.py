"""The normal distribution for arrays: cdf, its logarithm and its inverse, exact in the far tail.

The arithmetic is in `arithmetic`, loaded when it is first needed, so that who imports this waits
for no compiler. The same numbers give the same bits on every machine.

Measured against 50 digits, the relative error stays below 1e-15 in all three, until `cdf` becomes
subnormal below -37.5. A NaN gives a NaN; minus and plus infinity give their limits.
"""

from typing import Any

import numpy as np

LN2 = 0.6931471805599453


def _each(name: str, values: Any) -> Any:
    from liveopt.stats import arithmetic

    given = np.asarray(values, np.float64)
    out = np.empty(given.shape)
    getattr(arithmetic, name)(np.ascontiguousarray(given).reshape(-1), out.reshape(-1))
    return out[()]


def logs(w: Any) -> Any:
    """Natural logarithms; minus infinity of nought, NaN of what is below."""
    return _each("fill_logs", w)


def cdf(z: Any) -> Any:
    """Phi(z), the share of a standard normal below z; an array gives an array."""
    return _each("fill_cdf", z)


def log_cdf(z: Any) -> Any:
    """Log Phi(z): about -z^2/2 far below, where Phi itself is nothing; about -Phi(-z) far above."""
    return _each("fill_log_cdf", z)


def quantile(p: Any) -> Any:
    """The z with Phi(z) = p. 0 and 1 give the infinities, anything outside them NaN."""
    return _each("fill_quantile", p)
