"""The rival gates are the textbook's."""

import numpy as np
import pytest

from liveopt.optimize.gate_study.rivals import StepM, bound, stepm_looks, t_values
from liveopt.optimize.gate_study.worlds import COUNT, SAMPLES_MIN, SQUARES, TOTAL, Array


def known(bars: Array) -> Array:
    found = np.zeros((6, bars.shape[1]))
    found[COUNT], found[TOTAL], found[SQUARES] = len(bars), bars.sum(axis=0), (bars**2).sum(axis=0)
    return found


def test_t_is_mean_over_its_standard_error() -> None:
    bars = np.random.default_rng(1).standard_normal((80, 7)) + 0.1
    expected = bars.mean(axis=0) / (bars.std(axis=0, ddof=1) / np.sqrt(80))
    assert t_values(known(bars)) == pytest.approx(expected)


def test_too_few_bars_say_nothing_and_neither_does_a_standstill() -> None:
    bars = np.ones((SAMPLES_MIN - 1, 2)) + np.random.default_rng(1).random((SAMPLES_MIN - 1, 2))
    assert not t_values(known(bars)).any()
    assert not t_values(known(np.zeros((90, 2)))).any()


def test_the_bound_is_the_normal_law_s_shared_out() -> None:
    assert bound(1) == pytest.approx(1.6448536)
    assert bound(100) == pytest.approx(3.2905267)


def test_stepm_is_asked_every_fifth_look_once_there_are_fifty_bars() -> None:
    rng = np.random.default_rng(2)
    step = StepM(np.random.default_rng(3))
    asked = []
    for look in range(1, 21):
        found = step.see(rng.standard_normal((5, 4)) + np.array([2.0, 0.0, 0.0, -2.0]))
        if found is not None:
            asked.append(look)
            assert found[0]
            assert not found[3]
    assert asked == [10, 15, 20]
    assert stepm_looks(20, 5) == 3
