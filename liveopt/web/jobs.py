"""Studies as jobs: submitted here, searched by a child process each, kept where all studies are.

What was submitted and has not ended is on the disk as well (`web.orders`). The children end with
this process; it is started again by the guard, begins them anew, and the study goes on after its
last generation. Where the store of studies does not answer, or no process can be started, they wait
and say why; it is tried again, ever more slowly.
"""

import asyncio
from asyncio.subprocess import Process
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from liveopt.guard.clock import Wall
from liveopt.optimize.studies.store import ROUND, NoStudy
from liveopt.web.children import NotStarted, search
from liveopt.web.errors import Problem, missing
from liveopt.web.idempotency import reused
from liveopt.web.job import OPEN, UNDONE, Job, JobStatus, Pace, again, merged, of_order, of_study
from liveopt.web.orders import End, NotKept, Order, Orders
from liveopt.web.studies import Known, Studies, Unreadable

log = structlog.get_logger()

T = TypeVar("T")
RUNNING_MAX: Final = 3
QUEUE_MAX: Final = 100
ENDED_MAX: Final = 1_000
POLL_S: Final = 1.0
PAUSE_S_MAX: Final = 60.0
SUFFIXES: Final = (".parquet", ".feather", ".csv")


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
    queue_max: int = QUEUE_MAX
    queue: deque[Order] = field(default_factory=deque)
    working: dict[str, Order] = field(default_factory=dict)
    failed: dict[str, tuple[Order, JobStatus, str]] = field(default_factory=dict)
    """Of those that did not come to a result here, what became of them."""
    trouble: str = ""
    """Why nothing goes on, as long as that is so."""
    _orders: Orders = field(init=False)
    _studies: Studies = field(init=False)
    _processes: dict[str, Process] = field(default_factory=dict)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _told: dict[str, Job] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _pause_s: float = POLL_S
    _late: dict[str, str] = field(default_factory=dict)
    """Of those at work, why one does not come on."""

    def __post_init__(self) -> None:
        self._orders, self._studies = Orders(self.state), Studies(self.state)
        self.queue.extend(self._orders.open.values())

    # What others ask

    def data_file(self, asset: str, timeframe: str) -> Path | None:
        """The candles of that name, if they are there."""
        for suffix in SUFFIXES:
            path = self.data / f"{asset}-{timeframe}{suffix}"
            if path.is_file():
                return path
        return None

    def submit(self, orders: list[Order]) -> list[Job]:
        """All of them, or none where there is no room; they are kept before this returns.

        Of a request that is repeated nothing is begun anew, however long ago it came.
        """
        asked, orders = orders, [order for order in orders if not self._repeats(order)]
        if len(self.queue) + len(orders) > self.queue_max:
            why = f"{len(self.queue)} jobs wait already; {self.queue_max} at most"
            raise Problem(503, "QUEUE_FULL", why, headers={"Retry-After": "60"})
        try:
            self._orders.add(orders)
        except NotKept as error:
            raise Problem(503, "NOT_KEPT", str(error), headers={"Retry-After": "60"}) from error
        self.queue.extend(orders)
        self._wake.set()
        for order in orders:
            self._tell(self._waiting(order, "queued"))
        return [self._found(order.id) or self._waiting(order, "queued") for order in asked]

    def _repeats(self, order: Order) -> bool:
        """Whether it came before; what then is asked must be the same."""
        if order.resume or not order.asked:
            return False
        known, past = self._studies.known.get(order.id), self._orders.past.get(order.id)
        before = self._orders.open.get(order.id) or (past.order if past is not None else None)
        if before is None and known is not None:
            before = again(known, "")
        if before is not None and not before.same(order):
            raise reused()
        return before is not None

    async def looked(self) -> None:
        """What there is already is known, as far as the store says."""
        with suppress(Unreadable):
            await self._studies.look()

    async def resume(self, name: str, by: str) -> Job:
        """Go on after the last generation that was kept, as `liveopt opt resume` does."""
        job = await self.one(name)
        if job.status == "completed":
            raise Problem(409, "COMPLETED", f"{name} is completed: there is a result")
        if job.status in OPEN or name in self.working:  # or its process is still on its way out
            raise Problem(409, "RUNNING", f"{name} is {job.status} already")
        known = self._studies.known.get(name)
        if known is None:
            raise Problem(409, "NOT_BEGUN", f"{name} never began: submit it again")
        if name.startswith(ROUND):
            why = f"{name} is part of a search beside a run, which begins and ends it"
            raise Problem(409, "REFUSED", why)
        if known.plan.code != await self._studies.version():
            why = f"{name} was begun by another version, {known.plan.code}; begin anew"
            raise Problem(409, "OTHER_VERSION", why)
        if name in self._orders.open:  # somebody else was faster
            raise Problem(409, "RUNNING", f"{name} is taken up already")
        past = self._orders.past.get(name)
        order = again(known, by, past.order.asked if past is not None else "")
        self.submit([order])
        self.failed.pop(name, None)
        return self._job(known, order)

    async def all(self) -> list[Job]:
        """The newest first: those that wait, then all that ended and all studies there are."""
        await self._studies.look()
        known, waiting = self._studies.known, {one.id: one for one in self.queue}
        unknown = {name: self._waiting(one, "queued") for name, one in waiting.items()}
        unknown |= {name: self._waiting(one, "running") for name, one in self.working.items()}
        beside = known.keys() | self.failed.keys()
        own = [job for name, job in reversed(unknown.items()) if name not in beside]
        studies = [self._job(one, waiting.get(one.id)) for one in known.values()]
        return own + merged(self._ended(), studies)

    def _ended(self) -> list[Job]:
        """Without a study: here, and while an earlier process lived."""
        past = {n: (one.order, one.how, one.why) for n, one in self._orders.past.items()}
        known, found = self._studies.known, past | self.failed
        return [self._waiting(*one) for name, one in found.items() if name not in known]

    async def one(self, name: str) -> Job:
        """One job; of one that is open something is known where the store does not answer."""
        try:
            await self._studies.look()
        except Unreadable:
            if name not in self._orders.open:
                raise
        found = self._found(name)
        if found is None:
            raise missing(f"there is no job {name!r}", "JOB_NOT_FOUND")
        return found

    def _found(self, name: str) -> Job | None:
        """As `all` has it."""
        known, open_ = self._studies.known.get(name), self._orders.open.get(name)
        if known is not None:
            return self._job(known, None if name in self.working else open_)
        if name in self.failed:
            return self._waiting(*self.failed[name])
        if open_ is None:
            past = self._orders.past.get(name)
            return None if past is None else self._waiting(past.order, past.how, past.why)
        return self._waiting(open_, "running" if name in self.working else "queued")

    async def result(self, name: str) -> dict[str, Any]:
        """What came of it."""
        job = await self.one(name)
        if job.status != "completed":
            raise Problem(409, "NOT_COMPLETED", f"{name} is {job.status}: there is no result")
        try:
            return await self._studies.result(name)
        except NoStudy as error:
            raise missing(str(error), "JOB_NOT_FOUND") from error

    async def cancel(self, name: str) -> Job:
        """End it after its generation, or before it begins."""
        for order in list(self.queue):
            if order.id == name:
                self.queue.remove(order)
                self._end(order, "cancelled", "")
                return self._waiting(order, "cancelled")
        self._studies.stale()
        job = await self.one(name)
        if job.status in {"completed", "cancelled", "failed"}:
            raise Problem(409, "NOT_RUNNING", f"{name} is {job.status}")
        if name in self.working:
            self.failed[name] = (self.working[name], "cancelled", "")
        known = self._studies.known.get(name)
        if name in self.working and (known is None or known.status != "running"):
            self._terminate(name)  # the study has not begun, and would not hear of it
        else:
            await self._cancel_study(name)
        return await self.one(name)

    def _terminate(self, name: str) -> None:
        process = self._processes.get(name)
        if process is not None and process.returncode is None:
            process.terminate()

    async def _cancel_study(self, name: str) -> None:
        try:
            await self._studies.cancel(name)
        except (NoStudy, Unreadable) as error:
            self.failed.pop(name, None)  # nobody was told
            if isinstance(error, NoStudy):
                raise Problem(409, "NOT_RUNNING", str(error)) from error
            raise

    def by_status(self) -> dict[str, int]:
        """How many, as far as it is known without a look."""
        known, waiting = self._studies.known, {order.id for order in self.queue}
        counts = Counter[str](queued=len(waiting))
        counts.update(self._job(one).status for one in known.values() if one.id not in waiting)
        counts.update(one.status for one in self._ended())
        return dict(counts)

    # How they are done

    async def run(self) -> None:
        """Begin what waits, see how far it is, and take in what has ended."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    self._wake.clear()
                    well = await self._well()
                    while well and self.queue and len(self.working) < self.running_max:
                        order = self.queue.popleft()
                        self.working[order.id] = order
                        group.create_task(self._work(order), name=order.id)
                    for name in self.working:
                        self._tell(self._found(name))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._pause_s):
                            await self._wake.wait()
        finally:  # what a fault leaves undone waits for the next start
            self.working.clear()
            self.queue = deque(self._orders.open.values())

    async def _well(self) -> bool:
        """Whether the store says how far they are; if nobody works, nothing changes unheard."""
        if not self.queue and not self.working:
            return True
        try:
            await self._studies.look()
        except Unreadable as problem:
            self._pause_s = min(2.0 * self._pause_s, PAUSE_S_MAX)
            self._hampered(problem.message)
            return False
        self._pause_s = POLL_S
        self._hampered("")
        return True

    def _hampered(self, why: str) -> None:
        """All that wait are told, when it is another than it was."""
        if why == self.trouble:
            return
        log.warning("searches wait" if why else "searches go on", why=why)
        self.trouble = why
        for order in list(self.queue):
            self._tell(self._found(order.id))

    def close(self) -> None:
        """The store is left alone from here on."""
        self._studies.close()

    async def _work(self, order: Order) -> None:
        """Whatever goes wrong with one, the others go on."""
        try:
            code, said = await self._searched(order)
            await self._patiently(order, lambda: self._settled(order))
        except (OSError, RuntimeError, ValueError) as error:
            log.exception("a job could not be worked at", job=order.id)
            code, said = 1, f"a fault of this program: {type(error).__name__}"
        finally:  # also where another's fault ends all of them
            for of_work in (self.working, self._paces, self._late):
                of_work.pop(order.id, None)
        known, asked = self._studies.known.get(order.id), self.failed.get(order.id)
        log.info("a job has ended", job=order.id, code=code)
        if asked is not None and asked[1] == "cancelled":
            self._end(order, "cancelled", "")
        elif code and (known is None or known.status != "completed"):
            self._end(order, "failed", said)
        else:
            self._orders.end([order.id])
            self._tell(self._found(order.id))
        self._wake.set()

    async def _searched(self, order: Order) -> tuple[int, str]:
        """Its exit code, and what it said last."""

        def begun(process: Process) -> None:
            self._processes[order.id] = process
            if order.id in self.failed:  # cancelled while it was being started
                process.terminate()

        async def act() -> tuple[int, str]:
            if order.id in self.failed:
                return 1, ""
            return await search(order, self.state, begun)

        try:
            return await self._patiently(order, act)
        finally:
            self._processes.pop(order.id, None)

    async def _patiently(self, order: Order, act: Callable[[], Awaitable[T]]) -> T:
        """Until the store answers and a process can be started; meanwhile the job says why."""
        pause_s = POLL_S
        while True:
            try:
                found = await act()
            except (Unreadable, NotStarted) as error:
                if order.id not in self._late:
                    log.warning("a job waits", job=order.id, why=str(error))
                self._late[order.id] = str(error)
            else:
                self._late.pop(order.id, None)
                return found
            self._tell(self._found(order.id))
            await asyncio.sleep(pause_s)
            pause_s = min(2.0 * pause_s, PAUSE_S_MAX)

    async def _settled(self, order: Order) -> None:
        """Its process is gone: the store is asked, and told where it could not hear of a cancel."""
        self._studies.stale()
        await self._studies.look()
        known, asked = self._studies.known.get(order.id), self.failed.get(order.id)
        cancelled = asked is not None and asked[1] == "cancelled"
        if cancelled and known is not None and known.status == "interrupted":
            with suppress(NoStudy):
                await self._studies.cancel(order.id)
            await self._studies.look()

    def _end(self, order: Order, status: End, why: str) -> None:
        self.failed[order.id] = (order, status, why)
        while len(self.failed) > ENDED_MAX:
            del self.failed[next(iter(self.failed))]
        self._orders.end([order.id], status, why)
        self._tell(self._found(order.id))

    def _tell(self, job: Job | None) -> None:
        """If it is another than it was."""
        if job is None:
            return
        if self._told.get(job.id) != job:
            self._told[job.id] = job
            self.changed(job)
        if job.status not in OPEN:
            self._told.pop(job.id, None)

    # What is known of them

    def _job(self, known: Known, waits: Order | None = None) -> Job:
        order = self.working.get(known.id, waits)
        own = self.failed.get(known.id)
        status: JobStatus = known.status
        error = own[2] if own is not None and status in UNDONE else ""
        if waits is not None:
            status = "queued"
        elif order is not None and status in UNDONE:
            status = "running"  # it is about to be taken up again
        elif own is not None and own[1] == "cancelled" and status in {"failed", "interrupted"}:
            status = "cancelled"
        if status in OPEN:
            error = self._late.get(known.id, self.trouble if order is not None else "")
        past = self._orders.past.get(known.id)
        ended = own[0] if own is not None else None if past is None else past.order
        wished = order or ended
        by = wished.by if wished is not None else ""
        return of_study(known, status, self._eta_s(known, status), error, by)

    def _eta_s(self, known: Known, status: JobStatus) -> float | None:
        if status != "running" or known.id not in self.working:
            return None
        now_s = asyncio.get_running_loop().time()
        pace = self._paces.setdefault(known.id, Pace(now_s, known.evaluated))
        return pace.eta_s(now_s, known.evaluated, known.plan.evals)

    def _waiting(self, order: Order, status: JobStatus, why: str = "") -> Job:
        if status in OPEN:
            why = self._late.get(order.id, self.trouble)
        return of_order(order, status, why)
