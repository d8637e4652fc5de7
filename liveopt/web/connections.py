"""Who may stay connected: so many at a time, so many of one address, and nobody who dawdles."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from liveopt.web.errors import Problem
from liveopt.web.security import refusal

log = structlog.get_logger()

HEAD_S: Final = 5.0
"""For the head of a request."""
WHOLE_S: Final = 60.0
"""For a request and its answer, body included."""
IDLE_S: Final = 10.0
LINGER_S: Final = 1.0
SWEEP_S: Final = 0.5
ALL_MAX: Final = 512
ADDRESS_MAX: Final = 64
BACKLOG: Final = 1_024
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
    _of: Counter[str] = field(default_factory=Counter)

    def admit(self, line: "Line", address: str) -> bool:
        """Whether there is room."""
        if len(self._open) >= self.all_max or self._of[address] >= self.address_max:
            self.refused += 1
            return False
        self._open[line] = address
        self._of[address] += 1
        return True

    def leave(self, line: "Line") -> None:
        """It is gone, or has become a socket."""
        address = self._open.pop(line, None)
        if address is not None:
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]

    def sweep(self, now_s: float) -> None:
        """Cut whoever took too long."""
        for line in [line for line in self._open if now_s > line.until_s]:
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


class Line(RequestHandler):
    """One connection."""

    __slots__ = ("_caps", "until_s")

    def __init__(self, server: web.Server, caps: Caps) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server, loop=loop, keepalive_timeout=IDLE_S, lingering_time=LINGER_S,
            auto_decompress=False, access_log=None,  # type: ignore[arg-type]
        )  # fmt: skip
        self._caps = caps
        self.until_s = loop.time() + caps.head_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admitted, or hung up on at once."""
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        super().connection_made(transport)
        if not self._caps.admit(self, address):
            self.cut()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Its place is free."""
        self._caps.leave(self)
        super().connection_lost(exc)

    def heard(self) -> None:
        """The head of a request is whole: the time for all of it begins."""
        self.until_s = asyncio.get_running_loop().time() + self._caps.whole_s

    def became_socket(self) -> None:
        """From here on it may stay."""
        self._caps.leave(self)

    def cut(self) -> None:
        """Hang up, whatever is under way."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

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
    server, loop = runner.server, asyncio.get_running_loop()
    assert server is not None
    watch = asyncio.create_task(caps.watch(), name="caps")
    made: asyncio.Server | None = None
    try:
        made = await loop.create_server(
            lambda: Line(server, caps), sock=listening, ssl=encrypted, backlog=BACKLOG,
            ssl_handshake_timeout=None if encrypted is None else HEAD_S,
        )  # fmt: skip
        yield
    finally:
        watch.cancel()
        if made is not None:
            made.close()
        await runner.cleanup()
