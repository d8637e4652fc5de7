"""Grid search: the points of a lattice, each once, in an order by chance.

By chance, so that a grid that is broken off has looked everywhere a little.
"""

from dataclasses import dataclass

import numpy as np

from liveopt.search.algorithm import Ground, Method
from liveopt.search.space import Array, Places
from liveopt.search.spaces.parameters import Parameters, grid_places


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    points: int = 10_000
    """At most so many; columns get equally many values, or all that they have."""
    block: int = 1024


class Grid:
    """Points of a lattice that the rule allows."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        assert isinstance(ground.space, Parameters)
        self._space, self._block = ground.space, terms.block
        self._given = ground.given
        self._axes = ground.space.lattice(terms.points)
        count = int(np.prod([len(axis) for axis in self._axes]))
        self._order = ground.rng.permutation(count)

    def breed(self) -> Places:
        """The next points; empty after the last."""
        given, self._given = self._given, self._given[:0]
        while len(self._order):
            places = grid_places(self._axes, self._order[: self._block])
            self._order = self._order[self._block :]
            places = places[self._space.allowed(self._space.table.values(places))]
            if len(places):
                return np.concatenate([given, places])
        return given

    def learn(self, fitness: Array) -> None:
        """Nothing."""


METHOD = Method(
    "the points of a lattice; for few coordinates", Terms(), Grid, blind=True, spaces=(Parameters,)
)
