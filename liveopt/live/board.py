"""What the run is doing, for whoever looks: counted as it happens, never read by a decision."""

from collections import Counter, deque
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

import numpy as np

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import FeedState, Quote
from liveopt.promotion.epoch import TOTAL
from liveopt.stats.evidence import log_mixture
from liveopt.walk.contest import Contest
from liveopt.walk.explain import e_value, grouped, number, ranked
from liveopt.walk.group import Group
from liveopt.walk.records import Entered, Out, Record, Standing, Trade, VariantStopped
from liveopt.walk.seat import Seat
from liveopt.walk.standings import standing_of, standings
from liveopt.walk.state import Market, State
from liveopt.walk.verdicts import Demoted, Leader, Looked, Promoted, Warned

RECENT_MAX: Final = 200
NOBODY: Final = "nobody has any evidence yet"


@dataclass(slots=True)
class Board:
    """Counts since the start of this process, and the newest records."""

    ticks: int = 0
    ticked_s: float | None = None
    """When the newest tick was taken in, by the loop's clock; None before there was one.

    One that an earlier process took in counts from when this one began: it is at least so old.
    """
    entries: int = 0
    trades: int = 0
    promotions: int = 0
    demotions: int = 0
    warnings: int = 0
    """Of champions that are less than was promised."""
    holes: int = 0
    restarts: Counter[str] = field(default_factory=Counter)
    """How often each part of the service crashed and was started again."""
    stopped: Counter[str] = field(default_factory=Counter)
    """Variants that were stopped, by reason."""
    recent: deque[Record] = field(default_factory=lambda: deque(maxlen=RECENT_MAX))
    newest: dict[str, Standing] = field(default_factory=dict)
    """How each symbol stood at its last signal bar."""
    looked: dict[str, Looked] = field(default_factory=dict)
    """The newest look at each symbol's evidence."""
    feed: dict[str, FeedState] = field(default_factory=dict)
    quotes: dict[str, Quote] = field(default_factory=dict)
    phase: str = "starting"

    def heard(self, outs: list[Out]) -> None:
        """Take in what an event led to."""
        for _, record in outs:
            match record:
                case Entered():
                    self.entries += 1
                case Trade():
                    self.trades += 1
                case VariantStopped(reason=why):
                    self.stopped[why] += 1
                case Standing(symbol=symbol):
                    self.newest[symbol] = record
                    continue
                case _:
                    self._judged(record)
            self.recent.append(record)

    def _judged(self, record: Record) -> None:
        """What the gate says."""
        match record:
            case Looked(symbol=symbol):
                self.looked[symbol] = record
            case Promoted(symbol=symbol):
                self.promotions += 1
                self.looked.pop(symbol, None)
            case Demoted(symbol=symbol):
                self.demotions += 1
                self.looked.pop(symbol, None)
            case Warned():
                self.warnings += 1
            case _:
                pass

    def quoted(self, quote: Quote) -> None:
        """The top of a book; only the newest counts."""
        self.quotes[quote.symbol] = quote


def variants_by_status(state: State) -> dict[str, int]:
    """How many variants there are of each status, the champions not counted."""
    found: Counter[str] = Counter()
    for _, group in state.groups():
        if group.champion:
            continue
        warm = group.batch.cell("k_warmup") <= group.batch.signals
        found.update(
            "warming" if seat.status == "active" and not warm[place] else seat.status
            for place, seat in enumerate(group.seats)
        )
    found["waiting"] += len(state.joining) + len(state.waiting)
    return dict(found)


def eligible(market: Market) -> dict[str, str]:
    """Who may be promoted, each with the verdict that holds, whoever has most evidence first."""
    contest = market.contest
    if contest is None:
        return {}
    there = [seat.id for seat in _passed(market, contest) if seat.status == "active"]
    epoch = contest.epoch
    slots = [epoch.names.index(name) for name in there]
    evidence = log_mixture(epoch.sums[TOTAL][slots], epoch.spreads()[slots], epoch.terms.rho)
    order = np.argsort(-evidence, kind="stable").tolist()
    return {there[n]: contest.found[there[n]] for n in order}


def _passed(market: Market, contest: Contest) -> list[Seat]:
    """Those on whom a verdict holds, as long as they have their slots."""
    found: list[Seat] = []
    for name in contest.found:
        if name not in contest.epoch.names:
            continue  # it is gone, and the next look will say so
        slot = contest.epoch.names.index(name)
        for group in market.groups:
            places = np.flatnonzero(group.slots == slot).tolist()
            found += [group.seats[place] for place in places]
    return found


def why_none_is_eligible(state: State, board: Board) -> str:
    """A newcomer's first question, answered beside the zero; nothing where somebody is."""
    if any(eligible(market) for market in state.markets.values()):
        return ""
    if state.terms is not None and state.terms.gate is None:
        return "this run has no promotion gate"
    if not board.newest:
        return "no signal bar has closed yet"
    reasons = [_why(board, market) for market in state.markets.values()]
    several = len(reasons) > 1
    names = [f"{symbol}: " if several else "" for symbol in state.markets]
    return "; ".join(name + why for name, why in zip(names, reasons, strict=True))


def _why(board: Board, market: Market) -> str:
    if market.contest is not None and (passed := _passed(market, market.contest)):
        return "; ".join(f"{seat.id} has passed, but it is {seat.status}" for seat in passed)
    looked = board.looked.get(market.symbol)
    if looked is None or not looked.leaders:
        most = board.newest[market.symbol].most_trades if market.symbol in board.newest else 0
        count = ranked(market)
        have = f"{grouped(count)} have evidence that was not looked at yet" if count else NOBODY
        return f"{have}; the most any variant has is {most} trades"
    return leading(looked.leaders[0])


def leading(leader: Leader) -> str:
    """Who has the most evidence, and what stops it."""
    whats = ", ".join(leader.stopped_by)
    stops = f"stopped by: {whats}" if whats else "nothing stops it"
    evidence = number(e_value(leader.log_evidence))
    return f"{leader.variant} leads with evidence {evidence} and {leader.trades} trades; {stops}"


def listing(state: State, limit: int, variant: str = "") -> list[dict[str, Any]]:
    """The best variants, or the one of this name, as plain data."""
    if variant:
        one = standing_of(state, variant)
        found = [] if one is None else [one]
    else:
        found = standings(state, limit)
    return [{name: getattr(one, name) for name in one.__slots__} for one in found]


def position(state: State, variant: str) -> dict[str, Any] | None:
    """What a variant holds as plain data; None where it is flat, or not there."""
    found = state.find(variant)
    if found is None:
        return None
    market, group, place, _ = found
    side = float(group.batch.cell("a_side")[place])
    if side == 0.0 or market.origin_ns is None:
        return None
    since_s = float(group.batch.cell("a_since_s")[place])
    return {
        "side": "long" if side > 0.0 else "short",
        "size": abs(float(group.batch.cell("a_qty")[place])),
        "entry_price": float(group.batch.cell("a_entry")[place]),
        "entry_ns": market.origin_ns + round(since_s * SECOND_NS),
        "stop": _stop(group, place, side),
    }


def _stop(group: Group, place: int, side: float) -> float | None:
    """The price at which its stop, fixed or trailing, closes it as things are.

    Where the exchange would close it first there is none: that is no stop of its own.
    """
    rule, cell = group.batch.setup.rule, group.batch.cell
    if not (rule.stop or rule.trail):
        return None
    level = float(cell("a_low_exit" if side > 0.0 else "a_high_exit")[place])
    taken = rule.perpetual and level == float(cell("a_liquidation")[place])
    return level if isfinite(level) and not taken else None
