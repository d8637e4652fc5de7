"""The same request twice is done once: answers are kept by who asked, where, and with which key."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from liveopt.web.errors import Problem

KEPT_MAX: Final = 1_000
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


@dataclass(slots=True)
class Idempotency:
    """What was done lately. An answer that says that nothing was done, 429 or 5xx, is not kept."""

    _done: OrderedDict[Name, _Entry] = field(default_factory=OrderedDict)

    async def once(
        self, name: Name, body: bytes, act: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """Does it, or waits for and repeats what came of the first."""
        if not 0 < len(name[2]) <= KEY_MAX or not name[2].isprintable():
            why = f"Idempotency-Key has 1 to {KEY_MAX} printable characters"
            raise Problem(400, "INVALID_PARAMETERS", why)
        digest = hashlib.sha256(body).digest()
        loop = asyncio.get_running_loop()
        while (known := self._known(name, loop.time())) is not None:
            if known.digest != digest:
                why = "this Idempotency-Key was used for another request"
                raise Problem(422, "IDEMPOTENCY_KEY_REUSED", why)
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
        self._done[name] = _Entry(until_s, digest, answer)
        while len(self._done) > KEPT_MAX:
            self._done.popitem(last=False)
        kept = None
        try:
            said = await act()
            if said.status < 500 and isinstance(said.body, bytes) and len(said.body) <= ANSWER_MAX:
                kept = Kept(said.status, said.body, said.content_type)
            return said
        finally:
            answer.set_result(kept)
            if kept is None and self._done.get(name, None) is not None:
                self._forget(name, answer)

    def _forget(self, name: Name, answer: "asyncio.Future[Kept | None]") -> None:
        if self._done[name].answer is answer:
            del self._done[name]

    def _known(self, name: Name, now_s: float) -> _Entry | None:
        found = self._done.get(name)
        if found is not None and found.until_s <= now_s:
            del self._done[name]
            return None
        return found
