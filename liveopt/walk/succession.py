"""Who is champion: promoted on evidence or by a person's word, demoted the same way."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from liveopt.promotion.epoch import TOTAL, Outcome
from liveopt.promotion.watch import watch_of
from liveopt.stats.evidence import log_mixture
from liveopt.walk.contest import Contest, begin_epoch, exchange, measure
from liveopt.walk.events import Demote, Promote
from liveopt.walk.group import Group
from liveopt.walk.judging import Bench, looked, missing, verdicts
from liveopt.walk.records import DECISIONS, Out, Refusal
from liveopt.walk.seat import GONE
from liveopt.walk.state import Market, State
from liveopt.walk.verdicts import Demoted, Promoted, SeasonEnded, Warned

GATE: Final = "the gate"
"""Who promotes and demotes where nobody did."""


@dataclass(frozen=True, slots=True)
class Change:
    """Whose word a change of champion is."""

    by: str
    why: str
    verdict: str = ""
    earned: bool = False


def contend(state: State, market: Market, price: float) -> list[Out]:
    """A signal bar has closed; with every so many of them an evidence bar is over."""
    contest = market.contest
    if contest is None or not state.begun or market.bars % contest.terms.bars:
        return []
    assert state.terms is not None
    outs: list[Out] = []
    outcome = contest.epoch.settle()
    if outcome is not None:
        bench = Bench(contest, state.terms, market.groups)
        step = outcome.steps[0].threshold if outcome.steps else None
        contest.threshold = step if step is not None and np.isfinite(step) else None
        outs.append((DECISIONS, looked(bench, state.at_ns, market.symbol, outcome)))
        outs += [(DECISIONS, v) for v in verdicts(bench, state.at_ns, market.symbol, outcome)]
        outs += _settled(state, market, contest, outcome)
        outs += _season(state, market, contest)
    if not contest.epoch.recent and contest.epoch.work is None:
        exchange(contest, market.groups)
    measure(contest, market.groups, price)
    return outs + _watched(state, market, contest)


def _settled(state: State, market: Market, contest: Contest, outcome: Outcome) -> list[Out]:
    """After the verdicts: is anybody to be promoted?"""
    if contest.phase == "cooling":
        if contest.since < contest.terms.cooldown:
            return []
        contest.turn("cooled")
    if not contest.found:
        if contest.phase == "found":
            contest.turn("withdrawn")
        return []
    contest.turn("passed")
    if not contest.terms.auto or state.halt is not None:
        return []
    names = contest.epoch.names
    best = max(contest.found, key=lambda n: (float(outcome.evidence[names.index(n)]), n))
    why = "it passed the gate and promotion is automatic"
    return _crown(state, market, best, Change(GATE, why, contest.found[best], earned=True))


def _watched(state: State, market: Market, contest: Contest) -> list[Out]:
    """The champion beside its predecessor: a warning, or the way back."""
    watch = contest.watch
    if watch is None:
        return []
    outs: list[Out] = []
    champion = _champion(market).seats[0].id
    if _running(market, watch.predecessor) is None:
        contest.watch = None
        why = f"it is watched no longer: {watch.predecessor}, which it replaced, runs no more"
        return [_refused(state, champion, why)]
    if watch.warns and not watch.warned:
        watch.warned = True
        outs.append((
            DECISIONS,
            Warned(
                state.at_ns, market.symbol, champion, watch.predecessor, watch.bars, watch.promised
            ),
        ))  # fmt: skip
    if watch.demotes and _status(market, watch.predecessor) == "active":
        why = "it has proved worse than its predecessor"
        outs += _restore(state, market, Change(GATE, why, earned=True))
    return outs


def _season(state: State, market: Market, contest: Contest) -> list[Out]:
    """The worlds' error is spent: another season begins, if the terms say so."""
    number, renewed = contest.epoch.number, contest.terms.new_seasons
    if contest.epoch.bar != contest.terms.season:
        return []
    if renewed:
        begin_epoch(contest, market.groups)
        if contest.phase == "found":
            contest.turn("withdrawn")
    return [(DECISIONS, SeasonEnded(state.at_ns, market.symbol, number, renewed))]


# A person's word.


