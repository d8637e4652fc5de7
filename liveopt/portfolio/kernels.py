"""The loops over portfolios and over pairs of strategies; compiled as they stand.

Sums run in the order of the members and of the sessions, without fused multiply-add, so that a GPU
that keeps this order has the same bits.
"""

from typing import Any

import numpy as np
from numba import njit

FOUR = 4
"""Members added in one go: their sum stays in a register."""
ROI, DRAWDOWN, WINS, GAINS, LOSSES, LOST, LIKENESS, MOVING = range(8)
"""Columns of the sums: total, largest fall of equity, sessions won, what they brought, what the
others cost, sessions lost, the squared sum of standardised members, members that move at all."""
COLUMNS = 8
SUM, SIZE, REACHED, LEAST = range(4)
"""Rows of what is added up of each strategy: its correlations, their sizes, how many reach the
threshold; and the least of its largest."""
CHUNK = 64
"""Pairs that are looked at together before one of them is."""


@njit(error_model="numpy", nogil=True)
def _add(pnl: Any, members: Any, total: Any) -> None:
    """Members added up."""
    count, sessions = len(members), pnl.shape[1]
    total[:] = 0.0
    whole = count - count % FOUR
    for k in range(0, whole, FOUR):
        r0, r1 = pnl[members[k]], pnl[members[k + 1]]
        r2, r3 = pnl[members[k + 2]], pnl[members[k + 3]]
        for t in range(sessions):
            total[t] = total[t] + r0[t] + r1[t] + r2[t] + r3[t]
    for k in range(whole, count):
        row = pnl[members[k]]
        for t in range(sessions):
            total[t] = total[t] + row[t]


@njit(error_model="numpy", nogil=True)
def _resemble(likely: Any, mean: Any, scale: Any, members: Any, likeness: Any) -> None:
    """Members standardised, added up: the more they move together, the larger its square."""
    count, sessions = len(members), likely.shape[1]
    likeness[:] = 0.0
    whole = count - count % FOUR
    for k in range(0, whole, FOUR):
        i0, i1, i2, i3 = members[k], members[k + 1], members[k + 2], members[k + 3]
        r0, r1, r2, r3 = likely[i0], likely[i1], likely[i2], likely[i3]
        m0, m1, m2, m3 = mean[i0], mean[i1], mean[i2], mean[i3]
        s0, s1, s2, s3 = scale[i0], scale[i1], scale[i2], scale[i3]
        for t in range(sessions):
            one = (likeness[t] + (r0[t] - m0) * s0) + (r1[t] - m1) * s1
            likeness[t] = (one + (r2[t] - m2) * s2) + (r3[t] - m3) * s3
    for k in range(whole, count):
        row, m, s = likely[members[k]], mean[members[k]], scale[members[k]]
        for t in range(sessions):
            likeness[t] = likeness[t] + (row[t] - m) * s


@njit(error_model="numpy", nogil=True)
def _follow(total: Any, likeness: Any, members: float, sums: Any) -> None:
    """One pass through time. The first peak of the equity is where the first session ends."""
    equity, peak, fall = 0.0, 0.0, 0.0
    wins, gains, losses, lost, squares = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(len(total)):
        p = total[t] / members
        total[t] = p
        equity = equity + p
        if t == 0 or equity > peak:
            peak = equity
        fall = max(fall, peak - equity)
        if p > 0.0:
            wins += 1.0
            gains = gains + p
        if p < 0.0:
            lost += 1.0
            losses = losses - p
        squares = squares + likeness[t] * likeness[t]
    sums[ROI], sums[DRAWDOWN], sums[WINS], sums[GAINS] = equity, fall, wins, gains
    sums[LOSSES], sums[LOST], sums[LIKENESS] = losses, lost, squares


