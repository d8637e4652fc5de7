"""Candles of every length, folded from trades as they come, bounded in memory."""

from bisect import bisect_left
from collections.abc import Iterable
from operator import itemgetter
from typing import Final

Row = tuple[int, int, int, int, int, int, int]
"""Opening second, open, close, high, low in ticks, lots, and the sum of ticks x lots."""

MINUTE_S: Final = 60
INTERVALS_S: Final = (
    *(60, 180, 300, 900, 1800, 3600, 7200, 14400, 21600, 28800, 43200, 86400, 604800),
)
KEPT: Final = 43_200
"""Rows of each length: 30 days of minutes. Now and then the oldest are dropped."""
SLACK: Final = 2_000

_OPEN_S = itemgetter(0)


class Candles:
    """Trades go into the open minute; a minute that is over goes into the longer candles.

    Intervals start at multiples of their length since 1970, weeks therefore on Thursdays.
    """

    def __init__(self, history: Iterable[Row] = ()) -> None:
        """`history` are the minutes before the first trade, oldest first."""
        minutes = list(history)
        self._minute = list(minutes.pop()) if minutes else []
        self._rows: dict[int, list[Row]] = {MINUTE_S: minutes}
        for interval_s in INTERVALS_S[1:]:
            finer_s = max(s for s in self._rows if interval_s % s == 0)
            folded: list[Row] = []
            for row in self._rows[finer_s]:
                _fold(folded, row, interval_s)
            self._rows[interval_s] = folded

    def add(self, at_ns: int, ticks: int, lots: int) -> None:
        """One trade, not older than the one before."""
        open_s = at_ns // 60_000_000_000 * MINUTE_S
        minute = self._minute
        if minute and minute[0] == open_s:
            minute[2] = ticks
            if ticks > minute[3]:
                minute[3] = ticks
            elif ticks < minute[4]:
                minute[4] = ticks
            minute[5] += lots
            minute[6] += ticks * lots
            return
        if minute:
            assert minute[0] < open_s
            self._close()
        self._minute = [open_s, ticks, ticks, ticks, ticks, lots, ticks * lots]

    def rows(self, interval_s: int, from_s: int, to_s: int) -> list[Row]:
        """Candles with trades opening in [from_s, to_s), oldest first, the open one included."""
        if interval_s not in self._rows:
            raise ValueError(f"no candles of {interval_s} s; there are {INTERVALS_S}")
        rows = self._rows[interval_s]
        found = rows[bisect_left(rows, from_s, key=_OPEN_S) : bisect_left(rows, to_s, key=_OPEN_S)]
        if self._minute:
            start_s = self._minute[0] - self._minute[0] % interval_s
            if from_s <= start_s < to_s:
                _fold(found, _row(self._minute), interval_s)
        return found

    def _close(self) -> None:
        row = _row(self._minute)
        for interval_s, rows in self._rows.items():
            _fold(rows, row, interval_s)
            if len(rows) > KEPT + SLACK:
                del rows[:SLACK]


def _row(minute: list[int]) -> Row:
    open_s, first, last, high, low, lots, tick_lots = minute
    return open_s, first, last, high, low, lots, tick_lots


def _fold(rows: list[Row], row: Row, interval_s: int) -> None:
    """Joins a finer candle to the last of the longer ones, or starts the next with it."""
    start_s = row[0] - row[0] % interval_s
    if not rows or rows[-1][0] != start_s:
        rows.append((start_s, *row[1:]))
        return
    _, first, _, high, low, lots, tick_lots = rows[-1]
    rows[-1] = (
        start_s,
        first,
        row[2],
        max(high, row[3]),
        min(low, row[4]),
        lots + row[5],
        tick_lots + row[6],
    )
