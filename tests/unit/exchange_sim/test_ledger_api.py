"""Ledgers and transfers: every change is there once, and balances follow from each other."""

from decimal import Decimal
from typing import Any

import pytest

from liveopt.exchange_sim.accounts import Kind
from tests.unit.exchange_sim.shapes import unlike
from tests.unit.exchange_sim.trader import FUTURES, SPOT, Trader

# the response examples of KuCoin's documentation
TRANSACTION = {
    "time": 1728665747000, "type": "TransferIn", "amount": 0.01, "fee": 0.0,
    "accountEquity": 14.02924938, "status": "Completed",
    "remark": "Transferred from High-Frequency Trading Account", "offset": 51360793,
    "currency": "USDT",
}  # fmt: skip
LEDGER = {
    "id": "611a1e7c6a053300067a88d9", "currency": "USDT", "amount": "10.00059547", "fee": "0",
    "balance": "0", "accountType": "MAIN", "bizType": "Exchange", "direction": "in",
    "createdAt": 1629101692950, "context": "{}",
}  # fmt: skip


@pytest.fixture
def trader() -> Trader:
    return Trader(SPOT, FUTURES)


def signed(row: dict[str, Any]) -> Decimal:
    return Decimal(row["amount"]) * (1 if row["direction"] == "in" else -1)


def trade_and_transfer(trader: Trader) -> None:
    trader.spot(type="market", size="0.01")
    trader.spot(type="market", side="sell", size="0.004")
    body = {"currency": "USDT", "amount": "50", "from": "trade", "to": "main"}
    trader.call("spot", "POST", "/api/v2/accounts/inner-transfer", body)
    body |= {"amount": "20", "to": "contract"}
    trader.call("spot", "POST", "/api/v2/accounts/inner-transfer", body)


def test_each_entry_of_the_ledgers_leads_from_one_balance_to_the_next(trader: Trader) -> None:
    trade_and_transfer(trader)
    rows = trader.call("spot", "GET", "/api/v1/accounts/ledgers", pageSize=500)["items"]
    assert [unlike(LEDGER, row) for row in rows] == [[]] * len(rows)
    names: tuple[Kind, Kind] = ("trade", "main")
    for name, start in zip(names, (100_000, 0), strict=True):
        balance = Decimal(start)
        for row in rows[::-1]:
            if (row["accountType"], row["currency"]) == (name.upper(), "USDT"):
                balance += signed(row)
                assert Decimal(row["balance"]) == balance
        assert balance == trader.account.balance("USDT", name).total


def test_the_trade_ledger_is_filtered_and_goes_on_after_a_cursor(trader: Trader) -> None:
    trade_and_transfer(trader)
    path = "/api/v1/hf/accounts/ledgers"
    out = trader.call("spot", "GET", path, currency="USDT", direction="out")
    assert [row["bizType"] for row in out][:2] == ["TRANSFER", "TRANSFER"]
    assert {row["accountType"] for row in out} == {"TRADE_HF"}
    assert {row["bizType"] for row in out[2:]} == {"TRADE_EXCHANGE"}
    later = trader.call(
        "spot", "GET", path, currency="USDT", direction="out", limit=1, lastId=out[0]["id"]
    )
    assert later == out[1:2]
    assert trader.call("spot", "GET", path, currency="ETH") == []


def test_what_orders_hold_cannot_be_transferred(trader: Trader) -> None:
    trader.spot(price="50000")
    row = trader.call("spot", "GET", "/api/v1/accounts/transferable", currency="USDT", type="TRADE")
    assert row["transferable"] == row["available"]
    assert Decimal(row["transferable"]) == Decimal(row["balance"]) - Decimal(row["holds"])
    assert Decimal(row["holds"]) > 50


def test_futures_money_comes_and_goes_and_its_history_says_so(trader: Trader) -> None:
    body = {"currency": "USDT", "amount": 30, "recAccountType": "MAIN"}
    gone = trader.call("futures", "POST", "/api/v3/transfer-out", body)
    assert (gone["payAccountType"], gone["amount"], gone["currency"]) == ("CONTRACT", "30", "USDT")
    assert trader.account.balance("USDT", "main").total == 30
    back = {"currency": "USDT", "amount": 10, "payAccountType": "MAIN"}
    assert trader.call("futures", "POST", "/api/v1/transfer-in", back) is None
    assert trader.refused("futures", "POST", "/api/v1/transfer-in", back | {"amount": 21}) == (
        "230003", "Balance insufficient!",
    )  # fmt: skip
    trader.futures(size=1)
    trader.futures(size=1, side="sell")
    history = trader.call("futures", "GET", "/api/v1/transaction-history", currency="USDT")
    rows = history["dataList"]
    assert [unlike(TRANSACTION, row) for row in rows] == [[]] * 3
    assert [row["type"] for row in rows] == ["RealisedPNL", "TransferIn", "TransferOut"]
    total = float(trader.account.wallet("USDT").total)
    assert [row["accountEquity"] for row in rows] == [total, 99_980, 99_970]
    assert sum(row["amount"] for row in rows) == pytest.approx(total - 100_000)
    one = trader.call("futures", "GET", "/api/v1/transaction-history", type="TransferIn")
    assert [row["amount"] for row in one["dataList"]] == [10]
    listed = trader.call("futures", "GET", "/api/v1/transfer-list")["items"]
    assert [(row["applyId"], row["amount"]) for row in listed] == [(gone["applyId"], "30")]


def test_the_overview_of_all_accounts_is_that_of_the_only_one(trader: Trader) -> None:
    trader.futures()
    every = trader.call("futures", "GET", "/api/v1/account-overview-all", currency="USDT")
    one = trader.call("futures", "GET", "/api/v1/account-overview", currency="USDT")
    assert every["summary"]["accountEquityTotal"] == one["accountEquity"]
    assert every["accounts"][0]["positionMargin"] == one["positionMargin"] > 0


def test_what_happened_on_the_last_day_is_listed_without_pages(trader: Trader) -> None:
    trader.spot(type="market")
    order = trader.spot(price="50000")["orderId"]
    orders = trader.call("spot", "GET", "/api/v1/limit/orders")
    assert [row["isActive"] for row in orders] == [True, False]
    assert orders[0]["id"] == order
    fills = trader.call("spot", "GET", "/api/v1/limit/fills")
    assert {row["orderId"] for row in fills} == {orders[1]["id"]}
    assert trader.call("spot", "GET", "/api/v3/announcements")["items"] == []
