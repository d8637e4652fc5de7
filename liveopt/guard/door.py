"""The control door: HTTP on loopback for stop, resume, status and commands to the engine."""

import asyncio
import errno
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
import structlog
from aiohttp import ClientError, web
from aiohttp.web_protocol import RequestHandler

from liveopt.guard.fence import Connections, Fence
from liveopt.guard.gate import BY_NAME, Mode
from liveopt.guard.halt import Halt, Stopped
from liveopt.guard.latch import REASON_MAX
from liveopt.guard.link import LINE_MAX, FromEngine, LinkDown

log = structlog.get_logger()

HOST: Final = "127.0.0.1"
BODY_MAX: Final = 4096
COMMAND_MAX: Final = LINE_MAX
"""A command may name thousands of variants; the link takes as much."""
BODY_S: Final = 2.0
STOP_BODY_S: Final = 0.25
"""How long a stop listens to its words; without them it halts all the same."""
KEYS_MAX: Final = 256
KEY_MAX: Final = 200

T = TypeVar("T")
Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadBody(Exception):
    """The words of a request are not understood."""


class PortTaken(Exception):
    """Another program listens on the port that the settings name."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} (control.port) is taken, perhaps by a run in another folder;"
            " set LIVEOPT__CONTROL__PORT=0 to take a free one"
        )


class Check(msgspec.Struct, frozen=True):
    """One thing that must be right before entries are let through again."""

    name: str
    ok: bool
    why: str


class StopWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a stop; all of it may be missing."""

    mode: str = "halt"
    reason: str = ""


class ResumeWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a resume."""

    reason: str


class CommandWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a command: what it holds is between the caller and the engine."""

    command: dict[str, Any]


