"""A long stretch of candles in pages: what to ask for, what was missing, flat bars in its place."""

from collections.abc import Iterator

import numpy as np

from liveopt.core.bars import FILL_NS_MAX, Bars
from liveopt.core.events import Gap
from liveopt.kucoin.words import ROWS_MAX, Venue


def pages(venue: Venue, interval_ns: int, from_ns: int, to_ns: int) -> Iterator[tuple[int, int]]:
    """Spans `[from, to)` that one call can answer, oldest first, together all of it.

    Oldest first, so that whoever stops in between has a beginning without holes and can go on.
    """
    step_ns = ROWS_MAX[venue] * interval_ns
    for start_ns in range(from_ns, to_ns, step_ns):
        yield start_ns, min(start_ns + step_ns, to_ns)


def gaps(bars: Bars, interval_ns: int, from_ns: int, to_ns: int) -> list[Gap]:
    """The spans of `[from_ns, to_ns)` without candles; all three are whole intervals."""
    ends = np.concatenate(([from_ns], bars.at_ns + interval_ns))
    starts = np.concatenate((bars.at_ns, [to_ns]))
    silent = np.flatnonzero(starts > ends)
    return [Gap(int(ends[i]), int(starts[i])) for i in silent]


def filled(bars: Bars, interval_ns: int) -> Bars:
    """The same with a flat bar at the close before for every interval that had no trade.

    Nothing is invented before the first candle and after the last, nor in a silence of more than a
    day, which is an outage and no quiet market.
    """
    if len(bars) == 0:
        return bars
    grid = np.arange(int(bars.at_ns[0]), int(bars.at_ns[-1]) + 1, interval_ns, dtype=np.int64)
    last = np.searchsorted(bars.at_ns, grid, side="right") - 1
    silence_ns = np.append(np.diff(bars.at_ns), interval_ns) - interval_ns
    traded = bars.at_ns[last] == grid
    kept = traded | (silence_ns[last] <= FILL_NS_MAX)
    grid, last, traded = grid[kept], last[kept], traded[kept]
    first, high, low, close, volume = (column[last] for column in bars.floats())
    return Bars(
        grid,
        np.where(traded, first, close),
        np.where(traded, high, close),
        np.where(traded, low, close),
        close,
        np.where(traded, volume, 0.0),
    )
