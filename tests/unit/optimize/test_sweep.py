"""A sweep ranks what it ran, undefined last, and is the same however it is cut."""

import numpy as np

from liveopt.core.account import Rule
from liveopt.core.bars import MINUTE_NS
from liveopt.data.market import synthetic_bars
from liveopt.engine.batch import Setup
from liveopt.engine.cpu import Cpu
from liveopt.engine.device import MIB, Run
from liveopt.engine.rows import rows_of
from liveopt.optimize.parameters import grid_variants, parse_grid
from liveopt.optimize.sweep import ranking, sweep
from liveopt.strategies import load

STRATEGY = load()["ma_crossover"]
ROWS = rows_of(synthetic_bars(800, 5, MINUTE_NS, 0), MINUTE_NS, MINUTE_NS)
RUN = Run(Setup(STRATEGY, Rule()), ROWS, 525_600.0)


def test_the_best_comes_first_and_the_undefined_last() -> None:
    values = np.array([1.0, np.nan, 3.0, 2.0])
    assert list(ranking(values, "roi")) == [2, 3, 0, 1]
    assert list(ranking(values, "max_drawdown")) == [0, 3, 2, 1]


def test_equals_keep_their_order() -> None:
    assert list(ranking(np.array([1.0, 1.0, 1.0]), "roi")) == [0, 1, 2]


def test_a_sweep_keeps_the_best_over_all_choices() -> None:
    grid = parse_grid(STRATEGY, "fast=3:9:2,slow=10:40:10,kind=ema|sma|wma")
    heard: list[int] = []
    found = sweep(
        RUN, grid_variants(STRATEGY, grid, {}), (Cpu(1), 64 * MIB), ("roi", 5), heard.append
    )
    assert found.evaluated == 48
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
    assert (found.evaluated, found.invalid, found.top) == (0, 2, [])
