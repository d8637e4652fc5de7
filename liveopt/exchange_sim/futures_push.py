"""What the private sockets hear of futures trading: orders, stops, positions, wallets."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from liveopt.exchange_sim.amounts import ZERO, text
from liveopt.exchange_sim.floor import Floor
from liveopt.exchange_sim.futures_terms import FuturesOrder
from liveopt.exchange_sim.orders import Fill
from liveopt.exchange_sim.positions import Position, risk_levels, value_at

if TYPE_CHECKING:
    from liveopt.exchange_sim.futures_orders import FuturesDesk

_STATUS = {"open": "open", "match": "match", "update": "open"}


def push_order(
    floor: Floor, order: FuturesOrder, kind: str, fill: Fill | None = None, old: int | None = None
) -> None:
    """A step in an order's life, on the topic of all symbols and on that of its own."""
    spec = order.spec
    data: dict[str, Any] = {
        "symbol": spec.symbol,
        "orderType": order.kind,
        "side": order.side,
        "canceledSize": str(order.cancelled),
        "orderId": order.id,
        "clientOid": order.client_oid,
        "marginMode": order.margin_mode,
        "positionSide": "BOTH",
        "type": kind,
        "orderTime": order.at_ns,
        "size": str(order.lots),
        "filledSize": str(order.filled),
        "price": "" if order.ticks is None else text(order.price),
        "remainSize": str(order.remaining),
        "status": _STATUS.get(kind, "done"),
        "tradeType": order.trade_type,
        "ts": floor.now_ns,
    }
    if kind == "open":
        data["liquidity"] = "maker"
    if fill is not None:
        data |= {
            "liquidity": "maker" if fill.maker else "taker",
            "feeType": "makerFee" if fill.maker else "takerFee",
            "matchPrice": spec.price_text(fill.ticks),
            "matchSize": str(fill.lots),
            "tradeId": str(fill.trade_id),
        }
    if old is not None:
        data["oldSize"] = str(old)
    floor.push(order.user, "/contractMarket/tradeOrders", "orderChange", data)
    topic = f"/contractMarket/tradeOrders:{spec.symbol}"
    floor.push(order.user, topic, "symbolOrderChange", dict(data))


def push_stop(floor: Floor, order: FuturesOrder, kind: str, error: str | None = None) -> None:
    """A futures stop order was accepted, triggered or cancelled; triggered ones may be refused."""
    assert order.stop is not None
    data: dict[str, Any] = {
        "createdAt": order.at_ns // 1_000_000,
        "marginMode": order.margin_mode,
        "orderId": order.id,
        "orderPrice": "" if order.ticks is None else text(order.price),
        "orderType": "stop",
        "side": order.side,
        "size": order.lots,
        "stop": order.stop.way,
        "stopPrice": order.spec.price_text(order.stop.ticks),
        "stopPriceType": order.stop.source,
        "symbol": order.spec.symbol,
        "ts": floor.now_ns,
        "type": kind,
    }
    if kind == "triggered":
        data["triggerSuccess"] = error is None
        if error is not None:
            data["error"] = error
    floor.push(order.user, "/contractMarket/advancedOrders", "stopOrder", data)


def push_wallet(desk: "FuturesDesk", user: str, currency: str) -> None:
    """The wallet and how it is bound, all as strings."""
    wallet = desk.accounts[user].wallet(currency)
    wallet.version += 1
    isolated, cross, unrealised = ZERO, ZERO, {True: ZERO, False: ZERO}
    for position in desk.open_positions(user):
        if position.spec.settle == currency:
            mark = desk.mark(position.spec.symbol)
            unrealised[position.cross] += position.unrealised(mark)
            isolated += position.margin
            cross += position.initial if position.cross else ZERO
    isolated_orders = desk.order_margin(user, currency, "ISOLATED")
    data = {
        "crossPosMargin": text(cross),
        "isolatedOrderMargin": text(isolated_orders),
        "holdBalance": "0",
        "equity": text(wallet.total + unrealised[True] + unrealised[False]),
        "version": str(wallet.version),
        "availableBalance": text(max(ZERO, desk.available(user, currency))),
        "isolatedPosMargin": text(isolated),
        "walletBalance": text(wallet.total),
        "isolatedFundingFeeMargin": "0",
        "crossUnPnl": text(unrealised[True]),
        "totalCrossMargin": text(wallet.total - isolated - isolated_orders + unrealised[True]),
        "currency": currency,
        "isolatedUnPnl": text(unrealised[False]),
        "crossOrderMargin": text(desk.order_margin(user, currency, "CROSS")),
        "timestamp": str(desk.floor.now_ms),
    }
    desk.floor.push(user, "/contractAccount/wallet", "walletBalance.change", data)


