"""One algorithm at work on one size: as far as its evaluations and its time reach."""

from pathlib import Path

import numpy as np
import pytest

from liveopt.config.portfolio import ALGORITHMS, Portfolio
from liveopt.data.panel.panel import Float64
from liveopt.portfolio.aim import Aim
from liveopt.portfolio.gather import CpuGather
from liveopt.portfolio.likeness import likeness
from liveopt.portfolio.result import Tried
from liveopt.portfolio.seat import Ground, Task, lay_out, search
from tests.unit.portfolio.panels import MONEY, PANELS, sets_of

AIM = Aim(Portfolio(), MONEY, 1.0)
PNL = PANELS["plain"]
HEARD: list[tuple[int, float]] = []


def ground(folder: Path, count: int = 40) -> Ground:
    """Strategies of which nothing is known beforehand."""
    return Ground(folder, "cpu", AIM, np.ones(count))


def searched(task: Task, pnl: Float64 = PNL) -> Tried:
    """In this process."""
    gather = CpuGather(pnl, likeness(pnl, "pearson"))
    return search(ground(Path(), len(pnl)), gather, task, lambda n, best: HEARD.append((n, best)))


def task(algorithm: str, evaluations: int = 300, **others: float) -> Task:
    """Portfolios of 10."""
    return Task(algorithm, 10, 5, evaluations, others.pop("time_limit_s", 60.0), others)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_brings_a_portfolio_and_the_way_to_it(algorithm: str) -> None:
    found = searched(task(algorithm, 60 if algorithm == "bo" else 600))
    assert (found.algorithm, found.size, found.status, found.error) == (algorithm, 10, "done", "")
    assert len(set(found.members)) == 10
    assert list(found.members) == sorted(found.members)
    assert 0 < found.evaluations <= 600
    sets = np.array([found.members], np.int32)
    assert AIM.fitness(sets, CpuGather(PNL, likeness(PNL, "pearson")))[0] == found.fitness
    fitness = [value for _, value in found.history]
    assert fitness == sorted(set(fitness))
    assert fitness[-1] == found.fitness
    assert [n for n, _ in found.history] == sorted({n for n, _ in found.history})
    assert found.parameters["evaluations"] == (60 if algorithm == "bo" else 600)
    assert found.parameters["seed"] == 5
    assert found.device == "cpu"


@pytest.mark.parametrize("algorithm", ["ga", "sa", "random"])
def test_the_same_luck_is_the_same_search(algorithm: str) -> None:
    one, other = searched(task(algorithm)), searched(task(algorithm))
    assert (one.members, one.fitness, one.history) == (other.members, other.fitness, other.history)


def test_what_is_out_of_time_keeps_its_best() -> None:
    HEARD.clear()
    found = searched(task("random", 100_000_000, time_limit_s=2.0))
    assert found.status == "late"
    assert found.error == ""
    assert len(found.members) == 10
    assert 0 < found.evaluations < 100_000_000
    assert found.seconds >= 2.0
    assert HEARD
    assert all(0 < n <= found.evaluations for n, _ in HEARD)
    assert all(best <= found.fitness for _, best in HEARD)


def test_terms_reach_the_algorithm_and_are_told() -> None:
    found = searched(task("ga", population=7))
    assert found.parameters["population"] == 7
    with pytest.raises(ValueError, match="ga has no term 'people'"):
        searched(task("ga", people=7))


def test_a_small_space_is_searched_to_its_end() -> None:
    """Of 11 strategies there are 11 portfolios of 10."""
    found = searched(task("random", 5_000), PNL[:11].copy())
    assert (found.status, found.evaluations) == ("done", 11)
    every = np.array([[i for i in range(11) if i != out] for out in range(11)], np.int32)
    gather = CpuGather(PNL[:11].copy(), likeness(PNL[:11], "pearson"))
    assert found.fitness == AIM.fitness(every, gather).max()


def test_no_fitness_that_is_a_number_is_a_failure() -> None:
    found = searched(task("random", 50), np.full((40, 5), np.nan))
    assert found.status == "failed"
    assert found.error == "no portfolio had a fitness that is a number"
    assert found.members == ()


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_what_is_laid_out_is_found_to_the_last_bit(method: str, tmp_path: Path) -> None:
    like = likeness(PNL, method)
    lay_out(ground(tmp_path), PNL, like)
    assert (tmp_path / "rows.npy").exists() == (method == "spearman")
    sets = sets_of("plain", 12)
    for here, there in zip(
        CpuGather(PNL, like)(sets), ground(tmp_path).gather()(sets), strict=True
    ):
        assert here.tobytes() == there.tobytes()
