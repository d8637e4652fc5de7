"""Studies as jobs: submitted here, searched by a child process each, kept where all studies are.

What was submitted and has not ended is on the disk as well. The children end with this process; it
is started again by the guard, begins them anew, and the study goes on after its last generation.
"""

import asyncio
import os
import secrets
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from liveopt.guard import child
from liveopt.guard.clock import Wall
from liveopt.optimize.studies.store import Entry, NoStudy, Store
from liveopt.web.errors import Problem, missing, stamp

log = structlog.get_logger()

FILE: Final = "jobs.json"
RUNNING_MAX: Final = 3
QUEUE_MAX: Final = 100
ENDED_MAX: Final = 1_000
FRESH_S: Final = 0.5
POLL_S: Final = 1.0
NICE: Final = 10
LINES_MAX: Final = 20
RESULTS_MAX: Final = 64
SUFFIXES: Final = (".parquet", ".feather", ".csv")
JobStatus = Literal["queued", "running", "completed", "failed", "cancelled", "interrupted"]
OPEN: Final = frozenset({"queued", "running"})


class Order(msgspec.Struct, frozen=True):
    """What somebody wants searched; everything in it was checked."""

    id: str
    strategy: str
    data: str
    algorithm: str
    evals: int
    timeout_s: float
    objective: str
    first: str
    last: str
    created: str
    by: str


class Job(msgspec.Struct, frozen=True):
    """One job as it is told."""

    id: str
    status: JobStatus
    strategy: str
    algorithm: str
    data: str
    created: str
    done: int
    of: int
    progress: float
    """Per cent."""
    eta_s: float | None
    error: str
    by: str


@dataclass(slots=True)
class _Pace:
    """Since when one is seen to work, and how far it was then."""

    at_s: float
    done: int


