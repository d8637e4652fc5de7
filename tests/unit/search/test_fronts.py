"""Fronts, crowding and hypervolume, beside their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from liveopt.search.fronts import best, crowding, hypervolume, ranks
from liveopt.search.space import Array

few = arrays(
    float,
    st.tuples(st.integers(1, 25), st.integers(1, 3)),
    elements=st.sampled_from([-np.inf, 0.0, 1.0, 2.0, 3.0, 4.0]),
)


def dominates(one: Array, other: Array) -> bool:
    return bool((one >= other).all() and (one > other).any())


@given(few)
def test_a_front_is_dominated_by_the_one_before_and_not_by_itself(fitness: Array) -> None:
    found = ranks(fitness)
    for i, own in enumerate(fitness):
        above = [found[j] for j, other in enumerate(fitness) if dominates(other, own)]
        assert found[i] == (max(above) + 1 if above else 0)


@given(few, st.integers(1, 30))
def test_the_best_are_the_first_front_whatever_the_block(fitness: Array, block: int) -> None:
    np.testing.assert_array_equal(best(fitness, block), ranks(fitness) == 0)


def test_crowding_is_the_box_between_neighbours() -> None:
    fitness = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    found = crowding(fitness, np.zeros(4, np.int64))
    assert found.tolist() == [np.inf, 1.5, 1.5, np.inf]


def test_fronts_do_not_crowd_each_other() -> None:
    fitness = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    both = np.concatenate([fitness, fitness - 0.5])
    found = crowding(both, np.repeat([0, 1], 4))
    assert found.tolist() == [np.inf, 1.5, 1.5, np.inf] * 2


def test_crowding_of_infinite_fitness_is_no_error() -> None:
    found = crowding(np.array([[-np.inf, 1.0], [-np.inf, 2.0], [np.inf, 3.0]]), np.zeros(3, int))
    assert not np.isnan(found).any()


@pytest.mark.parametrize(
    ("points", "area"),
    [
        ([], 0.0),
        ([[1, 1]], 1.0),
        ([[1, 2], [2, 1]], 3.0),
        ([[2, 2], [1, 1]], 4.0),
        ([[-1, 5]], 0.0),
    ],
)
def test_hypervolume_is_the_area_of_a_staircase(points: list[list[float]], area: float) -> None:
    assert hypervolume(np.array(points, float).reshape(-1, 2), np.zeros(2)) == area
