"""Every fault there is: its name, what it does, what it takes and which values make sense."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal

Value = str | float
Params = Mapping[str, Value]
Group = Literal["connect", "session", "subscribe", "data", "rest", "trading"]

COMMON: Final[Mapping[str, str]] = {
    "chance": "how likely it is each time (1)",
    "count": "it wears off after so many times",
    "for": "it wears off after so many seconds",
    "topic": "only topics that begin with this",
    "symbol": "only this symbol",
    "venue": "only spot or futures",
    "path": "only REST paths with this in them",
}
"""What every fault takes besides its own parameters."""


class BadFault(ValueError):
    """No such fault, or it does not take that."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One fault: what it does, and its parameters with their usual values."""

    name: str
    group: Group
    text: str
    usual: Params = field(default_factory=dict)


def _kinds(group: Group, *rows: tuple[str, str, Params]) -> tuple[Kind, ...]:
    return tuple(Kind(name, group, text, usual) for name, text, usual in rows)


KINDS: Final[tuple[Kind, ...]] = (
    *_kinds(
        "connect",
        ("bullet-error", "bullet answers with this HTTP status", {"status": 503}),
        ("bullet-slow", "bullet answers late", {"seconds": 3}),
        ("token-life", "tokens given out from now on expire after this", {"seconds": 5}),
        ("token-unsafe", "tokens have + / & in them, which a URL must escape", {}),
        (
            "token-expired",
            "tokens are refused: an error frame and a close, or as=http: status 401",
            {"as": "frame"},
        ),
        ("connect-http", "the WebSocket upgrade answers with this HTTP status", {"status": 503}),
        (
            "connect-509",
            "an error frame 509 instead of the welcome, then a close",
            {"text": "exceed max session count limitation of 50"},
        ),
        ("connect-close", "the socket closes right after its welcome", {"code": 1000}),
        ("welcome-late", "the welcome comes late", {"seconds": 3}),
        ("welcome-never", "the welcome never comes; subscriptions are served", {}),
    ),
    *_kinds(
        "session",
        (
            "ping-rule",
            "seconds a client may be silent, and how often an error frame says so",
            {"seconds": 60, "frame": 0.5},
        ),
        ("session-life", "connections are cut at this age", {"seconds": 60, "code": 1000}),
        ("ws-cut", "all sockets are closed with this code", {"every": 30, "code": 1000}),
        ("ws-reset", "all sockets are reset without a close frame", {"every": 30}),
        ("half-open", "bytes are taken and nothing is sent, pongs neither", {}),
        ("pong-stall", "no pongs while the data goes on", {}),
        ("pong-late", "pongs come late", {"seconds": 5}),
        ("protocol-pong-stall", "WebSocket pings stay unanswered", {}),
        ("data-stop", "no pushes while the pongs go on", {}),
        ("freeze", "the topic (topic=, symbol=) is silent", {}),
    ),
    *_kinds(
        "subscribe",
        ("ack-late", "acks come late", {"seconds": 2}),
        ("ack-never", "subscriptions are served but never acked", {}),
        ("ack-after-data", "the ack comes after the first push", {}),
        ("subscribe-error", "refused with 400, 403, 404, 406, 415, 500 or 509", {"code": 509}),
        ("trailing-pushes", "pushes still come for a while after unsubscribe", {"seconds": 1}),
    ),
    *_kinds(
        "data",
        ("duplicate", "pushes are sent again", {"copies": 2}),
        ("reorder", "pushes are shuffled within so many frames of a topic", {"window": 4}),
        ("gap", "pushes are lost", {"chance": 0.05}),
        ("burst", "pushes are held back and come all at once", {"seconds": 2}),
        ("replay", "a subscription begins with the topic's last pushes, again", {"frames": 20}),
        ("unknown-fields", "frames and their data have fields nobody knows", {}),
        ("unknown-topic", "a push of a topic nobody asked for comes along", {"chance": 0.05}),
        ("bad-json", "a frame is cut in the middle", {"chance": 0.02}),
        ("binary", "the push comes in a binary frame", {"chance": 0.05}),
        ("sequence-reset", "sequences start again at 1", {}),
        ("price-zero", "half of a spot book's changes have price 0: they only count", {}),
        ("clock-skew", "the server's clock is off: timestamp and the signature check", {"ms": 6e3}),
        ("wrong-unit", "nanosecond times of trades and tickers are milliseconds", {}),
        ("price-spike", "trades are shown at a price so many times too high", {"factor": 1.2}),
        ("one-sided", "this side of the books is shown empty", {"side": "asks"}),
        ("candle-add", "the first push of a bar is trade.candles.add", {}),
        ("zero-bars", "bars without trades are pushed flat, with volume 0, late", {}),
        ("late-bars", "candle pushes come late", {"seconds": 5}),
        ("skip-bars", "bars whose minute divides by this are not pushed", {"nth": 5}),
    ),
    *_kinds(
        "rest",
        (
            "rest-429",
            "429000; headers=0 leaves the gw-ratelimit headers out (reset in ms)",
            {"headers": 1, "reset": 2000},
        ),
        ("rest-1015", "HTTP 429 with a page of the edge instead of JSON", {}),
        ("rest-html", "an HTML page with this status", {"status": 502}),
        ("rest-code", "HTTP 200 with this code instead of 200000", {"code": "500000"}),
        ("rest-slow", "answers come late", {"seconds": 3}),
        ("rest-timeout", "the call is executed, and its answer does not come", {"seconds": 60}),
        ("rest-reset", "the call is executed, and the connection is reset", {}),
        ("rest-bad-json", "half an answer", {}),
        ("partial-page", "pages hold half of their items", {}),
        ("candles-empty", "no candles", {}),
        ("candles-stale", "the newest candles are missing", {"minutes": 5}),
        ("candles-short", "so many candles at most", {"rows": 10}),
        ("trades-stale", "the newest trades are missing", {"seconds": 60}),
        ("contract-duplicate", "the first contract is listed twice", {}),
    ),
    *_kinds(
        "trading",
        ("order-invisible", "younger orders are not found, whoever asks", {"seconds": 2}),
        ("reject-async", "an accepted order is cancelled at once, as if matching refused it", {}),
        ("fill-before-cancel", "a resting order is filled just before it is cancelled", {}),
        ("stop-refused", "a stop triggers, and the order it stands for is refused", {}),
        ("duplicate-pushes", "private pushes are sent so many times", {"copies": 2}),
        ("lost-pushes", "private pushes (of topics that begin with topic=) are not sent", {}),
        ("margin-mode-mismatch", "futures orders are refused with 330005", {}),
        ("hedge-mode", "futures orders are refused with 330012: the account hedges", {}),
        ("insufficient-balance", "orders are refused for lack of balance", {}),
        ("suspended", "orders and cancels are refused: futures 300002, spot 200001", {}),
        ("liquidate", "every open position is liquidated at the next moment", {}),
        ("deleverage", "half of every position is closed by ADL at the next moment", {}),
    ),
)
LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "chance": (0.0, 1.0),
    "count": (1.0, inf),
    "every": (0.1, inf),
    "factor": (1e-6, 1e6),
    "frame": (0.0, 1.0),
    "ms": (-inf, inf),
    "nth": (1.0, inf),
    "status": (200.0, 599.0),
}
"""Least and most of a number; others are from 0."""
CLOSE_CODES: Final = frozenset({*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)})
"""Those that may stand in a close frame (RFC 6455, 7.4)."""
TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "venue": ("spot", "futures"),
    "side": ("asks", "bids"),
    "as": ("frame", "http"),
}
REFUSALS: Final = frozenset({400, 403, 404, 406, 415, 500, 509})


