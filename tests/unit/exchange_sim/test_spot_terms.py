"""What the exchange refuses to take as a spot order, each with its code."""

import pytest

from tests.unit.exchange_sim.trader import FUTURES, SPOT, START_NS, Trader

NOW_MS = START_NS // 10**6


@pytest.fixture(scope="module")
def trader() -> Trader:
    return Trader(SPOT, FUTURES)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"symbol": None}, "400100"),
        ({"symbol": "NO-USDT"}, "900001"),
        ({"symbol": FUTURES}, "900001"),
        ({"side": "hold"}, "400100"),
        ({"type": "stop"}, "400100"),
        ({"clientOid": "x" * 41}, "400100"),
        ({"clientOid": "a b"}, "400100"),
        ({"price": None}, "400100"),
        ({"price": "-1"}, "400100"),
        ({"price": "NaN"}, "400100"),
        ({"price": True}, "400100"),
        ({"price": [1]}, "400100"),
        ({"price": "50000.01"}, "600100"),
        ({"price": "90000"}, "400370"),
        ({"side": "sell", "price": "30000"}, "400760"),
        ({"size": "0"}, "400100"),
        ({"size": "0.000000001"}, "600100"),
        ({"size": "0.00000999"}, "400100"),
        ({"size": "0.00001", "price": "5000"}, "600101"),
        ({"remark": "x" * 21}, "400100"),
        ({"tags": "x" * 21}, "400100"),
        ({"remark": 1}, "400100"),
        ({"hidden": True}, "400100"),
        ({"iceberg": True, "visibleSize": "0.0005"}, "400100"),
        ({"type": "market", "size": None}, "400100"),
        ({"type": "market", "size": None, "funds": "0.01"}, "600101"),
        ({"type": "market", "side": "sell", "size": None, "funds": "10"}, "400100"),
        ({"timeInForce": "DAY"}, "400100"),
        ({"timeInForce": "GTT"}, "400100"),
        ({"postOnly": True, "timeInForce": "IOC"}, "400100"),
        ({"stp": "XX"}, "400100"),
        ({"allowMaxTimeWindow": 1_000}, "400100"),
        ({"allowMaxTimeWindow": 1_000, "clientTimestamp": NOW_MS - 1_001}, "400100"),
    ],
)
def test_a_bad_order_is_refused(trader: Trader, fields: dict[str, object], code: str) -> None:
    body = trader.spot_body(**{"price": "50000", **fields})
    assert trader.refused("spot", "POST", "/api/v1/hf/orders", body)[0] == code
    assert trader.refused("spot", "POST", "/api/v1/hf/orders/test", body)[0] == code


@pytest.mark.parametrize(
    "fields",
    [
        {"price": 50000, "size": 0.001},
        {"clientOid": ""},
        {"price": "1000", "size": "0.001"},
        {"hidden": False, "iceberg": False, "remark": "x" * 20, "tags": "x" * 20},
        {"size": "0.00001"},
        {"allowMaxTimeWindow": 1_000, "clientTimestamp": NOW_MS - 999},
        {"timeInForce": "GTT", "cancelAfter": 60},
    ],
)
def test_a_good_order_is_tested_without_leaving_a_trace(
    trader: Trader, fields: dict[str, object]
) -> None:
    before = len(trader.pushes)
    body = trader.spot_body(**{"price": "50000", **fields})
    assert set(trader.call("spot", "POST", "/api/v1/hf/orders/test", body)) == {
        "orderId", "clientOid",
    }  # fmt: skip
    assert len(trader.pushes) == before
    active = trader.call("spot", "GET", "/api/v1/hf/orders/active", symbol=SPOT)
    assert active == []


def test_a_suspended_symbol_takes_no_orders(trader: Trader) -> None:
    trader.desk.faults.turn_on("suspended", {"symbol": SPOT, "count": 1})
    body = trader.spot_body(price="50000")
    assert trader.refused("spot", "POST", "/api/v1/hf/orders", body)[0] == "200001"
