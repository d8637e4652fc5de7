"""The control door: HTTP on loopback for stop, resume, status and commands to the engine."""

import asyncio
import errno
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import structlog
from aiohttp import ClientError, web
from aiohttp.web_protocol import RequestHandler

from liveopt.guard.fence import Connections, Fence
from liveopt.guard.gate import BY_NAME, Mode
from liveopt.guard.halt import Halt, Resumed, Stopped
from liveopt.guard.latch import REASON_MAX
from liveopt.guard.link import LINE_MAX, FromEngine, LinkDown
from liveopt.guard.resumes import Asked, Resumes, digest

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


class Reused(Exception):
    """An Idempotency-Key that came with other words before."""


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
    by: str = ""
    """Who wants it, if whoever knocks has asked; at this door nobody is asked again."""


class ResumeWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a resume."""

    reason: str
    by: str = ""
    number: int | None = None
    """The halt that is to end, by the latch's number; without it, whichever stands."""


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
    resumes: Resumes = field(default_factory=Resumes)
    _resuming: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One at a time: each sees what became of the one before."""
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
        """`{"mode": "halt" | "halt_and_flatten", "reason": "...", "by": "..."}`, or no body."""
        key = request.headers.get("Idempotency-Key", "")[:KEY_MAX]
        known = self._answers.get(key)
        if known is None or not _holds(known):
            said = await self._stop_once(request, key)
        else:
            said = await self._stop_again(request, key, known)
        return _answer(msgspec.to_builtins(said), 200 if said.complete else 207)

    async def _stop_again(
        self, request: web.Request, key: str, known: "asyncio.Future[Stopped]"
    ) -> Stopped:
        """Of one key there is one stop, unless it asks for more now. The gate is shut already."""
        errors: list[str] = []
        mode, words = await _stop_words(request, errors)
        await asyncio.wait([known])
        done = not known.cancelled() and self._answers.get(key) is known
        if done and BY_NAME[mode] <= BY_NAME[known.result().mode]:
            said = known.result()
            return msgspec.structs.replace(said, errors=[*errors, *said.errors])
        answer: asyncio.Future[Stopped] = asyncio.get_running_loop().create_future()
        self._remember(key, answer)
        try:
            said = await self.halt.stop(mode, words.reason, _whose(words))
            said.errors[:0] = errors
            answer.set_result(said)
            return said
        finally:
            answer.cancel()

    async def _stop_once(self, request: web.Request, key: str) -> Stopped:
        loop = asyncio.get_running_loop()
        began, errors = loop.time(), list[str]()
        number = self.halt.shut("halt", errors)  # before anything is waited for, the words included
        answer: asyncio.Future[Stopped] = loop.create_future()
        self._remember(key, answer)
        try:
            mode, words = await _stop_words(request, errors)
            said = await self.halt.stop(mode, words.reason, _whose(words), number)
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
        """`{"reason": "...", "number": 7}`; refused with the list of checks if one is not green.

        Also refused if another halt stands than is named, by its number or by the key's first use.
        """
        words = _decoded(await _body(request, BODY_S), ResumeWords)
        reason = words.reason.strip()
        if not 0 < len(reason) <= REASON_MAX:
            raise BadBody(f"reason: say why, in 1 to {REASON_MAX} characters")
        key = request.headers.get("Idempotency-Key", "")[:KEY_MAX]
        async with self._resuming:
            try:
                return await self._resume_once(words, key)
            except Reused as error:
                return _answer({"error": str(error)}, 422)
            except (OSError, TimeoutError) as error:
                return _answer({"error": f"the key cannot be kept: {error!r}"}, 503)

    async def _resume_once(self, words: ResumeWords, key: str) -> web.StreamResponse:
        known = self.resumes.find(key) if key else None
        number = await self._named(words, key, known) if key else words.number
        if known is not None and not self.halt.stands():
            return _answer(msgspec.to_builtins(Resumed(resumed=True)))
        checks = [msgspec.to_builtins(check) for check in self.checks()]
        other = self.halt.other(number)
        if other is None and not all(check["ok"] for check in checks):
            return _answer({"resumed": False, "checks": checks, "errors": []}, 409)
        self._answers.clear()  # first: a stop that is repeated meanwhile is a new one
        said = await self.halt.resume(words.reason.strip(), _whose(words), number)
        if not said.resumed:
            return _answer(msgspec.to_builtins(said) | {"checks": checks}, 409)
        return _answer(msgspec.to_builtins(said), 207 if said.not_acknowledged else 200)

    async def _named(self, words: ResumeWords, key: str, known: Asked | None) -> int:
        """The halt that is meant: with a key, the one that stood when it came first."""
        own = digest(f"{words.number} {words.reason}")
        if known is not None:
            if known.words != own:
                raise Reused("this Idempotency-Key was used for another resume")
            return known.number
        number = self.halt.latch.read().number if words.number is None else words.number
        keep = partial(self.resumes.keep, Asked(digest(key), own, number))
        async with asyncio.timeout(self.halt.waits.latch_s):
            await asyncio.to_thread(keep)  # not the latch's thread: a stop would wait behind it
        return number

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


def _whose(words: StopWords | ResumeWords) -> str:
    """A program that does not say whose wish it is, is all that is known."""
    return words.by or "http"


async def _stop_words(request: web.Request, errors: list[str]) -> tuple[Mode, StopWords]:
    """A stop never fails for its words: what is not understood is said, and halts."""
    try:
        words = _decoded(await _body(request, STOP_BODY_S) or b"{}", StopWords)
    except BadBody as error:
        errors.append(f"halted, but {error}")
        return "halt", StopWords(reason="a stop whose words were not understood")
    if words.mode not in BY_NAME:
        errors.append(f"halted, but mode {words.mode!r} is none of {', '.join(BY_NAME)}")
        return "halt", words
    return words.mode, words


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
