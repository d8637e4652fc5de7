"""What a handler is given, what a route is: the words that the table and the handlers share."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from aiohttp import web

from liveopt.core.bars import SECOND_NS
from liveopt.core.strategy import Strategy
from liveopt.guard.clock import Wall
from liveopt.web.acts import Acts
from liveopt.web.alerts import Alerts
from liveopt.web.connections import Caps
from liveopt.web.demo import Demo
from liveopt.web.door import Door
from liveopt.web.errors import stamp
from liveopt.web.histogram import JOBS_S, Histogram
from liveopt.web.hooks import Hooks
from liveopt.web.jobs import Jobs
from liveopt.web.keys import SCOPES, Keys, Scope
from liveopt.web.limits import Kind, Limits
from liveopt.web.logbook import Logbook
from liveopt.web.machine import Busy
from liveopt.web.parts import Parts
from liveopt.web.picture import Picture
from liveopt.web.sessions import Sessions
from liveopt.web.share import Share
from liveopt.web.stream import Stream
from liveopt.web.tail import Tail

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
BODY_MAX: Final = 16 * 1024
"""Bytes of a request's words, where a route does not say otherwise."""
Method = Literal["GET", "POST", "DELETE"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who asks. The name stands in journals and logs; it opens nothing."""

    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """`admin` may everything, who trades may stop, and whoever may anything may read."""
        if "admin" in self.scopes or scope in self.scopes:
            return True
        return (scope == "read" and bool(self.scopes)) or (
            scope == "stop" and "trade" in self.scopes
        )


PERSON: Final = frozenset(SCOPES)
"""A person who opened the dashboard with the word that was printed here may do everything."""
NOBODY: Final = Subject("nobody", frozenset())
"""Who has shown nothing, where nothing has to be shown."""


@dataclass(slots=True)
class Counts:
    """Of the requests since the start."""

    requests: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """By method, path of the table, and status."""
    took: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    """By method and path of the table."""
    jobs: Histogram = field(default_factory=lambda: Histogram(JOBS_S))
    """Those that have ended, as long as this process saw them at work."""
    limited_s: float | None = None
    """When a limit was hit last."""


@dataclass(slots=True)
class Service:
    """All that handlers reach."""

    state: Path
    version: str
    wall: Wall
    mode: str
    """paper, demo or replay."""
    picture: Picture
    stream: Stream
    door: Door
    acts: Acts
    tail: Tail
    jobs: Jobs
    demo: Demo
    share: Share
    """Of portfolio jobs."""
    alerts: Alerts
    hooks: Hooks
    keys: Keys
    sessions: Sessions
    limits: Limits
    caps: Caps
    logbook: Logbook
    strategies: Mapping[str, Strategy]
    counts: Counts = field(default_factory=Counts)
    parts: Parts = field(default_factory=Parts)
    """What goes on beside the answers and may fail."""
    guard: Mapping[str, Any] | None = None
    """The guard's status, seconds old at most; None where none answers."""
    lag_ms: float = 0.0
    """How late the event loop was lately."""
    busy: Busy = field(default_factory=Busy)
    """How busy the processors are, for who asks now and then."""
    fixed: dict[tuple[str, ...], bytes] = field(default_factory=dict)
    """Answers that hold for ever."""

    def rss_mib(self) -> float:
        """Memory of this process."""
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError, ValueError):
            return 0.0
        return round(pages * PAGE / (1 << 20), 1)

    def alive(self, who: str) -> bool:
        """Whether one who was let in may stay: the key still opens, the session goes on."""
        kind, _, name = who.partition(" ")
        wall_ns = self.wall()
        if kind == "key":
            return self.keys.alive(name, asyncio.get_running_loop().time(), wall_ns)
        return self.sessions.alive(who, wall_ns / SECOND_NS)

    def now(self) -> str:
        """The time, for an answer."""
        return stamp(self.wall())


@dataclass(slots=True)
class Call:
    """One request that may be answered: who asks, and what was understood of it."""

    service: Service
    request: web.Request
    subject: Subject
    path: Mapping[str, str]
    query: Any = None
    body: Any = None
    complaint: str = ""
    """Why the body is not there, of a route that does without."""

    @property
    def once(self) -> str:
        """This request, however often it is repeated; empty if it has no Idempotency-Key."""
        key = self.request.headers.get("Idempotency-Key")
        place = f"{self.request.method} {self.request.raw_path}"
        return "" if key is None else f"{self.subject.name}\n{place}\n{key}"

    def asked(self, kind: type[T]) -> T:
        """The query, as the route says it is."""
        assert isinstance(self.query, kind)
        return self.query

    def said(self, kind: type[T]) -> T:
        """The body, as the route says it is."""
        assert isinstance(self.body, kind)
        return self.body


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer with a status of its own, or with a cookie."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cookie: str | None = None
    """A session's; empty to end it."""


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table: router, limits, scopes and OpenAPI are made from it."""

    method: Method
    path: str
    scope: Scope | None
    """None is for everybody."""
    kind: Kind
    answer: Any
    """What it answers with, as a type; a text is a content type."""
    handler: Handler
    summary: str
    tag: str
    query: Any = None
    body: Any = None
    status: int = 200
    others: tuple[int, ...] = ()
    """Other statuses with the same body: 207 of a stop that is not complete."""
    errors: tuple[int, ...] = ()
    """Refusals of its own."""
    body_max: int = BODY_MAX
    navigated: bool = False
    """A person goes there by a link, so that only the cookie comes along: it shows nothing that
    somebody could want to know."""
    lenient: bool = False
    """A body that is not understood does not keep it from being done: an emergency stop."""
    keyed: bool = False
    """What is done keeps to the Idempotency-Key itself, longer than this process lives."""

    @property
    def mutates(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"
