"""Several objectives, all to be maximised: which candidates none dominates, and how many beat one.

One candidate dominates another if it is nowhere worse and somewhere better.
"""

import numpy as np
import numpy.typing as npt

from liveopt.search.fitness import finite
from liveopt.search.space import Array, Bools

Ranks = npt.NDArray[np.int64]


def ranks(fitness: Array) -> Ranks:
    """The number of each row's front: 0 for those that nothing dominates, then peeled off."""
    better = _dominates(fitness)
    above = better.sum(axis=0)
    found = np.full(len(fitness), -1, np.int64)
    rank = 0
    while (found < 0).any():
        front = (above == 0) & (found < 0)
        found[front] = rank
        above = above - better[front].sum(axis=0)
        rank += 1
    return found


def best(fitness: Array, block: int = 1024) -> Bools:
    """Which rows nothing dominates, without a table of all pairs."""
    alive = np.arange(len(fitness))
    for start in range(0, len(fitness), block):
        rivals = fitness[start : start + block]
        beaten = np.zeros(len(alive), bool)
        for own in range(0, len(alive), block):
            part = fitness[alive[own : own + block]]
            no_worse = (rivals[:, None] >= part[None]).all(axis=2)
            beaten[own : own + block] = (no_worse & (rivals[:, None] > part[None]).any(axis=2)).any(
                axis=0
            )
        alive = alive[~beaten]
    found = np.zeros(len(fitness), bool)
    found[alive] = True
    return found


def crowding(fitness: Array, front: Ranks) -> Array:
    """How alone each row is in its front: the sides of the box its neighbours leave it.

    Deb et al. 2002, section III-B: neighbours in each objective, as a share of the front's range;
    infinite at the ends.
    """
    found = np.zeros(len(fitness))
    for column in (finite(each) for each in fitness.T):
        order = np.lexsort((column, front))
        value, group = column[order], front[order]
        first = np.r_[True, group[1:] != group[:-1]]
        last = np.r_[first[1:], True]
        starts = np.flatnonzero(first)
        span = (value[np.flatnonzero(last)] - value[starts])[np.cumsum(first) - 1]
        span = np.where(span > 0.0, span, 1.0)
        side = np.r_[value[1:], 0.0] - np.r_[0.0, value[:-1]]
        found[order] += np.where(first | last, np.inf, side / span)
    return found


def hypervolume(fitness: Array, reference: Array) -> float:
    """The area that the rows of two objectives dominate above the reference point."""
    assert fitness.shape[1] == 2, "two objectives"
    inside = fitness[(fitness > reference).all(axis=1)]
    order = np.lexsort((inside[:, 1], -inside[:, 0])) if len(inside) else np.empty(0, int)
    area, height = 0.0, float(reference[1])
    for first, second in inside[order]:
        if second > height:
            area += (float(first) - float(reference[0])) * (float(second) - height)
            height = float(second)
    return area


def _dominates(fitness: Array) -> Bools:
    """[one, other]: whether the one dominates the other."""
    no_worse = np.ones((len(fitness), len(fitness)), bool)
    better = np.zeros_like(no_worse)
    for column in fitness.T:
        no_worse &= column[:, None] >= column[None, :]
        better |= column[:, None] > column[None, :]
    return no_worse & better
