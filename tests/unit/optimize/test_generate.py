"""Generated variants are valid, different, the seed's own, and where their method says."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from liveopt.core.strategy import Knob, Strategy
from liveopt.optimize.generate import (
    KNOB_CENTRES,
    METHODS,
    RISK_CENTRES,
    RISK_SPANS,
    generate,
    generate_mixed,
    mutate,
)
from liveopt.optimize.parameters import BadParameter
from liveopt.strategies import load
from liveopt.walk.variant import Variant, canonical, check_variant

ALL = load()
FUTURES, SPOT = "XBTUSDTM", "BTC-USDT"
every_strategy = pytest.mark.parametrize("strategy", ALL.values(), ids=ALL.keys())
every_method = pytest.mark.parametrize("method", METHODS)


def some(name: str = "ma_crossover", method: str = "random", count: int = 1) -> list[Variant]:
    return generate(ALL[name], method, count, 1, {}, FUTURES)


def number(variant: Variant, name: str) -> float:
    return float(variant.parameters[name])


@every_strategy
@every_method
def test_every_variant_passes_the_door_and_no_two_are_alike(
    strategy: Strategy, method: str
) -> None:
    found = generate(strategy, method, 100, 3, {}, FUTURES)
    assert 50 <= len(found) <= 100
    assert method == "grid" or len(found) == 100
    for variant in found:
        check_variant(variant, strategy)
    assert len({canonical(v.parameters) for v in found}) == len(found)
    assert len({v.id for v in found}) == len(found)
    assert {(v.origin, v.symbol, v.strategy) for v in found} == {(method, FUTURES, strategy.name)}


@every_method
def test_a_seed_gives_the_same_variants_again(method: str) -> None:
    strategy = ALL["rsi_reversion"]
    first = generate(strategy, method, 50, 5, {}, FUTURES)
    assert generate(strategy, method, 50, 5, {}, FUTURES) == first
    assert generate(strategy, method, 50, 6, {}, FUTURES) != first


@every_method
def test_spot_has_no_leverage(method: str) -> None:
    found = generate(ALL["supertrend"], method, 30, 1, {}, SPOT)
    assert {number(v, "leverage") for v in found} == {1.0}
    with pytest.raises(BadParameter, match="leverage is 1 on a spot market"):
        generate(ALL["supertrend"], method, 30, 1, {"leverage": 5.0}, SPOT)


@every_method
def test_what_is_fixed_is_the_same_in_all(method: str) -> None:
    fixed: dict[str, float | str] = {"fast": 9, "kind": "sma", "stop": 0.5, "trail": 0.2}
    for variant in generate(ALL["ma_crossover"], method, 40, 1, fixed, FUTURES):
        assert {n: variant.parameters[n] for n in fixed} == fixed


def test_a_random_draw_fills_the_whole_range_of_every_parameter() -> None:
    found = some("weighted_signal", count=2_000)
    for name, knob in {**ALL["weighted_signal"].knobs, **RISK_SPANS}.items():
        drawn = [number(v, name) for v in found]
        edge = 0.1 * (knob.high - knob.low)
        assert knob.low <= min(drawn) < knob.low + edge
        assert knob.high - edge < max(drawn) <= knob.high


def test_the_trailing_stop_keeps_half_of_the_profit_from_its_activation_on() -> None:
    for variant in some(count=20):
        assert number(variant, "trail") == 0.5 * number(variant, "arm")


def test_every_word_of_a_choice_is_drawn() -> None:
    assert {v.parameters["kind"] for v in some(count=60)} == {"ema", "sma", "wma"}


CONSERVATIVE = {
    "macd": 0.3, "rsi": 0.3, "volume_spike": 0.1, "trend": 0.25, "kdj": 0.05, "obv": 0.0,
    "strong_buy": 0.7, "moderate_buy": 0.5, "strong_sell": -0.7, "moderate_sell": -0.5,
    "stop": 0.05, "take": 0.08, "leverage": 5.0, "arm": 0.08, "min_hold": 120.0,
    "max_hold": 1800.0,
}  # fmt: skip
AGGRESSIVE = {
    "macd": 0.2, "rsi": 0.2, "volume_spike": 0.25, "trend": 0.15, "kdj": 0.15, "obv": 0.05,
    "strong_buy": 0.55, "moderate_buy": 0.35, "strong_sell": -0.55, "moderate_sell": -0.35,
    "stop": 0.12, "take": 0.15, "leverage": 15.0, "arm": 0.12, "min_hold": 30.0,
    "max_hold": 900.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "preset"), [("conservative", CONSERVATIVE), ("aggressive", AGGRESSIVE)]
)
def test_a_preset_comes_first_as_it_is_and_the_others_stay_near(
    method: str, preset: dict[str, float]
) -> None:
    first, *others = some("weighted_signal", method, 200)
    assert {n: first.parameters[n] for n in preset} == preset
    ranges = {**ALL["weighted_signal"].knobs, **RISK_SPANS}
    for name, centre in preset.items():
        reach = 0.1 * (ranges[name].high - ranges[name].low) + 1e-12
        drawn = [number(v, name) for v in others]
        assert max(abs(value - centre) for value in drawn) <= reach
        assert len(set(drawn)) > 1


@every_strategy
def test_conservative_windows_are_longer_than_usual_and_aggressive_ones_shorter(
    strategy: Strategy,
) -> None:
    calm = generate(strategy, "conservative", 60, 1, {}, FUTURES)
    quick = generate(strategy, "aggressive", 60, 1, {}, FUTURES)
    for name, knob in strategy.knobs.items():
        if knob.whole:
            assert all(knob.default <= number(v, name) <= 4.0 * knob.default for v in calm)
            assert all(knob.low <= number(v, name) <= knob.default for v in quick)
    assert max(number(v, "leverage") for v in calm) < min(number(v, "leverage") for v in quick)


def test_preset_centres_lie_within_the_ranges_they_are_drawn_from() -> None:
    for (name, _), centres in KNOB_CENTRES.items():
        assert centres.keys() == ALL[name].knobs.keys()
        assert all(
            ALL[name].knobs[n].low <= v <= ALL[name].knobs[n].high for n, v in centres.items()
        )
    for centres in RISK_CENTRES.values():
        assert centres.keys() == RISK_SPANS.keys()
        assert all(RISK_SPANS[n].low <= v <= RISK_SPANS[n].high for n, v in centres.items())


def test_a_grid_is_a_lattice_with_levels_dealt_evenly() -> None:
    found = some("stochastic", "grid", 100)
    levels = {n: len({v.parameters[n] for v in found}) for n in ALL["stochastic"].knobs}
    assert levels == {"window": 4, "smooth": 3, "signal": 2, "oversold": 2, "overbought": 2}
    assert len(found) == 96  # one level more for any of the others would be more than 100


def test_a_grid_has_a_lattice_for_each_combination_of_words() -> None:
    kinds = [v.parameters["kind"] for v in some("ma_crossover", "grid", 100)]
    assert {kind: kinds.count(kind) for kind in set(kinds)}.keys() == {"ema", "sma", "wma"}
    assert max(map(kinds.count, set(kinds))) - min(map(kinds.count, set(kinds))) <= 1


def test_a_grid_of_one_is_the_usual_variant() -> None:
    (only,) = some("macd", "grid", 1)
    assert {n: only.parameters[n] for n in ("fast", "slow", "signal", "stop", "leverage")} == {
        "fast": 12.0, "slow": 26.0, "signal": 9.0, "stop": 0.08, "leverage": 10.0,
    }  # fmt: skip


@given(st.integers(1, 500), st.sampled_from(sorted(ALL)))
def test_a_grid_never_has_more_than_was_asked_for(count: int, name: str) -> None:
    assert 1 <= len(some(name, "grid", count)) <= count


def test_a_grid_ends_when_a_knob_has_no_more_numbers() -> None:
    found = generate(ALL["obv_trend"], "grid", 1_000, 1, {}, FUTURES)
    assert sorted(number(v, "window") for v in found) == list(range(2, 401))


@pytest.mark.parametrize(
    ("method", "count", "fixed", "complaint"),
    [
        ("genetic", 5, {}, "no method 'genetic'; there are random, grid, conservative, aggressive"),
        ("random", 0, {}, "0 variants are not within 1 to 100,000"),
        ("random", 5, {"fats": 5.0}, "ma_crossover has no parameter 'fats'"),
        ("random", 5, {"fast": 500.0}, "fast=500 is not a whole number within 2 to 200"),
        ("random", 5, {"fast": "quick"}, "could not convert"),
        ("random", 5, {"kind": "hull"}, "kind is one of ema, sma, wma, not 'hull'"),
        ("random", 5, {"fast": 30.0, "slow": 20.0}, "only 0 of 5 .* satisfy fast < slow"),
        ("grid", 5, {"fast": 30.0, "slow": 20.0}, "no point of the grid satisfies fast < slow"),
    ],
)
def test_what_is_refused(
    method: str, count: int, fixed: dict[str, float | str], complaint: str
) -> None:
    with pytest.raises(BadParameter, match=complaint):
        generate(ALL["ma_crossover"], method, count, 1, fixed, FUTURES)


def test_more_variants_than_there_are_is_said() -> None:
    fixed = {n: k.default for n, k in RISK_SPANS.items()}
    with pytest.raises(BadParameter, match="only 399 of 1,000 different variants"):
        generate(ALL["obv_trend"], "random", 1_000, 1, fixed, FUTURES)


def test_several_strategies_share_the_count_evenly() -> None:
    three = [ALL["macd"], ALL["obv_trend"], ALL["supertrend"]]
    found = generate_mixed(three, "random", 11, 1, {"window": 30.0}, FUTURES)
    names = [v.strategy for v in found]
    assert [names.count(s.name) for s in three] == [4, 4, 3]
    assert {v.parameters.get("window") for v in found if v.strategy != "macd"} == {30.0}


def test_a_strategy_is_drawn_the_same_whoever_else_is_there() -> None:
    alone = generate_mixed([ALL["macd"]], "random", 5, 1, {}, FUTURES)
    beside = generate_mixed([ALL["obv_trend"], ALL["macd"]], "random", 10, 1, {}, FUTURES)
    assert beside[5:] == alone


def test_a_parameter_that_no_strategy_has_is_refused() -> None:
    with pytest.raises(BadParameter, match="none of these strategies has a parameter fast"):
        generate_mixed([ALL["obv_trend"], ALL["supertrend"]], "random", 4, 1, {"fast": 3.0}, SPOT)
    with pytest.raises(BadParameter, match="name one strategy"):
        generate_mixed([], "random", 4, 1, {}, SPOT)


@every_strategy
def test_a_mutation_is_valid_and_differs_and_says_whose_it_is(strategy: Strategy) -> None:
    (parent,) = generate(strategy, "random", 1, 1, {}, SPOT)
    for seed in range(30):
        child = mutate(parent, strategy, seed=seed)
        check_variant(child, strategy)
        assert child.parameters != parent.parameters
        assert child.parameters.keys() == parent.parameters.keys()
        assert child.origin == f"mutation of {parent.id}"
        assert child.id != parent.id
        assert child.parameters["leverage"] == 1.0
        assert child == mutate(parent, strategy, seed=seed)


def test_a_parameter_is_redrawn_as_often_as_the_rate_says() -> None:
    (parent,) = some("weighted_signal")
    names = [n for n in parent.parameters if n != "trail"]  # follows arm
    children = [mutate(parent, ALL["weighted_signal"], seed=s, rate=0.3) for s in range(400)]
    redrawn = [sum(c.parameters[n] != parent.parameters[n] for n in names) for c in children]
    assert np.mean(redrawn) / len(names) == pytest.approx(0.3, abs=0.03)


def test_a_mutation_stays_in_its_lane_and_keeps_its_features() -> None:
    (drawn,) = some()
    kept = {n: v for n, v in drawn.parameters.items() if n not in ("trail", "arm", "take")}
    parent = structs.replace(drawn, parameters=kept, lane="slow")
    child = mutate(parent, ALL["ma_crossover"], seed=1, rate=1.0)
    assert child.lane == "slow"
    assert child.parameters.keys() == kept.keys()


def test_a_mutation_that_cannot_change_anything_is_refused() -> None:
    (parent,) = some("obv_trend")
    stuck = replace(ALL["obv_trend"], knobs={"window": Knob(20, 20, 20, "bars", whole=True)})
    only = structs.replace(parent, symbol=SPOT, parameters={"window": 20.0, "leverage": 1.0})
    with pytest.raises(BadParameter, match="100 draws did not change"):
        mutate(only, stuck, seed=1)
    with pytest.raises(BadParameter, match="rate is above 0"):
        mutate(parent, ALL["obv_trend"], seed=1, rate=0.0)
