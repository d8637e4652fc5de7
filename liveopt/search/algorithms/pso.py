"""Particle swarm: everybody is drawn to the best place it has been at and to its neighbours' best.

A particle's velocity is its last move, so that the swarm is written in sums of places alone. What
a bound has stopped is slow, therefore. Who has found nothing better for some moves has no more to
gain where it flies: it is set down near the best, and flies on from there.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.search.algorithm import Ground, Method
from liveopt.search.fitness import level
from liveopt.search.space import Array, Places

COARSEST: Final = 0.3
FINEST: Final = 1e-4
"""Scales of a scout's mutation, drawn evenly by powers."""
SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    swarm: int = 25
    inertia: float = 0.6
    own: float = 1.5
    """Pull towards the particle's own best."""
    social: float = 1.5
    """Pull towards its neighbours' best."""
    patience: int = 4
    """Moves without a better place, after which a particle is set down near the best."""
    neighbours: int = 3
    """Particles that each tells of its best; drawn anew when the swarm's best is no better."""


class Swarm:
    """Particles with a memory; on a level, new ones."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms
        self._places: Places | None = None
        self._before: Places | None = None
        self._best: Places | None = None
        self._fitness = np.full(terms.swarm, -np.inf)
        self._idle = np.zeros(terms.swarm, np.int64)
        """Moves of each since it found a better place, or was set down."""
        self._told = self._links()

    def breed(self) -> Places:
        """Everybody moves."""
        size, rng, space = self._terms.swarm, self._ground.rng, self._ground.space
        if self._places is None:
            self._places = self._ground.fresh(size)
            self._before = space.mix(
                [(self._places, np.array(0.5)), (space.sample(size, rng), np.array(0.5))], rng
            )  # half the way to anywhere: the first velocity
            return self._places
        assert self._before is not None
        assert self._best is not None
        heard = np.where(self._told, self._fitness[:, None], -np.inf)
        leader = np.where(np.isinf(heard.max(axis=0)), np.arange(size), np.argmax(heard, axis=0))
        own = self._terms.own * rng.random(self._places.shape)
        social = self._terms.social * rng.random(self._places.shape)
        moved = space.mix(
            [
                (self._places, 1.0 + self._terms.inertia - own - social),
                (self._before, np.array(-self._terms.inertia)),
                (self._best, own),
                (self._best[leader], social),
            ],
            rng,
        )
        self._before, self._places = self._places, moved
        self._scout()
        return self._places

    def learn(self, fitness: Array) -> None:
        """Remember what is better; if the swarm's best is not, talk to others."""
        assert self._places is not None
        better = fitness > self._fitness
        if not fitness.max() > self._fitness.max():
            self._told = self._links()
        if self._best is None:
            better[:] = True
            self._best = self._places.copy()
        self._best = np.where(better[:, None], self._places, self._best)
        self._fitness = np.where(better, fitness, self._fitness)
        self._idle = np.where(better, 0, self._idle + 1)
        if level(self._fitness):
            self._places = self._best = None
            self._fitness = np.full_like(self._fitness, -np.inf)
            self._idle[:] = 0

    def _scout(self) -> None:
        """Who is out of patience is set down near the best, as if it came from there."""
        assert self._best is not None
        assert self._before is not None
        assert self._places is not None
        rng, leader = self._ground.rng, int(np.argmax(self._fitness))
        idle = self._idle >= self._terms.patience
        idle[leader] = False
        scouts = np.flatnonzero(idle)
        if len(scouts):
            best = self._best[[leader] * len(scouts)]
            scale = COARSEST * (FINEST / COARSEST) ** rng.random(len(scouts))
            self._before[scouts] = best
            self._places[scouts] = self._ground.space.mutate(best, SHARE, scale, rng)
            self._idle[scouts] = 0

    def _links(self) -> npt.NDArray[np.bool_]:
        """[who tells, who is told]: everybody itself and some others (Clerc 2012, SPSO)."""
        size = self._terms.swarm
        told = np.eye(size, dtype=bool)
        listeners = self._ground.rng.integers(size, size=(size, self._terms.neighbours))
        told[np.arange(size)[:, None], listeners] = True
        return told


METHOD = Method("a swarm with a memory; for smooth landscapes of numbers", Terms(), Swarm)
