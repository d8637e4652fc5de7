"""Who may join: enough trades, better than the luck of many trials, and unlike those who live."""

import math

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from liveopt.promotion.admission import (
    DEFLATED_MIN,
    DISTANCE_MIN,
    TRADES_MIN,
    Backtest,
    admitted,
    distances,
)
from liveopt.promotion.conditions import stopped_by

Array = npt.NDArray[np.float64]

WIDTHS = np.array([20.0, 100.0, 0.5, 0.0])
"""Of four parameters; the last is the same in all."""
points = arrays.arrays(np.float64, 4, elements=st.floats(-1e6, 1e6))


def backtest(trades: int = TRADES_MIN) -> Backtest:
    return Backtest(5_000, trades, 0.05, -0.1, 4.0, 200, 0.03)


def far(one: Array, other: Array, widths: Array = WIDTHS) -> float:
    return float(distances(one, other[None], widths)[0])


def codes(trades: int = TRADES_MIN, deflated: float = 1.0, nearest: float = 1.0) -> list[str]:
    return list(stopped_by(admitted(backtest(trades), deflated, nearest)))


@given(points, points)
def test_it_is_as_far_there_as_back_and_never_more_than_one(one: Array, other: Array) -> None:
    assert far(one, other) == far(other, one)
    assert 0.0 <= far(one, other) <= 1.0


@given(points, st.integers(0, 3))
def test_it_is_nothing_to_itself_only(one: Array, place: int) -> None:
    other = one.copy()
    other[place] += 0.25
    assert far(one, one) == 0.0
    assert far(one, other) > 0.0


@given(points, points, points)
def test_a_way_round_is_no_shorter(one: Array, other: Array, third: Array) -> None:
    assert far(one, other) <= far(one, third) + far(third, other) + 1e-12


@given(points, arrays.arrays(np.float64, (5, 4), elements=st.floats(-1e6, 1e6)))
def test_each_is_as_far_alone_as_among_others(own: Array, others: Array) -> None:
    assert distances(own, others, WIDTHS).tolist() == [far(own, other) for other in others]


@pytest.mark.parametrize(
    ("other", "squares"),
    [
        ([12.0, 50.0, 0.1, 3.0], [0.01, 0.0, 0.0, 0.0]),
        ([12.0, 80.0, 0.1, 3.0], [0.01, 0.09, 0.0, 0.0]),
        ([12.0, 80.0, 0.35, 3.0], [0.01, 0.09, 0.25, 0.0]),
        ([500.0, 50.0, 0.1, 3.0], [1.0, 0.0, 0.0, 0.0]),
        ([10.0, 50.0, 0.1, 3.1], [0.0, 0.0, 0.0, 1.0]),
        ([-500.0, 900.0, 9.1, 4.0], [1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_it_is_the_root_mean_square_in_shares_of_the_ranges(
    other: list[float], squares: list[float]
) -> None:
    own = np.array([10.0, 50.0, 0.1, 3.0])
    expected = math.sqrt(sum(squares) / 4.0)
    assert far(own, np.array(other)) == pytest.approx(expected, rel=1e-14)


def test_to_nobody_there_is_no_distance() -> None:
    assert distances(np.zeros(4), np.zeros((0, 4)), WIDTHS).shape == (0,)


def test_who_is_just_good_enough_may_join() -> None:
    assert codes(TRADES_MIN, DEFLATED_MIN, DISTANCE_MIN) == []


def test_each_condition_stops_alone() -> None:
    assert codes(trades=TRADES_MIN - 1) == ["insufficient_samples"]
    assert codes(deflated=0.9499) == ["luck_of_many"]
    assert codes(nearest=0.0199) == ["too_alike"]
    assert codes(0, 0.0, 0.0) == ["insufficient_samples", "luck_of_many", "too_alike"]


@pytest.mark.parametrize(
    ("deflated", "nearest", "code"), [(math.nan, 1.0, "luck_of_many"), (1.0, math.nan, "too_alike")]
)
def test_what_is_undefined_is_not_enough(deflated: float, nearest: float, code: str) -> None:
    assert codes(deflated=deflated, nearest=nearest) == [code]


def test_every_condition_says_what_there_is_and_what_it_takes() -> None:
    found = [(one.has, one.needs) for one in admitted(backtest(41), 0.7, 0.3)]
    assert found == [(41, TRADES_MIN), (0.7, DEFLATED_MIN), (0.3, DISTANCE_MIN)]


def test_a_backtest_survives_a_journal() -> None:
    found = msgspec.msgpack.encode(backtest())
    assert msgspec.msgpack.decode(found, type=Backtest) == backtest()
