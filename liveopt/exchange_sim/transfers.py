"""Money moved between the accounts of one user: main, trade, and the futures wallets."""

from decimal import Decimal

from liveopt.exchange_sim.accounts import Balance, NotEnough, Transfer
from liveopt.exchange_sim.amounts import ZERO, parse
from liveopt.exchange_sim.floor import refuse
from liveopt.exchange_sim.futures_orders import FuturesDesk
from liveopt.exchange_sim.futures_push import push_wallet
from liveopt.exchange_sim.spot_push import push_balance


def move(
    desk: FuturesDesk, user: str, what: tuple[object, object], way: tuple[str, str]
) -> Transfer:
    """Moves (currency, amount) from one account to another; futures say XBT for BTC."""
    amount, currency = parse(what[1]), {"XBT": "BTC"}.get(str(what[0]), str(what[0]))
    source, target = (name.lower().removesuffix("_hf") for name in way)
    if amount is None or amount <= 0 or not {source, target} <= {"main", "trade", "contract"}:
        raise refuse("400100", "transfer is invalid")
    try:
        _change(desk, user, (source, currency), -amount)
    except NotEnough:
        raise refuse("230003", "Balance insufficient!") from None
    _change(desk, user, (target, currency), amount)
    floor = desk.floor
    transfer = Transfer(
        floor.ids.spot_order(floor.now_ns), floor.ids.number(), floor.now_ns // 1_000_000,
        currency, amount, source, target,
    )  # fmt: skip
    desk.accounts[user].transfers.append(transfer)
    return transfer


def _change(desk: FuturesDesk, user: str, where: tuple[str, str], amount: Decimal) -> None:
    kind, currency = where
    account = desk.accounts[user]
    if kind == "contract":
        name = {"BTC": "XBT"}.get(currency, currency)
        if amount < 0 and -amount > desk.available(user, name):
            raise NotEnough
        account.wallet(name).total += amount
        push_wallet(desk, user, name)
        return
    balance: Balance = account.balance(currency, "main" if kind == "main" else "trade")
    balance.add(amount)
    if kind == "trade":
        push_balance(desk.floor, (user, currency, balance), (amount, ZERO), "trade.transfer", {})
