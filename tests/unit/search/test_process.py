"""The Gaussian process: it goes through its points, knows what it does not know, and is fitted."""

import numpy as np
import pytest

from liveopt.search.algorithms.bo import log_expected_improvement
from liveopt.search.process import _loss, begin, condition, fit
from liveopt.search.space import Array


def gaps(ones: Array, others: Array) -> Array:
    found: Array = (ones.T[:, :, None] - others.T[:, None, :]) ** 2
    return found


def test_it_goes_through_its_points_and_doubts_elsewhere() -> None:
    x = np.random.default_rng(1).random((12, 2))
    y = np.sin(5.0 * x[:, 0])
    logs = np.array([-1.0, -1.0, 0.0, -16.0, 0.0, -16.0])
    process = condition(gaps(x, x), y, logs)
    mean, deviation = process.predict(gaps(x, x))
    np.testing.assert_allclose(mean, y, atol=1e-3)
    assert deviation.max() < 1e-2
    mean, deviation = process.predict(gaps(x, np.full((1, 2), 50.0)))
    assert mean[0] == pytest.approx(0.0, abs=1e-6)
    assert deviation[0] == pytest.approx(1.0, abs=1e-6)


def test_the_slope_of_the_likelihood_is_its_slope() -> None:
    rng = np.random.default_rng(1)
    x = rng.random((15, 3))
    y = x[:, 0] ** 2 - x[:, 1]
    table, logs = gaps(x, x), begin(3) + 0.3 * rng.normal(size=7)
    _, slope = _loss(table, y, logs)
    for i, step in enumerate(np.eye(7) * 1e-5):
        rise = _loss(table, y, logs + step)[0] - _loss(table, y, logs - step)[0]
        assert slope[i] == pytest.approx(rise / 2e-5, rel=1e-4, abs=1e-6)


def test_a_fit_finds_out_which_coordinate_matters() -> None:
    x = np.random.default_rng(1).random((40, 3))
    y = np.sin(8.0 * x[:, 1])
    logs = fit(gaps(x, x), (y - y.mean()) / y.std(), None)
    assert logs[1] < min(logs[0], logs[2]) - 0.5


def test_forty_points_are_enough_for_ten_coordinates_that_each_do_their_part() -> None:
    """All together they would need many more: the process sees what each does alone."""
    rng = np.random.default_rng(1)
    x, elsewhere = rng.random((40, 10)), rng.random((200, 10))
    y = np.cos(5.0 * x).sum(axis=1)
    y = (y - y.mean()) / y.std()
    process = condition(gaps(x, x), y, fit(gaps(x, x), y, None))
    mean, _ = process.predict(gaps(x, elsewhere))
    assert np.corrcoef(mean, np.cos(5.0 * elsewhere).sum(axis=1))[0, 1] > 0.95


def test_a_fit_from_the_last_is_no_worse() -> None:
    x = np.random.default_rng(1).random((20, 2))
    y = x[:, 0] - x[:, 1] ** 2
    y = (y - y.mean()) / y.std()
    table = gaps(x, x)
    once = fit(table, y, None)
    assert _loss(table, y, fit(table, y, once))[0] <= _loss(table, y, once)[0]


def test_expected_improvement_is_that_of_a_normal_law() -> None:
    draws = np.random.default_rng(1).standard_normal(1_000_000)
    for z in (-2.0, -0.5, 0.0, 1.5):
        wanted = np.maximum(draws + z, 0.0).mean()
        assert np.exp(log_expected_improvement(np.array([z]))[0]) == pytest.approx(wanted, rel=0.02)


def test_expected_improvement_far_below_is_small_and_ordered() -> None:
    found = log_expected_improvement(np.linspace(-60.0, 5.0, 2000))
    assert np.isfinite(found).all()
    assert (np.diff(found) > 0.0).all()
