"""What befalls positions: funding, liquidation, deleveraging, and marks that move."""

from decimal import Decimal

import pytest

from tests.unit.exchange_sim.trader import FUTURES, INVERSE, SECOND_NS, START_NS, Trader

HOUR_NS = 3_600 * SECOND_NS
BEFORE_FUNDING_NS = START_NS // (8 * HOUR_NS) * 8 * HOUR_NS + 8 * HOUR_NS - 2 * SECOND_NS


@pytest.fixture
def trader() -> Trader:
    return Trader(FUTURES, INVERSE)


def changes(trader: Trader, reason: str) -> list[dict[str, object]]:
    pushes = trader.heard(f"/contract/position:{FUTURES}")
    return [push for push in pushes if push.get("changeReason") == reason]


@pytest.mark.parametrize("symbol", [FUTURES, INVERSE])
@pytest.mark.parametrize("side", ["buy", "sell"])
def test_at_the_funding_hour_longs_pay_and_shorts_receive(symbol: str, side: str) -> None:
    trader = Trader(FUTURES, INVERSE, start_ns=BEFORE_FUNDING_NS)
    trader.futures(symbol=symbol, side=side, size=100)
    trader.wait(1)
    assert trader.desk.funding_rows() == []
    trader.wait(2)
    subjects = [(subject, row["symbol"]) for subject, row in trader.desk.funding_rows()]
    assert subjects == [
        ("funding.begin", FUTURES), ("funding.end", FUTURES),
        ("funding.begin", INVERSE), ("funding.end", INVERSE),
    ]  # fmt: skip
    row = trader.call("futures", "GET", "/api/v1/funding-history", symbol=symbol)["dataList"][0]
    rate, mark = Decimal(str(row["fundingRate"])), Decimal(str(row["markPrice"]))
    value = 100 / mark if symbol == INVERSE else 100 * mark * Decimal("0.001")
    sign = -1 if side == "buy" else 1
    assert row["funding"] == pytest.approx(float(sign * value * rate), abs=1e-9)
    assert row["timePoint"] % (8 * 3_600_000) == 0
    settled = [push for push in trader.pushes if push.subject == "position.settlement"]
    assert {push.topic for push in settled} == {
        f"/contract/position:{symbol}", "/contract/positionAll",
    }  # fmt: skip


def test_an_isolated_position_loses_its_margin_and_no_more(trader: Trader) -> None:
    trader.futures(size=100, leverage=100)
    waiting = trader.futures(type="limit", price="50000")["id"]
    margin = Decimal(str(trader.position()["posMargin"]))
    before = trader.account.wallet("USDT").total
    trader.whale(FUTURES, "sell", int(trader.market(FUTURES).last_ticks() * 0.9))
    trader.wait(120)
    ruined = changes(trader, "liquidation")
    if not ruined:  # the index had not followed: the exchange asks for it
        trader.desk.faults.turn_on("liquidate", {"symbol": FUTURES, "count": 1})
        trader.wait(1)
        ruined = changes(trader, "liquidation")
    assert ruined[0]["currentQty"] == 0
    assert before - trader.account.wallet("USDT").total == pytest.approx(margin)
    assert not trader.call("futures", "GET", f"/api/v1/orders/{waiting}")["isActive"]
    liquid = [p for p in trader.heard("/contractMarket/tradeOrders") if p["tradeType"] == "liquid"]
    assert [push["type"] for push in liquid] == ["match", "filled"]
    closed = trader.call("futures", "GET", "/api/v1/history-positions")["items"][0]
    assert closed["type"] == "LIQUID_LONG"
    assert Decimal(closed["pnl"]) == trader.account.wallet("USDT").total - 100_000


def test_a_position_at_its_maintenance_margin_is_liquidated_by_itself(trader: Trader) -> None:
    trader.futures(size=100, leverage=100)
    position = trader.desk.futures.position(trader.user, FUTURES)
    position.margin = position.maintenance - position.unrealised(trader.desk.futures.mark(FUTURES))
    trader.wait(1)
    assert position.lots == 0


def test_a_cross_account_is_liquidated_when_all_of_it_is_used_up(trader: Trader) -> None:
    change = {"symbol": FUTURES, "marginMode": "CROSS"}
    trader.call("futures", "POST", "/api/v2/position/changeMarginMode", change)
    trader.futures(size=100, marginMode="CROSS")
    trader.wait(1)
    assert trader.position()["currentQty"] == 100
    trader.account.wallet("USDT").total = Decimal(1)
    trader.wait(1)
    assert trader.position()["currentQty"] == 0
    assert trader.account.wallet("USDT").total >= 0
    assert trader.desk.settlement.insurance.get("USDT", 0) >= 0


def test_a_position_can_be_deleveraged_in_part(trader: Trader) -> None:
    trader.futures(size=9)
    fee = trader.account.wallet("USDT").total
    trader.desk.faults.turn_on("deleverage", {"symbol": FUTURES, "count": 1})
    trader.wait(1)
    assert trader.position()["currentQty"] == 4
    assert changes(trader, "adl")[0]["currentQty"] == 4
    adl = [p for p in trader.heard("/contractMarket/tradeOrders") if p["tradeType"] == "adl"]
    assert [push["type"] for push in adl] == ["match", "filled"]
    assert abs(trader.account.wallet("USDT").total - fee) < 1


def test_a_moving_mark_is_told_without_any_trade_of_ones_own(trader: Trader) -> None:
    trader.futures()
    seen = len(trader.heard("/contract/positionAll"))
    trader.wait(5)
    marks = trader.heard("/contract/positionAll")[seen:]
    assert 1 <= len(marks) <= 6
    assert all("changeReason" not in push and "currentQty" not in push for push in marks)
    assert {"markPrice", "unrealisedPnl", "realLeverage", "currentTimestamp"} <= set(marks[0])


@pytest.mark.parametrize(("symbol", "side"), [(INVERSE, "sell"), (FUTURES, "buy")])
def test_where_no_price_ruins_a_position_it_is_liquidated_at_the_mark(
    trader: Trader, symbol: str, side: str
) -> None:
    trader.futures(symbol=symbol, side=side, size=100, leverage=1)
    trader.desk.faults.turn_on("liquidate", {"symbol": symbol, "count": 1})
    trader.wait(1)
    fill = trader.call("futures", "GET", "/api/v1/fills")["items"][0]
    assert fill["tradeType"] == "liquidation"
    assert float(fill["price"]) == pytest.approx(trader.market(symbol).mark_price(), rel=0.01)
    assert trader.position(symbol)["currentQty"] == 0


def test_a_margin_that_refills_itself_takes_from_the_wallet_before_liquidation(
    trader: Trader,
) -> None:
    trader.futures(size=100, leverage=100)
    status = {"symbol": FUTURES, "status": True}
    path = "/api/v1/position/margin/auto-deposit-status"
    trader.call("futures", "POST", path, status)
    position = trader.desk.futures.position(trader.user, FUTURES)
    total = trader.account.wallet("USDT").total
    for _ in range(2):
        mark = trader.desk.futures.mark(FUTURES)
        position.margin = position.maintenance - position.unrealised(mark)
        trader.wait(1)
        assert position.lots == 100
        assert not position.ruined(trader.desk.futures.mark(FUTURES))
    assert trader.account.wallet("USDT").total == total
    assert len(changes(trader, "marginChange")) == 2
    trader.account.wallet("USDT").total = position.margin = position.maintenance / 2
    trader.wait(1)  # nothing is left to refill it with
    assert position.lots == 0
