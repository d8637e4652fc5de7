"""A state as bytes and back: what a run needs to go on as if it had never stopped."""

import sys
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
from liveopt.walk.group import Group, open_groups
from liveopt.walk.seat import HASH_BYTES, Seat, shared
from liveopt.walk.state import Market, State

FORMAT: Final = 2


class BadImage(ValueError):
    """Bytes that are no state of this program."""


class _Group(msgspec.Struct):
    seats: list[Seat]
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
    funding: list[float]
    funded_ns: int
    bars: int
    ticks: int
    trades: int
    waiting: list[Seat]


class _State(msgspec.Struct):
    format: int
    run: str
    terms: Terms | None
    markets: list[_Market]
    joining: list[Seat]
    left: list[str]
    """Names of those who are no longer anywhere else in here."""
    halt: Halt | None
    at_ns: int
    events: int
    begun: bool


_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_decode = msgspec.msgpack.Decoder(_State).decode


def image(state: State) -> bytes:
    """The whole of a state."""
    return _encode(
        _State(
            FORMAT, state.run, state.terms, [_market(m) for m in state.markets.values()],
            state.joining, sorted(state.used - _present(state)), state.halt, state.at_ns,
            state.events, state.begun,
        )
    )  # fmt: skip


def _present(state: State) -> set[str]:
    seats = {seat.id for _, group in state.groups() for seat in group.seats}
    return seats | {seat.id for seat in (*state.joining, *state.waiting)}


def _market(market: Market) -> _Market:
    return _Market(
        market.symbol, market.instrument, market.builder, list(market.past),
        [_group(group) for group in market.groups], market.origin_ns, market.last,
        list(market.funding), market.funded_ns, market.bars, market.ticks, market.trades,
        list(market.waiting),
    )  # fmt: skip


def _group(group: Group) -> _Group:
    return _Group(group.seats, group.champion, group.batch.image())


def restored(data: bytes, strategies: Mapping[str, Strategy]) -> State:
    """The state again; raises `BadImage` where this program cannot go on with it."""
    try:
        kept = _decode(data)
        if kept.format != FORMAT:
            raise BadImage(f"an image of format {kept.format}; this is {FORMAT}")
        state = State(
            strategies, kept.run, kept.terms, {}, _alike(kept.joining), set(kept.left), kept.halt,
            kept.at_ns, kept.events, kept.begun,
        )  # fmt: skip
        for one in kept.markets:
            state.markets[one.symbol] = _restored_market(one, state)
    except (msgspec.DecodeError, BadKnobs, KeyError) as error:
        raise BadImage(f"not a state of this program: {error}") from error
    state.used |= _present(state)
    return state


def _alike(seats: list[Seat]) -> list[Seat]:
    """With one key for all who have an equal one."""
    for seat in seats:
        seat.key, seat.origin = shared(seat.key), sys.intern(seat.origin)
        if len(seat.packed) != HASH_BYTES + 8 * len(seat.key.numbers):
            raise BadImage(f"the numbers of {seat.id} are not those that it has names for")
    return seats


def _restored_market(kept: _Market, state: State) -> Market:
    assert state.terms is not None
    market = Market(
        kept.symbol, kept.instrument, kept.builder,
        deque(kept.past, maxlen=max(1, state.terms.history_bars)), [], kept.origin_ns, kept.last,
        deque(kept.funding), kept.funded_ns, kept.bars, kept.ticks, kept.trades,
        deque(_alike(kept.waiting)),
    )  # fmt: skip
    for one in kept.groups:
        market.groups.append(_restored_group(one, kept.instrument, state))
    return market


def _restored_group(kept: _Group, instrument: Instrument, state: State) -> Group:
    assert state.terms is not None
    seats = _alike(kept.seats)
    opened = open_groups(seats, state.strategies, instrument, state.terms, kept.champion)
    if len(opened) != 1:
        raise BadImage("a group of variants that share no step")
    group = opened[0]
    try:
        group.batch.restore(kept.batch)
    except ValueError as error:
        raise BadImage(str(error)) from error
    return group
