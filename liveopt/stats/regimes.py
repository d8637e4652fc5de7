"""The regime of a series of positive values: where it drifts and how wild it is, by its own past.

Of the last `span` log returns r, m their mean and s their deviation (n - 1):

    drift   = m / (s / sqrt(span)), the mean in its standard errors
    spread  = s

Where s is but rounding (see `arrays`), the drift is 0 if m is 0, else infinite with its sign. Each
of the two has its place among those before it, at most `memory` of them, never itself: with b
below and e equal of n, it is in the lowest tercile if 3 (2b + e) < 2n, in the highest if
3 (2b + e) > 4n, else in the middle. That is said of no value before 5 `span` of them are known.

The first terciles stand at once; another stands when the place has been there for `held` values in
a row. Drift and spread settle each for itself, so the flicker of one does not hide the other. What
is new is found late by `held`, and what lasts longer than `memory` becomes the usual. Terciles are
of ranks: a series that never changes is in each of them a third of the time, so its regime moves
too, the less often the longer `held` is; see the tests for how often.

A value depends on nothing after it. The sums are exact (`fsum`) and the logarithms our own, so a
replay finds the same bits. Regimes by trend and volatility terciles known at the time.
"""

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from liveopt.stats.arrays import NOISE
from liveopt.stats.normal import logs

SPANS_LEAST: Final = 5
"""So many spans are known before anything is said of terciles."""


class Regime(NamedTuple):
    """Terciles of drift and of spread."""

    trend: int
    """-1, 0 or 1."""
    wildness: int
    """0, 1 or 2."""


@dataclass(slots=True)
class _Ranks:
    """What is known of a measure: the last `memory` of it, as they came and in order."""

    memory: int
    came: deque[float] = field(default_factory=deque)
    ordered: list[float] = field(default_factory=list)

    def place(self, value: float) -> int:
        """The tercile of a value among those known."""
        twice = bisect_left(self.ordered, value) + bisect_right(self.ordered, value)
        known = len(self.ordered)
        return int(3 * twice >= 2 * known) + int(3 * twice > 4 * known)

    def add(self, value: float) -> None:
        """One more is known, and the oldest forgotten."""
        if len(self.came) == self.memory:
            del self.ordered[bisect_left(self.ordered, self.came.popleft())]
        self.came.append(value)
        insort(self.ordered, value)


@dataclass(slots=True)
class _Settled:
    """A tercile that does not follow every flicker."""

    held: int
    stands: int | None = None
    last: int = -1
    count: int = 0
    """For how many values the last one has been the same."""

    def see(self, tercile: int) -> None:
        """The tercile of one more value."""
        self.count = self.count + 1 if tercile == self.last else 1
        self.last = tercile
        if self.count >= self.held or self.stands is None:
            self.stands = tercile


class Regimes:
    """A series, seen a value at a time; it remembers `memory` + `span` numbers."""

    def __init__(self, span: int = 100, memory: int = 2_000, held: int = 100) -> None:
        assert span >= 2, "one return has no deviation"
        assert memory >= SPANS_LEAST * span, "too short a memory for terciles"
        assert held >= 1, "a tercile is held for one value at least"
        self._span, self._least = span, SPANS_LEAST * span
        self._level: float | None = None
        self._returns: deque[float] = deque(maxlen=span)
        self._ranks = _Ranks(memory), _Ranks(memory)
        self._settled = _Settled(held), _Settled(held)

    @property
    def regime(self) -> Regime | None:
        """The one that stands; None before enough is known."""
        trend, wildness = (one.stands for one in self._settled)
        return None if trend is None or wildness is None else Regime(trend - 1, wildness)

    def see(self, value: float) -> Regime | None:
        """One more value; the new regime if it changes with it. The first one is no change.

        What is not finite or not above 0 is passed over as if it had not come.
        """
        if not (math.isfinite(value) and value > 0.0):
            return None
        level, before = float(logs(value)), self._level
        self._level = level
        if before is None:
            return None
        self._returns.append(level - before)
        if len(self._returns) < self._span:
            return None
        stood = self.regime
        for ranks, settled, found in zip(
            self._ranks, self._settled, _measures(self._returns), strict=True
        ):
            if len(ranks.ordered) >= self._least:
                settled.see(ranks.place(found))
            ranks.add(found)
        stands = self.regime
        return stands if stood is not None and stands != stood else None


def _measures(returns: Collection[float]) -> tuple[float, float]:
    """Drift and spread of some returns."""
    count = len(returns)
    mean = math.fsum(returns) / count
    squares = math.fsum((one - mean) * (one - mean) for one in returns)
    if squares <= NOISE * math.fsum(one * one for one in returns):
        return (math.copysign(math.inf, mean) if mean else 0.0), 0.0
    spread = math.sqrt(squares / (count - 1))
    return mean * math.sqrt(count) / spread, spread
