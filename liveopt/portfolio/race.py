"""The race: every algorithm with every size, each in a process that has its own time.

A process that hangs is killed and one that dies is buried; the others go on, and what failed says
why. Who runs where changes no result: a task has its own luck.
"""

import multiprocessing
import os
import shutil
import signal
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Final

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.aim import Aim
from liveopt.portfolio.gather import Gather
from liveopt.portfolio.likeness import Likeness
from liveopt.portfolio.refused import Refused
from liveopt.portfolio.result import Tried
from liveopt.portfolio.seat import Ground, Task, ground_in, lay_out, search

GRACE_S: Final = 10.0
"""Beyond its time an algorithm may be in the middle of a batch; then it is killed."""
BEGIN_S: Final = 60.0
"""A process that has not begun by then does not begin: Python, numba, the device."""

PREFIX: Final = "liveopt-portfolio-"
FAULTS: Final = (
    ArithmeticError, AssertionError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What an algorithm may come to grief by; the others go on."""
THREADS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Heard:
    """How far the race is."""

    done: int
    wanted: int
    best: float
    words: str


@dataclass(slots=True)
class _Seat:
    """A process and its task."""

    process: SpawnProcess
    line: Connection
    task: Task | None = None
    until_s: float = 0.0
    evaluated: int = 0


@dataclass(slots=True)
class _Race:
    """Where it stands."""

    ground: Ground
    waiting: list[Task]
    hear: Callable[[Heard], None]
    wanted: int
    done: int = 0
    best: float = float("-inf")
    seats: list[_Seat] = field(default_factory=list)
    tried: dict[tuple[str, int], Tried] = field(default_factory=dict)

    def run(self, workers: int) -> None:
        """Until nothing waits and nobody works."""
        try:
            while self.waiting or any(seat.task for seat in self.seats):
                while self.waiting and len(self.seats) < workers:
                    self.seats.append(_sit(self.ground))
                for seat in self.seats:
                    if seat.task is None and self.waiting:
                        self._give(seat, self.waiting.pop(0))
                self._listen()
        finally:
            for seat in self.seats:
                _end(seat)

    def _give(self, seat: _Seat, task: Task) -> None:
        seat.task, seat.evaluated = task, 0
        seat.until_s = time.perf_counter() + task.time_limit_s + GRACE_S + BEGIN_S
        try:
            seat.line.send(task)
        except OSError:
            self._lose(seat, "its process ended before it began")
        else:
            self._tell(f"{task.algorithm} searches {task.size} strategies")

    def _listen(self) -> None:
        busy = {seat.line: seat for seat in self.seats if seat.task}
        nearest = min((seat.until_s for seat in busy.values()), default=0.0)
        ready = wait(list(busy), max(nearest - time.perf_counter(), 0.0) + 0.01)
        for line in ready:
            assert isinstance(line, Connection)
            self._hear(busy[line])
        for seat in busy.values():
            if seat.task and time.perf_counter() > seat.until_s:
                self._lose(seat, f"it did not end within {seat.task.time_limit_s:g} s")

    def _hear(self, seat: _Seat) -> None:
        try:
            said = seat.line.recv()
        except (EOFError, OSError):
            seat.process.join(1.0)
            self._lose(seat, _end_of(seat.process.exitcode))
            return
        task = seat.task
        assert task is not None
        if isinstance(said, Tried):
            self._settle(seat, said)
        elif isinstance(said, str):
            self._settle(seat, _failed(task, said))
        else:
            seat.evaluated, best = said
            seat.until_s = min(seat.until_s, time.perf_counter() + task.time_limit_s + GRACE_S)
            self.best = max(self.best, best)
            self._tell(f"{task.algorithm} searches {task.size} strategies")

    def _settle(self, seat: _Seat, tried: Tried) -> None:
        assert seat.task is not None
        self.tried[tried.algorithm, tried.size] = tried
        self.done += seat.task.evaluations
        seat.task, seat.evaluated = None, 0
        self.best = max(self.best, tried.fitness)
        self._tell(f"{tried.algorithm} has searched {tried.size} strategies")

    def _lose(self, seat: _Seat, why: str) -> None:
        """It is gone; a new one takes its place if there is more to do."""
        task = seat.task
        assert task is not None
        self._settle(seat, _failed(task, why))
        self.seats.remove(seat)
        _end(seat)

    def _tell(self, words: str) -> None:
        under_way = sum(seat.evaluated for seat in self.seats)
        self.hear(Heard(min(self.done + under_way, self.wanted), self.wanted, self.best, words))


def race(
    ground: Ground, tasks: Sequence[Task], workers: int, hear: Callable[[Heard], None]
) -> list[Tried]:
    """All tasks, in their order whoever ends first. The longest should stand first."""
    wanted = sum(task.evaluations for task in tasks)
    found = _Race(ground, list(tasks), hear, wanted)
    found.run(min(hands(workers), len(tasks)))
    return [found.tried[task.algorithm, task.size] for task in tasks]


def hands(workers: int) -> int:
    """Processes at a time: those asked for, else one on each core."""
    return workers or len(os.sched_getaffinity(0))


@contextmanager
def laid_out(pnl: Float64, likeness: Likeness, aim: Aim, device: str, merit: Float64) -> (
    Iterator[Ground]
):  # fmt: skip
    """The ground of a race, while it lasts."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{mark_of(os.getpid())}-") as name:
        ground = Ground(Path(name), device, aim, merit)
        try:
            lay_out(ground, pnl, likeness)
        except OSError as error:
            needed_mb = (pnl.nbytes + (likeness.rows is not pnl) * pnl.nbytes) / 1e6
            raise Refused(
                f"the search needs {needed_mb:,.0f} MB in {Path(name).parent}, and it cannot be"
                f" written there ({error}); TMPDIR names another folder"
            ) from error
        yield ground


