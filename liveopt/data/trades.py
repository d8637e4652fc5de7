"""Public trades from a file, oldest first, as the ticks of a market."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from liveopt.data.tables import TIME_NAMES, read_table

COLUMNS = {
    "at_ns": TIME_NAMES,
    "price": ("price", "p"),
    "size": ("amount", "size", "qty", "quantity"),
}


class Trades(NamedTuple):
    """Trades as columns of one length; several may share one time."""

    at_ns: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]


def read_trades(path: Path) -> Trades:
    """The trades of a .csv, .parquet or .feather file; raises `DataError` for its first fault."""
    table = read_table(path, COLUMNS)
    trades = Trades(table.times_ns("at_ns"), table.floats("price"), table.floats("size"))
    early = np.zeros(len(trades.at_ns), np.bool_)
    early[1:] = trades.at_ns[1:] < trades.at_ns[:-1]
    # Comparisons are written so that NaN fails them.
    for column, bad, why in (
        ("at_ns", early, "earlier than the row before; sort the rows by time"),
        ("price", ~((trades.price > 0.0) & (trades.price < np.inf)), "not a positive finite price"),
        ("size", ~((trades.size >= 0.0) & (trades.size < np.inf)), "not a finite amount from 0"),
    ):
        if bad.any():
            raise table.error(int(bad.argmax()), column, why)
    return trades
