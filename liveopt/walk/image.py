"""A state as bytes and back: what a run needs to go on as if it had never stopped."""

from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec

from liveopt.core.bars import BarBuilder
from liveopt.core.events import Bar, Tick
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import BadKnobs, Strategy
from liveopt.engine.batch import Image as BatchImage
from liveopt.walk.events import Halt, Terms
from liveopt.walk.group import GONE, Group, Status, open_groups
from liveopt.walk.state import Market, State
from liveopt.walk.variant import Variant

FORMAT: Final = 1


class BadImage(ValueError):
    """Bytes that are no state of this program."""


class _Group(msgspec.Struct):
    variants: msgspec.Raw
    """Encoded once, when the group was made: they never change."""
    statuses: list[tuple[Status, str, float | None]]
    champion: bool
    batch: BatchImage


class _Market(msgspec.Struct):
    symbol: str
    instrument: Instrument
    builder: BarBuilder
    past: list[Bar]
    groups: list[_Group]
    origin_ns: int | None
    last: Tick | None
    funding: float
    funded_ns: int
    bars: int
    ticks: int
    trades: int


class _State(msgspec.Struct):
    format: int
    run: str
    terms: Terms | None
    markets: list[_Market]
    joining: list[Variant]
    waiting: list[Variant]
    halt: Halt | None
    at_ns: int
    events: int
    begun: bool


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(_State).decode
_variants = msgspec.msgpack.Decoder(list[Variant]).decode


def image(state: State) -> bytes:
    """The whole of a state."""
    return _encode(
        _State(
            FORMAT, state.run, state.terms, [_market(m) for m in state.markets.values()],
            state.joining, list(state.waiting), state.halt, state.at_ns, state.events,
            state.begun,
        )
    )  # fmt: skip


def _market(market: Market) -> _Market:
    return _Market(
        market.symbol, market.instrument, market.builder, list(market.past),
        [_group(group) for group in market.groups], market.origin_ns, market.last,
        market.funding, market.funded_ns, market.bars, market.ticks, market.trades,
    )  # fmt: skip


def _group(group: Group) -> _Group:
    if group.packed is None:
        group.packed = _encode([seat.variant for seat in group.seats])
    return _Group(
        msgspec.Raw(group.packed), [(s.status, s.why, s.strength) for s in group.seats],
        group.champion, group.batch.image(),
    )  # fmt: skip


def restored(data: bytes, strategies: Mapping[str, Strategy]) -> State:
    """The state again; raises `BadImage` where this program cannot go on with it."""
    try:
        kept = _decode(data)
        if kept.format != FORMAT:
            raise BadImage(f"an image of format {kept.format}; this is {FORMAT}")
        state = State(
            strategies, kept.run, kept.terms, {}, kept.joining, deque(kept.waiting), kept.halt,
            kept.at_ns, kept.events, kept.begun,
        )  # fmt: skip
        for one in kept.markets:
            state.markets[one.symbol] = _restored_market(one, state)
    except (msgspec.DecodeError, BadKnobs, KeyError) as error:
        raise BadImage(f"not a state of this program: {error}") from error
    return state


def _restored_market(kept: _Market, state: State) -> Market:
    assert state.terms is not None
    market = Market(
        kept.symbol, kept.instrument, kept.builder,
        deque(kept.past, maxlen=max(1, state.terms.history_bars)), [], kept.origin_ns, kept.last,
        kept.funding, kept.funded_ns, kept.bars, kept.ticks, kept.trades,
    )  # fmt: skip
    for one in kept.groups:
        market.groups.append(_restored_group(one, kept.instrument, state))
    return market


def _restored_group(kept: _Group, instrument: Instrument, state: State) -> Group:
    assert state.terms is not None
    variants = _variants(kept.variants)
    opened = open_groups(variants, state.strategies, instrument, state.terms, kept.champion)
    if len(opened) != 1 or len(kept.statuses) != len(variants):
        raise BadImage("a group of variants that share no step")
    group = opened[0]
    try:
        group.batch.restore(kept.batch)
    except ValueError as error:
        raise BadImage(str(error)) from error
    for seat, (status, why, strength) in zip(group.seats, kept.statuses, strict=True):
        seat.status, seat.why, seat.strength = status, why, strength
    group.gone[:] = [status in GONE for status, *_ in kept.statuses]
    return group
