"""Genetic algorithm: tournaments, crossover, mutation, and an elite that stays."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveopt.search.algorithm import Ground, Method
from liveopt.search.fitness import level
from liveopt.search.space import Array, Places


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    population: int = 20
    crossover: float = 0.5
    """Share of children with two parents."""
    mutation: float = 0.1
    """Share of a child's cells that change; one at least."""
    tournament: int = 3
    """Candidates of whom the best is a parent."""
    elite: float = 1.0
    """Share of the population that may stay if it is better than the children."""
    coarsest: float = 1.0
    """Largest scale of a mutation, as a share of a number's range."""
    finest: float = 1e-3
    """Smallest. Each child draws its own between them, evenly by powers."""


class Breeding:
    """A population that has children, the best of both becoming the next; on a level, a new one."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms
        self._places: Places | None = None
        self._fitness = np.empty(0)
        self._children: Places | None = None

    def breed(self) -> Places:
        """The first population, or children of the last."""
        size, space, rng = self._terms.population, self._ground.space, self._ground.rng
        if self._places is None:
            self._children = self._ground.fresh(size)
            return self._children
        mothers = self._places[self._parents()]
        fathers = self._places[self._parents()]
        crossed = space.cross(mothers, fathers, rng)
        paired = rng.random(size) < self._terms.crossover
        children = np.where(paired[:, None], crossed, mothers)
        ratio = self._terms.finest / self._terms.coarsest
        scale = self._terms.coarsest * ratio ** rng.random(size)
        self._children = space.mutate(children, self._terms.mutation, scale, rng)
        return self._children

    def learn(self, fitness: Array) -> None:
        """The best of the children and of the elite are the next population."""
        assert self._children is not None
        if self._places is None:
            self._places, self._fitness = self._children, fitness
            return
        elite = math.ceil(self._terms.elite * self._terms.population)
        stay = np.argsort(-self._fitness, kind="stable")[:elite]
        places = np.concatenate([self._children, self._places[stay]])
        values = np.concatenate([fitness, self._fitness[stay]])
        best = np.argsort(-values, kind="stable")[: self._terms.population]
        self._places, self._fitness = places[best], values[best]
        if level(self._fitness):
            self._places = None

    def _parents(self) -> npt.NDArray[np.int64]:
        """Winners of tournaments."""
        size, rng = self._terms.population, self._ground.rng
        rivals = rng.integers(size, size=(size, self._terms.tournament))
        won = np.argmax(self._fitness[rivals], axis=1)
        winners: npt.NDArray[np.int64] = rivals[np.arange(size), won]
        return winners


METHOD = Method("breeds a population; robust, also where words matter", Terms(), Breeding)