@njit(
    "void(float64[:, ::1], Tuple((float64[:, ::1], float64[::1], float64[::1])), int32[:, ::1],"
    " float64[:, ::1], float64[:, ::1])",
    error_model="numpy",
    nogil=True,
    cache=True,
)
def gather(pnl: Any, likeness: Any, sets: Any, series: Any, sums: Any) -> None:
    """The profit and loss of each set, the mean of its members, and what it adds up to.

    `likeness` is what correlations are of (the profits themselves, or their ranks), its means and
    its scales.
    """
    likely, mean, scale = likeness
    alike = np.empty(pnl.shape[1])
    for b in range(len(sets)):
        members = sets[b]
        _add(pnl, members, series[b])
        _resemble(likely, mean, scale, members, alike)
        _follow(series[b], alike, float(len(members)), sums[b])
        moving = 0.0
        for k in range(len(members)):
            if scale[members[k]] > 0.0:
                moving += 1.0
        sums[b, MOVING] = moving


@njit(error_model="numpy", nogil=True)
def _insert(value: float, who: int, values: Any, partners: Any) -> None:
    """One more in a list of the largest, the largest first; equals in the order they came."""
    at = len(values) - 1
    while at > 0 and values[at - 1] < value:
        values[at], partners[at] = values[at - 1], partners[at - 1]
        at -= 1
    values[at], partners[at] = value, who


@njit(
    "void(float64[:, ::1], UniTuple(int64, 2), UniTuple(int64, 2), float64,"
    " Tuple((float64[:, ::1], float64[:, ::1], int32[:, ::1])), int64[::1])",
    error_model="numpy",
    nogil=True,
    cache=True,
)
def scan_rows(tile: Any, lines: Any, corner: Any, threshold: float, kept: Any, bins: Any) -> None:
    """What some rows of a tile of correlations say of the strategies that they are.

    `lines` are the first and the one after the last; `corner` is where the tile lies; only pairs
    above the diagonal count. `kept` is what is known of each strategy: its sums, its
    largest, and with whom. `bins` counts all pairs.
    """
    half, (sums, best, partner), (row0, column0) = len(bins) / 2.0, kept, corner
    for i in range(lines[0], lines[1]):
        me = row0 + i
        total, size, reached = 0.0, 0.0, 0.0
        for at in range(max(0, me + 1 - column0), tile.shape[1], CHUNK):
            end = min(at + CHUNK, tile.shape[1])
            most = -2.0
            for j in range(at, end):
                r = tile[i, j]
                total += r
                size += abs(r)
                reached += 1.0 if abs(r) >= threshold else 0.0
                most = max(most, r)
                bins[max(0, min(int((r + 1.0) * half), len(bins) - 1))] += 1
            if most > sums[LEAST, me]:
                for j in range(at, end):
                    if tile[i, j] > sums[LEAST, me]:
                        _insert(tile[i, j], column0 + j, best[me], partner[me])
                        sums[LEAST, me] = best[me, -1]
        sums[SUM, me] += total
        sums[SIZE, me] += size
        sums[REACHED, me] += reached


@njit(
    "void(float64[:, ::1], UniTuple(int64, 2), UniTuple(int64, 2), float64,"
    " Tuple((float64[:, ::1], float64[:, ::1], int32[:, ::1])))",
    error_model="numpy",
    nogil=True,
    cache=True,
)
def scan_columns(tile: Any, lines: Any, corner: Any, threshold: float, kept: Any) -> None:
    """The same of some columns: each pair is one of both."""
    (sums, best, partner), (row0, column0) = kept, corner
    total, size, reached, least = sums[SUM], sums[SIZE], sums[REACHED], sums[LEAST]
    for i in range(tile.shape[0]):
        for at in range(max(lines[0], row0 + i + 1 - column0), lines[1], CHUNK):
            end = min(at + CHUNK, lines[1])
            more = False
            for j in range(at, end):
                r = tile[i, j]
                total[column0 + j] += r
                size[column0 + j] += abs(r)
                reached[column0 + j] += 1.0 if abs(r) >= threshold else 0.0
                more |= r > least[column0 + j]
            if more:
                for j in range(at, end):
                    me = column0 + j
                    if tile[i, j] > least[me]:
                        _insert(tile[i, j], row0 + i, best[me], partner[me])
                        least[me] = best[me, -1]
