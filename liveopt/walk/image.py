"""A state as bytes and back: what a run needs to go on as if it had never stopped."""

import sys
from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from liveopt.core.bars import BarBuilder
from liveopt.core.events import Bar, Tick
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import BadKnobs, Strategy
from liveopt.engine.batch import Image as BatchImage
from liveopt.promotion.kept import Kept, kept
from liveopt.promotion.kept import restored as restored_epoch
from liveopt.promotion.scale import Scale
from liveopt.promotion.states import Phase
from liveopt.promotion.terms import GateTerms
from liveopt.promotion.watch import Watch
from liveopt.walk.contest import Contest
from liveopt.walk.events import Halt, Terms
from liveopt.walk.group import CARRIED, Group, open_groups
from liveopt.walk.seat import HASH_BYTES, Seat, shared
from liveopt.walk.state import Market, State

FORMAT: Final = 4


class BadImage(ValueError):
    """Bytes that are no state of this program."""


class _Group(msgspec.Struct):
    seats: list[Seat]
    champion: bool
    batch: BatchImage
    returns: bytes
    traded_n: bytes
    carried: bytes


class _Contest(msgspec.Struct):
    terms: GateTerms
    epoch: Kept
    phase: Phase
    scale: Scale
    close: float
    last: bytes
    champion_last: float
    watch: Watch | None
    since: int
    verdicts: int
    found: dict[str, str]
    short: dict[str, tuple[str, ...]]
    threshold: float | None


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
    contest: _Contest | None
    predecessor: str


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


_CARRIED: Final = tuple(name for name in CARRIED if name != "slots")
"""Slots are found by the names in the contest."""
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
        list(market.waiting), _contest(market.contest), market.predecessor,
    )  # fmt: skip


def _contest(contest: Contest | None) -> _Contest | None:
    if contest is None:
        return None
    return _Contest(
        contest.terms, kept(contest.epoch), contest.phase, contest.scale, contest.close,
        contest.last.tobytes(), contest.champion_last, contest.watch, contest.since,
        contest.verdicts, contest.found, contest.short, contest.threshold,
    )  # fmt: skip


def _group(group: Group) -> _Group:
    return _Group(
        group.seats, group.champion, group.batch.image(),
        *(getattr(group, name).tobytes() for name in _CARRIED),
    )  # fmt: skip


def restored(data: bytes, strategies: Mapping[str, Strategy]) -> State:
    """The state again; raises `BadImage` where this program cannot go on with it."""
    try:
        found = _decode(data)
        if found.format != FORMAT:
            raise BadImage(f"an image of format {found.format}; this is {FORMAT}")
        state = State(
            strategies, found.run, found.terms, {}, _alike(found.joining), set(found.left),
            found.halt, found.at_ns, found.events, found.begun,
        )  # fmt: skip
        for one in found.markets:
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


def _restored_market(found: _Market, state: State) -> Market:
    assert state.terms is not None
    market = Market(
        found.symbol, found.instrument, found.builder,
        deque(found.past, maxlen=max(1, state.terms.history_bars)), [], found.origin_ns, found.last,
        deque(found.funding), found.funded_ns, found.bars, found.ticks, found.trades,
        deque(_alike(found.waiting)),
    )  # fmt: skip
    for one in found.groups:
        market.groups.append(_restored_group(one, found.instrument, state))
    market.predecessor = found.predecessor
    if found.contest is not None:
        _take_up(market, found.contest)
    return market


def _take_up(market: Market, found: _Contest) -> None:
    """The contest again, and everybody's slot in it."""
    try:
        epoch, last = restored_epoch(found.epoch, found.terms), np.frombuffer(found.last).copy()
    except ValueError as error:
        raise BadImage(f"evidence of other variants: {error}") from error
    if len(last) != len(epoch.names):
        raise BadImage("an evidence bar of other variants")
    market.contest = Contest(
        found.terms, epoch, found.phase, found.scale, found.close,
        last, found.champion_last, found.watch, found.since, found.verdicts,
        found.found, found.short, found.threshold,
    )  # fmt: skip
    slots = {name: slot for slot, name in enumerate(epoch.names) if name}
    for group in market.groups:
        group.slots[:] = [-1 if group.champion else slots.get(s.id, -1) for s in group.seats]


def _restored_group(found: _Group, instrument: Instrument, state: State) -> Group:
    assert state.terms is not None
    seats = _alike(found.seats)
    opened = open_groups(seats, state.strategies, instrument, state.terms, found.champion)
    if len(opened) != 1:
        raise BadImage("a group of variants that share no step")
    group = opened[0]
    try:
        group.batch.restore(found.batch)
        for name in _CARRIED:
            own = getattr(group, name)
            own[:] = np.frombuffer(getattr(found, name), own.dtype).reshape(own.shape)
    except ValueError as error:
        raise BadImage(str(error)) from error
    return group
