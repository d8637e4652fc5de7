"""The loops of `bootstrap` over the rows that are drawn, compiled; loaded when they are needed."""

from typing import Any

from numba import njit


@njit("void(int64[:, ::1], float64[:, ::1])", nogil=True, cache=True)
def tally(indices: Any, counts: Any) -> None:
    """Add one to the count [b, row] of every row [b, i] that is drawn."""
    for b in range(indices.shape[0]):
        for row in indices[b]:
            counts[b, row] += 1.0


@njit("void(int64[::1], boolean[:, ::1], int64[:, ::1])", nogil=True, cache=True)
def lay(starts: Any, fresh: Any, rows: Any) -> None:
    """A fresh row is the next start, another one the row after the last, around the end."""
    resamples, n = rows.shape
    taken = row = 0
    for b in range(resamples):
        for i in range(n):
            if fresh[b, i]:
                row = starts[taken]
                taken += 1
            else:
                row = row + 1 if row + 1 < n else 0
            rows[b, i] = row
