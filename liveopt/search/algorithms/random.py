"""Random search: every candidate is drawn anew. What all others must beat."""

from dataclasses import dataclass

from liveopt.search.algorithm import Ground, Method
from liveopt.search.space import Array, Places


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    block: int = 256
    """Candidates drawn at a time."""


class Draws:
    """Draws, and nothing learnt from them."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground, self._terms = ground, terms

    def breed(self) -> Places:
        """The next draws."""
        return self._ground.fresh(self._terms.block)

    def learn(self, fitness: Array) -> None:
        """Nothing."""


METHOD = Method("draws evenly; the measure of all others", Terms(), Draws, blind=True)
