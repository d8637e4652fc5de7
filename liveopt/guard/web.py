"""Keeps the web process beside the engine: started again for ever, and nobody else's trouble."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from typing import Any, Final

import structlog

from liveopt.guard.overheard import Overheard
from liveopt.guard.process import bury, start, tell
from liveopt.guard.spec import Spec
from liveopt.guard.stand_in import stand_in
from liveopt.logs import clean_text

log = structlog.get_logger()

TOKEN: Final = "LIVEOPT_WEB_TOKEN"  # noqa: S105  the name of a variable, no secret
"""The variable with the one-time token of the dashboard's address; no other process is given it."""
SOCKET: Final = "LIVEOPT_WEB_SOCKET"
"""The variable with the number of the socket that listens already."""
BEAT: Final = "LIVEOPT_WEB_BEAT"
"""The variable with the number of the pipe into which the process writes while it is alive."""
STACK_S: Final = 0.5
"""For a hanging process to write where it hangs."""
FAILED_MAX: Final = 3
"""So many starts in a row without a sign of life, and there is no dashboard."""
TOLD_EVERY_S: Final = 600.0
"""What one that cannot start writes is passed on so seldom."""


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
        self._overheard: Overheard | None = None
        self._stand_in: asyncio.Task[None] | None = None
        self._failed = 0
        self._why = ""
        self._told_s = -TOLD_EVERY_S
        self.starts = 0
        self.last_exit: int | None = None
        self.trouble: str | None = None
        """Why there is no dashboard."""

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
            "trouble": self.trouble,
        }

    def end(self) -> None:
        """Politely; `run` returns soon after."""
        self._ending.set()

    async def run(self) -> None:
        """Until `end`; whatever becomes of the process is a line in the log."""
        async with asyncio.TaskGroup() as group:
            try:
                await self._lives(group)
            finally:
                self._well()

    async def _lives(self, group: asyncio.TaskGroup) -> None:
        loop, limits = asyncio.get_running_loop(), self._spec.limits
        deaths = 0
        while self._spec.web is not None and not self._ending.is_set():
            began_s, self._beats, self._why = loop.time(), 0, ""
            try:
                self.last_exit = await self._life(self._spec.web)
            except OSError as error:  # no descriptors, no memory, no such program
                self._why = clean_text(str(error))
                if self.trouble is None:
                    log.warning("the web process could not be started", error=str(error))
            if self._ending.is_set():
                return
            self._failed = 0 if self._beats else self._failed + 1
            if self._failed >= FAILED_MAX:
                self._cannot_start(group)
            else:
                log.warning("the web process ended and is started again", code=self.last_exit)
            deaths = 1 if loop.time() - began_s > limits.restarts_in_s else deaths + 1
            pause_s = min(limits.web_backoff_s_max, limits.backoff_s * 2.0 ** min(deaths - 1, 32))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._ending.wait()

    def _cannot_start(self, group: asyncio.TaskGroup) -> None:
        """Said once in one line; what it wrote, now and then."""
        now_s = asyncio.get_running_loop().time()
        heard = self._overheard
        last = heard.last if heard is not None else ""
        is_new = self.trouble is None
        self.trouble = self._why or last or f"it ended with {self.last_exit}"
        if is_new:
            sys.stderr.write(
                f"liveopt: no dashboard: {self.trouble}; the run goes on; `liveopt status` says how"
                " it does, and the dashboard is tried again\n"
            )
            self._told_s = now_s
        elif now_s - self._told_s >= TOLD_EVERY_S:
            self._told_s = now_s
            log.warning("the web process cannot be started", starts=self.starts, why=self.trouble)
            if heard is not None:
                heard.aloud()
        if self._port is None or self._spec.web_socket is None:
            return
        if self._stand_in is None or self._stand_in.done():  # it ends where a descriptor lacks
            self._stand_in = group.create_task(stand_in(self._spec.web_socket), name="no dashboard")

    def _well(self) -> None:
        """Somebody answers there again, or nobody is to any more."""
        self.trouble = None
        if self._stand_in is not None:
            self._stand_in.cancel()
            self._stand_in = None

    async def _life(self, words: list[str]) -> int:
        """One process from its start to its end: its exit code, negative for a signal."""
        loop = asyncio.get_running_loop()
        ours, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        heard = self._overheard = None
        try:
            try:
                heard = self._overheard = self._listened()
                self._process = await self._started(words, theirs, heard)
            finally:
                os.close(theirs)
                if heard is not None:
                    heard.let_go()
            self._beat_at_s = loop.time()
            loop.add_reader(ours, self._hear, ours)
            return await self._until_it_ends(self._process)
        finally:
            loop.remove_reader(ours)
            os.close(ours)
            await bury(self._process)
            if heard is not None:
                heard.close()

    def _listened(self) -> Overheard | None:
        """The first that fails writes where all do; what the next ones write is heard here."""
        if not self._failed:
            return None
        return Overheard(aloud=self._spec.level == "debug")

    async def _started(self, words: list[str], beat: int, heard: Overheard | None) -> Process:
        inherited, told = [beat], {BEAT: str(beat), "PYTHONFAULTHANDLER": "1"}
        if self._token is not None:
            told[TOKEN] = self._token
        if self._spec.web_socket is not None:
            inherited.append(self._spec.web_socket)
            told[SOCKET] = str(self._spec.web_socket)
        stderr = None if heard is None else heard.theirs
        process = await start(words, pass_fds=inherited, env=told, stderr=stderr)
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
                if not self._beats:
                    self._why = f"no sign of life in {self._spec.limits.web_starting_s:g} s"
                if self.trouble is None:
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
            if self._beats == 1:
                self._lives_now()
        else:
            loop.remove_reader(ours)

    def _lives_now(self) -> None:
        """The first sign of life: what it writes is for everybody again."""
        if self.trouble is not None:
            log.warning("the dashboard is there again")
        self._well()
        if self._overheard is not None:
            self._overheard.aloud()


def _port(number: int | None) -> int | None:
    """Where the inherited socket listens."""
    if number is None:
        return None
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as listening:
        return int(listening.getsockname()[1])
    log.error("the web process inherits no socket", number=number)
    return None
