"""REST of futures orders: placing, cancelling, asking."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from liveopt.exchange_sim.amounts import ZERO, text
from liveopt.exchange_sim.api import ApiError, Call, Method, Route
from liveopt.exchange_sim.bodies import typed
from liveopt.exchange_sim.floor import refuse
from liveopt.exchange_sim.futures_orders import FuturesDesk
from liveopt.exchange_sim.futures_rows import fill_row, order_row
from liveopt.exchange_sim.futures_terms import FuturesOrder, read_order
from liveopt.exchange_sim.orders import Fill
from liveopt.exchange_sim.pages import asked_for, page
from liveopt.exchange_sim.positions import value_at

DAY_NS: Final = 86_400 * 10**9
BATCH_MAX: Final = 20


@dataclass(slots=True)
class FuturesApi:
    """Each method answers one endpoint."""

    desk: FuturesDesk

    def routes(self) -> list[Route]:
        """Literal paths stand before those with names in them."""
        return [*self._changing(), *self._asking()]

    def _changing(self) -> Iterable[Route]:
        path = "/api/v1/orders"
        yield _route("POST", path, self._place, 2)
        yield _route("POST", f"{path}/test", self._test, 2)
        yield _route("POST", f"{path}/multi", self._place_many, 20)
        yield _route("POST", "/api/v1/st-orders", self._place_guarded, 2)
        yield _route("DELETE", f"{path}/multi-cancel", self._cancel_many, 20)
        yield _route("DELETE", f"{path}/client-order/{{clientOid}}", self._cancel_client, 1)
        yield _route("DELETE", f"{path}/{{orderId}}", self._cancel, 1)
        yield _route("DELETE", path, self._cancel_all, 800)
        yield _route("DELETE", "/api/v3/orders", self._cancel_all, 10)
        yield _route("DELETE", "/api/v1/stopOrders", self._cancel_stops, 15)

    def _asking(self) -> Iterable[Route]:
        path = "/api/v1/orders"
        yield _route("GET", f"{path}/byClientOid", self._order_client, 5)
        yield _route("GET", f"{path}/{{orderId}}", self._order, 5)
        yield _route("GET", path, self._orders, 2)
        yield _route("GET", "/api/v1/stopOrders", self._stop_orders, 6)
        yield _route("GET", "/api/v1/recentDoneOrders", self._recent_orders, 5)
        yield _route("GET", "/api/v1/fills", self._fills, 5)
        yield _route("GET", "/api/v1/recentFills", self._recent_fills, 3)
        yield _route("GET", "/api/v1/openOrderStatistics", self._open_statistics, 10)

    # -- placing ---------------------------------------------------------------------------------

    def _read(self, user: str, body: Mapping[str, Any]) -> FuturesOrder:
        closing = 0
        symbol = str(body.get("symbol"))
        if self.desk.floor.market("futures", symbol) is not None:
            closing = -self.desk.position(user, symbol).lots
        order = read_order(self.desk.floor, user, body, closing)
        if order.margin_mode == "CROSS":
            order.leverage = self.desk.cross_leverage(user, symbol)
        return order

    def _place(self, call: Call) -> Any:
        return _receipt(self.desk.place(self._read(call.user, call.body)))

    def _test(self, call: Call) -> Any:
        order = self._read(call.user, call.body)
        self.desk.check(order)
        order.id = self.desk.floor.ids.futures_order()
        return _receipt(order)

    def _place_many(self, call: Call) -> Any:
        bodies = _listed(call)
        if not 1 <= len(bodies) <= BATCH_MAX:
            raise refuse("300000", f"1 to {BATCH_MAX} orders at once")
        rows: list[dict[str, Any]] = []
        for body in bodies:
            row: dict[str, Any] = {"orderId": None, "clientOid": body.get("clientOid")}
            row["symbol"] = body.get("symbol")
            try:
                row["orderId"] = self.desk.place(self._read(call.user, body)).id
                rows.append(row | {"code": "200000", "msg": "success"})
            except ApiError as refusal:
                rows.append(row | {"code": refusal.code, "msg": refusal.text})
        return rows

    def _place_guarded(self, call: Call) -> Any:
        """An entry with take-profit and stop-loss: two closing stops wait beside it."""
        entry = {name: value for name, value in call.body.items() if name != "stopPriceType"}
        order = self._read(call.user, entry)
        buy = order.side == "buy"
        stops = [
            (way, call.body[name])
            for way, name in (("up", "triggerStopUpPrice"), ("down", "triggerStopDownPrice"))
            if call.body.get(name) not in {None, ""}
        ]
        waiting = [
            self._read(call.user, {
                "clientOid": f"{order.client_oid[:36]}-{way[0]}", "symbol": order.spec.symbol,
                "side": "sell" if buy else "buy", "type": "market", "size": order.lots,
                "reduceOnly": True, "stop": way, "stopPrice": price,
                "stopPriceType": call.body.get("stopPriceType") or "TP",
                "marginMode": order.margin_mode, "leverage": str(order.leverage),
            })
            for way, price in stops
        ]  # fmt: skip
        placed = self.desk.place(order)
        for stop in waiting:
            self.desk.place(stop)
        return _receipt(placed)

    # -- cancelling ------------------------------------------------------------------------------

    def _mine(self, call: Call, order: FuturesOrder | None) -> FuturesOrder | None:
        return order if order is not None and order.user == call.user else None

    def _by_id(self, call: Call, order_id: str) -> FuturesOrder | None:
        return self._mine(call, self.desk.blotter.by_id.get(order_id))

    def _by_client(self, call: Call, client_oid: str) -> FuturesOrder | None:
        return self.desk.blotter.by_client.get((call.user, client_oid))

    def _cancel(self, call: Call) -> Any:
        order = self.desk.cancel_on_request(self._by_id(call, call.path["orderId"]))
        return {"cancelledOrderIds": [order.id]}

    def _cancel_client(self, call: Call) -> Any:
        call.need("symbol")
        order = self.desk.cancel_on_request(self._by_client(call, call.path["clientOid"]))
        return {"clientOid": order.client_oid}

    def _cancel_many(self, call: Call) -> Any:
        wanted = [(self._by_id(call, str(one)), str(one), None)
                  for one in call.body.get("orderIdsList") or []]  # fmt: skip
        clients = [(self._by_client(call, str(one.get("clientOid"))), None, one.get("clientOid"))
                   for one in call.body.get("clientOidsList") or []]  # fmt: skip
        rows = []
        for order, order_id, client_oid in [*wanted, *clients]:
            said = {"orderId": order_id, "clientOid": client_oid}
            try:
                self.desk.cancel_on_request(order)
                rows.append(said | {"code": "200", "msg": "success"})
            except ApiError as refusal:
                rows.append(said | {"code": refusal.code, "msg": refusal.text})
        return rows

    def _cancel_all(self, call: Call) -> Any:
        return self._cancel_every(call, waiting=False)

    def _cancel_stops(self, call: Call) -> Any:
        return self._cancel_every(call, waiting=True)

    def _cancel_every(self, call: Call, *, waiting: bool) -> Any:
        ids: list[str] = []
        for order in self.desk.blotter.open_of(call.user, call.query.get("symbol", "")):
            if order.waiting == waiting and not order.done:
                self.desk.cancel(order, order.remaining)
                ids.append(order.id)
        return {"cancelledOrderIds": ids}

    # -- asking ----------------------------------------------------------------------------------

    def _row(self, order: FuturesOrder) -> dict[str, Any]:
        return order_row(order, self.desk.mark(order.spec.symbol))

    def _shown(self, order: FuturesOrder | None) -> Any:
        if order is None or not self.desk.floor.visible(order):
            raise refuse("100001", "error.getOrder.orderNotExist")
        return self._row(order)

    def _order(self, call: Call) -> Any:
        return self._shown(self._by_id(call, call.path["orderId"]))

    def _order_client(self, call: Call) -> Any:
        return self._shown(self._by_client(call, call.need("clientOid")))

    def _working(self, call: Call, *, waiting: bool) -> list[FuturesOrder]:
        working = [
            order
            for order in self.desk.blotter.open_of(call.user)
            if order.waiting == waiting and self.desk.floor.visible(order)
        ]
        return working[::-1]

    def _orders(self, call: Call) -> Any:
        active = call.query.get("status", "done") == "active"
        book = self.desk.blotter
        orders = self._working(call, waiting=False) if active else book.done_of(call.user)
        return page(call, asked_for(call, orders), self._row)

    def _stop_orders(self, call: Call) -> Any:
        return page(call, asked_for(call, self._working(call, waiting=True)), self._row)

    def _recent_orders(self, call: Call) -> Any:
        since = self.desk.floor.now_ns - DAY_NS
        orders = asked_for(call, self.desk.blotter.done_of(call.user))
        return [self._row(order) for order in orders if order.updated_ns >= since][:1_000]

    def _fills_asked(self, call: Call) -> Iterable[Fill]:
        wanted = call.query.get("orderId", "")
        for fill in self.desk.blotter.fills_of(call.user):
            if wanted in {"", fill.order.id} and list(asked_for(call, [fill.order])):
                yield fill

    def _fills(self, call: Call) -> Any:
        return page(call, self._fills_asked(call), fill_row)

    def _recent_fills(self, call: Call) -> Any:
        since = self.desk.floor.now_ns - DAY_NS
        fills = [fill for fill in self._fills_asked(call) if fill.at_ns >= since]
        return [fill_row(fill) for fill in fills[:1_000]]

    def _open_statistics(self, call: Call) -> Any:
        symbol = call.need("symbol")
        market = self.desk.floor.market("futures", symbol)
        if market is None:
            raise refuse("200003", "Invalid symbol.")
        sizes, costs = {"buy": 0, "sell": 0}, {"buy": ZERO, "sell": ZERO}
        for order in self.desk.blotter.open_of(call.user, symbol):
            if not order.waiting:
                sizes[order.side] += order.remaining
                costs[order.side] += abs(value_at(order.spec, order.remaining, order.price))
        return {
            "openOrderBuySize": sizes["buy"],
            "openOrderSellSize": sizes["sell"],
            "openOrderBuyCost": text(costs["buy"]),
            "openOrderSellCost": text(costs["sell"]),
            "settleCurrency": market.spec.settle,
        }


def _receipt(order: FuturesOrder) -> dict[str, Any]:
    return {"orderId": order.id, "clientOid": order.client_oid}


def _listed(call: Call) -> list[Mapping[str, Any]]:
    """The orders of a body that is a list; the server hands it over under the name `list`."""
    bodies: list[Mapping[str, Any]] = call.body.get("list") or []
    return bodies


def _route(method: Method, path: str, answer: Callable[[Call], Any], weight: int) -> Route:
    return Route(method, path, typed(method, answer), weight, "futures", signed=True)
