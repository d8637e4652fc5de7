"""The first thing that sees a request, and the last that sees its answer: nothing is heard before.

A page of somebody else's site cannot forge Host, Origin and Sec-Fetch-Site; so a request that they
do not make ours is refused before anything is looked up for it.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from multidict import MultiMapping

from liveopt.guard.clock import WALL
from liveopt.web.errors import Problem, body_of
from liveopt.web.seldom import Seldom
from liveopt.web.static import PROGRAMS

log = structlog.get_logger()

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; font-src 'self'; manifest-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
FETCH_SITES: Final = frozenset({"same-origin", "none"})
OTHER_SITES: Final = (["same-site"], ["cross-site"])
LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Fence:
    """Judges the head of a request."""

    hosts: Collection[str]
    """Names with their port, in lower case."""
    scheme: str = "http"
    here: frozenset[str] = frozenset()
    """Those of them at which nobody stands between."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """What a page calls itself at those of them where a proxy was named."""

    def judge(
        self, target: str, headers: MultiMapping[str], *, is_page: bool = False
    ) -> Problem | None:
        """None if it may pass; `is_page` is whether a page of the dashboard would be answered."""
        hosts, origins = headers.getall("Host", []), headers.getall("Origin", [])
        if not target.startswith("/") or len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return Problem(403, "FORBIDDEN_HOST", "this service answers to its own name only")
        if any(origin.lower() not in self._own(hosts[0].lower()) for origin in origins):
            return Problem(403, "FORBIDDEN_ORIGIN", "a page of another origin may not ask here")
        sites = headers.getall("Sec-Fetch-Site", [])
        if not FETCH_SITES.issuperset(sites) and not (is_page and _is_followed(headers)):
            return Problem(403, "FORBIDDEN_SITE", "a page of another site may not ask here")
        if "Content-Encoding" in headers:
            return Problem(415, "UNSUPPORTED_ENCODING", "send the body as it is, not compressed")
        return None

    def _own(self, host: str) -> tuple[str, ...]:
        """What our own pages call themselves; a proxy may speak TLS for a name of the settings."""
        if host in self.origins:
            return (self.origins[host],)
        plain = f"{self.scheme}://{host}"
        return (plain,) if host in self.here else (plain, f"https://{host}")


def _is_followed(headers: MultiMapping[str]) -> bool:
    """Whether a person follows a link in a window of its own, from wherever it stands.

    A page of the dashboard is the same for everybody and has nothing in it; what it asks for
    then is judged by itself. Fetch Metadata (W3C): no script can say these words.
    """
    return (
        headers.getall("Sec-Fetch-Site", []) in OTHER_SITES
        and headers.getall("Sec-Fetch-Mode", []) == ["navigate"]
        and headers.getall("Sec-Fetch-Dest", []) == ["document"]
    )


def local_hosts(port: int) -> frozenset[str]:
    """The names of this machine for itself."""
    return frozenset(f"{name}:{port}" for name in LOCAL)


@dataclass(slots=True)
class Gatekeeper:
    """The outermost middleware: judges, names the request, makes JSON of whatever goes wrong."""

    fence: Fence
    count: Callable[[tuple[str, str, int], float], None]
    """Told of every answer: method, path of the table, status, and how long it took."""
    _refused: defaultdict[int, Seldom] = field(default_factory=lambda: defaultdict(Seldom))
    """By status."""

    def middleware(self) -> Middleware:
        """For `web.Application`."""

        @web.middleware
        async def first(request: web.Request, handler: Handle) -> web.StreamResponse:
            return await self._first(request, handler)

        return first

    async def _first(self, request: web.Request, handler: Handle) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        began_s, name = loop.time(), secrets.token_hex(8)
        structlog.contextvars.bind_contextvars(request_id=name)
        heard = getattr(request.protocol, "heard", None)
        if heard is not None:
            heard()
        denied = self.fence.judge(request.raw_path, request.headers, is_page=_is_page(request))
        if denied is None:
            answer = await self._heard(request, handler, name)
        else:
            answer = refusal(denied, name)
            answer.force_close()
        if not answer.prepared:
            answer.headers["X-Request-ID"] = name
        took_s = loop.time() - began_s
        what = (_word(request.method), template(request), answer.status)
        self.count(what, took_s)
        self._note(what, loop.time(), took_s)
        return answer

    def _note(self, what: tuple[str, str, int], now_s: float, took_s: float) -> None:
        """What is refused anybody can ask for: of each kind a line a second, with their number."""
        method, route, status = what
        if status < 400 and method == "GET":
            return
        said = {"took_ms": round(took_s * 1e3, 2)}
        if 400 <= status < 500:
            if not (times := self._refused[status].due(now_s)):
                return
            said["times"] = times
        log.info("request", method=method, route=route, status=status, **said)

    async def _heard(self, request: web.Request, handler: Handle, name: str) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as problem:
            return refusal(problem, name)
        except web.HTTPException as error:
            return refusal(_problem(error), name)
        except (ConnectionError, asyncio.CancelledError):
            raise  # nobody is there any more
        except Exception:  # a bug costs one answer; the log has all of it, and nobody else
            log.exception("a handler failed", route=template(request))
            why = "this is a fault of liveopt; its log says more"
            return refusal(Problem(500, "INTERNAL_ERROR", why), name)


def _is_page(request: web.Request) -> bool:
    """Whether a page of the dashboard is asked for, be it the one that says there is none."""
    places = [path.split("/", 2)[1:2] for path in (request.path, template(request))]
    return request.method == "GET" and all([name] not in places for name in PROGRAMS)


def dress(answer: web.StreamResponse) -> None:
    """The headers that every answer has."""
    for header, value in HEADERS.items():
        answer.headers.setdefault(header, value)
    answer.headers["Server"] = "liveopt"


def refusal(problem: Problem, name: str = "") -> web.Response:
    """An error as an answer."""
    answer = web.Response(
        body=body_of(problem, name, WALL()),
        status=problem.status,
        content_type="application/json",
        headers=problem.headers,
    )
    dress(answer)
    if name:
        answer.headers["X-Request-ID"] = name
    return answer


def template(request: web.Request) -> str:
    """The path as the table has it: what somebody wrote into it is not logged."""
    resource = request.match_info.route.resource
    return "(none)" if resource is None else resource.canonical


def _word(method: str) -> str:
    return method if method.isalpha() and len(method) <= 8 else "(odd)"


def _problem(error: web.HTTPException) -> Problem:
    match error:
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            why = f"this path takes {allowed}"
            return Problem(405, "METHOD_NOT_ALLOWED", why, headers={"Allow": allowed})
        case web.HTTPServiceUnavailable():
            why, after = "there are too many already", error.headers.get("Retry-After", "5")
            return Problem(503, "BUSY", why, headers={"Retry-After": after})
        case web.HTTPNotFound():
            return Problem(404, "NOT_FOUND", "there is nothing at this path")
        case web.HTTPRequestEntityTooLarge():
            return Problem(413, "BODY_TOO_LARGE", "the body is larger than this path takes")
        case _:
            return Problem(error.status, "BAD_REQUEST", error.reason)
