"""A variant is complete, has one hash, and shares a batch with its like."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.strategy import BadKnobs
from liveopt.strategies import load
from liveopt.walk.variant import (
    Variant,
    canonical,
    check_variant,
    group_key,
    new_id,
    parameters_hash,
)

STRATEGY = load()["ma_crossover"]
PARAMETERS: dict[str, float | str] = {
    "fast": 12.0,
    "slow": 26.0,
    "kind": "ema",
    "fraction": 0.1,
    "leverage": 10.0,
    "stop": 0.08,
}


def variant(**changed: float | str) -> Variant:
    return Variant("00" * 8, "ma_crossover", "XBTUSDTM", PARAMETERS | changed)


def test_a_name_is_eight_bytes_in_hex_and_the_seed_gives_it_again() -> None:
    first, second = new_id(np.random.default_rng(7)), new_id(np.random.default_rng(7))
    assert first == second
    assert len(bytes.fromhex(first)) == 8
    rng = np.random.default_rng(7)
    assert len({new_id(rng) for _ in range(1_000)}) == 1_000


def test_the_order_of_names_and_the_kind_of_number_do_not_change_the_hash() -> None:
    turned = dict(reversed(PARAMETERS.items())) | {"fast": 12}
    assert parameters_hash(turned) == parameters_hash(PARAMETERS)


def test_the_canonical_text_is_json_that_reads_back_to_the_same_bits() -> None:
    assert canonical({"b": 0.1 + 0.2, "a": "ema"}) == '{"a":"ema","b":0.30000000000000004}'


def test_a_hash_is_that_of_the_canonical_text_in_every_process() -> None:
    # printf '{"fast":12.0,"kind":"ema"}' | sha256sum
    assert parameters_hash({"fast": 12.0, "kind": "ema"}) == "404a5a2706b77c9f"


@given(st.floats(2.0, 200.0), st.floats(2.0, 200.0))
def test_parameters_that_differ_in_one_bit_differ_in_their_hash(one: float, other: float) -> None:
    equal = parameters_hash({"fast": one}) == parameters_hash({"fast": other})
    assert equal == (one == other)


def test_a_parameter_that_is_not_finite_has_no_hash() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        parameters_hash({"fast": float("nan")})


def test_values_do_not_separate_a_group_but_words_and_features_do() -> None:
    key = group_key(variant())
    assert group_key(variant(fast=30.0, stop=0.05)) == key
    assert group_key(variant(kind="sma")) != key
    assert group_key(variant(take=0.1)) != key
    other = msgspec.structs.replace(variant(), symbol="ETHUSDTM")
    assert group_key(other) != key


def test_a_complete_variant_passes_the_door() -> None:
    check_variant(variant(), STRATEGY)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"fast": 30.0}, "needs fast < slow"),
        ({"fast": float("nan")}, "fast=nan is not a whole number within"),
        ({"fast": 12.5}, "is not a whole number"),
        ({"fast": "twelve"}, "fast=twelve is not a number"),
        ({"kind": "hull"}, "kind is one of ema, sma, wma"),
        ({"stop": 2.0}, "stop=2 is not within"),
        ({"leverage": 0.5}, "leverage=0.5 is not within"),
        ({"arm": 0.1}, "give trail as well"),
        ({"sparkle": 1.0}, "has no parameter sparkle"),
    ],
)
def test_what_the_door_refuses(changed: dict[str, float | str], complaint: str) -> None:
    with pytest.raises(BadKnobs, match=complaint):
        check_variant(variant(**changed), STRATEGY)


@pytest.mark.parametrize("name", ["fast", "kind", "fraction", "leverage"])
def test_nothing_is_left_to_a_default(name: str) -> None:
    whole = variant()
    rest = {n: v for n, v in whole.parameters.items() if n != name}
    with pytest.raises(BadKnobs, match=f"lacks {name}"):
        check_variant(msgspec.structs.replace(whole, parameters=rest), STRATEGY)


def test_a_variant_goes_through_json_and_comes_back_equal() -> None:
    assert msgspec.json.decode(msgspec.json.encode(variant()), type=Variant) == variant()
