"""Coordinates that cannot be are refused, with a sentence."""

import numpy as np
import pytest

from liveopt.search.space import BadSpace
from liveopt.search.spaces.coordinates import Number, Shares, Word, ascending


@pytest.mark.parametrize(
    ("low", "high", "step", "log", "said"),
    [
        (2.0, 1.0, 0.0, False, "from low to high"),
        (0.0, np.inf, 0.0, False, "from low to high"),
        (np.nan, 1.0, 0.0, False, "from low to high"),
        (0.0, 1.0, -0.1, False, "a step is 0"),
        (0.0, 1.0, 0.0, True, "above 0"),
        (0.5, 9.0, 1.0, True, "above 0"),
    ],
)
def test_a_range_that_cannot_be_is_refused(
    low: float, high: float, step: float, log: bool, said: str
) -> None:
    with pytest.raises(BadSpace, match=said):
        Number(low, high, step, log)


def test_the_levels_of_a_number_include_both_ends_where_the_steps_meet_them() -> None:
    assert Number(0.0, 1.0).levels == 0
    assert Number(0.0, 1.0, 0.1).levels == 11
    assert Number(0.0, 1.0, 0.3).levels == 4
    assert Number(5.0, 5.0).levels == 1


def test_options_and_names_are_different() -> None:
    for wrong in ((), ("a", "a")):
        with pytest.raises(BadSpace):
            Word(wrong)
        with pytest.raises(BadSpace):
            Shares(wrong)


def test_ascending_is_strict() -> None:
    rule = ascending("a", "b", "c")
    columns = {"a": np.array([1.0, 1.0]), "b": np.array([2.0, 1.0]), "c": np.array([3.0, 3.0])}
    assert rule.allows(columns).tolist() == [True, False]
    assert rule.text == "a < b < c"
