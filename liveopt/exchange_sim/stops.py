"""Stop orders of both venues: which wait, what wakes them, and what becomes of them then."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from liveopt.exchange_sim.api import ApiError
from liveopt.exchange_sim.events import Event, Traded
from liveopt.exchange_sim.floor import refuse
from liveopt.exchange_sim.futures_orders import FuturesDesk
from liveopt.exchange_sim.futures_push import push_stop as push_futures_stop
from liveopt.exchange_sim.futures_terms import FuturesOrder
from liveopt.exchange_sim.orders import Blotter
from liveopt.exchange_sim.spot_orders import SpotDesk
from liveopt.exchange_sim.spot_push import push_stop
from liveopt.exchange_sim.spot_terms import SpotOrder

WAITING_MAX: Final = 20
"""Spot stop orders of one account that wait in one symbol."""


@dataclass(slots=True)
class SpotStops:
    """Spot stop orders: nothing is held for them, and each becomes an order of its own."""

    desk: SpotDesk
    blotter: Blotter[SpotOrder] = field(default_factory=Blotter)

    def place(self, order: SpotOrder) -> SpotOrder:
        """Takes a stop order in."""
        floor = self.desk.floor
        if (order.user, order.client_oid) in self.blotter.by_client:
            raise refuse("102426", "The clientOid is duplicated")
        if len(list(self.blotter.open_of(order.user, order.spec.symbol))) >= WAITING_MAX:
            raise refuse("102427", "The number of untriggered stop orders exceeds the threshold")
        order.at_ns = order.updated_ns = floor.now_ns
        order.id = floor.ids.spot_stop()
        self.blotter.add(order)
        push_stop(floor, order, "open")
        return order

    def cancel(self, order: SpotOrder | None) -> SpotOrder:
        """Takes a waiting stop order back."""
        if order is None or order.done or not self.desk.floor.visible(order):
            raise refuse("400100", "order_not_exist_or_not_allow_to_cancel")
        self._finish(order, "cancel")
        return order

    def watch(self, trade: Traded) -> None:
        """A trade wakes the stops at whose price it was."""
        for order in list(self.blotter.working.values()):
            stop = order.stop
            if order.spec.symbol != trade.symbol or stop is None:
                continue
            if trade.ticks <= stop.ticks if stop.way == "loss" else trade.ticks >= stop.ticks:
                self._trigger(order)

    def _trigger(self, stop: SpotOrder) -> None:
        fresh = replace(stop, stop=None, id="", resting=False, done=False)
        try:
            if self.desk.floor.strikes("stop_refused", stop.spec.symbol):
                raise refuse("200004", "Balance insufficient!")
            self.desk.check(fresh)
        except ApiError:
            self._finish(stop, "cancel")
            return
        self._finish(stop, "triggered")
        self.desk.place(fresh)

    def _finish(self, stop: SpotOrder, kind: str) -> None:
        stop.cancelled = stop.remaining
        self.blotter.finish(stop, self.desk.floor.now_ns)
        push_stop(self.desk.floor, stop, kind)


@dataclass(slots=True)
class FuturesStops:
    """Futures stop orders: they keep their id when they enter the book."""

    desk: FuturesDesk

    def watch(self, events: Iterable[Event]) -> None:
        """Trades wake TP stops; marks and indices, as they now are, the others."""
        waiting = [order for order in self.desk.blotter.working.values() if order.waiting]
        if not waiting:
            return
        trades: dict[str, list[int]] = {}
        for event in events:
            if isinstance(event, Traded):
                trades.setdefault(event.symbol, []).append(event.ticks)
        for order in waiting:
            if any(_reached(order, price) for price in self._prices(order, trades)):
                self._trigger(order)

    def _prices(self, order: FuturesOrder, trades: dict[str, list[int]]) -> list[float]:
        assert order.stop is not None
        spec, market = order.spec, self.desk.floor.exchange.markets[order.spec.symbol]
        if order.stop.source == "TP":
            return [spec.price(ticks) for ticks in trades.get(spec.symbol, [])]
        return [market.mark_price() if order.stop.source == "MP" else market.index_price()]

    def _trigger(self, order: FuturesOrder) -> None:
        if order.done:
            return
        order.triggered = True
        desk, error = self.desk, None
        if order.close:
            self._aim(order)
        try:
            if desk.floor.strikes("stop_refused", order.spec.symbol):
                raise refuse("300003", "Balance insufficient. The order requires more margin.")
            desk.check_means(order)
        except ApiError as refusal:
            error = refusal.text
        push_futures_stop(desk.floor, order, "triggered", error)
        if error is None:
            desk.enter(order)
        else:
            desk.cancel(order, order.remaining)

    def _aim(self, order: FuturesOrder) -> None:
        """An order that closes everything takes side and size from the position as it now is."""
        held = self.desk.position(order.user, order.spec.symbol).lots
        if held:
            order.side, order.lots = ("sell" if held > 0 else "buy"), abs(held)


def _reached(order: FuturesOrder, price: float) -> bool:
    assert order.stop is not None
    bound = order.spec.price(order.stop.ticks)
    return price >= bound if order.stop.way == "up" else price <= bound
