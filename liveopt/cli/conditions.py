"""What a run stood on, for its head and its JSON: the market, the costs, the data, the warm-up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from liveopt.cli.market import Source
from liveopt.cli.show import note, rounded, whole
from liveopt.core.strategy import Strategy
from liveopt.engine.batch import Setup
from liveopt.engine.program import SIGNAL
from liveopt.engine.rows import Rows

Array = npt.NDArray[np.float64]
COUNTS = ("trades", "longest_losing", "refused")


def conditions(setup: Setup, funding: float) -> dict[str, Any]:
    """Market, costs and capital as plain data; what only a perpetual has is null on spot."""
    rule, instrument = setup.rule, setup.instrument
    return {
        "market": rule.market,
        "sides": rule.sides,
        "sizing": rule.sizing,
        "market_targets": not rule.limit_targets,
        "taker_fee": instrument.taker_fee,
        "maker_fee": instrument.maker_fee,
        "slippage": instrument.slippage,
        "tick": instrument.tick,
        "lot": instrument.lot,
        "capital": setup.capital,
        "funding": funding if rule.perpetual else None,
        "maintenance": instrument.maintenance if rule.perpetual else None,
        "liquidation_fee": instrument.liquidation_fee if rule.perpetual else None,
    }


def head(setup: Setup, source: Source, fixed: Mapping[str, Any], funding: float) -> None:
    """Say what was run, on which market, at which costs and on which data."""
    facts = {n: v for n, v in conditions(setup, funding).items() if v is not None}
    market, sides, sizing = (facts.pop(n) for n in ("market", "sides", "sizing"))
    targets = ", targets are market orders" if facts.pop("market_targets") else ""
    facts = {n: v for n, v in facts.items() if v or n not in ("tick", "lot")}
    read = source.summary()
    note(f"{setup.strategy.name} {words(fixed)}".rstrip())
    note(f"{market}, {sides}, sized by {sizing}, {words(facts)}{targets}")
    every = f"bars of {read['interval_s']} s"
    if read["signal_s"] != read["interval_s"]:
        every += f", signals every {read['signal_s']} s"
    note(f"{read['bars']} {every}, {read['first']} to {read['last']}")


def words(values: Mapping[str, Any]) -> str:
    """Names and values in a line."""
    return " ".join(f"{n}={rounded(v)}" for n, v in values.items())


def parameters(strategy: Strategy, values: Mapping[str, Any]) -> dict[str, Any]:
    """A variant's parameters with whole knobs as integers."""
    return whole([n for n, k in strategy.knobs.items() if k.whole], values)


def metrics(values: Mapping[str, Any]) -> dict[str, Any]:
    """A variant's metrics with counts as integers."""
    return whole(COUNTS, values)


def warmup(strategy: Strategy, knobs: Mapping[str, Array]) -> Array:
    """Signal bars that each variant needs before its first decision."""
    size = len(next(iter(knobs.values())))
    full = {**knobs, **strategy.derive(knobs)}
    return np.broadcast_to(np.asarray(strategy.warmup(full), np.float64), (size,))


def signal_bars(rows: Rows) -> int:
    """Signal bars in the rows of a run."""
    return int(np.count_nonzero(rows.kinds & SIGNAL))
