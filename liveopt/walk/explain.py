"""What stands between a variant and promotion, in figures and in a line for its operator."""

from math import exp, inf, isfinite, log
from typing import Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from liveopt.promotion.conditions import Condition
from liveopt.promotion.epoch import AGE, TOTAL, TRACKS, Epoch, Track
from liveopt.promotion.ladder import LONE
from liveopt.promotion.watch import LENGTH
from liveopt.stats.evidence import log_mixture
from liveopt.walk.contest import Contest
from liveopt.walk.group import Group
from liveopt.walk.judging import Bench, missing
from liveopt.walk.seat import GONE, Seat
from liveopt.walk.state import Market, State

Outlook = Literal["passed", "conditions", "bars", "never", "unknown"]
"""passed: nothing stops it. conditions: trades and evidence suffice, and others do not hold. bars:
so many, at this rate. never: at this rate not at all. unknown: too little has happened to say."""
LOG_MOST: Final = 690.0
"""An e-value is told up to e^690; nobody needs to know how much more it is."""
WAITS: Final[dict[str, str]] = {"warming": "it is warming up", "paused": "it is paused"}
"""Why there is nothing to be told of one yet."""
FOREVER: Final = 2.0**20
"""Whoever needs more than so many times the bars that it has had is never there."""
HALVINGS: Final = 80
COUNTED: Final = ("insufficient_samples", "low_evidence", "evidence_faded")
"""What the numbers at the head of the line say already."""
HALTED: Final = "the run is halted: nothing is opened and nobody promoted"
WORDS: Final[dict[Outlook, str]] = {
    "passed": "trades and evidence suffice: the next look decides",
    "never": "never at this rate",
    "unknown": "too early to say how long",
}


class Watched(msgspec.Struct, frozen=True):
    """A champion beside the one it replaced."""

    predecessor: str
    evidence: float
    """Against the champion."""
    demotes_at: float
    warned: bool
    bars: int
    """Evidence bars since its promotion."""


class Explanation(msgspec.Struct, frozen=True):
    """One variant, now. Evidence is told as an e-value, a bet's gain; what is undefined is None."""

    variant: str
    status: str
    """active, paused, halted, stopped, retired, warming, waiting, champion (unless it is paused,
    stopped or retired), starting (nobody can tell yet whether there is one) or unknown."""
    text: str
    symbol: str = ""
    champion: str = ""
    trades: int = 0
    trades_needed: int | None = None
    evidence: float | None = None
    evidence_needed: float | None = None
    """The least that passes by either track, as things are."""
    needed_alone: float | None = None
    """What passes by its own evidence alone: 1 / (alpha w); None if its slot has no share."""
    needed_worlds: float | None = None
    """What passed beside the shadow worlds at the last look; None while they allow nobody."""
    confidence: float | None = None
    """Of its evidence, with all that was compared counted: 1 - p."""
    p_value: float | None = None
    evidence_bars: int = 0
    edge: float | None = None
    """Mean per evidence bar in standard deviations, and where it is with 95 % at any time."""
    low: float | None = None
    high: float | None = None
    rank: int | None = None
    """By evidence, 1 the most; of so many who have any."""
    ranked: int = 0
    conditions: tuple[Condition, ...] = ()
    stopped_by: tuple[str, ...] = ()
    track: Track = ""
    """By which its evidence has passed, if it has."""
    verdict: str = ""
    """The one that holds."""
    outlook: Outlook = "unknown"
    bars_to_go: float | None = None
    """Signal bars, at the rate of its trades and of its evidence so far."""
    watch: Watched | None = None


