"""The account of one variant: its order, its position, its money and its closed trades.

A row of the market passes in this order: orders given by the last signal fill at the open, then
stop and target are tried against the bar's range, then the position is marked at the close.
"""

import math
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from liveopt.core.fills import (
    kelly_fraction,
    on_lot,
    on_tick,
    quantity,
    slipped,
    volatility_fraction,
)
from liveopt.core.indicators import higher, lower, sized
from liveopt.core.instrument import bankruptcy_price, liquidation_price, roi_level
from liveopt.core.market import Fine
from liveopt.core.strategy import Knob

INF = math.inf
REASONS = ("signal", "time", "stop", "trail", "take", "liquidation", "ordered")
SIGNAL, TIME, STOP, TRAIL, TAKE, LIQUIDATION, ORDERED = 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0
FREE, NO_ENTRIES, OUT, ASTRAY = 0.0, 1.0, 2.0, 3.0
"""What `barred` says: free; opens nothing; out of the market; the same, for want of a target."""
RUIN = 1e-6
"""An account with less than this share of its capital opens nothing more."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which features a run uses. The engine compiles a step without the ones that are off."""

    market: Literal["spot", "perpetual"] = "spot"
    sides: Literal["long", "short", "both"] = "long"
    sizing: Literal["fraction", "kelly", "volatility"] = "fraction"
    stop: bool = False
    take: bool = False
    trail: bool = False
    min_hold: bool = False
    max_hold: bool = False
    funding: bool = False
    limit_targets: bool = True
    """A target is a resting limit order: its own price, maker fee. Otherwise a market order."""
    late: bool = False
    """Orders fill one fine bar later than they could: half of the pessimistic account."""
    steered: bool = False
    """Accounts can be barred from outside, and bar themselves at their limits."""

    @property
    def perpetual(self) -> bool:
        """Whether positions have margin, funding and a liquidation price."""
        return self.market == "perpetual"

    @property
    def guarded(self) -> bool:
        """Whether a price below or above can close a position inside a bar."""
        return self.stop or self.take or self.trail or self.perpetual


def featured(rule: Rule, named: Container[str]) -> Rule:
    """The rule with those features on whose risk parameters are named."""
    return replace(
        rule,
        stop="stop" in named,
        take="take" in named,
        trail="trail" in named,
        min_hold="min_hold" in named,
        max_hold="max_hold" in named,
    )


@dataclass(slots=True)
class Term:
    """The conditions of a run, the same for all its variants; `rule` is known when compiling."""

    rule: Rule
    capital: float
    taker_fee: float
    maker_fee: float
    slippage: float
    tick: float
    lot: float
    maintenance: float
    liquidation_fee: float
    loss_limit: float = 0.05
    """A steered account that has lost this share of its capital goes flat and stays out."""
    drawdown_limit: float = 0.10
    """And so does one that has fallen by this share from its peak."""


@dataclass(slots=True)
class Risk:
    """How one variant risks its money: returns on margin as fractions, times in seconds."""

    fraction: float = 1.0
    leverage: float = 1.0
    stop: float = 0.0
    take: float = 0.0
    trail: float = 0.0
    arm: float = 0.0
    """Return at which the trailing stop begins to follow."""
    min_hold: float = 0.0
    max_hold: float = 0.0


RISK: dict[str, Knob] = {
    "fraction": Knob(0.0001, 1.0, Risk().fraction, "share of the balance behind a position"),
    "leverage": Knob(1.0, 100.0, Risk().leverage, "position value over its margin (perpetuals)"),
    "stop": Knob(0.0001, 1.0, 0.02, "loss on the margin that closes the position"),
    "take": Knob(0.0001, 10.0, 0.04, "profit on the margin that closes the position"),
    "trail": Knob(0.0001, 1.0, 0.01, "how far the trailing stop follows, on the margin"),
    "arm": Knob(0.0, 10.0, 0.0, "profit on the margin at which the trailing stop begins"),
    "min_hold": Knob(0.0, 1e9, 60.0, "seconds before a signal may close the position"),
    "max_hold": Knob(0.0, 1e9, 3600.0, "seconds after which the position is closed"),
}
"""Every strategy's risk parameters; a default here only says what is usual."""