def push_position(floor: Floor, position: Position, mark: Decimal, reason: str) -> None:
    """The whole position, after something was done with it."""
    data = position_row(position, mark, floor.now_ms) | {"changeReason": reason}
    del data["id"]
    _both(floor, position, "position.change", data)


def push_mark(floor: Floor, position: Position, mark: Decimal) -> None:
    """Only what a new mark price changes."""
    whole = position_row(position, mark, floor.now_ms)
    names = ("markPrice", "markValue", "maintMargin", "realLeverage", "unrealisedPnl",
             "unrealisedRoePcnt", "unrealisedPnlPcnt", "delevPercentage", "currentTimestamp",
             "settleCurrency")  # fmt: skip
    _both(floor, position, "position.change", {name: whole[name] for name in names})


def push_settlement(floor: Floor, position: Position, row: dict[str, Any]) -> None:
    """Funding was paid or received: `row` is the entry of the funding history."""
    data = {
        "fundingTime": row["timePoint"],
        "qty": position.lots,
        "markPrice": row["markPrice"],
        "fundingRate": row["fundingRate"],
        "fundingFee": row["funding"],
        "ts": floor.now_ns,
        "settleCurrency": position.spec.settle,
    }
    _both(floor, position, "position.settlement", data)


def _both(floor: Floor, position: Position, subject: str, data: dict[str, Any]) -> None:
    symbol = position.spec.symbol
    floor.push(position.user, f"/contract/position:{symbol}", subject, data)
    floor.push(position.user, "/contract/positionAll", subject, {"symbol": symbol} | data)


def position_row(position: Position, mark: Decimal, now_ms: int) -> dict[str, Any]:
    """`{"id":"500000000000988255","symbol":"XBTUSDTM","currentQty":1,"markPrice":68900.7, ...}`."""
    spec = position.spec
    row = _names(position, now_ms) | _risk(position, mark)
    costs = {
        "currentCost": position.cost,
        "currentComm": position.fees,
        "unrealisedCost": position.cost,
        "realisedGrossCost": -position.profit,
        "realisedCost": position.fees - position.profit,
        "markValue": value_at(spec, position.lots, mark),
        "posCost": position.cost,
        "posCross": ZERO,
        "posCrossMargin": ZERO,
        "posInit": position.initial,
        "posComm": position.reserve,
        "posCommCommon": position.reserve,
        "posLoss": ZERO,
        "posFunding": position.funding,
        "posMaint": position.maintenance if position.lots else ZERO,
        "realisedGrossPnl": position.profit,
        "realisedPnl": position.profit - position.fees + position.funding,
    }
    return row | {name: float(value) for name, value in costs.items()}


def _names(position: Position, now_ms: int) -> dict[str, Any]:
    spec = position.spec
    return {
        "id": position.id,
        "symbol": spec.symbol,
        "autoDeposit": position.auto_deposit,
        "crossMode": position.cross,
        "maintMarginReq": float(position.maintenance_rate),
        "maintainMargin": float(position.maintenance_rate),
        "riskLimit": risk_levels(spec)[max(position.level, 1) - 1].most,
        "riskLimitLevel": max(position.level, 1),
        "openingTimestamp": position.opened_ns // 1_000_000 if position.lots else None,
        "currentTimestamp": now_ms,
        "currentQty": position.lots,
        "isOpen": bool(position.lots),
        "settleCurrency": spec.settle,
        "isInverse": spec.inverse,
        "marginMode": "CROSS" if position.cross else "ISOLATED",
        "positionSide": "BOTH",
    }


def _risk(position: Position, mark: Decimal) -> dict[str, Any]:
    spec = position.spec
    unrealised = position.unrealised(mark)
    margin = position.initial if position.cross else position.margin
    equity = margin + unrealised
    value = abs(value_at(spec, position.lots, mark))
    leverage = float(value / equity) if equity > 0 else 0.0
    profit = float(unrealised / abs(position.cost)) if position.cost else 0.0
    return_on_margin = float(unrealised / position.initial) if position.cost else 0.0
    return {
        "markPrice": float(mark),
        "posMargin": float(margin),
        "maintMargin": float(equity),
        "realLeverage": round(leverage, 10),
        "leverage": float(position.leverage) if position.lots else 0.0,
        "delevPercentage": round(min(1.0, max(0.0, 0.5 + return_on_margin / 2)), 2),
        "unrealisedPnl": float(unrealised),
        "unrealisedPnlPcnt": round(profit, 4),
        "unrealisedRoePcnt": round(return_on_margin, 4),
        "avgEntryPrice": _rounded(position.entry, spec.tick),
        "liquidationPrice": _rounded(position.liquidation_price(), spec.tick),
        "bankruptPrice": _rounded(position.bankrupt_price(), spec.tick),
    }


def _rounded(price: Decimal, tick: Decimal) -> float:
    return float(price.quantize(tick / 100))
