"""Hill climbing: the best of some neighbours, if it is better; after too many failures elsewhere.

The step grows with success and shrinks with failure. Some neighbours lie where the way from one of
the last places leads on, which is how a bent valley is followed (as in the pattern moves of
Hooke & Jeeves 1961); they are taken from a memory, for one step alone says little.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from liveopt.search.algorithm import Ground, Method
from liveopt.search.space import Array, Places


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    climbers: int = 1
    neighbours: int = 4
    patience: int = 120
    """Failures in a row after which a climber begins elsewhere."""
    onward: int = 1
    """Neighbours that lie on the way from a remembered place."""
    share: float = 0.01
    """Share of the cells that a step changes; one at least."""
    coarsest: float = 0.5
    """First size of a step, as a share of a number's range."""
    finest: float = 1e-9
    """Smallest."""


GROWS: Final = 2.0
SHRINKS: Final = 0.8
MEMORY: Final = 100
"""Places that a climber remembers."""
FARTHEST: Final = 2.0
"""How far on a way may lead, in its own length."""


class Climbers:
    """A place, the last places and a size of step for each."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms
        self._past: Places | None = None
        """[how long ago, climber]: where each was, its place first."""
        self._tried: Places | None = None
        self._fitness = np.full(terms.climbers, -np.inf)
        self._scale = np.full(terms.climbers, terms.coarsest)
        self._failed = np.zeros(terms.climbers, np.int64)
        self._lost = np.ones(terms.climbers, bool)
        """Climbers that begin elsewhere."""

    def breed(self) -> Places:
        """Neighbours of each climber [neighbour x climber]; anything for who begins elsewhere."""
        count, climbers = self._terms.neighbours, self._terms.climbers
        if self._past is None:
            self._tried = self._ground.fresh(count * climbers)
            return self._tried
        space, rng = self._ground.space, self._ground.rng
        onward = min(self._terms.onward, count - 1)
        near = np.concatenate([self._past[0]] * (count - onward))
        scale = np.tile(self._scale, count - onward)
        self._tried = space.mutate(near, self._terms.share, scale, rng)
        if onward:
            here = np.concatenate([self._past[0]] * onward)
            ago = rng.integers(1, MEMORY, size=onward * climbers)
            there = self._past[ago, np.tile(np.arange(climbers), onward)]
            far = FARTHEST * rng.random((len(here), 1))
            led = space.mix([(here, 1.0 + far), (there, -far)], rng)
            self._tried = np.concatenate([led, self._tried])
        lost = np.tile(self._lost, count)
        if lost.any():
            self._tried[lost] = self._ground.fresh(int(lost.sum()))
        return self._tried

    def learn(self, fitness: Array) -> None:
        """The best neighbour is the next place, if it is better."""
        assert self._tried is not None
        every = np.arange(self._terms.climbers)
        table = fitness.reshape(-1, len(every))
        best = np.argmax(table, axis=0)
        found, value = self._tried[best * len(every) + every], table[best, every]
        better = self._lost | (value > self._fitness)
        if self._past is None:
            self._past = np.stack([found] * MEMORY)
        later = np.concatenate([found[None], self._past[:-1]])
        later[:, self._lost] = found[self._lost]
        self._past = np.where(better[:, None], later, self._past)
        self._fitness = np.where(better, value, self._fitness)
        self._scale = np.where(better, self._scale * GROWS, self._scale * SHRINKS)
        self._scale[self._lost] = self._terms.coarsest
        self._scale = np.clip(self._scale, self._terms.finest, self._terms.coarsest)
        self._failed = np.where(better, 0, self._failed + 1)
        self._lost = self._failed > self._terms.patience


METHOD = Method(
    "climbs the nearest hill, then another; quick where there are few", Terms(), Climbers
)
