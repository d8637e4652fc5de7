"""Futures account endpoints: margins, leverage, modes, limits."""

from decimal import Decimal

import pytest

from tests.unit.exchange_sim import shapes
from tests.unit.exchange_sim.shapes import unlike
from tests.unit.exchange_sim.trader import FUTURES, INVERSE, Trader

MARGIN = "/api/v1/position/margin"
MODE = "/api/v2/position/changeMarginMode"


@pytest.fixture
def trader() -> Trader:
    return Trader(FUTURES, INVERSE)


def get(trader: Trader, path: str, **query: object) -> object:
    return trader.call("futures", "GET", path, **query)


def test_margin_can_be_added_and_the_surplus_taken_back(trader: Trader) -> None:
    trader.futures()
    before = Decimal(str(trader.position()["posMargin"]))
    row = trader.call(
        "futures", "POST", f"{MARGIN}/deposit-margin", {"symbol": FUTURES, "margin": 50}
    )
    # prices of the example happen to be whole
    assert {name.partition(":")[0] for name in unlike(shapes.DEPOSIT_MARGIN, row)} <= {
        "avgEntryPrice", "liquidationPrice", "bankruptPrice",
    }  # fmt: skip
    assert Decimal(str(row["posMargin"])) == before + 50
    most = Decimal(str(get(trader, "/api/v1/margin/maxWithdrawMargin", symbol=FUTURES)))
    assert 49 < most <= 50
    body = {"symbol": FUTURES, "withdrawAmount": "20"}
    assert trader.call("futures", "POST", "/api/v1/margin/withdrawMargin", body) == "20"
    assert Decimal(str(trader.position()["posMargin"])) == before + 30
    body["withdrawAmount"] = "31"
    assert trader.refused("futures", "POST", "/api/v1/margin/withdrawMargin", body)[0] == "200005"
    reasons = [push.get("changeReason") for push in trader.heard("/contract/positionAll")]
    assert reasons.count("marginChange") == 2


def test_margin_is_added_only_to_a_position_and_only_from_what_is_free(trader: Trader) -> None:
    path = f"{MARGIN}/deposit-margin"
    body = {"symbol": FUTURES, "margin": 50}
    assert trader.refused("futures", "POST", path, body)[0] == "300009"
    trader.futures()
    assert trader.refused("futures", "POST", path, body | {"margin": 10**6})[0] == "200005"
    assert trader.refused("futures", "POST", path, body | {"margin": -1})[0] == "300000"


def test_the_margin_mode_changes_only_where_nothing_is_open(trader: Trader) -> None:
    body = {"symbol": FUTURES, "marginMode": "CROSS"}
    assert trader.call("futures", "POST", MODE, body) == body
    assert get(trader, "/api/v2/position/getMarginMode", symbol=FUTURES) == body
    assert trader.heard("/contract/marginMode") == [{FUTURES: "CROSS"}]
    assert trader.position()["crossMode"] is True
    trader.futures(marginMode="CROSS")
    back = {"symbol": FUTURES, "marginMode": "ISOLATED"}
    assert trader.refused("futures", "POST", MODE, back) == ("50002", "exist.order.or.position")
    batch = {"symbols": [FUTURES, INVERSE], "marginMode": "ISOLATED"}
    path = "/api/v2/position/batchChangeMarginMode"
    assert trader.call("futures", "POST", path, batch) == {
        "marginMode": {FUTURES: "CROSS", INVERSE: "ISOLATED"},
        "errors": [{"code": "50002", "msg": "exist.order.or.position", "symbol": FUTURES}],
    }
    bad = {"symbol": FUTURES, "marginMode": "BOTH"}
    assert trader.refused("futures", "POST", MODE, bad)[0] == "300000"


def test_cross_leverage_is_set_apart_from_orders(trader: Trader) -> None:
    path = "/api/v2/changeCrossUserLeverage"
    body = {"symbol": FUTURES, "leverage": "7"}
    assert trader.call("futures", "POST", path, body) is True
    assert get(trader, "/api/v2/getCrossUserLeverage", symbol=FUTURES) == body
    assert trader.heard("/contract/crossLeverage") == [{FUTURES: {"leverage": "7"}}]
    trader.call("futures", "POST", MODE, {"symbol": FUTURES, "marginMode": "CROSS"})
    assert trader.futures(marginMode="CROSS", leverage=3)["leverage"] == "7"
    trader.call("futures", "POST", path, body | {"leverage": 9})
    assert trader.position()["leverage"] == 9
    assert trader.refused("futures", "POST", path, body | {"leverage": "126"})[0] == "300016"


def test_cross_positions_bind_initial_margin_and_losses_bind_more(trader: Trader) -> None:
    trader.call("futures", "POST", MODE, {"symbol": FUTURES, "marginMode": "CROSS"})
    trader.futures(marginMode="CROSS", size=100)
    position = trader.desk.futures.position(trader.user, FUTURES)
    total = trader.account.wallet("USDT").total
    free = trader.desk.futures.available(trader.user, "USDT")
    unrealised = position.unrealised(trader.desk.futures.mark(FUTURES))
    assert free == total - position.initial + min(Decimal(0), unrealised)
    wallet = trader.heard("/contractAccount/wallet")[-1]
    assert Decimal(wallet["crossPosMargin"]) == position.initial
    assert wallet["isolatedPosMargin"] == "0"


def test_the_largest_order_is_one_that_can_be_placed(trader: Trader) -> None:
    price = trader.far(FUTURES, "buy")
    most = trader.call(
        "futures", "GET", "/api/v2/getMaxOpenSize", symbol=FUTURES, price=price, leverage=5
    )
    assert set(most) == {"symbol", "maxBuyOpenSize", "maxSellOpenSize"}
    trader.futures(type="limit", price=price, size=most["maxBuyOpenSize"])
    path = "/api/v2/getMaxOpenSize"
    bad = {"symbol": FUTURES, "price": price, "leverage": 500}
    assert trader.refused("futures", "GET", path, **bad)[0] == "300016"
    limits = trader.call(
        "futures", "GET", "/api/v2/batchGetCrossOrderLimit", symbol=f"{FUTURES},{INVERSE}"
    )
    assert [unlike(shapes.CROSS_LIMIT, row) for row in limits] == [[], []]


def test_fees_levels_and_turnover_are_told(trader: Trader) -> None:
    assert get(trader, "/api/v1/trade-fees", symbol=FUTURES) == {
        "symbol": FUTURES, "takerFeeRate": "0.0006", "makerFeeRate": "0.0002",
    }  # fmt: skip
    assert trader.refused("futures", "GET", "/api/v1/trade-fees", symbol="NO")[0] == "200003"
    turnover = trader.call("futures", "GET", "/api/v1/trade-statistics")["turnoverOf24h"]
    assert turnover > 0
    change = "/api/v1/position/risk-limit-level/change"
    assert trader.call("futures", "POST", change, {"symbol": FUTURES, "level": 2}) is True
    assert (
        trader.refused("futures", "POST", change, {"symbol": FUTURES, "level": 99})[0] == "100005"
    )
    status = {"symbol": FUTURES, "status": True}
    assert trader.call("futures", "POST", f"{MARGIN}/auto-deposit-status", status) is True
    assert trader.position()["autoDeposit"] is True
    assert get(trader, "/api/v2/position/getPositionMode") == {"positionMode": 0}
    assert [row["symbol"] for row in trader.call("futures", "GET", "/api/v2/position",
                                                 symbol=FUTURES)] == [FUTURES]  # fmt: skip
    assert get(trader, "/api/v1/positions", currency="XBT") == []
