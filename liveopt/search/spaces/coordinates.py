"""The coordinates of a parameter space: numbers, words, and shares that add up to one."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from liveopt.search.space import Array, BadSpace, Bools

Columns = Mapping[str, Array]
"""Name -> the value of every candidate; a word is its number among the options."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`, both included; in steps from `low` if `step` is not 0.

    On a logarithmic scale each doubling gets as much room as the next.
    """

    low: float
    high: float
    step: float = 0.0
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise BadSpace(f"a range goes from low to high, not from {self.low} to {self.high}")
        if not 0.0 <= self.step < math.inf:
            raise BadSpace(f"a step is 0 (none) or more, not {self.step}")
        if self.log and self.low - self.step / 2.0 <= 0.0:
            raise BadSpace(f"a logarithmic range must stay above 0; {self.low} does not")

    @property
    def levels(self) -> int:
        """How many values it has; 0 for a continuum."""
        if self.low == self.high:
            return 1
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1 if self.step else 0


@dataclass(frozen=True, slots=True)
class Word:
    """One of some options without an order."""

    options: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.options or len(set(self.options)) < len(self.options):
            raise BadSpace(f"options are some different words, not {self.options}")


@dataclass(frozen=True, slots=True)
class Shares:
    """So many numbers of 0 or more that add up to one: weights. Each has its own column."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.names or len(set(self.names)) < len(self.names):
            raise BadSpace(f"shares are of some different names, not {self.names}")


Coordinate = Number | Word | Shares


@dataclass(frozen=True, slots=True)
class Rule:
    """Which combinations make sense, and how one that does not may be mended.

    Without a mend, or where it does not help, a forbidden place is drawn towards an allowed one.
    """

    allows: Callable[[Columns], Bools]
    text: str
    mend: Callable[[Columns], Columns] = dict


def ascending(*names: str) -> Rule:
    """Each smaller than the next, such as fast < slow; mended by sorting."""

    def allows(columns: Columns) -> Bools:
        stack = np.stack([columns[name] for name in names])
        found: Bools = np.logical_and.reduce(stack[:-1] < stack[1:], axis=0)
        return found

    def mend(columns: Columns) -> Columns:
        stack = np.sort(np.stack([columns[name] for name in names]), axis=0)
        return {**columns, **dict(zip(names, stack, strict=True))}

    return Rule(allows, " < ".join(names), mend)
