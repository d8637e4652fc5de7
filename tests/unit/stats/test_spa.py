"""SPA and StepM against arch, on the same draws; and the laws they keep."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from arch.bootstrap import SPA, StationaryBootstrap, StepM

from liveopt.stats.bootstrap import counts_of, long_run_variance, stationary_indices
from liveopt.stats.spa import Spa, _exceeding, _largest, _prepare, spa, step_m

Array = npt.NDArray[np.float64]

N, BLOCK, RESAMPLES = 120, 6, 400


def gains(seed: int, best: float = 0.0, series: int = 15) -> Array:
    """Gains over the benchmark with common luck; most are bad, the first few are better."""
    rng = np.random.default_rng(seed)
    values = rng.standard_t(4, (N, series)) + 0.7 * rng.normal(size=(N, 1))
    return values * rng.uniform(0.5, 3.0, series) + np.linspace(best, -1.5, series)


def arch_draws(seed: int) -> Array:
    """The counts of the very rows arch draws from this seed."""
    bootstrap = StationaryBootstrap(BLOCK, np.arange(N), seed=seed)
    return counts_of(np.array([data[0][0] for data in bootstrap.bootstrap(RESAMPLES)]))


def arch_spa(values: Array, seed: int) -> Any:
    found = SPA(np.zeros(N), -values, block_size=BLOCK, reps=RESAMPLES, seed=seed)
    found.compute()
    return found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("best", [-3.0, 0.0, 0.4, 1.0])
def test_p_values_are_those_of_arch_on_the_same_draws(seed: int, best: float) -> None:
    values = gains(seed, best)
    theirs = arch_spa(values, seed).pvalues
    ours = spa(values, arch_draws(seed), float(BLOCK), studentised=False)
    assert ours == Spa(theirs["lower"], theirs["consistent"], theirs["upper"])


@pytest.mark.parametrize("seed", range(4))
def test_studentised_p_values_are_those_of_arch_on_gains_in_their_errors(seed: int) -> None:
    values = gains(seed, 0.5)
    theirs = arch_spa(values / np.sqrt(long_run_variance(values, float(BLOCK))), seed).pvalues
    ours = spa(values, arch_draws(seed), float(BLOCK))
    assert ours == Spa(theirs["lower"], theirs["consistent"], theirs["upper"])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("best", [0.0, 0.5, 1.0, 4.0])
def test_step_m_finds_what_arch_finds_on_the_same_draws(seed: int, best: float) -> None:
    values = gains(seed, best)
    theirs = StepM(
        np.zeros(N), -values, 0.1, block_size=BLOCK, reps=RESAMPLES, seed=seed
    )  # fmt: skip
    theirs.compute()
    ours = step_m(values, arch_draws(seed), float(BLOCK), 0.1, studentised=False)
    np.testing.assert_array_equal(np.flatnonzero(ours), theirs.superior_models)


def draws(seed: int, n: int = N, resamples: int = RESAMPLES) -> Array:
    return counts_of(stationary_indices(np.random.default_rng(seed), resamples, n, float(BLOCK)))


@pytest.mark.parametrize("seed", range(6))
def test_asking_in_float32_first_changes_no_answer(seed: int) -> None:
    values = gains(seed, 0.3, series=600)  # in three parts
    values[:, 1] = values[:, 0] * (1.0 + 1e-9)  # as near to a tie as it gets
    test, counts = _prepare(values, float(BLOCK), True), draws(seed)
    assert test is not None
    centres = np.stack([test.observed, np.maximum(test.observed, 0.0)])
    exact = _largest(test.drawn(counts), centres) > test.observed.max()
    np.testing.assert_array_equal(_exceeding(test, counts, centres), exact)


def test_where_float32_is_never_sure_all_is_asked_again() -> None:
    """Every resample is the sample: the largest statistic not centred is the largest observed."""
    values = gains(1, 0.5)
    test = _prepare(values, float(BLOCK), True)
    assert test is not None
    above = _exceeding(test, np.ones((30, N)), np.zeros((1, len(test.observed))))
    assert not above.any()


def test_the_three_p_values_are_in_order() -> None:
    for seed in range(20):
        found = spa(gains(seed, 0.4), draws(seed), float(BLOCK))
        assert 0.0 <= found.lower <= found.consistent <= found.upper <= 1.0


def test_p_values_know_no_unit_and_with_errors_no_unit_of_a_series() -> None:
    values, counts = gains(3, 0.5), draws(3)
    units = 2.0 ** np.arange(-7, 8)
    assert spa(values * units, counts, 6.0) == spa(values, counts, 6.0)
    plain = spa(values, counts, 6.0, studentised=False)
    assert spa(values * 2.0**-200, counts, 6.0, studentised=False) == plain


def test_the_order_of_the_series_does_not_matter() -> None:
    values, counts = gains(4, 0.6), draws(4)
    order = np.random.default_rng(1).permutation(values.shape[1])
    assert spa(values[:, order], counts, 6.0) == spa(values, counts, 6.0)
    np.testing.assert_array_equal(
        step_m(values[:, order], counts, 6.0, 0.1), step_m(values, counts, 6.0, 0.1)[order]
    )


def test_a_better_best_has_no_larger_p_value() -> None:
    values, counts = gains(5), draws(5)
    found = []
    for more in np.linspace(0.0, 1.5, 9):
        raised = values.copy()
        raised[:, 0] += more
        found.append(spa(raised, counts, 6.0).consistent)
    assert found == sorted(found, reverse=True)
    assert found[-1] == 0.0


def test_hopeless_series_move_the_upper_p_value_but_not_the_consistent_one() -> None:
    rng, counts = np.random.default_rng(6), draws(6)
    good = rng.normal(0.15, 1.0, size=(N, 3))
    hopeless = rng.normal(-5.0, 1.0, size=(N, 60))
    alone, crowded = spa(good, counts, 6.0), spa(np.hstack([good, hopeless]), counts, 6.0)
    assert crowded.consistent == alone.consistent
    assert crowded.upper > alone.upper


def test_of_none_better_the_best_looks_so_no_more_often_than_the_level() -> None:
    """200 samples at .1: four errors above it are .185."""
    rng = np.random.default_rng(9)
    found = []
    for seed in range(200):
        drawn = stationary_indices(np.random.default_rng(seed), 200, 400, 3.0)
        found.append(spa(rng.normal(size=(400, 20)), counts_of(drawn), 3.0).consistent)
    assert 0.03 < np.mean(np.array(found) <= 0.1) < 0.185


def test_a_series_without_variance_says_nothing() -> None:
    values, counts = gains(7, 0.5), draws(7)
    still = np.hstack([np.full((N, 1), 0.3), values, np.zeros((N, 1))])
    assert spa(still, counts, 6.0) == spa(values, counts, 6.0)
    found = step_m(still, counts, 6.0, 0.1)
    np.testing.assert_array_equal(found[1:-1], step_m(values, counts, 6.0, 0.1))
    assert not found[[0, -1]].any()


def test_what_cannot_be_tested_is_undefined_and_nothing_is_found() -> None:
    for values in (np.ones((N, 3)), np.array([[1.0, 2.0], [2.0, 1.0]])):
        counts = np.ones((5, len(values)))
        assert all(math.isnan(p) for p in spa(values, counts, 2.0))
        assert not step_m(values, counts, 2.0, 0.1).any()


def test_step_m_may_find_every_series() -> None:
    values = np.random.default_rng(2).normal(3.0, 1.0, size=(N, 4))
    assert step_m(values, draws(2), 6.0, 0.05).all()
