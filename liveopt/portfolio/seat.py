"""One algorithm at work on one size: what a process of the race does, and all that it needs."""

import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from liveopt.data.panel.panel import Float64
from liveopt.engine.gpu import Gpu
from liveopt.portfolio.aim import Aim
from liveopt.portfolio.gather import CpuGather, Gather, GpuGather
from liveopt.portfolio.likeness import Likeness
from liveopt.portfolio.result import Members, Status, Tried
from liveopt.search.search import Search, begin
from liveopt.search.spaces.subsets import Subsets

ASKED_MOST: Final = 4096
"""Portfolios of a batch, where an algorithm has no generations of its own."""
FROM_MERIT: Final = {"ga", "pso", "de", "aco", "hc"}
"""Who begins with sets of strategies that are good alone; it does not help the others."""
FIRST: Final = 30
GROUND: Final = "ground.pickle"
TOLD_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Ground:
    """What all algorithms search on; its arrays lie in files that all processes see."""

    folder: Path
    device: str
    aim: Aim
    merit: Float64
    """What is known beforehand of each strategy, above 0."""

    def gather(self) -> Gather:
        """Whoever adds portfolios up here."""
        pnl = np.load(self.folder / "pnl.npy", mmap_mode="c")
        rows = pnl
        if (self.folder / "rows.npy").exists():
            rows = np.load(self.folder / "rows.npy", mmap_mode="c")
        mean, scale = np.load(self.folder / "likeness.npy")
        likeness = Likeness(rows, mean, scale)
        if self.device == "gpu":
            return GpuGather(Gpu(), pnl, likeness)
        return CpuGather(pnl, likeness)


@dataclass(frozen=True, slots=True)
class Task:
    """One algorithm and one size."""

    algorithm: str
    size: int
    seed: int
    evaluations: int
    time_limit_s: float
    terms: Mapping[str, Any]


def lay_out(ground: Ground, pnl: Float64, likeness: Likeness) -> None:
    """Leave everything where the processes look for it."""
    folder = ground.folder
    np.save(folder / "pnl.npy", pnl)
    if likeness.rows is not pnl:
        np.save(folder / "rows.npy", likeness.rows)
    np.save(folder / "likeness.npy", np.stack([likeness.mean, likeness.scale]))
    (folder / GROUND).write_bytes(pickle.dumps(ground))


def ground_in(folder: Path) -> Ground:
    """The ground that was laid out there."""
    found = pickle.loads((folder / GROUND).read_bytes())  # noqa: S301  our own, in our own folder
    assert isinstance(found, Ground)
    return found


def search(ground: Ground, gather: Gather, task: Task, tell: Callable[[int, float], None]) -> Tried:
    """As far as its evaluations and its time reach. `tell` hears how many, and the best."""
    space = Subsets(len(ground.merit), task.size, ground.merit)
    first = None
    if task.algorithm in FROM_MERIT:
        first = space.likely(FIRST, np.random.default_rng([task.seed, 1]))
    found = begin(space, task.algorithm, task.seed, task.terms, first)
    begun_s = told_s = time.perf_counter()
    history: list[tuple[int, float]] = []
    status: Status = "done"
    while found.evaluated < task.evaluations:
        batch = found.ask(min(ASKED_MOST, task.evaluations - found.evaluated))
        if not len(batch):
            break
        before = found.fitness
        found.tell(batch, ground.aim.fitness(batch, gather))
        if found.fitness > before:
            history.append((found.evaluated, found.fitness))
        now_s = time.perf_counter()
        if now_s - begun_s > task.time_limit_s and found.evaluated < task.evaluations:
            status = "late"
            break
        if now_s - told_s > TOLD_EVERY_S:
            told_s = now_s
            tell(found.evaluated, found.fitness)
    elapsed_s = time.perf_counter() - begun_s
    return _tried(found, task, status, history, elapsed_s, gather.name)


def _tried(
    found: Search, task: Task, status: Status, history: list[tuple[int, float]],
    elapsed_s: float, device: str,
) -> Tried:  # fmt: skip
    given = {**asdict(found.method.terms), **task.terms}
    about = {**given, "evaluations": task.evaluations, "seed": task.seed}
    members: Members = ()
    if found.best is not None and found.fitness > float("-inf"):
        members = tuple(int(i) for i in found.best)
    if not members:
        status = "failed"
    return Tried(
        algorithm=task.algorithm, size=task.size, status=status,
        error="" if members else "no portfolio had a fitness that is a number",
        members=members, fitness=found.fitness, evaluations=found.evaluated, seconds=elapsed_s,
        history=tuple(history), parameters=about, device=device,
    )  # fmt: skip
