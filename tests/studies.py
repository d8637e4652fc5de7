"""Candles and plans for the tests of studies."""

from pathlib import Path

import msgspec
import numpy as np

from liveopt.core.account import Rule
from liveopt.core.bars import Bars
from liveopt.core.instrument import Instrument
from liveopt.engine.batch import Setup
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import Run
from liveopt.engine.rows import rows_of
from liveopt.optimize.studies.crew import Crew
from liveopt.optimize.studies.plan import Data, Plan, Span, Trading
from liveopt.strategies import load

MINUTE_NS = 60_000_000_000
YEAR = 365 * 24 * 60.0


def candles(count: int, seed: int = 1, swing: float = 0.0) -> Bars:
    """A walk of prices; with a swing, a wave goes through it that crossings can ride."""
    rng = np.random.default_rng(seed)
    wave = swing * np.sin(np.arange(count) / 40.0)
    close = 100.0 * np.exp(
        np.cumsum(rng.normal(0.0, 0.001, count)) * (0.2 if swing else 1.0) + wave
    )
    opened = np.concatenate([[100.0], close[:-1]])
    return Bars(
        1_700_000_040_000_000_000 + np.arange(count, dtype=np.int64) * MINUTE_NS,
        opened,
        np.maximum(opened, close) * 1.0002,
        np.minimum(opened, close) * 0.9998,
        close,
        np.ones(count),
    )


def run_of(bars: Bars, fee: float = 0.0005) -> Run:
    """A spot run of `ma_crossover`."""
    costs = Instrument(taker_fee=fee, maker_fee=fee, slippage=0.2 * fee)
    setup = Setup(load()["ma_crossover"], Rule(), costs, pessimistic=True)
    return Run(setup, rows_of(bars, MINUTE_NS, MINUTE_NS), YEAR)


def crew_of(bars: Bars, fee: float = 0.0005) -> Crew:
    """Who evaluates in the test's own process."""
    return Crew(run_of(bars, fee), Cpu(1), 1 << 28, None, 0)


def plan_of(**changes: object) -> Plan:
    """A small study of `ma_crossover`."""
    plan = Plan(
        strategy="ma_crossover", data=Data("candles.csv", None, None, None, "hash"),
        trading=Trading("spot", "long", "fraction", False, 0.0, 0.0, 0.0, 0.0, 0.0, 1e4, None,
                        None, None),
        fixed={"kind": "ema", "fraction": 1.0},
        ranges={"fast": Span(2.0, 30.0, 1.0), "slow": Span(5.0, 60.0, 1.0)},
        algorithm="de", terms={"population": 16}, evals=120, objectives=["roi"], constraints=[],
        folds=2, kind="anchored", embargo=20, seed=3, timeout_s=0.0, trials_before=0, code="test",
    )  # fmt: skip
    return msgspec.structs.replace(plan, **changes)


def write_csv(path: Path, bars: Bars) -> Path:
    """The candles as a file."""
    lines = ["time,open,high,low,close,volume"]
    lines += [
        ",".join(map(repr, (int(t) // 1_000_000_000, *map(float, row))))
        for t, *row in zip(bars.at_ns, *bars.floats(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