def explain(state: State, variant: str) -> Explanation:
    """How far a variant is from the champion's place, and why not further."""
    found = state.find(variant)
    if found is None:
        return _unseated(state, variant)
    market, group, place, seat = found
    if group.champion:
        return _champion(state, market, seat)
    contest, status = market.contest, _status(state, group, place, seat)
    bare = Explanation(
        seat.id, status, "", market.symbol, _name_of_champion(market),
        trades=int(group.batch.cell("a_trades")[place]),
        trades_needed=None if contest is None else contest.terms.trades_min,
    )  # fmt: skip
    if contest is None:
        text = "this run has no gate: nobody becomes champion but by a person's word"
    elif status in GONE:
        text = f"it is {status} ({seat.why or 'by hand'}) and comes no more"
    elif group.slots[place] < 0:
        why = WAITS.get(status, "it takes part from the next look on")
        text = _halted(state, f"{_trades(bare)}, no evidence yet: {why}")
    else:
        return _contender(state, market, contest, group, place, bare)
    return msgspec.structs.replace(bare, text=text)


def _unseated(state: State, variant: str) -> Explanation:
    if any(seat.id == variant for seat in (*state.joining, *state.waiting)):
        return Explanation(variant, "waiting", "it waits for a place: it has not begun yet")
    if not state.begun:
        text = f"the run is still starting: ask for {variant} again when it has begun"
        return Explanation(variant, "starting", text)
    return Explanation(variant, "unknown", f"there is no variant {variant} in this run")


def bars_to_go(total: float, spread: float, rho: float, needed: float, age: float) -> float:
    """Evidence bars until log evidence is `needed`, if it goes on as it did; `inf` for never.

    As S and V grow alike, to f S and f V, evidence falls at most at first and then rises for ever
    (its slope in f changes sign once): there is one f from which on it suffices.
    """

    def reached(f: float) -> bool:
        return bool(log_mixture(f * total, f * spread, rho) >= needed)

    if reached(1.0):
        return 0.0
    if total <= 0.0:
        return inf
    high = 2.0
    while not reached(high):
        if high >= FOREVER:
            return inf
        high *= 2.0
    low = 0.5 * high
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if reached(middle) else (middle, high)
    return (high - 1.0) * age


def e_value(log_evidence: float) -> float:
    """Evidence as it is told, always a number."""
    return exp(min(log_evidence, LOG_MOST))


def _contender(
    state: State, market: Market, contest: Contest, group: Group, place: int, bare: Explanation
) -> Explanation:
    """Somebody whose evidence is counted."""
    assert state.terms is not None
    epoch, slot = contest.epoch, int(group.slots[place])
    total, spread = float(epoch.sums[TOTAL, slot]), epoch.spread(slot)
    evidence = float(log_mixture(total, spread, epoch.terms.rho))
    conditions = Bench(contest, state.terms, market.groups).conditions(slot)
    stopped = missing(epoch, slot, evidence, conditions)
    alone, worlds = _needed(contest, slot)
    passed = TRACKS[epoch.passed[slot]]
    least = LONE if passed else min(alone, worlds)
    edge, low, high = epoch.interval(slot)
    rank, ranked = _rank(market, epoch, slot)
    outlook, to_go = _outlook(contest, group, slot, bare.trades)
    if outlook == "passed" and _others(stopped):
        outlook, to_go = "conditions", None
    p = epoch.p_value(slot)
    found = msgspec.structs.replace(
        bare,
        evidence=e_value(evidence),
        evidence_needed=e_value(least) if isfinite(least) else None,
        needed_alone=e_value(alone) if isfinite(alone) else None,
        needed_worlds=e_value(worlds) if isfinite(worlds) else None,
        confidence=1.0 - p,
        p_value=p,
        evidence_bars=int(epoch.sums[AGE, slot]),
        edge=edge,
        low=low if isfinite(low) else None,
        high=high if isfinite(high) else None,
        rank=rank,
        ranked=ranked,
        conditions=conditions,
        stopped_by=stopped,
        track=passed,
        verdict=contest.found.get(bare.variant, ""),
        outlook=outlook,
        bars_to_go=to_go,
    )
    text = _text(found, contest, market)
    return msgspec.structs.replace(found, text=_halted(state, text))


