"""A client that says what a case has to say, octet by octet, and keeps account of the answers."""

import asyncio
import base64
import hashlib
import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from tests.attack.cases import NORMAL, PAUSE_S, Case
from tests.attack.frames import CLOSE, PING, PONG, TEXT, Heard, close, frame

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where the service is, and what opens it."""

    port: int
    key: str
    pid: int = 0


@dataclass(slots=True)
class Account:
    """What the server said, and how it ended."""

    snaps: int = 0
    halts: int = 0
    pongs: list[bytes] = field(default_factory=list)
    code: int | None = None
    """Of its close frame; -1 for one without a code."""
    after: int = 0
    """Frames after its close frame."""
    ended: str = ""
    """How TCP ended: `end`, `reset`, or not."""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, opcode: int, payload: bytes) -> bool:
        """One frame; whether it wants an answer."""
        self.after += self.code is not None
        if opcode == PONG:
            self.pongs.append(payload)
        elif opcode == CLOSE:
            self.code = int.from_bytes(payload[:2], "big") if payload else -1
        elif opcode == TEXT:
            kind = json.loads(payload)["type"]
            self.snaps += kind == "snap"
            self.halts += kind == "halt"
        self.news.set()
        return opcode == PING


class Socket:
    """One raw connection to the stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.account = Account()

    async def listen(self) -> None:
        """Until TCP ends."""
        heard = Heard()
        try:
            while data := await self._reader.read(1 << 16):
                for opcode, payload in heard.take(data):
                    if self.account.take(opcode, payload) and self.account.code is None:
                        self.write(frame(PONG, payload))
            self.account.ended = "end"
        except ConnectionError:
            self.account.ended = "reset"
        self.account.news.set()

    def write(self, data: bytes) -> None:
        """At once."""
        with suppress(ConnectionError):
            self._writer.write(data)

    async def say(self, said: Case) -> None:
        """As the case has it; a server that has hung up is not talked to."""
        with suppress(ConnectionError):
            for one in said.said:
                if isinstance(one, float):
                    await asyncio.sleep(one)
                elif not self.account.ended:
                    self._writer.write(one)
                    await self._writer.drain()
                    await asyncio.sleep(0)

    async def until(self, true: Callable[[], bool]) -> bool:
        """Whether it comes true in time."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true():
                    self.account.news.clear()
                    await self.account.news.wait()
        except TimeoutError:
            return False
        return True

    def end(self) -> None:
        """Hang up."""
        self._writer.transport.abort()


def handshake(place: Place, headers: Mapping[str, str | None] | None = None) -> tuple[bytes, str]:
    """The request, and what Sec-WebSocket-Accept must be; None takes a header away."""
    key = base64.b64encode(os.urandom(16))
    said: dict[str, str | None] = {
        "Host": f"127.0.0.1:{place.port}", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key.decode(),
        "X-API-Key": place.key, "Sec-WebSocket-Protocol": "liveopt",
    }  # fmt: skip
    said |= headers or {}
    lines = [f"{name}: {value}" for name, value in said.items() if value is not None]
    text = "\r\n".join(["GET /ws HTTP/1.1", *lines, "", ""])
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    return text.encode(), accept


async def shake(
    place: Place, headers: Mapping[str, str | None] | None = None
) -> tuple[int, dict[str, str], Socket]:
    """Status, headers and the connection, once it has been answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request, accept = handshake(place, headers)
    writer.write(request)
    async with asyncio.timeout(PATIENCE_S):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.partition(": ") for line in head[1:] if line)
    found = {name.lower(): value for name, _, value in pairs}
    status = int(head[0].split()[1])
    if status == 101:
        assert found["sec-websocket-accept"] == accept
    return status, found, Socket(reader, writer)


async def play(place: Place, case: Case) -> list[str]:
    """What went otherwise than the case says."""
    status, headers, peer = await shake(place)
    assert status == 101, status
    assert "sec-websocket-extensions" not in headers
    account = peer.account
    listening = asyncio.create_task(peer.listen())
    try:
        if not await peer.until(lambda: account.halts > 0):  # hello, snap, halt
            return ["nothing was told at the beginning"]
        before = account.snaps
        await peer.say(case)
        if case.we_close:
            await peer.until(
                lambda: (
                    account.snaps - before >= case.snaps and len(account.pongs) >= len(case.pongs)
                )
            )
            if not case.snaps and not case.pongs:
                await asyncio.sleep(PAUSE_S)  # nothing must come
            if account.ended or account.code is not None:
                return [f"the server ended it with {account.code}"]
            peer.write(close(NORMAL))
        await peer.until(lambda: bool(account.ended))
        return verdict(case, account, account.snaps - before)
    finally:
        peer.end()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def verdict(case: Case, account: Account, snaps: int) -> list[str]:
    """Nothing, if all is as it should be."""
    wrong: list[str] = []
    if snaps != case.snaps if case.we_close else snaps > case.snaps:
        wrong.append(f"{snaps} snaps, not {case.snaps}")
    if tuple(account.pongs) != case.pongs:
        wrong.append(f"pongs {account.pongs}")
    if account.code != case.ends:
        wrong.append(f"closed with {account.code}, not {case.ends}")
    if account.after:
        wrong.append(f"{account.after} frames after its close frame")
    if account.ended != "end" and (case.we_close or not account.ended):
        wrong.append(f"TCP: {account.ended or 'still open'}")
    return wrong
