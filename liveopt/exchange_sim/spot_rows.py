"""Spot orders, fills and stop orders as REST shows them."""

from decimal import Decimal
from typing import Any

from liveopt.exchange_sim.amounts import text, text20
from liveopt.exchange_sim.orders import Fill
from liveopt.exchange_sim.spot_terms import SpotOrder


def order_row(order: SpotOrder) -> dict[str, Any]:
    """`{"id":"67120bbe","clientOid":"5c52e112","symbol":"BTC-USDT","opType":"DEAL", ...}`."""
    size = order.spec.size_text
    return _terms(order) | {
        "id": order.id,
        "size": "0" if order.funds is not None else size(order.lots),
        "funds": text(_funds(order)),
        "dealSize": size(order.filled),
        "dealFunds": text(order.deal_value),
        "remainSize": size(order.remaining),
        "remainFunds": text(_funds(order) - order.deal_value) if not order.cancelled else "0",
        "cancelledSize": size(order.cancelled),
        "cancelledFunds": text(_funds(order) - order.deal_value) if order.cancelled else "0",
        "fee": text(order.fee),
        "feeCurrency": order.spec.quote,
        "cancelExist": order.cancelled > 0,
        "tradeType": "TRADE",
        "inOrderBook": order.resting,
        "active": not order.done,
        "tax": "0",
        "createdAt": order.at_ns // 1_000_000,
        "lastUpdatedAt": order.updated_ns // 1_000_000,
    }


def _terms(order: SpotOrder) -> dict[str, Any]:
    return {
        "clientOid": order.client_oid,
        "symbol": order.spec.symbol,
        "opType": "DEAL",
        "type": order.kind,
        "side": order.side,
        "price": text(order.price),
        "stp": order.stp or None,
        "timeInForce": order.tif,
        "postOnly": order.post_only,
        "hidden": False,
        "iceberg": False,
        "visibleSize": "0",
        "cancelAfter": order.cancel_after_s,
        "channel": "API",
        "remark": order.remark,
        "tags": order.tags,
    }


def _funds(order: SpotOrder) -> Decimal:
    if order.funds is not None:
        return order.funds
    return order.lots * order.spec.lot * order.price if order.ticks else order.deal_value


def classic_row(order: SpotOrder) -> dict[str, Any]:
    """An order as the endpoints before the high-frequency ones show it."""
    row = order_row(order)
    return row | {
        "isActive": row["active"],
        "stop": "",
        "stopTriggered": False,
        "stopPrice": "0",
    }


def receipt(order: SpotOrder) -> dict[str, Any]:
    """What the placing of an order is answered with."""
    return {"orderId": order.id, "clientOid": order.client_oid}


def sync_receipt(order: SpotOrder) -> dict[str, Any]:
    """The same when the client waited for the matching."""
    return receipt(order) | {"orderTime": order.at_ns // 1_000_000} | sizes(order) | {
        "matchTime": order.updated_ns // 1_000_000
    }  # fmt: skip


def sizes(order: SpotOrder) -> dict[str, Any]:
    """How much of an order traded, waits, and was cancelled."""
    size = order.spec.size_text
    return {
        "originSize": size(order.lots),
        "dealSize": size(order.filled),
        "remainSize": size(order.remaining),
        "canceledSize": size(order.cancelled),
        "status": "done" if order.done else "open",
    }


def fill_row(fill: Fill) -> dict[str, Any]:
    """`{"id":19814995255305,"orderId":"6717422b","tradeId":11029373945659392, ...}`."""
    order = fill.order
    return {
        "id": fill.id,
        "orderId": order.id,
        "counterOrderId": fill.counter_id,
        "tradeId": fill.trade_id,
        "symbol": order.spec.symbol,
        "side": order.side,
        "liquidity": "maker" if fill.maker else "taker",
        "type": order.kind,
        "forceTaker": False,
        "price": text(fill.price),
        "size": order.spec.size_text(fill.lots),
        "funds": text(fill.value),
        "fee": text(fill.fee),
        "feeRate": text(fill.fee_rate),
        "feeCurrency": order.spec.quote,
        "stop": "",
        "tradeType": "TRADE",
        "taxRate": "0",
        "tax": "0",
        "createdAt": fill.at_ns // 1_000_000,
    }


def stop_row(stop: SpotOrder) -> dict[str, Any]:
    """A waiting stop order; its amounts have twenty places."""
    assert stop.stop is not None
    return _terms(stop) | {
        "id": stop.id,
        "userId": stop.user,
        "status": "NEW",
        "price": text20(stop.price),
        "size": text20(stop.lots * stop.spec.lot) if stop.funds is None else None,
        "funds": None if stop.funds is None else text20(stop.funds),
        "cancelAfter": stop.cancel_after_s or -1,
        "visibleSize": None,
        "relatedNo": None,
        "orderTime": stop.at_ns,
        "domainId": "kucoin",
        "tradeSource": "USER",
        "tradeType": "TRADE",
        "feeCurrency": stop.spec.quote,
        "takerFeeRate": text20(stop.spec.taker_fee),
        "makerFeeRate": text20(stop.spec.maker_fee),
        "createdAt": stop.at_ns // 1_000_000,
        "stop": stop.stop.way,
        "stopTriggerTime": None,
        "stopPrice": text20(stop.stop.ticks * stop.spec.tick),
        "limitPrice": None,
        "pop": None,
        "activateCondition": None,
    }