def _sweep(folder: Path) -> None:
    """What runs that were killed have left; those of another container's are not ours to judge."""
    for old in folder.glob(f"{mark_of('*')}-*"):
        number = old.name.removeprefix(PREFIX).split("-")[1]
        if number.isdigit() and not Path(f"/proc/{number}").exists():
            shutil.rmtree(old, ignore_errors=True)


def mark_of(number: int | str) -> str:
    """How the folder of this process begins: its number means something where numbers are ours."""
    return f"{PREFIX}{Path('/proc/self/ns/pid').stat().st_ino}-{number}"


def seed_of(seed: int, algorithm: str, size: int) -> int:
    """Every task's own, whatever else is searched."""
    return zlib.crc32(f"{seed} {algorithm} {size}".encode())


def _sit(ground: Ground) -> _Seat:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    # not the ground itself: spawn writes what it is given into a pipe, and waits for ever for a
    # process that died before it read more than the pipe holds
    process = context.Process(target=_work, args=(ground.folder, theirs), daemon=True)
    with _one_thread():
        process.start()
    theirs.close()
    return _Seat(process, ours)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Whoever begins now multiplies matrices with one thread: there is a process for each core."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(folder: Path, line: Any) -> None:
    """What a process does until its line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process says when it is over
    ground = ground_in(folder)
    gather = ground.gather()
    while True:
        try:
            task = line.recv()
            line.send((0, float("-inf")))  # it has begun: from now on its time runs
            line.send(_tried(ground, gather, task, line))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # nobody waits for it any more


def _tried(ground: Ground, gather: Gather, task: Task, line: Any) -> Tried | str:
    try:
        return search(ground, gather, task, lambda n, best: line.send((n, best)))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except FAULTS as error:
        return f"{type(error).__name__}: {error}"


def _end(seat: _Seat) -> None:
    seat.line.close()
    seat.process.kill()
    seat.process.join(5.0)


def _end_of(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"


def _failed(task: Task, why: str) -> Tried:
    return Tried(
        algorithm=task.algorithm, size=task.size, status="failed", error=why, members=(),
        fitness=float("-inf"), evaluations=0, seconds=0.0, history=(),
        parameters=dict(task.terms), device="",
    )  # fmt: skip