FEATURES = ("stop", "take", "trail", "min_hold", "max_hold")
"""Risk parameters that are also features of a rule: on, a variant must have its value."""


@dataclass(slots=True)
class Account:
    """One variant's position and money. Flat is side 0; `cash` has paid for what is held."""

    side: float = 0.0
    want: float = 0.0
    """The side that the last signal asked for and the market has not yet given."""
    queue: float = 0.0
    """What `want` becomes after this fine bar, when orders are late."""
    cash: float = 0.0
    qty: float = 0.0
    """Signed size: cash + qty * price is the equity, long or short."""
    low_exit: float = -INF
    high_exit: float = INF
    """A bar that reaches one of these closes the position."""
    free_s: float = -INF
    """A signal may not close the position before this time."""
    until_s: float = INF
    """The position is closed at the first open from this time on."""
    best: float = 0.0
    """Most favourable price since the entry."""
    arm: float = INF
    """Price from which the trailing stop follows."""
    give: float = 0.0
    """How far the trailing stop stays behind the best price, as a fraction of it."""
    entry: float = 0.0
    since_s: float = 0.0
    stop: float = 0.0
    liquidation: float = 0.0
    margin: float = 0.0
    opened: float = 0.0
    """Cash before the entry: what net profit is measured from."""
    paid: float = 0.0
    funded: float = 0.0
    leave: float = 0.0
    was_side: float = 0.0
    was_qty: float = 0.0
    net: float = 0.0
    roi: float = 0.0
    reason: float = 0.0
    trades: float = 0.0
    wins: float = 0.0
    gained: float = 0.0
    lost: float = 0.0
    roi_sum: float = 0.0
    roi_squares: float = 0.0
    fees: float = 0.0
    losing: float = 0.0
    losing_most: float = 0.0
    refused: float = 0.0
    """Orders that came to nothing: too small for one lot, or nothing left to risk."""
    barred: float = FREE
    """Of a steered account: what it may not do. It is only ever lowered from outside."""


class Book(Protocol):
    """Where trades are written down: each as it closes and, of a steered account, as it opens."""

    def note(self, fine: Fine, a: Account) -> None:
        """Take the trade that `a` has just closed (it is flat) or opened."""


def due(fine: Fine, term: Term, a: Account) -> bool:
    """Whether anything at all can happen to this account on this bar; rare, and cheap to ask."""
    order = a.want != a.side
    if term.rule.min_hold:
        order = order & (fine.time_s >= a.free_s)
    if term.rule.steered:
        order = order | ((a.barred >= OUT) & (a.side != 0.0))
    if term.rule.max_hold:
        order = order | (fine.time_s >= a.until_s)
    if term.rule.guarded:
        order = order | (fine.low <= a.low_exit) | (fine.high >= a.high_exit)
    if term.rule.funding:
        order = order | ((fine.funding != 0.0) & (a.side != 0.0))
    return order


def act(fine: Fine, term: Term, risk: Risk, atr: float, a: Account, book: Book) -> None:
    """Everything that can happen to an account on one bar, in the order it happens."""
    if term.rule.funding:
        owed = lower(a.qty * fine.open * fine.funding, higher(a.cash + a.qty * fine.open, 0.0))
        a.cash = a.cash - owed
        a.funded = a.funded + owed
    if term.rule.steered:
        restrain(term, a)
    obey(fine, term, risk, a, book)
    if (a.side == 0.0) & (a.want != 0.0):
        enter(fine, term, risk, atr, a, book)
    if term.rule.guarded:
        if (a.side != 0.0) & ((fine.low <= a.low_exit) | (fine.high >= a.high_exit)):
            hit(fine, term, risk, a)
            book.note(fine, a)
            forget(term, a)


