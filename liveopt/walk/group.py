"""Variants that share one compiled step, side by side, and what becomes of each of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.core.account import (
    ASTRAY,
    FREE,
    NO_ENTRIES,
    ORDERED,
    OUT,
    REASONS,
    RISK,
    Rule,
    featured,
)
from liveopt.core.bars import SECOND_NS
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import BadKnobs, Strategy
from liveopt.engine.batch import Array, Batch, Setup, join, open_batch, program_of, take
from liveopt.engine.program import STRENGTH, Program
from liveopt.engine.stepper import LOG_LEAST, Note, Stepper
from liveopt.promotion.conditions import TRADES_MOST
from liveopt.walk.events import Terms
from liveopt.walk.records import Entered, Side, Trade
from liveopt.walk.seat import GONE, HASH_BYTES, Seat, Status, seat_of
from liveopt.walk.told import TOLD
from liveopt.walk.variant import GroupKey, Variant, check_variant, group_key

CARRIED: Final = ("slots", "returns", "traded_n", "carried")
"""What a group knows of its places besides the batch; who is gone, the seats say."""
FLATTENED: Final = "emergency_stop"
"""Why somebody is closed whom the operator's stop puts out."""
Flags = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Group:
    """A batch and whose places are in it."""

    batch: Batch
    seats: list[Seat]
    champion: bool
    stepper: Stepper = field(init=False)
    gone: Flags = field(init=False)
    """Who was stopped or retired: the seats say it too, but one by one."""
    closing: Flags = field(init=False)
    """Who was put out by the operator's stop, and is so until it is over and he is flat."""
    slots: npt.NDArray[np.int64] = field(init=False)
    """Where in the gate's evidence each has its place; -1 of none."""
    returns: npt.NDArray[np.float32] = field(init=False)
    """On margin, of each one's newest trades; without a gate none are remembered."""
    traded_n: npt.NDArray[np.int64] = field(init=False)
    """How many trades have been remembered, those that were overwritten too."""
    carried: Flags = field(init=False)
    """Who holds a position that was opened in the other role, champion or not."""

    def __post_init__(self) -> None:
        count = len(self.seats)
        self.slots = np.full(count, -1)
        kept = TRADES_MOST if self.batch.setup.pessimistic else 0
        self.returns = np.zeros((count, kept), np.float32)
        self.traded_n = np.zeros(count, np.int64)
        self.carried = np.zeros(count, np.bool_)
        self.stepper = Stepper(self.batch)
        self.gone = np.array([seat.status in GONE for seat in self.seats], bool)
        self.closing = np.array([s.why == FLATTENED for s in self.seats], bool) & ~self.gone

    @property
    def slow(self) -> bool:
        """Whether its targets come from another process."""
        return self.batch.setup.strategy is TOLD

    def bar(self, seats: Sequence[int], level: float) -> None:
        """Bar these from opening positions; with `OUT` they are closed as well."""
        self.stepper.bar(seats, level)

    def free(self, seats: Sequence[int]) -> None:
        """Let these open positions again."""
        self.stepper.unbar(seats)

    def out(self) -> list[int]:
        """Who of those who run has put itself out: at a limit, or by a word that was no target."""
        least = np.where(self.closing, ASTRAY, OUT)
        return [int(i) for i in np.flatnonzero((self.stepper.barred() >= least) & ~self.gone)]

    def close(self, places: Sequence[int]) -> None:
        """Put these out by the operator's word."""
        self.bar(places, OUT)
        self.closing[places] = True
        for place in places:
            self.seats[place].why = FLATTENED

    def reopen(self, places: Iterable[int]) -> None:
        """Free these again; one that is still to be closed stays out until it is flat."""
        side = self.batch.cell("a_side")
        now = [i for i in places if not (self.closing[i] and side[i] != 0.0)]
        self.free(now)
        self.bar([i for i in now if self.seats[i].status == "paused"], NO_ENTRIES)
        for place in now:
            self.seats[place].why = ""
        self.closing[now] = False

    def leave(self, place: int, status: Status, why: str) -> None:
        """One of them is done for good."""
        seat = self.seats[place]
        seat.status, seat.why = status, why
        self.gone[place], self.closing[place] = True, False

    def count(self) -> int:
        """How many run, paused ones among them."""
        return len(self.seats) - int(np.count_nonzero(self.gone))

    def needed(self) -> list[int]:
        """The places of those who run or still hold something."""
        found: list[int] = np.flatnonzero(~self.gone | (self.batch.cell("a_side") != 0.0)).tolist()
        return found

    def positions(self) -> int:
        """How many hold something."""
        return int(np.count_nonzero(self.batch.cell("a_side")))

    def why_stopped(self, seat: int, terms: Terms) -> str:
        """The reason that the engine stopped a variant."""
        if self.stepper.barred()[seat] == ASTRAY:
            return "no_target"
        equity = float(self.batch.cell("p_equity")[seat])
        if not isfinite(float(self.batch.cell("a_cash")[seat])) or not isfinite(equity):
            return "not_finite"
        lost = not equity >= terms.capital * (1.0 - terms.loss_limit)
        sunk = not float(self.batch.cell("p_drawdown")[seat]) <= terms.drawdown_limit
        return "safety_drawdown_limit" if sunk and not lost else "safety_loss_limit"

    def tell(self, seat: int, target: float) -> None:
        """The word of a slow-lane variant: an order for the next tick, as a signal's would be."""
        if self.batch.setup.rule.sides == "long":
            target = max(target, 0.0)
        if target != float(self.batch.cell("m_target")[seat]):
            orders = ("a_want", "b_queue") if self.batch.setup.pessimistic else ("a_want",)
            for name in ("m_told", "m_target", *orders):
                self.batch.put(name, seat, target)

    def ready(self) -> Flags:
        """Who trades freely: warm, and held back by nobody."""
        warm = self.batch.cell("k_warmup") <= self.batch.signals
        found: Flags = warm & (self.stepper.barred() == FREE) & ~self.gone
        return found

    def within(self) -> Flags:
        """Who is in the market with its own decisions: ready, or with a position still open."""
        warm = self.batch.cell("k_warmup") <= self.batch.signals
        holds = (self.batch.cell("a_side") != 0.0) | (self.batch.cell("b_side") != 0.0)
        found: Flags = warm & ((self.stepper.barred() == FREE) | holds) & ~self.gone
        return found

    def returns_of(self, seat: int) -> npt.NDArray[np.float32]:
        """Returns on margin of one's newest trades, in no order."""
        return self.returns[seat, : min(int(self.traded_n[seat]), self.returns.shape[1])]

    def changes_sides(self) -> None:
        """From champion to variant or back."""
        self.champion = not self.champion
        self.carried ^= self.batch.cell("a_side") != 0.0

    def only(self, seats: Sequence[int]) -> "Group":
        """These alone, with all they carry."""
        found = Group(take(self.batch, seats), [self.seats[i] for i in seats], self.champion)
        for name in CARRIED:
            setattr(found, name, getattr(self, name)[list(seats)])
        return found

    def experimental(self, seat: int) -> bool:
        """Whether what one holds was opened as an experiment: it ends where it began."""
        return self.champion == bool(self.carried[seat])

    def entered(self, note: Note, symbol: str, origin_ns: int) -> Entered:
        """The record of a position that was opened."""
        v, seat = note.values, self.seats[note.variant]
        if STRENGTH in self.batch.program.state:
            seat.strength = _defined(float(self.batch.cell(STRENGTH)[note.variant]))
        return Entered(
            at_ns=_ns(v["since_s"], origin_ns),
            variant=seat.id,
            symbol=symbol,
            side=_side(v["side"]),
            price=v["entry"],
            size=abs(v["qty"]),
            leverage=seat.leverage,
            margin=v["margin"],
            fee=v["paid"],
        )

    def traded(self, note: Note, symbol: str, origin_ns: int) -> Trade:
        """The record of a position that was closed."""
        v, seat = note.values, self.seats[note.variant]
        if kept := self.returns.shape[1]:
            at = int(self.traded_n[note.variant]) % kept
            self.returns[note.variant, at] = v["roi"] if isfinite(v["roi"]) else 0.0
            self.traded_n[note.variant] += 1
        experimental = self.experimental(note.variant)
        self.carried[note.variant] = False
        since_s, until_s = v["since_s"], v["time_s"]
        reason = int(v["reason"])
        return Trade(
            at_ns=_ns(until_s, origin_ns),
            variant=seat.id,
            symbol=symbol,
            strategy=seat.key.strategy,
            parameters_hash=seat.hash,
            experimental=experimental,
            side=_side(v["was_side"]),
            size=abs(v["was_qty"]),
            leverage=seat.leverage,
            margin=v["margin"],
            entry_ns=_ns(since_s, origin_ns),
            entry_price=v["entry"],
            exit_price=v["leave"],
            duration_s=until_s - since_s,
            gross=_defined((v["leave"] - v["entry"]) * v["was_qty"]),
            fees=_defined(v["paid"]),
            funding=_defined(v["funded"]),
            net=_defined(v["net"]),
            roi=_defined(v["roi"]),
            reason=seat.why or "ordered" if reason == int(ORDERED) else REASONS[reason],
            signal_strength=seat.strength,
        )


