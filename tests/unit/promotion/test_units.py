"""In what evidence is counted: bounds that are whole quanta, and a quantum that binary holds."""

from math import frexp

import pytest

from liveopt.promotion.units import BURN, CAP, FLOOR, NOTHING, QUANTUM


@pytest.mark.parametrize("bound", [CAP, FLOOR])
def test_the_bounds_are_whole_quanta(bound: float) -> None:
    assert (bound / QUANTUM).is_integer()


def test_a_quantum_is_a_power_of_two() -> None:
    assert frexp(QUANTUM)[0] == 0.5


def test_a_loss_may_count_more_than_a_gain() -> None:
    assert FLOOR < -CAP < 0.0 < CAP


def test_the_size_of_a_difference_is_told_by_some_that_count() -> None:
    assert BURN >= 1.0
    assert NOTHING > 0.0