def check(kind: Kind, params: Params) -> None:
    """Refuse what the fault does not take, and values that make no sense."""
    usual = {**dict.fromkeys(COMMON, ""), "chance": 1.0, "count": 1.0, "for": 1.0, **kind.usual}
    for key, value in params.items():
        if key not in usual:
            raise BadFault(f"{kind.name} takes no {key!r}; it takes {', '.join(sorted(usual))}")
        why = _objection(kind, key, value)
        if why:
            raise BadFault(f"{kind.name}: {key}={_short(value)} {why}")


def _objection(kind: Kind, key: str, value: Value) -> str:
    """What is wrong with a value, or nothing."""
    if kind.name == "rest-code" and key == "code":
        return ""  # written as it is, a number or a text
    if key in {"chance", "count", "for"} or isinstance(kind.usual.get(key), int | float):
        return "is no number" if isinstance(value, str) else _misfit(kind, key, value)
    if not isinstance(value, str):
        return "is no text"
    allowed = TEXTS.get(key, (value,))
    return "" if value in allowed else f"is none of {', '.join(allowed)}"


def _misfit(kind: Kind, key: str, value: float) -> str:
    if key == "code":
        codes = REFUSALS if kind.name == "subscribe-error" else CLOSE_CODES
        return "" if value in codes else "is no code that could be sent there"
    least, most = LIMITS.get(key, (0.0, inf))
    return "" if least <= value <= most else f"is not within {least:g} and {most:g}"


def _short(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
