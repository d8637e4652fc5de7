"""Who may join: enough trades, better than the luck of many trials, and unlike those who live."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.promotion.admission import (
    DEFLATED_MIN,
    DISTANCE_MIN,
    TRADES_MIN,
    Backtest,
    admitted,
    distance,
)
from liveopt.promotion.conditions import stopped_by

Values = Mapping[str, float | str]
SPANS = {"fast": (5.0, 25.0), "slow": (10.0, 110.0), "stop": (0.0, 0.5), "fixed": (3.0, 3.0)}
values = st.dictionaries(
    st.sampled_from([*SPANS, "mode", "unknown"]),
    st.floats(-1e6, 1e6) | st.sampled_from(["long", "short"]),
)


def backtest(trades: int = TRADES_MIN) -> Backtest:
    return Backtest(5_000, trades, 0.05, -0.1, 4.0, 200, 0.001)


def codes(trades: int = 30, deflated: float = 0.95, nearest: tuple[float, ...] = ()) -> list[str]:
    return list(stopped_by(admitted(backtest(trades), deflated, nearest)))


@given(values, values)
def test_it_is_as_far_there_as_back_and_never_more_than_one(one: Values, other: Values) -> None:
    found = distance(one, other, SPANS)
    assert found == pytest.approx(distance(other, one, SPANS), rel=1e-15)
    assert 0.0 <= found <= 1.0


@given(values)
def test_it_is_nothing_to_itself_only(one: Values) -> None:
    assert distance(one, dict(one), SPANS) == 0.0
    for name in one:
        assert distance(one, {**one, name: "other"}, SPANS) > 0.0
        assert distance(one, {n: v for n, v in one.items() if n != name}, SPANS) > 0.0


@pytest.mark.parametrize(
    ("one", "other", "squares"),
    [
        ({"fast": 10.0, "slow": 50.0}, {"fast": 12.0, "slow": 50.0}, [0.01, 0.0]),
        ({"fast": 10.0, "slow": 50.0}, {"fast": 12.0, "slow": 80.0}, [0.01, 0.09]),
        ({"fast": 5.0}, {"fast": 25.0}, [1.0]),
        ({"fast": 5.0, "slow": 50.0}, {"fast": 500.0, "slow": 50.0}, [1.0, 0.0]),
        ({"mode": "long"}, {"mode": "short"}, [1.0]),
        ({"mode": "long", "slow": 50.0}, {"mode": "long", "slow": 50.0}, [0.0, 0.0]),
        ({"mode": "long"}, {"mode": 1.0}, [1.0]),
        ({"slow": 50.0}, {"slow": 50.0, "stop": 0.1}, [0.0, 1.0]),
        ({"fixed": 3.0}, {"fixed": 3.0}, [0.0]),
        ({"fixed": 3.0}, {"fixed": 3.1}, [1.0]),
        ({"unknown": 3.0, "slow": 50.0}, {"unknown": 4.0, "slow": 50.0}, [1.0, 0.0]),
        ({}, {}, [0.0]),
    ],
)
def test_it_is_the_root_mean_square_in_shares_of_the_ranges(
    one: Values, other: Values, squares: list[float]
) -> None:
    expected = math.sqrt(sum(squares) / len(squares))
    assert distance(one, other, SPANS) == pytest.approx(expected, rel=1e-14)


@given(st.floats(5.0, 25.0), st.floats(5.0, 25.0), st.floats(5.0, 25.0))
def test_a_way_round_is_no_shorter(one: float, other: float, third: float) -> None:
    def far(a: float, b: float) -> float:
        return distance({"fast": a, "slow": 10.0}, {"fast": b, "slow": 10.0}, SPANS)

    assert far(one, other) <= far(one, third) + far(third, other) + 1e-12


def test_who_is_just_good_enough_may_join() -> None:
    assert codes() == []
    assert codes(TRADES_MIN, DEFLATED_MIN, (0.5, DISTANCE_MIN, 0.9)) == []


def test_each_condition_stops_alone() -> None:
    assert codes(trades=TRADES_MIN - 1) == ["insufficient_samples"]
    assert codes(deflated=0.9499) == ["luck_of_many"]
    assert codes(nearest=(0.9, 0.0199, 0.5)) == ["too_alike"]
    assert codes(0, 0.0, (0.0,)) == ["insufficient_samples", "luck_of_many", "too_alike"]


def test_an_undefined_ratio_is_luck() -> None:
    assert codes(deflated=math.nan) == ["luck_of_many"]


def test_where_nobody_lives_nobody_is_alike() -> None:
    found = admitted(backtest(), 1.0, iter(()))
    assert (found[2].has, found[2].needs, found[2].ok) == (1.0, DISTANCE_MIN, True)


def test_the_nearest_of_all_who_live_decides() -> None:
    found = admitted(backtest(), 1.0, (distance({"fast": 5.0 + n}, {"fast": 5.0}, SPANS) for n in (3, 1)))
    assert found[2].has == pytest.approx(0.05, rel=1e-14)
