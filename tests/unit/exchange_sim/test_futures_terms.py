"""What the exchange refuses to take as a futures order, each with its code."""

import pytest

from tests.unit.exchange_sim.trader import FUTURES, INVERSE, SPOT, Trader


@pytest.fixture(scope="module")
def trader() -> Trader:
    return Trader(SPOT, FUTURES, INVERSE)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"symbol": "NOUSDTM"}, "200003"),
        ({"symbol": SPOT}, "200003"),
        ({"clientOid": None}, "300000"),
        ({"clientOid": "x" * 41}, "400100"),
        ({"clientOid": "ü"}, "400100"),
        ({"side": None}, "300000"),
        ({"type": "stop"}, "300000"),
        ({"leverage": "much"}, "300000"),
        ({"size": 0}, "300000"),
        ({"leverage": 126}, "300016"),
        ({"size": None}, "300000"),
        ({"size": 1, "qty": "0.1"}, "300000"),
        ({"size": 1.5}, "100001"),
        ({"size": -1}, "300000"),
        ({"size": 1_000_001}, "100001"),
        ({"size": None, "qty": "0.0001"}, "100001"),
        ({"type": "limit"}, "300000"),
        ({"type": "limit", "price": "50000.05"}, "100001"),
        ({"type": "limit", "price": "70000"}, "300011"),
        ({"type": "limit", "price": "50000", "side": "sell"}, "300012"),
        ({"timeInForce": "FOK"}, "300000"),
        ({"postOnly": True, "timeInForce": "IOC"}, "300000"),
        ({"type": "limit", "price": "50000", "hidden": True}, "300000"),
        ({"type": "limit", "price": "50000", "iceberg": True, "visibleSize": 1}, "300000"),
        ({"stop": "up"}, "300000"),
        ({"stop": "up", "stopPrice": "1", "stopPriceType": "XP"}, "300000"),
        ({"marginMode": "BOTH"}, "300000"),
        ({"positionSide": "LONG"}, "330011"),
        ({"remark": "x" * 101}, "300000"),
        ({"stp": "DC"}, "300000"),
    ],
)
def test_a_bad_order_is_refused(trader: Trader, fields: dict[str, object], code: str) -> None:
    body = trader.futures_body(**fields)
    assert trader.refused("futures", "POST", "/api/v1/orders/test", body)[0] == code


@pytest.mark.parametrize(
    ("fields", "lots"),
    [
        ({"size": 3}, 3),
        ({"size": "3"}, 3),
        ({"size": None, "qty": "0.0125"}, 12),
        ({"size": None, "valueQty": "605", "type": "limit", "price": "50000"}, 12),
        ({"size": None, "valueQty": "120", "symbol": INVERSE}, 120),
    ],
)
def test_lots_base_and_quote_all_say_how_much(
    trader: Trader, fields: dict[str, object], lots: int
) -> None:
    assert trader.futures(**fields)["size"] == lots


@pytest.mark.parametrize("leverage", [3, "3", 3.0, None])
def test_leverage_is_a_number_or_a_text_or_left_out(trader: Trader, leverage: object) -> None:
    order = trader.futures(type="limit", price="50000", leverage=leverage)
    assert order["leverage"] == ("1" if leverage is None else "3")


def test_limits_may_lie_anywhere_on_the_safe_side(trader: Trader) -> None:
    assert trader.futures(type="limit", price="1000", size=1)["isActive"]