def promote(state: State, event: Promote) -> list[Out]:
    """Make a variant the champion: earned if a verdict on it holds, and marked if not."""
    found = state.find(event.variant)
    if found is None:
        return [_refused(state, event.variant, "there is no such variant")]
    market, group, _, seat = found
    if group.champion:
        return [_refused(state, seat.id, "it is the champion")]
    if seat.status != "active":
        return [_refused(state, seat.id, f"it is {seat.status}")]
    if state.halt is not None:
        return [_refused(state, seat.id, "the run is halted; resume it first")]
    verdict = _verdict_now(state, market, seat.id)
    change = Change(event.by, event.why, verdict, earned=bool(verdict))
    return _crown(state, market, seat.id, change)


def _verdict_now(state: State, market: Market, name: str) -> str:
    """The verdict on a variant that holds at this moment, whenever it was given."""
    contest = market.contest
    if contest is None or name not in contest.found:
        return ""
    assert state.terms is not None
    bench, epoch = Bench(contest, state.terms, market.groups), contest.epoch
    slot = epoch.names.index(name)
    evidence = float(log_mixture(epoch.sums[TOTAL, slot], epoch.spread(slot), epoch.terms.rho))
    short = missing(epoch, slot, evidence, bench.conditions(slot))
    return "" if short else contest.found[name]


def demote(state: State, event: Demote) -> list[Out]:
    """Make the predecessor champion again."""
    market = state.markets.get(event.symbol)
    if market is None:
        return [_refused(state, event.symbol, "there is no such market")]
    if not market.predecessor:
        return [_refused(state, event.symbol, "its champion has no predecessor")]
    if (status := _status(market, market.predecessor)) != "active":
        why = "it is no longer running" if not status or status in GONE else f"it is {status}"
        return [_refused(state, market.predecessor, why)]
    return _restore(state, market, Change(event.by, event.why))


def _refused(state: State, name: str, why: str) -> Out:
    return DECISIONS, Refusal(state.at_ns, name, why)


# The change itself.


def _champion(market: Market) -> Group:
    return next(group for group in market.groups if group.champion)


def _running(market: Market, name: str) -> tuple[Group, int] | None:
    for group in market.groups:
        for place, seat in enumerate(group.seats):
            if seat.id == name and not group.gone[place]:
                return group, place
    return None


def _status(market: Market, name: str) -> str:
    found = _running(market, name)
    return "" if found is None else found[0].seats[found[1]].status


def _crown(state: State, market: Market, name: str, change: Change) -> list[Out]:
    contest = market.contest
    old = _champion(market).seats[0].id
    watch = None
    if contest is not None:
        epoch = contest.epoch
        if name in epoch.names:
            watch = watch_of(epoch, epoch.names.index(name), old)
    _enthrone(state, market, name)
    market.predecessor = old
    number = 0
    if contest is not None:
        number = _changed(contest, market)
        contest.watch = watch
    return [(
        DECISIONS,
        Promoted(
            state.at_ns, market.symbol, name, old, change.verdict, change.earned, change.by,
            change.why, number,
        ),
    )]  # fmt: skip


def _restore(state: State, market: Market, change: Change) -> list[Out]:
    contest = market.contest
    old, name = _champion(market).seats[0].id, market.predecessor
    _enthrone(state, market, name)
    market.predecessor = old
    evidence, bars, number = 0.0, 0, 0
    if contest is not None:
        if contest.watch is not None:
            evidence, bars = contest.watch.evidence, contest.watch.bars
        number = _changed(contest, market)
        contest.watch = None
    return [(
        DECISIONS,
        Demoted(
            state.at_ns, market.symbol, old, name, change.earned, change.by, change.why, evidence,
            bars, number,
        ),
    )]  # fmt: skip


def _changed(contest: Contest, market: Market) -> int:
    begin_epoch(contest, market.groups)
    contest.since = 0
    contest.turn("changed")
    return contest.epoch.number


def _enthrone(state: State, market: Market, name: str) -> None:
    """Put a running variant in the champion's place; both keep accounts and positions as they are.

    A position is journalled where it was opened: whoever changes places with one open closes it in
    the other journal.
    """
    found = _running(market, name)
    assert found is not None
    group, place = found
    rest = [n for n in range(len(group.seats)) if n != place]
    groups: list[Group] = []
    for one in market.groups:
        if one is group:
            groups += [group.only(rest)] if rest else []
        else:
            groups.append(one)
    new = group.only([place])
    for one in (new, _champion(market)):
        one.changes_sides()
    market.groups = [new, *groups]
    state.moved()
