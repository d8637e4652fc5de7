"""Futures rows and pushes are built like the exchange's, field by field and type by type."""

from typing import Any

import pytest

from tests.unit.exchange_sim import shapes
from tests.unit.exchange_sim.shapes import unlike
from tests.unit.exchange_sim.trader import FUTURES, Trader


@pytest.fixture(scope="module")
def trader() -> Trader:
    """A position closed, one open, an order and a stop waiting, funding paid."""
    one = Trader()
    one.futures(clientOid="opened")
    one.futures(closeOrder=True, clientOid="closed")
    one.futures(clientOid="again")
    one.futures(type="limit", price=one.far(FUTURES, "buy"), clientOid="waits")
    one.futures(stop="down", stopPrice="50000", stopPriceType="TP", clientOid="stop")
    one.desk.settlement.settle(one.exchange.now_ns // 10**6)
    return one


def get(trader: Trader, path: str, **query: object) -> Any:
    return trader.call("futures", "GET", f"/api/v1/{path}", **query)


@pytest.mark.parametrize("client_oid", ["opened", "closed", "waits", "stop"])
def test_orders_are_shown_as_the_exchange_shows_them(trader: Trader, client_oid: str) -> None:
    row = get(trader, "orders/byClientOid", clientOid=client_oid)
    assert unlike(shapes.FUTURES_ORDER, row) == []


@pytest.mark.parametrize(
    ("sample", "path", "pick"),
    [
        (shapes.FUTURES_FILL, "fills", lambda data: data["items"][0]),
        (shapes.FUTURES_FILL, "recentFills", lambda data: data[0]),
        (shapes.FUTURES_ORDER, "recentDoneOrders", lambda data: data[0]),
        (shapes.FUTURES_ORDER, "stopOrders", lambda data: data["items"][0]),
        (shapes.POSITION, f"position?symbol={FUTURES}", lambda data: data),
        (shapes.POSITION, "positions", lambda data: data[0]),
        (shapes.CLOSED_POSITION, "history-positions", lambda data: data["items"][0]),
        (shapes.FUNDING, f"funding-history?symbol={FUTURES}", lambda data: data["dataList"][0]),
        (shapes.RISK_LEVEL, f"contracts/risk-limit/{FUTURES}", lambda data: data[0]),
        (shapes.OVERVIEW, "account-overview?currency=USDT", lambda data: data),
        (shapes.OPEN_STATISTICS, f"openOrderStatistics?symbol={FUTURES}", lambda data: data),
    ],
)
def test_answers_are_built_like_the_exchanges(
    trader: Trader, sample: dict[str, Any], path: str, pick: Any
) -> None:
    path, _, query = path.partition("?")
    names = dict([query.split("=")]) if query else {}
    assert unlike(sample, pick(get(trader, path, **names))) == []


@pytest.mark.parametrize(
    ("sample", "topic", "kind"),
    [
        (shapes.PUSH_FUTURES_ORDER, f"/contractMarket/tradeOrders:{FUTURES}", "open"),
        (shapes.PUSH_FUTURES_ORDER, "/contractMarket/tradeOrders", "open"),
        (shapes.PUSH_FUTURES_STOP, "/contractMarket/advancedOrders", "open"),
        (shapes.PUSH_POSITION, f"/contract/position:{FUTURES}", ""),
        (shapes.PUSH_POSITION, "/contract/positionAll", ""),
        (shapes.PUSH_WALLET, "/contractAccount/wallet", ""),
    ],
)
def test_pushes_are_built_like_the_exchanges(
    trader: Trader, sample: dict[str, Any], topic: str, kind: str
) -> None:
    assert unlike(sample, trader.heard(topic, kind)[0]) == []


def test_one_topic_has_the_orders_of_all_symbols_and_another_subject(trader: Trader) -> None:
    subjects = {push.topic: push.subject for push in trader.pushes}
    assert subjects["/contractMarket/tradeOrders"] == "orderChange"
    assert subjects[f"/contractMarket/tradeOrders:{FUTURES}"] == "symbolOrderChange"


def test_a_filled_market_order_has_no_price_but_an_average(trader: Trader) -> None:
    row = get(trader, "orders/byClientOid", clientOid="opened")
    assert (row["price"], row["status"], row["isActive"]) == ("0", "done", False)
    assert float(row["avgDealPrice"]) * 10 * 0.001 == pytest.approx(float(row["dealValue"]))


def test_times_have_the_units_of_the_exchange(trader: Trader) -> None:
    row = get(trader, "orders/byClientOid", clientOid="opened")
    assert [len(str(row[name])) for name in ("createdAt", "endAt", "orderTime")] == [13, 13, 19]
    push = trader.heard("/contractMarket/tradeOrders")[0]
    assert [len(str(push[name])) for name in ("orderTime", "ts")] == [19, 19]
    assert len(str(trader.heard("/contractMarket/advancedOrders")[0]["createdAt"])) == 13
