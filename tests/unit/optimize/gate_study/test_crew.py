"""Runs are shared out, and it does not matter to whom."""

import multiprocessing
import os

import pytest

from liveopt.optimize.gate_study.crew import EDGE, LIFE, NULL, cores, execute, jobs
from liveopt.optimize.gate_study.life import Life
from liveopt.optimize.gate_study.plan import Plan

PLAN = Plan(variants=6, bars=500, true=1, edge=0.5, nulls=4, edges=3, lives=2, stepm=2)


def test_runs_are_dealt_to_the_correlations_and_nobody_has_an_edge_in_a_null() -> None:
    found = jobs(PLAN)
    assert [world.kind for world, _ in found] == [NULL] * 4 + [EDGE] * 3 + [LIFE] * 2
    assert [world.rho for world, _ in found[:4]] == [0.3, 0.5, 0.9, 0.3]
    assert [world.true for world, _ in found] == [0] * 4 + [1] * 5
    assert [stepm for _, stepm in found] == [True, True, False, False, True, True] + [False] * 3


def test_several_processes_find_what_one_finds() -> None:
    heard: list[int] = []
    alone = execute(PLAN, 1, heard.append)
    assert sum(heard) == PLAN.variant_bars()
    heard.clear()
    assert execute(PLAN, 3, heard.append) == alone
    assert sum(heard) == PLAN.variant_bars()
    assert (len(alone.nulls), len(alone.edges), len(alone.lives)) == (4, 3, 2)
    assert all(isinstance(one, Life) for one in alone.lives)


def test_an_interrupt_leaves_no_process_behind() -> None:
    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(PLAN, 2, interrupt)
    for child in multiprocessing.active_children():
        child.join(10.0)
    assert multiprocessing.active_children() == []


def test_the_cores_are_counted_also_where_the_system_does_not_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores() >= 1
