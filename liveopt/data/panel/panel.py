"""What a panel is: the daily profit and loss of many strategies, and what is known of each row."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Dates = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.str_]
KEYS: Final = ("date", "start_min", "zone", "end_min")
"""What makes a session this one, as far as they are known; the weekday follows from the date."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The rows of the file, in order of time: a day, or a part of one. None: no such column."""

    date: Dates
    """To the day."""
    zone: Words | None = None
    day: Words | None = None
    """Of the week, as the file has it."""
    start_min: Ints | None = None
    """Minutes since midnight; -1 where the cell is empty."""
    end_min: Ints | None = None
    regime: Words | None = None
    confidence: Float64 | None = None
    """Of the regime, 0 to 1, whatever scale the file has; NaN where the cell is empty."""
    transition: Float64 | None = None
    """Market_regime_transition_threshold, 0 to 1; NaN where the cell is empty."""
    capital: Float64 | None = None
    """NaN where the cell is empty."""

    def __len__(self) -> int:
        """How many rows."""
        return len(self.date)

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Sessions":
        """Some of them."""
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: c[rows] for name, c in known.items() if c is not None})


@dataclass(frozen=True, slots=True)
class Panel:
    """Strategies and their profit and loss, in currency, session by session."""

    names: Sequence[str]
    pnl: Float64
    """[strategy, session], C order."""
    sessions: Sessions
    groups: Sequence[str]
    """Where strategies come from: the stems of the files that were merged."""
    group: npt.NDArray[np.int32]
    """Which of the groups each strategy is of."""

    def sessions_of(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Panel":
        """The same strategies in some of the sessions."""
        pnl = np.ascontiguousarray(self.pnl[:, rows])
        return Panel(self.names, pnl, self.sessions.take(rows), self.groups, self.group)
