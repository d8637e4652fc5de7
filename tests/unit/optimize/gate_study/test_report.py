"""Rates, intervals and medians of runs; and a small study with a fixed seed that must hold."""

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.optimize.gate_study.crew import Found, cores, execute
from liveopt.optimize.gate_study.life import Life
from liveopt.optimize.gate_study.plan import Plan
from liveopt.optimize.gate_study.report import rate, summary, wilson
from liveopt.optimize.gate_study.trial import Trial


def test_wilson_s_interval_is_the_published_one() -> None:
    # Newcombe (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29
    for hits, runs, low, high in (
        (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718),
    ):  # fmt: skip
        assert wilson(hits, runs) == pytest.approx((low, high), abs=1e-4)
    assert wilson(0, 0) is None


@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_share_and_stays_within_nought_and_one(case: tuple[int, int]) -> None:
    hits, runs = case
    low, high = wilson(hits, runs) or (1.0, 0.0)
    assert 0.0 <= low <= hits / runs <= high <= 1.0


def test_no_runs_have_no_rate() -> None:
    assert rate("x", 0, 0) == {"x_rate": None, "x_interval": None}


def of(plan: Plan, found: Found) -> dict[str, Any]:
    return summary(plan, found)


def test_false_promotions_are_counted_by_run_and_by_correlation() -> None:
    never, early = {"gate": inf, "naive": 100.0}, {"gate": 100.0, "naive": 50.0, "stepm": inf}
    nulls = [Trial(early, {}, "worlds", 10), Trial(never, {}), Trial(never, {}), Trial(never, {})]
    null = of(Plan(rhos=(0.3, 0.9)), Found(nulls))["null"]
    assert null["gate_false_promotion_rate"] == 0.25
    assert null["naive_false_promotion_rate"] == 1.0
    assert null["stepm_runs"] == 1
    assert (null["gate_false_by_worlds"], null["gate_false_by_each"]) == (1, 0)
    assert null["by_rho"]["0.3"]["gate_false_promotion_rate"] == 0.5
    assert null["by_rho"]["0.9"]["gate_false_promotion_rate"] == 0.0
    assert null["variants_admitted"] == 10


def test_power_is_the_share_of_edges_found_and_the_median_is_over_all_of_them() -> None:
    false = {"gate": inf}
    found = [[100.0, inf], [300.0, 200.0], [inf, inf]]
    edges = [Trial(false, {"gate": bars, "oracle": [500.0, 500.0]}) for bars in found]
    edge = of(Plan(true=2), Found([], edges))["edge"]
    assert edge["gate_power"] == pytest.approx(0.5)
    assert edge["gate_any_power"] == pytest.approx(2 / 3)
    assert edge["oracle_power"] == 1.0
    assert edge["median_bars"] == inf  # shown as null: half of them were never found
    assert edge["first_median_bars"] == 200.0
    low, high = edge["gate_power_interval"]
    assert low == 0.0
    assert high == 1.0


@given(
    share=st.sampled_from((0.0, 0.5, 1.0)), runs=st.integers(1, 300),
    true=st.sampled_from((2, 4, 10)),
)  # fmt: skip
def test_runs_that_all_found_the_same_share_still_leave_a_doubt(
    share: float, runs: int, true: int
) -> None:
    there = int(share * true)
    bars = [100.0] * there + [inf] * (true - there)
    edges = [Trial({"gate": inf}, {"gate": bars})] * runs
    low, high = of(Plan(true=true), Found([], edges))["edge"]["gate_power_interval"]
    assert (low, high) == wilson(share * runs, runs)
    assert low < high
    assert low <= share <= high


def test_lives_are_rates_of_those_promoted_with_an_edge() -> None:
    lives = [
        Life(inf), Life(900.0, False), Life(700.0, True, demotion=300.0, warning=100.0),
        Life(600.0, True, demotion=500.0), Life(500.0, True, false_demotion=50.0, rival=40.0),
    ]  # fmt: skip
    found = of(Plan(), Found([], [], lives))["life"]
    assert (found["runs"], found["promoted"], found["promoted_true"]) == (5, 4, 3)
    assert found["false_demotion_rate"] == pytest.approx(1 / 3)
    assert found["second_promotion_rate"] == pytest.approx(1 / 3)
    assert found["false_warning_rate"] == 0.0
    assert found["detection_rate"] == 1.0
    assert found["detection_median_bars"] == 400.0
    assert found["warning_median_bars"] == 300.0
    nobody = of(Plan(), Found([], [], [Life(inf)]))["life"]
    assert nobody["detection_rate"] is None


def test_a_small_study_holds_what_the_gate_promises() -> None:
    # 150 runs at 5 %: more than 15 false ones have a chance of 1 in 1,000
    plan = Plan(variants=30, bars=2_000, rhos=(0.5,), edge=0.1, nulls=150, edges=60, stepm=0)
    found = summary(plan, execute(plan, cores(), lambda _: None))
    assert found["null"]["gate_false_promotion_rate"] <= 0.10
    assert found["null"]["naive_false_promotion_rate"] >= 0.70
    assert found["edge"]["gate_power"] >= 0.70
    assert found["edge"]["oracle_power"] >= found["edge"]["gate_power"]
    assert found["edge"]["median_bars"] < 2_000.0
