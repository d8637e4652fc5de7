"""Spot trading: orders placed, filled, cancelled and altered, and the money they move."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from liveopt.exchange_sim.accounts import Account
from liveopt.exchange_sim.amounts import ZERO
from liveopt.exchange_sim.events import Traded
from liveopt.exchange_sim.floor import Floor, reachable, refuse
from liveopt.exchange_sim.matching import match
from liveopt.exchange_sim.orders import Blotter, Fill
from liveopt.exchange_sim.spot_push import push_balance, push_order
from liveopt.exchange_sim.spot_terms import SpotOrder, check_band

OPEN_MAX: Final = 200
"""Working orders of one account in one symbol."""
GONE: Final = "order_not_exist_or_not_allow_to_cancel"


@dataclass(slots=True)
class SpotDesk:
    """Everybody's spot orders."""

    floor: Floor
    accounts: dict[str, Account]
    blotter: Blotter[SpotOrder] = field(default_factory=Blotter)

    def place(self, order: SpotOrder, duplicate: str = "102426") -> SpotOrder:
        """Takes an order in and matches it; `duplicate` is the code for a client id seen before."""
        self.check(order, duplicate)
        order.at_ns = order.updated_ns = self.floor.now_ns
        order.id = self.floor.ids.spot_order(order.at_ns)
        self._hold(order, *self._needs(order))
        self.blotter.add(order)
        push_order(self.floor, order, "received")
        if self.floor.strikes("reject_async", order.spec.symbol) or not order.lots:
            self.cancel(order, order.remaining)
            return order
        own = self.blotter.open_of(order.user, order.spec.symbol)
        match(self.floor, order, own, self.cancel)
        if not order.done:
            push_order(self.floor, order, "open")
        return order

    def check(self, order: SpotOrder, duplicate: str = "102426") -> None:
        """Refuses what could not be placed now; the money is looked at, not held."""
        market = self.floor.exchange.markets[order.spec.symbol]
        check_band(market, order)
        if (order.user, order.client_oid) in self.blotter.by_client:
            raise refuse(
                duplicate,
                "validation.createOrder.clientOidDuplicated"
                if duplicate == "400100"
                else "The clientOid is duplicated",
            )
        if len(list(self.blotter.open_of(order.user, order.spec.symbol))) >= OPEN_MAX:
            raise refuse("102427", "The number of pending orders exceeds the threshold")
        if order.funds is not None:
            order.lots = self._lots_for(order, order.funds)
        currency, amount = self._needs(order)
        balance = self.accounts[order.user].balance(currency)
        short = self.floor.strikes("insufficient_balance", order.spec.symbol)
        if short or amount > balance.available:
            raise refuse("200004", "Balance insufficient!")

    def cancel(self, order: SpotOrder, lots: int) -> None:
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
            self._free(order, self._still_needs(order))
            push_order(self.floor, order, "update", old=old)
            return
        self._end(order, "canceled")

    def cancel_on_request(self, order: SpotOrder | None, lots: int | None = None) -> SpotOrder:
        """The same when the client asks: refused where nothing is left to cancel."""
        if order is None or order.done or not self.floor.visible(order):
            raise refuse("400100", GONE)
        if order.resting and self.floor.strikes("fill_before_cancel", order.spec.symbol):
            self._fill_anyway(order)
            raise refuse("400100", GONE)
        self.cancel(order, order.remaining if lots is None else lots)
        return order

    def alter(self, order: SpotOrder, ticks: int, lots: int) -> SpotOrder:
        """Cancels an order and places another with its client id; refused, the old one stays."""
        fresh = replace(
            order, lots=lots, ticks=ticks, filled=0, cancelled=0, deal_value=ZERO, fee=ZERO
        )
        fresh.held, fresh.resting, fresh.done = ZERO, False, False
        check_band(self.floor.exchange.markets[order.spec.symbol], fresh)
        currency, amount = self._needs(fresh)
        if amount > self.accounts[order.user].balance(currency).available + order.held:
            raise refuse("200004", "Balance insufficient!")
        self.cancel_on_request(order)
        self.blotter.by_client.pop((order.user, order.client_oid), None)
        return self.place(fresh)

    def expire(self) -> None:
        """Good-till-time orders whose time is up are cancelled."""
        for order in list(self.blotter.working.values()):
            if order.expired(self.floor.now_ns):
                self.cancel(order, order.remaining)

    def book(self, order: SpotOrder, trade: Traded, maker: bool) -> None:
        """A trade of an order: the money changes hands. An ended order trades no more."""
        lots = min(trade.lots, order.remaining)
        if order.done or not lots:
            return
        spec = order.spec
        rate = spec.maker_fee if maker else spec.taker_fee
        value = trade.ticks * spec.tick * lots * spec.lot
        counter = trade.taker_id if maker else trade.maker_id
        fill = Fill(
            self.floor.ids.number(), order, trade.sequence, counter, trade.at_ns, trade.ticks,
            lots, maker, value, value * rate, rate,
        )  # fmt: skip
        self.blotter.fills.append(fill)
        order.filled += lots
        order.deal_value += value
        order.fee += fill.fee
        order.updated_ns = self.floor.now_ns
        self._settle(order, fill)
        push_order(self.floor, order, "match", fill)
        if not order.remaining:
            self._end(order, "filled")

    def _settle(self, order: SpotOrder, fill: Fill) -> None:
        spec, account = order.spec, self.accounts[order.user]
        goods, context = fill.lots * spec.lot, _context(order, fill)
        if order.side == "buy":
            paid = fill.value + fill.fee
            self._spend(order, spec.quote, paid, context)
            gained = (spec.base, goods)
        else:
            self._spend(order, spec.base, goods, context)
            gained = (spec.quote, fill.value - fill.fee)
        balance = account.balance(gained[0])
        balance.add(gained[1])
        where = (order.user, gained[0], balance)
        push_balance(self.floor, where, (gained[1], ZERO), "trade.setted", context)

    def _spend(
        self, order: SpotOrder, currency: str, amount: Decimal, context: dict[str, str]
    ) -> None:
        """Pays out of what the order holds, and frees what a better price has saved."""
        balance = self.accounts[order.user].balance(currency)
        needed = self._still_needs(order) if order.kind == "limit" else order.held - amount
        freed = order.held - max(needed, ZERO)
        balance.release(freed)
        order.held -= freed
        balance.add(-amount)
        where = (order.user, currency, balance)
        push_balance(self.floor, where, (freed - amount, -freed), "trade.setted", context)

    def _end(self, order: SpotOrder, kind: str) -> None:
        self._free(order, ZERO)
        self.blotter.finish(order, self.floor.now_ns)
        push_order(self.floor, order, kind)

    def _needs(self, order: SpotOrder) -> tuple[str, Decimal]:
        """The currency and the money (fee included) an order must hold before it trades."""
        spec = order.spec
        if order.side == "sell":
            return spec.base, order.lots * spec.lot
        if order.funds is not None:
            return spec.quote, order.funds * (1 + _rate(order))
        if order.ticks is not None:
            return spec.quote, order.lots * spec.lot * order.price * (1 + _rate(order))
        left, cost = order.lots, ZERO
        for ticks, lots in reachable(self.floor.exchange.markets[spec.symbol], "buy", None):
            cost += min(left, lots) * spec.lot * ticks * spec.tick
            left -= min(left, lots)
            if not left:
                break
        return spec.quote, cost * (1 + _rate(order))

    def _still_needs(self, order: SpotOrder) -> Decimal:
        goods = order.remaining * order.spec.lot
        if order.side == "sell":
            return goods
        return goods * order.price * (1 + _rate(order))

    def _lots_for(self, order: SpotOrder, funds: Decimal) -> int:
        spec, total = order.spec, 0
        for ticks, lots in reachable(self.floor.exchange.markets[spec.symbol], "buy", None):
            one = ticks * spec.tick * spec.lot
            bought = min(lots, int(funds / one))
            total += bought
            funds -= bought * one
            if bought < lots:
                break
        return total

    def _hold(self, order: SpotOrder, currency: str, amount: Decimal) -> None:
        balance = self.accounts[order.user].balance(currency)
        balance.hold(amount)
        order.held = amount
        where = (order.user, currency, balance)
        push_balance(self.floor, where, (-amount, amount), "trade.hold", _context(order))

    def _free(self, order: SpotOrder, needed: Decimal) -> None:
        freed = order.held - needed
        if not freed:
            return
        currency = order.spec.quote if order.side == "buy" else order.spec.base
        balance = self.accounts[order.user].balance(currency)
        balance.release(freed)
        order.held = needed
        where = (order.user, currency, balance)
        push_balance(self.floor, where, (freed, -freed), "trade.hold", _context(order))

    def _fill_anyway(self, order: SpotOrder) -> None:
        """The race a cancel loses: somebody took the order a moment before."""
        self.floor.withdraw(order)
        if order.done or order.ticks is None:
            return
        number = self.floor.ids.number()
        trade = Traded(
            order.spec.symbol, number, self.floor.now_ns, order.ticks, order.remaining,
            "sell" if order.side == "buy" else "buy", self.floor.ids.spot_order(self.floor.now_ns),
            order.id,
        )  # fmt: skip
        self.book(order, trade, maker=True)


def _rate(order: SpotOrder) -> Decimal:
    """The dearest fee the order can meet: that much is held."""
    return max(order.spec.taker_fee, order.spec.maker_fee)


def _context(order: SpotOrder, fill: Fill | None = None) -> dict[str, str]:
    context = {"symbol": order.spec.symbol, "orderId": order.id}
    return context if fill is None else context | {"tradeId": str(fill.trade_id)}
