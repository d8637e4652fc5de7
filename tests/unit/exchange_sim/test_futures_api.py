"""Futures endpoints: batches, guarded entries, cancels of many, lists."""

import pytest

from tests.unit.exchange_sim.trader import FUTURES, INVERSE, OTHER, Trader

STOP = {"stop": "down", "stopPrice": "50000", "stopPriceType": "TP"}


@pytest.fixture
def trader() -> Trader:
    return Trader(FUTURES, INVERSE)


def test_in_a_batch_each_order_stands_for_itself(trader: Trader) -> None:
    bodies = [trader.futures_body(type="limit", price="50000"), trader.futures_body(size=0)]
    rows = trader.call("futures", "POST", "/api/v1/orders/multi", bodies)
    assert (rows[0]["code"], rows[0]["msg"], rows[0]["symbol"]) == ("200000", "success", FUTURES)
    assert (rows[1]["orderId"], rows[1]["code"]) == (None, "300000")
    assert trader.refused("futures", "POST", "/api/v1/orders/multi", [])[0] == "300000"


def test_a_guarded_entry_brings_a_target_and_a_stop_that_only_reduce(trader: Trader) -> None:
    body = trader.futures_body(
        triggerStopUpPrice="70000", triggerStopDownPrice="40000", stopPriceType="TP"
    )
    trader.call("futures", "POST", "/api/v1/st-orders", body)
    rows = trader.call("futures", "GET", "/api/v1/stopOrders", symbol=FUTURES)["items"]
    assert {(row["stop"], row["stopPrice"], row["side"], row["reduceOnly"]) for row in rows} == {
        ("up", "70000", "sell", True), ("down", "40000", "sell", True),
    }  # fmt: skip


def test_all_cancels_stay_with_their_kind_and_symbol(trader: Trader) -> None:
    waiting = trader.futures(**STOP)["id"]
    one = trader.futures(type="limit", price="50000")["id"]
    other = trader.futures(type="limit", price="50000", symbol=INVERSE)["id"]
    gone = trader.call("futures", "DELETE", "/api/v3/orders", symbol=FUTURES)
    assert gone == {"cancelledOrderIds": [one]}
    gone = trader.call("futures", "DELETE", "/api/v1/orders")
    assert gone == {"cancelledOrderIds": [other]}
    gone = trader.call("futures", "DELETE", "/api/v1/stopOrders", symbol=FUTURES)
    assert gone == {"cancelledOrderIds": [waiting]}


def test_many_are_cancelled_by_either_id_each_with_its_result(trader: Trader) -> None:
    one = trader.futures(type="limit", price="50000")["id"]
    trader.futures(type="limit", price="50000", clientOid="two")
    body = {"orderIdsList": [one, "1"], "clientOidsList": [{"symbol": FUTURES, "clientOid": "two"}]}
    rows = trader.call("futures", "DELETE", "/api/v1/orders/multi-cancel", body)
    assert rows == [
        {"orderId": one, "clientOid": None, "code": "200", "msg": "success"},
        {"orderId": "1", "clientOid": None, "code": "100001",
         "msg": "error.getOrder.orderNotExist"},
        {"orderId": None, "clientOid": "two", "code": "200", "msg": "success"},
    ]  # fmt: skip


def test_an_order_is_cancelled_by_its_client_id(trader: Trader) -> None:
    trader.futures(type="limit", price="50000", clientOid="mine")
    path = "/api/v1/orders/client-order/mine"
    assert trader.call("futures", "DELETE", path, symbol=FUTURES) == {"clientOid": "mine"}


def test_active_done_and_waiting_orders_are_listed_apart(trader: Trader) -> None:
    done = trader.futures()["id"]
    active = trader.futures(type="limit", price="50000")["id"]
    waiting = trader.futures(**STOP)["id"]
    for path, query, ids in (
        ("orders", {"status": "active"}, [active]), ("orders", {"status": "done"}, [done]),
        ("orders", {}, [done]), ("stopOrders", {}, [waiting]),
        ("stopOrders", {"symbol": INVERSE}, []), ("orders", {"status": "done", "side": "sell"}, []),
    ):  # fmt: skip
        listed = trader.call("futures", "GET", f"/api/v1/{path}", **query)
        assert [row["id"] for row in listed["items"]] == ids
    recent = trader.call("futures", "GET", "/api/v1/recentDoneOrders", symbol=FUTURES)
    assert [row["id"] for row in recent] == [done]


def test_orders_of_others_cannot_be_seen_nor_cancelled(trader: Trader) -> None:
    order = trader.futures(type="limit", price="50000", clientOid="mine")["id"]
    trader.user = OTHER
    path = f"/api/v1/orders/{order}"
    assert trader.refused("futures", "GET", path)[0] == "100001"
    assert trader.refused("futures", "DELETE", path)[0] == "100001"
    client = {"clientOid": "mine"}
    assert trader.refused("futures", "GET", "/api/v1/orders/byClientOid", **client)[0] == "100001"


def test_a_test_order_leaves_no_trace(trader: Trader) -> None:
    body = trader.futures_body()
    answer = trader.call("futures", "POST", "/api/v1/orders/test", body)
    assert answer["clientOid"] == body["clientOid"]
    assert trader.pushes == []
    assert trader.position()["currentQty"] == 0


def test_open_orders_are_counted_by_side(trader: Trader) -> None:
    trader.futures(type="limit", price="50000", size=4)
    row = trader.call("futures", "GET", "/api/v1/openOrderStatistics", symbol=FUTURES)
    assert (row["openOrderBuySize"], row["openOrderSellSize"]) == (4, 0)
    assert (row["openOrderBuyCost"], row["settleCurrency"]) == ("200", "USDT")
    path = "/api/v1/openOrderStatistics"
    assert trader.refused("futures", "GET", path, symbol="NO")[0] == "200003"
