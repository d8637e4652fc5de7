"""The scalars, compiled into another kernel, are what the arrays are made of."""

import math
from typing import Any

import numpy as np
from numba import njit

from liveopt.stats.arithmetic import fill_tilted, log, tilted
from liveopt.stats.normal import log_cdf, logs


@njit(error_model="numpy")
def both(values: Any, out: Any) -> None:
    """A kernel of somebody else."""
    for i in range(len(values)):
        out[0, i] = log(abs(values[i]))
        out[1, i] = tilted(values[i])


def test_scalars_compiled_into_another_kernel_have_the_same_bits() -> None:
    values = np.random.default_rng(1).normal(size=501) * 9.0
    out, rows = np.empty((2, 501)), np.empty((1, 501))
    both(values, out)
    fill_tilted(values[None], np.ones(501), np.zeros(501), rows)
    np.testing.assert_array_equal(out[0], logs(np.abs(values)))
    np.testing.assert_array_equal(out[1], rows[0])


def test_tilted_is_the_logarithm_of_twice_the_share_without_its_square() -> None:
    values = np.linspace(-30.0, 30.0, 4_001)
    out = np.empty((2, 4_001))
    both(np.where(values == 0.0, 1e-300, values), out)
    expected = math.log(2.0) + log_cdf(values) + 0.5 * values * values
    np.testing.assert_allclose(out[1], expected, rtol=1e-13, atol=2e-13)


def test_tilted_stops_falling_where_no_number_goes_and_keeps_nan() -> None:
    values = np.array([[-1e149, -1e150, -1e200, -math.inf, math.inf, math.nan]])
    out = np.empty(values.shape)
    fill_tilted(values, np.ones(6), np.zeros(6), out)
    assert out[0, 0] > out[0, 1] == out[0, 2] == out[0, 3] > -346.0
    np.testing.assert_array_equal(out[0, 4:], [math.inf, math.nan])
