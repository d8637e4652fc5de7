"""Futures trading: orders placed, filled and cancelled, and the positions and margins behind."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from liveopt.exchange_sim.accounts import Account, Wallet
from liveopt.exchange_sim.amounts import ZERO
from liveopt.exchange_sim.events import Traded
from liveopt.exchange_sim.floor import Floor, reachable, refuse
from liveopt.exchange_sim.futures_push import push_order, push_position, push_stop, push_wallet
from liveopt.exchange_sim.futures_terms import FuturesOrder, check_band, mark_of
from liveopt.exchange_sim.matching import match
from liveopt.exchange_sim.orders import HISTORY_MAX, Blotter, Fill
from liveopt.exchange_sim.positions import Position, margin_for, notional, value_at

OPEN_MAX: Final = 100
STOPS_MAX: Final = 50
"""Working and waiting orders of one account in one contract."""


@dataclass(frozen=True, slots=True)
class ClosedPosition:
    """A position that is over, as the history shows it."""

    id: int
    position: Position
    lots: int
    closed_ns: int
    price: Decimal
    """The average of what it was closed at, as `open_price` is of what it was opened at."""
    kind: str
    profit: Decimal
    fees: Decimal
    funding: Decimal
    opened_ns: int
    open_price: Decimal


@dataclass(slots=True)
class FuturesDesk:
    """Everybody's futures orders and positions."""

    floor: Floor
    accounts: dict[str, Account]
    blotter: Blotter[FuturesOrder] = field(default_factory=Blotter)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    closed: deque[ClosedPosition] = field(default_factory=lambda: deque(maxlen=HISTORY_MAX))
    _matching: FuturesOrder | None = None

    # -- orders ----------------------------------------------------------------------------------

    def place(self, order: FuturesOrder) -> FuturesOrder:
        """Takes an order in: one with a stop waits, any other is matched."""
        self.check(order)
        order.at_ns = order.updated_ns = self.floor.now_ns
        order.id = self.floor.ids.futures_order()
        self.blotter.add(order)
        if order.waiting:
            push_stop(self.floor, order, "open")
        else:
            self.enter(order)
        return order

    def check(self, order: FuturesOrder) -> None:
        """Refuses what could not be placed now."""
        symbol = order.spec.symbol
        check_band(self.floor.exchange.markets[symbol], order)
        if (order.user, order.client_oid) in self.blotter.by_client:
            raise refuse("300018", "clientOid parameter repeated")
        working = list(self.blotter.open_of(order.user, symbol))
        waiting = sum(other.waiting for other in working)
        if order.waiting and waiting >= STOPS_MAX:
            raise refuse("300004", f"The number of stop orders cannot exceed {STOPS_MAX}.")
        if not order.waiting and len(working) - waiting >= OPEN_MAX:
            raise refuse("300001", f"The number of active orders cannot exceed {OPEN_MAX}.")
        if order.margin_mode != self.accounts[order.user].mode_of(symbol) or self.floor.strikes(
            "margin_mode_mismatch", symbol
        ):
            raise refuse(
                "330005",
                "The order's margin mode does not match the selected one."
                " Please switch and try again.",
            )
        if not order.waiting:
            self.check_means(order)

    def check_means(self, order: FuturesOrder) -> None:
        """Refuses an order that has nothing to reduce, or not the margin it needs."""
        position = self.position(order.user, order.spec.symbol)
        if order.reducing:
            if not position.closable(order.signed * max(order.lots, 1)):
                raise refuse("300009", "No open positions to close.")
            return
        market = self.floor.exchange.markets[order.spec.symbol]
        after = position.lots + order.signed * order.lots
        size = notional(order.spec, after, mark_of(market))
        allowed = position.allowed()
        if abs(after) > abs(position.lots) and size > allowed.most:
            raise refuse("300005", "The order will exceed your maximum risk limit.")
        if order.leverage > allowed.leverage:
            raise refuse("300016", f"The leverage cannot be greater than {allowed.leverage}.")
        if self.floor.strikes("insufficient_balance", order.spec.symbol) or self._margin(
            order, self._opening(order)
        ) > self.available(order.user, order.spec.settle):
            raise refuse("300003", "Balance insufficient. The order requires more margin.")

    def enter(self, order: FuturesOrder) -> None:
        """An order that passed the checks meets the book."""
        position = self.position(order.user, order.spec.symbol)
        order.held = self._margin(order, self._opening(order))
        if self.floor.strikes("reject_async", order.spec.symbol):
            self.cancel(order, order.remaining)
            return
        if order.reducing:
            surplus = order.lots - position.closable(order.signed * order.lots)
            self.cancel(order, surplus)
        own = [other for other in self.blotter.open_of(order.user, order.spec.symbol)
               if not other.waiting]  # fmt: skip
        before, self._matching = self._matching, order
        try:
            match(self.floor, order, own, self.cancel)
        finally:
            self._matching = before
        if not order.done:
            push_order(self.floor, order, "open")
        self.rehold(order.user, order.spec.symbol)

    def cancel(self, order: FuturesOrder, lots: int) -> None:
        """Takes lots off an order; what trades in that moment stays traded."""
        if order.resting and lots:
            self.floor.withdraw(order, lots)
        lots = min(lots, order.remaining)
        if order.done or (not lots and order.lots):
            return
        old = order.remaining
        order.cancelled += lots
        order.updated_ns = self.floor.now_ns
        if order.remaining:
            push_order(self.floor, order, "update", old=old)
        else:
            self._end(order, "canceled")

    def cancel_on_request(self, order: FuturesOrder | None) -> FuturesOrder:
        """The same when the client asks: refused where nothing is left to cancel."""
        if order is None or not self.floor.visible(order):
            raise refuse("100001", "error.getOrder.orderNotExist")
        if self.floor.strikes("suspended", order.spec.symbol):
            raise refuse(
                "300002", "Order placement/cancellation suspended, please try again later."
            )
        if order.resting and self.floor.strikes("fill_before_cancel", order.spec.symbol):
            self._fill_anyway(order)
        if order.done:
            raise refuse("100004", "Order is in not cancelable state")
        self.cancel(order, order.remaining)
        self.rehold(order.user, order.spec.symbol)
        return order

    def book(self, order: FuturesOrder, trade: Traded, maker: bool) -> None:
        """A trade of an order. What an ended or surplus order still met is not its."""
        lots = min(trade.lots, order.remaining)
        position = self.position(order.user, order.spec.symbol)
        if order.reducing:
            lots = position.closable(order.signed * lots)
        if order.done or not lots:
            return
        spec = order.spec
        rate = spec.maker_fee if maker else spec.taker_fee
        fill = self.exchange_lots(order, trade, (lots, maker), rate)
        self._reduce_hold(order)
        push_order(self.floor, order, "match", fill)
        if not order.remaining:
            self._end(order, "filled")
        self.tell_account(position)
        if order is not self._matching:
            self.rehold(order.user, spec.symbol)

    def exchange_lots(
        self, order: FuturesOrder, trade: Traded, what: tuple[int, bool], rate: Decimal
    ) -> Fill:
        """Lots change hands at the trade's price: position, wallet and order move together."""
        (lots, maker), spec = what, order.spec
        price = trade.ticks * spec.tick
        position = self.position(order.user, spec.symbol)
        wallet = self.wallet(order)
        closing = position.closable(order.signed * lots)
        value = abs(value_at(spec, closing, price))
        closing_fee = value * rate
        fees = closing_fee
        if closing:
            position.fees += closing_fee
            wallet.total += position.close(order.signed * closing, price)
            if not position.lots:
                self._over(position, closing * order.signed, order.trade_type)
        if lots > closing:
            more = abs(value_at(spec, lots - closing, price))
            if order.margin_mode == "ISOLATED" or not position.lots:
                position.leverage = order.leverage
            position.cross = order.margin_mode == "CROSS"
            position.open(order.signed * (lots - closing), price, trade.at_ns)
            position.fees += more * rate
            value, fees = value + more, fees + more * rate
        wallet.total -= fees
        counter = trade.taker_id if maker else trade.maker_id
        fill = Fill(
            self.floor.ids.number(), order, trade.sequence, counter, trade.at_ns, trade.ticks,
            lots, maker, value, fees, rate, closing_fee,
        )  # fmt: skip
        self.blotter.fills.append(fill)
        order.filled += lots
        order.deal_value += value
        order.fee += fees
        order.updated_ns = self.floor.now_ns
        return fill

    # -- money -----------------------------------------------------------------------------------

    def position(self, user: str, symbol: str) -> Position:
        """The position of an account in a contract, empty where there never was one."""
        key = (user, symbol)
        if key not in self.positions:
            spec = self.floor.exchange.markets[symbol].spec
            name = str(500_000_000_000_000_000 + len(self.positions) + 1)
            self.positions[key] = Position(name, user, spec)
        return self.positions[key]

    def open_positions(self, user: str = "") -> Iterator[Position]:
        """Positions that are not empty."""
        for position in list(self.positions.values()):
            if position.lots and user in {"", position.user}:
                yield position

    def wallet(self, order: FuturesOrder) -> Wallet:
        """The wallet that pays for an order."""
        return self.accounts[order.user].wallet(order.spec.settle)

    def cross_leverage(self, user: str, symbol: str) -> Decimal:
        """The leverage of a contract that is margined with others."""
        most = self.floor.exchange.markets[symbol].spec.leverage_max
        return self.accounts[user].cross_leverage.get(symbol, Decimal(min(10, most)))

    def order_margin(self, user: str, currency: str, mode: str = "") -> Decimal:
        """What working orders hold of a wallet."""
        return sum(
            (order.held for order in self.blotter.open_of(user)
             if order.spec.settle == currency and mode in {"", order.margin_mode}), ZERO,
        )  # fmt: skip

    def available(self, user: str, currency: str) -> Decimal:
        """What new orders may use; losses of cross positions come off it."""
        total = self.accounts[user].wallet(currency).total - self.order_margin(user, currency)
        unrealised = ZERO
        for position in self.open_positions(user):
            if position.spec.settle == currency:
                total -= position.initial if position.cross else position.margin
                if position.cross:
                    unrealised += position.unrealised(self.mark(position.spec.symbol))
        return total + min(ZERO, unrealised)

    def mark(self, symbol: str) -> Decimal:
        """The mark price of a contract."""
        return mark_of(self.floor.exchange.markets[symbol])

    def rehold(self, user: str, symbol: str) -> None:
        """Trims reducing orders to the position and margins the others, after either changed."""
        position = self.position(user, symbol)
        working = [
            order for order in self.blotter.open_of(user, symbol)
            if not order.waiting and order is not self._matching
        ]  # fmt: skip
        for side, signed in (("buy", 1), ("sell", -1)):
            orders = [order for order in working if order.side == side]
            reducing = [order for order in orders if order.reducing]
            surplus = sum(order.remaining for order in reducing)
            surplus -= max(0, -signed * position.lots)
            for order in reversed(reducing):
                cut = min(order.remaining, max(0, surplus))
                surplus -= cut
                self.cancel(order, cut)
            self._hold_again([order for order in orders if not order.reducing])

    def tell_account(self, position: Position, reason: str = "positionChange") -> None:
        """A position and the wallet behind it have changed."""
        push_position(self.floor, position, self.mark(position.spec.symbol), reason)
        push_wallet(self, position.user, position.spec.settle)

    def _hold_again(self, orders: list[FuturesOrder]) -> None:
        covered = 0
        for order in orders:
            if order.done:
                continue
            opening = self._opening(order, covered)
            covered += order.remaining - opening
            extra = self._margin(order, opening) - order.held
            if extra > 0 and extra > self.available(order.user, order.spec.settle):
                self.cancel(order, order.remaining)
            else:
                order.held += extra

    def _opening(self, order: FuturesOrder, covered: int = 0) -> int:
        """The lots of an order that would not close anything, `covered` being closed already."""
        if order.reducing:
            return 0
        if order.force_hold:
            return order.remaining
        closable = self.position(order.user, order.spec.symbol).closable(order.signed * 10**9)
        return max(0, order.remaining - max(0, closable - covered))

    def _margin(self, order: FuturesOrder, lots: int) -> Decimal:
        """Margin and opening fee for so many lots at the dearest price they can meet."""
        if not lots:
            return ZERO
        spec = order.spec
        prices = [] if order.ticks is None else [order.ticks]
        if not order.resting:
            levels = reachable(self.floor.exchange.markets[spec.symbol], order.side, order.ticks)
            prices += _ends(levels, lots)
        values = [abs(value_at(spec, lots, ticks * spec.tick)) for ticks in prices]
        value = max(values, default=ZERO)
        return margin_for(spec, value, order.leverage) + value * spec.taker_fee

    def _reduce_hold(self, order: FuturesOrder) -> None:
        if order.held:
            order.held = min(order.held, self._margin(order, order.remaining))

    def _end(self, order: FuturesOrder, kind: str) -> None:
        held, order.held = order.held, ZERO
        waiting = order.waiting
        self.blotter.finish(order, self.floor.now_ns)
        if waiting:
            push_stop(self.floor, order, "cancel")
            return
        push_order(self.floor, order, kind)
        if held:
            push_wallet(self, order.user, order.spec.settle)

    def _over(self, position: Position, signed: int, trade_type: str) -> None:
        side = "LONG" if signed < 0 else "SHORT"
        how = {"liquid": "LIQUID", "adl": "ADL"}.get(trade_type, "CLOSE")
        self.closed.append(
            ClosedPosition(
                self.floor.ids.number(), position, abs(signed), self.floor.now_ns,
                position.closed.average(position.spec), f"{how}_{side}", position.profit,
                position.fees, position.funding, position.opened_ns,
                position.opened.average(position.spec),
            )
        )  # fmt: skip

    def _fill_anyway(self, order: FuturesOrder) -> None:
        """The race a cancel loses: somebody took the order a moment before."""
        self.floor.withdraw(order)
        if order.done or order.ticks is None:
            return
        number = self.floor.ids.number()
        trade = Traded(
            order.spec.symbol, number, self.floor.now_ns, order.ticks, order.remaining,
            "sell" if order.side == "buy" else "buy", self.floor.ids.futures_order(), order.id,
        )  # fmt: skip
        self.book(order, trade, maker=True)


def _ends(levels: list[tuple[int, int]], lots: int) -> list[int]:
    """The first and the last price that so many lots would take."""
    ends: list[int] = []
    for ticks, there in levels:
        ends = [ends[0] if ends else ticks, ticks]
        lots -= there
        if lots <= 0:
            break
    return ends
