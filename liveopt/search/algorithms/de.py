"""Differential evolution: the differences of a population are the steps that it takes.

Current-to-p-best with an archive of those that were beaten (Zhang & Sanderson 2009, JADE), its two
factors learnt from what has worked (Tanabe & Fukunaga 2013, SHADE).
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveopt.search.algorithm import Ground, Method
from liveopt.search.fitness import level
from liveopt.search.space import Array, Places

Ints = npt.NDArray[np.int64]

MEMORY = 10
"""Generations whose factors are remembered."""
WIDTH = 0.1
"""Of the laws that factors are drawn from, round what is remembered."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    population: int = 20
    factor: float = 0.5
    """First weight of a difference (F)."""
    crossover: float = 0.4
    """First share of the cells that change (CR)."""
    greed: float = 0.1
    """Share of the population that counts as the best (p)."""


class Differences:
    """A population; each member is replaced by a trial that is no worse. On a level, a new one."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms
        self._places: Places | None = None
        self._trial: Places | None = None
        self._fitness = np.empty(0)
        self._beaten: Places | None = None
        self._memory = np.tile([terms.factor, terms.crossover], (MEMORY, 1))
        self._next = 0
        self._used = np.empty((0, 2))

    def breed(self) -> Places:
        """The first population, or a trial for each member."""
        size, rng = self._terms.population, self._ground.rng
        if self._places is None or self._beaten is None:
            self._trial = self._ground.fresh(size)
            return self._trial
        factor, share = self._factors()
        best = np.argsort(-self._fitness, kind="stable")
        leading = max(2, math.ceil(self._terms.greed * size))
        leader = self._places[best[rng.integers(min(leading, size), size=size)]]
        pool = np.concatenate([self._places, self._beaten])
        one, other = _pairs(size, len(pool), rng)
        cells = rng.random(self._places.shape) < share[:, None]
        cells[np.arange(size), rng.integers(cells.shape[1], size=size)] = True
        weight = np.where(cells, factor[:, None], 0.0)
        self._trial = self._ground.space.mix(
            [
                (self._places, 1.0 - weight),
                (leader, weight),
                (self._places[one], weight),
                (pool[other], -weight),
            ],
            rng,
        )
        return self._trial

    def learn(self, fitness: Array) -> None:
        """Trials that are no worse take the place of their members."""
        assert self._trial is not None
        if self._places is None or self._beaten is None:
            self._places, self._fitness = self._trial, fitness
            self._beaten = self._trial[:0]
            return
        better, taken = fitness > self._fitness, fitness >= self._fitness
        if better.any():
            self._remember(better, fitness)
            beaten = np.concatenate([self._beaten, self._places[better]])
            over = len(beaten) - self._terms.population
            if over > 0:
                beaten = np.delete(beaten, self._ground.rng.permutation(len(beaten))[:over], 0)
            self._beaten = beaten
        self._places = np.where(taken[:, None], self._trial, self._places)
        self._fitness = np.where(taken, fitness, self._fitness)
        if level(self._fitness):
            self._places = None

    def _factors(self) -> tuple[Array, Array]:
        """A factor (Cauchy, in 0 to 1) and a share (normal) for each, round a remembered pair."""
        size, rng = self._terms.population, self._ground.rng
        centre = self._memory[rng.integers(MEMORY, size=size)]
        angle = np.pi * (rng.random(size) - 0.5)
        factor = centre[:, 0] + WIDTH * np.tan(angle)
        for _ in range(8):  # what is not above 0 is drawn again
            low = factor <= 0.0
            if not low.any():
                break
            again = np.pi * (rng.random(int(low.sum())) - 0.5)
            factor[low] = centre[low, 0] + WIDTH * np.tan(again)
        factor = np.minimum(np.where(factor > 0.0, factor, WIDTH), 1.0)
        share = np.clip(centre[:, 1] + WIDTH * rng.standard_normal(size), 0.0, 1.0)
        self._used = np.stack([factor, share], axis=1)
        return factor, share

    def _remember(self, better: npt.NDArray[np.bool_], fitness: Array) -> None:
        """The Lehmer mean of the factors and the mean of the shares, by how much they won."""
        won = fitness[better] - self._fitness[better]
        won = np.where(np.isfinite(won), won, 1.0)
        weight = won / won.sum() if 0.0 < won.sum() < np.inf else np.full(len(won), 1.0 / len(won))
        factor, share = self._used[better].T
        lehmer = (weight * factor**2).sum() / (weight * factor).sum()
        self._memory[self._next] = lehmer, (weight * share).sum()
        self._next = (self._next + 1) % MEMORY


def _pairs(size: int, pool: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """For each member another member, and a third from the pool; as different as there are."""
    own = np.arange(size)
    one = (own + rng.integers(1, max(size, 2), size=size)) % size
    other = rng.integers(max(pool - 2, 1), size=size)
    low, high = np.minimum(own, one), np.maximum(own, one)
    other = other + (other >= low)
    other = np.minimum(other + (other >= high), pool - 1)
    return one, other


METHOD = Method("steps made of differences; the first choice for numbers", Terms(), Differences)
