"""What is done here beside the run, for the decisions journal: who, what, when.

The run's own commands are journalled by the engine. A job that is submitted, an alert that is seen,
a session that begins or a key that is made are this process's alone; they wait here until the
engine has them on its disk. No request waits for that. An engine whose answer was lost is told
again; if it died with its answer, an act stands twice in the journal, equal in all but `at_ns`.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from liveopt import logs
from liveopt.guard.caller import BY
from liveopt.guard.clock import Wall
from liveopt.walk.events import ACT_TEXT_MAX, ACTS_MAX, Deed
from liveopt.web.door import Door
from liveopt.web.errors import Problem
from liveopt.web.keys import Key
from liveopt.web.security import template

log = structlog.get_logger()

OF_THE_ENGINE: Final = frozenset({
    "POST /api/optimizer/start",
    "POST /api/optimizer/stop",
    "POST /api/optimizer/resume",
    "POST /api/optimizer/promote",
    "POST /api/optimizer/rollback",
    "POST /api/v1/variants/{id}/pause",
    "POST /api/v1/variants/{id}/resume",
    "POST /api/v1/variants/{id}/retire",
})  # fmt: skip
"""The journal has these from the engine, with who and why."""
NO_ACT: Final = frozenset({"POST /api/ticket", "POST /api/v1/strategies/{id}/validate"})
"""They change nothing that anybody could miss."""
TOLD: Final = ("job_id", "job_ids", "number", "began", "session", "acknowledged_by")
"""What is kept of an answer: names that open nothing."""
WAITING_MAX: Final = 1_000
GATHER_S: Final = 0.1
"""So long acts come together: the engine's loop is for ticks."""
RETRY_S: Final = 1.0
CLOSE_S: Final = 0.25
MS_NS: Final = 1_000_000


@dataclass(slots=True)
class Acts:
    """Those the engine has not confirmed yet. Of too many the oldest are given up, in the log."""

    door: Door
    wall: Wall
    gather_s: float = GATHER_S
    retry_s: float = RETRY_S
    lost: int = 0
    began_ns: int = field(init=False)
    _waiting: deque[Deed] = field(default_factory=deque)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _heard: bool = True
    """Whether the engine took the last ones."""

    def __post_init__(self) -> None:
        self.began_ns = self.wall()

    @property
    def waiting(self) -> int:
        """How many."""
        return len(self._waiting)

    def answered(self, request: web.Request, by: str, said: Any) -> None:
        """A request was done, and this is what its handler said."""
        what = f"{request.method} {template(request)}"
        if request.method == "GET" or what in OF_THE_ENGINE or what in NO_ACT:
            return
        words = list(_told(said))
        request_id = structlog.contextvars.get_contextvars().get("request_id")
        words += [f"request {request_id}"] if request_id else []
        self.note(f"{request.method} {request.path}", by, ", ".join(words))

    def key_changed(self, key: Key) -> None:
        """Somebody made or revoked a key on this machine; of old ones the journals know already."""
        at_ns = key.revoked_ns or key.created_ns
        if at_ns >= self.began_ns:
            verb = "revoke" if key.revoked_ns else "create"
            scopes = "+".join(key.scopes)
            self.note(f"keys {verb}", BY, f"key {key.id} {key.name}, scopes {scopes}", at_ns)

    def note(self, what: str, by: str, detail: str = "", at_ns: int = 0) -> None:
        """Never waits and never fails."""
        wall_ms = (at_ns or self.wall()) // MS_NS
        self._waiting.append(Deed(_short(what), _short(by), _short(detail), wall_ms))
        self._bound()
        self._news.set()

    async def run(self) -> None:
        """For as long as the service lives."""
        self._news.set()  # a crash of this part may have left some
        while True:
            await self._news.wait()
            self._news.clear()
            await asyncio.sleep(self.gather_s)
            while self._waiting:
                if not await self._send():
                    await asyncio.sleep(self.retry_s)

    async def close(self) -> None:
        """Try once more; what is left then is in the log alone."""
        try:
            async with asyncio.timeout(CLOSE_S):
                while self._waiting and await self._send():
                    pass
        except TimeoutError:
            pass
        while self._waiting:
            self._give_up("this process ends")

    async def _send(self) -> bool:
        """The oldest of them; whether the engine has them on its disk."""
        some = [self._waiting.popleft() for _ in range(min(len(self._waiting), ACTS_MAX))]
        why = "cut off"
        try:
            await self.door.command({"kind": "note", "acts": some})
            why = ""
        except Problem as problem:
            why = problem.message
        finally:
            if why:
                self._waiting.extendleft(reversed(some))
                self._bound()
        if why and self._heard:
            log.warning("acts wait until an engine takes them", why=why, waiting=self.waiting)
        elif not why and not self._heard:
            log.info("an engine takes acts again", waiting=self.waiting)
        self._heard = not why
        return self._heard

    def _bound(self) -> None:
        while len(self._waiting) > WAITING_MAX:
            self._give_up("too many wait")

    def _give_up(self, why: str) -> None:
        self.lost += 1
        act = msgspec.structs.asdict(self._waiting.popleft())
        log.warning("an act is not in the journal", why=why, **act)


def _told(said: Any) -> Iterable[str]:
    """What a handler made, by its name: `job_id opt_1a2b3c4d`."""
    body = getattr(said, "body", said)
    for name in TOLD:
        value = getattr(body, name, None)
        if value is not None:
            text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield text if text.startswith(f"{name} ") else f"{name} {text}"


def _short(text: str) -> str:
    """Bounded, on one line, and without anything that opens a door."""
    plain = "".join(letter for letter in logs.clean_text(text) if letter.isprintable())
    return plain[:ACT_TEXT_MAX]
