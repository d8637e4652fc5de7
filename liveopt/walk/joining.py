"""How variants come into a run: added by a person, proposed by an optimizer, seated with a tick."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from liveopt.core.account import NO_ENTRIES, RISK
from liveopt.engine.batch import Array
from liveopt.promotion.admission import admitted, distances
from liveopt.promotion.conditions import stopped_by
from liveopt.stats.sharpe import Track, deflated, spread_of_trials
from liveopt.walk.events import Add, Proposal, Propose
from liveopt.walk.group import open_groups, unfit
from liveopt.walk.lifecycle import replaced
from liveopt.walk.records import (
    DECISIONS,
    EXPERIMENTAL,
    TRADES,
    Journal,
    Out,
    Refusal,
    VariantStarted,
)
from liveopt.walk.seat import GONE, HASH_BYTES, Seat, seat_of
from liveopt.walk.state import Market, State
from liveopt.walk.variant import Variant
from liveopt.walk.verdicts import Admission

HALTED: Final = "the run is halted: nobody is let in on the word of an optimizer"


def add(state: State, event: Add) -> list[Out]:
    """A person's word is enough, if they can trade here at all."""
    outs: list[Out] = []
    unable = _unfit(state, event.variants)
    for variant in event.variants:
        if why := _why_not(state, variant.id, unable):
            outs.append((DECISIONS, Refusal(state.at_ns, variant.id, why)))
        else:
            _queue(state, variant)
    return outs


def propose(state: State, event: Propose) -> list[Out]:
    """An optimizer's word is not: what it found must be more than the best of its trials."""
    outs: list[Out] = []
    unable = _unfit(state, [one.variant for one in event.proposals])
    for one in event.proposals:
        why = HALTED if state.halt is not None else _why_not(state, one.variant.id, unable)
        if one.variant.lane == "slow":
            why = "a strategy of the slow lane is not searched, so it is not proposed"
        if why:
            outs.append((DECISIONS, Refusal(state.at_ns, one.variant.id, why)))
            continue
        outs += _judged(state, one, event.by)
    return outs


def _judged(state: State, proposal: Proposal, by: str) -> list[Out]:
    """Who is admitted takes the place of the weakest; where all are protected, a free one."""
    test, variant = proposal.backtest, proposal.variant
    seen = Track(test.sharpe, test.bars, test.skewness, test.kurtosis)
    known = test.trials if test.trials_deviation > 0.0 else 0
    spread = spread_of_trials(test.trials_deviation, known, test.bars)
    sure = float(deflated(seen, test.trials, spread))
    conditions = admitted(test, sure, _nearest(state, variant))
    good, market = not stopped_by(conditions), state.markets[variant.symbol]
    gone = replaced(state, market, by) if good else None
    found = Admission(
        state.at_ns, variant.id, variant.symbol, good, conditions, test, by,
        "" if gone is None else gone[0],
    )  # fmt: skip
    outs: list[Out] = [(DECISIONS, found)]
    if gone is not None:
        outs.append(gone[1])
        state.used.add(variant.id)
        state.joining.append(seat_of(variant))
    elif good:
        _queue(state, variant)
    return outs


def _nearest(state: State, variant: Variant) -> float:
    """How far the most similar of those is who run already, or are about to; 1 of none."""
    own = seat_of(variant)
    market = state.markets[variant.symbol]
    coming = [seat for seat in (*state.joining, *market.waiting) if seat.key == own.key]
    running = [
        seat
        for group in market.groups
        if group.seats[0].key == own.key
        for seat in group.seats
        if seat.status not in GONE
    ]
    alike = running + coming
    if not alike:
        return 1.0
    spans = {**state.strategies[variant.strategy].knobs, **RISK}
    widths = np.array([spans[n].high - spans[n].low for n in own.key.numbers])
    table = _numbers(alike)
    return float(distances(_numbers([own])[0], table, widths).min())


def _numbers(seats: Sequence[Seat]) -> Array:
    """Parameters of seats of one key, a row each."""
    packed = np.frombuffer(b"".join(seat.packed for seat in seats))
    return packed.reshape(len(seats), -1)[:, HASH_BYTES // 8 :]


def _queue(state: State, variant: Variant) -> None:
    state.used.add(variant.id)
    waiting = state.markets[variant.symbol].waiting
    queue = waiting or state.joining  # nobody overtakes those who wait
    queue.append(seat_of(variant))


def _unfit(state: State, variants: Sequence[Variant]) -> dict[str, str]:
    """Who cannot trade here, and why: what is let in here must not fail when it begins."""
    assert state.terms is not None
    found = {v.id: f"no market {v.symbol}" for v in variants if v.symbol not in state.markets}
    for market in state.markets.values():
        own = [v for v in variants if v.symbol == market.symbol]
        found |= unfit(own, state.strategies, market.instrument, state.terms)
    return found


def _why_not(state: State, name: str, unable: Mapping[str, str]) -> str:
    return "there is or was one of this name" if name in state.used else unable.get(name, "")


def join(state: State) -> list[Out]:
    """Those who were added begin, as many as fit; the others wait."""
    assert state.terms is not None
    joining, state.joining = state.joining, []
    outs: list[Out] = []
    for market in state.markets.values():
        own = [seat for seat in joining if seat.key.symbol == market.symbol]
        room = max(0, state.terms.variants_max - market.running())
        market.waiting.extend(own[room:])
        outs += take_seats(state, market, own[:room])
    state.moved()
    return outs


def take_seats(
    state: State, market: Market, seats: Sequence[Seat], champion: bool = False
) -> list[Out]:
    """They begin, as warm as the past makes them."""
    assert state.terms is not None
    journal: Journal = TRADES if champion else EXPERIMENTAL
    outs: list[Out] = []
    groups = open_groups(seats, state.strategies, market.instrument, state.terms, champion)
    for group in groups:
        if market.past:
            group.stepper.warm(market.past)
        if state.halt is not None:
            group.bar(range(len(group.seats)), NO_ENTRIES)
        market.groups.append(group)
        for seat in group.seats:
            v = seat.variant
            outs.append((
                journal,
                VariantStarted(
                    state.at_ns, v.id, v.symbol, v.strategy, v.parameters, seat.hash, v.origin,
                    v.lane, state.terms.capital,
                ),
            ))  # fmt: skip
    return outs
