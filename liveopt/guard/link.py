"""The link between guard and engine: lines of JSON over a pair of sockets, bounded both ways.

Engine to guard: `{"status": {...}}` about four times a second, `{"halt": reason}` to be halted, and
answers, `{"answer": id, "ok": true, "body": ...}`. Guard to engine: `{"ask": id, "command": {...}}`
and, when the gate has moved, `{"gate": number}`.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Self

import msgspec
import structlog

log = structlog.get_logger()

VARIABLE: Final = "LIVEOPT_LINK"
"""The environment variable that tells the engine the number of its end."""
LINE_MAX: Final = 1 << 20
WAITING_MAX: Final = 64
"""Asks under way, and lines not yet sent."""
SEND_S: Final = 5.0
NO_LINE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a line that is none raises."""

Answerer = Callable[[dict[str, Any]], Awaitable[object]]


class LinkDown(Exception):
    """The other end is gone, or does not take what it is sent."""


class Refused(Exception):
    """The engine understood a command and will not do it; the text is for the one who asked."""


class FromEngine(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the engine: a status, an answer, or a reason to halt."""

    status: dict[str, Any] | None = None
    halt: str | None = None
    answer: int | None = None
    ok: bool = True
    body: Any = None


class FromGuard(msgspec.Struct, forbid_unknown_fields=True):
    """A line of the guard: a command to answer, or that the gate has moved."""

    ask: int | None = None
    command: dict[str, Any] | None = None
    gate: int | None = None


class _Lines:
    """Both ends: a socket with lines in and out."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._writer: asyncio.StreamWriter | None = None
        self._out: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAX)

    async def _connect(self) -> asyncio.StreamReader:
        reader, self._writer = await asyncio.open_connection(sock=self._end, limit=LINE_MAX)
        return reader

    def close(self) -> None:
        """Hang up; the other end reads the end of the file."""
        if self._writer is None:
            self._end.close()
        else:
            self._writer.transport.abort()

    def _put(self, line: object) -> None:
        """Never waits; LinkDown if the other end has not read for long."""
        text = msgspec.json.encode(line)
        if len(text) >= LINE_MAX:
            raise LinkDown(f"a line of {len(text)} bytes")
        try:
            self._out.put_nowait(text + b"\n")
        except asyncio.QueueFull as error:
            raise LinkDown("the other end does not read") from error

    async def _send(self) -> None:
        assert self._writer is not None
        while True:
            self._writer.write(await self._out.get())
            async with asyncio.timeout(SEND_S):
                await self._writer.drain()


async def _line(reader: asyncio.StreamReader) -> bytes:
    """One line; empty at the end. A line too long ends the link."""
    try:
        return await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
        return b""


class GuardEnd(_Lines):
    """The guard's end: asks, and remembers the engine's last status."""

    def __init__(self, end: socket.socket, halt: Callable[[str], None]) -> None:
        super().__init__(end)
        self._halt = halt
        self.status: dict[str, Any] = {}
        self.status_at_s: float | None = None
        """When it came, on the loop's clock."""
        self._asks: dict[int, asyncio.Future[FromEngine]] = {}
        self._asked = 0

    def nudge(self, number: int) -> None:
        """Wake an engine that waits for ticks: the gate has moved."""
        self._put({"gate": number})

    async def ask(self, command: Mapping[str, Any], timeout_s: float = 5.0) -> FromEngine:
        """The engine's answer; TimeoutError or LinkDown if there is none."""
        if len(self._asks) >= WAITING_MAX:
            raise LinkDown(f"{WAITING_MAX} commands are under way")
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[FromEngine] = asyncio.get_running_loop().create_future()
        self._asks[number] = answer
        try:
            self._put({"ask": number, "command": command})
            async with asyncio.timeout(timeout_s):
                return await answer
        finally:
            del self._asks[number]

    async def run(self) -> None:
        """Until the engine hangs up."""
        reader = await self._connect()
        try:
            async with asyncio.TaskGroup() as group:
                sender = group.create_task(self._send(), name="link out")
                while line := await _line(reader):
                    self._take(msgspec.json.decode(line, type=FromEngine))
                sender.cancel()
        except* (ConnectionError, TimeoutError, *NO_LINE) as errors:
            log.warning("the link to the engine broke", why=[str(e) for e in errors.exceptions])
        finally:
            self.close()
            for ask in self._asks.values():
                if not ask.done():
                    ask.set_exception(LinkDown("the engine is gone"))

    def _take(self, line: FromEngine) -> None:
        if line.status is not None:
            self.status = line.status
            self.status_at_s = asyncio.get_running_loop().time()
        if line.halt is not None:
            self._halt(line.halt)
        if line.answer is not None:
            ask = self._asks.get(line.answer)
            if ask is not None and not ask.done():
                ask.set_result(line)


