"""The normal distribution against 50-digit values, in the far tail too, and to the last bit."""

import math
import subprocess
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from liveopt.stats.normal import cdf, log_cdf, logs, quantile

RELATIVE = 2e-15
BITS = [3288141466, 4131738279, 1697787452, 474656395]

# z, Phi(z), log Phi(z); and p, Phi^-1(p): computed with mpmath at 50 digits
NORMAL = (
    (-10000000000.0, 0.0, -5e19),
    (-1000.0, 0.0, -500007.82669481216),
    (-37.0, 5.725571222524577e-300, -689.0305855768906),
    (-20.0, 2.7536241186062337e-89, -203.91715537109727),
    (-10.0, 7.619853024160525e-24, -53.23128515051247),
    (-8.0, 6.220960574271784e-16, -35.01343715991455),
    (-5.0, 2.866515718791939e-07, -15.064998393988725),
    (-3.0, 0.0013498980316300946, -6.607726221510349),
    (-2.0, 0.02275013194817921, -3.783184333682032),
    (-1.0, 0.15865525393145705, -1.8410216450092636),
    (-0.5, 0.3085375387259869, -1.1759117615936185),
    (-0.001, 0.49960105778608893, -0.6939453834669652),
    (0.0, 0.5, -0.6931471805599453),
    (1e-09, 0.5000000003989423, -0.6931471797620608),
    (0.3, 0.6179114221889527, -0.4814101615884812),
    (1.0, 0.8413447460685429, -0.17275377902344988),
    (2.5, 0.9937903346742238, -0.006229025485860002),
    (4.0, 0.9999683287581669, -3.167174337748927e-05),
    (6.0, 0.9999999990134123, -9.865876455243758e-10),
    (9.0, 1.0, -1.1285884059538405e-19),
    (20.0, 1.0, -2.7536241186062337e-89),
    (36.0, 1.0, -4.182624065797283e-284),
)
QUANTILES = (
    (5e-324, -38.467405617144344),
    (1e-310, -37.663060331949524),
    (1e-300, -37.0470962993612),
    (1e-100, -21.273453560965326),
    (1e-20, -9.262340089798407),
    (1e-10, -6.361340902404057),
    (1e-05, -4.264890793922825),
    (0.001, -3.0902323061678136),
    (0.01, -2.326347874040841),
    (0.025, -1.9599639845400543),
    (0.07, -1.4757910281791706),
    (0.075, -1.439531470938456),
    (0.2, -0.8416212335729142),
    (0.4, -0.2533471031357997),
    (0.4999, -0.00025066283008800747),
    (0.5, 0.0),
    (0.500000001, 2.5066282037387115e-09),
    (0.6, 0.2533471031357997),
    (0.9, 1.2815515655446006),
    (0.925, 1.4395314709384561),
    (0.95, 1.6448536269514722),
    (0.975, 1.9599639845400538),
    (0.99, 2.3263478740408408),
    (0.999999, 4.753424308817087),
    (0.9999999999999999, 8.209536151601387),
)


def off(found: Any, truth: Any) -> float:
    """The largest relative error; equals (noughts, infinities) have none."""
    found, truth = np.asarray(found), np.asarray(truth)
    unlike = found != truth
    return float(np.max(np.abs(found[unlike] / truth[unlike] - 1.0), initial=0.0))


@pytest.mark.parametrize(("z", "share", "log_share"), NORMAL)
def test_the_normal_distribution_is_right_to_the_last_digits(
    z: float, share: float, log_share: float
) -> None:
    assert off(cdf(z), share) < RELATIVE
    assert off(log_cdf(z), log_share) < RELATIVE


@pytest.mark.parametrize(("p", "z"), QUANTILES)
def test_a_quantile_is_right_to_the_last_digits(p: float, z: float) -> None:
    assert off(quantile(p), z) < RELATIVE


def test_everywhere_between_it_agrees_with_scipy() -> None:
    z = np.linspace(-37.4, 37.4, 200_001)
    assert off(cdf(z), special.ndtr(z)) < 1e-12  # theirs is the less exact, far below
    assert off(log_cdf(z), special.log_ndtr(z)) < 1e-12
    p = special.ndtr(z[z < 0.0])
    assert off(quantile(p), special.ndtri(p)) < 1e-13


def test_a_share_too_small_for_a_normal_number_keeps_the_digits_there_are() -> None:
    assert cdf(-38.0) == pytest.approx(2.88542835e-316, rel=1e-7)
    assert cdf(-39.0) == 0.0


def test_infinity_gives_the_limits_and_nan_gives_nan() -> None:
    ends = np.array([-math.inf, math.inf, math.nan])
    np.testing.assert_array_equal(cdf(ends), [0.0, 1.0, math.nan])
    np.testing.assert_array_equal(log_cdf(ends), [-math.inf, 0.0, math.nan])
    np.testing.assert_array_equal(
        quantile([0.0, 1.0, math.nan, -0.1, 1.1]), [-math.inf, math.inf] + 3 * [math.nan]
    )
    np.testing.assert_array_equal(
        logs([0.0, math.inf, -1.0, math.nan]), [-math.inf, math.inf, math.nan, math.nan]
    )


@given(st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False))
def test_a_logarithm_is_that_of_the_math_library_but_for_the_last_bit(w: float) -> None:
    assert off(logs(w), math.log(w)) < 3e-16


@given(st.floats(-37.0, 8.0))
def test_a_quantile_undoes_a_share(z: float) -> None:
    share = float(cdf(z))
    # what a rounding of the share is worth in z
    grain = np.spacing(share) / (math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))
    assert quantile(share) == pytest.approx(z, rel=1e-14, abs=4.0 * grain)


@given(st.floats(-40.0, 40.0), st.floats(0.0, 2.0))
def test_shares_rise(z: float, step: float) -> None:
    assert cdf(z + step) >= cdf(z) * (1.0 - 2e-15)
    assert log_cdf(z + step) >= log_cdf(z) * (1.0 + 2e-15)


@given(st.floats(-37.0, 37.0))
def test_both_sides_make_one(z: float) -> None:
    assert cdf(z) + cdf(-z) == pytest.approx(1.0, abs=3e-16)


def test_a_number_has_the_same_bits_alone_and_in_an_array_of_any_size() -> None:
    z = np.random.default_rng(3).normal(size=1_001) * 6.0
    for f, given_ in ((cdf, z), (log_cdf, z), (quantile, special.ndtr(z)), (logs, np.abs(z))):
        alone = np.array([f(value) for value in given_])
        np.testing.assert_array_equal(f(given_), alone)
        np.testing.assert_array_equal(f(given_.reshape(7, 143).T), alone.reshape(7, 143).T)


def test_a_machine_gives_the_bits_of_every_other() -> None:
    """Any fused multiply-add or library function would change some of these."""
    z = (np.arange(40_001) - 30_000) / 1_024.0
    shares, values = (z + 30.5) / 41.0, z + 31.0
    found = (cdf(z), log_cdf(z), quantile(shares), logs(values))
    assert [zlib.crc32(array.tobytes()) for array in found] == BITS


def test_who_imports_stats_waits_for_no_compiler() -> None:
    code = (
        "import sys, liveopt.stats.evidence, liveopt.stats.spa, liveopt.stats.sharpe\n"
        "sys.exit('numba' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
