"""The worker: looks at the share, takes what is ready, and outlives whatever the share does."""

import asyncio
import contextlib
import os
import socket
from functools import partial
from pathlib import Path

import structlog

from liveopt.portfolio.queue import claims, held, task
from liveopt.portfolio.queue.aside import aside
from liveopt.portfolio.queue.books import Books
from liveopt.portfolio.queue.held import Held
from liveopt.portfolio.queue.intake import Intake, Table, md5_of, new_jobs
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
        self._bench = Bench(places, command, settings, clock, self._books, self._desk)
        self._intake = Intake(places, settings, clock)
        self._recovery = Recovery(places, self._owner, settings, self._books)
        self._running: dict[str, tuple[Held, asyncio.Task[None]]] = {}
        self._free = asyncio.Event()
        self._had: set[str] | None = None
        self._md5: dict[Table, str] = {}

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
            self._say_goodbye()

    async def _watch(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._free.clear()
            try:
                ready = await aside(self._look)
                await self._begin(tasks, ready)
                self._bench.trouble("")
            except OSError as error:
                self._bench.trouble(str(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._bench.settings.poll_s):
                    await self._free.wait()

    def _look(self) -> list[str]:
        """Once over the share; the jobs that may begin."""
        places, settings = self._bench.places, self._bench.settings
        places.check()
        self._recovery.look(self._bench.clock.steady())
        self._look_at_tables()
        ready = self._intake.ready()
        self._desk.waits = dict(self._intake.waits)
        free_mib = places.free_mib()
        if free_mib < settings.free_mib:
            need = f"{settings.free_mib} are needed to begin a job: make room"
            raise Gone(f"the share has {free_mib} MiB free, {need}")
        return ready

    def _look_at_tables(self) -> None:
        """Drops jobs for new tables, and writes what waits to be written."""
        if self._had is None:
            self._had = self._books.had()
        new = self._intake.tables(self._had)
        self._md5 = {table: self._md5.get(table) or md5_of(table.path) for table in new}
        if not new:
            self._books.write()
            return
        made: dict[str, str] = {}

        def more(had: dict[str, str]) -> dict[str, str]:
            made.update(new_jobs(self._intake, had, self._md5))
            self._had = set(had) | made.keys()
            return made

        self._books.write(more)
        for job_id in made.values():
            self._books.note(job_id, "queued", source="input_folder")

    async def _begin(self, tasks: asyncio.TaskGroup, ready: list[str]) -> None:
        for name in ready:
            if len(self._running) >= self._bench.settings.jobs_max:
                return
            one = await aside(partial(held.begin, self._bench.places, name, self._owner), _undo)
            if one is None:
                continue
            begun = tasks.create_task(task.do(self._bench, one))
            self._running[one.key] = (one, begun)
            begun.add_done_callback(partial(self._ended, one.key))

    def _ended(self, key: str, _: asyncio.Task[None]) -> None:
        del self._running[key]
        self._free.set()

    async def _tell(self) -> None:
        """The status, at most once a second; a client that holds it open costs one writing."""
        while True:
            with contextlib.suppress(OSError):
                self._bench.places.check()
                await aside(self._desk.write)
            await asyncio.sleep(PAUSE_S)

    async def _keep(self) -> None:
        """Signs of life on the claims; whose is lost has been taken for dead, and stops."""
        while True:
            for one, begun in list(self._running.values()):
                with contextlib.suppress(OSError):
                    self._bench.places.check()
                    kept = await aside(
                        partial(claims.keep, one.places.processing, one.key, one.claim)
                    )
                    if not kept and one.key in self._running:
                        log.warning("a claim is lost", job=one.job_id)
                        begun.cancel()
            await asyncio.sleep(self._bench.settings.beat_s)

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
