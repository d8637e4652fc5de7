"""What an algorithm is: it breeds a generation, and learns how good each of it was.

It knows neither bounds nor bytes nor repetitions: `liveopt.search.search` settles its places, asks
for each candidate once and tells it the generation's fitness as a whole. So no algorithm depends
on how many candidates are asked for at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from liveopt.search.space import Array, Places, Space


class Unfit(ValueError):
    """An algorithm that does not work in such a space, or a term that it does not take."""


@dataclass(slots=True)
class Ground:
    """Where an algorithm stands: the space, its chance, and where to begin."""

    space: Space
    rng: np.random.Generator
    given: Places
    """Places to begin with; gone once they have been taken."""

    def fresh(self, count: int) -> Places:
        """Places to begin with: those given, then draws."""
        taken, self.given = self.given[:count], self.given[count:]
        if len(taken) == count:
            return taken
        drawn = self.space.sample(count - len(taken), self.rng)
        return np.concatenate([taken, drawn]) if len(taken) else drawn


class Algorithm(Protocol):
    """One search under way; all of its state can be pickled."""

    def breed(self) -> Places:
        """The next generation; empty when there is nothing more to try."""
        ...

    def learn(self, fitness: Array) -> None:
        """How good each of that generation was: more is better, minus infinity is worst.

        One number each, or a row of several for an algorithm of several objectives.
        """
        ...


@dataclass(frozen=True, slots=True)
class Method:
    """One file of the folder `algorithms`."""

    text: str
    """What it does, and when to take it."""
    terms: Any
    """Its settings and their usual values: a frozen dataclass, all of whose fields have one."""
    begin: Callable[[Ground, Any], Algorithm]
    blind: bool = False
    """Whether it breeds the same whatever it learns, and so need not wait."""
    several: bool = False
    """Whether it is for several objectives."""
    spaces: tuple[type, ...] = ()
    """Spaces it works in, if not in all."""
    name: str = ""
    """The file's name; given by the folder."""
