"""The guard's door from the web process: stop at once, ask and command without blocking anybody."""

import asyncio
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import msgspec
import structlog

from liveopt.guard import caller, control
from liveopt.guard.caller import ASK_S, COMMAND_S, HOST, PATIENCE_S, Reply
from liveopt.guard.control import Control, read_control
from liveopt.guard.gate import Mode
from liveopt.guard.latch import REASON_MAX
from liveopt.web.errors import Problem, not_running

log = structlog.get_logger()

STOP_S: Final = 3.0
ASKED_MAX: Final = 64
"""Requests to the door at a time: it takes as many connections, and a stop needs one of them."""
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(slots=True)
class Door:
    """What can be asked of the guard of this state folder."""

    state: Path
    _session: aiohttp.ClientSession | None = None
    _files: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(2, "stop by files")
    )
    """For stops alone: whatever else waits for a disk, these threads are free."""
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(ASKED_MAX // 2))

    async def open(self) -> None:
        """Before the first question."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), auto_decompress=False
        )
        self._files.submit(int).result()  # a thread while there is memory for it

    async def close(self) -> None:
        """No more questions."""
        if self._session is not None:
            await self._session.close()
        self._files.shutdown(wait=False)

    async def status(self) -> dict[str, Any] | None:
        """What the guard knows; None where none runs."""
        try:
            return (await self._ask("GET", "/api/optimizer/status")).body
        except Problem:
            return None

    async def command(self, words: Mapping[str, Any]) -> Any:
        """The engine's answer; what it refuses is a `Problem`."""
        reply = await self._ask("POST", "/api/optimizer/command", {"command": words}, COMMAND_S)
        body = reply.body.get("body")
        if reply.status == 200:
            return body
        said = body if isinstance(body, dict) else reply.body
        why = str(said.get("error", f"the door answered {reply.status}"))
        if reply.status == 409:
            raise Problem(409, "REFUSED", why)
        raise Problem(504 if reply.status == 504 else 503, "NOT_RUNNING", why)

    async def resume(
        self, reason: str, by: str, number: int | None = None, once: str = ""
    ) -> Reply:
        """Let entries through again; the door's answer as it is.

        With the latch's number of a halt, that one alone is ended; with `once`, which names the
        request, the one that stood when it came first.
        """
        words = {"reason": reason[:REASON_MAX], "by": by, "number": number}
        key = hashlib.sha256(once.encode("utf-8", "surrogateescape")).hexdigest()
        headers = {"Idempotency-Key": key} if once else {}
        reply = await self._ask("POST", "/api/optimizer/resume", words, headers=headers)
        why = str(reply.body.get("error", ""))
        if reply.status == 422:
            raise Problem(422, "IDEMPOTENCY_KEY_REUSED", why)
        if reply.status == 503:
            raise Problem(503, "NOT_KEPT", why, headers={"Retry-After": "60"})
        return reply

    async def stop(self, mode: Mode, reason: str, by: str, key: str) -> dict[str, Any]:
        """Halt. A door that does not answer soon is passed by: gate, latch, file and signal.

        The latch names `by`: a key or a session. Of one `key` there is one stop.
        """
        words = {"mode": mode, "reason": reason[:REASON_MAX], "by": by}
        knock = asyncio.create_task(self._knock(words, key), name="stop")
        done, _ = await asyncio.wait({knock}, timeout=PATIENCE_S)
        said = knock.result() if done else None
        if said is not None:
            return said
        loop = asyncio.get_running_loop()
        past = partial(caller.stop, self.state, mode, words["reason"], by)
        by_files = loop.run_in_executor(self._files, past)
        try:
            return await by_files
        finally:
            knock.cancel()

    async def _knock(self, words: Mapping[str, Any], key: str) -> dict[str, Any] | None:
        """The door's answer to a stop; None if it has none."""
        try:
            headers = {"Idempotency-Key": key} if key else {}
            path = "/api/optimizer/stop"
            reply = await self._request("POST", path, words, STOP_S, headers)
        except (OSError, aiohttp.ClientError, TimeoutError, ValueError, msgspec.DecodeError):
            return None
        return {"running": True, "via": "door", **reply.body} if "latched" in reply.body else None

    async def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        timeout_s: float = ASK_S,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Reply:
        """One request; 503 where nobody is there, 504 where nobody answers."""
        try:
            async with self._room:
                return await self._request(method, path, body, timeout_s, headers)
        except TimeoutError as error:
            raise Problem(504, "NO_ANSWER", "the door of the service does not answer") from error
        except (OSError, aiohttp.ClientError, ValueError, msgspec.DecodeError) as error:
            raise not_running() from error

    async def _request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        timeout_s: float,
        headers: Mapping[str, str],
    ) -> Reply:
        assert self._session is not None, "open first"
        door = self._control()
        async with self._session.request(
            method,
            f"http://{HOST}:{door.port}{path}",
            data=None if body is None else msgspec.json.encode(body),
            headers={
                "Authorization": f"Bearer {door.token}",
                "Content-Type": "application/json",
                **headers,
            },
            timeout=aiohttp.ClientTimeout(total=timeout_s),
        ) as answer:
            said = msgspec.json.decode(await answer.read(), type=dict[str, Any])
            return Reply(answer.status, said)

    def _control(self) -> Control:
        """Read each time: a guard that was started again has another port and token."""
        return read_control(self.state / control.NAME)
