"""From a request to an answer, for every route alike: who asks, how often, with which words."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiohttp import ClientError, web
from multidict import MultiMapping

from liveopt.web.call import NOBODY, PERSON, Answered, Call, Raw, Route, Service, Subject
from liveopt.web.errors import KEY_TEXT, NO_JSON, Problem
from liveopt.web.idempotency import Idempotency
from liveopt.web.limits import BODY_S, Left
from liveopt.web.sessions import COOKIE, SESSION_S

JSON: Final = "application/json"
LENIENT_BODY_S: Final = 0.25
"""How long a stop listens to its words; without them it halts all the same."""
PROTOCOL: Final = "ticket."
SECOND_NS: Final = 1_000_000_000
WHOLE_MAX: Final = 1 << 53
_encode: Final = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Answering:
    """One service; `answer` is what each route of the table leads to."""

    service: Service
    secure: bool = False
    """Whether it is reached over TLS only: then cookies are too."""
    _idempotency: Idempotency = field(default_factory=Idempotency)

    async def answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        """The whole way."""
        subject = self._subject(route, request)
        left = self._spend(route, request, subject)
        if route.tag == "socket":
            return await self.service.stream.handle(request)
        headers = {} if left is None else left.headers
        try:
            found = await self._answered(route, request, subject)
        except Problem as problem:
            problem.headers.update(headers)
            raise
        found.headers.update(headers)
        return found

    async def _answered(self, route: Route, request: web.Request, subject: Subject) -> web.Response:
        body = await self._body(route, request)
        _without_keys(request, b"" if route.lenient else body)
        call = Call(self.service, request, subject, request.match_info)
        call.query = _query(route, request)

        async def act() -> web.Response:
            call.body = _parsed(route, body, request)
            return self._said(route, await route.handler(call))

        key = request.headers.get("Idempotency-Key")
        if key is None or not route.mutates or route.lenient:
            return await act()
        return await self._idempotency.once((subject.name, _place(request), key), body, act)

    # Who asks

    def _subject(self, route: Route, request: web.Request) -> Subject:
        if route.scope is None:
            return NOBODY
        subject = self._known(request)
        if subject is None:
            raise self._unknown(request)
        if not subject.may(route.scope):
            why = f"this needs the scope {route.scope}; {subject.name} does not have it"
            raise Problem(403, "FORBIDDEN_SCOPE", why, {"scope": route.scope})
        return subject

    def _known(self, request: web.Request) -> Subject | None:
        """By a key, by a ticket for the socket, or by a session."""
        given = _key_of(request.headers)
        loop, wall_ns = asyncio.get_running_loop(), self.service.wall()
        if given is not None:
            key = self.service.keys.find(given, loop.time(), wall_ns)
            return None if key is None else Subject(f"key {key.id}", frozenset(key.scopes))
        ticket = _ticket_of(request.headers)
        if ticket is not None:
            who = self.service.sessions.redeem(ticket, wall_ns / SECOND_NS)
            return None if who is None else Subject(who, frozenset({"read"}))
        cookie = request.cookies.get(COOKIE)
        if cookie is None or request.path == "/ws":  # any page may open a socket with our cookie
            return None
        who = self.service.sessions.find(cookie, wall_ns / SECOND_NS)
        if who is None:
            return None
        if request.method != "GET" and request.headers.get("X-Liveopt") != "1":
            why = "a change from the dashboard carries the header X-Liveopt: 1"
            raise Problem(403, "FORBIDDEN_SITE", why)
        return Subject(who, PERSON)

    def _unknown(self, request: web.Request) -> Problem:
        """Wrong keys are counted, and soon not listened to; the right one always is."""
        if _key_of(request.headers) is None and _ticket_of(request.headers) is None:
            why = "Authorization: Bearer <key>, X-API-Key or a session is missing, or it is over"
            return Problem(401, "MISSING_API_KEY", why, headers={"WWW-Authenticate": "Bearer"})
        now_s = asyncio.get_running_loop().time()
        wait_s = self.service.limits.failed(_address(request), now_s)
        if wait_s:
            why, headers = "too many wrong keys", {"Retry-After": str(wait_s)}
            return Problem(429, "RATE_LIMIT_EXCEEDED", why, headers=headers)
        why = "the key is unknown, expired or revoked"
        return Problem(401, "INVALID_API_KEY", why, headers={"WWW-Authenticate": "Bearer"})

    # How often

    def _spend(self, route: Route, request: web.Request, subject: Subject) -> Left | None:
        now_s = asyncio.get_running_loop().time()
        limits = self.service.limits
        left = limits.spend(subject.name, _address(request), route.kind, now_s)
        if left is not None and not left.allowed:
            self.service.counts.limited_s = now_s
            why = f"{left.limit} requests an hour of this kind; try again in {left.retry_s} s"
            raise Problem(429, "RATE_LIMIT_EXCEEDED", why, headers=left.headers)
        return left

    # With which words

    async def _body(self, route: Route, request: web.Request) -> bytes:
        if not request.can_read_body:
            return b""
        wait_s = LENIENT_BODY_S if route.lenient else BODY_S
        try:
            async with asyncio.timeout(wait_s):
                return await request.clone(client_max_size=route.body_max).read()
        except web.HTTPRequestEntityTooLarge as error:
            if not route.lenient:
                why = f"the body is larger than {route.body_max} bytes"
                raise Problem(413, "BODY_TOO_LARGE", why) from error
        except TimeoutError as error:
            if not route.lenient:
                raise Problem(408, "TIMEOUT", f"the body did not come in {wait_s} s") from error
        except (ClientError, ConnectionError, web.RequestPayloadError) as error:
            if not route.lenient:
                raise Problem(400, "BAD_REQUEST", "the body was cut off") from error
        return b""

    def _said(self, route: Route, found: Any) -> web.Response:
        """What a handler came to, as it goes out."""
        told = found if isinstance(found, Answered) else Answered(found, route.status)
        if isinstance(told.body, Raw):
            response = web.Response(body=told.body.body, status=told.status)
            response.headers["Content-Type"] = told.body.content_type
        else:
            body = told.body if isinstance(told.body, bytes) else _encode(told.body)
            response = web.Response(body=body, status=told.status, content_type=JSON)
        response.headers.update(told.headers)
        if told.cookie:
            response.set_cookie(
                COOKIE, told.cookie, max_age=int(SESSION_S), httponly=True, samesite="Strict",
                secure=self.secure, path="/",
            )  # fmt: skip
        elif told.cookie is not None:
            response.del_cookie(COOKIE, path="/")
        return response


def _key_of(headers: MultiMapping[str]) -> bytes | None:
    """The key that somebody shows; of several none counts."""
    found = [value.strip() for value in headers.getall("X-API-Key", [])]
    for value in headers.getall("Authorization", []):
        kind, _, word = value.partition(" ")
        found.append(word.strip() if kind.lower() == "bearer" else "")
    if not found:
        return None
    return found[0].encode("utf-8", "surrogateescape") if len(set(found)) == 1 else b""


def _ticket_of(headers: MultiMapping[str]) -> str | None:
    for value in headers.getall("Sec-WebSocket-Protocol", []):
        for word in value.split(","):
            if word.strip().startswith(PROTOCOL):
                return word.strip().removeprefix(PROTOCOL)
    return None


def _without_keys(request: web.Request, body: bytes) -> None:
    """What is asked may be journalled, and journals are shown to others."""
    if KEY_TEXT.search(request.path) or KEY_TEXT.search(body.decode("latin-1")):
        why = "an API key belongs into a header, and nowhere else"
        raise Problem(400, "INVALID_PARAMETERS", why)


def _query(route: Route, request: web.Request) -> Any:
    given = request.query
    if route.query is None:
        return None  # what nobody reads does no harm
    if len(given) != len(set(given)):
        raise Problem(400, "INVALID_PARAMETERS", "a parameter stands twice in the query")
    return _converted(dict(given), route.query, strict=False)


def _parsed(route: Route, body: bytes, request: web.Request) -> Any:
    if route.lenient:
        return body
    if body and request.content_type != JSON:
        raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", f"a body is {JSON}")
    if not body and route.body is None:
        return None
    try:
        found = _whole(msgspec.json.decode(body or b"{}"))
    except NO_JSON as error:
        raise Problem(400, "INVALID_PARAMETERS", f"the body is no JSON: {error}") from error
    if route.body is None:
        if found != {}:
            raise Problem(400, "INVALID_PARAMETERS", "this takes no body")
        return None
    return _converted(found, route.body, strict=True)


def _whole(value: Any) -> Any:
    """1.0 is 1: JSON has one kind of number, whatever a client makes of it."""
    match value:
        case float() if value.is_integer() and abs(value) <= WHOLE_MAX:
            return int(value)
        case dict():
            return {name: _whole(inner) for name, inner in value.items()}
        case list():
            return [_whole(inner) for inner in value]
        case _:
            return value


def _converted(found: Any, kind: Any, *, strict: bool) -> Any:
    """Refused whole, with the name of the field."""
    try:
        return msgspec.convert(found, kind, strict=strict)
    except OverflowError as error:
        raise Problem(400, "INVALID_PARAMETERS", "a number is out of range") from error
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        field = place.removesuffix("`").lstrip(".")
        details: Mapping[str, Any] = {"field": field} if field else {}
        raise Problem(400, "INVALID_PARAMETERS", text if not field else f"{field}: {text}",
                      details) from error  # fmt: skip


def _address(request: web.Request) -> str:
    return request.remote or ""


def _place(request: web.Request) -> str:
    return f"{request.method} {request.raw_path}"
