"""From a request to an answer, for every route alike: who asks, how often, with which words."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiohttp import ClientError, web
from multidict import MultiMapping

from liveopt.web.call import NOBODY, PERSON, Answered, Call, Raw, Route, Service, Subject
from liveopt.web.errors import KEY_TEXT, NO_JSON, Problem
from liveopt.web.idempotency import Idempotency, check_key
from liveopt.web.limits import BODY_S, Left
from liveopt.web.sessions import SESSION_S, cookie_name

JSON: Final = "application/json"
LENIENT_BODY_S: Final = 0.25
"""How long a stop listens to its words; without them it halts all the same."""
PROTOCOL: Final = "ticket."
PAGE: Final = "X-Liveopt"
"""With which a page of the dashboard shows what it keeps of its session."""
SECOND_NS: Final = 1_000_000_000
WHOLE_MAX: Final = 1 << 53
_encode: Final = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Answering:
    """One service; `answer` is what each route of the table leads to."""

    service: Service
    port: int
    """Cookies are named after it."""
    encrypted: Collection[str] = ()
    """Names at which it is reached over TLS only: then cookies are too."""
    _idempotency: Idempotency = field(default_factory=Idempotency)

    async def answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        """The whole way."""
        subject = self._subject(route, request)
        left = self._spend(route, request, subject)
        if route.tag == "socket":
            return await self.service.stream.handle(request, subject.name)
        headers = {} if left is None else left.headers
        try:
            found = await self._answered(route, request, subject)
        except Problem as problem:
            problem.headers.update(headers)
            raise
        found.headers.update(headers)
        return found

    async def _answered(self, route: Route, request: web.Request, subject: Subject) -> web.Response:
        body, complaint = await self._body(route, request)
        _without_keys(request, b"" if route.lenient else body)
        call = Call(self.service, request, subject, request.match_info, complaint=complaint)
        call.query = _query(route, request)

        async def act() -> web.Response:
            call.body = _parsed(route, body, request)
            found = await route.handler(call)
            said = self._said(call, found, route.status)
            if said.status < 300:
                self.service.acts.answered(request, subject.name, found)
            return said

        key = request.headers.get("Idempotency-Key")
        if key is None or not route.mutates or route.lenient:
            return await act()
        check_key(key)
        if route.keyed:
            return await act()
        return await self._idempotency.once((subject.name, _place(request), key), body, act)

    # Who asks

    def _subject(self, route: Route, request: web.Request) -> Subject:
        if route.scope is None:
            return NOBODY
        subject = self._known(route, request)
        if subject is None:
            raise self._unknown(request)
        if not subject.may(route.scope):
            why = f"this needs the scope {route.scope}; {subject.name} does not have it"
            raise Problem(403, "FORBIDDEN_SCOPE", why, {"scope": route.scope})
        return subject

    def _known(self, route: Route, request: web.Request) -> Subject | None:
        """By a key, by a ticket for the socket, or by a session."""
        given = _key_of(request.headers)
        loop, wall_ns = asyncio.get_running_loop(), self.service.wall()
        if given is not None:
            key = self.service.keys.find(given, loop.time(), wall_ns)
            return None if key is None else Subject(f"key {key.id}", frozenset(key.scopes))
        ticket = _ticket_of(request.headers)
        if ticket is not None:
            who = self.service.sessions.redeem(ticket, wall_ns / SECOND_NS)
            if who is None or not self.service.alive(who):
                return None
            return Subject(who, frozenset({"read"}))
        return self._person(route, request, wall_ns / SECOND_NS)

    def _person(self, route: Route, request: web.Request, now_s: float) -> Subject | None:
        """By the session's two secrets; the cookie comes from any page, and goes to any port."""
        cookie = request.cookies.get(self._cookie(request))
        if cookie is None or route.tag == "socket":
            return None
        if route.navigated:
            who = self.service.sessions.seen(cookie, now_s)
        else:
            who = self.service.sessions.find(cookie, request.headers.get(PAGE, ""), now_s)
        return None if who is None else Subject(who, PERSON)

    def _cookie(self, request: web.Request) -> str:
        return cookie_name(self.port, encrypted=self._is_encrypted(request))

    def _is_encrypted(self, request: web.Request) -> bool:
        return request.host.lower() in self.encrypted

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

    async def _body(self, route: Route, request: web.Request) -> tuple[bytes, str]:
        """It, or why a lenient route does without."""
        try:
            return await _read(route, request), ""
        except Problem as problem:
            if not route.lenient:
                raise
            return b"", problem.message

    def _said(self, call: Call, found: Any, status: int) -> web.Response:
        """What a handler came to, as it goes out."""
        told = found if isinstance(found, Answered) else Answered(found, status)
        if isinstance(told.body, Raw):
            response = web.Response(body=told.body.body, status=told.status)
            response.headers["Content-Type"] = told.body.content_type
        else:
            body = told.body if isinstance(told.body, bytes) else _encode(told.body)
            response = web.Response(body=body, status=told.status, content_type=JSON)
        response.headers.update(told.headers)
        if told.cookie is not None:
            response.set_cookie(
                self._cookie(call.request), told.cookie,
                max_age=int(SESSION_S) if told.cookie else 0,  # at once: it is over
                httponly=True, samesite="Strict", secure=self._is_encrypted(call.request), path="/",
            )  # fmt: skip
        return response


async def _read(route: Route, request: web.Request) -> bytes:
    """Nothing of what is said to be too long: a flood of giants takes no memory."""
    if not request.can_read_body:
        return b""
    why = f"the body is larger than {route.body_max} bytes"
    if (request.content_length or 0) > route.body_max:
        raise Problem(413, "BODY_TOO_LARGE", why)
    wait_s = LENIENT_BODY_S if route.lenient else BODY_S
    try:
        async with asyncio.timeout(wait_s):
            return await request.clone(client_max_size=route.body_max).read()
    except web.HTTPRequestEntityTooLarge as error:
        raise Problem(413, "BODY_TOO_LARGE", why) from error
    except TimeoutError as error:
        raise Problem(408, "TIMEOUT", f"the body did not come in {wait_s} s") from error
    except (ClientError, ConnectionError, web.RequestPayloadError) as error:
        raise Problem(400, "BAD_REQUEST", "the body was cut off") from error


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
    _without_keys(request, _encode(found))  # however it was escaped
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