def _others(stopped: tuple[str, ...]) -> list[str]:
    """What stops it besides too few trades and too little evidence."""
    return [code for code in stopped if code not in COUNTED]


def _needed(contest: Contest, slot: int) -> tuple[float, float]:
    """Log evidence that passes alone, and beside the worlds; `inf` where nothing would."""
    alone = -log(contest.terms.alpha_each) - float(contest.epoch.log_weight[slot])
    known = contest.threshold is not None and not _over(contest)
    return max(LONE, alone), max(LONE, contest.threshold or 0.0) if known else inf


def _over(contest: Contest) -> bool:
    """Whether the worlds' track is closed for the rest of this epoch."""
    return contest.epoch.bar > contest.terms.season


def _outlook(
    contest: Contest, group: Group, slot: int, trades: int
) -> tuple[Outlook, float | None]:
    """Signal bars until trades and evidence suffice, at the rate of each; the later of the two."""
    epoch, terms = contest.epoch, contest.terms
    age, spread = float(epoch.sums[AGE, slot]), epoch.spread(slot)
    if spread <= 0.0:
        return "unknown", None
    total = float(epoch.sums[TOTAL, slot])

    def until(needed: float) -> float:
        return bars_to_go(total, spread, terms.rho, needed, age)

    alone, worlds = _needed(contest, slot)
    if epoch.passed[slot]:
        wait = until(LONE)
    else:
        old = max(0.0, terms.bars_min - age)
        wait = min(until(alone), max(until(worlds), old) if isfinite(worlds) else inf)
    wait *= terms.bars
    if not isfinite(wait):
        open_ = total > 0.0 and not isfinite(alone) and not _over(contest)
        return "unknown" if open_ else "never", None
    short = max(0, terms.trades_min - trades)
    if short and not trades:
        return "unknown", None
    since = int(group.batch.bars()[group.slots == slot][0])
    wait = max(wait, short * since / trades if short else 0.0)
    return ("bars", wait) if wait > 0.0 else ("passed", 0.0)


def _rank(market: Market, epoch: Epoch, slot: int) -> tuple[int | None, int]:
    """Its place among all who are there and have evidence, and how many they are."""
    spread, there = epoch.spreads(), _with_evidence(market, epoch)
    if slot not in there:
        return None, len(there)
    evidence = log_mixture(epoch.sums[TOTAL][there], spread[there], epoch.terms.rho)
    own = float(evidence[there == slot][0])
    return 1 + int(np.count_nonzero(evidence > own)), len(there)


def ranked(market: Market) -> int:
    """How many have any evidence now, whether it was looked at yet or not."""
    return 0 if market.contest is None else len(_with_evidence(market, market.contest.epoch))


def _with_evidence(market: Market, epoch: Epoch) -> npt.NDArray[np.int64]:
    taken = [g.slots[(g.slots >= 0) & ~g.gone] for g in market.groups if not g.champion]
    slots = np.concatenate([np.zeros(0, np.int64), *taken])
    found: npt.NDArray[np.int64] = slots[epoch.spreads()[slots] > 0.0]
    return found


def _champion(state: State, market: Market, seat: Seat) -> Explanation:
    """Nobody but its predecessor stands against a champion."""
    contest, name = market.contest, seat.id
    status = "champion" if seat.status == "active" else seat.status
    found = Explanation(name, status, "", market.symbol, name)
    watch = None if contest is None else contest.watch
    if watch is None:
        before = market.predecessor
        text = f"; {before} was before it and is not compared with it"
        text = text if before else ", and nobody was before it"
        return msgspec.structs.replace(found, text=_halted(state, _reigns(seat) + text))
    warned = ", and it was WARNED of: less than half as good as was promised"
    text = (
        f"{_reigns(seat)}; evidence that it is worse than {watch.predecessor}:"
        f" {watch.evidence:.3g} of {grouped(LENGTH)} in {watch.bars} evidence bars"
        f"{warned if watch.warned else ''}"
    )
    own = Watched(watch.predecessor, watch.evidence, LENGTH, watch.warned, watch.bars)
    return msgspec.structs.replace(found, text=_halted(state, text), watch=own)


