"""Futures orders from placing to their end, and the positions and margins behind."""

from decimal import Decimal

import pytest

from tests.unit.exchange_sim.trader import FUTURES, INVERSE, Trader

ORDERS = "/contractMarket/tradeOrders"


@pytest.fixture
def trader() -> Trader:
    return Trader(FUTURES, INVERSE)


def types(trader: Trader, order_id: str) -> list[str]:
    return [push["type"] for push in trader.heard(ORDERS) if push["orderId"] == order_id]


def available(trader: Trader, currency: str = "USDT") -> Decimal:
    return trader.desk.futures.available(trader.user, currency)


def refused(trader: Trader, **fields: object) -> str:
    return trader.refused("futures", "POST", "/api/v1/orders", trader.futures_body(**fields))[0]


def test_a_market_order_matches_fills_and_makes_a_position(trader: Trader) -> None:
    price = Decimal(trader.price(FUTURES, "sell"))
    order = trader.futures(size=1)
    assert types(trader, order["id"]) == ["match", "filled"]
    row = trader.position()
    assert (row["currentQty"], row["avgEntryPrice"]) == (1, float(price))
    value = price * Decimal("0.001")
    fee = value * Decimal("0.0006")
    assert trader.account.wallet("USDT").total == 100_000 - fee
    margin = value / 5 + fee * Decimal("1.2")
    assert row["posMargin"] == pytest.approx(float(margin))
    assert available(trader) == pytest.approx(100_000 - fee - margin)


def test_an_inverse_contract_is_paid_in_its_coin(trader: Trader) -> None:
    price = Decimal(trader.price(INVERSE, "sell"))
    trader.futures(symbol=INVERSE, size=100)
    fee = (100 / price).quantize(Decimal("1e-10")) * Decimal("0.0006")
    assert trader.account.wallet("XBT").total == 2 - fee
    assert trader.account.wallet("USDT").total == 100_000
    assert trader.position(INVERSE)["currentCost"] < 0


def test_a_resting_order_holds_margin_and_gives_it_back(trader: Trader) -> None:
    order = trader.futures(type="limit", price="50000")
    assert types(trader, order["id"]) == ["open"]
    value = Decimal(500)
    held = value / 5 + value * Decimal("0.0006") * Decimal("1.2") + value * Decimal("0.0006")
    assert available(trader) == 100_000 - held
    path = f"/api/v1/orders/{order['id']}"
    assert trader.call("futures", "DELETE", path) == {"cancelledOrderIds": [order["id"]]}
    assert types(trader, order["id"]) == ["open", "canceled"]
    assert available(trader) == 100_000


def test_what_is_over_or_unknown_cannot_be_cancelled(trader: Trader) -> None:
    order = trader.futures()
    path = f"/api/v1/orders/{order['id']}"
    assert trader.refused("futures", "DELETE", path)[0] == "100004"
    assert trader.refused("futures", "DELETE", "/api/v1/orders/1") == (
        "100001", "error.getOrder.orderNotExist",
    )  # fmt: skip


def test_a_reducing_order_needs_something_to_reduce(trader: Trader) -> None:
    assert refused(trader, side="sell", reduceOnly=True) == "300009"
    assert refused(trader, closeOrder=True) == "300009"
    trader.futures()
    assert refused(trader, side="buy", reduceOnly=True) == "300009"


def test_the_surplus_of_a_reducing_order_is_cancelled(trader: Trader) -> None:
    trader.futures(size=10)
    order = trader.futures(side="sell", size=15, reduceOnly=True)
    assert (order["filledSize"], order["cancelExist"], order["status"]) == (10, True, "done")
    assert trader.position()["currentQty"] == 0


