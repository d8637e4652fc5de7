"""How sure the figures of chosen variants are: they are run again, trades and returns kept.

By the fold law the second run is the first one. Draws are seeded, and a variant's do not depend on
which others are looked at: two runs say the same, and a sweep says what a back-test says.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.core.strategy import Strategy
from liveopt.engine.batch import Batch, open_batch
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import Run
from liveopt.engine.program import LANES, LOG_SIDE, LOGGED, SIGNAL
from liveopt.engine.rows import Rows
from liveopt.optimize.parameters import Variants
from liveopt.stats import sharpe
from liveopt.stats.bootstrap import confidence

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Parameters = dict[str, float | str]

RESAMPLES: Final = 1_000
DRAWN: Final = 10
"""Resamples drawn at a time: a million trades then take 80 MB a table."""
SEED: Final = 20_140_704
LEVEL: Final = 0.95
RETURNS_MOST: Final = 50_000
"""More bars than this are taken several at a time: stepping each alone costs 6 us."""
TOLD_ROWS: Final = 5_000
"""Progress is heard of so seldom: to show it takes longer than a row."""
LINES_MOST: Final = 1_000_000
"""Trades remembered at a time, all variants looked at together."""

ASSURANCE: Final[dict[str, str]] = {
    "confidence": "share of 1,000 resampled means of the trades' returns that are above zero",
    "sharpe_low": "lower end of the 95 % interval of the annual Sharpe ratio",
    "sharpe_high": "upper end of the 95 % interval of the annual Sharpe ratio",
    "psr": "probability that the true Sharpe ratio is above zero, had nothing else been tried",
    "dsr": "probability that the true Sharpe ratio is above the best to expect of so many by luck",
}
"""What is said of a variant, and its meaning; undefined is NaN, `dsr` is for chosen ones only."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What the chosen were chosen from."""

    count: int
    deviation: float
    """Of their annual Sharpe ratios."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often equity is looked at: rows done at the end of every so many signal bars."""

    ends: Indices
    bars: int

    def scale(self, periods_per_year: float) -> float:
        """What makes a Sharpe ratio of such returns an annual one."""
        return math.sqrt(periods_per_year / self.bars)


