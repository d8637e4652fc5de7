"""What a futures order may ask for: a request read, checked, and turned into an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, cast

from liveopt.exchange_sim.amounts import ZERO, parse, whole
from liveopt.exchange_sim.events import Side
from liveopt.exchange_sim.floor import Floor, refuse
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.orders import Order, check_client_oid
from liveopt.exchange_sim.positions import price_at
from liveopt.exchange_sim.specs import Spec

LOTS_MAX: Final = 1_000_000
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FuturesStop:
    """What a stop order waits for: the price of this kind at or above (up), at or below (down)."""

    way: Literal["up", "down"]
    ticks: int
    source: Literal["TP", "MP", "IP"]


@dataclass(slots=True, kw_only=True, eq=False)
class FuturesOrder(Order):
    """A futures order. One that waits for its stop is not in any book and holds no margin."""

    leverage: Decimal = Decimal(1)
    margin_mode: str = "ISOLATED"
    reduce_only: bool = False
    close: bool = False
    force_hold: bool = False
    stop: FuturesStop | None = None
    triggered: bool = False
    trade_type: str = "trade"

    @property
    def reducing(self) -> bool:
        """Whether it may only ever make the position smaller."""
        return self.reduce_only or self.close

    @property
    def waiting(self) -> bool:
        """Whether it waits for its stop and is in no book yet."""
        return self.stop is not None and not self.triggered

    @property
    def signed(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "buy" else -1


def mark_of(market: Market) -> Decimal:
    """The mark price as a decimal, to a tenth of a tick."""
    return Decimal(repr(market.mark_price())).quantize(market.spec.tick / 10)


def read_order(floor: Floor, user: str, body: Body, closing: int) -> FuturesOrder:
    """The order a request asks for; `closing` are the signed lots that would close the position."""
    market = _market(floor, body)
    client_oid = str(body.get("clientOid") or "")
    if not client_oid:
        raise refuse("300000", "clientOid is required")
    check_client_oid(client_oid)
    close = _truth(body, "closeOrder")
    kind = cast(Literal["limit", "market"], _choice(body, "type", ("limit", "market"), "limit"))
    side = "buy" if close and closing > 0 else "sell" if close else ""
    order = FuturesOrder(
        user=user,
        spec=market.spec,
        client_oid=client_oid,
        side=cast(Side, side or _choice(body, "side", ("buy", "sell"), "")),
        kind=kind,
        lots=abs(closing) if close else _lots(market, body),
        ticks=_ticks(market.spec, body, "price") if kind == "limit" else None,
        stp=_choice(body, "stp", ("", "CN", "CO", "CB"), ""),
        remark=body.get("remark"),
        tags=body.get("tags"),
        close=close,
        reduce_only=_truth(body, "reduceOnly"),
        force_hold=_truth(body, "forceHold"),
        margin_mode=_choice(body, "marginMode", ("ISOLATED", "CROSS"), "ISOLATED"),
    )
    order.leverage = _leverage(market.spec, body)
    _read_handling(order, body)
    order.stop = _stop(market.spec, body)
    _check_position_side(floor, body, market.spec.symbol)
    return order


def check_band(market: Market, order: FuturesOrder) -> None:
    """A limit too far through the mark price is taken for a mistake."""
    if order.ticks is None:
        return
    mark = mark_of(market)
    if order.side == "buy" and order.price > mark * Decimal("1.05"):
        most = order.spec.price_text(int(mark * Decimal("1.05") / order.spec.tick))
        raise refuse("300011", f"Order price cannot be higher than {most}.")
    if order.side == "sell" and order.price < mark * Decimal("0.95"):
        least = order.spec.price_text(-int(-mark * Decimal("0.95") // order.spec.tick))
        raise refuse("300012", f"Order price cannot be lower than {least}.")


def _market(floor: Floor, body: Body) -> Market:
    market = floor.market("futures", body.get("symbol"))
    if market is None:
        raise refuse("200003", "Invalid symbol.")
    if floor.strikes("suspended", market.spec.symbol):
        raise refuse("300002", "Order placement/cancellation suspended, please try again later.")
    return market


def _leverage(spec: Spec, body: Body) -> Decimal:
    leverage = parse(body.get("leverage") or 1)
    if leverage is None or leverage <= 0:
        raise refuse("300000", "leverage is invalid")
    if leverage > spec.leverage_max:
        raise refuse("300016", f"The leverage cannot be greater than {spec.leverage_max}.")
    return leverage


def _lots(market: Market, body: Body) -> int:
    """Exactly one of size (lots), qty (base) and valueQty (quote) says how much."""
    said = [name for name in ("size", "qty", "valueQty") if body.get(name) not in {None, ""}]
    if len(said) != 1:
        raise refuse("300000", "Exactly one of size, qty and valueQty is required")
    amount, spec = parse(body[said[0]]), market.spec
    if amount is None or amount <= 0:
        raise refuse("300000", f"{said[0]} is invalid")
    lots = _of_value(market, body, amount) if said[0] != "size" else whole(amount, Decimal(1))
    if said[0] == "qty":
        mark = mark_of(market)
        lots = int(amount * mark if spec.inverse else amount / spec.multiplier)
    if lots is None or lots < 1:
        raise refuse("100001", "Quantity parameter error: a positive multiple of the lot size")
    if lots > LOTS_MAX:
        raise refuse("100001", f"Quantity cannot be greater than {LOTS_MAX}")
    return lots


def _of_value(market: Market, body: Body, amount: Decimal) -> int:
    if market.spec.inverse:
        return int(amount)
    price = parse(body.get("price")) or mark_of(market)
    return int(amount / (price * market.spec.multiplier)) if price > 0 else 0


def _read_handling(order: FuturesOrder, body: Body) -> None:
    order.tif = _choice(body, "timeInForce", ("GTC", "IOC"), "GTC")
    order.post_only = _truth(body, "postOnly")
    if _truth(body, "hidden") or _truth(body, "iceberg"):
        raise refuse("300000", "hidden and iceberg orders are not simulated")
    if order.post_only and order.tif == "IOC":
        raise refuse("300000", "postOnly excludes IOC")
    if len(order.remark or "") > 100:
        raise refuse("300000", "remark is longer than 100 characters")


def _stop(spec: Spec, body: Body) -> FuturesStop | None:
    said = [body.get(name) not in {None, ""} for name in ("stop", "stopPrice", "stopPriceType")]
    if not any(said):
        return None
    if not all(said):
        raise refuse("300000", "stop, stopPrice and stopPriceType go together")
    way = cast(Literal["up", "down"], _choice(body, "stop", ("up", "down"), ""))
    source = cast(Literal["TP", "MP", "IP"], _choice(body, "stopPriceType", ("TP", "MP", "IP"), ""))
    return FuturesStop(way, _ticks(spec, body, "stopPrice"), source)


def _check_position_side(floor: Floor, body: Body, symbol: str) -> None:
    side = _choice(body, "positionSide", ("BOTH", "LONG", "SHORT"), "BOTH")
    if side != "BOTH":
        raise refuse(
            "330011",
            "Your order is in Hedge Mode, while your account is set to One-Way Mode."
            " Update your settings so they match and try again.",
        )
    if floor.strikes("hedge_mode", symbol):
        raise refuse(
            "330012",
            "Your order is in One-Way Mode, while your account is set to Hedge Mode."
            " Update your settings so they match and try again.",
        )


def _ticks(spec: Spec, body: Body, name: str) -> int:
    price = parse(body.get(name))
    if price is None or price <= 0:
        raise refuse("300000", f"{name} is invalid")
    ticks = whole(price, spec.tick)
    if ticks is None:
        raise refuse("100001", f"{name} is not a multiple of {spec.tick}")
    return ticks


def _truth(body: Body, name: str) -> bool:
    return body.get(name) in {True, "true"}


def _choice(body: Body, name: str, among: tuple[str, ...], default: str) -> str:
    value = body.get(name) or default
    if value not in among:
        raise refuse("300000", f"{name} is invalid")
    return str(value)


def average_price(order: FuturesOrder) -> Decimal:
    """What the filled lots cost on average."""
    if not order.filled:
        return ZERO
    return price_at(order.spec, order.filled * (-1 if order.spec.inverse else 1), order.deal_value)
