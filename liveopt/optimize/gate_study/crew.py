"""The runs of a plan, spread over processes: which process has which changes nothing."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing.process import BaseProcess
from typing import Final

import msgspec

from liveopt.optimize.gate_study.life import Life, life
from liveopt.optimize.gate_study.plan import Plan
from liveopt.optimize.gate_study.trial import Trial, trial
from liveopt.optimize.gate_study.worlds import World

NULL, EDGE, LIFE = range(3)
"""Kinds of run: each has luck of its own."""
PATIENCE_S: Final = 2.0
Job = tuple[World, bool]


class Found(msgspec.Struct):
    """What came of every run, in order."""

    nulls: list[Trial] = []
    edges: list[Trial] = []
    lives: list[Life] = []


def jobs(plan: Plan) -> list[Job]:
    """Every run, and whether StepM looks on."""
    found = []
    for kind, runs in ((NULL, plan.nulls), (EDGE, plan.edges), (LIFE, plan.lives)):
        for run in range(runs):
            world = World(
                variants=plan.variants, bars=plan.bars, seed=plan.seed, kind=kind, run=run,
                rho=plan.rhos[run % len(plan.rhos)], df=plan.df, crash=plan.crash, ar=plan.ar,
                turnover=plan.turnover, true=0 if kind == NULL else plan.true, edge=plan.edge,
            )  # fmt: skip
            found.append((world, kind != LIFE and run < plan.stepm and not plan.turnover))
    return found


def execute(plan: Plan, processes: int, progress: Callable[[int], None]) -> Found:
    """Run it all; `progress` hears of variant-bars. An interrupt ends the other processes too."""
    todo = jobs(plan)
    results: list[Trial | Life | None] = [None] * len(todo)
    if min(processes, len(todo)) <= 1:
        for n, job in enumerate(todo):
            results[n] = one(job)
            progress(_size(job))
    else:
        _share(todo, min(processes, len(todo)), results, progress)
    found = Found([], [], [])
    for (world, _), result in zip(todo, results, strict=True):
        if isinstance(result, Life):
            found.lives.append(result)
        elif result is not None:
            (found.nulls if world.kind == NULL else found.edges).append(result)
    return found


def _share(
    todo: list[Job],
    processes: int,
    results: list[Trial | Life | None],
    progress: Callable[[int], None],
) -> None:
    one((World(variants=2, bars=100, seed=0), False))  # so that only one process compiles
    pool = ProcessPoolExecutor(processes, initializer=_quiet)
    left = len(todo)
    try:
        places: dict[Future[Trial | Life], int] = {
            pool.submit(one, job): n for n, job in enumerate(todo)
        }
        for done in as_completed(places):
            results[places[done]] = done.result()
            progress(_size(todo[places[done]]))
            left -= 1
    finally:
        pool.shutdown(wait=left == 0, cancel_futures=True)
        if left:  # interrupted
            _end(multiprocessing.active_children())


def _end(children: Sequence[BaseProcess]) -> None:
    """Asked first, then not asked: one that is just beginning may not hear."""
    for child in children:
        child.terminate()
    for child in children:
        child.join(PATIENCE_S)
        if child.is_alive():
            child.kill()


def one(job: Job) -> Trial | Life:
    """A single run."""
    world, stepm = job
    return life(world) if world.kind == LIFE else trial(world, stepm)


def _size(job: Job) -> int:
    return job[0].variants * job[0].bars * (2 if job[0].kind == LIFE else 1)


def _quiet() -> None:
    """An interrupt ends a helper without a word; the first process says it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def cores() -> int:
    """Those that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1
