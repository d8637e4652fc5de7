"""Balances: what is held cannot be spent."""

from decimal import Decimal

import pytest

from liveopt.exchange_sim.accounts import Balance, NotEnough, paper_account


def test_what_is_held_is_not_available() -> None:
    balance = Balance(Decimal(10))
    balance.hold(Decimal(4))
    assert [balance.total, balance.held, balance.available] == [10, 4, 6]
    with pytest.raises(NotEnough):
        balance.hold(Decimal("6.01"))
    with pytest.raises(NotEnough):
        balance.add(Decimal(-7))
    balance.release(Decimal(4))
    balance.add(Decimal(-10))
    assert balance == Balance(Decimal(0), Decimal(0))


def test_no_more_is_released_than_was_held() -> None:
    with pytest.raises(AssertionError):
        Balance(Decimal(10)).release(Decimal(1))


def test_a_paper_account_begins_with_money_on_spot_and_futures() -> None:
    account = paper_account("u")
    assert account.balance("USDT").total == account.wallet("USDT").total == 100_000
    assert account.balance("BTC").total == account.wallet("XBT").total == 2
    assert account.balance("DOGE", "main") == Balance()
    assert account.mode_of("XBTUSDTM") == "ISOLATED"
