"""Logarithm and normal distribution in plain arithmetic, compiled: for `normal` and other kernels.

Everything is `+ - * /`, square roots and the bits of a float64, with no math library and no fused
multiply-add: the same numbers give the same bits on every machine, in an array of any size. Who
compiles these functions into kernels of their own has this text in front of theirs.

The tail is Phi(-a) = exp(-a^2/2) M(a) / 2 with M(a) = exp(a^2/2) erfc(a / sqrt 2), and
(1 + a) M(a) is a polynomial in (a - 5) / (a + 5) over the whole half line, the form of Shepherd and
Laframboise (1981), "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x". The coefficients are the
Chebyshev series to degree 22, taken at 60 digits; what is left out is below 2e-16.
"""

import math
from typing import Any

import numpy as np
from numba import njit

EVEN = (
    -5.644154458125973e-10, 7.254746326802402e-09, -5.257241017979751e-08, 2.55756443641874e-07,
    -1.4069289367074203e-07, -1.9792195518559564e-05, 0.00036466829023287686, -0.00335214468910894,
    -0.030340830805029726, -0.052802085932616614, 0.062060736851927416, 0.9230316597000755,
)  # fmt: skip
ODD = (
    4.414130543491955e-09, -5.09335633610144e-08, 3.7692327615084936e-07, -2.6009098523598036e-06,
    1.8111490074145443e-05, -0.00010721204250183905, 1.558242881405838e-05, 0.013044001450468485,
    0.04907392647778225, 0.020004704770827036, -0.18310456366802225,
)  # fmt: skip
"""(1 + a) M(a) in t = (a - 5) / (a + 5): even and odd powers, the highest first."""

EXP = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))
LOG_EVEN = (1.531383769920937332e-01, 2.222219843214978396e-01, 3.999999999940941908e-01)
LOG_ODD = (
    1.479819860511658591e-01, 1.818357216161805012e-01, 2.857142874366239149e-01,
    6.666666666666735130e-01,
)  # fmt: skip
"""log((1 + s) / (1 - s)) / s - 2 in s^2, as in Sun's fdlibm: s^4 and s^2 times these in s^4."""

LN2 = 0.6931471805599453
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
INV_LN2 = 1.4426950408889634
ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
LEAST = 2.2250738585072014e-308
"""The least normal number."""
TWO52, TWO54 = 2.0**52, 2.0**54
WHOLE = 1.5 * TWO52
"""Adding and subtracting it rounds to a whole number; its sixteenth, to sixteenths."""
LARGE = 1e150
"""From here on the logarithm of the tail is -a^2/2 - log a + constant, to the last bit but one."""
EXP_LEAST = 39.0
"""exp(-a^2/2) is nothing from here on."""

inline = njit(error_model="numpy", forceinline=True)
compiled = njit("void(float64[::1], float64[::1])", error_model="numpy", nogil=True, cache=True)


@inline
def _poly(x: Any, coefficients: Any) -> Any:
    total = coefficients[0]
    for c in coefficients[1:]:
        total = total * x + c
    return total


@inline
def log(w: Any) -> Any:
    """The natural logarithm of a normal positive number, to less than one unit in the last place.

    w = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt 2; the rest is fdlibm's `log`.
    """
    bits = np.float64(w).view(np.uint64)
    steps = (bits - np.uint64(ROOT_HALF_BITS) + np.uint64(1024 << 52)) >> np.uint64(52)
    k = np.uint64(steps | np.uint64(0x4330000000000000)).view(np.float64) - (TWO52 + 1024.0)
    scaled = np.uint64(bits - ((steps - np.uint64(1024)) << np.uint64(52))).view(np.float64)
    f = scaled - 1.0
    s = f / (2.0 + f)
    z = s * s
    q = z * z
    rest = q * _poly(q, LOG_EVEN) + z * _poly(q, LOG_ODD)
    half = 0.5 * f * f
    return k * LN2_HIGH - ((half - (s * (half + rest) + k * LN2_LOW)) - f)


@inline
def _gauss(a: Any) -> Any:
    """exp(-a^2/2) for a >= 0. The square is taken in two parts, as Cody (1969) does."""
    a = min(EXP_LEAST, a)
    coarse = (a + WHOLE / 16.0) - WHOLE / 16.0
    high = 0.5 * coarse * coarse
    low = 0.5 * (a - coarse) * (a + coarse)
    k = (-(high + low) * INV_LN2 + WHOLE) - WHOLE
    rest = ((-high - k * LN2_HIGH) - low) - k * LN2_LOW
    first = (0.5 * k + WHOLE) - WHOLE  # in two steps, so that a subnormal is reached
    return _poly(rest, EXP) * _power(first) * _power(k - first)


@inline
def _power(k: Any) -> Any:
    """2^k of a whole number from -1022 to 1023."""
    bits = np.float64(k + (TWO52 + 1023.0)).view(np.uint64)
    return np.uint64(bits << np.uint64(52)).view(np.float64)


