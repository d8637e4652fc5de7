"""Spot account endpoints: balances, fees, transfers."""

from decimal import Decimal

import pytest

from tests.unit.exchange_sim import shapes
from tests.unit.exchange_sim.shapes import unlike
from tests.unit.exchange_sim.trader import FUTURES, OTHER, SPOT, Trader

TRANSFER = "/api/v3/accounts/universal-transfer"


@pytest.fixture
def trader() -> Trader:
    return Trader(SPOT, FUTURES)


def test_accounts_are_listed_and_filtered(trader: Trader) -> None:
    rows = trader.call("spot", "GET", "/api/v1/accounts")
    assert [unlike(shapes.ACCOUNT, row) for row in rows] == [[]] * len(rows)
    one = trader.call("spot", "GET", "/api/v1/accounts", currency="BTC", type="trade_hf")
    assert [(row["currency"], row["balance"]) for row in one] == [("BTC", "2")]
    assert trader.call("spot", "GET", f"/api/v1/accounts/{one[0]['id']}") == {
        "currency": "BTC", "balance": "2", "available": "2", "holds": "0",
    }  # fmt: skip
    trader.user = OTHER
    assert trader.refused("spot", "GET", f"/api/v1/accounts/{one[0]['id']}")[0] == "400100"


def test_money_moves_between_spot_main_and_futures_and_nothing_is_lost(trader: Trader) -> None:
    body = {"currency": "USDT", "amount": "100.5", "fromAccountType": "TRADE",
            "toAccountType": "CONTRACT"}  # fmt: skip
    trader.call("spot", "POST", TRANSFER, body)
    assert trader.account.balance("USDT").total == Decimal("99899.5")
    assert trader.account.wallet("USDT").total == Decimal("100100.5")
    back = {"currency": "USDT", "amount": "0.5", "from": "contract", "to": "main"}
    trader.call("spot", "POST", "/api/v2/accounts/inner-transfer", back)
    assert trader.account.balance("USDT", "main").total == Decimal("0.5")
    coin = body | {"currency": "BTC", "amount": 1}
    trader.call("spot", "POST", TRANSFER, coin)
    assert trader.account.wallet("XBT").total == 3
    events = [push["relationEvent"] for push in trader.heard("/account/balance")]
    assert events == ["trade.transfer"] * 2


@pytest.mark.parametrize(
    ("change", "code"),
    [({"amount": "100001"}, "230003"), ({"amount": "-1"}, "400100"),
     ({"toAccountType": "MOON"}, "400100"),
     ({"fromAccountType": "CONTRACT", "amount": "100001"}, "230003")],
)  # fmt: skip
def test_money_that_is_not_there_does_not_move(
    trader: Trader, change: dict[str, str], code: str
) -> None:
    body = {"currency": "USDT", "amount": "1", "fromAccountType": "TRADE", "toAccountType": "MAIN"}
    assert trader.refused("spot", "POST", TRANSFER, body | change)[0] == code
    assert trader.account.balance("USDT").total == 100_000


def test_fees_and_the_user_are_told(trader: Trader) -> None:
    assert trader.call("spot", "GET", "/api/v1/base-fee") == {
        "takerFeeRate": "0.001", "makerFeeRate": "0.001",
    }  # fmt: skip
    fees = trader.call("spot", "GET", "/api/v1/trade-fees", symbols=SPOT)
    assert fees == [{"symbol": SPOT, "takerFeeRate": "0.001", "makerFeeRate": "0.001"}]
    assert trader.refused("spot", "GET", "/api/v1/trade-fees", symbols="NO-USDT")[0] == "400600"
    assert unlike(shapes.USER_INFO, trader.call("spot", "GET", "/api/v2/user-info")) == []
    key = trader.call("spot", "GET", "/api/v1/user/api-key")
    assert (key["apiKey"], key["apiVersion"]) == (trader.desk.credential.key, 3)
    assert trader.call("spot", "GET", "/api/v1/hf/accounts/opened") is True
    assert trader.call("spot", "GET", "/api/v3/margin/symbols")["items"] == []
    assert trader.call("spot", "GET", "/api/v1/isolated/symbols") == []
