"""NSGA-II: a population for several objectives, sorted into fronts (Deb et al. 2002).

Breeds as `ga` does; a tournament is won by the better front, then by who is more alone in it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveopt.search.algorithm import Ground, Method
from liveopt.search.fronts import crowding, ranks
from liveopt.search.space import Array, Places


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    population: int = 50
    crossover: float = 0.9
    mutation: float = 0.05
    """Share of a child's cells that change; one at least."""
    coarsest: float = 1.0
    """Largest scale of a mutation, as a share of a number's range."""
    finest: float = 1e-2
    """Smallest. Each child draws its own between them, evenly by powers."""


class Fronts:
    """A population and where each stands."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms
        self._places: Places | None = None
        self._fitness: Array | None = None
        self._children: Places | None = None

    def breed(self) -> Places:
        """The first population, or children of the last."""
        size, space, rng = self._terms.population, self._ground.space, self._ground.rng
        if self._places is None or self._fitness is None:
            self._children = self._ground.fresh(size)
            return self._children
        standing = np.empty(size, np.int64)
        standing[self._order(self._fitness)] = np.arange(size)
        mothers, fathers = (self._places[self._parents(standing)] for _ in range(2))
        crossed = space.cross(mothers, fathers, rng)
        paired = rng.random(size) < self._terms.crossover
        ratio = self._terms.finest / self._terms.coarsest
        scale = self._terms.coarsest * ratio ** rng.random(size)
        children = np.where(paired[:, None], crossed, mothers)
        self._children = space.mutate(children, self._terms.mutation, scale, rng)
        return self._children

    def learn(self, fitness: Array) -> None:
        """The best fronts stay; of the last of them the most alone."""
        assert self._children is not None
        if self._places is None or self._fitness is None:
            self._places, self._fitness = self._children, fitness
            return
        places = np.concatenate([self._places, self._children])
        values = np.concatenate([self._fitness, fitness])
        stay = self._order(values)[: self._terms.population]
        self._places, self._fitness = places[stay], values[stay]

    def _parents(self, standing: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        rivals = self._ground.rng.integers(len(standing), size=(2, len(standing)))
        first = standing[rivals[0]] <= standing[rivals[1]]
        won: npt.NDArray[np.int64] = np.where(first, rivals[0], rivals[1])
        return won

    @staticmethod
    def _order(fitness: Array) -> npt.NDArray[np.int64]:
        front = ranks(fitness)
        order: npt.NDArray[np.int64] = np.lexsort((-crowding(fitness, front), front))
        return order


METHOD = Method("several objectives at once; gives a front", Terms(), Fronts, several=True)
