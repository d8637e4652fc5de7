"""What correlations are reckoned from: each strategy's mean, and how far it strays from it.

Pearson's are of the profits themselves, Spearman's of their ranks. A strategy that never moves is
correlated with nobody: its scale is 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from liveopt.data.panel.panel import Float64

BLOCK: Final = 2048


@dataclass(frozen=True, slots=True)
class Likeness:
    """Rows, their means, and one over the root of their summed squares about it."""

    rows: Float64
    mean: Float64
    scale: Float64

    def standard(self, first: int, last: int) -> Float64:
        """Rows of length 1: the product of two is their correlation."""
        found: Float64 = self.rows[first:last] - self.mean[first:last, None]
        found *= self.scale[first:last, None]
        return found


def likeness(pnl: Float64, method: str) -> Likeness:
    """`method` is pearson or spearman."""
    rows = ranks(pnl) if method == "spearman" else pnl
    mean, scale = np.empty(len(rows)), np.zeros(len(rows))
    for first in range(0, len(rows), BLOCK):
        part = rows[first : first + BLOCK]
        own = part.mean(axis=1)
        off = part - own[:, None]
        own += off.mean(axis=1)  # what rounding left of a mean far larger than what strays from it
        mean[first : first + BLOCK] = own
        np.subtract(part, own[:, None], out=off)
        length = np.sqrt(np.einsum("ij,ij->i", off, off))
        moves = part.min(axis=1) < part.max(axis=1)
        moves &= length > 0.0
        scale[first : first + BLOCK][moves] = 1.0 / length[moves]
    return Likeness(rows, mean, scale)


def ranks(pnl: Float64) -> Float64:
    """Of each row, from 1; equals share the mean of theirs."""
    found = np.empty_like(pnl)
    for first in range(0, len(pnl), BLOCK):
        part = pnl[first : first + BLOCK]
        order = np.argsort(part, axis=1, kind="stable")
        ordered = np.take_along_axis(part, order, axis=1)
        fresh = np.ones(part.shape, bool)
        fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        places = np.arange(1, part.shape[1] + 1)
        lowest = np.maximum.accumulate(np.where(fresh, places, 0), axis=1)
        ends = np.ones(part.shape, bool)
        ends[:, :-1] = fresh[:, 1:]
        highest = np.where(ends, places, part.shape[1] + 1)
        highest = np.minimum.accumulate(highest[:, ::-1], axis=1)[:, ::-1]
        np.put_along_axis(found[first : first + BLOCK], order, 0.5 * (lowest + highest), axis=1)
    return found


def matrix(likeness: Likeness) -> Float64:
    """All correlations of a few strategies; 1 on the diagonal, 0 with one that never moves."""
    rows = likeness.standard(0, len(likeness.mean))
    found: Float64 = np.clip(rows @ rows.T, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return found
