"""The table of a parameter space: between the unit cube and values, all columns at once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveopt.search.space import Array, BadSpace, Bools
from liveopt.search.spaces.coordinates import Coordinate, Number, Shares, Word

ALMOST_ONE = 1.0 - 2.0**-53


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry a column."""

    names: tuple[str, ...]
    low: Array
    high: Array
    step: Array
    levels: npt.NDArray[np.int64]
    """Values it has; 0 for a continuum."""
    log: Bools
    word: Bools
    blocks: tuple[slice, ...]
    """Columns of shares that add up to one."""

    def values(self, places: Array) -> Array:
        """What the places in the unit cube stand for."""
        inside = np.minimum(np.maximum(places, 0.0), 1.0)
        found = self.low + inside * (self.high - self.low)
        stepped = self.levels > 0
        if stepped.any():
            last = self.levels[stepped] - 1
            index = np.minimum(np.floor(inside[:, stepped] * self.levels[stepped]), last)
            found[:, stepped] = self.low[stepped] + index * self.step[stepped]
        if self.log.any():
            found[:, self.log] = self._powers(inside[:, self.log])
        for block in self.blocks:
            parts = -np.log1p(-np.minimum(inside[:, block], ALMOST_ONE))
            total = parts.sum(axis=1, keepdims=True)
            even = 1.0 / parts.shape[1]
            found[:, block] = np.where(total > 0.0, parts / np.where(total > 0.0, total, 1.0), even)
        plain = ~self.word
        found[:, plain] = np.minimum(np.maximum(found[:, plain], self.low[plain]), self.high[plain])
        return found + 0.0  # no -0.0: equal values have equal bytes

    def places(self, values: Array) -> Array:
        """A place of each value; in the middle of those that stand for it."""
        span = np.where(self.high > self.low, self.high - self.low, 1.0)
        found = (values - self.low) / span
        stepped = self.levels > 0
        step = np.where(self.step > 0.0, self.step, 1.0)
        index = np.round((values - self.low) / step)
        found = np.where(stepped, (index + 0.5) / np.maximum(self.levels, 1), found)
        if self.log.any():
            low, high = self._logs()
            wide = np.where(high > low, high - low, 1.0)
            found[:, self.log] = (np.log(values[:, self.log]) - low) / wide
        for block in self.blocks:
            count = block.stop - block.start
            found[:, block] = -np.expm1(-values[:, block] * count)
        return np.minimum(np.maximum(found, 0.0), 1.0)

    def _powers(self, inside: Array) -> Array:
        low, high = self._logs()
        found = np.exp(low + inside * (high - low))
        first, step = self.low[self.log], self.step[self.log]
        last = np.maximum(self.levels[self.log] - 1, 0)
        index = np.round((found - first) / np.where(step > 0.0, step, 1.0))
        stepped = first + np.minimum(np.maximum(index, 0.0), last) * step
        return np.where(step > 0.0, stepped, found)

    def _logs(self) -> tuple[Array, Array]:
        """Bounds of the logarithms; half a step wider, so that the end values get their room."""
        half = np.where(self.levels[self.log] > 1, self.step[self.log] / 2.0, 0.0)
        top = self.low[self.log] + self.step[self.log] * (self.levels[self.log] - 1)
        high = np.where(self.levels[self.log] > 0, top, self.high[self.log])
        return np.log(self.low[self.log] - half), np.log(high + half)


def frame(coordinates: Mapping[str, Coordinate]) -> Frame:
    """The table of these coordinates."""
    rows: list[tuple[str, float, float, float, int, bool, bool]] = []
    blocks = []
    for name, one in coordinates.items():
        match one:
            case Number():
                rows.append((name, one.low, one.high, one.step, one.levels, one.log, False))
            case Word():
                count = len(one.options)
                rows.append((name, 0.0, count - 1.0, 1.0, count, False, True))
            case Shares():
                blocks.append(slice(len(rows), len(rows) + len(one.names)))
                rows += [(each, 0.0, 1.0, 0.0, 0, False, False) for each in one.names]
    if not rows:
        raise BadSpace("a space needs one coordinate at least")
    names, low, high, step, levels, log, word = zip(*rows, strict=True)
    if len(set(names)) < len(names):
        raise BadSpace(f"every name stands once; see {', '.join(names)}")
    return Frame(
        names,
        np.array(low, float),
        np.array(high, float),
        np.array(step, float),
        np.array(levels, np.int64),
        np.array(log, bool),
        np.array(word, bool),
        tuple(blocks),
    )


def count(table: Frame) -> float:
    """How many combinations of values there are, with those that a rule forbids."""
    if (table.levels == 0).any():
        return math.inf
    return float(math.prod(int(each) for each in table.levels))
