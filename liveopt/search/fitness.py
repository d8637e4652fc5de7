"""Fitness as numbers that can be reckoned with, for algorithms that do more than compare."""

import numpy as np

from liveopt.search.space import Array


def finite(fitness: Array) -> Array:
    """Infinite ones replaced: the worst by one spread below the worst finite, the best above."""
    known = fitness[np.isfinite(fitness)]
    if not len(known):
        return np.where(fitness > 0.0, 1.0, 0.0)
    apart = spread(fitness)
    low = np.where(np.isneginf(fitness), known.min() - apart, fitness)
    return np.where(np.isposinf(low), known.max() + apart, low)


def spread(fitness: Array) -> float:
    """Standard deviation of the finite ones; 1 where there is none."""
    known = fitness[np.isfinite(fitness)]
    found = float(np.std(known)) if len(known) > 1 else 0.0
    return found if 0.0 < found < np.inf else 1.0


def level(fitness: Array) -> bool:
    """Whether there are several and all are the same: such a population has no way to go.

    Where a landscape has steps, as a back-test has, it is found standing on one of them.
    """
    return len(fitness) > 1 and bool((fitness == fitness[0]).all())
