"""Fitness to reckon with."""

import numpy as np

from liveopt.search.fitness import finite, level, spread


def test_infinite_fitness_lies_one_spread_beyond_the_finite() -> None:
    found = finite(np.array([1.0, -np.inf, 3.0, np.inf]))
    assert found.tolist() == [1.0, 0.0, 3.0, 4.0]


def test_without_any_finite_one_order_is_all_there_is() -> None:
    assert finite(np.array([-np.inf, np.inf])).tolist() == [0.0, 1.0]


def test_a_spread_is_never_nothing() -> None:
    assert spread(np.array([2.0, 4.0, -np.inf])) == 1.0
    assert spread(np.array([2.0, 6.0])) == 2.0
    for none in ([], [5.0], [5.0, 5.0], [-np.inf, np.inf]):
        assert spread(np.array(none)) == 1.0


def test_a_level_is_several_of_one_fitness() -> None:
    assert level(np.array([2.0, 2.0]))
    assert level(np.full(3, -np.inf))
    assert not level(np.array([2.0, 2.0, 2.0 + 1e-15]))
    assert not level(np.array([2.0]))
