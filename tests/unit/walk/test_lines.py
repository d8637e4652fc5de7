"""Events and records as text: what is written is read back, and written again the same."""

import json
from math import isnan
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.core.bars import MINUTE_NS
from liveopt.core.events import Tick
from liveopt.core.instrument import Instrument
from liveopt.walk import events, records
from liveopt.walk.lines import read_input, read_record, written
from liveopt.walk.variant import Variant

finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(st.characters(codec="utf-8"), max_size=12)
words = st.sampled_from(["ema", "sma", "reverse"])
parameters = st.dictionaries(st.sampled_from(["a", "b", "~b", "kind"]), finite | words, max_size=4)
rates = st.floats(-0.09, 0.09)
positive = st.floats(0.0, 0.05)
instruments = st.builds(
    Instrument, st.sampled_from(["spot", "perpetual"]), finite.map(abs), finite.map(abs), rates,
    rates, positive, positive, positive,
)  # fmt: skip


def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Whatever a field of this type may be."""
    inner = get_args(kind)
    match get_origin(kind) or kind:
        case builtin if builtin in PLAIN:
            return PLAIN[builtin]
        case made if made is tuple:
            return st.lists(drawn(inner[0]), max_size=3).map(tuple)
        case made if made is Literal:
            return st.sampled_from(inner)
        case made if made in (Union, UnionType):
            return st.one_of(*map(drawn, inner))
        case made if made is dict:
            return parameters
        case struct:
            hints = get_type_hints(struct)
            return st.builds(struct, **{name: drawn(hints[name]) for name in hints})


PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    float: finite,
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    str: text,
    NoneType: st.none(),
    Instrument: instruments,
}
inputs = st.one_of(*map(drawn, get_args(events.Input)))
outputs = st.one_of(*map(drawn, get_args(records.Record)))


def keys(value: Any) -> None:
    """Sorted at every depth, no float that is no string, no constant that is no JSON."""
    if isinstance(value, dict):
        assert list(value) == sorted(value)
    for one in value.values() if isinstance(value, dict) else value:
        assert not isinstance(one, float)
        if isinstance(one, dict | list):
            keys(one)


def no_constant(name: str) -> Any:
    raise AssertionError(name)


def sound(line: bytes) -> dict[str, Any]:
    assert b"\n" not in line
    found: dict[str, Any] = json.loads(line, parse_constant=no_constant)
    keys(found)
    return found


@settings(max_examples=400)
@given(inputs)
def test_an_event_is_read_back_equal_and_written_the_same(event: Any) -> None:
    line = written(event)
    assert sound(line)["type"] == type(event).__name__
    assert read_input(line) == event
    assert written(read_input(line)) == line


@settings(max_examples=400)
@given(outputs)
def test_a_record_is_read_back_equal_and_written_the_same(record: Any) -> None:
    line = written(record)
    assert sound(line)["type"] == type(record).__name__
    assert read_record(line) == record
    assert written(read_record(line)) == line


@given(drawn(Tick))
def test_a_tick_is_written_as_any_other_event_would_be(tick: Tick) -> None:
    plain = msgspec.to_builtins(tick)
    quoted = {n: repr(v) if isinstance(v, float) else v for n, v in plain.items()}
    assert written(tick) == msgspec.json.encode(quoted, order="sorted")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_null(value: float) -> None:
    line = written(records.VariantStopped(1, "v", "not_finite", value))
    assert sound(line)["equity"] is None
    assert read_record(line) == records.VariantStopped(1, "v", "not_finite", None)


@pytest.mark.parametrize(
    "number", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1e22, 123456789.123456789]
)
def test_no_bit_of_a_number_is_lost(number: float) -> None:
    tick = read_input(written(Tick(1, number, 1.0)))
    assert isinstance(tick, Tick)
    assert tick.price.hex() == number.hex()
    assert not isnan(tick.price)


def test_a_number_in_quotes_is_a_number_and_a_word_is_a_word() -> None:
    variant = Variant("v", "ma_crossover", "XBTUSDTM", {"fast": 12.0, "kind": "ema"})
    read = read_input(written(events.Add(1, (variant,), "me")))
    assert isinstance(read, events.Add)
    assert read.variants[0].parameters == {"fast": 12.0, "kind": "ema"}


@pytest.mark.parametrize(
    "line",
    [
        b'{"type":"Sparkle"}',
        b'{"at_ns":1}',
        b'{"at_ns":"soon","type":"Time"}',
        b'{"at_ns":1,"number":1,"mode":"perhaps","type":"Halt"}',
        b'{"at_ns":1,"price":null,"size":"1.0","type":"Tick"}',
    ],
)
def test_what_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_input(line)


def test_terms_keep_their_defaults() -> None:
    begin = events.Begin(1, "r", events.Terms(1.0, 0.05, 0.1, MINUTE_NS, 5), ())
    assert read_input(written(begin)) == begin
