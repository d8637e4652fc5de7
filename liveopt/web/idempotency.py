"""The same request twice is done once: answers are kept by who asked, where, and with which key.

They are kept as long as this process lives. What must hold longer keeps to the key itself: orders
of searches (`web.orders`), stops and resumes (`guard.door`).
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from liveopt.web.errors import Problem

OF_ONE_MAX: Final = 1_000
KEPT_MAX: Final = 10_000
KEPT_S: Final = 24 * 3600.0
KEY_MAX: Final = 200
ANSWER_MAX: Final = 64 * 1024
"""A larger answer is not kept; none of those that change something is."""
Name = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it went out."""

    status: int
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class _Entry:
    until_s: float
    digest: bytes
    answer: "asyncio.Future[Kept | None]"


_Own = OrderedDict[Name, _Entry]


@dataclass(slots=True)
class Idempotency:
    """What was done lately. An answer that says that nothing was done, 429 or 5xx, is not kept.

    Of too many the oldest is forgotten of whoever asked too often; what is under way never is.
    """

    _done: dict[str, _Own] = field(default_factory=dict)
    """By who asked."""
    _count: int = 0

    async def once(
        self, name: Name, body: bytes, act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Does it, or waits for and repeats what came of the first."""
        check_key(name[2])
        digest = hashlib.sha256(body).digest()
        loop = asyncio.get_running_loop()
        while (known := self._known(name, loop.time())) is not None:
            if known.digest != digest:
                raise reused()
            kept = await asyncio.shield(known.answer)
            if kept is not None:
                again = web.Response(status=kept.status, body=kept.body)
                again.content_type = kept.content_type
                again.headers["Idempotent-Replay"] = "true"
                return again
        return await self._first(name, digest, act, loop.time() + KEPT_S)

    async def _first(
        self,
        name: Name,
        digest: bytes,
        act: Callable[[], Awaitable[web.Response]],
        until_s: float,
    ) -> web.Response:
        answer: asyncio.Future[Kept | None] = asyncio.get_running_loop().create_future()
        self._done.setdefault(name[0], OrderedDict())[name] = _Entry(until_s, digest, answer)
        self._count += 1
        self._bound(name[0])
        kept = None
        try:
            said = await act()
            if said.status < 500 and isinstance(said.body, bytes) and len(said.body) <= ANSWER_MAX:
                kept = Kept(said.status, said.body, said.content_type)
            return said
        finally:
            answer.set_result(kept)
            if kept is None:
                self._forget(name)

    def _bound(self, who: str) -> None:
        if len(self._done[who]) > OF_ONE_MAX:
            self._forget_oldest(who)
        if self._count > KEPT_MAX:
            self._forget_oldest(max(self._done, key=lambda one: len(self._done[one])))

    def _forget_oldest(self, who: str) -> None:
        ended = (name for name, entry in self._done[who].items() if entry.answer.done())
        name = next(ended, None)
        if name is not None:
            self._forget(name)

    def _forget(self, name: Name) -> None:
        own = self._done[name[0]]
        del own[name]
        self._count -= 1
        if not own:
            del self._done[name[0]]

    def _known(self, name: Name, now_s: float) -> _Entry | None:
        own = self._done.get(name[0])
        found = None if own is None else own.get(name)
        if found is not None and found.until_s <= now_s and found.answer.done():
            self._forget(name)
            return None
        return found


def check_key(key: str) -> None:
    """As it may be sent."""
    if not 0 < len(key) <= KEY_MAX or not key.isprintable():
        why = f"Idempotency-Key has 1 to {KEY_MAX} printable characters"
        raise Problem(400, "INVALID_PARAMETERS", why)


def reused() -> Problem:
    """A key names one request."""
    why = "this Idempotency-Key was used for another request"
    return Problem(422, "IDEMPOTENCY_KEY_REUSED", why)
