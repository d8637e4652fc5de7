"""One number ranks: what the classic score is made of, and the order it brings."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.metrics import METRICS
from liveopt.core.score import LOW_IS_GOOD, SCORES, YEARLY, ranking

NAN = math.nan
PARTS = {"roi": 0.30, "trade_sharpe": 0.35, "win_rate": 0.20, "max_drawdown": 0.15}
BEST = {"roi": 0.20, "trade_sharpe": 3.0 / YEARLY, "win_rate": 1.0, "max_drawdown": 0.0}
WORST = {"roi": 0.0, "trade_sharpe": 0.0, "win_rate": 0.0, "max_drawdown": 0.20}

numbers = st.floats(-1e9, 1e9) | st.just(NAN)
several = st.lists(st.floats() | st.just(NAN), max_size=30)


def classic(metrics: Mapping[str, Any]) -> float:
    return float(SCORES["classic"].of(metrics, np))


def test_the_classic_score_of_the_known_case() -> None:
    known = {"roi": 0.10, "trade_sharpe": 2.0 / YEARLY, "win_rate": 0.60, "max_drawdown": 0.05}
    assert classic(known) == pytest.approx(0.615833, abs=5e-7)


@pytest.mark.parametrize("name", PARTS)
def test_each_part_of_the_classic_score_weighs_what_it_says(name: str) -> None:
    assert classic(WORST | {name: BEST[name]}) == pytest.approx(PARTS[name])
    assert classic(BEST | {name: WORST[name]}) == pytest.approx(1.0 - PARTS[name])


@pytest.mark.parametrize("name", ["roi", "trade_sharpe", "max_drawdown"])
def test_a_part_counts_no_more_than_full_and_no_less_than_nought(name: str) -> None:
    better, worse = (-1.0, 1.0) if name in LOW_IS_GOOD else (1.0, -1.0)
    assert classic(BEST | {name: BEST[name] + better}) == classic(BEST)
    assert classic(WORST | {name: WORST[name] + worse}) == classic(WORST)


def test_without_a_known_fall_the_classic_score_takes_none() -> None:
    assert classic(BEST | {"max_drawdown": NAN}) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["roi", "trade_sharpe", "win_rate"])
def test_the_classic_score_is_undefined_where_a_metric_is(name: str) -> None:
    assert math.isnan(classic(BEST | {name: NAN}))


@given(st.fixed_dictionaries(dict.fromkeys(PARTS, numbers)))
def test_the_classic_score_lies_between_nought_and_one(metrics: dict[str, float]) -> None:
    found = classic(metrics)
    undefined = any(math.isnan(v) for n, v in metrics.items() if n != "max_drawdown")
    assert math.isnan(found) if undefined else 0.0 <= found <= 1.0 + 1e-15


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(PARTS, numbers)), min_size=1, max_size=20))
def test_many_are_scored_as_each_alone(metrics: list[dict[str, float]]) -> None:
    together = {name: np.array([m[name] for m in metrics]) for name in PARTS}
    for name in ("classic", "roi", "max_drawdown"):
        alone = [float(SCORES[name].of(m, np)) for m in metrics]
        np.testing.assert_array_equal(SCORES[name].of(together, np), alone)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_a_score_and_the_better_value_has_the_higher(name: str) -> None:
    values = np.array([1.0, 2.0, NAN])
    better = SCORES[name].of({name: values}, np)
    assert np.isnan(better[2])
    assert (better[1] > better[0]) == (name not in LOW_IS_GOOD)


def test_less_is_better_only_of_what_is_a_metric() -> None:
    assert METRICS.keys() > LOW_IS_GOOD


@given(several)
def test_a_ranking_falls_and_ends_with_the_undefined(scores: list[float]) -> None:
    places = ranking(np.array(scores, float), np).tolist()
    assert sorted(places) == list(range(len(scores)))
    ranked = [scores[i] for i in places]
    defined = [s for s in ranked if not math.isnan(s)]
    assert defined == sorted(defined, reverse=True)
    assert all(math.isnan(s) for s in ranked[len(defined) :])


@given(st.lists(st.sampled_from([0.0, 1.0, -math.inf, NAN]), max_size=30))
def test_equals_stay_in_order(scores: list[float]) -> None:
    places = ranking(np.array(scores, float), np).tolist()
    for value in (0.0, 1.0, -math.inf):
        among = [i for i in places if scores[i] == value]
        assert among == sorted(among)
    undefined = [i for i in places if math.isnan(scores[i])]
    assert undefined == sorted(undefined)


def test_the_worst_possible_score_still_ranks_before_an_undefined_one() -> None:
    assert ranking(np.array([NAN, -math.inf, 0.0]), np).tolist() == [2, 1, 0]
