"""What a spot order may ask for: a request read, checked, and turned into an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, cast

from liveopt.exchange_sim.amounts import parse, whole
from liveopt.exchange_sim.api import ApiError
from liveopt.exchange_sim.events import Side
from liveopt.exchange_sim.floor import Floor, refuse
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.orders import Order, check_client_oid
from liveopt.exchange_sim.specs import Spec

FUNDS_MIN: Final = Decimal("0.1")
LOTS_MIN: Final = 1_000
"""The smallest order, in lots."""
NOTE_MAX: Final = 20
"""Characters of a remark or a tag."""
BAND: Final = Decimal("0.1")
"""How far a limit may lie on the wrong side of the last price."""


@dataclass(frozen=True, slots=True)
class SpotStop:
    """What a stop order waits for: `loss` a price at or below, `entry` one at or above."""

    way: Literal["loss", "entry"]
    ticks: int


@dataclass(slots=True, kw_only=True, eq=False)
class SpotOrder(Order):
    """A spot order. One that waits for its stop is not in any book and holds no money."""

    funds: Decimal | None = None
    """What a market buy spends, where it says that instead of a size."""
    cancel_after_s: int = 0
    stop: SpotStop | None = None

    def expired(self, now_ns: int) -> bool:
        """Whether a good-till-time order has outlived its time."""
        return self.cancel_after_s > 0 and now_ns >= self.at_ns + self.cancel_after_s * 10**9


Body = Mapping[str, Any]


def read_order(floor: Floor, user: str, body: Body) -> SpotOrder:
    """The order a request asks for; refused as the exchange would refuse it."""
    market = _market(floor, body)
    _check_age(floor, body)
    client_oid = str(body.get("clientOid") or "")
    if client_oid:
        check_client_oid(client_oid)
    kind = _choice(body, "type", ("limit", "market"), "limit")
    order = SpotOrder(
        user=user,
        spec=market.spec,
        client_oid=client_oid,
        side=cast(Side, _choice(body, "side", ("buy", "sell"), "")),
        kind=cast(Literal["limit", "market"], kind),
        lots=0,
        ticks=_limit(market, body) if kind == "limit" else None,
        stp=_choice(body, "stp", ("", "DC", "CO", "CN", "CB"), ""),
        remark=body.get("remark"),
        tags=body.get("tags"),
    )
    _read_handling(order, body)
    _read_amount(order, body)
    return order


def read_stop(floor: Floor, user: str, body: Body) -> SpotOrder:
    """The stop order a request asks for; without a word on it, it is a stop loss."""
    order = read_order(floor, user, body)
    way = _choice(body, "stop", ("loss", "entry"), "loss")
    price = _positive(body, "stopPrice")
    order.stop = SpotStop(cast(Literal["loss", "entry"], way), _ticks(order.spec, price))
    return order


def check_band(market: Market, order: SpotOrder) -> None:
    """A limit far through the market is taken for a mistake."""
    if order.ticks is None:
        return
    last = market.last_ticks()
    if order.side == "buy" and order.ticks > last * (1 + BAND):
        raise refuse("400370", f"Max. price: {order.spec.price_text(int(last * (1 + BAND)))}")
    if order.side == "sell" and order.ticks < last * (1 - BAND):
        least = order.spec.price_text(int(last * (1 - BAND)))
        raise refuse("400760", f"order price should be more than {least}")


def _market(floor: Floor, body: Body) -> Market:
    symbol = body.get("symbol")
    if not symbol:
        raise refuse("400100", "symbol is required")
    market = floor.market("spot", symbol)
    if market is None:
        raise refuse("900001", "symbol not exists")
    if floor.strikes("suspended", market.spec.symbol):
        raise refuse("200001", "Order creation for this pair suspended")
    return market


def _check_age(floor: Floor, body: Body) -> None:
    """The gateway refuses what was too long under way."""
    window = parse(body.get("allowMaxTimeWindow"))
    if window is None:
        return
    sent = parse(body.get("clientTimestamp"))
    if sent is None:
        raise refuse("400100", "clientTimestamp is required with allowMaxTimeWindow")
    if floor.now_ms - sent > window:
        raise refuse("400100", "The order was received after allowMaxTimeWindow")


def _read_handling(order: SpotOrder, body: Body) -> None:
    order.tif = _choice(body, "timeInForce", ("GTC", "GTT", "IOC", "FOK"), "GTC")
    order.post_only = body.get("postOnly") in (True, "true")
    if any(body.get(name) in (True, "true") for name in ("hidden", "iceberg")):
        raise refuse("400100", "hidden and iceberg orders are not simulated")
    if any(len(note or "") > NOTE_MAX for note in (order.remark, order.tags)):
        raise refuse("400100", f"remark and tags have at most {NOTE_MAX} characters")
    if order.post_only and order.tif in {"IOC", "FOK"}:
        raise refuse("400100", "postOnly is invalid with IOC and FOK")
    if order.tif == "GTT":
        after = parse(body.get("cancelAfter"))
        if after is None or after < 1:
            raise refuse("400100", "cancelAfter is required with GTT")
        order.cancel_after_s = int(after)


def _read_amount(order: SpotOrder, body: Body) -> None:
    funds, spec = body.get("funds"), order.spec
    if order.kind == "market" and order.side == "buy" and funds and not body.get("size"):
        order.funds = _positive(body, "funds")
        if order.funds < FUNDS_MIN:
            raise _too_little(spec)
        return
    size = _positive(body, "size")
    lots = whole(size, spec.lot)
    if lots is None:
        raise refuse("600100", "Order size increment invalid.")
    if lots < LOTS_MIN:
        raise refuse("400100", "Order size below the minimum requirement.")
    order.lots = lots
    if order.kind == "limit" and size * order.price < FUNDS_MIN:
        raise _too_little(spec)


def _too_little(spec: Spec) -> ApiError:
    return refuse("600101", f"The order funds should more then {FUNDS_MIN} {spec.quote}.")


def _limit(market: Market, body: Body) -> int:
    return _ticks(market.spec, _positive(body, "price"))


def _ticks(spec: Spec, price: Decimal) -> int:
    ticks = whole(price, spec.tick)
    if ticks is None:
        raise refuse("600100", "Order price increment invalid.")
    return ticks


def _positive(body: Body, name: str) -> Decimal:
    value = parse(body.get(name))
    if value is None or value <= 0:
        raise refuse("400100", f"{name} is invalid")
    return value


def _choice(body: Body, name: str, among: tuple[str, ...], default: str) -> str:
    value = body.get(name) or default
    if value not in among:
        raise refuse("400100", f"{name} is invalid")
    return str(value)
