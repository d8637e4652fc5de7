"""Words become variants, and what is wrong is said with the mend."""

from dataclasses import replace

import numpy as np
import pytest

from liveopt.core.account import Rule
from liveopt.optimize.parameters import (
    GRID_MAX,
    BadParameter,
    features,
    grid_variants,
    parse_fixed,
    parse_grid,
    random_variants,
    single,
)
from liveopt.strategies import load

STRATEGY = load()["ma_crossover"]


def test_a_range_includes_its_end() -> None:
    assert parse_grid(STRATEGY, "fast=5:20:5")["fast"] == [5.0, 10.0, 15.0, 20.0]


def test_a_range_stops_before_an_end_it_does_not_meet() -> None:
    assert parse_grid(STRATEGY, "fast=5:19:5")["fast"] == [5.0, 10.0, 15.0]


def test_a_range_without_a_step_goes_by_one() -> None:
    assert parse_grid(STRATEGY, "fast=5:7")["fast"] == [5.0, 6.0, 7.0]


def test_decimal_steps_do_not_drift() -> None:
    assert parse_grid(STRATEGY, "stop=0.01:0.05:0.01")["stop"] == [0.01, 0.02, 0.03, 0.04, 0.05]


def test_a_grid_takes_lists_of_numbers_and_of_words() -> None:
    grid = parse_grid(STRATEGY, "fast=5|9, kind=ema|wma")
    assert grid == {"fast": [5.0, 9.0], "kind": ["ema", "wma"]}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the grid is empty"),
        ("fast", "not name=start:end:step"),
        ("fast=5:6,fast=7:8", "stands twice"),
        ("fast=a:b:c", "not start:end:step"),
        ("fast=5:10:0", "not start:end:step"),
        ("fast=10:5:1", "does not lead from start to end"),
        ("fast=1:2:1:4", "does not lead"),
        ("fats=5:10:1", "did you mean fast"),
        ("zzz=5", "it has "),
        ("fast=5.5", "whole number"),
        ("fast=1:5:1", "outside its range 2 to 200"),
        ("fast=x", "is not a number"),
        ("fast=5|6|5.0", "fast=5 stands twice"),
        ("kind=ema|ema", "kind=ema stands twice"),
        ("kind=lma", "one of ema, sma, wma"),
    ],
)
def test_a_grid_that_makes_no_sense_says_so(text: str, complaint: str) -> None:
    with pytest.raises(BadParameter, match=complaint):
        parse_grid(STRATEGY, text)


def test_a_fixed_value_needs_its_name() -> None:
    with pytest.raises(BadParameter, match="not name=value"):
        parse_fixed(STRATEGY, ["12"])


def test_a_grid_makes_every_combination_once_and_counts_the_forbidden() -> None:
    (batch,) = grid_variants(STRATEGY, parse_grid(STRATEGY, "fast=5:30:5,slow=10:20:10"), {})
    pairs = set(zip(batch.knobs["fast"], batch.knobs["slow"], strict=True))
    assert pairs == {(5, 10), (5, 20), (10, 20), (15, 20)}
    assert len(batch) == 4
    assert batch.invalid == 12 - 4


def test_every_combination_of_choices_is_a_batch_of_its_own() -> None:
    batches = list(grid_variants(STRATEGY, parse_grid(STRATEGY, "fast=5:6,kind=ema|sma"), {}))
    assert [b.choices for b in batches] == [{"kind": "ema"}, {"kind": "sma"}]
    assert batches[1].parameters(1) == {"kind": "sma", "fast": 6.0, "slow": 26.0}


def test_a_parameter_is_fixed_or_in_the_grid_not_both() -> None:
    with pytest.raises(BadParameter, match="both fixed and in the grid"):
        list(grid_variants(STRATEGY, {"fast": [5.0]}, {"fast": 6.0}))


