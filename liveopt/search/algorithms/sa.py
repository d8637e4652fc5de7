"""Simulated annealing: many chains that take a step back the more seldom the colder it is.

A temperature is measured in the spread of the first candidates' fitness, so that no scale of
fitness needs to be known. When it has got cold it is heated again, less each time, and every
chain goes on from the best place it knows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from liveopt.search.algorithm import Ground, Method
from liveopt.search.fitness import spread
from liveopt.search.space import Array, Places


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    chains: int = 2
    initial: int = 10
    """Candidates whose spread is the unit of temperature, and of whom the best begin."""
    hot: float = 0.3
    """First temperature, in units."""
    cold: float = 1e-5
    """Where it is heated again."""
    cooling: float = 0.95
    """Factor of the temperature."""
    moves: int = 1
    """Moves between two coolings."""
    reheat: float = 0.1
    """The next first temperature, as a share of the last."""
    share: float = 0.1
    """Share of the cells that a move changes; one at least."""
    accepted: float = 0.3
    """Share of moves that the size of a step is held to; a step grows with each that is taken."""


SCALE_FIRST: Final = 0.2
SCALE_LEAST: Final = 1e-12
SCALE_MOST: Final = 0.5
FAR: Final = 0.3
"""How seldom a move goes far: its scale lies between the chain's and the most, evenly by powers if
this is 1, more often near the most if it is less."""
RATE: Final = 0.2
"""How fast a scale follows: the factor of one accepted move is e^RATE(1 - accepted)."""


class Chains:
    """One candidate, one best place and one size of step for each chain."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms
        self._moved: Places | None = None
        self._places: Places | None = None
        self._fitness = np.empty(0)
        self._best: Places | None = None
        self._most = np.empty(0)
        self._scale = np.full(terms.chains, SCALE_FIRST)
        self._unit = 1.0
        self._hot = self._heat = terms.hot
        self._made = 0

    def breed(self) -> Places:
        """A move of every chain."""
        if self._places is None:
            self._moved = self._ground.fresh(max(self._terms.chains, self._terms.initial))
        else:
            space, rng = self._ground.space, self._ground.rng
            far = rng.random(len(self._scale)) ** FAR
            scale = self._scale * (SCALE_MOST / self._scale) ** far
            self._moved = space.mutate(self._places, self._terms.share, scale, rng)
        return self._moved

    def learn(self, fitness: Array) -> None:
        """Metropolis: what is better is taken, what is worse by chance."""
        assert self._moved is not None
        if self._places is None or self._best is None:
            best = np.argsort(-fitness, kind="stable")[: self._terms.chains]
            self._places, self._fitness = self._moved[best], fitness[best]
            self._best, self._most = self._places, self._fitness
            self._unit = spread(fitness)
            return
        with np.errstate(invalid="ignore", over="ignore"):
            loss = (self._fitness - fitness) / (self._unit * self._heat)
        draws = self._ground.rng.standard_exponential(len(fitness))
        taken = (fitness >= self._fitness) | (loss < draws)
        self._places = np.where(taken[:, None], self._moved, self._places)
        self._fitness = np.where(taken, fitness, self._fitness)
        better = fitness > self._most
        self._best = np.where(better[:, None], self._moved, self._best)
        self._most = np.where(better, fitness, self._most)
        scale = self._scale * np.exp(RATE * (taken - self._terms.accepted))
        self._scale = np.minimum(np.maximum(scale, SCALE_LEAST), SCALE_MOST)
        self._cool()

    def _cool(self) -> None:
        assert self._best is not None
        self._made += 1
        if self._made % self._terms.moves == 0:
            self._heat *= self._terms.cooling
        if self._heat < self._terms.cold * min(self._hot, 1.0):
            self._hot *= self._terms.reheat
            self._heat = self._hot
            self._places, self._fitness = self._best, self._most


METHOD = Method(
    "many chains that cool; for rough landscapes and few changes a step", Terms(), Chains
)
