"""The loops over variants and shadow worlds; compiled as they stand, after what they import.

All of it is plain arithmetic on doubles. What the worlds add up are multiples of `QUANTUM` and so
exact in single precision: no order of adding, no cut and no device changes a bit.
"""

from math import floor, sqrt
from typing import Any

from numba import njit

from liveopt.promotion.units import BURN, CAP, FLOOR, NOTHING, QUANTUM
from liveopt.stats.arithmetic import log, tilted

NEVER = -1e300
LOG2_MORE = 0.6932
"""Log 2, and more than rounding takes from the largest evidence that 512 bars can hold."""


@njit(
    "void(float64[::1], boolean[::1], float64, float64[::1], float64[:, ::1], float64[::1])",
    error_model="numpy",
    nogil=True,
    cache=True,
)
def tally(differences: Any, present: Any, ratio: float, least: Any, sums: Any, out: Any) -> None:
    """One evidence bar: differences in units of what was known before it, added to the sums.

    `sums` are rows of: total, squares, count, differences met, their squares, age, size. `ratio` is
    how wild the market is beside its long run; `out` is what the shadow worlds will see. The unit
    is the root mean square of the differences before, or `least` where that is more: both know
    sizes and no signs.
    """
    total, squares, count, met, heat, age = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    for i in range(len(out)):
        out[i] = 0.0
        if not present[i]:
            continue
        age[i] += 1.0
        d = differences[i]
        if -NOTHING < d < NOTHING:
            continue
        x = d / ratio
        known = met[i] >= BURN
        y = x / max(sqrt(heat[i] / met[i]), least[i]) if known else 0.0
        met[i] += 1.0
        heat[i] += x * x
        if not known:
            continue
        y = max(FLOOR, min(CAP, y))
        y = floor(y / QUANTUM + 0.5) * QUANTUM
        out[i] = y
        total[i] += y
        squares[i] += y * y
        count[i] += 1.0


@njit(error_model="numpy", nogil=True)
def _rough(worlds: Any, signs: Any, bars: Any, spread: Any, rho: float, best: Any) -> None:
    """Add the bars, and in each world find the largest c + z^2 / 2: the loop over all."""
    for i in range(len(worlds)):
        if spread[i] <= 0.0:
            continue
        q = spread[i] + rho
        c, h = 0.5 * log(rho / q), 0.5 / q
        row = worlds[i]
        for k in range(len(bars)):
            y, sign = bars[k, i], signs[k]
            for b in range(len(row)):
                row[b] += y * sign[b]
        for b in range(len(row)):
            r = float(row[b])
            v = c + r * r * h if r > 0.0 else NEVER
            best[b] = max(best[b], v)


@njit(error_model="numpy", nogil=True)
def _exact(worlds: Any, spread: Any, rho: float, least: Any, best: Any) -> None:
    """In full, for the few that may be the best of their world."""
    for i in range(len(worlds)):
        if spread[i] <= 0.0:
            continue
        q = spread[i] + rho
        c, h, scale = 0.5 * log(rho / q), 0.5 / q, 1.0 / sqrt(q)
        row = worlds[i]
        for b in range(len(row)):
            r = float(row[b])
            if r > 0.0 and c + r * r * h + LOG2_MORE >= least[b]:
                best[b] = max(best[b], c + tilted(r * scale))


@njit(
    "void(float32[:, ::1], float32[:, ::1], float32[:, ::1], float64[::1], float64, float64[::1])",
    error_model="numpy",
    nogil=True,
    cache=True,
)
def turn(worlds: Any, signs: Any, bars: Any, spread: Any, rho: float, best: Any) -> None:
    """The bars since the last look go into all worlds, and the best evidence in each comes out.

    `worlds` [variant, world] are totals under random signs, `signs` [bar, world], `bars` [bar,
    variant], `best` [world]. With z = r / sqrt(q) the evidence is c + z^2 / 2 + log 2 Phi(z), whose
    last part is between 0 and log 2 for z > 0: the loop over all needs no logarithm.
    """
    best[:] = NEVER
    _rough(worlds, signs, bars, spread, rho, best)
    least = best.copy()
    for b in range(len(best)):
        if best[b] > 0.0:  # c is below 0, so z^2 / 2 is at least as much
            least[b] = tilted(sqrt(2.0 * best[b]))
    best[:] = NEVER
    _exact(worlds, spread, rho, least, best)
