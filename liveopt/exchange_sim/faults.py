"""What can go wrong on purpose: every fault by name, what it takes, and which ones are on."""

import difflib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
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
)


class BadFault(ValueError):
    """No such fault, or it does not take that."""


@dataclass(slots=True)
class Active:
    """A fault that is on."""

    kind: Kind
    params: dict[str, Value]
    until_s: float
    left: float
    due_s: float
    """When one that comes `every` so many seconds is next due."""


class Faults:
    """The board: who asks whether a fault strikes asks here, and gets its parameters or None."""

    def __init__(self, kinds: Iterable[Kind], seed: int, clock: Callable[[], float]) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.clock = clock
        self.chance = random.Random(f"faults {seed}")  # noqa: S311 - luck, not secrets
        self.struck: Counter[str] = Counter()
        self.changed: list[Callable[[], None]] = []
        """Told whenever a fault goes on or off."""
        self._on: dict[str, list[Active]] = {}

    def turn_on(self, name: str, params: Params) -> Active:
        """Switch a fault on; it replaces itself at the same topic, symbol, venue, path."""
        kind = self.check(name, params)
        full = {"chance": 1.0, **kind.usual, **params}
        now_s, ever = self.clock(), float("inf")
        active = Active(
            kind,
            full,
            until_s=now_s + float(full.get("for", ever)),
            left=float(full.get("count", ever)),
            due_s=now_s + float(full.get("every", ever)),
        )
        self._on[kind.name] = [
            one for one in self._on.get(kind.name, []) if _place(one) != _place(active)
        ] + [active]
        self._tell()
        return active

    def check(self, name: str, params: Params) -> Kind:
        """The fault of that name, if it takes these parameters."""
        kind = self.kind(name)
        known = {*kind.usual, *COMMON}
        if kind.group == "trading":
            known |= {"seconds", "copies"}
        for key in params:
            if key not in known:
                raise BadFault(f"{kind.name} takes no {key!r}; it takes {', '.join(sorted(known))}")
        _check(kind, {**kind.usual, **params})
        return kind

    def turn_off(self, name: str) -> None:
        """Switch a fault off, wherever it was on."""
        self._on.pop(self.kind(name).name, None)
        self._tell()

    def clear(self) -> None:
        """Switch all faults off."""
        self._on.clear()
        self._tell()

    def kind(self, name: str) -> Kind:
        """The fault of that name; dashes and underscores are the same."""
        plain = name.strip().lower().replace("_", "-")
        if plain not in self.kinds:
            near = difflib.get_close_matches(plain, self.kinds, 1)
            hint = f"did you mean {near[0]}?" if near else "liveopt sim --list-faults names them"
            raise BadFault(f"no fault {name!r}; {hint}")
        return self.kinds[plain]

    def now(self, group: Group | None = None) -> list[Active]:
        """The faults that are on (of a group)."""
        self._expire()
        return [
            one
            for actives in self._on.values()
            for one in actives
            if group is None or one.kind.group == group
        ]

    def strike(self, name: str, **where: str) -> Params | None:
        """Whether the fault strikes here and now, by its chance; counts it."""
        active = self._find(name, where)
        if active is None:
            return None
        chance = float(active.params.get("chance", 1.0))
        if chance < 1.0 and self.chance.random() >= chance:
            return None
        self._count(active)
        return active.params

    def due(self, *names: str) -> list[Active]:
        """Faults that come every so often and whose time has come; they are counted."""
        now_s = self.clock()
        found = [one for one in self.now() if one.kind.name in names and now_s >= one.due_s]
        for one in found:
            one.due_s = now_s + float(one.params["every"])
            self._count(one)
        return found

    def holds(self, name: str, **where: str) -> Params | None:
        """The parameters of a state that is on, without counting or luck."""
        active = self._find(name, where)
        return None if active is None else active.params

    def _count(self, active: Active) -> None:
        name = active.kind.name
        self.struck[name] += 1
        active.left -= 1
        if active.left <= 0:
            self._on[name] = [one for one in self._on[name] if one is not active]
            self._tell()

    def _find(self, name: str, where: Mapping[str, str]) -> Active | None:
        actives = self._on.get(name)
        if not actives:
            return None
        now_s = self.clock()
        for one in actives:
            if now_s < one.until_s and _here(one.params, where):
                return one
        return None

    def _expire(self) -> None:
        now_s = self.clock()
        for name, actives in list(self._on.items()):
            alive = [one for one in actives if now_s < one.until_s]
            if alive:
                self._on[name] = alive
            else:
                del self._on[name]

    def _tell(self) -> None:
        for told in self.changed:
            told()


def _place(active: Active) -> tuple[Value, ...]:
    return tuple(active.params.get(key, "") for key in ("topic", "symbol", "venue", "path"))


def _here(params: Params, where: Mapping[str, str]) -> bool:
    for key in ("symbol", "venue"):
        if key in params and where.get(key, params[key]) != params[key]:
            return False
    if "topic" in params and not where.get("topic", "").startswith(str(params["topic"])):
        return False
    return "path" not in params or str(params["path"]) in where.get("path", "")


def _check(kind: Kind, params: Params) -> None:
    usual = {**kind.usual, "chance": 1.0, "count": 1.0, "for": 1.0}
    for key, value in params.items():
        if isinstance(usual.get(key), int | float):
            if isinstance(value, str):
                raise BadFault(f"{kind.name}: {key}={value} is no number")
            if value < 0 and key != "ms":
                raise BadFault(f"{kind.name}: {key} cannot be negative")
    if "every" in params and float(params["every"]) < 0.1:
        raise BadFault(f"{kind.name}: every must be 0.1 s at least")


def parse_faults(text: str) -> list[tuple[str, Params]]:
    """Faults as the command line spells them: `pong-stall,ws-cut:every=30:code=1001`."""
    found: list[tuple[str, Params]] = []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, *pairs = re.split(r":(?=\w+=)", part)
        if ":" in name or not name:
            raise BadFault(f"{part!r} is no fault; write name:key=value:key=value")
        found.append((name, {k: number(v) for k, _, v in (p.partition("=") for p in pairs)}))
    return found


def number(text: str) -> Value:
    """A value as a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text
