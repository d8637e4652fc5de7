"""Populations on a landscape of steps: who all stand on one step look elsewhere."""

import numpy as np
import pytest

from liveopt.search.search import begin
from liveopt.search.space import Array
from liveopt.search.spaces.coordinates import Number
from liveopt.search.spaces.parameters import Parameters

BUDGET = 1500


def steps(x: Array) -> Array:
    """A hill with a level for its top."""
    found: Array = -np.maximum(np.abs(x[:, :2] - 0.7).max(axis=1) - 0.1, 0.0)
    return found


@pytest.mark.parametrize("name", ["ga", "de", "pso", "aco"])
def test_who_all_stand_on_one_level_look_elsewhere(name: str) -> None:
    """The second half of every search has a batch that is drawn widely."""
    for seed in range(9):
        search = begin(Parameters({n: Number(0.0, 1.0) for n in "xyz"}), name, seed)
        spread: list[float] = []
        while search.evaluated < BUDGET:
            batch = search.ask(100)
            search.tell(batch, steps(batch))
            spread.append(float(np.ptp(batch[:, :2], axis=0).max()) if len(batch) > 5 else 0.0)
        assert max(spread[len(spread) // 2 :]) > 0.5
