"""REST of spot trading: orders, fills, stop orders, the dead man's switch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from liveopt.exchange_sim.amounts import parse, whole
from liveopt.exchange_sim.api import ApiError, Call, Method, Route
from liveopt.exchange_sim.bodies import typed
from liveopt.exchange_sim.dead_switch import DeadSwitch
from liveopt.exchange_sim.floor import refuse
from liveopt.exchange_sim.orders import Fill
from liveopt.exchange_sim.pages import after_cursor, asked_for, page
from liveopt.exchange_sim.spot_orders import SpotDesk
from liveopt.exchange_sim.spot_rows import (
    classic_row,
    fill_row,
    order_row,
    receipt,
    sizes,
    stop_row,
    sync_receipt,
)
from liveopt.exchange_sim.spot_terms import SpotOrder, read_order, read_stop
from liveopt.exchange_sim.stops import SpotStops

BATCH_MAX = 5
DAY_NS = 86_400 * 10**9
RECENT_MAX = 1_000
"""Orders or fills of the last day in one answer."""
_Row = Callable[[SpotOrder], dict[str, Any]]


@dataclass(slots=True)
class SpotApi:
    """Each method answers one endpoint."""

    desk: SpotDesk
    stops: SpotStops
    switch: DeadSwitch

    def routes(self) -> list[Route]:
        """Literal paths stand before those with names in them."""
        return [*self._placing(), *self._cancelling(), *self._asking(), *self._classic()]

    def _placing(self) -> Iterable[Route]:
        hf = "/api/v1/hf/orders"
        yield _route("POST", hf, lambda call: receipt(self._place(call)))
        yield _route("POST", f"{hf}/sync", lambda call: sync_receipt(self._place(call)))
        yield _route("POST", f"{hf}/test", self._test)
        yield _route("POST", f"{hf}/multi", lambda call: self._place_many(call, receipt))
        yield _route("POST", f"{hf}/multi/sync", lambda call: self._place_many(call, sync_receipt))
        yield _route("POST", f"{hf}/alter", self._alter)
        yield _route("POST", f"{hf}/dead-cancel-all", self.switch.set, 2)
        yield _route("POST", "/api/v1/stop-order", self._place_stop)

    def _cancelling(self) -> Iterable[Route]:
        hf, stop = "/api/v1/hf/orders", "/api/v1/stop-order"
        yield _route("DELETE", f"{hf}/cancelAll", self._cancel_everything, 30)
        yield _route("DELETE", f"{hf}/cancel/{{orderId}}", self._cancel_part, 2)
        yield _route("DELETE", f"{hf}/sync/client-order/{{clientOid}}", self._cancel_sync)
        yield _route("DELETE", f"{hf}/sync/{{orderId}}", self._cancel_sync)
        yield _route("DELETE", f"{hf}/client-order/{{clientOid}}", self._cancel)
        yield _route("DELETE", f"{hf}/{{orderId}}", self._cancel)
        yield _route("DELETE", hf, self._cancel_symbol, 2)
        yield _route("DELETE", f"{stop}/cancelOrderByClientOid", self._cancel_stop_client, 5)
        yield _route("DELETE", f"{stop}/cancel", self._cancel_stops, 3)
        yield _route("DELETE", f"{stop}/{{orderId}}", self._cancel_stop, 3)

    def _asking(self) -> Iterable[Route]:
        hf, stop = "/api/v1/hf/orders", "/api/v1/stop-order"
        yield _route("GET", f"{hf}/active/page", self._active_page, 2)
        yield _route("GET", f"{hf}/active/symbols", self._active_symbols, 2)
        yield _route("GET", f"{hf}/active", self._active, 2)
        yield _route("GET", f"{hf}/done", self._done, 2)
        yield _route("GET", f"{hf}/dead-cancel-all/query", self.switch.show, 2)
        yield _route("GET", f"{hf}/client-order/{{clientOid}}", self._order, 2)
        yield _route("GET", f"{hf}/{{orderId}}", self._order, 2)
        yield _route("GET", "/api/v1/hf/fills", self._fills, 2)
        yield _route("GET", f"{stop}/queryOrderByClientOid", self._stop_client, 3)
        yield _route("GET", f"{stop}/{{orderId}}", self._stop, 3)
        yield _route("GET", stop, self._stop_page, 8)

    def _classic(self) -> Iterable[Route]:
        """The endpoints before the high-frequency ones, which some clients still call."""
        path = "/api/v1/orders"
        yield _route("POST", path, lambda call: receipt(self._place(call, "400100")), 2)
        yield _route("POST", f"{path}/multi", self._place_many_classic, 3)
        yield _route("POST", f"{path}/test", self._test, 2)
        yield _route("DELETE", f"{path}/{{orderId}}", self._cancel_classic, 3)
        yield _route("DELETE", path, self._cancel_all_classic, 20)
        yield _route("GET", f"{path}/{{orderId}}", self._order_classic, 2)
        yield _route("GET", path, self._orders_classic, 2)
        one = "/api/v1/order/client-order/{clientOid}"
        yield _route("GET", one, self._order_classic, 3)
        yield _route("DELETE", one, self._cancel_client_classic, 5)
        yield _route("GET", "/api/v1/fills", self._fills_classic, 10)
        yield _route("GET", "/api/v1/limit/orders", self._recent_orders, 3)
        yield _route("GET", "/api/v1/limit/fills", self._recent_fills, 20)

    # -- placing ---------------------------------------------------------------------------------

    def _place(self, call: Call, duplicate: str = "102426") -> SpotOrder:
        return self.desk.place(read_order(self.desk.floor, call.user, call.body), duplicate)

    def _test(self, call: Call) -> Any:
        order = read_order(self.desk.floor, call.user, call.body)
        self.desk.check(order)
        order.id = self.desk.floor.ids.spot_order(self.desk.floor.now_ns)
        return receipt(order)

    def _place_many(self, call: Call, row: _Row) -> Any:
        wanted = call.body.get("orderList")
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= BATCH_MAX:
            raise refuse("400100", f"orderList holds 1 to {BATCH_MAX} orders")
        rows: list[dict[str, Any]] = []
        for body in wanted:
            try:
                order = self.desk.place(read_order(self.desk.floor, call.user, body))
                rows.append(row(order) | {"success": True})
            except ApiError as refusal:
                rows.append({"success": False, "failMsg": refusal.text})
        return rows

    def _alter(self, call: Call) -> Any:
        order = self._find(call.user, call.body.get("orderId"), call.body.get("clientOid"))
        if order is None or order.done or order.kind == "market":
            raise refuse("400100", "order_not_exist_or_not_allow_to_cancel")
        price = call.body.get("newPrice", str(order.price))
        size = call.body.get("newSize", str(order.lots * order.spec.lot))
        body = {
            "symbol": order.spec.symbol, "side": order.side, "type": "limit",
            "price": price, "size": size,
        }  # fmt: skip
        terms = read_order(self.desk.floor, call.user, body)
        assert terms.ticks is not None
        fresh = self.desk.alter(order, terms.ticks, terms.lots)
        return {"newOrderId": fresh.id, "clientOid": fresh.client_oid}

    def _place_stop(self, call: Call) -> Any:
        order = self.stops.place(read_stop(self.desk.floor, call.user, call.body))
        return {"orderId": order.id}

    # -- cancelling ------------------------------------------------------------------------------

    def _find(self, user: str, order_id: Any, client_oid: Any) -> SpotOrder | None:
        book = self.desk.blotter
        order = (
            book.by_id.get(str(order_id)) if order_id else book.by_client.get((user, client_oid))
        )
        return order if order is not None and order.user == user else None

    def _named(self, call: Call) -> SpotOrder | None:
        """The order in the path, of the symbol in the query where there is one."""
        order = self._find(call.user, call.path.get("orderId"), call.path.get("clientOid"))
        if order is not None and call.query.get("symbol", order.spec.symbol) == order.spec.symbol:
            return order
        return None

    def _cancel(self, call: Call) -> Any:
        call.need("symbol")
        order = self.desk.cancel_on_request(self._named(call))
        return {"orderId": order.id} if "orderId" in call.path else {"clientOid": order.client_oid}

    def _cancel_sync(self, call: Call) -> Any:
        call.need("symbol")
        order = self.desk.cancel_on_request(self._named(call))
        who = {"orderId": order.id} if "orderId" in call.path else {"clientOid": order.client_oid}
        return who | sizes(order)

    def _cancel_part(self, call: Call) -> Any:
        call.need("symbol")
        order = self._named(call)
        size = parse(call.need("cancelSize"))
        lots = None if size is None or order is None else whole(size, order.spec.lot)
        if order is not None and (lots is None or lots < 1):
            raise refuse("400100", "cancelSize is invalid")
        order = self.desk.cancel_on_request(order, lots)
        return {"orderId": order.id, "cancelSize": call.query["cancelSize"]}

    def _cancel_symbol(self, call: Call) -> Any:
        for order in self.desk.blotter.open_of(call.user, call.need("symbol")):
            self.desk.cancel(order, order.remaining)
        return "success"

    def _cancel_everything(self, call: Call) -> Any:
        symbols: dict[str, None] = {}
        for order in self.desk.blotter.open_of(call.user):
            symbols[order.spec.symbol] = None
            self.desk.cancel(order, order.remaining)
        return {"succeedSymbols": list(symbols), "failedSymbols": []}

    def _cancel_stop(self, call: Call) -> Any:
        return {"cancelledOrderIds": [self.stops.cancel(self._one_stop(call)).id]}

    def _cancel_stop_client(self, call: Call) -> Any:
        order = self.stops.cancel(self._one_stop(call))
        return {"cancelledOrderId": order.id, "clientOid": order.client_oid}

    def _cancel_stops(self, call: Call) -> Any:
        ids = {name for name in call.query.get("orderIds", "").split(",") if name}
        symbol = call.query.get("symbol", "")
        waiting = [one for one in self.stops.blotter.open_of(call.user, symbol)
                   if not ids or one.id in ids]  # fmt: skip
        return {"cancelledOrderIds": [self.stops.cancel(order).id for order in waiting]}

    # -- asking ----------------------------------------------------------------------------------

    def _order(self, call: Call) -> Any:
        call.need("symbol")
        order = self._named(call)
        if order is None or not self.desk.floor.visible(order):
            raise refuse("400100", "order not exist.")
        return order_row(order)

    def _open(self, call: Call) -> list[SpotOrder]:
        orders = self.desk.blotter.open_of(call.user, call.query.get("symbol", ""))
        return [order for order in orders if self.desk.floor.visible(order)]

    def _active(self, call: Call) -> Any:
        call.need("symbol")
        return [order_row(order) for order in self._open(call)]

    def _active_page(self, call: Call) -> Any:
        call.need("symbol")
        return page(call, self._open(call), order_row)

    def _active_symbols(self, call: Call) -> Any:
        symbols = dict.fromkeys(o.spec.symbol for o in self.desk.blotter.open_of(call.user))
        return {"symbols": list(symbols)}

    def _done(self, call: Call) -> Any:
        call.need("symbol")
        orders = asked_for(call, self.desk.blotter.done_of(call.user))
        newest = sorted(orders, key=_number, reverse=True)
        items, last = after_cursor(call, newest, _number)
        return {"lastId": last, "items": [order_row(order) for order in items]}

    def _fills_asked(self, call: Call) -> list[Fill]:
        wanted = call.query.get("orderId", "")
        return [
            fill
            for fill in self.desk.blotter.fills_of(call.user)
            if wanted in {"", fill.order.id} and list(asked_for(call, [fill.order]))
        ]

    def _fills(self, call: Call) -> Any:
        call.need("symbol")
        items, last = after_cursor(call, self._fills_asked(call), lambda fill: fill.id)
        return {"items": [fill_row(fill) for fill in items], "lastId": last}

    def _one_stop(self, call: Call) -> SpotOrder | None:
        book = self.stops.blotter
        order = book.by_id.get(call.path.get("orderId", "")) or book.by_client.get(
            (call.user, call.query.get("clientOid", ""))
        )
        return order if order is not None and order.user == call.user else None

    def _waiting_stop(self, call: Call) -> dict[str, Any]:
        order = self._one_stop(call)
        if order is None or order.done or not self.desk.floor.visible(order):
            raise refuse("400100", "order not exist.")
        return stop_row(order)

    def _stop(self, call: Call) -> Any:
        return self._waiting_stop(call)

    def _stop_client(self, call: Call) -> Any:
        call.need("clientOid")
        return [self._waiting_stop(call)]

    def _stop_page(self, call: Call) -> Any:
        return page(call, asked_for(call, self.stops.blotter.open_of(call.user)), stop_row)

    # -- classic ---------------------------------------------------------------------------------

    def _place_many_classic(self, call: Call) -> Any:
        rows = self._place_many(call, classic_row)
        return {"data": [{"status": "success" if one["success"] else "fail"} | one for one in rows]}

    def _cancel_classic(self, call: Call) -> Any:
        return {"cancelledOrderIds": [self.desk.cancel_on_request(self._named(call)).id]}

    def _cancel_client_classic(self, call: Call) -> Any:
        order = self.desk.cancel_on_request(self._named(call))
        return {"cancelledOrderId": order.id, "clientOid": order.client_oid}

    def _cancel_all_classic(self, call: Call) -> Any:
        orders = list(self.desk.blotter.open_of(call.user, call.query.get("symbol", "")))
        for order in orders:
            self.desk.cancel(order, order.remaining)
        return {"cancelledOrderIds": [order.id for order in orders]}

    def _order_classic(self, call: Call) -> Any:
        order = self._named(call)
        if order is None or not self.desk.floor.visible(order):
            raise refuse("400100", "order not exist.")
        return classic_row(order)

    def _orders_classic(self, call: Call) -> Any:
        active = call.query.get("status", "done") == "active"
        book = self.desk.blotter
        orders = self._open(call) if active else book.done_of(call.user)
        return page(call, asked_for(call, orders), classic_row)

    def _recent_orders(self, call: Call) -> Any:
        since_ns, book = self.desk.floor.now_ns - DAY_NS, self.desk.blotter
        orders = [*self._open(call)[::-1], *book.done_of(call.user)]
        return [classic_row(order) for order in orders if order.at_ns >= since_ns][:RECENT_MAX]

    def _recent_fills(self, call: Call) -> Any:
        since_ns = self.desk.floor.now_ns - DAY_NS
        fills = [fill for fill in self.desk.blotter.fills_of(call.user) if fill.at_ns >= since_ns]
        return [fill_row(fill) for fill in fills[:RECENT_MAX]]

    def _fills_classic(self, call: Call) -> Any:
        return page(call, self._fills_asked(call), fill_row)


def _number(order: SpotOrder) -> int:
    """Orders counted as they were placed: the end of their id."""
    return int(order.id[-8:], 16)


def _route(method: Method, path: str, answer: Callable[[Call], Any], weight: int = 1) -> Route:
    return Route(method, path, typed(method, answer), weight, "spot", signed=True)