def _reigns(seat: Seat) -> str:
    """A champion that does nothing is champion all the same; one must know that it does nothing."""
    if seat.status == "active":
        return "it is the champion"
    if seat.status in GONE:
        return f"it is the champion, but {seat.status} ({seat.why or 'by hand'}): it trades no more"
    return f"it is the champion, but {seat.status}: it opens nothing"


def _halted(state: State, text: str) -> str:
    return text if state.halt is None else f"{text}; {HALTED}"


def _name_of_champion(market: Market) -> str:
    return next((g.seats[0].id for g in market.groups if g.champion), "")


def _status(state: State, group: Group, place: int, seat: Seat) -> str:
    if seat.status != "active":
        return seat.status
    if group.batch.cell("k_warmup")[place] > group.batch.signals:
        return "warming"
    return "active" if state.halt is None else "halted"


def _text(found: Explanation, contest: Contest, market: Market) -> str:
    """In a line; the numbers first."""
    assert found.evidence is not None
    parts = [
        _trades(found),
        f"evidence {number(found.evidence)} of {_takes(found, contest)}",
        _prospect(found, contest),
    ]
    others = _others(found.stopped_by)
    if others and not found.verdict and found.outlook != "conditions":
        parts.append(f"stopped by {', '.join(others)} as well")
    if market.predecessor == found.variant:
        parts.append("it was champion before")
    return ", ".join(parts)


def _prospect(found: Explanation, contest: Contest) -> str:
    """What is to come, if all goes on as it did; how it stands itself comes before all else."""
    if found.status == "paused":
        passed = f"; that it has passed ({found.verdict}) does not count" if found.verdict else ""
        return f"it is paused, and nothing counts but what it still holds{passed}"
    if found.verdict:
        return f"it has PASSED by {found.verdict}{_next_step(found, contest)}"
    if found.status == "halted":
        return "nothing counts meanwhile but what it still holds"
    if found.outlook == "conditions":
        lacks = ", ".join(_others(found.stopped_by))
        return f"trades and evidence suffice, and it waits for its conditions: {lacks}"
    if found.bars_to_go:
        return f"about {grouped(found.bars_to_go)} bars to go at this rate"
    return WORDS[found.outlook]


def _next_step(found: Explanation, contest: Contest) -> str:
    """What becomes of one that has passed, and by whose hand."""
    if found.stopped_by:
        return f", but now it is stopped by {', '.join(found.stopped_by)}"
    if found.status == "halted":
        return ""
    if contest.phase == "cooling":
        return "; the champion is new and the gate itself waits, but you may promote it by hand"
    return "" if contest.terms.auto else " and waits for your consent"


def _trades(found: Explanation) -> str:
    short = found.trades < (found.trades_needed or 0)
    return f"{found.trades}{f' of {found.trades_needed}' if short else ''} trades"


def _takes(found: Explanation, contest: Contest) -> str:
    """What evidence it takes, and by which way that is."""
    if found.track:
        return f"{number(e_value(LONE))}, passed before"
    if found.needed_worlds is not None:
        return number(min(found.needed_worlds, found.needed_alone or inf))
    if _over(contest):
        closed = "the season of the shadow worlds is over"
        alone = found.needed_alone
        return f"no amount ({closed})" if alone is None else f"{number(alone)} alone ({closed})"
    closed = "the shadow worlds allow nobody yet"
    if found.needed_alone is None:
        return f"{number(e_value(LONE))} at least ({closed})"
    return f"{number(found.needed_alone)} alone ({closed})"


def number(value: float) -> str:
    """An e-value for the eye."""
    return f"{value:.3g}" if value < 1e3 or value >= 1e7 else grouped(value)


def grouped(value: float) -> str:
    """A whole number in threes, as the dashboard has all of its numbers."""
    return f"{value:,.0f}".replace(",", "\u202f")
