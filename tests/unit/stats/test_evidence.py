"""Evidence against 50-digit values, its laws, and that chance passes no more often than it may."""

import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from liveopt.stats.evidence import boundary, confidence_sequence, e_bh, e_cusum, log_mixture

RHO = 100.0

# sum, variance, rho, log E: computed with mpmath at 50 digits
MIXTURE = (
    (0.0, 0.0, 100.0, 0.0),
    (5.0, 20.0, 100.0, 0.31453400914164287),
    (-5.0, 20.0, 100.0, -0.42074007772388256),
    (30.0, 50.0, 97.65625, 3.5272491858500437),
    (-300.0, 500.0, 100.0, -3.6335477798679),
    (-1000000.0, 1000.0, 100.0, -11.738716818714956),
    (200.0, 400.0, 100.0, 39.888428224342896),
    (1e-06, 10.0, 1.0, -1.198947395827922),
)


@pytest.mark.parametrize(("total", "variance", "rho", "log_e"), MIXTURE)
def test_the_evidence_is_right_to_the_last_digits(
    total: float, variance: float, rho: float, log_e: float
) -> None:
    assert log_mixture(total, variance, rho) == pytest.approx(log_e, rel=1e-14, abs=2e-16)


@pytest.mark.parametrize(("total", "variance"), [(12.0, 60.0), (-4.0, 10.0), (0.0, 35.0)])
def test_the_evidence_is_the_mean_bet_under_the_prior(total: float, variance: float) -> None:
    def bet(edge: float) -> float:
        prior = 2.0 * math.sqrt(RHO / (2.0 * math.pi)) * math.exp(-0.5 * RHO * edge * edge)
        return prior * math.exp(edge * total - 0.5 * edge * edge * variance)

    mean, _ = integrate.quad(bet, 0.0, 2.0, epsabs=0.0, epsrel=1e-12)
    assert log_mixture(total, variance, RHO) == pytest.approx(math.log(mean), rel=1e-11)


@given(st.floats(-1e6, 1e3), st.floats(0.0, 10.0), st.floats(0.0, 1e4))
def test_a_larger_sum_is_never_less_evidence(total: float, more: float, variance: float) -> None:
    low, high = log_mixture([total, total + more], [variance, variance], RHO)
    assert high >= low - 1e-14 * abs(low)


@given(st.floats(-1e3, 1e3), st.floats(0.0, 1e4), st.integers(-20, 20))
def test_the_unit_does_not_matter(total: float, variance: float, power: int) -> None:
    unit = 2.0**power
    scaled = log_mixture(total * unit, variance * unit * unit, RHO * unit * unit)
    assert scaled == log_mixture(total, variance, RHO)


def test_a_world_counts_the_same_alone_and_among_others() -> None:
    rng = np.random.default_rng(5)
    sums, variances = rng.normal(size=(7, 33)) * 20.0, rng.uniform(0.0, 200.0, 33)
    together = log_mixture(sums, variances, RHO)
    alone = [[log_mixture(s, v, RHO) for s, v in zip(row, variances, strict=True)] for row in sums]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(
        log_mixture(sums, np.broadcast_to(variances, sums.shape), RHO), together
    )
    np.testing.assert_array_equal(
        log_mixture(sums[0], 3.0, RHO), log_mixture(sums[0], np.full(33, 3.0), RHO)
    )
    out = np.empty_like(sums)
    log_mixture(sums, variances, RHO, out=out)
    np.testing.assert_array_equal(out, together)


def test_evidence_has_the_same_bits_on_every_machine() -> None:
    sums = (np.arange(3_000).reshape(3, 1_000) - 2_000) / 16.0
    found = log_mixture(sums, np.arange(1_000) / 4.0, RHO)
    assert zlib.crc32(found.tobytes()) == 223657857


def test_evidence_without_a_number_is_none() -> None:
    found = log_mixture([math.nan, 0.0, math.inf], [1.0, math.nan, 1.0], RHO)
    np.testing.assert_array_equal(found, [math.nan, math.nan, math.inf])


def test_variances_that_fit_no_sums_are_a_bug() -> None:
    with pytest.raises(AssertionError, match="do not fit"):
        log_mixture(np.zeros((2, 3)), np.zeros(2), RHO)


@given(st.floats(0.0, 1e5), st.floats(1e-6, 1.0))
def test_the_boundary_is_where_the_evidence_is_enough(variance: float, alpha: float) -> None:
    at = boundary(variance, RHO, alpha)
    assert log_mixture(at, variance, RHO) == pytest.approx(-math.log(alpha), abs=1e-12)


