"""Variants that share one compiled step, side by side, and what becomes of each of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

import numpy as np

from liveopt.core.account import ASTRAY, ORDERED, REASONS, RISK, Rule
from liveopt.core.bars import SECOND_NS
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Strategy
from liveopt.engine.batch import Batch, Setup, open_batch, program_of, take
from liveopt.engine.cpu import compiled
from liveopt.engine.stepper import LOG_LEAST, Note, Stepper
from liveopt.walk.events import Terms
from liveopt.walk.records import Entered, Side, Trade
from liveopt.walk.told import TOLD
from liveopt.walk.variant import Variant, group_key, parameters_hash

Status = Literal["active", "paused", "stopped", "retired"]


@dataclass(slots=True)
class Seat:
    """One variant's place in a group."""

    variant: Variant
    hash: str
    status: Status = "active"
    why: str = ""


@dataclass(slots=True)
class Group:
    """A batch and whose places are in it."""

    batch: Batch
    seats: list[Seat]
    champion: bool
    stepper: Stepper = field(init=False)
    known: "np.ndarray[tuple[int], np.dtype[np.float64]]" = field(init=False)
    """What `barred` said when it was last looked at."""
    packed: bytes | None = None
    """The variants as an image has them."""

    def __post_init__(self) -> None:
        self.stepper = Stepper(self.batch)
        self.known = self.stepper.barred().copy()

    @property
    def slow(self) -> bool:
        """Whether its targets come from another process."""
        return self.batch.setup.strategy is TOLD

    def bar(self, seats: Sequence[int], level: float) -> None:
        """Bar these from opening positions; with `OUT` they are closed as well."""
        self.stepper.bar(seats, level)
        self.known = self.stepper.barred().copy()

    def free(self, seats: Sequence[int]) -> None:
        """Let these open positions again."""
        self.stepper.unbar(seats)
        self.known = self.stepper.barred().copy()

    def newly_barred(self) -> list[int]:
        """Who has stopped itself since the last look: a limit was breached, a target was none."""
        now = self.stepper.barred()
        changed = np.flatnonzero(now != self.known)
        if len(changed):
            self.known = now.copy()
        return [int(i) for i in changed]

    def positions(self) -> int:
        """How many hold something."""
        return int(np.count_nonzero(self.batch.cell("a_side")))

    def why_stopped(self, seat: int, terms: Terms) -> str:
        """The reason that the engine stopped a variant."""
        if self.known[seat] == ASTRAY:
            return "no_target"
        if not isfinite(float(self.batch.cell("a_cash")[seat])):
            return "not_finite"
        equity = float(self.batch.cell("p_equity")[seat])
        lost = not equity >= terms.capital * (1.0 - terms.loss_limit)
        sunk = not float(self.batch.cell("p_drawdown")[seat]) <= terms.drawdown_limit
        return "safety_drawdown_limit" if sunk and not lost else "safety_loss_limit"

    def tell(self, seat: int, target: float) -> None:
        """The word of a slow-lane variant: an order for the next tick, as a signal's would be."""
        if target != float(self.batch.cell("m_target")[seat]):
            for name in ("m_told", "m_target", "a_want"):
                self.batch.put(name, seat, target)

    def only(self, seats: Sequence[int]) -> "Group":
        """These alone, with all they carry."""
        return Group(take(self.batch, seats), [self.seats[i] for i in seats], self.champion)

    def entered(self, note: Note, symbol: str, origin_ns: int) -> Entered:
        """The record of a position that was opened."""
        v, seat = note.values, self.seats[note.variant]
        return Entered(
            at_ns=_ns(v["since_s"], origin_ns),
            variant=seat.variant.id,
            symbol=symbol,
            side=_side(v["side"]),
            price=v["entry"],
            size=abs(v["qty"]),
            leverage=_leverage(seat.variant),
            margin=v["margin"],
            fee=v["paid"],
        )

    def traded(self, note: Note, symbol: str, origin_ns: int) -> Trade:
        """The record of a position that was closed."""
        v, seat = note.values, self.seats[note.variant]
        since_s, until_s = v["since_s"], v["time_s"]
        reason = int(v["reason"])
        return Trade(
            at_ns=_ns(until_s, origin_ns),
            variant=seat.variant.id,
            symbol=symbol,
            strategy=seat.variant.strategy,
            parameters_hash=seat.hash,
            experimental=not self.champion,
            side=_side(v["was_side"]),
            size=abs(v["was_qty"]),
            leverage=_leverage(seat.variant),
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
            signal_strength=_defined(v["strength"]) if "strength" in v else None,
        )


def open_groups(
    variants: Iterable[Variant],
    strategies: Mapping[str, Strategy],
    instrument: Instrument,
    terms: Terms,
    champion: bool = False,
) -> list[Group]:
    """Everybody at the start, those together who share a step."""
    shared: dict[object, list[Variant]] = {}
    for variant in variants:
        strategy = strategy_of(variant, strategies)
        shared.setdefault(group_key(variant, strategy), []).append(variant)
    return [
        _open(members, strategy_of(members[0], strategies), instrument, terms, champion)
        for members in shared.values()
    ]


def compile_for(
    variants: Iterable[Variant],
    strategies: Mapping[str, Strategy],
    instrument: Instrument,
    terms: Terms,
) -> None:
    """Compile, or load, their steps: what takes seconds is done before they join."""
    different = {group_key(v, strategy_of(v, strategies)): v for v in variants}
    for variant in different.values():
        setup = setup_of(variant, strategy_of(variant, strategies), instrument, terms)
        compiled(program_of(setup))


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
        stop="stop" in named,
        take="take" in named,
        trail="trail" in named,
        min_hold="min_hold" in named,
        max_hold="max_hold" in named,
        funding=perpetual,
        steered=True,
    )
    words = {n: str(variant.parameters[n]) for n in strategy.choices if n in named}
    return Setup(
        strategy,
        rule,
        instrument,
        terms.capital,
        words,
        log_trades=LOG_LEAST,
        loss_limit=terms.loss_limit,
        drawdown_limit=terms.drawdown_limit,
    )


def _open(
    members: list[Variant],
    strategy: Strategy,
    instrument: Instrument,
    terms: Terms,
    champion: bool,
) -> Group:
    knobs, risk = columns_of(members, strategy)
    batch = open_batch(setup_of(members[0], strategy, instrument, terms), knobs, risk)
    seats = [Seat(v, parameters_hash(v.parameters)) for v in members]
    return Group(batch, seats, champion)


def columns_of(
    members: Sequence[Variant], strategy: Strategy
) -> tuple[dict[str, "np.ndarray"], dict[str, "np.ndarray"]]:
    """Knobs and risk of many variants as columns."""
    first = members[0].parameters

    def column(name: str) -> "np.ndarray":
        return np.array([float(v.parameters[name]) for v in members])

    if strategy is TOLD:
        knobs = {"place": np.zeros(len(members))}
    else:
        knobs = {name: column(name) for name in strategy.knobs}
    return knobs, {name: column(name) for name in RISK if name in first}


def _ns(time_s: float, origin_ns: int) -> int:
    return origin_ns + round(time_s * SECOND_NS)


def _side(sign: float) -> Side:
    return "long" if sign > 0.0 else "short"


def _leverage(variant: Variant) -> float:
    return float(variant.parameters.get("leverage", 1.0))


def _defined(value: float) -> float | None:
    return value if isfinite(value) else None