class EngineEnd(_Lines):
    """The engine's end: answers commands, tells its status, ends when the guard is gone."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(end)
        self._status: Mapping[str, Any] | None = None
        self._news = asyncio.Event()

    @classmethod
    def from_environment(cls) -> Self | None:
        """The end that the guard left to this process; None without a guard."""
        number = os.environ.get(VARIABLE)
        if number is None:
            return None
        end = socket.socket(fileno=int(number))
        end.setblocking(False)
        os.set_inheritable(end.fileno(), False)
        return cls(end)

    def tell(self, status: Mapping[str, Any]) -> None:
        """Never waits; a status that was not sent yet is replaced."""
        self._status = status
        self._news.set()

    def halt(self, reason: str) -> None:
        """Ask to be halted and latched; what the engine stops by itself it stops before."""
        self._put({"halt": reason})

    async def run(self, answer: Answerer, gate_moved: Callable[[int], None]) -> None:
        """Returns when the guard is gone: then the engine must end.

        `answer` gets one command at a time and returns what JSON knows, or raises Refused.
        `gate_moved` is a hint that comes late or never if this loop is busy; the gate is the truth.
        """
        reader = await self._connect()
        commands: asyncio.Queue[FromGuard] = asyncio.Queue(WAITING_MAX)
        try:
            async with asyncio.TaskGroup() as group:
                helpers = (self._send(), self._tell(), self._answer(commands, answer))
                tasks = [group.create_task(helper, name="link") for helper in helpers]
                await self._read(reader, commands, gate_moved)
                for task in tasks:
                    task.cancel()
        except* (ConnectionError, TimeoutError, LinkDown) as errors:
            log.warning("the link to the guard broke", why=[str(e) for e in errors.exceptions])
        finally:
            self.close()

    async def _read(
        self,
        reader: asyncio.StreamReader,
        commands: asyncio.Queue[FromGuard],
        gate_moved: Callable[[int], None],
    ) -> None:
        while text := await _line(reader):
            line = msgspec.json.decode(text, type=FromGuard)
            if line.gate is not None:
                gate_moved(line.gate)
            if line.ask is None:
                continue
            try:
                commands.put_nowait(line)
            except asyncio.QueueFull:
                refused = {"error": "too many commands are waiting"}
                self._put({"answer": line.ask, "ok": False, "body": refused})

    async def _tell(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._out.put(msgspec.json.encode({"status": self._status}) + b"\n")

    async def _answer(self, commands: asyncio.Queue[FromGuard], answer: Answerer) -> None:
        while True:
            line = await commands.get()
            said: dict[str, Any] = {"answer": line.ask, "ok": True, "body": None}
            try:
                said["body"] = await answer(line.command or {})
            except Refused as error:
                said |= {"ok": False, "body": {"error": str(error)}}
            text = msgspec.json.encode(said)
            if len(text) >= LINE_MAX:
                said |= {"ok": False, "body": {"error": f"an answer of {len(text)} bytes"}}
                text = msgspec.json.encode(said)
            await self._out.put(text + b"\n")


def pair() -> tuple[socket.socket, socket.socket]:
    """The guard's socket and the one for the engine to inherit."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs
