"""How rows of the unit cube are moved: the operators of the parameter space.

Numbers are moved by arithmetic. Words have no order: a sum of words is a vote, the weights being
the ballots.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.search.space import Array, Bools, Ints, Part
from liveopt.search.spaces.frame import Frame

CROSS_INDEX: Final = 15.0
"""Distribution index of the simulated binary crossover; a child is the nearer the higher."""
STRAY: Final = 0.1
"""Share of words that an ant or a vote picks at random: sums alone never leave what is there."""


class Vectors:
    """Operators on places; the table says which cells are words, and how fine the others are."""

    def __init__(self, table: Frame) -> None:
        self.table = table
        self.words: npt.NDArray[np.int64] = np.flatnonzero(table.word)
        self.numbers: npt.NDArray[np.int64] = np.flatnonzero(~table.word)
        self.movable: npt.NDArray[np.int64] = np.flatnonzero(table.levels != 1)

    def mutate(
        self, places: Array, share: float, scale: Array | float, rng: np.random.Generator
    ) -> Array:
        """Each cell changed with probability `share`, at least one; see the protocol.

        Steps of numbers follow a Laplace law, at least to the next level and never out of bounds.
        """
        count, width = places.shape
        if not len(self.movable):
            return places.copy()
        chosen = self._chosen(count, share, rng)
        size = np.broadcast_to(np.asarray(scale, float).reshape(-1, 1), (count, 1))
        step = rng.laplace(0.0, 1.0, (count, width)) * size
        least = np.where(self.table.levels > 1, 1.0 / np.maximum(self.table.levels, 1), 0.0)
        step = np.copysign(np.maximum(np.abs(step), least), step)
        moved = places + step
        outside = (least > 0.0) & ((moved < 0.0) | (moved > 1.0))
        moved = np.minimum(np.maximum(np.where(outside, places - step, moved), 0.0), 1.0)
        if len(self.words):
            levels = self.table.levels[self.words]
            jump = 1 + np.floor(rng.random((count, len(levels))) * (levels - 1))
            moved[:, self.words] = (((self._options(places) + jump) % levels) + 0.5) / levels
        return np.where(chosen, moved, places)

    def step(self, places: Array, cells: Ints, sizes: Array, rng: np.random.Generator) -> Array:
        """One cell of each place changed; see the protocol."""
        found, every = places.copy(), np.arange(len(places))
        levels = self.table.levels[cells]
        least = np.where(levels > 1, 1.0 / np.maximum(levels, 1), 0.0)
        here = places[every, cells]
        moved = here + np.copysign(np.maximum(np.abs(sizes), least), sizes)
        own = np.minimum(np.floor(here * levels), levels - 1)
        jump = 1 + np.floor(rng.random(len(places)) * (levels - 1))
        other = (((own + jump) % np.maximum(levels, 1)) + 0.5) / np.maximum(levels, 1)
        changed = np.where(self.table.word[cells], other, np.minimum(np.maximum(moved, 0.0), 1.0))
        found[every, cells] = np.where(levels == 1, here, changed)
        return found

    def cross(self, ones: Array, others: Array, rng: np.random.Generator) -> Array:
        """Simulated binary crossover (Deb & Agrawal 1995), half of the cells; words of either."""
        u = rng.random(ones.shape)
        power = 1.0 / (CROSS_INDEX + 1.0)
        near = np.minimum(2.0 * u, 1.0) ** power
        spread = np.where(u <= 0.5, near, (2.0 * np.minimum(1.0 - u, 0.5)) ** -power)
        middle, half = 0.5 * (ones + others), 0.5 * (ones - others)
        child = np.minimum(np.maximum(middle + spread * half, 0.0), 1.0)
        child = np.where(rng.random(ones.shape) < 0.5, child, ones)
        if len(self.words):
            either = rng.random((len(ones), len(self.words))) < 0.5
            child[:, self.words] = np.where(either, ones[:, self.words], others[:, self.words])
        return child

    def mix(self, parts: Sequence[Part], rng: np.random.Generator) -> Array:
        """The weighted sum; beyond a bound, halfway from the base to the bound."""
        base = parts[0][0]
        total = np.zeros(base.shape)
        for places, weight in parts:
            total += weight * places
        bound = np.where(total < 0.0, 0.0, 1.0)
        found = np.where((total < 0.0) | (total > 1.0), 0.5 * (base + bound), total)
        if len(self.words):
            found[:, self.words] = self._elected(parts, rng)
        return found

    def build(self, trail: Part, spread: float, count: int, rng: np.random.Generator) -> Array:
        """Gaussians round the trail's places, as wide as they lie apart (Socha & Dorigo 2008).

        A place of the trail guides with the share of its weight: one for all numbers of an ant, one
        for each word.
        """
        places, weight = trail
        bins = np.cumsum(weight) / np.sum(weight)
        guide = np.minimum(np.searchsorted(bins, rng.random(count)), len(places) - 1)
        apart = np.abs(places[:, None, :] - places[None, :, :]).sum(axis=1)
        apart *= spread / max(len(places) - 1, 1)
        width = np.maximum(apart, np.where(self.table.levels > 1, 0.25 / self._levels(), 0.0))
        found: Array = places[guide] + width[guide] * rng.standard_normal(
            (count, self.table.low.size)
        )
        found = np.minimum(np.maximum(found, 0.0), 1.0)
        if len(self.words):
            levels = self.table.levels[self.words]
            draws = rng.random((count, len(self.words)))
            guides = np.minimum(np.searchsorted(bins, draws), len(places) - 1)
            picked = self._options(places)[guides, np.arange(len(self.words))]
            stray = rng.random(draws.shape) < STRAY
            free = np.floor(rng.random(draws.shape) * levels)
            found[:, self.words] = (np.where(stray, free, picked) + 0.5) / levels
        return found

    def gaps(self, ones: Array, others: Array) -> Array:
        """Squared distances a column; two different words are as far apart as can be."""
        mine, theirs = self._snapped(ones).T, self._snapped(others).T
        found: Array = (mine[:, :, None] - theirs[:, None, :]) ** 2
        if len(self.words):
            found[self.words] = (mine[self.words, :, None] != theirs[self.words, None, :]) * 1.0
        return found

    def _levels(self) -> Array:
        return np.maximum(self.table.levels, 1).astype(np.float64)

    def _chosen(self, count: int, share: float, rng: np.random.Generator) -> Bools:
        """Cells to change: at least one a row, none that has but one value."""
        chosen = np.zeros((count, len(self.table.names)), bool)
        chosen[:, self.movable] = rng.random((count, len(self.movable))) < share
        forced = self.movable[rng.integers(len(self.movable), size=count)]
        none = ~chosen.any(axis=1)
        chosen[none, forced[none]] = True
        return chosen

    def _options(self, places: Array) -> Array:
        levels = self.table.levels[self.words]
        found: Array = np.minimum(np.floor(places[:, self.words] * levels), levels - 1)
        return found

    def _snapped(self, places: Array) -> Array:
        levels = self._levels()
        snapped = (np.minimum(np.floor(places * levels), levels - 1.0) + 0.5) / levels
        return np.where(self.table.levels > 0, snapped, places)

    def _elected(self, parts: Sequence[Part], rng: np.random.Generator) -> Array:
        """The word with the most weight; equals by chance."""
        options = np.stack([self._options(places) for places, _ in parts])
        shape = parts[0][0].shape
        ballots = np.stack([np.broadcast_to(w, shape)[:, self.words] for _, w in parts])
        votes = np.stack([(ballots * (options == each)).sum(axis=0) for each in options])
        votes += 1e-9 * rng.random(votes.shape)
        best = np.argmax(votes, axis=0)
        levels = self.table.levels[self.words]
        picked = np.take_along_axis(options, best[None], axis=0)[0]
        stray = rng.random(picked.shape) < STRAY
        picked = np.where(stray, np.floor(rng.random(picked.shape) * levels), picked)
        found: Array = (picked + 0.5) / levels
        return found
