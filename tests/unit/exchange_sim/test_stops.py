"""Stop orders: they hold nothing, wake at their price, and may be refused when they do."""

from decimal import Decimal

import pytest

from tests.unit.exchange_sim.trader import FUTURES, SPOT, Trader

STOPS = "/api/v1/stop-order"
HF = "/api/v1/hf/orders"


@pytest.fixture
def trader() -> Trader:
    return Trader(SPOT, FUTURES)


def below(trader: Trader, symbol: str, share: float) -> str:
    market = trader.market(symbol)
    return market.spec.price_text(int(market.last_ticks() * (1 - share)))


def spot_stop(trader: Trader, **fields: object) -> str:
    body = trader.spot_body(side="sell", type="market", **fields)
    answer: dict[str, str] = trader.call("spot", "POST", STOPS, body)
    return answer["orderId"]


def heard(trader: Trader, venue: str) -> list[str]:
    topic = f"/{venue}Market/advancedOrders"
    return [push["type"] for push in trader.heard(topic)]


def test_a_waiting_stop_holds_no_money_and_is_in_no_book(trader: Trader) -> None:
    stop = spot_stop(trader, stopPrice="50000")
    assert trader.account.balance("BTC").held == 0
    assert trader.market(SPOT).resting(stop) == 0
    assert trader.call("spot", "GET", f"{STOPS}/{stop}")["status"] == "NEW"


def test_a_stop_loss_sells_when_the_price_has_fallen_that_far(trader: Trader) -> None:
    spot_stop(trader, stopPrice=below(trader, SPOT, 0.01), clientOid="loss")
    trader.crash(SPOT, 0.005)
    assert heard(trader, "spot") == ["open"]
    trader.whale(SPOT, "buy", trader.market(SPOT).last_ticks() + 10)
    trader.crash(SPOT, 0.02)
    assert heard(trader, "spot") == ["open", "triggered"]
    row = trader.call("spot", "GET", f"{HF}/client-order/loss", symbol=SPOT)
    assert (row["active"], row["dealSize"]) == (False, "0.001")
    assert trader.call("spot", "GET", STOPS)["items"] == []


def test_an_entry_buys_when_the_price_has_risen_that_far(trader: Trader) -> None:
    price = trader.market(SPOT).last_ticks() + 200
    body = trader.spot_body(
        type="market", stop="entry", stopPrice=trader.market(SPOT).spec.price_text(price)
    )
    trader.call("spot", "POST", STOPS, body)
    trader.whale(SPOT, "buy", price + 100)
    assert heard(trader, "spot") == ["open", "triggered"]


def test_a_spot_stop_nobody_can_pay_when_it_triggers_is_cancelled(trader: Trader) -> None:
    spot_stop(trader, stopPrice=below(trader, SPOT, 0.01), size="1.5")
    trader.account.balance("BTC").total = Decimal("1.4")
    trader.crash(SPOT, 0.02)
    assert heard(trader, "spot") == ["open", "cancel"]
    assert trader.account.balance("BTC").total == Decimal("1.4")


def test_spot_stops_are_cancelled_by_id_by_client_id_and_by_symbol(trader: Trader) -> None:
    one = spot_stop(trader, stopPrice="50000")
    two = spot_stop(trader, stopPrice="50000", clientOid="two")
    three = spot_stop(trader, stopPrice="50000")
    gone = trader.call("spot", "DELETE", f"{STOPS}/{one}")
    assert gone == {"cancelledOrderIds": [one]}
    gone = trader.call("spot", "DELETE", f"{STOPS}/cancelOrderByClientOid", clientOid="two")
    assert gone == {"cancelledOrderId": two, "clientOid": "two"}
    gone = trader.call("spot", "DELETE", f"{STOPS}/cancel", symbol=SPOT)
    assert gone == {"cancelledOrderIds": [three]}
    assert trader.refused("spot", "DELETE", f"{STOPS}/{one}")[0] == "400100"
    assert trader.refused("spot", "GET", f"{STOPS}/{one}")[1] == "order not exist."
    path = f"{STOPS}/queryOrderByClientOid"
    assert trader.refused("spot", "GET", path, clientOid="two")[0] == "400100"


