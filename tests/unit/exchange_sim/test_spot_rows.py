"""Spot rows and pushes are built like the exchange's, field by field and type by type."""

from typing import Any

import pytest

from tests.unit.exchange_sim import shapes
from tests.unit.exchange_sim.shapes import unlike
from tests.unit.exchange_sim.trader import SPOT, Trader

HF = "/api/v1/hf/orders"


@pytest.fixture(scope="module")
def trader() -> Trader:
    """One bought, one waits, one was cancelled, one stop waits."""
    one = Trader()
    one.spot(type="market", clientOid="bought")
    one.spot(price=one.far(SPOT, "buy"), clientOid="waits", remark="mine", tags="t")
    one.spot(price=one.far(SPOT, "buy"), clientOid="gone")
    one.call("spot", "DELETE", f"{HF}/client-order/gone", symbol=SPOT)
    stop = one.spot_body(price="50000", stopPrice="50000", clientOid="stop")
    one.call("spot", "POST", "/api/v1/stop-order", stop)
    return one


def order(trader: Trader, client_oid: str) -> Any:
    return trader.call("spot", "GET", f"{HF}/client-order/{client_oid}", symbol=SPOT)


@pytest.mark.parametrize("client_oid", ["bought", "waits", "gone"])
def test_orders_are_shown_as_the_exchange_shows_them(trader: Trader, client_oid: str) -> None:
    assert unlike(shapes.SPOT_ORDER, order(trader, client_oid)) == []
    assert unlike(shapes.SPOT_ACTIVE, order(trader, client_oid)) == []


def test_a_waiting_order_says_so_in_every_field(trader: Trader) -> None:
    row = order(trader, "waits")
    said = {name: row[name] for name in (
        "active", "inOrderBook", "cancelExist", "dealSize", "remainSize", "cancelledSize", "stp",
        "timeInForce", "remark", "tags",
    )}  # fmt: skip
    assert said == {
        "active": True, "inOrderBook": True, "cancelExist": False, "dealSize": "0",
        "remainSize": "0.001", "cancelledSize": "0", "stp": None, "timeInForce": "GTC",
        "remark": "mine", "tags": "t",
    }  # fmt: skip


def test_a_cancelled_order_says_how_much_was_cancelled(trader: Trader) -> None:
    row = order(trader, "gone")
    assert (row["active"], row["cancelExist"], row["cancelledSize"]) == (False, True, "0.001")
    assert (row["remainSize"], row["remainFunds"]) == ("0", "0")
    assert row["cancelledFunds"] == row["funds"]


def test_fills_stops_and_receipts_are_built_like_the_exchanges(trader: Trader) -> None:
    fill = trader.call("spot", "GET", "/api/v1/hf/fills", symbol=SPOT)["items"][0]
    assert unlike(shapes.SPOT_FILL, fill) == []
    stop = trader.call("spot", "GET", "/api/v1/stop-order")["items"][0]
    assert unlike(shapes.SPOT_STOP, stop) == []
    assert stop["stopPrice"] == "50000.00000000000000000000"
    receipt = trader.spot(price=trader.far(SPOT, "buy"))
    assert unlike(shapes.SPOT_SYNC, receipt) == []
    gone = trader.call("spot", "DELETE", f"{HF}/sync/{receipt['orderId']}", symbol=SPOT)
    assert unlike(shapes.SPOT_CANCEL_SYNC, gone) == []
    assert (gone["canceledSize"], gone["remainSize"], gone["status"]) == ("0.001", "0", "done")


def test_pushes_are_built_like_the_exchanges(trader: Trader) -> None:
    v2 = "/spotMarket/tradeOrdersV2"
    assert unlike(shapes.PUSH_SPOT_RECEIVED, trader.heard(v2, "received")[0]) == []
    assert unlike(shapes.PUSH_SPOT_OPEN, trader.heard(v2, "open")[0]) == []
    match = trader.heard(v2, "match")[0]
    assert unlike(shapes.PUSH_SPOT_MATCH, match | {"price": ""}) == []  # a market order has none
    assert unlike(shapes.PUSH_BALANCE, trader.heard("/account/balance")[0]) == []
    assert unlike(shapes.PUSH_SPOT_STOP, trader.heard("/spotMarket/advancedOrders")[0]) == []


def test_times_have_the_units_of_the_exchange(trader: Trader) -> None:
    push = trader.heard("/spotMarket/tradeOrdersV2")[0]
    assert (len(str(push["orderTime"])), len(str(push["ts"]))) == (13, 19)
    stop = trader.heard("/spotMarket/advancedOrders")[0]
    assert (len(str(stop["createdAt"])), len(str(stop["ts"]))) == (13, 19)
    assert len(trader.heard("/account/balance")[0]["time"]) == 13