def one_of(groups: Sequence[Group]) -> Group:
    """All of these in one group, in their order, with all they carry."""
    seats = [seat for group in groups for seat in group.seats]
    found = Group(join([group.batch for group in groups]), seats, champion=False)
    for name in CARRIED:
        setattr(found, name, np.concatenate([getattr(group, name) for group in groups]))
    return found


def open_groups(
    seats: Iterable[Seat],
    strategies: Mapping[str, Strategy],
    instrument: Instrument,
    terms: Terms,
    champion: bool = False,
) -> list[Group]:
    """Everybody at the start, those together who share a step."""
    return [
        Group(batch, members, champion)
        for members, batch in _batches(seats, strategies, instrument, terms)
    ]


def unfit(
    variants: Sequence[Variant],
    strategies: Mapping[str, Strategy],
    instrument: Instrument,
    terms: Terms,
) -> dict[str, str]:
    """Who of them could not be opened, and why."""
    found = {v.id: why for v in variants if (why := _incomplete(v, strategies))}
    sound = [v for v in variants if v.id not in found]
    try:
        _batches(map(seat_of, sound), strategies, instrument, terms)
    except BadKnobs as error:
        if len(variants) == 1:
            return {sound[0].id: str(error)}
        for variant in sound:
            found |= unfit([variant], strategies, instrument, terms)
    return found


