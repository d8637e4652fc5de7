"""HTTP for one host: a request finds its route, passes the gates, and gets KuCoin's envelope."""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from liveopt.exchange_sim.api import ApiError, Call, Route
from liveopt.exchange_sim.auth import WINDOW_MS, Auth
from liveopt.exchange_sim.cut import cut
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.frames import encode
from liveopt.exchange_sim.kinds import Params
from liveopt.exchange_sim.limits import Quotas
from liveopt.exchange_sim.specs import Venue

NOT_FOUND: Final = {"code": "404", "msg": "Not Found", "retry": False, "success": False}
EDGE_PAGE: Final = (
    b"<!DOCTYPE html><html><head><title>Access denied</title></head>"
    b"<body><h1>Error 1015</h1><p>You are being rate limited</p></body></html>"
)
NO_HEADERS: Final = frozenset({("futures", "/api/v1/timestamp")})
"""Where the exchange leaves the gw-ratelimit headers out."""
BULLET_CODES: Final = {401: "400003", 403: "400006", 429: "429000", 503: "503000"}

Given = tuple[Route, Mapping[str, str]]


class Directory:
    """Routes by method and path; literal paths win over those with names in them."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._literal: dict[tuple[str, str], Route] = {}
        self._named: list[tuple[re.Pattern[str], Route]] = []
        for route in routes:
            if "{" in route.template:
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.template)
                self._named.append((re.compile(pattern), route))
            else:
                key = (route.method, route.template)
                assert key not in self._literal
                self._literal[key] = route

    def find(self, method: str, path: str) -> Given | None:
        """The route of a request and what its path names."""
        literal = self._literal.get((method, path))
        if literal is not None:
            return literal, {}
        for pattern, route in self._named:
            found = pattern.fullmatch(path) if route.method == method else None
            if found:
                return route, found.groupdict()
        return None


class ServerTime:
    """The clock that signatures are checked with."""

    def __init__(
        self,
        now_ms: Callable[[], int],
        wall_ms: Callable[[], int] | None,
        skew_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._now_ms = now_ms
        self._wall_ms = wall_ms
        """Set where market time is not everybody's: accelerated, or begun at another time."""
        self._skew_ms = skew_ms
        """By how much the server's clock is off, on the market and on the wall."""
        self._begun_ms = now_ms()

    def for_stamp(self, stamp: str) -> int:
        """The moment to compare a request's time with.

        On a market of its own time, clients sign by their own clocks or by an offset measured a
        while ago; both are taken.
        """
        skew_ms = self._skew_ms()
        now_ms = self._now_ms() + skew_ms
        if self._wall_ms is None or not stamp.isdigit():
            return now_ms
        said_ms, wall_ms = int(stamp[:20]), self._wall_ms()
        server_ms = wall_ms + skew_ms
        if min(abs(said_ms - wall_ms), abs(said_ms - server_ms)) <= WINDOW_MS:
            return server_ms
        begun_ms = self._begun_ms + skew_ms - WINDOW_MS
        return said_ms if begun_ms <= said_ms <= now_ms else now_ms


