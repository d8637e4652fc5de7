"""Spot endpoints: batches, cancels of many, lists in pages and by cursor, the classic paths."""

import pytest

from tests.unit.exchange_sim.trader import OTHER, SPOT, Trader

HF = "/api/v1/hf/orders"


@pytest.fixture
def trader() -> Trader:
    return Trader(SPOT, "ETH-USDT")


def active(trader: Trader, symbol: str = SPOT) -> list[str]:
    rows = trader.call("spot", "GET", f"{HF}/active", symbol=symbol)
    return [row["clientOid"] for row in rows]


@pytest.mark.parametrize("path", ["multi", "multi/sync"])
def test_in_a_batch_each_order_stands_for_itself(trader: Trader, path: str) -> None:
    good = trader.spot_body(price="50000")
    bad = trader.spot_body(price="50000", size="0.00001") | {"price": "5000"}
    rows = trader.call("spot", "POST", f"{HF}/{path}", {"orderList": [good, bad]})
    assert rows[0]["success"]
    assert rows[0]["clientOid"] == good["clientOid"]
    assert rows[1] == {"success": False, "failMsg": "The order funds should more then 0.1 USDT."}
    assert ("status" in rows[0]) == path.endswith("sync")


@pytest.mark.parametrize("orders", [None, [], [{}] * 6])
def test_a_batch_holds_one_to_five_orders(trader: Trader, orders: object) -> None:
    body = {"orderList": orders}
    assert trader.refused("spot", "POST", f"{HF}/multi", body)[0] == "400100"


def test_all_orders_of_a_symbol_or_of_all_symbols_are_cancelled(trader: Trader) -> None:
    for symbol, price in ((SPOT, "50000"), ("ETH-USDT", "2500"), (SPOT, "50000")):
        trader.spot(symbol=symbol, price=price, size="0.01")
    symbols = trader.call("spot", "GET", f"{HF}/active/symbols")["symbols"]
    assert symbols == [SPOT, "ETH-USDT"]
    assert trader.call("spot", "DELETE", HF, symbol="ETH-USDT") == "success"
    assert len(active(trader)) == 2
    assert trader.call("spot", "DELETE", f"{HF}/cancelAll") == {
        "succeedSymbols": [SPOT], "failedSymbols": [],
    }  # fmt: skip
    assert active(trader) == []


def test_orders_of_others_cannot_be_seen_nor_cancelled(trader: Trader) -> None:
    order = trader.spot(price="50000", clientOid="mine")
    trader.user = OTHER
    path = f"{HF}/{order['orderId']}"
    assert trader.refused("spot", "GET", path, symbol=SPOT) == ("400100", "order not exist.")
    assert trader.refused("spot", "DELETE", path, symbol=SPOT)[0] == "400100"
    assert trader.refused("spot", "DELETE", f"{HF}/client-order/mine", symbol=SPOT)[0] == "400100"
    assert active(trader) == []


def test_an_order_is_found_only_under_its_symbol(trader: Trader) -> None:
    order = trader.spot(price="50000")
    path = f"{HF}/{order['orderId']}"
    assert trader.refused("spot", "GET", path, symbol="ETH-USDT")[0] == "400100"
    assert trader.refused("spot", "GET", path)[0] == "400100"


def test_the_cursor_leads_through_all_done_orders_once(trader: Trader) -> None:
    ids = [trader.spot(type="market", size="0.00001")["orderId"] for _ in range(7)]
    found: list[str] = []
    last = 0
    while True:
        query = {"lastId": last} if last else {}
        answer = trader.call("spot", "GET", f"{HF}/done", symbol=SPOT, limit=3, **query)
        if not answer["items"]:
            break
        found += [row["id"] for row in answer["items"]]
        last = answer["lastId"]
    assert found == ids[::-1]


def test_the_cursor_leads_through_all_fills_once(trader: Trader) -> None:
    for _ in range(5):
        trader.spot(type="market", size="0.00001")
    every = trader.call("spot", "GET", "/api/v1/hf/fills", symbol=SPOT, limit=100)["items"]
    first = trader.call("spot", "GET", "/api/v1/hf/fills", symbol=SPOT, limit=2)
    second = trader.call(
        "spot", "GET", "/api/v1/hf/fills", symbol=SPOT, limit=100, lastId=first["lastId"]
    )
    assert first["items"] + second["items"] == every
    one = every[0]["orderId"]
    of_one = trader.call("spot", "GET", "/api/v1/hf/fills", symbol=SPOT, orderId=one)["items"]
    assert {fill["orderId"] for fill in of_one} == {one}