@inline
def _mills(a: Any) -> Any:
    """M(a) = exp(a^2/2) erfc(a / sqrt 2) for 0 <= a <= 1e150."""
    over = 1.0 / ((a + 5.0) * (a + 1.0))
    t = (a - 5.0) * (a + 1.0) * over
    u = t * t
    return (t * _poly(u, ODD) + _poly(u, EVEN)) * (a + 5.0) * over


@inline
def tilted(z: Any) -> Any:
    """log(2 Phi(z)) + z^2/2: no square is lost against another where z is far below nought.

    It falls like -log |z| and stops at -345.6, below -1e150.
    """
    a = z if z > 0.0 else -z
    a = min(LARGE, a)
    mills = _mills(a)
    upper = z > 0.0
    found = log(2.0 - mills * _gauss(a) if upper else mills) + (0.5 * z * z if upper else 0.0)
    return found if z == z else z  # noqa: PLR0124  only a NaN differs from itself


@inline
def _cdf(z: Any) -> Any:
    a = z if z > 0.0 else -z
    a = min(EXP_LEAST, a)
    tail = 0.5 * _mills(a) * _gauss(a)
    found = 1.0 - tail if z > 0.0 else tail
    return found if z == z else z  # noqa: PLR0124


@inline
def _log_cdf(z: Any) -> Any:
    a = z if z > 0.0 else -z
    bound = min(LARGE, a)
    mills = _mills(bound)
    tail = 0.5 * mills * _gauss(bound)
    head = 1.0 - tail
    above = log(head) - ((head - 1.0) + tail) / head  # what rounding took from the head, put back
    below = log(mills) - 0.5 * z * z - LN2
    found = above if z > 0.0 else below
    return found if z == z else z  # noqa: PLR0124


@njit(
    "void(float64[:, ::1], float64[::1], float64[::1], float64[:, ::1])",
    error_model="numpy", nogil=True, cache=True,
)  # fmt: skip
def fill_tilted(sums: Any, scale: Any, base: Any, out: Any) -> None:
    """Put base[i] + log(2 Phi(z)) + z^2/2 at z = sums[b, i] * scale[i] into `out`.

    It is here, not where it is used, because numba's cache notices no edit in another file.
    """
    for b in range(sums.shape[0]):
        for i in range(sums.shape[1]):
            out[b, i] = base[i] + tilted(sums[b, i] * scale[i])


MIDDLE = (
    (
        2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
        4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
        1.3314166789178437745e2, 3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
        2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
        4.2313330701600911252e1, 1.0,
    ),
)  # fmt: skip
NEAR = (
    (
        7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
        1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
        4.63033784615654529590e0, 1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
        1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
        2.05319162663775882187e0, 1.0,
    ),
)  # fmt: skip
FAR = (
    (
        2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
        2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
        5.46378491116411436990e0, 6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
        7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
        5.99832206555887937690e-1, 1.0,
    ),
)  # fmt: skip
"""Numerators and denominators of Wichura (1988), "Algorithm AS 241", PPND16."""


@inline
def _quantile(p: Any) -> Any:
    q = p - 0.5
    tail = p if q < 0.0 else 1.0 - p
    if -0.425 <= q <= 0.425:
        r = 0.180625 - q * q
        return q * _poly(r, MIDDLE[0]) / _poly(r, MIDDLE[1])
    if not tail > 0.0:
        return -math.inf if p == 0.0 else math.inf if p == 1.0 else math.nan
    tiny = tail < LEAST  # made normal for the logarithm
    depth = math.sqrt(54.0 * LN2 - log(tail * TWO54)) if tiny else math.sqrt(-log(tail))
    if depth <= 5.0:
        far = _poly(depth - 1.6, NEAR[0]) / _poly(depth - 1.6, NEAR[1])
    else:
        far = _poly(depth - 5.0, FAR[0]) / _poly(depth - 5.0, FAR[1])
    return -far if q < 0.0 else far


@compiled
def fill_logs(values: Any, out: Any) -> None:
    for i in range(len(values)):
        w = values[i]
        if LEAST <= w < math.inf:
            out[i] = log(w)
        elif w > 0.0:
            out[i] = log(w * TWO54) - 54.0 * LN2 if w < 1.0 else w
        else:
            out[i] = -math.inf if w == 0.0 else math.nan


@compiled
def fill_cdf(values: Any, out: Any) -> None:
    for i in range(len(values)):
        out[i] = _cdf(values[i])


@compiled
def fill_log_cdf(values: Any, out: Any) -> None:
    for i in range(len(values)):
        out[i] = _log_cdf(values[i])


@compiled
def fill_quantile(values: Any, out: Any) -> None:
    for i in range(len(values)):
        out[i] = _quantile(values[i])
