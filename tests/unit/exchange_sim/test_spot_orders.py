"""Spot orders from placing to their end, and the money behind."""

from decimal import Decimal

import pytest

from liveopt.exchange_sim.accounts import Balance
from tests.unit.exchange_sim.trader import OTHER, SPOT, Trader

HF = "/api/v1/hf/orders"
V2 = "/spotMarket/tradeOrdersV2"


@pytest.fixture
def trader() -> Trader:
    return Trader(SPOT)


def money(trader: Trader, currency: str) -> Balance:
    return trader.account.balance(currency)


def types(trader: Trader, topic: str, order_id: str) -> list[str]:
    return [push["type"] for push in trader.heard(topic) if push["orderId"] == order_id]


def test_a_limit_order_far_away_is_received_opens_and_holds_its_price_and_fee(
    trader: Trader,
) -> None:
    order = trader.spot(price="50000")
    assert types(trader, V2, order["orderId"]) == ["received", "open"]
    assert types(trader, "/spotMarket/tradeOrders", order["orderId"]) == ["open"]
    assert money(trader, "USDT").held == Decimal("50.05")
    held = trader.heard("/account/balance")[-1]
    assert (held["relationEvent"], held["holdChange"], held["availableChange"]) == (
        "trade.hold", "50.05", "-50.05",
    )  # fmt: skip


def test_a_market_order_is_received_matched_and_filled_for_its_price_and_fee(
    trader: Trader,
) -> None:
    price = Decimal(trader.price(SPOT, "sell"))
    order = trader.spot(type="market", size="0.00001")
    assert types(trader, V2, order["orderId"]) == ["received", "match", "filled"]
    assert order["status"] == "done"
    assert money(trader, "BTC").total == Decimal("2.00001")
    assert money(trader, "USDT").total == 100_000 - Decimal("0.00001") * price * Decimal("1.001")
    assert money(trader, "USDT").held == 0


def test_a_market_buy_by_funds_spends_no_more_than_them(trader: Trader) -> None:
    order = trader.spot(type="market", size=None, funds="5000")
    row = trader.call("spot", "GET", f"{HF}/{order['orderId']}", symbol=SPOT)
    spent = Decimal(row["dealFunds"])
    assert Decimal("4999.99") < spent <= 5_000
    assert money(trader, "USDT").total == 100_000 - spent - Decimal(row["fee"])
    assert Decimal(row["remainFunds"]) == 5_000 - spent


def test_a_sell_holds_the_coin_and_brings_its_value_less_the_fee(trader: Trader) -> None:
    price = Decimal(trader.price(SPOT, "buy"))
    trader.spot(side="sell", price=trader.far(SPOT, "sell"), size="0.5")
    assert money(trader, "BTC").held == Decimal("0.5")
    trader.spot(side="sell", type="market", size="0.00001")
    assert money(trader, "USDT").total == 100_000 + Decimal("0.00001") * price * Decimal("0.999")


def test_a_better_price_than_the_limit_frees_the_difference(trader: Trader) -> None:
    best = Decimal(trader.price(SPOT, "sell"))
    trader.spot(price=str(best + 100), size="0.00001")
    assert money(trader, "USDT").held == 0
    assert money(trader, "USDT").total == 100_000 - best * Decimal("0.00001") * Decimal("1.001")


def test_a_resting_order_is_filled_as_maker_by_whoever_comes(trader: Trader) -> None:
    price = trader.far(SPOT, "buy")
    order = trader.spot(price=price, size="0.01")
    trader.whale(SPOT, "sell", int(Decimal(price) * 10))
    assert types(trader, V2, order["orderId"])[-2:] == ["match", "filled"]
    match = trader.heard(V2, "match")[-1]
    assert (match["liquidity"], match["feeType"], match["matchPrice"]) == (
        "maker", "makerFee", price,
    )  # fmt: skip
    assert money(trader, "USDT").held == 0


def test_an_order_is_filled_in_parts(trader: Trader) -> None:
    price = trader.far(SPOT, "buy")
    order = trader.spot(price=price, size="0.01")
    market = trader.market(SPOT)
    ticks = int(Decimal(price) * 10)
    ahead = sum(lots for at, lots in market.levels("buy", 10**6) if at >= ticks)
    trader.exchange.tell(market.submit("seller", "sell", ahead - 400_000, ticks))
    row = trader.call("spot", "GET", f"{HF}/{order['orderId']}", symbol=SPOT)
    assert (row["dealSize"], row["remainSize"], row["active"]) == ("0.006", "0.004", True)
    assert money(trader, "USDT").held == Decimal("0.004") * Decimal(price) * Decimal("1.001")


def test_a_cancelled_order_gives_its_money_back_and_says_so(trader: Trader) -> None:
    order = trader.spot(price="50000")
    path = f"{HF}/{order['orderId']}"
    assert trader.call("spot", "DELETE", path, symbol=SPOT) == {"orderId": order["orderId"]}
    assert types(trader, V2, order["orderId"])[-1] == "canceled"
    assert money(trader, "USDT") == Balance(Decimal(100_000), Decimal(0))
    code, text = trader.refused("spot", "DELETE", path, symbol=SPOT)
    assert (code, text) == ("400100", "order_not_exist_or_not_allow_to_cancel")


