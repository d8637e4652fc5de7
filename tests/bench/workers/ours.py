"""The worker that runs liveopt. It alone uses the product's environment."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from liveopt.cli.bench import lean_setup
from liveopt.core.account import Rule
from liveopt.core.bars import Bars
from liveopt.core.instrument import Instrument
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.program import LANES
from liveopt.engine.rows import rows_of
from liveopt.strategies import load
from tests.bench.link import serve, timed
from tests.bench.market import (
    CAPITAL,
    FEE_RATE,
    MINUTE_NS,
    MINUTES_PER_YEAR,
    live_windows,
    prices,
    ticks,
)

SECONDS_PER_BAR = 60.0


@cache
def market(bars: int) -> Bars:
    """The prices as liveopt holds them."""
    p = prices(bars)
    return Bars(p.at_ns, p.open, p.high, p.low, p.close, p.volume)


def lean(log_trades: int = 0) -> Setup:
    """The setup of `liveopt bench`, with the comparison's capital."""
    setup = replace(lean_setup(), capital=CAPITAL, log_trades=log_trades)
    assert (setup.instrument.taker_fee, setup.instrument.slippage) == (FEE_RATE, 0.0)
    return setup


def run(setup: Setup, fast: list[int], slow: list[int], bars: int) -> Batch:
    """From price columns to the finished state of all variants, on one thread."""
    knobs = {"fast": np.array(fast, float), "slow": np.array(slow, float)}
    batch = open_batch(setup, knobs)
    Cpu(threads=1).advance(batch, rows_of(market(bars), MINUTE_NS, MINUTE_NS))
    return batch


def check(fast: list[int], slow: list[int], bars: int) -> dict[str, Any]:
    """What every variant did. The run is done twice: as it is timed, and with its trades kept."""
    plain = run(lean(), fast, slow, bars)
    trades = plain.cell("a_trades")
    starts = np.arange(0, len(trades), LANES)
    logged = run(lean(int(np.add.reduceat(trades, starts).max()) + 1), fast, slow, bars)
    metrics = plain.metrics(MINUTES_PER_YEAR)
    for name, values in logged.metrics(MINUTES_PER_YEAR).items():
        assert np.array_equal(values, metrics[name], equal_nan=True), name
    held = logged.cell("a_side") != 0.0
    since_s = logged.cell("a_since_s")
    entries, exits = [], []
    for variant in range(len(fast)):
        kept = logged.trades(variant)
        assert len(kept) == trades[variant]
        into_s = [t["since_s"] for t in kept] + ([since_s[variant]] if held[variant] else [])
        entries.append([round(s / SECONDS_PER_BAR) for s in into_s])
        exits.append([round(t["time_s"] / SECONDS_PER_BAR) for t in kept])
    return {
        "entries": entries,
        "exits": exits,
        "equity": metrics["equity"].tolist(),
        "sharpe": metrics["bar_sharpe"].tolist(),
        "drawdown": metrics["max_drawdown"].tolist(),
        "close_sum": float(market(bars).close.sum()),
    }


def time(fast: list[int], slow: list[int], bars: int) -> dict[str, Any]:
    """CPU seconds of a sweep with every metric."""
    market(bars)
    cpu_s, _ = timed(lambda: run(lean(), fast, slow, bars).metrics(MINUTES_PER_YEAR))
    return {"cpu_s": cpu_s}


def live(variants: int, count: int) -> dict[str, Any]:
    """CPU seconds of ticks folded in one by one, each a whole signal bar: averages, orders, stops.

    The tick's row is made beforehand, as the peer's tick objects are.
    """
    fast, slow = live_windows(variants)
    rng = np.random.default_rng(5)
    setup = Setup(
        load()["ma_crossover"],
        Rule(stop=True, take=True),
        Instrument(taker_fee=FEE_RATE, slippage=0.0),
        choices={"kind": "ema"},
    )
    knobs = {"fast": fast.astype(float), "slow": slow.astype(float)}
    risk = {
        "stop": rng.uniform(0.001, 0.005, variants),
        "take": rng.uniform(0.001, 0.008, variants),
    }
    batch = open_batch(setup, knobs, risk)
    price, _ = ticks(count)
    at_ns = np.arange(count, dtype=np.int64) * MINUTE_NS
    rows = rows_of(Bars(at_ns, price, price, price, price, np.ones(count)), MINUTE_NS, MINUTE_NS)
    singles = [rows.part(i, i + 1) for i in range(count)]
    device = Cpu(threads=1)
    device.advance(open_batch(setup, knobs, risk), singles[0])

    def all_ticks() -> None:
        for row in singles:
            device.advance(batch, row)

    cpu_s, _ = timed(all_ticks)
    return {"cpu_s": cpu_s, "trades": float(batch.cell("a_trades").sum())}


if __name__ == "__main__":
    serve({"check": check, "time": time, "live": live})