@dataclass(slots=True)
class Jobs:
    """`run` works at them for as long as the service lives."""

    state: Path
    data: Path
    """Where candles lie by name."""
    wall: Wall
    changed: Callable[[Job], None] = lambda _: None
    """Told of a job whose status or progress is another."""
    running_max: int = RUNNING_MAX
    queue: deque[Order] = field(default_factory=deque)
    working: dict[str, Order] = field(default_factory=dict)
    failed: dict[str, tuple[Order, JobStatus, str]] = field(default_factory=dict)
    """Of those that the store does not know, what became of them."""
    _processes: dict[str, Process] = field(default_factory=dict)
    _paces: dict[str, _Pace] = field(default_factory=dict)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _fresh_s: float = float("-inf")
    _looking: "asyncio.Task[None] | None" = None
    _told: dict[str, Job] = field(default_factory=dict)
    _results: dict[str, dict[str, Any]] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "studies"))
    _store: Store | None = None

    # What others ask

    def data_file(self, asset: str, timeframe: str) -> Path | None:
        """The candles of that name, if they are there."""
        for suffix in SUFFIXES:
            path = self.data / f"{asset}-{timeframe}{suffix}"
            if path.is_file():
                return path
        return None

    def submit(self, orders: list[Order]) -> list[Job]:
        """All of them, or none where there is no room."""
        if len(self.queue) + len(orders) > QUEUE_MAX:
            why = f"{len(self.queue)} jobs wait already; {QUEUE_MAX} at most"
            raise Problem(503, "QUEUE_FULL", why, headers={"Retry-After": "60"})
        self.queue.extend(orders)
        self._keep()
        self._wake.set()
        for order in orders:
            self._tell(self._waiting(order, "queued"))
        return [self._waiting(order, "queued") for order in orders]

    async def all(self) -> list[Job]:
        """The newest first: those that wait, then all studies there are."""
        await self._look()
        unknown = {**{o.id: self._waiting(o, "queued") for o in self.queue}}
        for order in self.working.values():
            unknown[order.id] = self._waiting(order, "running")
        for order, status, why in self.failed.values():
            unknown[order.id] = self._waiting(order, status, why)
        own = [job for name, job in reversed(unknown.items()) if name not in self._entries]
        return own + [self._job(entry) for entry in self._entries.values()]

    async def one(self, name: str) -> Job:
        """One job."""
        found = next((job for job in await self.all() if job.id == name), None)
        if found is None:
            raise missing(f"there is no job {name!r}", "JOB_NOT_FOUND")
        return found

    async def result(self, name: str) -> dict[str, Any]:
        """What came of it."""
        if name not in self._results:
            job = await self.one(name)
            if job.status != "completed":
                why = f"{name} is {job.status}: there is no result"
                raise Problem(409, "NOT_COMPLETED", why)
            text = self._entries[name].result or "{}"
            kept = msgspec.json.decode(text, type=dict[str, Any])
            while len(self._results) >= RESULTS_MAX:
                del self._results[next(iter(self._results))]
            self._results[name] = kept.get("result", {})
        return self._results[name]

    async def cancel(self, name: str) -> Job:
        """End it after its generation, or before it begins."""
        for order in list(self.queue):
            if order.id == name:
                self.queue.remove(order)
                self._end(order, "cancelled", "")
                return self._waiting(order, "cancelled")
        job = await self.one(name)
        if job.status in {"completed", "cancelled", "failed"}:
            raise Problem(409, "NOT_RUNNING", f"{name} is {job.status}")
        if name in self._entries:
            try:
                await self._in_store(lambda store: store.cancel(name))
            except NoStudy as error:
                raise Problem(409, "NOT_RUNNING", str(error)) from error
        else:
            process = self._processes.get(name)
            if process is not None and process.returncode is None:
                process.terminate()
        if name in self.working:
            self.failed[name] = (self.working[name], "cancelled", "")
        self._fresh_s = float("-inf")
        return await self.one(name)

    def by_status(self) -> dict[str, int]:
        """How many, as far as it is known without a look."""
        counts: dict[str, int] = {"queued": len(self.queue)}
        for status in [self._job(entry).status for entry in self._entries.values()]:
            counts[status] = counts.get(status, 0) + 1
        for name, (_, status, _) in self.failed.items():
            if name not in self._entries:
                counts[status] = counts.get(status, 0) + 1
        return counts

    # How they are done

    async def run(self) -> None:
        """Begin what waits, see how far it is, and take in what has ended."""
        known = {order.id for order in self.queue}
        self.queue.extend(order for order in self._kept() if order.id not in known)
        async with asyncio.TaskGroup() as group:
            while True:
                while self.queue and len(self.working) < self.running_max:
                    order = self.queue.popleft()
                    self.working[order.id] = order
                    group.create_task(self._work(order), name=order.id)
                self._wake.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._wake.wait()
                await self._progress()

    def close(self) -> None:
        """The store is left alone from here on."""
        store, self._store = self._store, None
        if store is not None:
            self._pool.submit(store.close)
        self._pool.shutdown()

    async def _work(self, order: Order) -> None:
        lines: deque[bytes] = deque(maxlen=LINES_MAX)
        code, why = 1, ""
        try:
            process = await self._start(order)
            self._processes[order.id] = process
            assert process.stderr is not None
            while line := await process.stderr.readline():
                lines.append(line)
            code = await process.wait()
        except OSError as error:
            why = f"the process could not be started: {error.strerror}"
        except ValueError:
            why = "the process wrote a line without end"
        finally:
            await _bury(self._processes.pop(order.id, None))
        self._fresh_s = float("-inf")
        await self._look()
        self.working.pop(order.id, None)
        self._paces.pop(order.id, None)
        known = self._entries.get(order.id)
        asked = self.failed.get(order.id)
        log.info("a job has ended", job=order.id, code=code)
        if asked is not None and asked[1] == "cancelled":
            self._end(order, "cancelled", "")
        elif known is None and code:
            said = lines[-1].decode(errors="replace").strip() if lines else f"exit code {code}"
            self._end(order, "failed", why or said.removeprefix("liveopt: "))
        self._keep()
        self._wake.set()

    async def _start(self, order: Order) -> Process:
        words = [sys.executable, "-m", "liveopt", "optimize", order.strategy]
        words += ["--data", order.data, "--algorithm", order.algorithm]
        words += ["--evals", str(order.evals), "--timeout", repr(order.timeout_s)]
        words += ["--objective", order.objective, "--name", order.id, "--json"]
        words += ["--from", order.first] if order.first else []
        words += ["--to", order.last] if order.last else []
        nice = shutil.which("nice")
        before = [nice, "-n", str(NICE)] if nice else []
        launcher = [sys.executable, "-I", "-S", str(Path(child.__file__)), str(os.getpid())]
        return await asyncio.create_subprocess_exec(
            *launcher, *before, *words, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE,
            env=os.environ | {"LIVEOPT__JOURNAL__FOLDER": str(self.state.resolve())},
            process_group=0,
        )  # fmt: skip

    def _end(self, order: Order, status: JobStatus, why: str) -> None:
        self.failed[order.id] = (order, status, why)
        while len(self.failed) > ENDED_MAX:
            del self.failed[next(iter(self.failed))]
        self._keep()
        self._tell(self._waiting(order, status, why))

    async def _progress(self) -> None:
        """Tell what is another than it was."""
        if self.working or self._told:
            for job in await self.all():
                if job.id in self._told or job.id in self.working:
                    self._tell(job)

    def _tell(self, job: Job) -> None:
        if self._told.get(job.id) != job:
            self._told[job.id] = job
            self.changed(job)
        if job.status not in OPEN:
            self._told.pop(job.id, None)

    # What is known of them

    async def _look(self) -> None:
        """The store's list, not older than it may be; several who ask share one look."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._fresh_s < FRESH_S:
            return
        if self._looking is None or self._looking.done():
            self._looking = loop.create_task(self._read(), name="studies")
        await asyncio.shield(self._looking)

    async def _read(self) -> None:
        entries = await self._in_store(lambda store: store.entries())
        self._entries = {entry.id: entry for entry in entries}
        loop = asyncio.get_running_loop()
        self._fresh_s = loop.time()
        for name in self.working:
            entry = self._entries.get(name)
            if entry is not None and name not in self._paces:
                self._paces[name] = _Pace(loop.time(), entry.evaluated)

    async def _in_store(self, do: Callable[[Store], Any]) -> Any:
        """In the one thread that has it open."""

        def act() -> Any:
            if self._store is None:
                self._store = Store(self.state)
            return do(self._store)

        return await asyncio.get_running_loop().run_in_executor(self._pool, act)

    def _job(self, entry: Entry) -> Job:
        plan, order = entry.plan, self.working.get(entry.id)
        status: JobStatus = entry.status
        if order is not None and status == "interrupted":
            status = "running"  # it is about to be taken up again
        own = self.failed.get(entry.id)
        if own is not None and own[1] == "cancelled" and status in {"failed", "interrupted"}:
            status = "cancelled"
        share = 100.0 if status == "completed" else 100.0 * entry.evaluated / max(plan.evals, 1)
        by = order.by if order is not None else own[0].by if own is not None else ""
        return Job(
            entry.id, status, plan.strategy, plan.algorithm, Path(plan.data.file).name,
            entry.created, entry.evaluated, plan.evals, round(min(share, 100.0), 2),
            self._eta_s(entry) if status == "running" else None, "", by,
        )  # fmt: skip

    def _eta_s(self, entry: Entry) -> float | None:
        pace = self._paces.get(entry.id)
        if pace is None or entry.evaluated <= pace.done:
            return None
        took_s = asyncio.get_running_loop().time() - pace.at_s
        left = entry.plan.evals - entry.evaluated
        return round(took_s * left / (entry.evaluated - pace.done), 1)

    def _waiting(self, order: Order, status: JobStatus, why: str = "") -> Job:
        return Job(
            order.id, status, order.strategy, order.algorithm, Path(order.data).name,
            order.created, 0, order.evals, 0.0, None, why, order.by,
        )  # fmt: skip

    # What the disk knows

    def _keep(self) -> None:
        found = [*self.working.values(), *self.queue]
        beside = self.state / f"{FILE}.new"
        beside.write_bytes(msgspec.json.encode(found))
        beside.rename(self.state / FILE)

    def _kept(self) -> list[Order]:
        try:
            return msgspec.json.decode((self.state / FILE).read_bytes(), type=list[Order])
        except (OSError, msgspec.DecodeError):
            return []


async def _bury(process: Process | None) -> None:
    """Killed with all that it started, and gone before the loop is."""
    if process is None or process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def new_id() -> str:
    """As the store names its studies."""
    return f"opt_{secrets.token_hex(4)}"


def order_of(words: Mapping[str, Any], wall_ns: int, by: str) -> Order:
    """An order that begins now."""
    return Order(id=new_id(), created=stamp(wall_ns), by=by, **words)
