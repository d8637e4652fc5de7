"""Running averages of many windows at once: the one table worth compiling."""

from typing import Any

from numba import njit

RESUM_BARS = 256
"""Every so many signal bars the sums are added up anew from the values themselves: what rounding
did to them does not grow with the length of a run. Counted from the first bar, so that no cut and
no restart moves it."""


SIGNATURE = "void(float64[::1], int64[::1], float64[:, ::1], int64, boolean, float64[:, ::1])"


@njit(SIGNATURE, error_model="numpy", nogil=True, cache=True)
def averages(values: Any, windows: Any, sums: Any, seen: int, weighted: bool, out: Any) -> None:
    """Fill `out` [bar, window], adding one value after the other as they would come in live.

    `values` begins with as many old values as `out` has fewer bars. `sums` [plain or weighted,
    window] goes on from bar to bar and from call to call. A plain mean is one of what there is; a
    weighted one, in which the newest value weighs `window` times the oldest, of a full window.
    """
    depth = len(values) - len(out)
    for bar in range(len(out)):
        new = values[depth + bar]
        there = seen + bar + 1
        for i in range(len(windows)):
            window = windows[i]
            if weighted:
                sums[1, i] += window * new - sums[0, i]
            sums[0, i] += new - values[depth + bar - window]
            if there % RESUM_BARS == 0:
                plain = ramp = 0.0
                for age in range(window - 1, -1, -1):
                    plain += values[depth + bar - age]
                    ramp += (window - age) * values[depth + bar - age]
                sums[0, i] = plain
                sums[1, i] = ramp
            if weighted:
                out[bar, i] = sums[1, i] / (0.5 * window * (window + 1))
            else:
                out[bar, i] = sums[0, i] / (min(window, there))