def test_twenty_spot_stops_may_wait_and_each_client_id_once(trader: Trader) -> None:
    spot_stop(trader, stopPrice="50000", clientOid="one")
    body = trader.spot_body(side="sell", type="market", stopPrice="50000")
    assert trader.refused("spot", "POST", STOPS, body | {"clientOid": "one"})[0] == "102426"
    for _ in range(19):
        spot_stop(trader, stopPrice="50000")
    assert trader.refused("spot", "POST", STOPS, body)[0] == "102427"


@pytest.mark.parametrize("source", ["TP", "MP", "IP"])
def test_a_futures_stop_watches_the_price_it_names(trader: Trader, source: str) -> None:
    trader.futures()
    stop = trader.futures(
        side="sell", reduceOnly=True, stop="down", stopPrice=below(trader, FUTURES, 0.002),
        stopPriceType=source,
    )["id"]  # fmt: skip
    trader.crash(FUTURES, 0.005)
    moved = source != "IP"  # the coin elsewhere has not fallen
    assert ("triggered" in heard(trader, "contract")) == moved
    row = trader.call("futures", "GET", f"/api/v1/orders/{stop}")
    assert row["stopTriggered"] == moved


def test_a_triggered_futures_stop_keeps_its_id_and_closes_the_position(trader: Trader) -> None:
    trader.futures(size=10)
    stop = trader.futures(
        closeOrder=True, stop="down", stopPrice=below(trader, FUTURES, 0.01), stopPriceType="TP"
    )["id"]
    trader.futures(size=5)
    trader.crash(FUTURES, 0.02)
    row = trader.call("futures", "GET", f"/api/v1/orders/{stop}")
    assert (row["status"], row["filledSize"], row["side"]) == ("done", 15, "sell")
    assert trader.position()["currentQty"] == 0
    assert trader.heard("/contractMarket/advancedOrders", "triggered")[0]["triggerSuccess"]


@pytest.mark.parametrize("why", ["fault", "flat", "poor"])
def test_a_futures_stop_may_be_refused_when_it_triggers(trader: Trader, why: str) -> None:
    fields: dict[str, object] = {} if why == "poor" else {"reduceOnly": True}
    trader.futures()
    stop = trader.futures(
        side="sell" if why != "poor" else "buy", size=10, stop="down",
        stopPrice=below(trader, FUTURES, 0.01), stopPriceType="TP", **fields,
    )["id"]  # fmt: skip
    if why == "fault":
        trader.desk.faults.turn_on("stop_refused", {"count": 1})
    elif why == "flat":
        trader.futures(closeOrder=True)
    else:
        trader.account.wallet("USDT").total = Decimal(130)
    trader.crash(FUTURES, 0.02)
    push = trader.heard("/contractMarket/advancedOrders", "triggered")[0]
    assert push["triggerSuccess"] is False
    assert push["error"]
    row = trader.call("futures", "GET", f"/api/v1/orders/{stop}")
    assert (row["status"], row["filledSize"], row["cancelExist"]) == ("done", 0, True)


def test_a_waiting_futures_stop_is_cancelled_like_any_order(trader: Trader) -> None:
    stop = trader.futures(stop="down", stopPrice="50000", stopPriceType="MP")["id"]
    trader.call("futures", "DELETE", f"/api/v1/orders/{stop}")
    assert heard(trader, "contract") == ["open", "cancel"]


def test_a_stop_that_closes_whatever_there_is_may_wait_without_a_position(
    trader: Trader,
) -> None:
    stop = trader.call("futures", "POST", "/api/v1/orders", trader.futures_body(
        size=None, closeOrder=True, stop="down", stopPrice="50000", stopPriceType="TP"
    ))["orderId"]  # fmt: skip
    trader.call("futures", "DELETE", f"/api/v1/orders/{stop}")
    assert heard(trader, "contract") == ["open", "cancel"]
