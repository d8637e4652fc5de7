"""Resampling by counts is resampling by rows; draws have the law they should; sums are exact."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from arch.bootstrap import SPA, IIDBootstrap, StationaryBootstrap
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from liveopt.stats.bootstrap import (
    circular_indices,
    confidence,
    counts_of,
    iid_indices,
    long_run_variance,
    mean_interval,
    on_grid,
    resampled_means,
    stationary_indices,
)

Array = npt.NDArray[np.float64]

columns = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=st.floats(-1e3, 1e3)
)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def dependent(n: int, series: int, seed: int = 2, keep: float = 0.5) -> Array:
    """Series in which each value keeps some of the last one."""
    shocks = rng(seed).normal(size=(n, series))
    for i in range(1, n):
        shocks[i] += keep * shocks[i - 1]
    return shocks


@given(columns)
def test_sums_on_the_grid_are_exact_in_any_order(values: Array) -> None:
    gridded = on_grid(values, len(values))
    for found, column in zip(gridded.sum(axis=0), gridded.T, strict=True):
        assert Fraction(float(found)) == sum(Fraction(float(v)) for v in column)
        assert float(found) == column[::-1].cumsum()[-1]


@given(columns)
def test_the_grid_moves_no_value_by_more_than_rounding_of_the_largest(values: Array) -> None:
    moved = np.abs(on_grid(values, len(values)) - values)
    largest = np.abs(values).max(axis=0)
    assert (moved <= largest * len(values) * 2.0**-51 + 2.0**-900).all()


def test_a_grid_of_nothing_is_nothing() -> None:
    assert on_grid(np.zeros((0, 3)), 1).shape == (0, 3)
    np.testing.assert_array_equal(on_grid(np.zeros((4, 2)), 4), np.zeros((4, 2)))


@given(columns)
def test_counts_times_values_are_the_means_of_the_drawn_rows(values: Array) -> None:
    n = len(values)
    drawn = rng().integers(n, size=(5, n))
    np.testing.assert_allclose(
        resampled_means(values, counts_of(drawn)),
        values[drawn].mean(axis=1),
        rtol=1e-12,
        atol=1e-12 * np.abs(values).max() + 2.0**-900,
    )


def test_every_resample_draws_as_many_rows_as_there_are() -> None:
    for drawn in (
        iid_indices(rng().random((9, 30)), 17),
        stationary_indices(rng(), 9, 17, 4.0),
        circular_indices(rng(), 9, 17, 5),
    ):
        assert drawn.shape == (9, 17)
        np.testing.assert_array_equal(counts_of(drawn).sum(axis=1), np.full(9, 17.0))


def test_plain_draws_take_every_row_alike() -> None:
    """200,000 draws of 20 rows: each 10,000 times, give or take four deviations of 97."""
    counted = counts_of(iid_indices(rng().random((10_000, 20)), 20)).sum(axis=0)
    assert np.abs(counted - 10_000).max() < 4 * 97.5


def test_stationary_draws_are_those_of_arch_on_the_same_numbers() -> None:
    n, resamples, block = 60, 40, 7

    class Numbers:
        """The numbers arch will draw, resample after resample; it ends a block beyond 1 / block."""

        def __init__(self) -> None:
            source = rng(5)
            pairs = [(source.integers(n, size=n), source.random(n)) for _ in range(resamples)]
            self.starts, self.uniforms = map(np.array, zip(*pairs, strict=True))

        def random(self, size: tuple[int, int], dtype: Any) -> Any:
            return self.uniforms

        def integers(self, n: int, size: int) -> Any:
            first = np.arange(n) == 0
            return self.starts[(self.uniforms <= 1.0 / block) | first]

    theirs = StationaryBootstrap(block, np.arange(n), seed=5)
    expected = [data[0][0] for data in theirs.bootstrap(resamples)]
    numbers: Any = Numbers()
    np.testing.assert_array_equal(stationary_indices(numbers, resamples, n, block), expected)


def test_stationary_blocks_have_the_mean_length_that_was_asked_for() -> None:
    drawn = stationary_indices(rng(), 500, 400, 8.0)
    follows = (drawn[:, 1:] == (drawn[:, :-1] + 1) % 400).mean()
    assert follows == pytest.approx(7.0 / 8.0 + 1.0 / 8.0 / 400, abs=0.004)


def test_circular_blocks_have_one_length_and_run_around_the_end() -> None:
    drawn = circular_indices(rng(), 50, 23, 5)
    for first in range(0, 20, 5):
        block = drawn[:, first : first + 5]
        np.testing.assert_array_equal(block, (block[:, :1] + np.arange(5)) % 23)
    assert (np.diff(drawn, axis=1) == 1 - 23).any()


def test_the_same_draws_give_the_same_rows() -> None:
    for draw in (stationary_indices, circular_indices):
        np.testing.assert_array_equal(draw(rng(7), 6, 30, 3), draw(rng(7), 6, 30, 3))


def test_confidence_is_the_share_of_means_above_nought() -> None:
    """Series of three, six and six values, resampled one by one."""
    values = np.array([[1, -1, 2.0, 3, -2, 1], [-1, 2, -3, 1, 1, 1.0], [0.5, -1, 0.2, 9, 9, 9]]).T
    uniforms, lengths = rng(3).random((400, 6)), np.array([6, 6, 3])
    expected = []
    for series, n in zip(values.T, lengths, strict=True):
        rows = np.floor(uniforms[:, :n] * n).astype(int)
        # fifths have no exact sums: tenths as whole numbers have
        expected.append((np.rint(10.0 * series)[rows].sum(axis=1) > 0).mean())
    np.testing.assert_array_equal(confidence(values, lengths, uniforms), expected)


def test_confidence_is_that_of_another_bootstrap() -> None:
    """Two bootstraps of 4,000 resamples differ by less than four of their standard errors."""
    values = rng(4).normal(0.2, 1.0, size=(50, 1))
    theirs_of: Any = IIDBootstrap(values[:, 0], seed=9)
    means = theirs_of.apply(np.mean, 4_000)
    theirs = (means > 0.0).mean()
    ours = confidence(values, np.array([50]), rng(10).random((4_000, 50)))[0]
    assert abs(ours - theirs) < 4.0 * math.sqrt(2.0 * theirs * (1.0 - theirs) / 4_000)


def test_a_series_has_its_confidence_whoever_else_is_there() -> None:
    generator = rng(6)
    values, lengths = generator.normal(size=(60, 90)), generator.integers(0, 61, 90)
    uniforms = generator.random((300, 60))
    together = confidence(values, lengths, uniforms)
    alone = [
        confidence(values[: max(n, 1), [i]], np.array([n]), uniforms[:, : max(n, 1)])[0]
        for i, n in enumerate(lengths)
    ]
    np.testing.assert_array_equal(together, alone)
    shuffled = generator.permutation(90)
    np.testing.assert_array_equal(
        confidence(values[:, shuffled], lengths[shuffled], uniforms), together[shuffled]
    )


@given(st.integers(-40, 40))
def test_confidence_knows_no_unit(power: int) -> None:
    values = rng(8).normal(0.1, 1.0, size=(30, 3))
    lengths, uniforms = np.array([30, 20, 10]), rng(9).random((200, 30))
    np.testing.assert_array_equal(
        confidence(values * 2.0**power, lengths, uniforms), confidence(values, lengths, uniforms)
    )


def test_more_gain_is_no_less_confidence() -> None:
    values = rng(8).normal(size=(30, 1)) + np.linspace(-1.0, 1.0, 21)
    shares = confidence(values, np.full(21, 30), rng(9).random((200, 30)))
    assert (np.diff(shares) >= 0.0).all()
    assert shares[0] < 0.01
    assert shares[-1] > 0.99


def test_wins_and_losses_that_cancel_are_not_above_nought() -> None:
    """0.1 and -0.1 in equal number: resampled sums of nought are nought, rounding or not."""
    values = np.array([[0.1], [-0.1]])
    uniforms = np.array([[0.1, 0.9], [0.1, 0.1], [0.9, 0.9], [0.9, 0.1]])
    assert confidence(values, np.array([2]), uniforms)[0] == 0.25


def test_confidence_below_two_values_or_without_a_number_is_undefined() -> None:
    values = np.array([[1.0, 1.0, 1.0, math.nan], [1.0, 1.0, 1.0, 1.0]])
    found = confidence(values, np.array([0, 1, 2, 2]), rng().random((10, 2)))
    np.testing.assert_array_equal(found, [math.nan, math.nan, 1.0, math.nan])


def test_the_variance_of_the_bootstraps_mean_is_that_of_arch() -> None:
    for n in (60, 61):
        values = dependent(n, 4)
        theirs = SPA(np.zeros(n), -values, block_size=6, reps=1, seed=1)
        theirs.compute()
        np.testing.assert_allclose(
            long_run_variance(values, 6.0), theirs._loss_diff_var, rtol=1e-12
        )


def test_the_variance_of_the_bootstraps_mean_is_what_drawing_shows() -> None:
    """20,000 resamples: the deviation of a variance is a hundredth of it."""
    values = dependent(50, 3)
    drawn = resampled_means(values, counts_of(stationary_indices(rng(), 20_000, 50, 5.0)))
    np.testing.assert_allclose(50 * drawn.var(axis=0), long_run_variance(values, 5.0), rtol=0.05)


def test_with_blocks_of_one_the_variance_is_the_plain_one() -> None:
    values = dependent(33, 3)
    np.testing.assert_allclose(long_run_variance(values, 1.0), values.var(axis=0), rtol=1e-12)


def test_a_constant_has_no_variance_and_one_row_an_undefined_one() -> None:
    np.testing.assert_array_equal(long_run_variance(np.full((10, 1), 0.1), 3.0), [0.0])
    assert np.isnan(long_run_variance(np.ones((1, 2)), 3.0)).all()


def test_an_interval_holds_the_mean_as_often_as_it_says() -> None:
    """300 samples of dependent rows at .9: blocks of 10 reach .85 or so, plain draws below .8."""
    values = dependent(200, 300)
    blocks = counts_of(stationary_indices(rng(3), 500, 200, 10.0))
    low, high = mean_interval(values, blocks, 0.9)
    assert 0.82 < ((low < 0.0) & (high > 0.0)).mean() < 0.94
    low, high = mean_interval(values, counts_of(iid_indices(rng(3).random((500, 200)), 200)), 0.9)
    assert ((low < 0.0) & (high > 0.0)).mean() < 0.8


def test_an_interval_moves_and_grows_with_its_values() -> None:
    values, counts = dependent(40, 2), counts_of(stationary_indices(rng(), 100, 40, 4.0))
    low, high = mean_interval(values, counts, 0.95)
    np.testing.assert_allclose(low + high, 2.0 * values.mean(axis=0), rtol=1e-10)
    moved = mean_interval(3.0 * values + 1.0, counts, 0.95)
    np.testing.assert_allclose(moved.low, 3.0 * low + 1.0, rtol=1e-9)
    np.testing.assert_allclose(moved.high, 3.0 * high + 1.0, rtol=1e-9)
    wider = mean_interval(values, counts, 0.99)
    assert (wider.low < low).all()
    assert (wider.high > high).all()


def test_an_interval_of_one_row_is_undefined() -> None:
    low, high = mean_interval(np.ones((1, 2)), np.ones((5, 1)), 0.9)
    assert np.isnan(low).all()
    assert np.isnan(high).all()