def test_a_grid_beyond_all_measure_is_refused_before_it_is_built() -> None:
    grid: dict[str, list[float | str]] = {"fast": [5.0] * 10_000, "slow": [30.0] * 10_000}
    with pytest.raises(BadParameter, match="100,000,000 combinations"):
        list(grid_variants(STRATEGY, grid, {}))


def test_random_draws_are_as_many_as_asked_valid_and_repeatable() -> None:
    first, second = (list(random_variants(STRATEGY, 100, 7, {})) for _ in range(2))
    assert sum(map(len, first)) == 100
    for one, two in zip(first, second, strict=True):
        assert one.choices == two.choices
        assert np.array_equal(one.knobs["fast"], two.knobs["fast"])
        assert np.all(one.knobs["fast"] < one.knobs["slow"])
        assert np.all(one.knobs["fast"] == np.floor(one.knobs["fast"]))
    other = list(random_variants(STRATEGY, 100, 8, {}))
    assert not np.array_equal(first[0].knobs["fast"], other[0].knobs["fast"])


def test_random_draws_leave_alone_what_is_fixed() -> None:
    (batch,) = random_variants(STRATEGY, 10, 1, {"kind": "ema", "slow": 50.0, "stop": 0.02})
    assert np.all(batch.knobs["slow"] == 50.0)
    assert np.all(batch.risk["stop"] == 0.02)


def test_fewer_draws_than_choices_leave_choices_out() -> None:
    assert [len(b) for b in random_variants(STRATEGY, 2, 1, {})] == [1, 1]


def test_draws_that_cannot_be_valid_end_with_an_explanation() -> None:
    with pytest.raises(BadParameter, match="fast < slow"):
        list(random_variants(replace(STRATEGY, valid=lambda k: k["fast"] < 0), 3, 1, {}))


def test_a_search_that_hardly_finds_anything_gives_up() -> None:
    hard = replace(STRATEGY, valid=lambda k: np.arange(len(k["fast"])) < 1)
    with pytest.raises(BadParameter, match="too few draws"):
        list(random_variants(hard, 10_000, 1, {}))


def test_a_rare_draw_is_found_all_the_same() -> None:
    rare = replace(STRATEGY, valid=lambda k: (k["fast"] == 7) & (k["slow"] == 11))
    assert sum(map(len, random_variants(rare, 6, 1, {}))) == 6


def test_nothing_left_to_draw_is_refused() -> None:
    with pytest.raises(BadParameter, match="nothing is left to draw"):
        list(random_variants(STRATEGY, 3, 1, {"kind": "ema", "fast": 5.0, "slow": 30.0}))


def test_too_many_draws_are_refused_at_once() -> None:
    with pytest.raises(BadParameter, match="2,000,001 draws are more than 2,000,000"):
        list(random_variants(STRATEGY, GRID_MAX + 1, 1, {}))


def test_a_value_is_set_once() -> None:
    with pytest.raises(BadParameter, match="fast is set twice"):
        parse_fixed(STRATEGY, ["fast=5", "fast=6"])


def test_one_variant_takes_usual_values_for_what_is_not_said() -> None:
    assert single(STRATEGY, {"fast": 9.0}).parameters(0) == {
        "kind": "ema",
        "fast": 9.0,
        "slow": 26.0,
    }


def test_one_variant_that_breaks_the_rule_is_refused() -> None:
    with pytest.raises(BadParameter, match="fast < slow"):
        single(STRATEGY, {"fast": 30.0})


def test_naming_a_risk_parameter_switches_its_feature_on() -> None:
    rule = features(Rule(), {"stop", "trail", "arm"})
    assert (rule.stop, rule.take, rule.trail, rule.min_hold, rule.max_hold) == (
        True,
        False,
        True,
        False,
        False,
    )


def test_arm_without_a_trailing_stop_is_refused() -> None:
    with pytest.raises(BadParameter, match="give trail as well"):
        features(Rule(), {"arm"})
