"""What is trained on knows nothing of the test: the bars between are as long as any memory."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import MINUTE_NS
from liveopt.optimize.studies.embargo import embargo_of
from liveopt.optimize.studies.plan import Plan, Span
from liveopt.optimize.studies.space import groups, space_of, usual_ranges
from liveopt.optimize.walkforward import longest_lookback
from liveopt.strategies import load
from tests.studies import plan_of

MANY = 1_000_000
CROSSING = load()["ma_crossover"]


def own(plan: Plan, bars: int = MANY, minutes: int = 1) -> tuple[int, str]:
    """Of a plan."""
    return embargo_of(plan, load()[plan.strategy], bars, minutes * MINUTE_NS)


def test_it_is_the_longest_look_back_that_is_searched() -> None:
    assert own(plan_of()) == (61, "")  # the slowest average has 60 bars, and a crossing two
    wide = {"fast": Span(2.0, 30.0, 1.0), "slow": Span(5.0, 600.0, 1.0)}
    assert own(plan_of(ranges=wide)) == (601, "")


@pytest.mark.parametrize(("minutes", "wanted"), [(1, 60), (5, 12), (60, 1), (7, 9)])
def test_a_position_may_outlive_it_by_its_holding_time(minutes: int, wanted: int) -> None:
    base, _ = own(plan_of(), minutes=minutes)
    searched = plan_of(ranges=plan_of().ranges | {"max_hold": Span(600.0, 3_600.0, 1.0)})
    fixed = plan_of(fixed=plan_of().fixed | {"max_hold": 3_600.0})
    assert own(searched, minutes=minutes)[0] == base + wanted
    assert own(fixed, minutes=minutes)[0] == base + wanted


@given(seed=st.integers(0, 2**32 - 1), name=st.sampled_from(sorted(load())))
def test_nobody_who_can_be_found_looks_back_further(seed: int, name: str) -> None:
    strategy = load()[name]
    ranges: Any = usual_ranges(strategy, {})
    plan = plan_of(strategy=name, ranges=ranges, fixed={})
    space = space_of(strategy, ranges, {})
    batch = space.settle(space.sample(64, np.random.default_rng(seed)))
    look = longest_lookback(strategy, [v for _, v in groups(space, batch, strategy, {})])
    assert embargo_of(plan, strategy, MANY, MINUTE_NS)[0] >= look


@given(bars=st.integers(150, 5_000), folds=st.integers(1, 6))
def test_on_little_data_it_is_at_most_half_of_a_test_and_that_is_said(
    bars: int, folds: int
) -> None:
    embargo, said = own(plan_of(folds=folds), bars)
    most = bars // (folds + 2) // 2
    assert embargo == min(61, most)
    assert bool(said) == (most < 61)
    assert not said or str(most) in said
