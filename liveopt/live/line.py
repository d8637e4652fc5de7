"""One WebSocket connection: opened with a fresh token, read until it ends, and why it ended."""

import asyncio
import contextlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidURI,
)

from liveopt.core.bars import SECOND_NS
from liveopt.kucoin.rest import Bullet
from liveopt.kucoin.session import Denied, Session
from liveopt.kucoin.watch import Quality
from liveopt.kucoin.wire import FRAME_BYTES_MAX, BadFrame, Frame
from liveopt.live.clock import Clock

OPEN_S_MAX: Final = 10.0
CLOSE_S_MAX: Final = 1.0
SEND_S_MAX: Final = 5.0
FRAMES_WAITING: Final = 1024
"""Frames the library reads ahead of us; beyond, TCP tells the exchange to wait."""
CLOSED = (ConnectionClosed, OSError, TimeoutError)
# ImportError: a SOCKS proxy is set, and the library that speaks to it is missing.
NOT_OPENED = (*CLOSED, InvalidHandshake, InvalidProxy, InvalidURI, ImportError)


class Listener(Protocol):
    """Who gets what a line brings."""

    def pushed(self, line: "Line", frame: Frame, now_ns: int) -> None: ...

    def raw(self, frame: str | bytes, now_ns: int) -> None: ...

    def refused(
        self, line: "Line", raw: str | bytes, topic: str, why: str, now_ns: int
    ) -> None: ...

    @property
    def full(self) -> bool: ...

    async def room(self) -> None: ...


def address(bullet: Bullet, connect_id: str) -> str:
    """Where to connect; tokens contain what an address may not."""
    mark = "&" if urlsplit(bullet.endpoint).query else "?"
    token = quote(bullet.token, safe="")
    return f"{bullet.endpoint}{mark}token={token}&connectId={connect_id}"


def _check(endpoint: str) -> None:
    """Refuses, as the library would, what Python itself cannot read as an address."""
    try:
        parts = urlsplit(endpoint)
        host, port = (parts.hostname or "").encode("idna"), parts.port
    except ValueError as error:
        raise InvalidURI("", str(error)) from error
    if not host or port == 0 or parts.scheme not in ("ws", "wss"):
        raise InvalidURI("", "not the address of a WebSocket")


def opening(url: str) -> AbstractAsyncContextManager[ClientConnection]:
    """The socket as this feed wants it: no pings of the library, no compression, bounded frames."""
    local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    return connect(
        url,
        open_timeout=OPEN_S_MAX,
        close_timeout=CLOSE_S_MAX,
        ping_interval=None,  # the exchange does not count them; its own are JSON
        compression=None,
        max_size=FRAME_BYTES_MAX,
        max_queue=FRAMES_WAITING,
        proxy=None if local else True,
        user_agent_header=None,
    )


@dataclass(slots=True, eq=False)
class Line:
    """A connection and its conversation. `run` reads it to the end; `ended` then says why."""

    bullet: Bullet
    topics: Sequence[str]
    listener: Listener
    clock: Clock
    number: int
    ended: str = ""
    quality: Quality = field(default_factory=Quality)
    denied: list[Denied] = field(default_factory=list)
    """Topics that the exchange refused; whole once the line has settled."""
    replacing: bool = False
    """It takes over from a line that is still read: what it brings has to wait for that one."""
    _session: Session | None = None
    _ponged: asyncio.Event = field(default_factory=asyncio.Event)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _poked: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Connects, subscribes, reads; returns when the connection is gone or was closed."""
        try:
            _check(self.bullet.endpoint)
            async with opening(address(self.bullet, f"liveopt-{self.number}")) as socket:
                await self._talk(socket)
        except NOT_OPENED as error:
            self._end(_said(error))
        finally:
            self._end("cancelled")

    @property
    def open(self) -> bool:
        """Not ended, and not about to."""
        return not self.ended

    async def settled(self) -> bool:
        """Waits until every topic has been granted or refused; false if the line ended before."""
        await self._settled.wait()
        return self.open

    async def fence(self, seconds: float) -> bool:
        """Waits for the answer to a ping: all that the exchange had sent before has been read."""
        session = self._session
        if session is None:
            return False
        number = session.ping(self.clock.now_ns())
        self._poked.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while session.pongs < number and self.open:
                    self._ponged.clear()
                    await self._ponged.wait()
        return self.open and session.pongs >= number

    def close(self, why: str) -> None:
        """Asks the connection to end; what it still brings is not read."""
        self._end(why)
        self._poked.set()

    def _end(self, why: str) -> None:
        self.ended = self.ended or why
        self._settled.set()
        self._ponged.set()

    async def _talk(self, socket: ClientConnection) -> None:
        bullet, now_ns = self.bullet, self.clock.now_ns()
        session = Session(bullet.ping_interval_ns, bullet.ping_timeout_ns, now_ns)
        session.subscribe(self.topics, now_ns)
        self._session = session
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._write(socket, session), name="line writer")
            try:
                await self._read(socket, session)
            except CLOSED as error:
                self._end(_said(error))
            writer.cancel()

    async def _read(self, socket: ClientConnection, session: Session) -> None:
        listener, clock = self.listener, self.clock
        while not self.ended:
            raw = await socket.recv(decode=False)  # whether it is text is for the reader to say
            now_ns = clock.now_ns()
            listener.raw(raw, now_ns)
            frame = None
            try:
                frame = session.receive(raw, now_ns)
                if frame is None:
                    self._poked.set()
                    self._ponged.set()
                else:
                    listener.pushed(self, frame, now_ns)
            except BadFrame as error:
                topic = "" if frame is None else frame.topic
                listener.refused(self, raw, topic, str(error), now_ns)
            if listener.full:
                await listener.room()

    async def _write(self, socket: ClientConnection, session: Session) -> None:
        while True:
            now_ns = self.clock.now_ns()
            try:
                for text in session.send(now_ns):
                    async with asyncio.timeout(SEND_S_MAX):
                        await socket.send(text)
            except CLOSED as error:
                session.over = session.over or _said(error)
            self.denied += session.denied
            session.denied = []
            if self.listener.full:
                session.excuse(self.clock.now_ns())
            if session.over or self.ended:
                self._end(session.over)
                await socket.close()
                return
            if session.settled:
                self._settled.set()
            await self._poke((session.wake_ns() - self.clock.now_ns()) / SECOND_NS)

    async def _poke(self, seconds: float) -> None:
        self._poked.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._poked.wait()


def _said(error: BaseException) -> str:
    """What ended a connection, in words for an event."""
    match error:
        case ConnectionClosed(rcvd=received) if received is not None:
            return f"closed by the exchange: {received.code} {received.reason}".rstrip()
        case ConnectionClosed(sent=sent) if sent is not None and sent.code != 1000:
            return f"closed by us: {sent.code} {sent.reason}".rstrip()
        case ConnectionClosed():
            return "connection lost"
        case TimeoutError():
            return "timed out"
        case InvalidURI():
            return "the exchange named a bad address"  # its own words have the token in them
        case _:
            return f"{type(error).__name__}: {error}".rstrip(": ")
