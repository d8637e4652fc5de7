"""What befalls positions without their owner's order: funding, liquidation, deleveraging."""

from collections import deque
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from liveopt.exchange_sim.amounts import QUANTUM, ZERO
from liveopt.exchange_sim.events import Traded
from liveopt.exchange_sim.futures_orders import FuturesDesk
from liveopt.exchange_sim.futures_push import push_mark, push_order, push_settlement, push_wallet
from liveopt.exchange_sim.futures_terms import FuturesOrder
from liveopt.exchange_sim.orders import HISTORY_MAX
from liveopt.exchange_sim.positions import Position, value_at

FUNDING_NS: Final = 8 * 3_600 * 10**9
MARK_NS: Final = 10**9


@dataclass(slots=True)
class Settlement:
    """Looks at all positions as time goes by."""

    desk: FuturesDesk
    funding: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=HISTORY_MAX))
    """Funding paid, newest last; `user` tells whose, the rest is the row of the history."""
    announcements: deque[tuple[str, dict[str, Any]]] = field(
        default_factory=lambda: deque(maxlen=1_000)
    )
    """(subject, data) for /contract/announcement, until somebody takes them."""
    insurance: dict[str, Decimal] = field(default_factory=dict)
    """By currency, what cross accounts lost beyond all they had."""
    _period: int = 0
    _second: int = 0
    _marks: dict[str, Decimal] = field(default_factory=dict)

    def step(self) -> None:
        """Funding at 00, 08 and 16 UTC, then who is ruined, then the marks of the second."""
        now_ns = self.desk.floor.now_ns
        period, second = now_ns // FUNDING_NS, now_ns // MARK_NS
        if self._period and period > self._period:
            self.settle(period * FUNDING_NS // 1_000_000)
        self._period = period
        for position in self.desk.open_positions():
            symbol = position.spec.symbol
            asked = self.desk.floor.strikes("liquidate", symbol)
            if asked or self._lost(position):
                self.liquidate(position)
            elif self.desk.floor.strikes("deleverage", symbol):
                self.deleverage(position, -(-abs(position.lots) // 2))
        self._liquidate_cross()
        if second > self._second:
            self._second = second
            self._push_marks()

    def _lost(self, position: Position) -> bool:
        """Whether an isolated position is ruined, and its wallet does not refill its margin."""
        mark = self.desk.mark(position.spec.symbol)
        if position.cross or not position.ruined(mark):
            return False
        if position.auto_deposit:
            lacking = position.initial + position.reserve
            lacking -= position.margin + position.unrealised(mark)
            free = max(ZERO, self.desk.available(position.user, position.spec.settle))
            position.margin += min(lacking, free)
            self.desk.tell_account(position, "marginChange")
        return position.ruined(mark)

    def settle(self, time_ms: int) -> None:
        """One funding: longs pay shorts where the rate is positive, shorts pay longs otherwise."""
        for symbol, market in self.desk.floor.exchange.markets.items():
            if market.spec.venue != "futures":
                continue
            rate, mark = Decimal(f"{market.funding_rate():.6f}"), self.desk.mark(symbol)
            data = {
                "symbol": symbol,
                "fundingTime": time_ms,
                "fundingRate": float(rate),
                "timestamp": time_ms,
            }
            self.announcements.append(("funding.begin", data))
            for position in self.desk.open_positions():
                if position.spec.symbol == symbol:
                    self._pay(position, rate, mark, time_ms)
            self.announcements.append(("funding.end", data))

    def _pay(self, position: Position, rate: Decimal, mark: Decimal, time_ms: int) -> None:
        side = 1 if position.lots > 0 else -1
        value = abs(value_at(position.spec, position.lots, mark))
        paid = (side * value * rate).quantize(QUANTUM, ROUND_HALF_EVEN)
        wallet = self.desk.accounts[position.user].wallet(position.spec.settle)
        lacking = paid - max(ZERO, self.desk.available(position.user, position.spec.settle))
        if lacking > 0 and not position.cross:
            position.margin = max(ZERO, position.margin - lacking)
        wallet.total -= paid
        position.funding -= paid
        mode = "CROSS" if position.cross else "ISOLATED"
        row = {
            "id": self.desk.floor.ids.number(),
            "symbol": position.spec.symbol,
            "timePoint": time_ms,
            "fundingRate": float(rate),
            "markPrice": float(mark),
            "positionQty": position.lots,
            "positionCost": float(position.cost),
            "funding": float(-paid),
            "settleCurrency": position.spec.settle,
            "context": f'{{"marginMode": "{mode}", "positionSide": "BOTH"}}',
            "marginMode": mode,
        }
        self.funding.append({"user": position.user, "paid": paid} | row)
        push_settlement(self.desk.floor, position, row)
        push_wallet(self.desk, position.user, position.spec.settle)

    def liquidate(self, position: Position) -> None:
        """The exchange takes a position over where its margin ends; its orders are cancelled."""
        for order in self.desk.blotter.open_of(position.user, position.spec.symbol):
            self.desk.cancel(order, order.remaining)
        if not position.lots:
            return
        price, rate = position.bankrupt_price(), None
        if position.cross or not price:  # no price ruins a short inverse, or a paid-up long
            price, rate = self.desk.mark(position.spec.symbol), position.spec.taker_fee
        self._force(position, abs(position.lots), price, ("liquid", rate))
        self.desk.tell_account(position, "liquidation")

    def deleverage(self, position: Position, lots: int) -> None:
        """Auto-deleveraging: part of a position is closed at the mark price, free of charge."""
        price = self.desk.mark(position.spec.symbol)
        self._force(position, lots, price, ("adl", ZERO))
        self.desk.tell_account(position, "adl")
        self.desk.rehold(position.user, position.spec.symbol)

    def _force(
        self, position: Position, lots: int, price: Decimal, how: tuple[str, Decimal | None]
    ) -> None:
        """Closes lots outside the book; no rate means that the whole margin goes."""
        floor, spec = self.desk.floor, position.spec
        trade_type, rate = how
        order = FuturesOrder(
            user=position.user, spec=spec, client_oid="", lots=lots, kind="market", ticks=None,
            side="sell" if position.lots > 0 else "buy", reduce_only=True, trade_type=trade_type,
            leverage=position.leverage, margin_mode="CROSS" if position.cross else "ISOLATED",
        )  # fmt: skip
        order.at_ns = order.updated_ns = floor.now_ns
        order.id = floor.ids.futures_order()
        self.desk.blotter.add(order)
        ticks = max(1, round(price / spec.tick))
        number = floor.ids.number()
        trade = Traded(spec.symbol, number, floor.now_ns, ticks, lots, order.side, order.id, "")
        before, margin = self.desk.wallet(order).total, position.margin
        fill = self.desk.exchange_lots(order, trade, (lots, False), rate or ZERO)
        if rate is None:  # exactly the margin is lost, whatever the rounding of the price
            wallet = self.desk.wallet(order)
            position.profit += (before - margin) - wallet.total
            wallet.total = before - margin
            self.desk.closed[-1] = replace(self.desk.closed[-1], profit=position.profit)
        push_order(floor, order, "match", fill)
        self.desk.blotter.finish(order, floor.now_ns)
        push_order(floor, order, "filled")

    def _liquidate_cross(self) -> None:
        for user, account in self.desk.accounts.items():
            shared: dict[str, list[Position]] = {}
            for position in self.desk.open_positions(user):
                if position.cross:
                    shared.setdefault(position.spec.settle, []).append(position)
            for currency, positions in shared.items():
                bound = sum(
                    (one.margin for one in self.desk.open_positions(user)
                     if one.spec.settle == currency), ZERO,
                ) + self.desk.order_margin(user, currency, "ISOLATED")  # fmt: skip
                wallet = account.wallet(currency)
                equity = (
                    wallet.total
                    - bound
                    + sum(
                        (one.unrealised(self.desk.mark(one.spec.symbol)) for one in positions), ZERO
                    )
                )
                if equity > sum((one.maintenance for one in positions), ZERO):
                    continue
                for position in positions:
                    self.liquidate(position)
                if wallet.total < bound:
                    cover = bound - wallet.total
                    self.insurance[currency] = self.insurance.get(currency, ZERO) + cover
                    wallet.total = bound
                    push_wallet(self.desk, user, currency)

    def _push_marks(self) -> None:
        for position in self.desk.open_positions():
            symbol = position.spec.symbol
            mark = self.desk.mark(symbol)
            if self._marks.get(symbol) != mark:
                push_mark(self.desk.floor, position, mark)
        for position in self.desk.open_positions():
            self._marks[position.spec.symbol] = self.desk.mark(position.spec.symbol)
