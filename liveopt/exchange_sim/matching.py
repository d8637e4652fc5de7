"""How an order goes into the book: post-only, fill-or-kill, and not against oneself."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from liveopt.exchange_sim.floor import Floor, reachable
from liveopt.exchange_sim.orders import Order

AnOrder = TypeVar("AnOrder", bound=Order)


def match(
    floor: Floor, order: AnOrder, own: Iterable[AnOrder], cancel: Callable[[AnOrder, int], None]
) -> None:
    """Trades what the order can take; then what is left rests, or is cancelled.

    `own` are the resting orders of the same account, oldest first.
    """
    market = floor.exchange.markets[order.spec.symbol]
    levels = reachable(market, order.side, order.ticks)
    if (order.post_only and levels) or (
        order.tif == "FOK" and sum(lots for _, lots in levels) < order.remaining
    ):
        cancel(order, order.remaining)
        return
    if order.stp:
        _keep_apart(floor, order, list(own), cancel)
    rest = order.kind == "limit" and order.tif not in {"IOC", "FOK"}
    if order.remaining and not order.done:
        order.resting = rest
        floor.submit(order, order.ticks, order.remaining, rest)
    if not order.done and not rest and order.remaining:
        cancel(order, order.remaining)


def _keep_apart(
    floor: Floor, order: AnOrder, own: list[AnOrder], cancel: Callable[[AnOrder, int], None]
) -> None:
    """Self-trade prevention: the exchange's CN, CO, CB and DC, best-priced own order first."""
    buy = order.side == "buy"
    facing = [
        other
        for other in own
        if other.resting
        and other.side != order.side
        and other is not order
        and _meets(order, other)
    ]
    facing.sort(key=lambda other: (other.ticks or 0) if buy else -(other.ticks or 0))
    for other in facing:
        if _ended(order, other):
            continue
        if order.stp == "CO":
            cancel(other, other.remaining)
            continue
        better = (other.ticks or 0) + (-1 if buy else 1)
        floor.submit(order, better, order.remaining, rest=False)
        if not _ended(order, other):
            _part(order, other, cancel)


def _part(order: AnOrder, other: AnOrder, cancel: Callable[[AnOrder, int], None]) -> None:
    """Two orders of one account have met: CN and CB end the newer, DC both by the smaller."""
    both = min(order.remaining, other.remaining)
    if order.stp in {"CB", "DC"}:
        cancel(other, other.remaining if order.stp == "CB" else both)
    if not order.done:
        cancel(order, both if order.stp == "DC" else order.remaining)


def _ended(*orders: Order) -> bool:
    return any(order.done for order in orders)


def _meets(order: Order, other: Order) -> bool:
    if order.ticks is None or other.ticks is None:
        return True
    return order.ticks >= other.ticks if order.side == "buy" else order.ticks <= other.ticks
