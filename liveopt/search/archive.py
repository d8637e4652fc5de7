"""What has been evaluated: a candidate's key and its fitness, so that none is evaluated twice."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from liveopt.search.space import Array

KEPT_MAX: Final = 500_000
"""Candidates remembered; beyond that the oldest are forgotten, and may be asked for again."""

Fitness = tuple[float, ...]


class Archive:
    """Keys and fitness, one number a candidate for each objective."""

    def __init__(self) -> None:
        self._known: dict[bytes, Fitness] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def __contains__(self, key: bytes) -> bool:
        """Whether this one has been evaluated."""
        return key in self._known

    def add(self, key: bytes, fitness: Fitness) -> None:
        """One more; the first word on a candidate counts."""
        if key not in self._known:
            if len(self._known) >= KEPT_MAX:
                del self._known[next(iter(self._known))]
            self._known[key] = fitness

    def touch(self, keys: Sequence[bytes]) -> None:
        """Those of them that are known count as new: they are needed again."""
        for key in keys:
            if key in self._known:
                self._known[key] = self._known.pop(key)

    def fitness(self, keys: Sequence[bytes]) -> Array:
        """Of these, which are all known: one row a key."""
        return np.array([self._known[key] for key in keys], np.float64)

    def keys(self) -> list[bytes]:
        """Those remembered, the oldest first."""
        return list(self._known)