def restrain(term: Term, a: Account) -> None:
    """Let a barred account keep what it holds or go flat; one that is out goes flat at once."""
    free = a.barred == FREE
    keeps = a.side if a.barred < OUT else 0.0
    a.want = a.want if free | (a.want == keeps) else 0.0
    if term.rule.late:
        a.queue = a.queue if free | (a.queue == keeps) else 0.0
    if term.rule.min_hold:
        a.free_s = a.free_s if a.barred < OUT else -INF


def obey(fine: Fine, term: Term, risk: Risk, a: Account, book: Book) -> None:
    """Close at the open what a signal or the clock closes; a gap to liquidation comes first."""
    ordered = a.want != a.side
    if term.rule.min_hold:
        ordered = ordered & (fine.time_s >= a.free_s)
    closing = ordered
    if term.rule.max_hold:
        closing = closing | (fine.time_s >= a.until_s)
    if term.rule.perpetual:
        closing = closing & (a.side * (fine.open - a.liquidation) > 0.0)
    if closing & (a.side != 0.0):
        price = slipped(fine.open, -a.side, term.slippage, term.tick)
        if term.rule.perpetual:
            price = within_margin(price, risk, a)
        reason = SIGNAL if ordered else TIME
        if term.rule.steered:
            reason = ORDERED if a.barred >= OUT else reason
        leave(price, term.taker_fee, reason, a)
        book.note(fine, a)
        if a.want == a.was_side:  # the clock closed it; a signal's newer order in the queue stays
            forget(term, a)


def enter(fine: Fine, term: Term, risk: Risk, atr: float, a: Account, book: Book) -> None:
    """Open the wanted position at the open, or give the order up when it comes to nothing."""
    price = slipped(fine.open, a.want, term.slippage, term.tick)
    leverage = risk.leverage
    share = risk.fraction
    if term.rule.sizing == "kelly":
        share = kelly_fraction(a.trades, a.wins, a.gained, a.lost, risk.fraction)
    if term.rule.sizing == "volatility":
        share = volatility_fraction(risk.fraction, price, atr, leverage)
    size = on_lot(quantity(a.cash, share, leverage, price, term.taker_fee), term.lot)
    if (size > 0.0) & (a.cash > RUIN * term.capital):
        fee = term.taker_fee * price * size
        a.opened = a.cash
        a.cash = a.cash - a.want * price * size - fee
        a.side = a.want
        a.qty = a.want * size
        a.entry = price
        a.since_s = fine.time_s
        a.margin = price * size / leverage
        a.paid = fee
        a.fees = a.fees + fee
        a.funded = 0.0
        protect(fine, term, risk, a)
        if term.rule.steered:
            book.note(fine, a)
    else:
        a.refused = a.refused + 1.0
        a.was_side = a.want
        forget(term, a)


def protect(fine: Fine, term: Term, risk: Risk, a: Account) -> None:
    """Set the prices and times that close the position that was just opened."""
    stop = -a.side * INF
    goal = a.side * INF
    if term.rule.stop:
        stop = on_tick(roi_level(a.entry, a.side, -risk.stop, risk.leverage), term.tick)
    if term.rule.take:
        goal = on_tick(roi_level(a.entry, a.side, risk.take, risk.leverage), term.tick)
    if term.rule.perpetual:
        a.liquidation = liquidation_price(
            a.entry, a.side, risk.leverage, term.maintenance, term.liquidation_fee
        )
        stop = stop if a.side * (stop - a.liquidation) > 0.0 else a.liquidation
    a.stop = stop
    a.low_exit = stop if a.side > 0.0 else goal
    a.high_exit = goal if a.side > 0.0 else stop
    if term.rule.trail:
        a.best = a.entry
        a.give = risk.trail / risk.leverage
        a.arm = roi_level(a.entry, a.side, risk.arm, risk.leverage)
    if term.rule.min_hold:
        a.free_s = fine.time_s + risk.min_hold
    if term.rule.max_hold:
        a.until_s = fine.time_s + risk.max_hold


