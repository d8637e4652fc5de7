"""What is proposed of all that was found: what survives its test, the best first, none alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.core.account import RISK
from liveopt.core.strategy import Strategy
from liveopt.optimize.rounds.task import Finalist, Task
from liveopt.optimize.walkforward import Tested, stitched
from liveopt.promotion.admission import Backtest, admitted, distances
from liveopt.promotion.conditions import Condition, stopped_by
from liveopt.stats.sharpe import Track, deflated, spread_of_trials, track
from liveopt.walk.events import Proposal
from liveopt.walk.variant import Variant, group_key

Array = npt.NDArray[np.float64]
APART: Final = 0.05
"""Finalists of one study are so far from each other, a root mean square of shares of the ranges."""
ALIKE: Final = 0.95
"""Correlation of the returns in the test above which two are the same bet."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variant with its test."""

    variant: Variant
    strategy: Strategy
    in_sample: float
    tested: Tested

    @property
    def numbers(self) -> Array:
        """Its parameters that are numbers, by name."""
        own = self.variant.parameters
        return np.array([float(own[n]) for n in group_key(self.variant).numbers])

    @property
    def returns(self) -> Array:
        """Of the pessimistic account."""
        return self.tested.returns[1]


def distinct(places: Array, count: int) -> npt.NDArray[np.int64]:
    """The first of these rows of the unit cube that are not alike."""
    found: list[int] = []
    for n, place in enumerate(places):
        gaps = places[found] - place
        if not found or np.sqrt((gaps * gaps).mean(axis=1)).min() >= APART:
            found.append(n)
        if len(found) == count:
            break
    return np.array(found, np.int64)


def choose(
    task: Task,
    candidates: Sequence[Candidate],
    living: Sequence[Candidate],
    luck: tuple[int, float, int],
) -> tuple[tuple[Proposal, ...], tuple[Finalist, ...]]:
    """The proposals, and how every candidate was judged.

    `luck` is the number of trials, their deviation, and of how many that is known.
    """
    tests = [_backtest(one.tested, luck) for one in candidates]
    order = sorted(range(len(tests)), key=lambda n: -_or_least(tests[n].sharpe))
    taken: list[Candidate] = []
    proposals: list[Proposal] = []
    finalists: list[Finalist] = []
    for n in order:
        one, test = candidates[n], tests[n]
        conditions = _conditions(task, one, test, [*living, *taken])
        stops = stopped_by(conditions)
        if not stops and len(proposals) == task.effort.proposals:
            stops = ("others_are_better",)
        if not stops:
            taken.append(one)
            proposals.append(Proposal(one.variant, test))
        finalists.append(
            Finalist(one.variant, one.in_sample, test.sharpe, test.trades, conditions, stops)
        )
    return tuple(proposals), tuple(finalists)


def _backtest(tested: Tested, luck: tuple[int, float, int]) -> Backtest:
    """Of the account that did worse."""
    tracks = [track(returns) for returns in tested.returns]
    worse = min(tracks, key=lambda one: _or_least(float(one.sharpe)))
    sharpe, skewness, kurtosis = (
        float(v) if np.isfinite(v) else 0.0 for v in (worse.sharpe, worse.skewness, worse.kurtosis)
    )
    trades = int(min(sums["trades"] for sums in tested.sums))
    count, deviation, known = luck
    spread = spread_of_trials(deviation, known, tested.bars)
    return Backtest(tested.bars, trades, sharpe, skewness, kurtosis, count, spread)


def _conditions(
    task: Task, one: Candidate, test: Backtest, others: Sequence[Candidate]
) -> tuple[Condition, ...]:
    """Those of the run's own admission, and those that only a test can tell."""
    seen = Track(test.sharpe, test.bars, test.skewness, test.kurtosis)
    sure = float(deflated(seen, test.trials, test.trials_deviation))
    metrics = [stitched([one.tested], account, task.terms.capital, 1.0) for account in (0, 1)]
    roi = min(m["roi"] for m in metrics)
    fall = max(m["max_drawdown"] for m in metrics)
    alike = max((correlation(one.returns, other.returns) for other in others), default=0.0)
    return (
        *admitted(test, sure if np.isfinite(sure) else 0.0, _nearest(one, others)),
        Condition("no_profit", roi, 0.0, roi > 0.0),
        Condition("deep_fall", fall, task.terms.drawdown_limit, fall <= task.terms.drawdown_limit),
        Condition("same_bet", alike, ALIKE, alike <= ALIKE),
    )


def _nearest(one: Candidate, others: Sequence[Candidate]) -> float:
    """As the run will measure it: the least distance to one of the same kind; 1 of none."""
    key = group_key(one.variant)
    alike = [other.numbers for other in others if group_key(other.variant) == key]
    if not alike:
        return 1.0
    spans = {**one.strategy.knobs, **RISK}
    widths = np.array([spans[n].high - spans[n].low for n in key.numbers])
    return float(distances(one.numbers, np.array(alike), widths).min())


def correlation(ones: Array, others: Array) -> float:
    """Pearson's, of two series of one length; 0 where one of them never moves."""
    a, b = ones - ones.mean(), others - others.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0.0 else 0.0


def _or_least(value: float) -> float:
    return value if np.isfinite(value) else -np.inf
