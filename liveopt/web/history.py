"""The equity of every variant as the dashboard has seen it: dense lately, thinner before.

All are sampled at the same moments, so times are kept once. Ten minutes are there second by second;
behind them every tenth second, and whenever that part is full, every second point of it is let
go. So it always reaches back to the beginning, and never weighs more than it does when full.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

import numpy as np
import numpy.typing as npt

DENSE: Final = 600
DENSE_S: Final = 1.0
SPARSE: Final = 360
SPARSE_EVERY: Final = 10
"""Points of the dense part for one of the sparse part, to begin with."""
TRACKS_MAX: Final = 10_000
"""Of more variants no curve is kept: 4 bytes a point make 37 MiB of so many."""
GROWTH: Final = 256
Floats = npt.NDArray[np.float32]


@dataclass(slots=True)
class _Part:
    """A table: a row a moment, a column a track."""

    most: int
    times: list[int] = field(default_factory=list)
    first: int = 0
    """Where the oldest row lies, once the table is full and rows are overwritten."""
    rows: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.rows = np.zeros((self.most, 0), np.float32)

    def widen(self, width: int) -> None:
        """Rows that are still to come are not touched: they are written whole when they come."""
        count, old = len(self.times), self.rows.shape[1]
        wider = np.empty((self.most, width), np.float32)
        wider[:count, :old] = self.rows[:count]
        wider[:count, old:] = np.nan
        self.rows = wider

    def add(self, at_ms: int, row: Floats) -> None:
        if len(self.times) < self.most:
            self.rows[len(self.times), : len(row)] = row
            self.times.append(at_ms)
            return
        self.rows[self.first, : len(row)] = row
        self.times[self.first] = at_ms
        self.first = (self.first + 1) % self.most

    def halve(self) -> None:
        """Every second point goes."""
        kept = len(self.times[::2])
        self.rows[:kept] = self.rows[: len(self.times) : 2]
        self.times = self.times[::2]

    def track(self, number: int) -> tuple[list[int], list[float]]:
        """One track, the oldest point first."""
        values = np.roll(self.rows[: len(self.times), number], -self.first)
        times = self.times[self.first :] + self.times[: self.first]
        there = np.isfinite(values)
        found = [time for time, is_there in zip(times, there.tolist(), strict=True) if is_there]
        return found, values[there].tolist()


@dataclass(slots=True)
class History:
    """`see` is told of every frame, and takes a point when a second is over."""

    _dense: _Part = field(default_factory=lambda: _Part(DENSE))
    _sparse: _Part = field(default_factory=lambda: _Part(SPARSE))
    _every: int = SPARSE_EVERY
    _points: int = 0
    _due_s: float | None = None
    _tracks: dict[str, int] = field(default_factory=dict)
    _free: list[int] = field(default_factory=list)
    _order: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """The track of each place of the frame; -1 of none."""

    def people(self, names: Sequence[str]) -> None:
        """Others than before: who left loses the track, who came gets one."""
        there = set(names)
        gone = [self._tracks.pop(name) for name in list(self._tracks) if name not in there]
        self._free += gone
        for part in (self._dense, self._sparse):
            part.rows[:, gone] = np.nan
        new = [name for name in names if name not in self._tracks]
        new = new[: TRACKS_MAX - len(self._tracks)]
        self._make_room(len(new) - len(self._free))
        self._tracks |= {name: self._free.pop() for name in new}
        self._order = np.array([self._tracks.get(name, -1) for name in names], np.int64)

    def _make_room(self, count: int) -> None:
        """For so many more tracks, in one go: to make a table wider is to copy it."""
        if count <= 0:
            return
        width = self._dense.rows.shape[1]
        wider = width + GROWTH * ceil(count / GROWTH)
        self._free = [*range(wider - 1, width - 1, -1), *self._free]
        for part in (self._dense, self._sparse):
            part.widen(wider)

    def see(self, now_s: float, at_ms: int, equity: npt.NDArray[Any]) -> bool:
        """Whether a point was taken: `now_s` says when, `at_ms` is what stands at the point."""
        if self._due_s is not None and now_s < self._due_s:
            return False
        late = self._due_s is None or now_s >= self._due_s + DENSE_S
        self._due_s = (now_s if late or self._due_s is None else self._due_s) + DENSE_S
        row = np.full(self._dense.rows.shape[1], np.nan, np.float32)
        there = self._order >= 0
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is not shown
            row[self._order[there]] = equity[there]
        self._dense.add(at_ms, row)
        if self._points % self._every == 0:
            if len(self._sparse.times) == SPARSE:
                self._sparse.halve()
                self._every *= 2
            self._sparse.add(at_ms, row)
        self._points += 1
        return True

    def equity(self, name: str) -> tuple[list[int], list[float]]:
        """Times in milliseconds of the market's clock, and equities; nothing of a stranger."""
        number = self._tracks.get(name)
        if number is None or not self._dense.times:
            return [], []
        times, values = self._dense.track(number)
        old_times, old_values = self._sparse.track(number)
        first = self._dense.times[self._dense.first]
        count = sum(time < first for time in old_times)
        return old_times[:count] + times, old_values[:count] + values

    def nbytes(self) -> int:
        """What the tables weigh."""
        return self._dense.rows.nbytes + self._sparse.rows.nbytes