def test_reducing_orders_together_never_exceed_the_position(trader: Trader) -> None:
    trader.futures(size=10)
    sell = {"type": "limit", "side": "sell", "reduceOnly": True}
    far = trader.far(FUTURES, "sell")
    first = trader.futures(size=8, price=far, **sell)
    second = trader.futures(size=8, price=far, **sell)
    assert (second["size"], second["cancelExist"], second["isActive"]) == (8, True, True)
    assert trader.market(FUTURES).resting(second["id"]) == 2
    trader.futures(side="sell", size=5)
    assert trader.market(FUTURES).resting(first["id"]) == 5
    assert trader.market(FUTURES).resting(second["id"]) == 0
    assert types(trader, second["id"])[-1] == "canceled"


def test_closing_everything_needs_no_side_size_or_leverage(trader: Trader) -> None:
    trader.futures(size=7, side="sell")
    body = {"clientOid": "close", "symbol": FUTURES, "type": "market", "closeOrder": True}
    trader.call("futures", "POST", "/api/v1/orders", body)
    row = trader.call("futures", "GET", "/api/v1/orders/byClientOid", clientOid="close")
    assert (row["side"], row["size"], row["closeOrder"]) == ("buy", 7, True)
    assert trader.position()["isOpen"] is False


def test_an_order_larger_than_the_position_turns_it_round(trader: Trader) -> None:
    trader.futures(size=10)
    order = trader.futures(side="sell", size=25)
    assert trader.position()["currentQty"] == -15
    fills = trader.call("futures", "GET", "/api/v1/fills", orderId=order["id"])["items"]
    assert sum(Decimal(one["closeFeePay"]) for one in fills) > 0
    assert sum(Decimal(one["openFeePay"]) for one in fills) > 0
    closed = trader.call("futures", "GET", "/api/v1/history-positions")["items"]
    assert [one["type"] for one in closed] == ["CLOSE_LONG"]


def test_an_order_against_the_position_holds_nothing_unless_forced(trader: Trader) -> None:
    trader.futures(size=10)
    before = available(trader)
    sell = {"type": "limit", "side": "sell", "price": trader.far(FUTURES, "sell")}
    trader.futures(size=10, **sell)
    assert available(trader) == before
    trader.futures(size=10, forceHold=True, **sell)
    assert available(trader) < before


def test_an_order_that_would_close_is_margined_when_the_position_goes(trader: Trader) -> None:
    trader.futures(size=10)
    order = trader.futures(size=10, type="limit", side="sell", price=trader.far(FUTURES, "sell"))
    trader.futures(closeOrder=True)
    assert trader.desk.futures.blotter.by_id[order["id"]].held > 0


def test_an_order_that_cannot_be_margined_any_more_is_cancelled(trader: Trader) -> None:
    trader.account.wallet("USDT").total = Decimal(200)
    trader.futures(size=10)
    order = trader.futures(size=14, type="limit", side="sell", price=trader.far(FUTURES, "sell"))
    trader.account.wallet("USDT").total -= 60
    trader.futures(closeOrder=True)
    assert types(trader, order["id"])[-1] == "canceled"


def test_too_little_margin_too_much_leverage_and_too_much_risk_are_refused(
    trader: Trader,
) -> None:
    assert refused(trader, size=20_000, leverage=5) == "300003"
    assert refused(trader, leverage=126) == "300016"
    trader.account.wallet("USDT").total = Decimal(10**9)
    assert refused(trader, size=900_000, leverage=5) == "300005"


def test_a_client_id_is_used_once(trader: Trader) -> None:
    trader.futures(clientOid="one")
    assert refused(trader, clientOid="one") == "300018"


@pytest.mark.parametrize(("stop", "most", "code"), [(False, 100, "300001"), (True, 50, "300004")])
def test_no_more_orders_than_the_exchange_keeps(
    trader: Trader, stop: bool, most: int, code: str
) -> None:
    fields: dict[str, object] = {"type": "limit", "price": "50000", "size": 1}
    if stop:
        fields |= {"stop": "down", "stopPrice": "40000", "stopPriceType": "TP"}
    for _ in range(most):
        trader.futures(**fields)
    assert refused(trader, **fields) == code


