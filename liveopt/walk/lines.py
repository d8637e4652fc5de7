"""Events and records as text: one JSON object, keys sorted, every number that is no count a string.

A float is written as its shortest decimal that reads back to the same bits, in quotes, so that no
reader of the journal can round it. What is not finite is null: a journal has no NaN.
"""

from math import isfinite
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from liveopt.core.events import Tick
from liveopt.walk.events import Add, Begin, Input, Propose
from liveopt.walk.records import Record, VariantStarted
from liveopt.walk.variant import Parameters, Variant

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_text: Final = msgspec.json.Encoder().encode
_input: Final[msgspec.json.Decoder[Input]] = msgspec.json.Decoder(Input, strict=False)
_record: Final[msgspec.json.Decoder[Record]] = msgspec.json.Decoder(Record, strict=False)


def written(event: Input | Record) -> bytes:
    """The content of a journal's line."""
    if isinstance(event, Tick):
        return _tick(event)
    return _encode(_quoted(msgspec.to_builtins(event)))


def _tick(tick: Tick) -> bytes:
    """The same, for the event there is most of."""
    return (
        f'{{"at_ns":{tick.at_ns},"price":"{tick.price!r}","sequence":{tick.sequence},'
        f'"side":{tick.side},"size":"{tick.size!r}","symbol":{_text(tick.symbol).decode()},'
        f'"type":"Tick"}}'
    ).encode()


def _quoted(value: Any) -> Any:
    match value:
        case float():
            return repr(value) if isfinite(value) else None
        case dict():
            return {name: _quoted(v) for name, v in value.items()}
        case list() | tuple():
            return [_quoted(v) for v in value]
        case _:
            return value


def read_input(content: bytes) -> Input:
    """Raises `msgspec.ValidationError` for what is no input."""
    event = _input.decode(content)
    if isinstance(event, Add):
        return replace(event, variants=tuple(_numbered(v) for v in event.variants))
    if isinstance(event, Propose):
        known = (replace(one, variant=_numbered(one.variant)) for one in event.proposals)
        return replace(event, proposals=tuple(known))
    if isinstance(event, Begin):
        listed = (replace(one, champion=_numbered(one.champion)) for one in event.listed)
        return replace(event, listed=tuple(listed))
    return event


def _numbered(variant: Variant) -> Variant:
    """A parameter is a word or a number; in the journal both are strings, but no word is one."""
    return replace(variant, parameters=_numbers(variant.parameters))


def _numbers(parameters: Parameters) -> dict[str, float | str]:
    return {n: _number(v) for n, v in parameters.items()}


def _number(value: float | str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def read_record(content: bytes) -> Record:
    """Raises `msgspec.ValidationError` for what is no record of a walk."""
    record = _record.decode(content)
    if isinstance(record, VariantStarted):
        return replace(record, parameters=_numbers(record.parameters))
    return record
