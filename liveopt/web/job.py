"""A search as it is told of, whether it waits in the queue or the store knows it already."""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import merge
from pathlib import Path
from typing import Final, Literal

import msgspec

from liveopt.web.orders import Order
from liveopt.web.studies import JobVerdict, Known

JobStatus = Literal["queued", "running", "completed", "failed", "cancelled", "interrupted"]
OPEN: Final = frozenset({"queued", "running"})
UNDONE: Final = frozenset({"interrupted", "cancelled", "failed"})


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
    objective: str = ""
    verdict: JobVerdict | None = None
    """Of a completed study, as are those below."""
    best: float | None = None
    """The objective of the best in its last train."""
    out_of_sample: float | None = None
    """The objective of the tests of all folds together."""
    deflated_sharpe: float | None = None


@dataclass(slots=True)
class Pace:
    """Since when one is seen to work, and how far it was then."""

    at_s: float
    done: int

    def eta_s(self, now_s: float, done: int, of: int) -> float | None:
        """None until it is seen to come on."""
        if done <= self.done:
            return None
        return round((now_s - self.at_s) * (of - done) / (done - self.done), 1)


def of_order(order: Order, status: JobStatus, error: str) -> Job:
    """One of which there is no study yet, or never will be."""
    return Job(
        order.id, status, order.strategy, order.algorithm, Path(order.data).name,
        order.created, 0, order.evals, 0.0, None, error, order.by, order.objective,
    )  # fmt: skip


def of_study(known: Known, status: JobStatus, eta_s: float | None, error: str, by: str) -> Job:
    """One that the store knows."""
    plan, glance = known.plan, known.glance
    share = 100.0 if status == "completed" else 100.0 * known.evaluated / max(plan.evals, 1)
    return Job(
        known.id, status, plan.strategy, plan.algorithm, Path(plan.data.file).name,
        known.created, known.evaluated, plan.evals, round(min(share, 100.0), 2), eta_s, error, by,
        plan.objectives[0], glance.verdict, glance.best, glance.out_of_sample,
        glance.deflated_sharpe,
    )  # fmt: skip


def merged(past: Iterable[Job], studies: Iterable[Job]) -> list[Job]:
    """Both, the newest first; studies stay in their order."""
    newest = sorted(past, key=_created, reverse=True)
    return list(merge(newest, studies, key=_created, reverse=True))


def _created(job: Job) -> str:
    return job.created


def again(known: Known, by: str, asked: str = "") -> Order:
    """An order to go on with a study, whoever began it."""
    plan = known.plan
    return Order(
        known.id, plan.strategy, plan.data.file, plan.algorithm, plan.evals, plan.timeout_s,
        plan.objectives[0], plan.data.first or "", plan.data.last or "", known.created, by,
        resume=True, asked=asked,
    )  # fmt: skip
