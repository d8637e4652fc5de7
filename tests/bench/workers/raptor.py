"""The worker that runs raptorbt, the fastest open peer: crossings in numpy, the rest its batch."""

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from tests.bench.link import serve, timed
from tests.bench.market import CAPITAL, FEE_RATE, MINUTES_PER_YEAR, Prices, prices

rb: Any = import_module("raptorbt")

CHUNK = 50


@cache
def market(bars: int) -> Prices:
    """The prices, once."""
    return prices(bars)


def items(fast: list[int], slow: list[int], bars: int) -> list[Any]:
    """Entries and exits of every pair; each average is computed once."""
    close = market(bars).close
    average = {w: np.asarray(rb.sma(close, w)) for w in {*fast, *slow}}
    made = []
    for number, (quick, calm) in enumerate(zip(fast, slow, strict=True)):
        above = average[quick] > average[calm]
        entries, exits = np.zeros(bars, bool), np.zeros(bars, bool)
        entries[1:] = above[1:] & ~above[:-1]
        exits[1:] = ~above[1:] & above[:-1]
        entries[:calm] = False
        made.append(
            rb.BatchSingleItem(
                item_id=str(number), entries=entries, exits=exits, direction=1, symbol="X"
            )
        )
    return made


def run(fast: list[int], slow: list[int], bars: int, fill: str) -> list[Any]:
    """Results of all pairs; raptorbt has its 48 metrics ready in each."""
    p = market(bars)
    config = rb.BacktestConfig(
        initial_capital=CAPITAL,
        fees=FEE_RATE,
        fill_timing=fill,
        periods_per_year=MINUTES_PER_YEAR,
    )
    found: list[Any] = []
    for i in range(0, len(fast), CHUNK):
        found += rb.batch_single_backtest(
            timestamps=p.at_ns,
            open=p.open,
            high=p.high,
            low=p.low,
            close=p.close,
            volume=p.volume,
            items=items(fast[i : i + CHUNK], slow[i : i + CHUNK], bars),
            config=config,
        )
    return [result for _, result in found]


def check(fast: list[int], slow: list[int], bars: int, fill: str) -> dict[str, Any]:
    """What every pair did."""
    results = run(fast, slow, bars, fill)
    closed = [[t for t in r.trades() if t.exit_reason != "EndOfData"] for r in results]
    return {
        "entries": [[t.entry_idx for t in r.trades()] for r in results],
        "exits": [[t.exit_idx for t in trades] for trades in closed],
        "equity": [r.metrics.end_value for r in results],
        "sharpe": [r.metrics.sharpe_ratio for r in results],
        "drawdown": [r.metrics.max_drawdown_pct / 100.0 for r in results],
        "close_sum": float(market(bars).close.sum()),
    }


def time(fast: list[int], slow: list[int], bars: int, fill: str) -> dict[str, Any]:
    """CPU seconds of a sweep with metrics."""
    market(bars)

    def sweep() -> list[tuple[float, ...]]:
        return [
            (m.total_return_pct, m.total_trades, m.sharpe_ratio, m.max_drawdown_pct)
            for m in (r.metrics for r in run(fast, slow, bars, fill))
        ]

    return {"cpu_s": timed(sweep)[0]}


if __name__ == "__main__":
    serve({"check": check, "time": time})
