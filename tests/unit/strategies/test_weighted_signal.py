"""Six opinions, their weights and the four thresholds."""

from types import SimpleNamespace

import numpy as np
import pytest

from liveopt.core.market import Market
from liveopt.strategies.weighted_signal import (
    OPINIONS,
    Memory,
    derive,
    kdj_score,
    macd_score,
    obv_score,
    rsi_score,
    trend_score,
    volume_score,
)
from tests.unit.strategies.drawn import alone, minutes, said


@pytest.mark.parametrize(
    ("volume", "usual", "close", "expected"),
    [
        (20, 10, 11, 1.0),
        (15, 10, 11, 0.5),
        (90, 10, 11, 1.0),
        (20, 10, 9, -1.0),
        (20, 10, 10, 0.0),
        (5, 10, 11, 0.0),
        (5, 0, 11, 0.0),
    ],
)
def test_volume_above_its_average_speaks_for_the_direction_of_the_bar(
    volume: float, usual: float, close: float, expected: float
) -> None:
    bar = Market(open=10, close=close, volume=volume, inv_n=0.01)
    assert volume_score(bar, Memory(volume=usual)) == expected


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [
        (0, 0, 0.0),
        (2, 8, 1.0),
        (3.5, 6.5, 0.6),
        (5, 5, 0.0),
        (6.5, 3.5, -0.6),
        (8, 2, -1.0),
    ],
)
def test_rsi_speaks_against_what_has_moved_too_fast(
    up: float, down: float, expected: float
) -> None:
    still = Market(gain=up, loss=down, inv_moves=0.01)
    assert rsi_score(still, Memory(up=up, down=down)) == expected


@pytest.mark.parametrize(
    ("close", "atr", "expected"), [(100, 9, 0.0), (103, 9, 0.32), (200, 9, 1.0), (91, 0, 0.0)]
)
def test_trend_is_the_distance_from_the_long_average_in_atrs(
    close: float, atr: float, expected: float
) -> None:
    bar = Market(close=close, atr=atr, inv_n=0.01)
    assert trend_score(bar, Memory(trend=100)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("close", "expected"), [(100, 0.0), (101, 0.255), (110, 1.0), (90, -1.0)])
def test_macd_is_its_histogram_in_quarter_atrs(close: float, expected: float) -> None:
    bar = Market(close=close, atr=1, n=100, inv_n=0.01)
    assert macd_score(bar, Memory(fast=100, slow=100)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("obv", "expected"), [(0, 0.0), (50, 0.452), (1_000, 1.0), (-80, -0.724)])
def test_obv_is_its_distance_from_its_average_in_usual_volumes(obv: float, expected: float) -> None:
    bar = Market(obv=obv, inv_n=0.01)
    assert obv_score(bar, Memory(volume=100)) == pytest.approx(expected, abs=1e-3)


def test_kdj_is_where_j_stands_and_j_runs_ahead() -> None:
    channel = SimpleNamespace(kdj_low=0.0, kdj_high=10.0)
    for close, expected in ((10, 0.778), (8, 0.467), (5, 0.0), (0, -0.778)):
        score = kdj_score(Market(close=close), channel, Memory())
        assert score == pytest.approx(expected, abs=1e-3)
    lone = Memory()
    scores = [kdj_score(Market(close=10), channel, lone) for _ in range(9)]
    assert max(scores) == scores[2] == 1.0


def test_weights_count_by_their_share() -> None:
    columns = {name: np.array([weight]) for name, weight in zip(OPINIONS, range(1, 7), strict=True)}
    shares = derive(columns)
    assert sum(float(shares[f"{name}_share"][0]) for name in OPINIONS) == pytest.approx(1.0)
    assert float(shares["obv_share"][0]) == pytest.approx(6 / 21)


QUIET = [100, 101] * 25 + [100]
FALL = [99, 97, 95, 92.9, 92]
RISE = [92.5, 93, 94, 95, 96, 98, 99, 101, 103, 105, 106]
SECOND_FALL = [105, 103, 101, 100, 98, 96, 94, 92, 90, 88]


@pytest.mark.parametrize(
    ("strong", "moderate", "expected"),
    [
        (0.65, 0.4, "...++" + "+++++++...-" + "------...+"),
        (0.5, 0.4, ".++++" + "+++++++----" + "------++++"),
        (0.65, 0.61, "...++" + "++++++++++-" + "---------+"),
    ],
    ids=["usual", "eager to open", "slow to close"],
)
def test_strong_scores_open_and_moderate_ones_close(
    strong: float, moderate: float, expected: str
) -> None:
    """RSI alone: 1 below 30, 0.6 below 40, and the mirror image."""
    thresholds = {
        "strong_buy": strong,
        "strong_sell": -strong,
        "moderate_buy": moderate,
        "moderate_sell": -moderate,
    }
    lone = alone("weighted_signal")
    weights = {f"{name}_share": 1.0 if name == "rsi" else 0.0 for name in OPINIONS}
    for name, value in {**weights, **thresholds}.items():
        setattr(lone.k, name, value)
    drawn = said(lone, minutes([*QUIET, *FALL, *RISE, *SECOND_FALL]))
    assert drawn == "." * len(QUIET) + expected


def test_the_sum_of_the_weights_does_not_matter() -> None:
    closes = [*QUIET, *FALL, *RISE, *SECOND_FALL]
    light = dict.fromkeys(OPINIONS, 0.1)
    heavy = dict.fromkeys(OPINIONS, 0.15)
    loose = {"strong_buy": 0.5, "strong_sell": -0.5}
    one = said(alone("weighted_signal", None, **light, **loose), minutes(closes))
    assert one == said(alone("weighted_signal", None, **heavy, **loose), minutes(closes))
