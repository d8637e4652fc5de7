"""What an algorithm may do with candidates, whatever they are made of; always in batches.

An algorithm moves *places*: rows of an array, one a candidate, as fine as its arithmetic likes.
The space settles them into *candidates*: what can be evaluated, canonical, so that equal
candidates have equal bytes. Settling takes no chance: a place is always the same candidate.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[Any]
Candidates = npt.NDArray[Any]
Part = tuple[Places, Array]
"""Places, and the weight of each of their cells (or what broadcasts to it)."""


class BadSpace(ValueError):
    """A space that cannot be: an empty range, a rule that nothing keeps."""


class Space(Protocol):
    """Candidates of one kind. Chance is passed in."""

    @property
    def width(self) -> int:
        """Cells of a place."""
        ...

    @property
    def size(self) -> float:
        """How many candidates there are; at most so many where a rule forbids some; or inf."""
        ...

    @property
    def mark(self) -> str:
        """Equal for equal spaces; what a saved search is checked against."""
        ...

    def sample(self, count: int, rng: np.random.Generator) -> Places:
        """Places drawn evenly."""
        ...

    def settle(self, places: Places) -> Candidates:
        """The candidates at these places, within bounds and rules."""
        ...

    def locate(self, candidates: Candidates) -> Places:
        """Places that settle to these candidates."""
        ...

    def encode(self, candidates: Candidates) -> list[bytes]:
        """A key for each candidate."""
        ...

    def decode(self, keys: Sequence[bytes]) -> Candidates:
        """The candidates of keys."""
        ...

    def mutate(
        self, places: Places, share: float, scale: Array | float, rng: np.random.Generator
    ) -> Places:
        """Each cell changed with probability `share`, at least one; numbers by about `scale`.

        The scale is a share of the range, one for all or one a row. Words and members have no
        size of a step: they change to any other.
        """
        ...

    def step(self, places: Places, cells: Ints, sizes: Array, rng: np.random.Generator) -> Places:
        """One cell of each place changed: a number by its size, a share of the range, up or down.

        At least to the next level, and never out of bounds. Words and members have no size of a
        step: they change to any other.
        """
        ...

    def cross(self, ones: Places, others: Places, rng: np.random.Generator) -> Places:
        """A child of each pair."""
        ...

    def mix(self, parts: Sequence[Part], rng: np.random.Generator) -> Places:
        """The weighted sum of places, brought back into the space; the first part is the base.

        Moving towards (1 - w, w) and adding a difference (1, w, -w) are sums like any other.
        """
        ...

    def build(self, trail: Part, spread: float, count: int, rng: np.random.Generator) -> Places:
        """Places built from pheromones: those that the weighted places of the trail have left."""
        ...

    def gaps(self, ones: Places, others: Places) -> Array:
        """Squared distances [kind of coordinate, one, other], each kind from 0 to 1."""
        ...
