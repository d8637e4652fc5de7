"""Pattern search: valleys, hills beside hills, parabolas, spaces of few values."""

import numpy as np
import pytest

from liveopt.search.algorithms.hc import BETWEEN, Climb, Terms
from liveopt.search.search import Search, begin
from liveopt.search.space import Array
from liveopt.search.spaces.coordinates import Number
from liveopt.search.spaces.parameters import Parameters


def cube(width: int) -> Parameters:
    return Parameters({f"x{i}": Number(-5.0, 5.0) for i in range(width)})


def valley(x: Array) -> Array:
    """Rosenbrock's, which bends."""
    found: Array = -(100.0 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1.0 - x[:, :-1]) ** 2).sum(axis=1)
    return found


def waves(x: Array) -> Array:
    """A hill of hills."""
    found: Array = -(x**2 - 3.0 * np.cos(2.0 * np.pi * x) + 3.0).sum(axis=1)
    return found


def climbed(search: Search, fitness: object, budget: int) -> Search:
    assert callable(fitness)
    while search.evaluated < budget and len(batch := search.ask(100)):
        search.tell(batch, fitness(batch))
    return search


def test_it_follows_a_bent_valley_to_its_end() -> None:
    ends = [climbed(begin(cube(3), "hc", seed), valley, 1500).fitness for seed in range(7)]
    assert np.median(ends) > -1e-6


def test_kicks_lead_from_a_hill_to_the_higher_one_beside_it() -> None:
    with_kicks = [climbed(begin(cube(4), "hc", s), waves, 2000).fitness for s in range(7)]
    assert np.median(with_kicks) > -1e-6


@pytest.mark.parametrize("climbers", [2, 5])
def test_climbers_side_by_side_climb_too(climbers: int) -> None:
    search = begin(cube(4), "hc", 1, {"climbers": climbers})
    assert len(search.ask(1000)) == 20 * climbers
    search = climbed(begin(cube(4), "hc", 1, {"climbers": climbers}), valley, 5000)
    assert search.fitness > -1e-2


def test_the_step_between_two_failures_goes_to_the_top_of_the_parabola() -> None:
    climb = Climb(Terms(), turn=BETWEEN, step=-0.2, cells=np.array([0]))
    top, here = 0.53, 0.5
    height = {x: -((x - top) ** 2) for x in (here, here + 0.2, here - 0.2)}
    climb.failed_by = (height[here] - height[here + 0.2], height[here] - height[here - 0.2])
    assert here + climb._step(np.random.default_rng(1)) == pytest.approx(top)


def test_where_all_neighbours_are_known_the_next_climb_begins() -> None:
    """In whole numbers ever finer steps are the same steps: they used no evaluation, but time."""
    space = Parameters({f"n{i}": Number(0.0, 30.0, 1.0) for i in range(3)})
    search = begin(space, "hc", 1)
    asked = 0
    while search.evaluated < 2000:
        batch = search.ask(100)
        asked += 1
        search.tell(batch, -np.abs(batch - 11.0).sum(axis=1))
    assert search.fitness == 0.0
    assert asked <= 2000