def hit(fine: Fine, term: Term, risk: Risk, a: Account) -> None:
    """Close at the level the bar reached; the stop wins on a bar that touches both."""
    worst = fine.low if a.side > 0.0 else fine.high
    guard = a.low_exit if a.side > 0.0 else a.high_exit
    goal = a.high_exit if a.side > 0.0 else a.low_exit
    gap = a.side * (fine.open - guard) <= 0.0
    if a.side * (worst - guard) <= 0.0:
        level = fine.open if gap else guard
        price = slipped(level, -a.side, term.slippage, term.tick)
        fee_rate = term.taker_fee
        reason = STOP if guard == a.stop else TRAIL
        if term.rule.perpetual:
            broke = a.side * (level - a.liquidation) <= 0.0
            price = bankruptcy_price(a.entry, a.side, risk.leverage) if broke else price
            price = within_margin(price, risk, a)
            fee_rate = 0.0 if broke else fee_rate
            reason = LIQUIDATION if broke else reason
        leave(price, fee_rate, reason, a)
    else:
        level = fine.open if a.side * (fine.open - goal) >= 0.0 else goal
        if term.rule.limit_targets:
            leave(level, term.maker_fee, TAKE, a)
        else:
            leave(slipped(level, -a.side, term.slippage, term.tick), term.taker_fee, TAKE, a)


def leave(price: float, fee_rate: float, reason: float, a: Account) -> None:
    """Close the whole position at `price` and add the trade to the account's tallies.

    A fee takes no more than there is: what an isolated position can lose is its margin and fees.
    """
    due_fee = fee_rate * price * sized(a.qty)
    fee = lower(due_fee, higher(a.cash + a.qty * price, 0.0))
    a.cash = a.cash + a.qty * price - fee
    a.paid = a.paid + fee
    a.fees = a.fees + fee
    a.leave = price
    a.reason = reason
    a.was_side = a.side
    a.was_qty = a.qty
    a.side = 0.0
    a.qty = 0.0
    a.low_exit = -INF
    a.high_exit = INF
    a.free_s = -INF
    a.until_s = INF
    a.net = a.cash - a.opened
    a.roi = a.net / a.margin
    tally(a)


def within_margin(price: float, risk: Risk, a: Account) -> float:
    """A closing price at which the loss is no more than the isolated margin."""
    worst = bankruptcy_price(a.entry, a.side, risk.leverage)
    return price if a.side * (price - worst) > 0.0 else worst


def tally(a: Account) -> None:
    """Count the trade just closed."""
    won = a.net > 0.0
    a.trades = a.trades + 1.0
    a.wins = a.wins + (1.0 if won else 0.0)
    a.gained = a.gained + (a.net if won else 0.0)
    a.lost = a.lost - (0.0 if won else a.net)
    a.roi_sum = a.roi_sum + a.roi
    a.roi_squares = a.roi_squares + a.roi * a.roi
    a.losing = 0.0 if won else a.losing + 1.0
    a.losing_most = a.losing if a.losing > a.losing_most else a.losing_most


def forget(term: Term, a: Account) -> None:
    """After a close that no signal asked for, stay flat until the signal changes."""
    a.want = 0.0 if a.want == a.was_side else a.want
    if term.rule.late:
        a.queue = 0.0 if a.queue == a.was_side else a.queue


def follow(fine: Fine, a: Account) -> None:
    """Let the trailing stop follow the best price, never back; it counts from the next bar."""
    favourable = fine.high if a.side > 0.0 else fine.low
    a.best = favourable if a.side * (favourable - a.best) > 0.0 else a.best
    level = a.best * (1.0 - a.side * a.give)
    armed = a.side * (a.best - a.arm) >= 0.0
    a.low_exit = level if armed & (a.side > 0.0) & (level > a.low_exit) else a.low_exit
    a.high_exit = level if armed & (a.side < 0.0) & (level < a.high_exit) else a.high_exit