def test_a_part_can_be_cancelled(trader: Trader) -> None:
    order = trader.spot(price="50000", size="0.01")
    path = f"{HF}/cancel/{order['orderId']}"
    trader.call("spot", "DELETE", path, symbol=SPOT, cancelSize="0.004")
    update = trader.heard(V2, "update")[-1]
    assert (update["oldSize"], update["size"], update["remainSize"]) == ("0.01", "0.006", "0.006")
    assert money(trader, "USDT").held == Decimal("300.3")
    assert trader.market(SPOT).resting(order["orderId"]) == 600_000


@pytest.mark.parametrize(
    ("tif", "size", "ends"),
    [("IOC", "0.00001", "filled"), ("FOK", "0.00001", "filled"),
     ("IOC", "1000", "canceled"), ("FOK", "1000", "canceled")],
)  # fmt: skip
def test_immediate_orders_never_rest(tif: str, size: str, ends: str) -> None:
    trader = Trader(SPOT)
    trader.account.balance("USDT").total = Decimal(10**9)
    order = trader.spot(price=trader.price(SPOT, "sell"), timeInForce=tif, size=size)
    assert types(trader, V2, order["orderId"])[-1] == ends
    assert order["status"] == "done"
    filled = Decimal(order["dealSize"])
    assert (filled > 0) == (ends == "filled" or tif == "IOC")
    assert money(trader, "USDT").held == 0


def test_a_post_only_order_that_would_take_is_cancelled_whole(trader: Trader) -> None:
    order = trader.spot(price=trader.price(SPOT, "sell"), postOnly=True)
    assert (order["status"], order["dealSize"], order["canceledSize"]) == ("done", "0", "0.001")


def test_a_good_till_time_order_ends_with_its_time(trader: Trader) -> None:
    order = trader.spot(price="50000", timeInForce="GTT", cancelAfter=5)
    trader.wait(4)
    assert types(trader, V2, order["orderId"])[-1] == "open"
    trader.wait(2)
    assert types(trader, V2, order["orderId"])[-1] == "canceled"


def test_orders_nobody_can_pay_are_refused(trader: Trader) -> None:
    body = trader.spot_body(price="50000", size="2.1")
    assert trader.refused("spot", "POST", HF, body) == ("200004", "Balance insufficient!")
    sell = trader.spot_body(side="sell", price=trader.far(SPOT, "sell"), size="2.1")
    assert trader.refused("spot", "POST", HF, sell)[0] == "200004"
    assert not trader.heard(V2)


@pytest.mark.parametrize(("path", "code"), [(HF, "102426"), ("/api/v1/orders", "400100")])
def test_a_client_id_is_used_once_even_after_its_order_is_over(
    trader: Trader, path: str, code: str
) -> None:
    trader.spot(type="market", clientOid="one")
    body = trader.spot_body(price="50000", clientOid="one")
    assert trader.refused("spot", "POST", path, body)[0] == code
    trader.user = OTHER
    trader.call("spot", "POST", path, body)


def test_no_more_orders_than_the_exchange_keeps(trader: Trader) -> None:
    for _ in range(200):
        trader.spot(price="50000", size="0.0001")
    body = trader.spot_body(price="50000", size="0.0001")
    assert trader.refused("spot", "POST", HF, body)[0] == "102427"


def test_an_altered_order_is_another_one_with_the_same_client_id(trader: Trader) -> None:
    order = trader.spot(price="50000", clientOid="same")
    change = {"symbol": SPOT, "orderId": order["orderId"], "newPrice": "50100", "newSize": "0.002"}
    fresh = trader.call("spot", "POST", f"{HF}/alter", change)
    assert fresh["clientOid"] == "same"
    row = trader.call("spot", "GET", f"{HF}/client-order/same", symbol=SPOT)
    assert (row["id"], row["price"], row["size"]) == (fresh["newOrderId"], "50100", "0.002")
    assert money(trader, "USDT").held == Decimal("100.3002")
    old = trader.call("spot", "GET", f"{HF}/{order['orderId']}", symbol=SPOT)
    assert not old["active"]


def test_an_alteration_nobody_can_pay_leaves_the_order_alone(trader: Trader) -> None:
    order = trader.spot(price="50000", clientOid="same")
    change = {"symbol": SPOT, "orderId": order["orderId"], "newSize": "5"}
    assert trader.refused("spot", "POST", f"{HF}/alter", change)[0] == "200004"
    assert trader.call("spot", "GET", f"{HF}/client-order/same", symbol=SPOT)["active"]


def test_the_race_between_fill_and_cancel_is_won_by_the_fill(trader: Trader) -> None:
    order = trader.spot(price="50000")
    trader.desk.faults.turn_on("fill_before_cancel", {"count": 1})
    refused = trader.refused("spot", "DELETE", f"{HF}/{order['orderId']}", symbol=SPOT)
    assert refused == ("400100", "order_not_exist_or_not_allow_to_cancel")
    assert types(trader, V2, order["orderId"])[-2:] == ["match", "filled"]
    assert money(trader, "BTC").total == Decimal("2.001")
    assert not trader.desk.faults.now()


def test_an_accepted_order_can_be_refused_by_the_matching(trader: Trader) -> None:
    trader.desk.faults.turn_on("reject_async", {"symbol": SPOT, "count": 1})
    order = trader.spot(price="50000")
    assert types(trader, V2, order["orderId"]) == ["received", "canceled"]
    assert money(trader, "USDT").held == 0
    assert trader.spot(price="50000")["status"] == "open"