def test_chance_crosses_the_boundary_in_no_more_than_its_share_of_walks() -> None:
    """1,000 walks looked at 2,000 times each: the bound is .1, four errors above it .138."""
    walks = np.random.default_rng(11).normal(size=(2_000, 1_000)).cumsum(axis=0)
    levels = boundary(np.arange(1.0, 2_001.0), RHO, 0.1)
    assert 0.02 < (walks > levels[:, None]).any(axis=0).mean() < 0.138


def test_an_interval_holds_the_mean_at_all_times_at_once() -> None:
    truth, rows = 0.3, np.arange(1.0, 1_001.0)
    walks = (np.random.default_rng(12).normal(size=(1_000, 500)) + truth).cumsum(axis=0)
    low, high = confidence_sequence(walks.T, rows, rows, RHO, 0.1)
    always = ((low <= truth) & (truth <= high)).all(axis=1)
    assert always.mean() > 0.9 - 4.0 * math.sqrt(0.09 / 500)
    assert (np.diff(high - low, axis=1) < 0.0).all()


def test_an_interval_of_nothing_is_undefined() -> None:
    low, high = confidence_sequence(0.0, 0.0, 0, RHO, 0.05)
    assert math.isnan(low)
    assert math.isnan(high)


def test_e_bh_finds_the_largest_k_that_reach_n_over_alpha_k() -> None:
    """Of five at alpha .1: 50, 25, 16.7, 12.5, 10 are needed for one to five finds."""
    e = np.array([11.0, 26.0, 13.0, 30.0, 1.0])
    np.testing.assert_array_equal(e_bh(np.log(e), 0.1), [False, True, False, True, False])
    e[2] = 17.0  # now three reach 16.7
    np.testing.assert_array_equal(e_bh(np.log(e), 0.1), [False, True, True, True, False])
    e[0] = 12.6
    np.testing.assert_array_equal(e_bh(np.log(e), 0.1), [True, True, True, True, False])


def test_e_bh_finds_nothing_in_nothing() -> None:
    assert not e_bh([0.0, math.nan, -math.inf], 0.05).any()
    assert e_bh([], 0.05).shape == (0,)
    np.testing.assert_array_equal(e_bh([math.nan, 50.0], 0.05), [False, True])


def test_a_bet_on_change_starts_anew_when_it_has_lost() -> None:
    stakes = np.array([0.1, 0.5])
    capital = e_cusum(np.zeros(2), 1.0, stakes)
    np.testing.assert_allclose(capital, [1.1, 1.5])
    capital = e_cusum(capital, -2.0, stakes)
    np.testing.assert_allclose(capital, [0.88, 0.0])
    capital = e_cusum(capital, 1.0, stakes)
    np.testing.assert_allclose(capital, [1.1, 1.5])


def test_a_bet_on_change_neither_owes_nor_becomes_infinite() -> None:
    assert e_cusum(np.array([5.0]), -100.0, np.array([0.5])) == 0.0
    assert e_cusum(np.array([9e299]), 1e3, np.array([0.5])) == 1e300


def test_many_series_bet_at_once_as_they_would_alone() -> None:
    rng, stakes = np.random.default_rng(4), np.array([0.05, 0.1, 0.2])
    gains = rng.normal(size=(50, 6))
    together = np.zeros((6, 3))
    alone = np.zeros((6, 3))
    for row in gains:
        together = e_cusum(together, row, stakes)
        alone = np.array([e_cusum(c, g, stakes) for c, g in zip(alone, row, strict=True)])
    np.testing.assert_array_equal(together, alone)


def test_without_change_an_alarm_takes_its_average_number_of_rows() -> None:
    """At c = 20 an alarm comes after 20 rows or more on average; signs make it exact."""
    rng, stakes = np.random.default_rng(8), np.array([0.1, 0.3])
    capital, waited = np.zeros((4_000, 2)), np.zeros(4_000)
    waiting = np.ones(4_000, bool)
    for row in range(1, 2_000):
        capital = e_cusum(capital, rng.choice([-1.0, 1.0], 4_000), stakes)
        alarm = waiting & (capital.mean(axis=1) >= 20.0)
        waited[alarm], waiting[alarm] = row, False
    assert waited[~waiting].sum() + 2_000 * waiting.sum() > 20.0 * 4_000
