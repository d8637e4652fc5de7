"""What the private sockets hear of spot trading: orders, stop orders, balances."""

from decimal import Decimal
from typing import Any

from liveopt.exchange_sim.accounts import Balance
from liveopt.exchange_sim.amounts import text
from liveopt.exchange_sim.floor import Floor
from liveopt.exchange_sim.orders import Fill
from liveopt.exchange_sim.spot_terms import SpotOrder

_STATUS = {"received": "new", "open": "open", "match": "match", "update": "open"}


def push_order(
    floor: Floor, order: SpotOrder, kind: str, fill: Fill | None = None, old: int | None = None
) -> None:
    """A step in an order's life; the first topic has never heard of `received`."""
    data = order_change(floor, order, kind)
    if fill is not None:
        data |= {
            "liquidity": "maker" if fill.maker else "taker",
            "feeType": "makerFee" if fill.maker else "takerFee",
            "matchPrice": order.spec.price_text(fill.ticks),
            "matchSize": order.spec.size_text(fill.lots),
            "tradeId": str(fill.trade_id),
        }
    if old is not None:
        data["oldSize"] = order.spec.size_text(old)
    if kind != "received":
        floor.push(order.user, "/spotMarket/tradeOrders", "orderChange", data)
    floor.push(order.user, "/spotMarket/tradeOrdersV2", "orderChange", dict(data))


def order_change(floor: Floor, order: SpotOrder, kind: str) -> dict[str, Any]:
    """`{"canceledSize":"0","clientOid":"5c52e112","filledSize":"0","orderId":"6720ecd9", ...}`."""
    size = order.spec.size_text
    data: dict[str, Any] = {
        "clientOid": order.client_oid,
        "orderId": order.id,
        "orderTime": order.at_ns // 1_000_000,
        "orderType": order.kind,
        "side": order.side,
        "status": _STATUS.get(kind, "done"),
        "symbol": order.spec.symbol,
        "ts": floor.now_ns,
        "type": kind,
    }
    if order.funds is None:
        data["originSize"] = size(order.lots)
    else:
        data["originFunds"] = text(order.funds)
    if order.ticks is not None:
        data["price"] = text(order.price)
    if kind == "received":
        return data
    data |= {
        "size": size(order.lots - (order.cancelled if kind == "update" else 0)),
        "filledSize": size(order.filled),
        "canceledSize": size(order.cancelled),
        "remainSize": size(order.remaining),
    }
    if order.funds is not None:
        left = order.funds - order.deal_value
        data["canceledFunds"] = text(left) if order.done else "0"
        data["remainFunds"] = "0" if order.done else text(left)
    return data


def push_balance(
    floor: Floor,
    where: tuple[str, str, Balance],
    change: tuple[Decimal, Decimal],
    event: str,
    context: dict[str, str],
) -> None:
    """A balance changed: `where` is (user, currency, it), `change` is of what is free and held."""
    user, currency, balance = where
    free, held = change
    number = str(floor.ids.number())
    data = {
        "accountId": account_id(user, currency),
        "currency": currency,
        "total": text(balance.total),
        "available": text(balance.available),
        "hold": text(balance.held),
        "availableChange": text(free),
        "holdChange": text(held),
        "relationContext": context,
        "relationEvent": event,
        "relationEventId": number,
        "time": str(floor.now_ms),
    }
    floor.push(user, "/account/balance", "account.balance", data)


def account_id(user: str, currency: str, kind: str = "trade") -> str:
    """Digits for trade accounts, hexadecimal for main ones; always the same for the same."""
    number = int.from_bytes(f"{user}{currency}{kind}".encode(), "big")
    return str(number % 10**12) if kind == "trade" else f"{number % 16**24:024x}"


def push_stop(floor: Floor, stop: SpotOrder, kind: str) -> None:
    """A spot stop order was accepted, triggered or cancelled."""
    assert stop.stop is not None
    data = {
        "orderId": stop.id,
        "orderPrice": text(stop.price),
        "orderType": "stop",
        "side": stop.side,
        "size": stop.spec.size_text(stop.lots),
        "stop": stop.stop.way,
        "stopPrice": stop.spec.price_text(stop.stop.ticks),
        "symbol": stop.spec.symbol,
        "tradeType": "TRADE",
        "type": kind,
        "createdAt": stop.at_ns // 1_000_000,
        "ts": floor.now_ns,
    }
    floor.push(stop.user, "/spotMarket/advancedOrders", "stopOrder", data)
