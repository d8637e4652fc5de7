"""Lists in pieces: pages with numbers, cursors, and the filters queries share."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from liveopt.exchange_sim.amounts import parse
from liveopt.exchange_sim.api import ApiError, Call
from liveopt.exchange_sim.orders import Order

T = TypeVar("T")
AnOrder = TypeVar("AnOrder", bound=Order)


def whole_number(call: Call, name: str, default: int, most: int = 2**53) -> int:
    """A whole number in the query."""
    said = call.query.get(name, "")
    if not said:
        return default
    value = parse(said)
    if value is None or value != int(value) or value > most:
        raise ApiError("400100", f"{name} is invalid")
    return int(value)


def page(call: Call, items: Iterable[T], row: Callable[[T], Any], most: int = 1_000) -> Any:
    """The page the query asks for, with the numbers of all."""
    every = list(items)
    size = max(1, whole_number(call, "pageSize", 50, most))
    current = max(1, whole_number(call, "currentPage", whole_number(call, "pageNum", 1)))
    shown = every[(current - 1) * size : current * size]
    return {
        "currentPage": current,
        "pageSize": size,
        "totalNum": len(every),
        "totalPage": -(-len(every) // size),
        "items": [row(item) for item in shown],
    }


def asked_for(call: Call, orders: Iterable[AnOrder]) -> Iterator[AnOrder]:
    """Orders of the symbol, side, type and time the query names."""
    start = whole_number(call, "startAt", 0)
    end = whole_number(call, "endAt", 2**53)
    for order in orders:
        said = {"symbol": order.spec.symbol, "side": order.side, "type": order.kind}
        if all(call.query.get(name, "") in {"", value} for name, value in said.items()) and (
            start <= order.at_ns // 1_000_000 <= end
        ):
            yield order


def after_cursor(
    call: Call, items: Iterable[T], number: Callable[[T], int], most: int = 100
) -> tuple[list[T], int]:
    """Items, newest first, older than the cursor `lastId`; and the cursor for what follows."""
    last = whole_number(call, "lastId", 0)
    size = max(1, whole_number(call, "limit", 20, most))
    shown = [item for item in items if not last or number(item) < last][:size]
    return shown, number(shown[-1]) if shown else 0
