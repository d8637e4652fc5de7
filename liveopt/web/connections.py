"""Who may stay connected: so many at a time, so many of one address, and nobody who dawdles.

Whoever comes when all places are taken gets that of somebody who keeps one and asks nothing: of
the address that has most, so that a crowd of one address keeps nobody else out. Who is turned
away is so before anything is made for him, and no more come in at a time than the loop can bear.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_websocket import WebSocketReader
from aiohttp.web_protocol import RequestHandler

from liveopt.web.errors import Problem
from liveopt.web.security import refusal
from liveopt.web.seldom import Seldom

log = structlog.get_logger()

HEAD_S: Final = 5.0
"""For the head of a request; and for bytes to come or go at all."""
RATE_MIN: Final = 32 << 10
"""Bytes a second in which a body has to come, and an answer to be taken."""
WHOLE_S: Final = 60.0
"""For a request and its answer, body included."""
IDLE_S: Final = 10.0
LINGER_S: Final = 0.5
SWEEP_S: Final = 0.5
ALL_MAX: Final = 512
ADDRESS_MAX: Final = 64
TURN_S: Final = 0.25
"""How long a place is kept by one who asks nothing, if another of its address wants it."""
BACKLOG: Final = 4_096
BATCH: Final = 16
"""Newcomers between two times that the loop is given to others."""
AGAIN_S: Final = 0.5
"""Where the machine has no more files or memory for connections."""
LISTEN_S: Final = 0.05
"""How long one for whom there is no place is let say that he asks something."""
HALL_MAX: Final = 256
"""So many of them at a time."""
PEEK: Final = 16 << 10
READ: Final = 16 << 10
"""Bytes of one connection that come in at a time: with hundreds of them it is memory."""
CLOSE_S: Final = 0.5
"""For answers under way when the service ends."""


@dataclass(slots=True)
class Caps:
    """Counts connections; sockets of the stream have a cap of their own and are not counted."""

    head_s: float = HEAD_S
    whole_s: float = WHOLE_S
    all_max: int = ALL_MAX
    address_max: int = ADDRESS_MAX
    refused: int = 0
    cut: int = 0
    _open: "dict[Line, str]" = field(default_factory=dict)
    _of: "dict[str, dict[Line, None]]" = field(default_factory=dict)
    """Of each address, the oldest first."""

    def room(self, address: str, *, asks: bool, now_s: float) -> bool:
        """Whether one more may come in; `asks` is whether he has said already what he wants."""
        own = self._of.get(address, {})
        if len(own) >= self.address_max:
            victim = self._idler(own, now_s if asks else now_s - TURN_S)
        elif len(self._open) >= self.all_max:
            most = max(self._of.values(), key=len)
            victim = self._idler(most, now_s) if len(most) > len(own) + 1 else None
        else:
            return True
        if victim is None:
            return False
        self.cut += 1
        self.leave(victim)
        victim.cut()
        return True

    def enter(self, line: "Line", address: str) -> None:
        """Somebody for whom there is room."""
        self._open[line] = address
        self._of.setdefault(address, {})[line] = None

    def leave(self, line: "Line") -> None:
        """It is gone, or has become a socket."""
        address = self._open.pop(line, None)
        if address is not None:
            del self._of[address][line]
            if not self._of[address]:
                del self._of[address]

    def sweep(self, now_s: float) -> None:
        """Cut whoever took too long."""
        for line in [line for line in self._open if line.is_late(now_s)]:
            self.cut += 1
            line.cut()

    async def watch(self) -> None:
        """Again and again."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep(loop.time())

    def __len__(self) -> int:
        return len(self._open)

    @staticmethod
    def _idler(lines: "dict[Line, None]", since_s: float) -> "Line | None":
        """The one that came first of those that ask nothing."""
        return next((line for line in lines if line.came_s <= since_s and line.idles), None)


