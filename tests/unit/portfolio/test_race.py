"""The race goes on whatever happens to one of its processes, and luck is each task's own."""

import multiprocessing
import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pytest

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64
from liveopt.portfolio import race as module
from liveopt.portfolio.aim import Aim
from liveopt.portfolio.gather import Gather, Sets
from liveopt.portfolio.likeness import likeness
from liveopt.portfolio.race import Heard, laid_out, mark_of, race, seed_of
from liveopt.portfolio.refused import Refused
from liveopt.portfolio.result import Tried
from liveopt.portfolio.seat import Ground, Task
from tests.unit.portfolio.panels import MONEY, PANELS


@dataclass(frozen=True, slots=True)
class Faulty(Aim):
    """A fitness with a bug that shows in portfolios of 11."""

    def fitness(self, sets: Sets, gather: Gather) -> Float64:
        """Of each set."""
        if sets.shape[1] == 11:
            raise KeyError("a bug")
        return Aim.fitness(self, sets, gather)


@contextmanager
def ground(aim: Aim | None = None) -> Iterator[Ground]:
    """Of the plain panel."""
    pnl = PANELS["plain"]
    own = aim or Aim(Portfolio(), MONEY, 1.0)
    with laid_out(pnl, likeness(pnl, "pearson"), own, "cpu", np.ones(len(pnl))) as found:
        yield found


def task(algorithm: str, size: int = 10, evaluations: int = 400, limit_s: float = 60.0) -> Task:
    """With luck of its own."""
    return Task(algorithm, size, seed_of(1, algorithm, size), evaluations, limit_s, {})


def nobody(_: Heard) -> None:
    """Listens."""


def timeless(tried: list[Tried]) -> list[dict[str, object]]:
    """All but how long it took."""
    return [{k: v for k, v in asdict(one).items() if k != "seconds"} for one in tried]


def when(begins: str, do: Callable[[int], None]) -> Callable[[Heard], None]:
    """Does something to the only process there is, once, when it searches by this algorithm."""
    done: list[int] = []

    def hear(heard: Heard) -> None:
        if heard.words.startswith(f"{begins} searches") and not done:
            (child,) = multiprocessing.active_children()
            assert child.pid is not None
            done.append(child.pid)
            do(child.pid)

    return hear


def check(tried: list[Tried], failed: int, why: str) -> None:
    """One has failed, and says why; the others are done."""
    assert [one.status for one in tried] == [
        "failed" if i == failed else "done" for i in range(len(tried))
    ]
    lost = tried[failed]
    assert lost.error == why
    assert lost.members == ()
    assert lost.fitness == -np.inf
    assert all(len(one.members) == one.size for i, one in enumerate(tried) if i != failed)


def test_the_number_of_workers_changes_no_result_and_progress_rises_to_its_end() -> None:
    tasks = [task("ga"), task("sa"), task("random", 12), task("hc"), task("de", 12)]
    heard: list[Heard] = []
    with ground() as found:
        alone, together = race(found, tasks, 1, nobody), race(found, tasks, 3, heard.append)
    assert timeless(alone) == timeless(together)
    assert [(one.algorithm, one.size) for one in alone] == [(t.algorithm, t.size) for t in tasks]
    assert all(one.status == "done" for one in alone)
    assert heard[-1].done == heard[-1].wanted == 2_000
    assert heard[-1].best == max(one.fitness for one in alone)
    assert multiprocessing.active_children() == []


def test_a_task_that_cannot_be_begun_fails_alone() -> None:
    tasks = [task("ga"), Task("sa", 10, 3, 100, 60.0, {"warmth": 3}), task("random")]
    with ground() as found:
        tried = race(found, tasks, 1, nobody)
    check(tried, 1, "Unfit: sa has no term 'warmth'; it has " + tried[1].error.split("it has ")[1])


def test_a_bug_fails_its_task_with_its_words_and_the_others_go_on() -> None:
    with ground(Faulty(Portfolio(), MONEY, 1.0)) as found:
        tried = race(found, [task("ga", 11), task("random", 10)], 1, nobody)
    check(tried, 0, "KeyError: 'a bug'")


