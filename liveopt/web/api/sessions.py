"""Sessions of people, and tickets for the socket."""

import asyncio
from typing import Annotated

import msgspec
import structlog

from liveopt.web.call import Answered, Call
from liveopt.web.errors import Problem
from liveopt.web.keys import SCOPES
from liveopt.web.links import Links
from liveopt.web.sessions import TICKET_S

SECOND_NS = 1_000_000_000
log = structlog.get_logger()


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The word from the address that was printed; it is good once."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Session(msgspec.Struct, frozen=True):
    """Whose it is."""

    session: str
    scopes: list[str]


class Opened(msgspec.Struct, frozen=True):
    """The cookie is in the headers; `secret` goes with it, as `X-Liveopt`, on each request."""

    session: str
    scopes: list[str]
    secret: str


class Ticket(msgspec.Struct, frozen=True):
    """Good once, and soon: `Sec-WebSocket-Protocol: liveopt, ticket.<ticket>`."""

    ticket: str
    expires_in_s: int


async def open_(call: Call) -> Answered:
    """A word for a session."""
    service = call.service
    now_s = service.wall() / SECOND_NS
    word = call.said(Token).token
    opened = service.sessions.open(word, now_s)
    if opened is None and await asyncio.to_thread(Links(service.state).take, word, now_s):
        service.sessions.admit(word, now_s)
        opened = service.sessions.open(word, now_s)
        log.info("a link of `liveopt link` is taken up")
    if opened is None:
        address = call.request.remote or ""
        wait_s = service.limits.failed(address, asyncio.get_running_loop().time())
        if wait_s:
            headers = {"Retry-After": str(wait_s)}
            raise Problem(429, "RATE_LIMIT_EXCEEDED", "too many wrong words", headers=headers)
        why = (
            "this word is wrong, used or old; `liveopt link` prints a new address, and `liveopt"
            " keys create NAME` makes a key"
        )
        raise Problem(401, "INVALID_TOKEN", why)
    log.info("a session begins", session=opened.who)
    return Answered(Opened(opened.who, list(SCOPES), opened.secret), 201, cookie=opened.cookie)


async def whose(call: Call) -> Session:
    """Who asks."""
    return Session(call.subject.name, sorted(call.subject.scopes))


async def close(call: Call) -> Answered:
    """Over; a key is not a session and stays."""
    call.service.sessions.close(call.subject.name)
    log.info("a session ends", session=call.subject.name)
    return Answered(Session(call.subject.name, []), cookie="")


async def ticket(call: Call) -> Answered:
    """For one socket."""
    service = call.service
    word = service.sessions.ticket(call.subject.name, service.wall() / SECOND_NS)
    return Answered(Ticket(word, int(TICKET_S)), 201)