class Line(RequestHandler):
    """One connection."""

    __slots__ = (
        "_caps",
        "_heard_s",
        "_left",
        "_received",
        "_slow_s",
        "came_s",
        "entering",
        "until_s",
    )

    def __init__(self, server: web.Server, caps: Caps) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server, loop=loop, keepalive_timeout=IDLE_S, lingering_time=LINGER_S,
            read_bufsize=READ, auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]
        )  # fmt: skip
        self._caps = caps
        self.came_s = loop.time()
        self.until_s = self.came_s + caps.head_s
        self.entering: asyncio.Task[None] | None = None
        """Until it has a transport."""
        self._heard_s = self.came_s
        self._received = 0
        self._left = 0
        self._slow_s: float | None = None
        """When what waits for it has to be taken; later, the more of it has been."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be heard."""
        transport.max_size = READ  # type: ignore[attr-defined]  # of asyncio's own 256 KiB
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Its place is free."""
        self._caps.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes are counted: who sends a body has to get on with it."""
        self._received += len(data)
        super().data_received(data)

    def heard(self) -> None:
        """The head of a request is whole: the time for all of it begins."""
        self._heard_s, self._received = asyncio.get_running_loop().time(), 0
        self.until_s = self._heard_s + self._caps.whole_s

    @property
    def idles(self) -> bool:
        """Whether nothing is being done for it: what it asks is not said yet, or not taken."""
        return self._current_request is None or self._awaited or self._unread > 0

    @property
    def _awaited(self) -> bool:
        """Whether the body of a request is not whole."""
        asked = self._current_request
        return asked is not None and not asked.content.is_eof()

    @property
    def _unread(self) -> int:
        """Bytes that it has not taken."""
        transport = self.transport
        return 0 if transport is None else transport.get_write_buffer_size()

    def is_late(self, now_s: float) -> bool:
        """Whether it is to go: once a sweep, for it is how one sees that nothing moves."""
        if now_s > self.until_s:
            return True
        head_s = self._caps.head_s
        if self._awaited and now_s > self._heard_s + head_s + self._received / RATE_MIN:
            return True
        size, before = self._unread, self._left
        self._left = size
        if not size:
            self._slow_s = None
        elif self._slow_s is None:
            self._slow_s = now_s + head_s
        elif size < before:
            self._slow_s += (before - size) / RATE_MIN
        return self._slow_s is not None and now_s > self._slow_s

    def set_parser(
        self, parser: WebSocketReader, data_received_cb: Callable[[], None] | None = None
    ) -> None:
        """It is a socket of the stream: from here on it may stay, and others count it."""
        self._caps.leave(self)
        super().set_parser(parser, data_received_cb)

    def cut(self) -> None:
        """Hang up, whatever is under way."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        elif self.entering is not None:
            self._caps.leave(self)
            self.entering.cancel()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002  nor is anything else of it
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  what the parser stumbled over is not said back
    ) -> web.StreamResponse:
        """What is no HTTP, and what failed outside of all handlers."""
        if status >= 500:
            log.error("a request failed outside of its handler", error=repr(exc))
        answer = refusal(Problem(status, "BAD_REQUEST", "the request is no HTTP that can be read"))
        answer.force_close()
        return answer


@dataclass(slots=True)
class Reception:
    """Takes in who comes at one socket."""

    server: web.Server
    caps: Caps
    listening: socket.socket
    encrypted: ssl.SSLContext | None
    group: asyncio.TaskGroup
    hall: dict[socket.socket, asyncio.TimerHandle] = field(default_factory=dict)
    """Those for whom there is no place yet."""
    failed: Seldom = field(default_factory=Seldom)

    def open(self) -> None:
        """From here on."""
        asyncio.get_running_loop().add_reader(self.listening, self._come)

    def close(self) -> None:
        """Nobody more."""
        asyncio.get_running_loop().remove_reader(self.listening)
        self.listening.close()
        for end, due in self.hall.items():
            due.cancel()
            end.close()
        self.hall.clear()

    def _come(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(BATCH):
            try:
                end, peer = self.listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if count := self.failed.due(loop.time()):
                    log.warning("no connection can be taken in", error=repr(error), times=count)
                loop.remove_reader(self.listening)
                loop.call_later(AGAIN_S, self._again)
                return
            address = str(peer[0]) if isinstance(peer, tuple) else ""
            if self.caps.room(address, asks=_asks(end), now_s=loop.time()):
                self._take_in(end, address)
            elif len(self.hall) < HALL_MAX:
                self.hall[end] = loop.call_later(LISTEN_S, self._once_more, end, address)
            else:
                self._turn_away(end)

    def _once_more(self, end: socket.socket, address: str) -> None:
        """He came before his words did, or has none."""
        del self.hall[end]
        asks = _asks(end)
        if asks and self.caps.room(address, asks=True, now_s=asyncio.get_running_loop().time()):
            self._take_in(end, address)
        else:
            self._turn_away(end)

    def _turn_away(self, end: socket.socket) -> None:
        self.caps.refused += 1
        end.close()

    def _take_in(self, end: socket.socket, address: str) -> None:
        end.setblocking(False)
        line = Line(self.server, self.caps)
        self.caps.enter(line, address)
        line.entering = self.group.create_task(self._enter(line, end))
        line.entering.add_done_callback(partial(_entered, line, end))

    def _again(self) -> None:
        if self.listening.fileno() >= 0:
            self.open()

    async def _enter(self, line: Line, end: socket.socket) -> None:
        """To where it can be heard: its handshake, if there is one."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: line, end, ssl=self.encrypted,
                ssl_handshake_timeout=None if self.encrypted is None else HEAD_S,
            )  # fmt: skip
        except OSError:  # that of TLS is one too
            self.caps.leave(line)


def _entered(line: Line, end: socket.socket, _: "asyncio.Task[None]") -> None:
    """Who was cut before anything was begun for him is hung up on all the same."""
    line.entering = None
    if line.transport is None:
        end.close()


def _asks(end: socket.socket) -> bool:
    """Whether the head of a request lies there, or the beginning of a handshake."""
    try:
        said = end.recv(PEEK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return b"\r\n\r\n" in said or said.startswith(b"\x16\x03")


@asynccontextmanager
async def serving(
    app: web.Application,
    caps: Caps,
    listening: socket.socket,
    encrypted: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """The app answers at this socket."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_S)
    await runner.setup()
    assert runner.server is not None
    listening.setblocking(False)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ)  # of all that come, too
    listening.listen(BACKLOG)
    watch = asyncio.create_task(caps.watch(), name="caps")
    try:
        async with asyncio.TaskGroup() as group:
            reception = Reception(runner.server, caps, listening, encrypted, group)
            reception.open()
            try:
                yield
            finally:
                reception.close()
                for line in list(caps._open):
                    if line.entering is not None:
                        line.entering.cancel()
    finally:
        watch.cancel()
        await runner.cleanup()
