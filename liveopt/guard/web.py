"""Keeps the web process beside the engine: started again for ever, and nobody else's trouble."""

import asyncio
import os
import signal
import socket
from asyncio.subprocess import Process
from contextlib import suppress
from typing import Any, Final

import structlog

from liveopt.guard.process import bury, start, tell
from liveopt.guard.spec import Spec

log = structlog.get_logger()

TOKEN: Final = "LIVEOPT_WEB_TOKEN"  # noqa: S105  the name of a variable, no secret
"""The variable with the one-time token of the dashboard's address; no other process is given it."""
SOCKET: Final = "LIVEOPT_WEB_SOCKET"
"""The variable with the number of the socket that listens already."""
BEAT: Final = "LIVEOPT_WEB_BEAT"
"""The variable with the number of the pipe into which the process writes while it is alive."""
STACK_S: Final = 0.5
"""For a hanging process to write where it hangs."""


class WebKeeper:
    """One web process at a time, or none at all; its socket outlives it."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._token = os.environ.pop(TOKEN, None)
        self._port = _port(spec.web_socket)
        self._ending = asyncio.Event()
        self._process: Process | None = None
        self._beat_at_s = 0.0
        self._beats = 0
        self.starts = 0
        self.last_exit: int | None = None

    def status(self) -> dict[str, Any] | None:
        """What there is to tell of it; None if none is wanted."""
        if self._spec.web is None:
            return None
        running = self._process is not None and self._process.returncode is None
        return {
            "pid": self._process.pid if self._process is not None and running else None,
            "starts": self.starts,
            "last_exit": self.last_exit,
            "port": self._port,
        }

    def end(self) -> None:
        """Politely; `run` returns soon after."""
        self._ending.set()

    async def run(self) -> None:
        """Until `end`; whatever becomes of the process is a line in the log."""
        loop, limits = asyncio.get_running_loop(), self._spec.limits
        deaths = 0
        while self._spec.web is not None and not self._ending.is_set():
            began_s = loop.time()
            try:
                self.last_exit = await self._life(self._spec.web)
            except OSError as error:  # no descriptors, no memory, no such program
                log.warning("the web process could not be started", error=str(error))
            if self._ending.is_set():
                return
            deaths = 1 if loop.time() - began_s > limits.restarts_in_s else deaths + 1
            pause_s = min(limits.web_backoff_s_max, limits.backoff_s * 2.0 ** min(deaths - 1, 32))
            log.warning("the web process ended and is started again", code=self.last_exit)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._ending.wait()

    async def _life(self, words: list[str]) -> int:
        """One process from its start to its end: its exit code, negative for a signal."""
        loop = asyncio.get_running_loop()
        ours, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            try:
                self._process = await self._started(words, theirs)
            finally:
                os.close(theirs)
            self._beats, self._beat_at_s = 0, loop.time()
            loop.add_reader(ours, self._hear, ours)
            return await self._until_it_ends(self._process)
        finally:
            loop.remove_reader(ours)
            os.close(ours)
            await bury(self._process)

    async def _started(self, words: list[str], beat: int) -> Process:
        inherited, told = [beat], {BEAT: str(beat), "PYTHONFAULTHANDLER": "1"}
        if self._token is not None:
            told[TOKEN] = self._token
        if self._spec.web_socket is not None:
            inherited.append(self._spec.web_socket)
            told[SOCKET] = str(self._spec.web_socket)
        process = await start(words, pass_fds=inherited, env=told)
        self.starts += 1
        return process

    async def _until_it_ends(self, process: Process) -> int:
        async with asyncio.TaskGroup() as group:
            ended = group.create_task(process.wait(), name="web")
            hung = group.create_task(self._watch(), name="web's heartbeat")
            ending = group.create_task(self._ending.wait(), name="web's end")
            await asyncio.wait([ended, hung, ending], return_when=asyncio.FIRST_COMPLETED)
            if ending.done():
                tell(process, signal.SIGTERM)
                await asyncio.wait([ended], timeout=self._spec.limits.web_polite_s)
            elif hung.done():
                log.error("the web process hangs and is killed")
                tell(process, signal.SIGABRT)
                await asyncio.wait([ended], timeout=STACK_S)
            tell(process, signal.SIGKILL)
            for task in (hung, ending):
                task.cancel()
        return ended.result()

    async def _watch(self) -> None:
        """Returns when the process hangs."""
        loop, limits = asyncio.get_running_loop(), self._spec.limits
        while True:
            await asyncio.sleep(limits.poll_s)
            silent_s = loop.time() - self._beat_at_s
            if silent_s > (limits.web_heartbeat_s if self._beats else limits.web_starting_s):
                return

    def _hear(self, ours: int) -> None:
        """A byte or more: it lives. None: it has shut its end, and will be found silent."""
        loop = asyncio.get_running_loop()
        if os.read(ours, 4096):
            self._beats += 1
            self._beat_at_s = loop.time()
        else:
            loop.remove_reader(ours)


def _port(number: int | None) -> int | None:
    """Where the inherited socket listens."""
    if number is None:
        return None
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as listening:
        return int(listening.getsockname()[1])
    log.error("the web process inherits no socket", number=number)
    return None
