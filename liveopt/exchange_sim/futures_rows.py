"""Futures orders, fills, closed positions and accounts as REST shows them."""

from decimal import Decimal
from typing import Any

from liveopt.exchange_sim.amounts import ZERO, text
from liveopt.exchange_sim.futures_orders import ClosedPosition, FuturesDesk
from liveopt.exchange_sim.futures_terms import FuturesOrder, average_price
from liveopt.exchange_sim.orders import Fill
from liveopt.exchange_sim.positions import RiskLevel, value_at


def order_row(order: FuturesOrder, mark: Decimal) -> dict[str, Any]:
    """`{"id":"236655147005071361","symbol":"XBTUSDTM","type":"limit","price":"0.1", ...}`."""
    spec, stop = order.spec, order.stop
    at_ms, updated_ms = order.at_ns // 1_000_000, order.updated_ns // 1_000_000
    value = abs(value_at(spec, order.lots, order.price or mark))
    return {
        "id": order.id,
        "symbol": spec.symbol,
        "type": order.kind,
        "side": order.side,
        "price": text(order.price),
        "size": order.lots,
        "value": text(value if order.ticks or not order.filled else order.deal_value),
        "dealValue": text(order.deal_value),
        "dealSize": order.filled,
        "stp": order.stp,
        "stop": "" if stop is None else stop.way,
        "stopPriceType": "" if stop is None else stop.source,
        "stopTriggered": order.triggered,
        "stopPrice": None if stop is None else spec.price_text(stop.ticks),
        "timeInForce": order.tif,
        "postOnly": order.post_only,
        "hidden": False,
        "iceberg": False,
        "leverage": text(order.leverage),
        "forceHold": order.force_hold,
        "closeOrder": order.close,
        "visibleSize": 0,
        "clientOid": order.client_oid,
        "remark": order.remark,
        "tags": order.tags or "",
        "isActive": not order.done,
        "cancelExist": order.cancelled > 0,
        "createdAt": at_ms,
        "updatedAt": updated_ms,
        "endAt": updated_ms if order.done else None,
        "orderTime": order.at_ns,
        "settleCurrency": spec.settle,
        "marginMode": order.margin_mode,
        "positionSide": "BOTH",
        "avgDealPrice": text(average_price(order).quantize(spec.tick / 10)),
        "filledSize": order.filled,
        "filledValue": text(order.deal_value),
        "status": "done" if order.done else "open",
        "reduceOnly": order.reduce_only,
    }


def fill_row(fill: Fill) -> dict[str, Any]:
    """`{"symbol":"XBTUSDTM","tradeId":"1828954878212","orderId":"284486580251463680", ...}`."""
    order = fill.order
    assert isinstance(order, FuturesOrder)
    return {
        "symbol": order.spec.symbol,
        "tradeId": str(fill.trade_id),
        "orderId": order.id,
        "side": order.side,
        "liquidity": "maker" if fill.maker else "taker",
        "forceTaker": False,
        "price": text(fill.price),
        "size": fill.lots,
        "value": text(fill.value),
        "openFeePay": text(fill.fee - fill.closing_fee),
        "closeFeePay": text(fill.closing_fee),
        "stop": "" if order.stop is None else order.stop.way,
        "feeRate": f"{fill.fee_rate:.5f}",
        "fixFee": "0",
        "feeCurrency": order.spec.settle,
        "subTradeType": None,
        "marginMode": order.margin_mode,
        "openFeeTaxPay": "0",
        "closeFeeTaxPay": "0",
        "displayType": order.kind,
        "fee": text(fill.fee),
        "settleCurrency": order.spec.settle,
        "orderType": order.kind,
        "tradeType": {"liquid": "liquidation"}.get(order.trade_type, order.trade_type),
        "positionSide": "BOTH",
        "tradeTime": fill.at_ns,
        "createdAt": fill.at_ns // 1_000_000,
    }


def closed_row(closed: ClosedPosition) -> dict[str, Any]:
    """A position that is over: `{"closeId":"500000000036305465","type":"CLOSE_LONG", ...}`."""
    position = closed.position
    return {
        "closeId": str(closed.id),
        "userId": position.user,
        "symbol": position.spec.symbol,
        "settleCurrency": position.spec.settle,
        "leverage": text(position.leverage),
        "type": closed.kind,
        "pnl": text(closed.profit - closed.fees + closed.funding),
        "realisedGrossCost": text(-closed.profit),
        "realisedGrossCostNew": text(-closed.profit),
        "withdrawPnl": "0.0",
        "tradeFee": text(closed.fees),
        "fundingFee": text(closed.funding),
        "openTime": closed.opened_ns // 1_000_000,
        "closeTime": closed.closed_ns // 1_000_000,
        "openPrice": text(closed.open_price),
        "closePrice": text(closed.price),
        "marginMode": "CROSS" if position.cross else "ISOLATED",
        "tax": "0.0",
        "roe": None,
        "liquidAmount": None,
        "liquidPrice": None,
        "side": "LONG" if closed.kind.endswith("LONG") else "SHORT",
    }


def level_row(symbol: str, level: RiskLevel) -> dict[str, Any]:
    """One level of the risk limits of a contract."""
    return {
        "symbol": symbol,
        "level": level.level,
        "maxRiskLimit": level.most,
        "minRiskLimit": level.least,
        "maxLeverage": level.leverage,
        "initialMargin": round(1 / level.leverage, 4),
        "maintainMargin": float(level.maintenance),
    }


def overview(desk: FuturesDesk, user: str, currency: str) -> dict[str, Any]:
    """A wallet with what is bound in it, all as numbers."""
    wallet = desk.accounts[user].wallet(currency)
    unrealised = margin = ZERO
    for position in desk.open_positions(user):
        if position.spec.settle == currency:
            unrealised += position.unrealised(desk.mark(position.spec.symbol))
            margin += position.initial if position.cross else position.margin
    equity = wallet.total + unrealised
    available = max(ZERO, desk.available(user, currency))
    numbers = {
        "accountEquity": equity,
        "unrealisedPNL": unrealised,
        "marginBalance": wallet.total,
        "positionMargin": margin,
        "orderMargin": desk.order_margin(user, currency),
        "frozenFunds": ZERO,
        "availableBalance": available,
        "riskRatio": margin / equity if equity > 0 else ZERO,
        "maxWithdrawAmount": available,
    }
    return {name: float(value) for name, value in numbers.items()} | {"currency": currency}
