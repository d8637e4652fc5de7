"""So many different members out of many, up to 100,000: a portfolio's strategies, say.

A place and a candidate are the same: a row of members in ascending order. A sum of sets is a vote:
the members with the most weight stay, equals by chance, and now and then a stranger comes in, for
sums alone would never leave what the sets already hold.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.search.space import Array, BadSpace, Bools, Ints, Part

Sets = npt.NDArray[np.int32]

COUNT_MAX: Final = 100_000
STRANGERS: Final = 0.5
"""Members that a vote replaces by strangers, on average."""
DENSE: Final = 4
"""Up to so many times the members, what is missing is drawn from a table of all."""


class Subsets:
    """Sets of `members` out of `count`.

    `merit` is what is known beforehand of each, above 0: ants weigh it beside the trail, with the
    power `belief` (the beta of ant systems).
    """

    def __init__(
        self, count: int, members: int, merit: Array | None = None, belief: float = 2.0
    ) -> None:
        if not 1 <= members <= count <= COUNT_MAX:
            raise BadSpace(f"{members} of {count:,} cannot be had; at most {COUNT_MAX:,} are there")
        if merit is not None and not (merit.shape == (count,) and (merit > 0.0).all()):
            raise BadSpace(f"merits are {count:,} numbers above 0")
        self.count, self.members = count, members
        self._known = np.ones(count) if merit is None else (merit / merit.mean()) ** belief

    @property
    def width(self) -> int:
        """Cells of a place."""
        return self.members

    @property
    def size(self) -> float:
        """How many sets there are."""
        return float(math.comb(self.count, self.members)) if self._few() else math.inf

    @property
    def mark(self) -> str:
        """Equal for equal spaces."""
        return f"subsets {self.members} of {self.count}"

    def sample(self, count: int, rng: np.random.Generator) -> Sets:
        """Drawn evenly."""
        empty = np.zeros((count, self.members), np.int32)
        return self._filled(empty, np.zeros(empty.shape, bool), rng)

    def settle(self, places: Sets) -> Sets:
        """Themselves."""
        return places

    def locate(self, candidates: Sets) -> Sets:
        """Themselves, in order."""
        found = np.sort(np.asarray(candidates, np.int32), axis=1)
        if found.shape[1] != self.members or (found[:, 1:] == found[:, :-1]).any():
            raise BadSpace(f"a set has {self.members} different members")
        if len(found) and not (found.min() >= 0 and found.max() < self.count):
            raise BadSpace(f"members go from 0 to {self.count - 1:,}")
        return found

    def encode(self, candidates: Sets) -> list[bytes]:
        """Their bytes."""
        rows = np.ascontiguousarray(candidates, np.int32)
        keys: list[bytes] = rows.view(f"V{4 * self.members}").ravel().tolist()
        return keys

    def decode(self, keys: Sequence[bytes]) -> Sets:
        """The sets of keys."""
        return np.frombuffer(b"".join(keys), np.int32).reshape(-1, self.members).copy()

    def mutate(
        self, places: Sets, share: float, scale: Array | float, rng: np.random.Generator
    ) -> Sets:
        """Each member replaced with probability `share`, at least one. A member has no scale."""
        del scale
        if self.members == self.count:
            return places.copy()
        leaves = rng.random(places.shape) < share
        forced = rng.integers(self.members, size=len(places))
        leaves[np.arange(len(places)), forced] |= ~leaves.any(axis=1)
        return self._filled(places, ~leaves, rng)

    def step(self, places: Sets, cells: Ints, sizes: Array, rng: np.random.Generator) -> Sets:
        """One member of each replaced by a stranger."""
        del sizes
        if self.members == self.count:
            return places.copy()
        stay = np.ones(places.shape, bool)
        stay[np.arange(len(places)), cells] = False
        return self._filled(places, stay, rng)

    def cross(self, ones: Sets, others: Sets, rng: np.random.Generator) -> Sets:
        """What both have, and the rest from either."""
        return self._voted([(ones, np.ones(1)), (others, np.ones(1))], rng)

    def mix(self, parts: Sequence[Part], rng: np.random.Generator) -> Sets:
        """The members with the most weight, and perhaps a stranger."""
        found = self._voted(parts, rng)
        if self.members == self.count:
            return found
        stay = rng.random(found.shape) >= STRANGERS / self.members
        return found if stay.all() else self._filled(found, stay, rng)

    def build(self, trail: Part, spread: float, count: int, rng: np.random.Generator) -> Sets:
        """Members drawn by their pheromones: the weights of the trail's sets that hold them.

        Everybody has some: all together they have `spread` times a set's share of the trail.
        """
        places, weight = trail
        laid = np.broadcast_to((weight / weight.sum())[:, None], places.shape)
        scent = np.full(self.count, spread / self.count)
        np.add.at(scent, places.ravel(), laid.ravel() / self.members)
        bins = np.cumsum(scent * self._known)
        found = np.zeros((count, self.members), np.int32)
        kept = np.zeros(found.shape, bool)
        for _ in range(8):  # then the few that are still missing are drawn evenly
            draws = np.searchsorted(bins, rng.random(found.shape) * bins[-1])
            found = np.where(kept, found, np.minimum(draws, self.count - 1)).astype(np.int32)
            kept = _first(found, kept)
            if kept.all():
                break
        return self._filled(found, kept, rng)

    def gaps(self, ones: Sets, others: Sets) -> Array:
        """The share of members that differ: of the indicator vectors, half the squared distance."""
        named, where = np.unique(ones, return_inverse=True)
        mine = np.zeros((len(ones), len(named)), np.float32)
        np.put_along_axis(mine, where.reshape(ones.shape), 1.0, axis=1)
        at = np.minimum(np.searchsorted(named, others), len(named) - 1)
        theirs = np.zeros((len(others), len(named)), np.float32)
        rows = np.broadcast_to(np.arange(len(others))[:, None], others.shape)
        np.add.at(theirs, (rows, at), (named[at] == others).astype(np.float32))
        common = (mine @ theirs.T).astype(np.float64)
        found: Array = 1.0 - common[None] / self.members
        return found

    def _few(self) -> bool:
        """Whether the number of sets is one that a float holds."""
        return (
            math.lgamma(self.count + 1)
            - math.lgamma(self.members + 1)
            - math.lgamma(self.count - self.members + 1)
            < 700.0
        )

    def _voted(self, parts: Sequence[Part], rng: np.random.Generator) -> Sets:
        """The members with the greatest sums of weights; equals by chance."""
        shape = parts[0][0].shape
        names = np.concatenate([places for places, _ in parts], axis=1)
        votes = np.concatenate([np.broadcast_to(w, shape) for _, w in parts], axis=1)
        order = np.argsort(names, axis=1, kind="stable")
        names = np.take_along_axis(names, order, axis=1)
        sums = np.cumsum(np.take_along_axis(votes, order, axis=1), axis=1)
        last = np.ones(names.shape, bool)
        last[:, :-1] = names[:, 1:] != names[:, :-1]
        before = np.maximum.accumulate(
            np.where(last, np.arange(names.shape[1]), -1), axis=1
        )  # where the last member but one ended
        before = np.concatenate([np.full((len(names), 1), -1), before[:, :-1]], axis=1)
        start = np.take_along_axis(sums, np.maximum(before, 0), axis=1)
        total = sums - np.where(before >= 0, start, 0.0) + 1e-9 * rng.random(names.shape)
        ranked = np.argsort(np.where(last, -total, np.inf), axis=1, kind="stable")
        chosen = np.take_along_axis(names, ranked[:, : self.members], axis=1)
        return np.sort(chosen, axis=1).astype(np.int32)

    def _filled(self, sets: Sets, stay: Bools, rng: np.random.Generator) -> Sets:
        """The sets with those that do not stay replaced, evenly, by any that were not there."""
        if self.count <= DENSE * self.members + self.members:
            return self._filled_of_few(sets, stay, rng)
        found, kept = sets.copy(), stay
        while not kept.all():
            draws = rng.integers(self.count, size=int((~kept).sum()), dtype=np.int32)
            found[~kept] = draws
            fresh = _first(found, kept)
            if stay.any():
                again = (found[:, :, None] == sets[:, None, :]).any(axis=2)
                fresh &= stay | ~again
            kept = fresh
        return np.sort(found, axis=1)

    def _filled_of_few(self, sets: Sets, stay: Bools, rng: np.random.Generator) -> Sets:
        """By a table of all: who stays first, then strangers, then who left, each by chance."""
        rank = rng.random((len(sets), self.count))
        rows = np.broadcast_to(np.arange(len(sets))[:, None], sets.shape)
        if stay.any():
            rank[rows[~stay], sets[~stay]] += 1.0
            rank[rows[stay], sets[stay]] = -1.0  # last: one that is there twice stays
        chosen = np.argpartition(rank, self.members - 1, axis=1)[:, : self.members]
        return np.sort(chosen, axis=1).astype(np.int32)


def _first(sets: Sets, kept: Bools) -> Bools:
    """Cells that are the first in their row to hold their member; those kept come before all."""
    order = np.lexsort((~kept, sets), axis=1)
    ordered = np.take_along_axis(sets, order, axis=1)
    first = np.ones(sets.shape, bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    found = np.empty_like(first)
    np.put_along_axis(found, order, first, axis=1)
    return found