def pace(rows: Rows) -> Pace:
    """Every signal bar, or every so many of them that there are not too many returns."""
    closes = np.flatnonzero(rows.kinds & SIGNAL) + 1
    bars = max(1, -(-len(closes) // RETURNS_MOST))
    return Pace(closes[bars - 1 :: bars], bars)


def assure(
    run: Run,
    chosen: Sequence[tuple[Parameters, int]],
    trials: Trials,
    progress: Callable[[int], None] = lambda _: None,
) -> list[dict[str, float]]:
    """What `ASSURANCE` lists for each of the chosen: its parameters, and how many trades it made.

    `progress` hears of variant-bars done.
    """
    found: list[dict[str, float]] = [{} for _ in chosen]
    looks = pace(run.rows)
    ends = _with_end(looks.ends, run.rows)
    for group in _groups(run.setup.strategy, chosen):
        variants = _variants(run.setup.strategy, [chosen[i][0] for i in group])
        lines = max(1, sum(chosen[i][1] for i in group))
        setup = replace(run.setup, choices=variants.choices, log_trades=lines)
        batch = open_batch(setup, variants.knobs, variants.risk)
        equity = fold(batch, run.rows, ends, progress)[: len(looks.ends)]
        said = say(batch, equity, (looks, run.periods_per_year), trials)
        for place, i in enumerate(group):
            found[i] = {name: float(values[place]) for name, values in said.items()}
    return found


def fold(
    batch: Batch, rows: Rows, ends: Indices, progress: Callable[[int], None] = lambda _: None
) -> Array:
    """Advance a batch in pieces that end after so many rows; its equity after each [end, N]."""
    device, first, told = Cpu(1), 0, 0
    equity = np.empty((len(ends), batch.size))
    for i, last in enumerate(ends.tolist()):
        device.advance(batch, rows.part(first, last))
        equity[i] = batch.cell("p_equity")
        first = last
        if last - told >= TOLD_ROWS or last == ends[-1]:
            progress((last - told) * batch.size)
            told = last
    return equity


def say(
    batch: Batch, equity: Array, paced: tuple[Pace, float], trials: Trials | None = None
) -> dict[str, Array]:
    """What `ASSURANCE` lists for each variant of a batch with its trades kept.

    `equity` [n, N] is what it had at the pace's ends; the pace comes with the signal bars of a
    year. `dsr` is left out of what was not chosen from `trials`.
    """
    looks, periods_per_year = paced
    scale = looks.scale(periods_per_year)
    seen = _tracks(equity, batch.setup.capital)
    low, high = sharpe.interval(seen, LEVEL)
    said = {
        "confidence": resampled(*trade_returns(batch)),
        "sharpe_low": low * scale,
        "sharpe_high": high * scale,
        "psr": sharpe.probabilistic(seen),
    }
    if trials is not None:
        said["dsr"] = sharpe.deflated(seen, trials.count, trials.deviation / scale)
    return said


def _tracks(equity: Array, capital: float) -> sharpe.Track:
    """The track of each course [n, N], added up alone: sums over many depend on how many there are.

    It also takes the memory of one.
    """
    courses = (np.concatenate([[capital], equity[:, i]]) for i in range(equity.shape[1]))
    each = [sharpe.track(course[1:] / course[:-1] - 1.0) for course in courses]
    return sharpe.Track(*(np.array(values) for values in zip(*each, strict=True)))


def resampled(returns: Array, lengths: Indices) -> Array:
    """Share of resampled means above zero of each variant's first so many returns [most, N].

    Efron (1979). Draw by draw, the draws for a shorter list are those for a longer one.
    """
    above = np.zeros(len(lengths))
    for part in range(RESAMPLES // DRAWN):
        rng = np.random.default_rng((SEED, part))
        above += confidence(returns, lengths, rng.random((len(returns), DRAWN)).T)
    share: Array = np.rint(above * DRAWN) / RESAMPLES
    return share


def trade_returns(batch: Batch) -> tuple[Array, Indices]:
    """The remembered trades' returns on margin, oldest first [most, N], and how many each has."""
    kept, column = batch.log.shape[1], 1 + LOGGED.index("a_roi")
    lists: list[Array] = []
    for block in range(len(batch.blocks)):
        count = int(batch.logged[block])
        lines = batch.log[block, np.arange(max(0, count - kept), count) % kept]
        lines = lines[lines[:, LOG_SIDE] == 0.0]
        owners = lines[:, 0]
        members = range(block * LANES, min((block + 1) * LANES, batch.size))
        lists += [lines[owners == variant, column] for variant in members]
    lengths = np.array([len(one) for one in lists], np.int64)
    returns = np.zeros((int(lengths.max()), len(lists)))
    for i, one in enumerate(lists):
        returns[: len(one), i] = one
    return returns, lengths


def _with_end(ends: Indices, rows: Rows) -> Indices:
    """The same, and the last row: what comes after the last look may close trades."""
    return np.union1d(ends, [len(rows)]).astype(np.int64)


def _groups(strategy: Strategy, chosen: Sequence[tuple[Parameters, int]]) -> Iterator[list[int]]:
    """Places of variants that share their choices, a block at most, and their trades fit."""
    alike: dict[tuple[float | str, ...], list[int]] = {}
    for i, (parameters, _) in enumerate(chosen):
        alike.setdefault(tuple(parameters[n] for n in strategy.choices), []).append(i)
    for places in alike.values():
        group: list[int] = []
        most = 0
        for i in places:
            widest = max(most, chosen[i][1])
            if group and (len(group) == LANES or widest * (len(group) + 1) > LINES_MOST):
                yield group
                group, widest = [], chosen[i][1]
            group.append(i)
            most = widest
        yield group


def _variants(strategy: Strategy, parameters: Sequence[Parameters]) -> Variants:
    """Variants of the same choices, one of each line of parameters."""
    first = parameters[0]
    columns = {
        n: np.array([float(p[n]) for p in parameters]) for n in first if n not in strategy.choices
    }
    return Variants(
        {n: str(first[n]) for n in strategy.choices},
        {n: v for n, v in columns.items() if n in strategy.knobs},
        {n: v for n, v in columns.items() if n not in strategy.knobs},
        0,
    )
