"""What becomes of variants: paused, resumed, retired, rotated, stopped; all of them halted."""

from collections.abc import Callable, Container, Iterable
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np

from liveopt.core.account import NO_ENTRIES, OUT
from liveopt.walk.events import Halt, Pause, Reopen, Resume, Retire, Strayed, Target
from liveopt.walk.group import Group
from liveopt.walk.records import (
    DECISIONS,
    EXPERIMENTAL,
    OUTPUTS,
    TRADES,
    Halted,
    Journal,
    Out,
    Refusal,
    Reopened,
    VariantPaused,
    VariantResumed,
    VariantStopped,
)
from liveopt.walk.seat import GONE, Seat
from liveopt.walk.state import Market, State

ROTATED: Final = 10
"""One in so many of those who run makes room at a rotation."""
PROBATION: Final = 200
"""Signal bars for which a newcomer is not replaced, where no gate says how long it takes."""
COMPACT_MIN: Final = 64
"""Fewer dead places than this are left alone."""


def stopped_themselves(
    state: State, group: Group, places: Container[int] | None = None
) -> list[Out]:
    """Those of these, or of all, whom the engine has put out.

    On a fine bar only those are asked to whom something happened: when one is found to be out must
    not depend on what happens to another.
    """
    assert state.terms is not None
    out = group.out()
    asked = out if places is None else [place for place in out if place in places]
    return [_stop(state, group, p, group.why_stopped(p, state.terms)) for p in asked]


def _flattened(state: State) -> bool:
    """Whether all are out by the operator's word."""
    return state.halt is not None and state.halt.mode == "halt_and_flatten"


def _stop(state: State, group: Group, place: int, why: str, by: str = "") -> Out:
    seat = group.seats[place]
    group.leave(place, "retired" if by else "stopped", why)
    equity = float(group.batch.cell("p_equity")[place])
    journal: Journal = TRADES if group.champion else EXPERIMENTAL
    return journal, VariantStopped(state.at_ns, seat.id, why, equity, by)


def _each(
    state: State, ids: Iterable[str], act: Callable[[Group, int, Seat], Out | str]
) -> list[Out]:
    """Do it to every one of these, or say why not."""
    outs: list[Out] = []
    places = {
        seat.id: (group, place, seat)
        for _, group in state.groups()
        for place, seat in enumerate(group.seats)
    }
    queued = {v.id for v in (*state.joining, *state.waiting)}
    for name in ids:
        found = places.get(name)
        if found is None:
            done: Out | str = "it waits" if name in queued else "there is no such variant"
        else:
            done = act(*found)
        outs.append(
            (DECISIONS, Refusal(state.at_ns, name, done)) if isinstance(done, str) else done
        )
    return outs


def pause_some(state: State, pause: Pause) -> list[Out]:
    def act(group: Group, place: int, seat: Seat) -> Out | str:
        if seat.status != "active":
            return f"it is {seat.status}"
        seat.status = "paused"
        if state.halt is None:
            group.bar([place], NO_ENTRIES)
        said = VariantPaused(state.at_ns, seat.id, pause.by, pause.why)
        return DECISIONS, said

    return _each(state, pause.ids, act)


def resume_some(state: State, resume: Resume) -> list[Out]:
    def act(group: Group, place: int, seat: Seat) -> Out | str:
        if seat.status != "paused":
            return f"it is {seat.status}"
        seat.status = "active"
        if state.halt is None and not group.closing[place]:
            group.free([place])
        said = VariantResumed(state.at_ns, seat.id, resume.by, resume.why)
        return DECISIONS, said

    return _each(state, resume.ids, act)


def retire_some(state: State, retire: Retire) -> list[Out]:
    def act(group: Group, place: int, seat: Seat) -> Out | str:
        if seat.status in GONE:
            return f"it is {seat.status}"
        if group.champion:
            return "the champion is replaced, not retired"
        group.bar([place], OUT)
        return _stop(state, group, place, retire.why or "manual", retire.by)

    return _each(state, retire.ids, act)


def stop_strayed(state: State, strayed: Strayed) -> list[Out]:
    def act(group: Group, place: int, seat: Seat) -> Out | str:
        if seat.status in GONE:
            return f"it is {seat.status}"
        group.bar([place], OUT)
        return _stop(state, group, place, strayed.why)

    return _each(state, [strayed.variant], act)