def test_a_process_that_is_killed_is_buried_and_the_others_go_on() -> None:
    kill = when("sa", lambda pid: os.kill(pid, signal.SIGKILL))
    with ground() as found:
        tried = race(found, [task("sa", evaluations=100_000_000), task("random")], 1, kill)
    check(tried, 0, "its process was ended by SIGKILL")


def test_beside_one_that_is_killed_others_are_not_disturbed() -> None:
    heard: list[Heard] = []

    def kill(one: Heard) -> None:
        heard.append(one)
        if len(heard) == 2:  # both have a task
            child, _ = multiprocessing.active_children()
            assert child.pid is not None
            os.kill(child.pid, signal.SIGKILL)

    tasks = [task(name) for name in ("sa", "ga", "random", "hc")]
    with ground() as found:
        tried = race(found, tasks, 2, kill)
        again = race(found, tasks, 1, nobody)
    lost = [i for i, one in enumerate(tried) if one.status == "failed"]
    assert len(lost) == 1
    check(tried, lost[0], "its process was ended by SIGKILL")
    assert [one for i, one in enumerate(timeless(tried)) if i not in lost] == [
        one for i, one in enumerate(timeless(again)) if i not in lost
    ]


def test_a_process_that_hangs_is_killed_when_its_time_is_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "GRACE_S", 0.5)
    monkeypatch.setattr(module, "BEGIN_S", 2.0)
    stop = when("sa", lambda pid: os.kill(pid, signal.SIGSTOP))
    with ground() as found:
        tasks = [task("sa", limit_s=0.5), task("random", evaluations=50, limit_s=30.0)]
        tried = race(found, tasks, 1, stop)
    check(tried, 0, "it did not end within 0.5 s")
    assert multiprocessing.active_children() == []


def test_what_is_late_keeps_what_it_has() -> None:
    with ground() as found:
        tried = race(found, [task("random", evaluations=100_000_000, limit_s=0.3)], 1, nobody)
    assert (tried[0].status, tried[0].error) == ("late", "")
    assert len(tried[0].members) == 10
    assert 0 < tried[0].evaluations < 100_000_000


def test_luck_is_of_the_seed_the_algorithm_and_the_size() -> None:
    seeds = {seed_of(s, a, n) for s in range(5) for a in ("ga", "sa") for n in (10, 11)}
    assert len(seeds) == 20
    assert seed_of(42, "ga", 35) == seed_of(42, "ga", 35)


def test_the_ground_is_gone_after_the_race() -> None:
    with ground() as found:
        assert {path.name for path in found.folder.iterdir()} == {
            "pnl.npy",
            "likeness.npy",
            "ground.pickle",
        }
    assert not found.folder.exists()


class Deadly(Aim):
    """What cannot be unpacked: whoever tries is gone."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Callable[[int], object], tuple[int]]:
        return os._exit, (9,)


def test_processes_that_die_before_they_begin_fail_their_tasks() -> None:
    """However large the ground: it does not go through the pipe that starts them."""
    pnl = np.random.default_rng(1).standard_normal((20_000, 2))
    deadly = Deadly(Portfolio(), MONEY, 1.0)
    with laid_out(pnl, likeness(pnl, "pearson"), deadly, "cpu", np.ones(len(pnl))) as found:
        tried = race(found, [task("ga"), task("sa")], 2, nobody)
    assert [one.status for one in tried] == ["failed", "failed"]
    assert tried[0].error == "its process ended with exit code 9"


def test_what_a_killed_run_has_left_goes_with_the_next() -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    left = Path(tempfile.gettempdir()) / f"{mark_of(dead.pid)}-left"
    left.mkdir()
    with ground():
        assert not left.exists()


def test_no_room_for_the_ground_is_refused_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")
    pnl = np.zeros((60_000, 400))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        with (
            pytest.raises(Refused, match=r"needs 192 MB in /dev/shm, .*TMPDIR names another"),
            laid_out(
                pnl, likeness(pnl, "pearson"), Aim(Portfolio(), MONEY, 1.0), "cpu", np.ones(9)
            ),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
