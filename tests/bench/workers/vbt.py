"""The worker that runs vectorbt: its usual interface, and its kernel called directly."""

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.link import serve, timed
from tests.bench.market import CAPITAL, FEE_RATE, Prices, prices

pd: Any = import_module("pandas")
vbt: Any = import_module("vectorbt")
kernels: Any = import_module("vectorbt.portfolio.dispatch")

CHUNK = 50
"""Pairs at a time; more cost memory and run no faster."""
ORDERS_MAX = 6_000
IGNORE_OPPOSITE = 4
"""An entry while holding, which this rule never gives."""
SELL = 1


@cache
def market(bars: int) -> tuple[Prices, Any, Any]:
    """The prices, and the closes and opens as vectorbt wants them."""
    p = prices(bars)
    index = pd.to_datetime(p.at_ns)
    return p, pd.Series(p.close, index=index), pd.Series(p.open, index=index)


def portfolio(fast: list[int], slow: list[int], bars: int, fill: str) -> Any:
    """The sweep as vectorbt's own documents show it; `fill` is close (its habit) or open (ours)."""
    _, close, opened = market(bars)
    quick = vbt.MA.run(close, window=fast, short_name="fast")
    calm = vbt.MA.run(close, window=slow, short_name="slow")
    entries = quick.ma_crossed_above(calm)
    exits = quick.ma_crossed_below(calm)
    given = {"fees": FEE_RATE, "init_cash": CAPITAL, "freq": "1min"}
    if fill == "open":
        entries, exits = (signals.shift(1, fill_value=False) for signals in (entries, exits))
        given["price"] = opened
    return vbt.Portfolio.from_signals(close, entries, exits, **given)


def direct(fast: list[int], slow: list[int], bars: int, engine: str) -> Any:
    """Order records from the kernel alone: each average once, crossings in numpy, no portfolio."""
    p, close, _ = market(bars)
    pairs = len(fast)

    def averages(windows: list[int]) -> NDArray[np.float64]:
        distinct, place = np.unique(windows, return_inverse=True)
        rows: NDArray[np.float64] = vbt.MA.run(close, window=distinct.tolist()).ma.to_numpy()
        return rows.reshape(bars, -1)[:, place]

    calm = averages(slow)
    above = averages(fast) > calm
    entries, exits = np.zeros(above.shape, bool), np.zeros(above.shape, bool)
    entries[1:] = above[1:] & ~above[:-1] & ~np.isnan(calm[:-1])
    exits[1:] = ~above[1:] & above[:-1]
    records, _ = kernels.simulate_from_signals(
        (bars, pairs),
        np.ones(pairs, np.int64),
        np.full(pairs, CAPITAL),
        np.zeros((bars, pairs), np.int64),
        entries=entries,
        exits=exits,
        fees=np.asarray(FEE_RATE),
        close=p.close[:, None],
        price=np.asarray(np.inf),
        val_price=np.asarray(np.inf),
        upon_opposite_entry=np.asarray(IGNORE_OPPOSITE),
        use_stops=False,
        max_orders=pairs * ORDERS_MAX,
        flex_2d=True,
        engine=engine,
    )
    return records


def bars_of(records: Any, pairs: int, side: int) -> list[list[int]]:
    """The bars of the orders of one side, pair by pair."""
    chosen = records[records["side"] == side]
    return [chosen["idx"][chosen["col"] == pair].tolist() for pair in range(pairs)]


def chunks(fast: list[int], slow: list[int]) -> list[tuple[list[int], list[int]]]:
    """The pairs in portions that memory can take."""
    return [(fast[i : i + CHUNK], slow[i : i + CHUNK]) for i in range(0, len(fast), CHUNK)]


def check(fast: list[int], slow: list[int], bars: int, engine: str, fill: str) -> dict[str, Any]:
    """What every pair did, from vectorbt's usual interface."""
    vbt.settings["engine"] = engine
    found: dict[str, Any] = {
        name: [] for name in ("entries", "exits", "equity", "sharpe", "drawdown")
    }
    for part in chunks(fast, slow):
        result = portfolio(*part, bars, fill)
        records = result.orders.values
        found["entries"] += bars_of(records, len(part[0]), 1 - SELL)
        found["exits"] += bars_of(records, len(part[0]), SELL)
        found["equity"] += result.final_value().tolist()
        found["sharpe"] += result.sharpe_ratio().tolist()
        found["drawdown"] += (-result.max_drawdown()).tolist()
    return found | {"close_sum": float(market(bars)[0].close.sum())}


def check_direct(fast: list[int], slow: list[int], bars: int, engine: str) -> dict[str, Any]:
    """The orders of the kernel called directly."""
    found: dict[str, Any] = {"entries": [], "exits": []}
    for part in chunks(fast, slow):
        records = direct(*part, bars, engine)
        found["entries"] += bars_of(records, len(part[0]), 1 - SELL)
        found["exits"] += bars_of(records, len(part[0]), SELL)
    return found


def time(fast: list[int], slow: list[int], bars: int, engine: str) -> dict[str, Any]:
    """CPU seconds of the usual interface with return, orders, Sharpe and drawdown."""
    vbt.settings["engine"] = engine
    market(bars)

    def sweep() -> None:
        for part in chunks(fast, slow):
            result = portfolio(*part, bars, "close")
            result.total_return()
            result.orders.count()
            result.sharpe_ratio()
            result.max_drawdown()

    return {"cpu_s": timed(sweep)[0]}


def time_direct(fast: list[int], slow: list[int], bars: int, engine: str) -> dict[str, Any]:
    """CPU seconds of the kernel called directly; it knows orders only, no metrics."""
    vbt.settings["engine"] = engine
    market(bars)
    return {"cpu_s": timed(lambda: [direct(*p, bars, engine) for p in chunks(fast, slow)])[0]}


if __name__ == "__main__":
    serve({"check": check, "check_direct": check_direct, "time": time, "time_direct": time_direct})
