"""Rows of the market as the engine reads them: from bars at rest, or one by one as they come."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveopt.core.bars import DAY_NS, SECOND_NS, BadBar, Bars, check, resample
from liveopt.core.events import Bar
from liveopt.engine.program import FINE, FINE_ROW, ROW_CELLS, SIGNAL

FUNDING_LIMIT = 0.1


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of rows, and for each whether it is a fine bar, a signal bar's close, or both."""

    table: npt.NDArray[np.float64]
    kinds: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Kernels take the arrays at their word."""
        assert self.table.dtype == np.float64
        assert self.table.flags.c_contiguous
        assert self.table.shape == (len(self.kinds), len(ROW_CELLS))
        assert self.kinds.dtype == np.uint8
        assert self.kinds.flags.c_contiguous

    def __len__(self) -> int:
        """How many rows."""
        return len(self.kinds)

    def part(self, first: int, last: int) -> "Rows":
        """Rows from `first` to before `last`."""
        return Rows(self.table[first:last], self.kinds[first:last])


def rows_of(
    bars: Bars,
    fine_ns: int,
    signal_ns: int,
    funding: npt.NDArray[np.float64] | None = None,
    origin_ns: int | None = None,
) -> Rows:
    """The rows of a run of fine bars with signals at `signal_ns`; a bad bar is refused."""
    check(bars)
    table = np.zeros((len(bars), len(ROW_CELLS)))
    origin = int(bars.at_ns[0]) if origin_ns is None and len(bars) else origin_ns or 0
    table[:, 0] = (bars.at_ns - origin) / SECOND_NS
    for i, column in enumerate((bars.open, bars.high, bars.low, bars.close), start=1):
        table[:, i] = column
    if funding is not None:
        check_funding(funding)
        table[:, 5] = funding
    closes, signal = resample(bars, fine_ns, signal_ns)
    ends = np.flatnonzero(closes)
    base = len(FINE_ROW)
    for i, values in enumerate(
        (signal.open, signal.high, signal.low, signal.close, signal.volume, signal.at_ns // DAY_NS)
    ):
        table[ends, base + i] = values
    return Rows(table, (FINE + SIGNAL * (closes != 0)).astype(np.uint8))


def check_funding(rates: npt.NDArray[np.float64]) -> None:
    """Refuse a funding rate that no exchange asks."""
    bad = ~(np.abs(rates) < FUNDING_LIMIT)  # NaN is not
    if bad.any():
        row = int(np.argmax(bad))
        raise BadBar(row, "funding", float(rates[row]), f"not a rate below {FUNDING_LIMIT:g}")


def signal_rows(bars: Bars) -> Rows:
    """The closes of signal bars alone, without the fine bars in them."""
    check(bars)
    table = np.zeros((len(bars), len(ROW_CELLS)))
    for i, column in enumerate((*bars.floats(), bars.at_ns // DAY_NS), start=len(FINE_ROW)):
        table[:, i] = column
    return Rows(table, np.full(len(bars), SIGNAL, np.uint8))


def signal_row(bar: Bar) -> Rows:
    """The close of one signal bar, as it comes in live after its last fine bar."""
    check_one(bar)
    table = np.zeros((1, len(ROW_CELLS)))
    day = bar.at_ns // DAY_NS
    table[0, len(FINE_ROW) :] = (bar.open, bar.high, bar.low, bar.close, bar.volume, day)
    return Rows(table, np.array([SIGNAL], np.uint8))


def check_one(bar: Bar) -> None:
    """The door for a single bar: the same as that for many, on the way that must be quick."""
    sound = 0.0 < bar.low <= bar.open <= bar.high < np.inf and bar.low <= bar.close <= bar.high
    if not (sound and 0.0 <= bar.volume < np.inf):
        check(Bars.of([bar]))
