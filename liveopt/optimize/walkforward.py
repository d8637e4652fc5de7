"""Walk-forward: search on a part of the past, test on what came after it, go on.

train, embargo, test; the next test begins where the last one ended. The tests side by side are the
stitched curve: what the procedure, not one set of parameters, would have made. Each fold begins
with the capital anew; a position that is open at a part's end counts at its last price.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from liveopt.core.metrics import summarise
from liveopt.core.strategy import Strategy
from liveopt.engine.batch import Batch, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import Run
from liveopt.engine.program import SIGNAL
from liveopt.engine.rows import Rows
from liveopt.optimize.objective import enriched
from liveopt.optimize.parameters import BadParameter, Variants

Array = npt.NDArray[np.float64]
Kind = Literal["anchored", "rolling"]
TRAIN_LEAST: Final = 50
TEST_LEAST: Final = 20
ADDED: Final = (
    *("trades", "wins", "gained", "lost", "roi_sum", "roi_squares", "fees", "refused"),
    *("returns", "return_squares", "loss_squares", "bars_in"),
)
"""Sums that add up over the folds."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Signal bars: train from `first` to before `last`, test from `begin` to before `end`."""

    first: int
    last: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Tested:
    """One variant over a test: the sums of each account, and the returns of its signal bars."""

    sums: list[dict[str, float]]
    returns: list[Array]
    bars: int


def folds(bars: int, count: int, kind: Kind, embargo: int) -> list[Fold]:
    """So many tests of equal length at the end of the bars; the first train has what is before.

    A test is the bars over folds + 2. Rolling trains are all as long as the first.
    """
    length = bars // (count + 2)
    first = bars - count * length
    if length < TEST_LEAST or first - embargo < TRAIN_LEAST:
        raise BadParameter(
            f"{bars} signal bars are too few for {count} folds with an embargo of {embargo}:"
            f" give more data, fewer --folds or a shorter --embargo"
        )
    return [
        Fold(
            first=number * length if kind == "rolling" else 0,
            last=first + number * length - embargo,
            begin=first + number * length,
            end=first + (number + 1) * length,
        )
        for number in range(count)
    ]


def usual_embargo(lookback: float, hold_bars: float, bars: int, count: int) -> tuple[int, str]:
    """The longest look-back and holding time; shortened, with a note, on little data."""
    wanted = int(np.ceil(lookback + hold_bars))
    most = bars // (count + 2) // 2
    if wanted <= most:
        return wanted, ""
    return most, f"embargo of {most} signal bars, not {wanted}: the data is too short for more"


def longest_lookback(strategy: Strategy, variants: Sequence[Variants]) -> float:
    """Signal bars that the slowest of these needs before its first decision."""
    most = 0.0
    for one in variants:
        full = {**one.knobs, **strategy.derive(one.knobs)}
        most = max(most, float(np.max(strategy.warmup(full))))
    return most


def ends(rows: Rows) -> npt.NDArray[np.int64]:
    """The row after each signal bar's close; first of all 0."""
    return np.concatenate([[0], np.flatnonzero(rows.kinds & SIGNAL) + 1]).astype(np.int64)


def span(rows: Rows, first: int, last: int) -> Rows:
    """The rows of the signal bars from `first` to before `last`."""
    at = ends(rows)
    return rows.part(int(at[first]), int(at[last]))


def quiet(rows: Rows) -> Rows:
    """The same rows with nothing to trade in them: strategies learn, nobody buys."""
    heard = (rows.kinds & SIGNAL) != 0
    return Rows(np.ascontiguousarray(rows.table[heard]), rows.kinds[heard] & np.uint8(SIGNAL))


def examine(run: Run, variants: Variants, fold: Fold) -> list[Tested]:
    """Each variant over the test part, its strategy warmed by all bars before; it begins flat."""
    setup = replace(run.setup, choices=variants.choices)
    batch = open_batch(setup, variants.knobs, variants.risk)
    device = Cpu(1)
    device.advance(batch, quiet(span(run.rows, 0, fold.begin)))
    forget_orders(batch)
    batch.before = batch.signals
    at = ends(run.rows)[fold.begin : fold.end + 1]
    count = 1 + setup.pessimistic
    equity = np.empty((count, len(at), batch.size))
    for i, end in enumerate(at.tolist()):
        if i:
            device.advance(batch, run.rows.part(int(at[i - 1]), end))
        for account in range(count):
            equity[account, i] = batch.cell(f"{'pq'[account]}_equity")
    returns_ = equity[:, 1:] / equity[:, :-1] - 1.0
    return [
        Tested(
            [_sums(batch, account, n) for account in range(count)],
            [returns_[account, :, n] for account in range(count)],
            fold.end - fold.begin,
        )
        for n in range(batch.size)
    ]


def forget_orders(batch: Batch) -> None:
    """What was wanted while nobody could trade is not wanted any more."""
    for name in ("a_want", "a_queue", "b_want", "b_queue"):
        if name in batch.program.state:
            batch.put(name, np.arange(batch.size), 0.0)


def stitched(
    tests: Sequence[Tested], account: int, capital: float, periods_per_year: float
) -> dict[str, float]:
    """The metrics of all tests as one run."""
    parts = [one.sums[account] for one in tests]
    rows = {name: sum(p[name] for p in parts) for name in ADDED}
    curve = np.cumprod(np.concatenate([[1.0], 1.0 + np.concatenate(_returns(tests, account))]))
    fall = float(np.max(1.0 - curve / np.maximum.accumulate(curve)))
    rows["drawdown"] = max(fall, *(p["drawdown"] for p in parts))
    rows["losing_most"] = max(p["losing_most"] for p in parts)
    rows["equity"] = capital * float(np.prod([p["equity"] / capital for p in parts]))
    bars = float(sum(one.bars for one in tests))
    columns = {name: np.array([value]) for name, value in rows.items()}
    with np.errstate(all="ignore"):
        found: dict[str, Any] = summarise(columns, bars, capital, periods_per_year, np)
    full = enriched(found, bars / periods_per_year)
    return {name: float(value[0]) for name, value in full.items()}


def returns(tests: Sequence[Tested], account: int) -> Array:
    """The returns of the stitched curve."""
    return np.concatenate(_returns(tests, account))


def _returns(tests: Sequence[Tested], account: int) -> list[Array]:
    return [one.returns[account] for one in tests]


def _sums(batch: Batch, account: int, variant: int) -> dict[str, float]:
    heads = ("a", "p") if account == 0 else ("b", "q")
    return {
        name.split("_", 1)[1]: float(batch.cell(name)[variant])
        for name in batch.program.state
        if name.split("_", 1)[0] in heads
    }
