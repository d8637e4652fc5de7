"""The walk: a state and one event in, the state changed and what happened out.

A tick, in this order: whoever was added begins; a signal bar that the tick shows to be over closes
(strategies read it and order); then the tick is the fine bar at which orders, stops and targets
fill. Nothing here asks what time it is: time is what the events say.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from math import fsum, inf
from operator import itemgetter
from typing import Any, Final

import numpy as np

from liveopt.core.bars import BarBuilder
from liveopt.core.events import (
    Bar,
    Candle,
    Closed,
    Disagreement,
    FeedState,
    Hole,
    Late,
    Refused,
    Tick,
)
from liveopt.engine.rows import FUNDING_LIMIT
from liveopt.walk.contest import learn, open_contest
from liveopt.walk.events import (
    Add,
    Begin,
    Begun,
    Demote,
    Explained,
    Funding,
    Halt,
    Input,
    Noted,
    Past,
    Pause,
    Promote,
    Propose,
    Reopen,
    Resume,
    Retire,
    Strayed,
    Target,
    Time,
)
from liveopt.walk.group import Group
from liveopt.walk.joining import add, join, propose, take_seats
from liveopt.walk.lifecycle import (
    compact,
    follow_target,
    halt_all,
    pause_some,
    reopen_all,
    resume_some,
    retire_some,
    rotate,
    stop_strayed,
    stopped_themselves,
)
from liveopt.walk.merging import merge
from liveopt.walk.records import (
    DECISIONS,
    EXPERIMENTAL,
    TRADES,
    Act,
    Break,
    GateExplained,
    Journal,
    Out,
    Refusal,
    Standing,
)
from liveopt.walk.seat import seat_of
from liveopt.walk.state import Market, State
from liveopt.walk.succession import contend, demote, promote


def walk(state: State, event: Input) -> list[Out]:
    """What comes of one event."""
    state.events += 1
    return _HANDLERS[type(event)](state, event)


# The market.


def _tick(state: State, tick: Tick) -> list[Out]:
    market = state.markets.get(tick.symbol)
    if market is None:
        return []
    outs = join(state) if state.joining else []
    closed = market.builder.add(tick)
    if closed.bars or closed.gap:
        outs += _closed(state, market, closed)
    if closed.late is None:
        market.ticks += 1
        market.last = tick
        price = tick.price
        outs += _fine(state, market, Bar(tick.at_ns, price, price, price, price, tick.size))
    return outs


def _candle(state: State, candle: Candle) -> list[Out]:
    """A closed bar of a table is a fine bar."""
    market = state.markets.get(candle.symbol)
    if market is None:
        return []
    outs = join(state) if state.joining else []
    closed = market.builder.join(candle.bar)
    outs += _closed(state, market, closed)
    if closed.late is not None:
        return outs
    market.ticks += 1
    bar = candle.bar
    market.last = Tick(bar.at_ns, bar.close, bar.volume, candle.symbol)
    outs += _fine(state, market, bar)
    end_ns = candle.bar.at_ns + candle.interval_ns
    return outs + _closed(state, market, market.builder.seal(end_ns))


def _fine(state: State, market: Market, bar: Bar) -> list[Out]:
    """Orders fill, stops and targets are tried, accounts are marked."""
    state.at_ns = max(state.at_ns, bar.at_ns)
    if market.origin_ns is None:
        market.origin_ns = bar.at_ns
    time_s = (bar.at_ns - market.origin_ns) / 1e9
    rate = market.funding.popleft() if market.funding else 0.0
    outs: list[Out] = []
    for group in market.groups:
        if group.stepper.fine(time_s, bar.open, bar.high, bar.low, bar.close, rate):
            outs += _noted(state, market, group)
    return outs


def _noted(state: State, market: Market, group: Group) -> list[Out]:
    """Positions that were opened and closed; a limit that was breached comes first."""
    assert market.origin_ns is not None
    notes = group.stepper.notes()
    outs = stopped_themselves(state, group, {n.variant for n in notes if n.kind == "exit"})
    for note in notes:
        if note.kind == "entry":
            journal: Journal = TRADES if group.champion else EXPERIMENTAL
            outs.append((journal, group.entered(note, market.symbol, market.origin_ns)))
        else:
            trade = group.traded(note, market.symbol, market.origin_ns)
            market.trades += trade.experimental
            outs.append((EXPERIMENTAL if trade.experimental else TRADES, trade))
            if state.halt is None and group.closing[note.variant]:
                group.reopen([note.variant])
    return outs


def _closed(state: State, market: Market, closed: Closed) -> list[Out]:
    """Signal bars are over: every strategy reads them, and orders for the next fine bar."""
    outs: list[Out] = []
    for bar in closed.bars:
        for group in market.groups:
            group.stepper.signal(bar)
        market.past.append(bar)
        market.bars += 1
        state.at_ns = max(state.at_ns, bar.at_ns + market.builder.interval_ns)
        for group in market.groups:
            outs += stopped_themselves(state, group)
        outs.append((DECISIONS, _standing(market, bar)))
        outs += contend(state, market, bar.close)
        outs += rotate(state, market)
        compact(state, market)
        merge(state, market)
    if closed.gap is not None:
        gap = closed.gap
        broken = Break(state.at_ns, market.symbol, gap.from_ns, gap.to_ns, "nothing traded")
        outs.append((DECISIONS, broken))
    return outs


def _time(state: State, time: Time) -> list[Out]:
    outs = join(state) if state.joining else []
    state.at_ns = max(state.at_ns, time.at_ns)
    if (market := state.markets.get(time.symbol)) is not None:
        outs += _closed(state, market, market.builder.seal(time.at_ns))
    return outs


def _hole(state: State, hole: Hole) -> list[Out]:
    if hole.symbol not in state.markets:
        return []
    return [(DECISIONS, Break(state.at_ns, hole.symbol, hole.from_ns, hole.to_ns, hole.why))]


def _funding(state: State, funding: Funding) -> list[Out]:
    market = state.markets.get(funding.symbol)
    if market is None or funding.at_ns <= market.funded_ns:
        return []
    if not -FUNDING_LIMIT < funding.rate < FUNDING_LIMIT:  # a tick would fail for it
        why = f"a funding rate of {funding.rate} is none"
        return [(DECISIONS, Refusal(state.at_ns, funding.symbol, why))]
    market.funded_ns = funding.at_ns
    market.funding.append(funding.rate)
    return []


def _nothing(state: State, event: Any) -> list[Out]:  # noqa: ARG001  a handler takes both
    """Kept in the input journal for whoever looks for the reason of something."""
    return []


# The run.


def _begin(state: State, begin: Begin) -> list[Out]:
    assert state.terms is None, "a run begins once"
    state.run, state.terms, state.at_ns = begin.run, begin.terms, begin.at_ns
    outs: list[Out] = []
    for listed in begin.listed:
        market = Market(
            listed.symbol,
            listed.instrument,
            BarBuilder(begin.terms.signal_ns),
            deque(maxlen=max(1, begin.terms.history_bars)),
        )
        if begin.terms.gate is not None:
            market.contest = open_contest(begin.terms.gate, len(state.markets))
        state.markets[listed.symbol] = market
        state.used.add(listed.champion.id)
        outs += take_seats(state, market, [seat_of(listed.champion)], champion=True)
    return outs


def _begun(state: State, begun: Begun) -> list[Out]:  # noqa: ARG001
    state.begun = True
    return []


def _past(state: State, past: Past) -> list[Out]:
    """Bars from before the run: the champion is warmed, and so will be those who join."""
    market = state.markets[past.symbol]
    market.past.extend(past.bars)
    if market.contest is not None:
        learn(market.contest, [bar.close for bar in past.bars])
    for group in market.groups:
        group.stepper.warm(past.bars)
    return []


def _explained(state: State, explained: Explained) -> list[Out]:
    at_ns, number = state.at_ns, explained.number
    return [(DECISIONS, GateExplained(at_ns, number, explained.reason, explained.by))]


def _acts(state: State, noted: Noted) -> list[Out]:
    """Told, and nothing else: who runs and what they do is the same without it."""
    at_ns = state.at_ns
    return [(DECISIONS, Act(at_ns, a.what, a.by, a.detail, a.wall_ms)) for a in noted.acts]


# How they stand.


_equity = itemgetter(0)


def _standing(market: Market, bar: Bar) -> Standing:
    digest = hashlib.sha256()
    equities: list[float] = []
    best, most = (-inf, ""), 0.0
    for group in market.groups:
        equity = group.batch.cell("p_equity")
        digest.update(equity.tobytes())
        if group.champion:
            continue
        running = np.flatnonzero(~group.gone & np.isfinite(equity))
        if len(running):
            own = equity[running]
            equities += own.tolist()
            first = int(own.argmax())
            best = max(best, (float(own[first]), group.seats[running[first]].id), key=_equity)
            most = max(most, float(group.batch.cell("a_trades")[running].max()))
    return Standing(
        bar.at_ns + market.builder.interval_ns,
        market.symbol,
        bar,
        sum(group.count() for group in market.groups if not group.champion),
        sum(group.positions() for group in market.groups if not group.champion),
        market.trades,
        int(most),
        fsum(equities) / len(equities) if equities else None,
        best[1],
        best[0] if equities else None,
        digest.hexdigest()[:16],
    )


_HANDLERS: Final[dict[type, Callable[[State, Any], list[Out]]]] = {
    Tick: _tick,
    Candle: _candle,
    Time: _time,
    Hole: _hole,
    Funding: _funding,
    Late: _nothing,
    FeedState: _nothing,
    Disagreement: _nothing,
    Refused: _nothing,
    Begin: _begin,
    Begun: _begun,
    Past: _past,
    Add: add,
    Pause: pause_some,
    Resume: resume_some,
    Retire: retire_some,
    Halt: halt_all,
    Reopen: reopen_all,
    Explained: _explained,
    Noted: _acts,
    Target: follow_target,
    Strayed: stop_strayed,
    Promote: promote,
    Propose: propose,
    Demote: demote,
}
