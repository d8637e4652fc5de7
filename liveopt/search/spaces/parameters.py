"""Numbers, words and shares within bounds, under a rule: the parameters of something.

A place is a row of the unit cube, a candidate a row of values. Where a place breaks the rule, the
candidate is that of the rule's mend, or else lies where the way from the place to an allowed place
near it becomes allowed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.search.space import Array, BadSpace, Bools
from liveopt.search.spaces import frame
from liveopt.search.spaces.coordinates import Columns, Coordinate, Rule, Word
from liveopt.search.spaces.vectors import Vectors

ANCHORS: Final = 64
"""Allowed places kept to draw forbidden ones towards."""
ANCHORS_TRIED_MAX: Final = 1 << 20
HALVINGS: Final = 12
"""Of the way from a forbidden place to its anchor, to find where it becomes allowed."""
REDRAWS: Final = 20
"""Times a forbidden draw is drawn anew before it is mended."""
COUNTED_MAX: Final = 200_000
"""Combinations up to which those that the rule allows are counted one by one."""


class Parameters(Vectors):
    """A space of parameters."""

    def __init__(self, coordinates: Mapping[str, Coordinate], rule: Rule | None = None) -> None:
        super().__init__(frame.frame(coordinates))
        self.coordinates = dict(coordinates)
        self.rule = rule
        self._anchors = self._find_anchors()
        self._size = self._count()

    @property
    def width(self) -> int:
        """Cells of a place."""
        return len(self.table.names)

    @property
    def size(self) -> float:
        """How many candidates; at most so many where the rule forbids some; or inf."""
        return self._size

    @property
    def mark(self) -> str:
        """Equal for equal spaces."""
        return f"parameters {self.coordinates!r} {self.rule.text if self.rule else ''}"

    def columns(self, candidates: Array) -> Columns:
        """The candidates' values by name; a word is its number among the options."""
        return {name: candidates[:, i] for i, name in enumerate(self.table.names)}

    def record(self, candidate: Array) -> dict[str, float | str]:
        """One candidate's values by name, words as words."""
        found: dict[str, float | str] = {}
        for name, value in zip(self.table.names, candidate, strict=True):
            one = self.coordinates.get(name)
            found[name] = one.options[int(value)] if isinstance(one, Word) else float(value)
        return found

    def candidates(self, records: Sequence[Mapping[str, float | str]]) -> Array:
        """Records as candidates, for instance to begin a search with."""
        rows = [
            [self._number(name, record[name]) for name in self.table.names] for record in records
        ]
        return self.settle(self.locate(np.array(rows, float).reshape(-1, self.width)))

    def allowed(self, candidates: Array) -> Bools:
        """Which of them keep the rule."""
        if self.rule is None:
            return np.ones(len(candidates), bool)
        answer = np.asarray(self.rule.allows(self.columns(candidates)))
        return np.broadcast_to(answer.astype(bool), (len(candidates),))

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Drawn evenly; what the rule forbids is drawn anew."""
        places = rng.random((count, self.width))
        if self.rule is not None:
            for _ in range(REDRAWS):
                wrong = ~self.allowed(self.table.values(places))
                if not wrong.any():
                    break
                places[wrong] = rng.random((int(wrong.sum()), self.width))
        return places

    def settle(self, places: Array) -> Array:
        """The candidates at these places."""
        values = self.table.values(places)
        if self.rule is None or not len(values):
            return values
        wrong = ~self.allowed(values)
        if wrong.any():
            values[wrong] = self._mended(places[wrong], values[wrong])
        return values

    def locate(self, candidates: Array) -> Array:
        """Places of these candidates."""
        return self.table.places(candidates)

    def encode(self, candidates: Array) -> list[bytes]:
        """Their bytes."""
        rows = np.ascontiguousarray(candidates, np.float64)
        keys: list[bytes] = rows.view(f"V{8 * self.width}").ravel().tolist()
        return keys

    def decode(self, keys: Sequence[bytes]) -> Array:
        """The candidates of keys."""
        return np.frombuffer(b"".join(keys), np.float64).reshape(-1, self.width).copy()

    def lattice(self, points: int) -> list[Array]:
        """Values of each column, in the unit cube, of a lattice of at most so many points."""
        levels = self.table.levels
        most, fewest = 2, 1
        while math.prod(_cut(levels, most)) <= points and most <= max(points, 2):
            fewest, most = most, most + 1 if most < 64 else most * 2
        return [
            _spaced(int(own), own_count)
            for own, own_count in zip(levels, _cut(levels, fewest), strict=True)
        ]

    def _number(self, name: str, value: float | str) -> float:
        one = self.coordinates.get(name)
        if isinstance(one, Word):
            if value not in one.options:
                raise BadSpace(f"{name} is one of {', '.join(one.options)}, not {value!r}")
            return float(one.options.index(str(value)))
        return float(value)

    def _mended(self, places: Array, values: Array) -> Array:
        assert self.rule is not None
        mended = {n: np.asarray(c) for n, c in self.rule.mend(self.columns(values)).items()}
        stack = np.stack([mended[name] for name in self.table.names], axis=1)
        found = self.table.values(self.table.places(stack))
        wrong = np.flatnonzero(~self.allowed(found))
        if not len(wrong):
            return found
        own = places[wrong]
        nearest = np.argmin(self.gaps(own, self._anchors).sum(axis=0), axis=1)
        anchors = self._anchors[nearest]
        short, enough = np.zeros((len(wrong), 1)), np.ones((len(wrong), 1))
        found[wrong] = self.table.values(anchors)
        for _ in range(HALVINGS):
            half = 0.5 * (short + enough)
            tried = self.table.values(own + half * (anchors - own))
            good = self.allowed(tried)
            found[wrong[good]] = tried[good]
            enough = np.where(good[:, None], half, enough)
            short = np.where(good[:, None], short, half)
        return found

    def _find_anchors(self) -> Array:
        """Allowed places spread evenly: a Kronecker sequence, so that no chance is needed."""
        if self.rule is None:
            return np.empty((0, self.width))
        found: list[Array] = []
        begun, size = 1, 4 * ANCHORS
        while sum(map(len, found)) < ANCHORS and begun < ANCHORS_TRIED_MAX:
            numbers = np.arange(begun, begun + size, dtype=np.float64)[:, None]
            places = (0.5 + numbers * _slopes(self.width)) % 1.0
            found.append(places[self.allowed(self.table.values(places))])
            begun, size = begun + size, min(2 * size, 1 << 16)
        anchors = np.concatenate(found)[:ANCHORS]
        if not len(anchors):
            raise BadSpace(f"nothing satisfies {self.rule.text}")
        return anchors

    def _count(self) -> float:
        everything = frame.count(self.table)
        if self.rule is None or everything > COUNTED_MAX:
            return everything
        places = grid_places(self.lattice(int(everything)), np.arange(int(everything)))
        return float(np.count_nonzero(self.allowed(self.table.values(places))))


def grid_places(axes: Sequence[Array], numbers: npt.NDArray[np.int64]) -> Array:
    """The points of a lattice by number; the last axis turns fastest."""
    found = np.empty((len(numbers), len(axes)))
    rest = numbers.copy()
    for i in range(len(axes) - 1, -1, -1):
        found[:, i] = axes[i][rest % len(axes[i])]
        rest //= len(axes[i])
    return found


def _cut(levels: npt.NDArray[np.int64], most: int) -> list[int]:
    return [most if own == 0 else min(int(own), most) for own in levels]


def _spaced(levels: int, count: int) -> Array:
    """So many places of a column, from end to end; in the middle of a level that has one."""
    if levels == 0:
        return np.array([0.5]) if count == 1 else np.linspace(0.0, 1.0, count)
    chosen = [levels // 2] if count == 1 else np.round(np.linspace(0, levels - 1, count))
    return (np.asarray(chosen, float) + 0.5) / levels


def _slopes(width: int) -> Array:
    """Powers of the inverse of the root of x^(d+1) = x + 1 (Roberts 2018), here for d = width."""
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (width + 1))
    return np.array([root ** -(i + 1.0) for i in range(width)])