def test_lists_are_filtered_by_side_type_and_time(trader: Trader) -> None:
    trader.spot(type="market", size="0.00001")
    trader.spot(type="market", side="sell", size="0.00001")
    for query, count in (
        ({"side": "sell"}, 1), ({"type": "limit"}, 0), ({"startAt": 1}, 2), ({"endAt": 1}, 0),
    ):  # fmt: skip
        answer = trader.call("spot", "GET", f"{HF}/done", symbol=SPOT, **query)
        assert len(answer["items"]) == count


def test_pages_are_numbered_from_one(trader: Trader) -> None:
    for _ in range(5):
        trader.spot(price="50000")
    second = trader.call("spot", "GET", f"{HF}/active/page", symbol=SPOT, pageNum=2, pageSize=2)
    assert {name: second[name] for name in second if name != "items"} == {
        "currentPage": 2, "pageSize": 2, "totalNum": 5, "totalPage": 3,
    }  # fmt: skip
    assert [row["clientOid"] for row in second["items"]] == active(trader)[2:4]


def test_the_classic_paths_see_the_same_orders(trader: Trader) -> None:
    placed = trader.call("spot", "POST", "/api/v1/orders", trader.spot_body(price="50000"))
    order_id, client_oid = placed["orderId"], placed["clientOid"]
    assert trader.call("spot", "GET", f"/api/v1/orders/{order_id}")["isActive"]
    by_client = trader.call("spot", "GET", f"/api/v1/order/client-order/{client_oid}")
    assert by_client["id"] == order_id
    listed = trader.call("spot", "GET", "/api/v1/orders", status="active", symbol=SPOT)
    assert [row["id"] for row in listed["items"]] == [order_id]
    gone = trader.call("spot", "DELETE", f"/api/v1/orders/{order_id}")
    assert gone == {"cancelledOrderIds": [order_id]}
    done = trader.call("spot", "GET", "/api/v1/orders", status="done")
    assert [row["id"] for row in done["items"]] == [order_id]
    assert trader.refused("spot", "GET", "/api/v1/orders/none")[1] == "order not exist."
    another = trader.spot(price="50000", clientOid="another")
    gone = trader.call("spot", "DELETE", "/api/v1/order/client-order/another")
    assert gone == {"cancelledOrderId": another["orderId"], "clientOid": "another"}
    third = trader.spot(price="50000")
    gone = trader.call("spot", "DELETE", "/api/v1/orders", symbol=SPOT)
    assert gone == {"cancelledOrderIds": [third["orderId"]]}
    trader.spot(type="market", size="0.00001")
    assert trader.call("spot", "GET", "/api/v1/fills")["items"]
    batch = {"orderList": [trader.spot_body(price="50000"), {}]}
    rows = trader.call("spot", "POST", "/api/v1/orders/multi", batch)["data"]
    assert [row["status"] for row in rows] == ["success", "fail"]


def test_a_bad_number_in_the_query_is_refused(trader: Trader) -> None:
    for query in ({"limit": "many"}, {"limit": "101"}, {"lastId": "1.5"}):
        assert trader.refused("spot", "GET", f"{HF}/done", symbol=SPOT, **query)[0] == "400100"


@pytest.mark.parametrize("change", [{"newPrice": "0"}, {"newSize": "-1"}])
def test_an_alteration_to_nothing_is_refused(trader: Trader, change: dict[str, str]) -> None:
    order = trader.spot(price="50000")
    body = {"symbol": SPOT, "orderId": order["orderId"], **change}
    assert trader.refused("spot", "POST", f"{HF}/alter", body)[0] == "400100"
    gone = {"symbol": SPOT, "orderId": "none", "newPrice": "50000"}
    assert trader.refused("spot", "POST", f"{HF}/alter", gone)[0] == "400100"


def test_a_part_to_cancel_must_be_a_size(trader: Trader) -> None:
    order = trader.spot(price="50000")
    path = f"{HF}/cancel/{order['orderId']}"
    for size in ("none", "0", "0.000000001"):
        refused = trader.refused("spot", "DELETE", path, symbol=SPOT, cancelSize=size)
        assert refused == ("400100", "cancelSize is invalid")
