"""Candles from a file as bars, refused whole when one of them is wrong."""

from pathlib import Path

import numpy as np

from liveopt.core.bars import BadBar, Bars, check
from liveopt.data.tables import TIME_NAMES, DataError, read_table

COLUMNS = {
    "at_ns": TIME_NAMES,
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v", "base_volume"),
}

SORT_THE_ROWS = "sort the rows by time and keep one row per time"
MEND_THE_ROW = "correct the row or leave it out; nothing is repaired silently"


def read_candles(path: Path, start_ns: int | None = None, end_ns: int | None = None) -> Bars:
    """The candles of a .csv, .parquet or .feather file that open within `[start_ns, end_ns)`.

    The whole file is checked, also outside of that range: raises `DataError` for its first fault.
    """
    table = read_table(path, COLUMNS)
    prices = (table.floats(column) for column in ("open", "high", "low", "close", "volume"))
    bars = Bars(table.times_ns("at_ns"), *prices)
    try:
        check(bars)
    except BadBar as bad:
        advice = SORT_THE_ROWS if bad.column == "at_ns" else MEND_THE_ROW
        why = f"{_shown(bad)} is {bad.why}; {advice}"
        raise table.error(bad.row, bad.column, why) from bad
    start = 0 if start_ns is None else int(np.searchsorted(bars.at_ns, start_ns))
    stop = len(bars) if end_ns is None else int(np.searchsorted(bars.at_ns, end_ns))
    if start >= stop:
        span = f"{_utc(bars.at_ns[0])} to {_utc(bars.at_ns[-1])}"
        why = f"no candle in the wanted range; those in the file open from {span}"
        raise DataError(path, None, None, why)
    return bars.part(start, stop)


def _shown(bad: BadBar) -> str:
    return _utc(int(bad.value)) if bad.column == "at_ns" else str(bad.value)


def _utc(at_ns: int) -> str:
    return f"{np.datetime64(int(at_ns), 'ns')}".removesuffix(".000000000") + "Z"