def _incomplete(variant: Variant, strategies: Mapping[str, Strategy]) -> str:
    try:
        if variant.lane == "fast":
            if variant.strategy not in strategies:
                return f"no strategy {variant.strategy}"
            check_variant(variant, strategies[variant.strategy])
    except BadKnobs as error:
        return str(error)
    words = [n for n in RISK if isinstance(variant.parameters.get(n), str)]
    return f"{words[0]} is a number" if words else ""


def programs(
    variants: Iterable[Variant],
    strategies: Mapping[str, Strategy],
    instrument: Instrument,
    terms: Terms,
) -> list[Program]:
    """The different steps of these variants."""
    different = {group_key(v): v for v in variants}
    return [
        program_of(setup_of(variant, strategy_of(variant, strategies), instrument, terms))
        for variant in different.values()
    ]


def strategy_of(variant: Variant, strategies: Mapping[str, Strategy]) -> Strategy:
    """What decides for a variant in this process."""
    return TOLD if variant.lane == "slow" else strategies[variant.strategy]


def setup_of(variant: Variant, strategy: Strategy, instrument: Instrument, terms: Terms) -> Setup:
    """The set-up that a variant shares with those of its group."""
    named = variant.parameters.keys()
    perpetual = instrument.market == "perpetual"
    rule = Rule(
        market=instrument.market,
        sides="both" if perpetual else "long",
        funding=perpetual,
        steered=True,
    )
    words = {n: str(variant.parameters[n]) for n in strategy.choices if n in named}
    return Setup(
        strategy,
        featured(rule, named),
        instrument,
        terms.capital,
        words,
        pessimistic=terms.gate is not None,
        log_trades=LOG_LEAST,
        loss_limit=terms.loss_limit,
        drawdown_limit=terms.drawdown_limit,
    )


def _batches(
    seats: Iterable[Seat],
    strategies: Mapping[str, Strategy],
    instrument: Instrument,
    terms: Terms,
) -> list[tuple[list[Seat], Batch]]:
    """Those together who share a step; nothing is compiled yet."""
    together: dict[GroupKey, list[Seat]] = {}
    for seat in seats:
        together.setdefault(seat.key, []).append(seat)
    found = []
    for members in together.values():
        first = members[0].variant
        strategy = strategy_of(first, strategies)
        setup = setup_of(first, strategy, instrument, terms)
        found.append((members, open_batch(setup, *columns_of(members, strategy))))
    return found


def columns_of(
    members: Sequence[Seat], strategy: Strategy
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Knobs and risk of many variants of one key as columns."""
    table = np.frombuffer(b"".join(seat.packed for seat in members)).reshape(len(members), -1)
    columns: dict[str, Array] = dict(
        zip(members[0].key.numbers, table.T[HASH_BYTES // 8 :], strict=True)
    )
    if strategy is TOLD:
        knobs = {"place": np.zeros(len(members))}
    else:
        knobs = {name: columns[name] for name in strategy.knobs}
    return knobs, {name: columns[name] for name in RISK if name in columns}


def _ns(time_s: float, origin_ns: int) -> int:
    return origin_ns + round(time_s * SECOND_NS)


def _side(sign: float) -> Side:
    return "long" if sign > 0.0 else "short"


def _defined(value: float) -> float | None:
    return value if isfinite(value) else None