def follow_target(state: State, target: Target) -> list[Out]:
    found = state.slow(target.variant)
    if found is not None and target.target in (-1, 0, 1):
        group, place = found
        group.tell(place, float(target.target))
    return []


def rotate(state: State, market: Market) -> list[Out]:
    """Free places go to those who wait; in turn the weakest make room, when the terms say so."""
    terms = state.terms
    assert terms is not None
    if not market.waiting:
        return []
    outs: list[Out] = []
    if terms.rotate_bars and market.bars % terms.rotate_bars == 0:
        outs += _make_room(state, market)
    joining = sum(seat.key.symbol == market.symbol for seat in state.joining)
    room = terms.variants_max - market.running() - joining
    for _ in range(min(room, len(market.waiting))):
        state.joining.append(market.waiting.popleft())
    return outs


def _make_room(state: State, market: Market) -> list[Out]:
    """The weakest of those who hold nothing and have been there for a whole turn."""
    assert state.terms is not None
    flat = [one for one in _weakest(market, state.terms.rotate_bars) if not one.holds]
    count = min(len(market.waiting), max(1, market.running() // ROTATED))
    outs = []
    for one in flat[:count]:
        one.group.bar([one.place], OUT)
        outs.append(_stop(state, one.group, one.place, "rotated", "rotation"))
    return outs


def replaced(state: State, market: Market, by: str) -> tuple[str, Out] | None:
    """The weakest makes room for somebody who is expected to do better; None: all are protected.

    Protected are the champion and who was it before, whoever is too young to be judged, whose
    evidence has passed, whom a person has added or paused.
    """
    contest = market.contest
    young = PROBATION if contest is None else contest.terms.bars_min * contest.terms.bars
    passed = set() if contest is None else {*contest.found, *contest.short}
    for one in _weakest(market, young):
        seat = one.group.seats[one.place]
        if seat.id not in passed and seat.origin != "manual":
            one.group.bar([one.place], OUT)
            return seat.id, _stop(state, one.group, one.place, "replaced", by)
    return None


class _Weak(NamedTuple):
    """Somebody who may have to go; the first of all is the weakest."""

    equity: float
    id: str
    group: Group
    place: int
    holds: bool


def _weakest(market: Market, bars: int) -> list[_Weak]:
    """Who runs freely and has been there for so many signal bars, the weakest first."""
    found = []
    for group in market.groups:
        if group.champion:
            continue
        old = group.batch.bars() >= bars
        equity, side = group.batch.cell("p_equity"), group.batch.cell("a_side")
        found += [
            _Weak(float(equity[place]), seat.id, group, place, bool(side[place]))
            for place, seat in enumerate(group.seats)
            if old[place] and seat.status == "active" and seat.id != market.predecessor
        ]
    return sorted(found, key=itemgetter(0, 1))


def compact(state: State, market: Market) -> None:
    """Forget places that nobody needs any more, once they are most of a group."""
    kept: list[Group] = []
    for group in market.groups:
        living = group.needed()
        dead = len(group.seats) - len(living)
        if group.champion or dead < max(COMPACT_MIN, len(living)):
            kept += [group] if living or group.champion else []
        else:
            state.moved()
            kept += [group.only(living)] if living else []
    market.groups = kept


# The operator's stop.


def halt_all(state: State, halt: Halt) -> list[Out]:
    state.at_ns = max(state.at_ns, halt.at_ns)
    if _flattened(state):
        halt = Halt(halt.at_ns, halt.number, "halt_and_flatten")
    outs: list[Out] = []
    for _, group in state.groups():  # who is out by itself is told from those who are put out now
        outs += stopped_themselves(state, group)
    state.halt = halt
    for _, group in state.groups():
        places = [i for i, gone in enumerate(group.gone.tolist()) if not gone]
        if _flattened(state):
            group.close(places)
        else:
            group.bar(places, NO_ENTRIES)
    said = Halted(state.at_ns, halt.number, halt.mode, state.running(), state.positions())
    return outs + [(journal, said) for journal in OUTPUTS]


def reopen_all(state: State, reopen: Reopen) -> list[Out]:
    if state.halt is None:
        return []
    outs: list[Out] = []
    for _, group in state.groups():
        outs += stopped_themselves(state, group)
    state.halt = None
    for _, group in state.groups():
        group.reopen(np.flatnonzero(~group.gone).tolist())
    said = Reopened(state.at_ns, reopen.number)
    return outs + [(journal, said) for journal in OUTPUTS]