class Host:
    """REST of one venue."""

    def __init__(
        self, venue: Venue, routes: Iterable[Route], auth: Auth, time: ServerTime, faults: Faults
    ) -> None:
        self.venue = venue
        self._directory = Directory(routes)
        self._auth = auth
        self._time = time
        self._faults = faults
        self.quotas = Quotas()

    async def answer(self, request: web.Request) -> web.Response:
        """The whole way of one request."""
        where = {
            "path": request.path,
            "venue": self.venue,
            "symbol": request.query.get("symbol", ""),
        }
        spoiled = self._refused_by_fault(where)
        if spoiled is not None:
            return spoiled
        given = self._directory.find(request.method, request.path)
        if given is None:
            return _json(NOT_FOUND, 404)
        body = await request.read()
        passed, headers = self._admit(request, given[0])
        if (self.venue, request.path) in NO_HEADERS:
            headers = {}
        if not passed:
            return _json({"code": "429000", "msg": "Too Many Requests"}, 429, headers)
        status, said = self._call(request, given, body)
        return await self._sent(request, _json(said, status, headers), where)

    def _admit(self, request: web.Request, route: Route) -> tuple[bool, dict[str, str]]:
        by_user = route.signed and route.pool != "public"
        who = request.headers.get("KC-API-KEY", "") if by_user else request.remote or ""
        now_s = asyncio.get_running_loop().time()
        return self.quotas.take(route.pool, who, route.weight, now_s)

    def _call(self, request: web.Request, given: Given, body: bytes) -> tuple[int, dict[str, Any]]:
        route, names = given
        try:
            user = self._signed_by(request, body) if route.signed else ""
            call = Call(names, dict(request.query), _object(body), user)
            data = route.answer(call)
        except ApiError as refusal:
            return refusal.status, {"code": refusal.code, "msg": refusal.text}
        if isinstance(data, dict) and isinstance(items := data.get("items"), list):
            half = self._faults.strike("partial-page", path=request.path, venue=self.venue)
            if half is not None:
                data = data | {"items": items[: len(items) // 2]}
        return 200, {"code": "200000", "data": data}

    def _signed_by(self, request: web.Request, body: bytes) -> str:
        stamp = request.headers.get("KC-API-TIMESTAMP", "")
        now_ms = self._time.for_stamp(stamp)
        return self._auth.check(request.method, request.raw_path, request.headers, body, now_ms)

    def _refused_by_fault(self, where: Mapping[str, str]) -> web.Response | None:
        """Answers that stand in front of the exchange: nothing was executed."""
        strike = self._faults.strike
        if strike("rest-1015", **where):
            return web.Response(status=429, body=EDGE_PAGE, content_type="text/html")
        if html := strike("rest-html", **where):
            page = f"<html><body><h1>{int(html['status'])}</h1></body></html>"
            return web.Response(status=int(html["status"]), text=page, content_type="text/html")
        if many := strike("rest-429", **where):
            return _json({"code": "429000", "msg": "Too Many Requests"}, 429, _spent(many))
        if odd := strike("rest-code", **where):
            code = odd["code"]
            text = str(int(code)) if isinstance(code, float | int) else code
            return _json({"code": text, "msg": "Internal Server Error"}, 200)
        if "/bullet-" in where["path"] and (bullet := strike("bullet-error", **where)):
            status = int(bullet["status"])
            return _json({"code": BULLET_CODES.get(status, "500000"), "msg": "fault"}, status)
        return None

    async def _sent(
        self, request: web.Request, response: web.Response, where: Mapping[str, str]
    ) -> web.Response:
        """Faults on the way back: the call was executed."""
        strike = self._faults.strike
        if "/bullet-" in where["path"] and (slow := strike("bullet-slow", **where)):
            await asyncio.sleep(float(slow["seconds"]))
        if slow := strike("rest-slow", **where):
            await asyncio.sleep(float(slow["seconds"]))
        late = strike("rest-timeout", **where)
        if late is not None:
            await asyncio.sleep(float(late["seconds"]))
        if late is not None or strike("rest-reset", **where):
            if isinstance(request.transport, asyncio.Transport):
                cut(request.transport)
        elif strike("rest-bad-json", **where):
            assert isinstance(response.body, bytes)
            half = response.body[: len(response.body) // 2]
            return web.Response(body=half, content_type="application/json")
        return response


def _object(body: bytes) -> Mapping[str, Any]:
    """The JSON of a body; a list goes by the name `list`."""
    if not body.strip():
        return {}
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError("400100", "Request body is not valid JSON", 400) from error
    if isinstance(said, list):
        return {"list": said}
    if not isinstance(said, dict):
        raise ApiError("400100", "Request body is not an object", 400)
    return said


def _spent(fault: Params) -> dict[str, str]:
    if not fault["headers"]:
        return {}
    return {
        "gw-ratelimit-limit": "2000",
        "gw-ratelimit-remaining": "0",
        "gw-ratelimit-reset": str(int(float(fault["reset"]))),
    }


def _json(said: Any, status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=encode(said), status=status, headers=headers, content_type="application/json"
    )
