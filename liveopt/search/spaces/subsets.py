"""So many different members out of many, up to 100,000: a portfolio's strategies, say.

A place and a candidate are the same: a row of members in ascending order. A sum of sets is a vote:
the members with the most weight stay, equals by chance, and now and then a stranger comes in, for
sums alone would never leave what the sets already hold. Who is worth more beforehand is a stranger
more often, but half of all are drawn evenly: the best set may be made of members poor alone.
"""

import math
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from liveopt.search.space import Array, BadSpace, Bools, Ints, Part

Sets = npt.NDArray[np.int32]

COUNT_MAX: Final = 100_000
STRANGERS: Final = 0.5
"""Members that a vote replaces by strangers, on average."""
EVEN: Final = 0.5
"""Share of strangers who are drawn whatever their merit."""
DENSE: Final = 4
"""Up to so many times the members, what is missing is drawn from a table of all."""
SPAN: Final = 8.0
"""Deviations of sets drawn evenly, at which a set's worth is half way to the end of its scale."""
COLUMN_BITS: Final = 20
"""Beside a member in one whole number: the column it stood in."""


class Subsets:
    """Sets of `members` out of `count`.

    `merit` is what is known beforehand of each, above 0: strangers are drawn by its power `belief`
    (the beta of ant systems), but for a share of them.
    """

    def __init__(
        self, count: int, members: int, merit: Array | None = None, belief: float = 2.0
    ) -> None:
        if not 1 <= members <= count <= COUNT_MAX:
            raise BadSpace(f"{members} of {count:,} cannot be had; at most {COUNT_MAX:,} are there")
        if merit is not None and not (merit.shape == (count,) and (merit > 0.0).all()):
            raise BadSpace(f"merits are {count:,} numbers above 0")
        self.count, self.members = count, members
        self._pull: Array | None = None
        """How often each is drawn as a stranger, 1 on average."""
        self._bins = np.empty(0)
        if merit is not None:
            known = (merit / merit.max()) ** belief
            self._pull = EVEN + (1.0 - EVEN) * known / known.mean()
            self._bins = np.cumsum(self._pull)

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
        known = "" if self._pull is None else f" by merit {crc32(self._pull.tobytes()):08x}"
        return f"subsets {self.members} of {self.count}{known}"

    def sample(self, count: int, rng: np.random.Generator) -> Sets:
        """Drawn evenly."""
        return self._drawn(count, None, rng)

    def likely(self, count: int, rng: np.random.Generator) -> Sets:
        """Drawn as strangers are, by merit: where to begin."""
        return self._drawn(count, self._pull, rng)

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

        `spread` strangers come to one of the trail. Drawn without return: who has so much scent
        waits so much shorter, and the first stay (Efraimidis & Spirakis 2006).
        """
        places, weight = trail
        names, where = np.unique(places, return_inverse=True)
        laid = np.broadcast_to((weight / weight.sum())[:, None], places.shape)
        scent = np.bincount(where.ravel(), laid.ravel(), len(names)) + 1e-300
        waits = rng.standard_exponential((count, len(names))) / scent
        chosen = np.argpartition(waits, self.members - 1, axis=1)[:, : self.members]
        found = names[chosen].astype(np.int32)
        if self.members == self.count:
            return np.sort(found, axis=1)
        return self._filled(found, rng.random(found.shape) >= spread / (1.0 + spread), rng)

    def gaps(self, ones: Sets, others: Sets) -> Array:
        """The share of members that differ: of the indicator vectors, half the squared distance.

        Where merits are known, of what the sets are worth by them too.
        """
        named = np.unique(ones)
        index = np.full(self.count, len(named))
        index[named] = np.arange(len(named))
        holds = np.zeros((len(named) + 1, len(ones)), np.int32)
        np.put_along_axis(holds, index[ones].T, 1, axis=0)
        common = np.zeros((len(others), len(ones)), holds.dtype)
        for cell in index[others].T:
            common += holds[cell]
        found: Array = 1.0 - common.T[None] / self.members
        if self._pull is not None:
            one, other = self._worth(ones), self._worth(others)
            found = np.concatenate([found, (one[:, None] - other[None, :])[None] ** 2])
        return found

    def _worth(self, sets: Sets) -> Array:
        """From 0 to 1, by the mean log pull of their members; a set drawn evenly is near 1/2."""
        assert self._pull is not None
        known = np.log(self._pull)
        unit = SPAN * max(float(known.std()), 1e-300) / self.members**0.5
        off = (known[sets].mean(axis=1) - known.mean()) / unit
        found: Array = 0.5 + 0.5 * off / (1.0 + np.abs(off))
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
        names = np.concatenate([places for places, _ in parts], axis=1).astype(np.int64)
        votes = np.concatenate([np.broadcast_to(w, shape) for _, w in parts], axis=1)
        order = np.sort((names << COLUMN_BITS) + np.arange(names.shape[1]), axis=1)
        names = order >> COLUMN_BITS
        votes = np.take_along_axis(votes, order & ((1 << COLUMN_BITS) - 1), axis=1)
        first = np.ones(names.shape, bool)
        first[:, 1:] = names[:, 1:] != names[:, :-1]
        sums = np.add.reduceat(votes.ravel(), np.flatnonzero(first))
        lack = np.full(names.shape, np.inf)
        lack[first] = -1e-9 * rng.random(len(sums)) - sums
        chosen = np.argpartition(lack, self.members - 1, axis=1)[:, : self.members]
        return np.sort(np.take_along_axis(names, chosen, axis=1), axis=1).astype(np.int32)

    def _drawn(self, count: int, pull: Array | None, rng: np.random.Generator) -> Sets:
        """Sets of strangers."""
        shape = (count, self.members)
        if self.count <= DENSE * self.members + self.members:
            waits = rng.standard_exponential((count, self.count)) / (1.0 if pull is None else pull)
            chosen = np.argpartition(waits, self.members - 1, axis=1)[:, : self.members]
            return np.sort(chosen, axis=1).astype(np.int32)
        found = np.sort(self._strangers(count * self.members, pull, rng).reshape(shape), axis=1)
        again = np.zeros(shape, bool)
        while True:
            again[:, 1:] = found[:, 1:] == found[:, :-1]
            if not again.any():
                return found
            found[again] = self._strangers(int(again.sum()), pull, rng)
            found.sort(axis=1)

    def _strangers(self, count: int, pull: Array | None, rng: np.random.Generator) -> Sets:
        """Anybody, each by itself."""
        if pull is None:
            return rng.integers(self.count, size=count, dtype=np.int32)
        draws = np.searchsorted(self._bins, self._bins[-1] * rng.random(count), side="right")
        found: Sets = np.minimum(draws, self.count - 1).astype(np.int32)
        return found

    def _filled(self, sets: Sets, stay: Bools, rng: np.random.Generator) -> Sets:
        """The sets with those that do not stay replaced by strangers who were not there."""
        if self.count <= DENSE * self.members + self.members:
            return self._filled_of_few(sets, stay, rng)
        rows, cells = np.nonzero(~stay)
        new = self._strangers(len(rows), self._pull, rng)
        refused = self._refused(sets, rows, new, np.zeros(len(rows), bool))
        while refused.any():
            new[refused] = self._strangers(int(refused.sum()), self._pull, rng)
            refused = self._refused(sets, rows, new, ~refused)
        found = sets.copy()
        found[rows, cells] = new
        found.sort(axis=1)
        return found

    def _refused(self, sets: Sets, rows: Ints, new: Sets, settled: Bools) -> Bools:
        """Strangers who were there, or come twice to a row: of equals one stays, if it has before.

        One that is settled is no member, and so is refused only once it comes twice, and is not.
        """
        refused: Bools = (sets[rows] == new[:, None]).any(axis=1)
        keys = 2 * (rows * self.count + new) + ~settled
        order = np.argsort(keys, kind="stable")
        same = np.diff(keys[order] >> 1) == 0
        refused[order[1:][same]] = True
        return refused

    def _filled_of_few(self, sets: Sets, stay: Bools, rng: np.random.Generator) -> Sets:
        """By a table of all: who stays first, then strangers, then who left, each by chance."""
        pull = np.ones(self.count) if self._pull is None else self._pull
        waits = rng.standard_exponential((len(sets), self.count)) / pull
        rows = np.broadcast_to(np.arange(len(sets))[:, None], sets.shape)
        waits[rows[~stay], sets[~stay]] += 1e9
        waits[rows[stay], sets[stay]] = -1.0
        chosen = np.argpartition(waits, self.members - 1, axis=1)[:, : self.members]
        return np.sort(chosen, axis=1).astype(np.int32)
