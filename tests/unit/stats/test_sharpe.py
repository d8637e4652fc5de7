"""Sharpe ratios against the figures of the papers and against what samples show."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from liveopt.stats.sharpe import (
    KNOWN_LEAST,
    Track,
    deflated,
    expected_maximum,
    interval,
    minimum_length,
    probabilistic,
    spread_of_trials,
    standard_error,
    track,
)

MONTHLY = math.sqrt(12.0)


def hand(values: list[float]) -> tuple[float, float, float]:
    mean = sum(values) / len(values)
    second, third, fourth = (sum((v - mean) ** k for v in values) / len(values) for k in (2, 3, 4))
    deviation = math.sqrt(second * len(values) / (len(values) - 1))
    return mean / deviation, third / second**1.5, fourth / second**2


def test_a_track_is_what_one_finds_by_hand() -> None:
    values = [1.0, 2.0, -1.0, 4.0]
    seen = track(values)
    assert (seen.sharpe, seen.skewness, seen.kurtosis) == pytest.approx(hand(values), rel=1e-14)
    assert seen.n == 4


def test_a_track_of_many_series_is_that_of_each_and_of_scipy() -> None:
    values = np.random.default_rng(1).standard_t(5, (90, 4)) + 0.1
    seen = track(values)
    np.testing.assert_allclose(seen.skewness, stats.skew(values), rtol=1e-12)
    np.testing.assert_allclose(seen.kurtosis, stats.kurtosis(values, fisher=False), rtol=1e-12)
    np.testing.assert_allclose(seen.sharpe, [track(v).sharpe for v in values.T], rtol=1e-14)


def test_a_probability_is_what_one_finds_by_hand() -> None:
    """A yearly 2 on 36 months against a yearly 1, skewness -.72, kurtosis 5.78."""
    seen = Track(2.0 / MONTHLY, 36, -0.72, 5.78)
    z = (2.0 - 1.0) / MONTHLY * math.sqrt(35.0)
    spread = 1.0 + 0.72 * 2.0 / MONTHLY + 0.25 * 4.78 * 4.0 / 12.0
    by_hand = 0.5 * math.erfc(-z / math.sqrt(spread) / math.sqrt(2.0))
    assert probabilistic(seen, 1.0 / MONTHLY) == pytest.approx(by_hand, rel=1e-12)


def test_the_papers_strategy_needs_so_many_years() -> None:
    """Bailey & Lopez de Prado (2012): a yearly 2 of normal returns, at 95 % above a yearly 1.

    2.73 years of days, 2.83 of weeks, 3.24 of months.
    """
    for periods, years in ((252.0, 2.73), (52.0, 2.83), (12.0, 3.24)):
        seen = Track(2.0 / math.sqrt(periods), 100, 0.0, 3.0)
        found = minimum_length(seen, 0.95, 1.0 / math.sqrt(periods)) / periods
        assert found == pytest.approx(years, abs=0.006)


def test_the_papers_hundred_trials_deflate_to_nine_tenths() -> None:
    """Bailey & Lopez de Prado (2014), section "A numerical example".

    A yearly 2.5 over 1,250 days, skewness -3, kurtosis 10; 100 trials with a variance of 1/2: what
    is to expect of the best is .1132 a day, and the deflated ratio .9004.
    """
    seen = Track(2.5 / math.sqrt(250.0), 1_250, -3.0, 10.0)
    deviation = math.sqrt(0.5 / 250.0)
    assert expected_maximum(100, deviation) == pytest.approx(0.1132, abs=5e-5)
    assert deflated(seen, 100, deviation) == pytest.approx(0.9004, abs=5e-5)


def test_the_papers_other_trials_deflate_otherwise() -> None:
    """The same paper: 46 trials would have given .9505, and with normal returns 88 would."""
    deviation = math.sqrt(0.5 / 250.0)
    seen = Track(2.5 / math.sqrt(250.0), 1_250, -3.0, 10.0)
    assert deflated(seen, 46, deviation) == pytest.approx(0.9505, abs=5e-5)
    normal = Track(2.5 / math.sqrt(250.0), 1_250, 0.0, 3.0)
    assert deflated(normal, 88, deviation) == pytest.approx(0.9505, abs=5e-5)


@pytest.mark.parametrize("trials", [10, 100, 1_000])
def test_the_best_of_so_many_is_what_is_expected_of_it(trials: int) -> None:
    drawn = np.random.default_rng(trials).normal(size=(4_000, trials)).max(axis=1)
    assert expected_maximum(trials, 1.0) == pytest.approx(drawn.mean(), rel=0.03)


def test_one_trial_is_no_selection_and_less_is_undefined() -> None:
    found = expected_maximum(np.array([1.0, 0.0, -3.0, 0.5, math.nan]), 1.0)
    np.testing.assert_array_equal(found, [0.0] + 4 * [math.nan])


def test_more_trials_deflate_more() -> None:
    counts = np.array([1.0, 2.0, 3.0, 10.0, 1e3, 1e6, 1e12, 1e18])
    assert (np.diff(expected_maximum(counts, 1.0)) > 0.0).all()
    seen = Track(0.1, 500, -0.5, 6.0)
    assert (np.diff(deflated(seen, counts, 0.03)) < 0.0).all()
    assert deflated(seen, 1, 0.03) == probabilistic(seen)


@given(st.floats(0.0, 1.0), st.integers(0, 99), st.integers(2, 100_000))
def test_ratios_of_few_trials_do_not_spread_less_than_chance(
    deviation: float, known: int, rows: int
) -> None:
    found = spread_of_trials(deviation, known, rows)
    chance = 1.0 / math.sqrt(rows - 1)
    assert found == (deviation if known >= KNOWN_LEAST else max(deviation, chance))


def test_where_there_is_no_track_there_is_no_chance_to_reckon_with() -> None:
    assert [spread_of_trials(0.3, 0, rows) for rows in (0, 1)] == [0.3, 0.3]


@pytest.mark.parametrize("rows", [50, 800])
def test_the_spread_of_chance_is_that_of_ratios_without_an_edge(rows: int) -> None:
    """2,000 of them: their deviation is known to within 1.6%."""
    drawn = np.random.default_rng(rows).normal(size=(rows, 2_000))
    ratios = drawn.mean(axis=0) / drawn.std(axis=0, ddof=1)
    assert spread_of_trials(0.0, 0, rows) == pytest.approx(ratios.std(ddof=1), rel=0.06)


def test_the_error_of_normal_returns_is_that_of_lo() -> None:
    """Lo (2002): sqrt((1 + SR^2 / 2) / n), here with n - 1."""
    assert standard_error(Track(0.4, 101, 0.0, 3.0)) == pytest.approx(math.sqrt(1.08 / 100.0))


def test_intervals_hold_the_ratio_as_often_as_they_say() -> None:
    """2,000 samples of 400 skewed rows with a ratio of .5: .95 give or take four errors of .005."""
    rows = np.random.default_rng(2).gamma(4.0, size=(400, 2_000)) - 3.0  # mean 1, deviation 2
    low, high = interval(track(rows), 0.95)
    assert ((low < 0.5) & (high > 0.5)).mean() == pytest.approx(0.95, abs=0.02)


@given(st.floats(-0.5, 0.5), st.integers(2, 2_000), st.floats(-2.0, 2.0), st.floats(5.0, 20.0))
def test_at_the_minimum_length_the_level_is_reached(
    sharpe: float, n: int, skewness: float, kurtosis: float
) -> None:
    seen = Track(sharpe, n, skewness, kurtosis)
    needed = minimum_length(seen, 0.95, sharpe - 0.05)
    assert probabilistic(seen._replace(n=needed), sharpe - 0.05) == pytest.approx(0.95, rel=1e-9)


@given(st.integers(-30, 30))
def test_a_track_knows_no_unit(power: int) -> None:
    values = np.random.default_rng(3).normal(0.1, 1.0, size=(50, 3))
    np.testing.assert_array_equal(
        probabilistic(track(values * 2.0**power)), probabilistic(track(values))
    )


def test_no_length_is_enough_for_a_ratio_that_is_not_above() -> None:
    found = minimum_length(Track(np.array([0.1, 0.2, math.nan]), 50, 0.0, 3.0), 0.95, 0.2)
    np.testing.assert_array_equal(found, [math.inf, math.inf, math.nan])


def test_what_has_no_ratio_proves_nothing() -> None:
    for values in ([0.1], [], [0.1, 0.1, 0.1], np.zeros((20, 2))):
        seen = track(values)
        assert np.isnan(seen.sharpe).all()
        assert np.isnan(probabilistic(seen)).all()
        assert np.isnan(interval(seen, 0.9).low).all()
        assert np.isnan(minimum_length(seen, 0.9)).all()
    assert math.isnan(probabilistic(Track(0.3, 1, 0.0, 3.0)))


def test_a_variance_of_the_ratio_that_is_not_positive_is_undefined() -> None:
    """1 - 4 * .5 + .25 * 2 * .25 is below nought; no sample has such moments, figures may."""
    assert math.isnan(probabilistic(Track(0.5, 50, 4.0, 3.0)))