@dataclass(slots=True)
class Door:
    """Listens from `open` to `close`."""

    halt: Halt
    checks: Callable[[], list[Check]]
    status: Callable[[], Mapping[str, Any]]
    ask: Callable[[Mapping[str, Any]], Awaitable[FromEngine]]
    token: str
    port: int = 0
    port_fallback: bool = False
    """Whether a free port will do where the wanted one is taken."""
    _answers: OrderedDict[str, asyncio.Future[Stopped]] = field(default_factory=OrderedDict)
    """Stops by their Idempotency-Key, until a resume."""
    _runner: web.AppRunner | None = None
    _server: asyncio.Server | None = None

    async def open(self) -> int:
        """The port it listens on."""
        app = web.Application(client_max_size=BODY_MAX, middlewares=[self._first])
        app.add_routes(
            [
                web.post("/api/optimizer/stop", self._stop),
                web.post("/api/optimizer/resume", self._resume),
                web.post("/api/optimizer/command", self._command),
                web.get("/api/optimizer/status", self._status),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        connections = Connections(server, lambda: len(server.connections), _cut)
        try:
            self._server = await self._listening(connections)
        except (OSError, PortTaken):
            await self.close()
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        return self.port

    async def _listening(self, connections: Connections) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(connections, HOST, self.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            if not self.port_fallback:
                raise PortTaken(self.port) from error
            log.warning("the port is taken; a free one will do", port=self.port)
            return await loop.create_server(connections, HOST, 0)

    async def close(self) -> None:
        """Nobody is answered any more."""
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _first(self, request: web.Request, handler: Handle) -> web.StreamResponse:
        """Before anything else; every answer is JSON and ends its connection."""
        denied = Fence(self.port, self.token).judge(request.raw_path, request.headers)
        if denied is not None:
            return _answer({"error": denied.why}, denied.status)
        try:
            return await handler(request)
        except BadBody as error:
            return _answer({"error": str(error)}, 400)
        except web.HTTPException as error:
            return _answer({"error": error.reason}, error.status)

    async def _stop(self, request: web.Request) -> web.StreamResponse:
        """`{"mode": "halt" | "halt_and_flatten", "reason": "..."}`, or no body at all."""
        key = request.headers.get("Idempotency-Key", "")[:KEY_MAX]
        known = self._answers.get(key)
        if known is not None and _holds(known):
            said = await asyncio.shield(known)
        else:
            said = await self._stop_once(request, key)
        return _answer(msgspec.to_builtins(said), 200 if said.complete else 207)

    async def _stop_once(self, request: web.Request, key: str) -> Stopped:
        loop = asyncio.get_running_loop()
        began, errors = loop.time(), list[str]()
        number = self.halt.shut("halt", errors)  # before anything is waited for, the words included
        answer: asyncio.Future[Stopped] = loop.create_future()
        self._remember(key, answer)
        try:
            mode, reason = await _stop_words(request, errors)
            said = await self.halt.stop(mode, reason, "http", number)
            said.errors[:0] = errors
            said.took_ms = (loop.time() - began) * 1e3
            answer.set_result(said)
            return said
        finally:
            answer.cancel()

    def _remember(self, key: str, answer: asyncio.Future[Stopped]) -> None:
        if key:
            self._answers[key] = answer
        while len(self._answers) > KEYS_MAX:
            self._answers.popitem(last=False)

    async def _resume(self, request: web.Request) -> web.StreamResponse:
        """`{"reason": "..."}`; refused with the list of checks if one is not green."""
        words = _decoded(await _body(request, BODY_S), ResumeWords)
        reason = words.reason.strip()
        if not 0 < len(reason) <= REASON_MAX:
            raise BadBody(f"reason: say why, in 1 to {REASON_MAX} characters")
        checks = [msgspec.to_builtins(check) for check in self.checks()]
        if not all(check["ok"] for check in checks):
            return _answer({"resumed": False, "checks": checks, "errors": []}, 409)
        self._answers.clear()
        said = await self.halt.resume(reason, "http")
        if not said.resumed:
            return _answer(msgspec.to_builtins(said) | {"checks": checks}, 409)
        return _answer(msgspec.to_builtins(said), 207 if said.not_acknowledged else 200)

    async def _command(self, request: web.Request) -> web.StreamResponse:
        """`{"command": {...}}`: the engine's answer as it is."""
        words = _decoded(await _body(request, BODY_S, COMMAND_MAX), CommandWords)
        try:
            said = await self.ask(words.command)
        except TimeoutError:
            return _answer({"error": "the engine did not answer in time"}, 504)
        except LinkDown as error:
            return _answer({"error": str(error)}, 503)
        return _answer({"ok": said.ok, "body": said.body}, 200 if said.ok else 409)

    async def _status(self, _: web.Request) -> web.StreamResponse:
        return _answer(self.status())


def _holds(answer: asyncio.Future[Stopped]) -> bool:
    """Under way or complete: not repeated for the same key. One that lacked something is."""
    return not answer.done() or (not answer.cancelled() and answer.result().complete)


async def _stop_words(request: web.Request, errors: list[str]) -> tuple[Mode, str]:
    """A stop never fails for its words: what is not understood is said, and halts."""
    try:
        words = _decoded(await _body(request, STOP_BODY_S) or b"{}", StopWords)
    except BadBody as error:
        errors.append(f"halted, but {error}")
        return "halt", "a stop whose words were not understood"
    if words.mode not in BY_NAME:
        errors.append(f"halted, but mode {words.mode!r} is none of {', '.join(BY_NAME)}")
        return "halt", words.reason
    return words.mode, words.reason


async def _body(request: web.Request, timeout_s: float, size_max: int = BODY_MAX) -> bytes:
    try:
        async with asyncio.timeout(timeout_s):
            return await request.clone(client_max_size=size_max).read()
    except web.HTTPRequestEntityTooLarge as error:
        raise BadBody(f"the body is larger than {size_max} bytes") from error
    except TimeoutError as error:
        raise BadBody(f"the body did not come within {timeout_s} s") from error
    except (ClientError, ConnectionError, web.RequestPayloadError) as error:
        raise BadBody("the body was cut off") from error


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody(f"the body is not understood: {error}") from error


def _answer(said: Mapping[str, Any], status: int = 200) -> web.Response:
    response = web.Response(
        body=msgspec.json.encode(said),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )
    response.force_close()
    return response


def _cut(protocol: asyncio.Protocol) -> None:
    assert isinstance(protocol, RequestHandler)
    protocol.force_close()
