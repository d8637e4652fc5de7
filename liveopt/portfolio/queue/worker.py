"""The worker: looks at the share, takes what is ready, and outlives whatever the share does."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog

from liveopt.portfolio.queue import claims, files, held, task
from liveopt.portfolio.queue.aside import aside, briefly
from liveopt.portfolio.queue.books import Books
from liveopt.portfolio.queue.held import Held
from liveopt.portfolio.queue.intake import Intake, new_jobs
from liveopt.portfolio.queue.later import Later
from liveopt.portfolio.queue.places import Gone, Places
from liveopt.portfolio.queue.processes import me
from liveopt.portfolio.queue.recovery import Recovery
from liveopt.portfolio.queue.settings import Clock, Settings
from liveopt.portfolio.queue.status import PAUSE_S, Desk
from liveopt.portfolio.queue.task import Bench, Command

log = structlog.get_logger()


class Worker:
    """One of any number on a share."""

    def __init__(
        self,
        root: Path,
        command: Command,
        settings: Settings = Settings(),  # noqa: B008  frozen
        clock: Clock = Clock(),  # noqa: B008  frozen
    ) -> None:
        """`command` makes the program and its arguments of a job; nothing is touched yet."""
        places, self._owner = Places(root.absolute()), me()
        name = f"{socket.gethostname()}:{os.getpid()}"
        self._books = Books(places, self._owner, clock.stamp)
        self._desk = Desk(places, clock, name)
        self._later = Later(clock.steady, settings.poll_s)
        self._bench = Bench(places, command, settings, clock, self._books, self._desk, self._later)
        self._intake = Intake(places, settings, clock)
        self._recovery = Recovery(places, self._owner, settings, self._books)
        self._running: dict[str, tuple[Held, asyncio.Task[str]]] = {}
        self._free = asyncio.Event()
        self._had: set[str] | None = None
        self._fault = ""

    @property
    def trouble(self) -> str:
        """What keeps it from its work now; empty if nothing does."""
        return self._desk.trouble

    async def run(self) -> None:
        """Until it is cancelled: then what it was at goes back into the queue.

        Raises `Gone` if the share is not there at the start; later it waits for it.
        """
        await aside(self._bench.places.prepare)
        log.info("the queue is watched", root=str(self._bench.places.root))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell())
                tasks.create_task(self._keep())
                await self._watch(tasks)
        finally:
            await briefly(self._say_goodbye)

    async def _watch(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._free.clear()
            trouble = await self._safely(partial(self._once, tasks))
            self._bench.trouble(trouble or self._later.trouble())
            self._desk.waits = self._recovery.waits | self._intake.skipped | self._intake.waits
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._bench.settings.poll_s):
                    await self._free.wait()

    async def _safely(self, act: Callable[[], Awaitable[None]]) -> str:
        """What kept it from that; empty if nothing. The supervisor: the worker outlives it all."""
        try:
            await act()
        except OSError as error:
            return str(error) or repr(error)
        except Exception as error:
            fault = f"a fault of the worker: {error!r}"
            if fault != self._fault:  # said once: it may come again every second
                self._fault = fault
                log.exception("a fault of the worker")
            return fault
        return ""

    async def _once(self, tasks: asyncio.TaskGroup) -> None:
        await self._begin(tasks, await aside(self._look))

    def _look(self) -> list[str]:
        """Once over the share; the jobs that may begin."""
        places, settings = self._bench.places, self._bench.settings
        places.check()
        with files.noting(self._recovery.waits, places.processing.name):
            self._recovery.look(self._bench.clock.steady())
        self._look_at_tables()
        ready = self._intake.ready()
        free_mib = places.free_mib()
        if free_mib < settings.free_mib:
            need = f"{settings.free_mib} are needed to begin a job: make room"
            raise Gone(f"the share has {free_mib} MiB free, {need}")
        return ready

    def _look_at_tables(self) -> None:
        """Drops jobs for new tables, and writes what waits to be written."""
        if self._had is None:
            self._had = self._books.had()
        new = self._intake.digests(self._intake.tables(self._had))
        if not new:
            self._books.write()
            return
        made: dict[str, str] = {}

        def more(had: dict[str, str]) -> dict[str, str]:
            made.update(new_jobs(self._intake, had, new))
            self._had = set(had) | made.keys()
            return made

        self._books.write(more)
        for job_id in made.values():
            self._books.note(job_id, "queued", source="input_folder")

    async def _begin(self, tasks: asyncio.TaskGroup, ready: list[str]) -> None:
        for name in ready:
            if len(self._running) >= self._bench.settings.jobs_max:
                return
            key = held.key_of(name)
            if why := self._later.why(key):
                self._intake.waits[name] = why
                continue
            try:
                one = await aside(partial(held.begin, self._bench.places, name, self._owner), _undo)
            except OSError as error:  # of this job alone, or the next look finds the share gone
                self._later.put_off(key, f"it cannot be taken: {error.strerror}", shared=False)
                self._intake.waits[name] = self._later.why(key)
                continue
            if one is None:
                continue
            begun = tasks.create_task(self._safely(partial(task.do, self._bench, one)))
            self._running[one.key] = (one, begun)
            begun.add_done_callback(partial(self._ended, one.key))

    def _ended(self, key: str, _: asyncio.Task[str]) -> None:
        del self._running[key]
        self._free.set()

    async def _tell(self) -> None:
        """The status, at most once a second; a client that holds it open costs one writing."""
        while True:
            await self._safely(partial(aside, self._write))
            await asyncio.sleep(PAUSE_S)

    def _write(self) -> None:
        self._bench.places.check()
        self._desk.write()

    async def _keep(self) -> None:
        """Signs of life on the claims; whose is lost has been taken for dead, and stops."""
        while True:
            for one, begun in list(self._running.values()):
                await self._safely(partial(self._keep_one, one, begun))
            await asyncio.sleep(self._bench.settings.beat_s)

    async def _keep_one(self, one: Held, begun: asyncio.Task[str]) -> None:
        def keep() -> bool:
            one.places.check()
            return claims.keep(one.places.processing, one.key, one.claim)

        if not await aside(keep) and one.key in self._running:
            log.warning("a claim is lost", job=one.job_id)
            begun.cancel()

    def _say_goodbye(self) -> None:
        with contextlib.suppress(OSError):
            self._books.write()
            self._desk.doing.clear()
            self._desk.write(stopped=True)


def _undo(one: Held | None) -> None:
    """It was taken in the moment that the worker ended."""
    if one is not None:
        with contextlib.suppress(OSError):
            one.put_back(counted=False)
