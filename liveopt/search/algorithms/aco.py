"""Ant colony: new candidates are built from the pheromones that the best of the past have laid.

The trail is the best candidates so far, the better the more pheromone; who leaves the trail takes
its pheromone along. For numbers that is the ACO_R of Socha & Dorigo 2008, for sets the
population-based ACO of Guntsch & Middendorf 2002.
"""

from dataclasses import dataclass

import numpy as np

from liveopt.search.algorithm import Ground, Method
from liveopt.search.fitness import level
from liveopt.search.space import Array, Places


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    ants: int = 10
    trail: int = 50
    """Candidates that lay pheromones."""
    greed: float = 0.02
    """How few of the trail lay most of it (q): the deviation of ranks, as a share of the trail."""
    spread: float = 0.85
    """How far ants stray from the trail (xi); more is slower and surer."""


class Colony:
    """Ants and a trail; on a level, a new one."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms
        self._trail: Places | None = None
        self._fitness = np.empty(0)
        self._ants: Places | None = None

    def breed(self) -> Places:
        """The first trail, or an ant's walk each."""
        if self._trail is None:
            self._ants = self._ground.fresh(self._terms.trail)
        else:
            sigma = max(self._terms.greed * len(self._trail), 1e-9)
            weight = np.exp(-0.5 * (np.arange(len(self._trail)) / sigma) ** 2)
            space, rng, terms = self._ground.space, self._ground.rng, self._terms
            self._ants = space.build((self._trail, weight), terms.spread, terms.ants, rng)
        return self._ants

    def learn(self, fitness: Array) -> None:
        """The best stay on the trail; of equals the older."""
        assert self._ants is not None
        old = self._ants[:0] if self._trail is None else self._trail
        places = np.concatenate([old, self._ants])
        values = np.concatenate([self._fitness, fitness])
        best = np.argsort(-values, kind="stable")[: self._terms.trail]
        self._trail, self._fitness = places[best], values[best]
        if level(self._fitness):
            self._trail, self._fitness = None, np.empty(0)


METHOD = Method("ants follow pheromones; for sets, and for numbers", Terms(), Colony)
