"""A sweep ranks what it ran, undefined last, and is the same however it is cut."""

import math

import numpy as np
import pytest

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.core.score import LOW_IS_GOOD, SCORES
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Setup
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import MIB, Run
from liveopt.engine.rows import rows_of
from liveopt.optimize.assurance import Trials
from liveopt.optimize.parameters import grid_variants, parse_grid
from liveopt.optimize.sweep import Sweep, sweep
from liveopt.strategies import load

STRATEGY = load()["ma_crossover"]
ROWS = rows_of(synthetic_bars(560, 5, MINUTE_NS, 0), MINUTE_NS, MINUTE_NS)
RUN = Run(Setup(STRATEGY, Rule()), ROWS, 525_600.0)


def swept(grid: str, by: str, keep: int) -> Sweep:
    variants = grid_variants(STRATEGY, parse_grid(STRATEGY, grid), {})
    return sweep(RUN, variants, (Cpu(1), 64 * MIB), (by, keep))


@pytest.mark.parametrize("by", ["classic", "profit_factor", "max_drawdown", "avg_win"])
def test_the_best_comes_first_and_the_undefined_last(by: str) -> None:
    found = swept("fast=3:9:2,slow=10:310:100,kind=ema|sma", by, 99)
    scores = [r.score for r in found.top]
    defined = [s for s in scores if not math.isnan(s)]
    assert scores[: len(defined)] == sorted(defined, reverse=True)
    assert all(math.isnan(s) for s in scores[len(defined) :])
    if by in LOW_IS_GOOD:
        assert [-r.metrics[by] for r in found.top] == scores


def test_what_ranks_is_the_score_of_the_metrics_that_are_shown() -> None:
    for one in swept("fast=3:9:2,slow=10:40:10", "classic", 9).top:
        assert one.score == float(SCORES["classic"].of(one.metrics, np))


def test_equals_keep_their_order() -> None:
    found = swept("fast=3:9:2,slow=570|590", "trades", 99)
    assert [r.score for r in found.top] == [0.0] * 8
    pairs = [(r.parameters["fast"], r.parameters["slow"]) for r in found.top]
    assert pairs == sorted(pairs)


def test_trials_are_all_that_was_evaluated_and_the_spread_of_those_with_a_ratio() -> None:
    found = swept("fast=3:9:2,slow=10|40|590,kind=ema|sma", "roi", 99)
    ratios = np.array([r.metrics["bar_sharpe"] for r in found.top])
    defined = ratios[~np.isnan(ratios)]
    assert 0 < len(defined) < len(ratios) == found.trials.count == 24
    assert found.trials.deviation == pytest.approx(defined.std(ddof=1))


def test_a_single_trial_has_no_spread() -> None:
    assert swept("fast=5,slow=20", "roi", 1).trials == Trials(1, 0.0)


def test_a_sweep_keeps_the_best_over_all_choices() -> None:
    grid = parse_grid(STRATEGY, "fast=3:9:2,slow=10:40:10,kind=ema|sma|wma")
    heard: list[int] = []
    found = sweep(
        RUN, grid_variants(STRATEGY, grid, {}), (Cpu(1), 64 * MIB), ("roi", 5), heard.append
    )
    assert found.trials.count == 48
    assert found.invalid == 0
    assert sum(heard) == 48 * len(ROWS)
    rois = [r.metrics["roi"] for r in found.top]
    assert rois == sorted(rois, reverse=True)
    every = sweep(RUN, grid_variants(STRATEGY, grid, {}), (Cpu(1), 64 * MIB), ("roi", 48))
    assert every.top[:5] == found.top
    assert len({tuple(r.parameters.items()) for r in every.top}) == 48


def test_a_batch_without_valid_variants_is_counted_and_passed_over() -> None:
    grid = parse_grid(STRATEGY, "fast=30:40:10,slow=20")
    found = sweep(RUN, grid_variants(STRATEGY, grid, {}), (Cpu(1), 64 * MIB), ("roi", 5))
    assert (found.trials, found.invalid, found.top) == (Trials(0, 0.0), 2, [])
