"""Bayesian optimisation: a Gaussian process guesses where improvement is to be expected.

For expensive candidates, a few hundred of them. It looks round the best within a region that grows
with success and shrinks with failure (as in Eriksson et al. 2019, TuRBO), for in many coordinates
the least known places are the corners, and would always be chosen. Several at a time are chosen one
after the other, each as if the ones before had come out as the process expects (Ginsbourger et al.
2010, the kriging believer).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.search.algorithm import Ground, Method
from liveopt.search.fitness import finite
from liveopt.search.process import Process, condition, fit
from liveopt.search.space import Array, Places
from liveopt.stats.normal import cdf

KEPT_BEST: Final = 0.5
"""Share of the points that are the best so far; the others are the latest."""
FAR_BELOW: Final = 3.0
"""Fitness further below the median than so many times the best is above it counts as there."""
ROUNDS: Final = 4
LEADERS: Final = 8
REACH_FIRST: Final = 0.5
"""Side of the region, as a share of the space's."""
REACH_LEAST: Final = 2.0**-7
"""A smaller one begins anew, as wide as the space."""
WON_MAX: Final = 2
"""Successes in a row after which the region is doubled."""
LOST_MAX: Final = 4
"""Failures in a row after which it is halved."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    initial: int = 10
    batch: int = 1
    """Candidates chosen at a time."""
    points: int = 200
    """At most so many are fitted: the best and the latest."""
    pool: int = 512
    """Places compared in each round of looking for the best expectation."""


class Guesses:
    """What is known, the process's lengths, and the region that is looked at."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms
        self._places: Places | None = None
        self._fitness = np.empty(0)
        self._bred: Places | None = None
        self._logs: Array | None = None
        self._reach = REACH_FIRST
        self._won = self._lost = 0

    def breed(self) -> Places:
        """The first draws, then where improvement is to be expected."""
        if self._places is None:
            self._bred = self._ground.fresh(self._terms.initial)
            return self._bred
        space = self._ground.space
        chosen = self._chosen()
        places, values = self._places[chosen], _levelled(self._fitness[chosen])
        gaps = space.gaps(places, places)
        self._logs = fit(gaps, values, self._logs)
        found = []
        for _ in range(self._terms.batch):
            process = condition(gaps, values, self._logs)
            one = self._best_expected(process, places, values)
            found.append(one)
            believed, _ = process.predict(space.gaps(places, one))
            places, values = np.concatenate([places, one]), np.concatenate([values, believed])
            gaps = space.gaps(places, places)
        self._bred = np.concatenate(found)
        return self._bred

    def learn(self, fitness: Array) -> None:
        """Remember; widen the region or narrow it."""
        assert self._bred is not None
        if len(self._fitness):
            self._adapt(bool(fitness.max() > self._fitness.max()))
        known = self._bred[:0] if self._places is None else self._places
        self._places = np.concatenate([known, self._bred])
        self._fitness = np.concatenate([self._fitness, fitness])

    def _adapt(self, better: bool) -> None:
        self._won, self._lost = (self._won + 1, 0) if better else (0, self._lost + 1)
        if self._won >= WON_MAX:
            self._reach, self._won = min(2.0 * self._reach, 1.0), 0
        if self._lost >= LOST_MAX:
            self._reach, self._lost = 0.5 * self._reach, 0
        if self._reach < REACH_LEAST:
            self._reach = 1.0

    def _chosen(self) -> npt.NDArray[np.int64]:
        """Points to fit, in the order they came."""
        count, most = len(self._fitness), self._terms.points
        if count <= most:
            return np.arange(count)
        best = np.argsort(-self._fitness, kind="stable")[: int(KEPT_BEST * most)]
        rest = np.setdiff1d(np.arange(count), best)
        return np.sort(np.concatenate([best, rest[len(best) - most :]]))

    def _best_expected(self, process: Process, places: Places, values: Array) -> Places:
        """Rounds of draws: in the region round the best and near the leaders, then nearer."""
        space, rng, pool = self._ground.space, self._ground.rng, self._terms.pool
        leaders = places[np.argsort(-values, kind="stable")[:LEADERS]]
        best, share = np.repeat(leaders[:1], pool, axis=0), np.array(self._reach)
        drawn = space.mix([(best, 1.0 - share), (space.sample(pool, rng), share)], rng)
        tried = np.concatenate([drawn, self._near(leaders, 0.2 * self._reach)])
        most = float(values.max())
        for reach in 0.1 ** (1 + np.arange(ROUNDS)):
            order = np.argsort(-self._expected(process, places, tried, most), kind="stable")
            tried = tried[order[:LEADERS]]
            tried = np.concatenate([tried, self._near(tried, reach)])
        first = int(np.argmax(self._expected(process, places, tried, most)))
        return tried[first : first + 1]

    def _near(self, leaders: Places, reach: float) -> Places:
        """Places around leaders, in few cells and in many."""
        space, rng, half = self._ground.space, self._ground.rng, max(self._terms.pool // 2, 1)
        near = leaders[rng.integers(len(leaders), size=half)]
        scale = reach * 0.1 ** rng.random(half)
        return np.concatenate([space.mutate(near, s, scale, rng) for s in (0.1, 0.5)])

    def _expected(self, process: Process, places: Places, tried: Places, most: float) -> Array:
        gaps = self._ground.space.gaps(places, tried)
        mean, deviation = process.predict(gaps)
        gain: Array = log_expected_improvement((mean - most) / deviation) + np.log(deviation)
        if np.issubdtype(tried.dtype, np.integer):  # among sets the same come again and again
            gain[(gaps.sum(axis=0) == 0.0).any(axis=0)] = -np.inf
        return gain


def log_expected_improvement(z: Array) -> Array:
    """Log(z Phi(z) + phi(z)): of a standard normal's excess over -z (Jones et al. 1998).

    Below -5 by the first term of its expansion, so that it never is a plain nothing.
    """
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    near = np.maximum(z * cdf(z) + density, 1e-300)
    low = np.minimum(z, -5.0)
    far = -0.5 * low * low - 0.5 * np.log(2.0 * np.pi) - 2.0 * np.log(-low)
    found: Array = np.where(z > -5.0, np.log(near), far)
    return found


def _levelled(fitness: Array) -> Array:
    """Mean 0 and deviation 1, after what lies hopelessly below has been lifted."""
    known = finite(fitness)
    middle = float(np.median(known))
    floor = middle - FAR_BELOW * max(float(known.max()) - middle, 1e-300)
    lifted = np.maximum(known, floor)
    deviation = float(lifted.std())
    found: Array = (lifted - lifted.mean()) / (deviation if deviation > 0.0 else 1.0)
    return found


METHOD = Method(
    "a model of the landscape; for a few hundred expensive candidates", Terms(), Guesses
)
