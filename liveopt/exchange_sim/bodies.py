"""Bodies of requests: what each field is, so that nothing ill-typed gets further than the door."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from liveopt.exchange_sim.api import ApiError, Call, Method

FLAGS: Final = frozenset({
    "closeOrder", "forceHold", "hidden", "iceberg", "postOnly", "reduceOnly", "status",
})  # fmt: skip
NUMBERS: Final = frozenset({
    "allowMaxTimeWindow", "amount", "cancelAfter", "clientTimestamp", "funds", "level", "leverage",
    "margin", "newPrice", "newSize", "price", "qty", "size", "stopPrice", "timeout",
    "triggerStopDownPrice", "triggerStopUpPrice", "valueQty", "visibleSize", "withdrawAmount",
})  # fmt: skip
TEXTS: Final = frozenset({
    "clientOid", "currency", "from", "fromAccountType", "marginMode", "orderId", "payAccountType",
    "positionSide", "recAccountType", "remark", "side", "stop", "stopPriceType", "stp", "symbol",
    "tags", "timeInForce", "to", "toAccountType", "type",
})  # fmt: skip
LISTS: Final = frozenset({"list", "orderList", "clientOidsList"})
"""Of objects."""


def check_body(body: Mapping[str, Any]) -> None:
    """Refuses a field that is no flag, number, text or list where it should be one; null is none.

    As the exchange's parser does, the whole request is refused, also where one of a batch is bad.
    """
    for name, value in body.items():
        if value is None:
            continue
        if not _fits(name, value):
            raise ApiError("400100", f"{name} is invalid", 400)
        if name in LISTS:
            for one in value:
                check_body(one)


def typed(method: Method, answer: Callable[[Call], Any]) -> Callable[[Call], Any]:
    """The same endpoint, refusing ill-typed bodies first."""
    if method == "GET":
        return answer

    def checked(call: Call) -> Any:
        check_body(call.body)
        return answer(call)

    return checked


def _fits(name: str, value: object) -> bool:
    fits = True
    if name in FLAGS:
        fits = isinstance(value, bool) or value in ("true", "false")
    elif name in NUMBERS:
        fits = isinstance(value, str | int | float) and not isinstance(value, bool)
    elif name in TEXTS:
        fits = isinstance(value, str)
    elif name in LISTS:
        fits = _holds(value, Mapping)
    elif name == "orderIdsList":
        fits = _holds(value, str)
    elif name == "symbols":  # a list where modes are changed, a text where a switch is armed
        fits = isinstance(value, str) or _holds(value, str)
    return fits


def _holds(value: object, kind: type[Any]) -> bool:
    return isinstance(value, list) and all(isinstance(one, kind) for one in value)