def test_the_margin_mode_of_an_order_is_that_of_the_account(trader: Trader) -> None:
    assert refused(trader, marginMode="CROSS") == "330005"
    change = {"symbol": FUTURES, "marginMode": "CROSS"}
    trader.call("futures", "POST", "/api/v2/position/changeMarginMode", change)
    assert refused(trader) == "330005"
    trader.futures(marginMode="CROSS")
    row = trader.position()
    assert (row["crossMode"], row["marginMode"], row["leverage"]) == (True, "CROSS", 10.0)


@pytest.mark.parametrize("symbol", [FUTURES, INVERSE])
def test_a_closed_position_shows_what_its_lots_cost_on_average(symbol: str) -> None:
    trader, unit = Trader(FUTURES, INVERSE), 100 if symbol == INVERSE else 10
    for side, size in (("buy", 30), ("buy", 10), ("sell", 10), ("buy", 20), ("sell", 50)):
        trader.futures(symbol=symbol, side=side, size=size * unit)
        trader.wait(20)
    row = trader.call("futures", "GET", "/api/v1/history-positions")["items"][0]
    fills = trader.call("futures", "GET", "/api/v1/fills", pageSize=500)["items"]
    for side, name in (("buy", "openPrice"), ("sell", "closePrice")):
        mine = [(one["size"], float(one["price"])) for one in fills if one["side"] == side]
        lots = sum(size for size, _ in mine)
        if symbol == INVERSE:
            average = lots / sum(size / price for size, price in mine)
        else:
            average = sum(size * price for size, price in mine) / lots
        assert len({price for _, price in mine}) > 1
        assert float(row[name]) == pytest.approx(average, abs=0.01)


def test_the_level_chosen_bounds_size_and_leverage(trader: Trader) -> None:
    path = "/api/v1/position/risk-limit-level/change"
    trader.call("futures", "POST", path, {"symbol": FUTURES, "level": 1})
    size = int(Decimal(100_000) / trader.desk.futures.mark(FUTURES) * 1_000)
    assert refused(trader, size=size + 10) == "300005"
    assert trader.futures(size=size - 10, leverage=50)["filledSize"] > 0
    trader.call("futures", "POST", path, {"symbol": FUTURES, "level": 4})
    row = trader.position()
    assert (row["riskLimit"], row["riskLimitLevel"], row["maintMarginReq"]) == (2_000_000, 4, 0.01)
    assert refused(trader, size=1, leverage=51) == "300016"
    assert trader.futures(size=20, leverage=50)["filledSize"] == 20
    down = {"symbol": FUTURES, "level": 1}
    assert trader.refused("futures", "POST", path, down)[0] == "300005"
    up = {"symbol": FUTURES, "level": 5}  # which allows a leverage of 30
    assert trader.refused("futures", "POST", path, up)[0] == "300005"


@pytest.mark.parametrize(
    ("fault", "code"),
    [("margin_mode_mismatch", "330005"), ("hedge_mode", "330012"),
     ("insufficient_balance", "300003"), ("suspended", "300002")],
)  # fmt: skip
def test_a_fault_refuses_orders_with_its_code_until_it_wears_off(
    trader: Trader, fault: str, code: str
) -> None:
    trader.desk.faults.turn_on(fault, {"symbol": FUTURES, "count": 1})
    assert refused(trader) == code
    trader.futures()


def test_an_accepted_order_can_be_refused_by_the_matching(trader: Trader) -> None:
    trader.desk.faults.turn_on("reject_async", {})
    order = trader.futures()
    assert types(trader, order["id"]) == ["canceled"]
    assert available(trader) == 100_000


def test_the_race_between_fill_and_cancel_is_won_by_the_fill(trader: Trader) -> None:
    order = trader.futures(type="limit", price="59000")
    trader.desk.faults.turn_on("fill_before_cancel", {})
    path = f"/api/v1/orders/{order['id']}"
    assert trader.refused("futures", "DELETE", path)[0] == "100004"
    assert types(trader, order["id"])[-2:] == ["match", "filled"]
    assert trader.position()["currentQty"] == 10
