"""A swarm: who finds nothing better is set down near the best."""

import numpy as np

from liveopt.search.algorithm import Ground
from liveopt.search.algorithms.pso import Swarm, Terms
from liveopt.search.spaces.coordinates import Number
from liveopt.search.spaces.parameters import Parameters


def near_best(patience: int) -> list[bool]:
    """In the fourth generation, none but the first having improved: who is mostly the best."""
    space = Parameters({f"x{i}": Number(0.0, 1.0) for i in range(10)})
    rng = np.random.default_rng(3)
    swarm = Swarm(Ground(space, rng, space.locate(space.decode([]))), Terms(6, patience=patience))
    fitness = -np.arange(6.0)
    best = swarm.breed().copy()[0]
    swarm.learn(fitness)
    for _ in range(2):
        swarm.breed()
        swarm.learn(fitness - 10.0)
    return [int((place == best).sum()) >= 5 for place in swarm.breed()]


def test_who_is_out_of_patience_is_set_down_near_the_best() -> None:
    assert near_best(patience=2) == [False] + [True] * 5


def test_who_still_has_patience_flies_on() -> None:
    assert near_best(patience=3) == [False] * 6
