"""What all of stats asks of an array."""

import numpy as np

from liveopt.stats.arrays import library_of, varies


def test_an_array_names_the_library_it_lives_in() -> None:
    assert library_of(np.zeros(3)) is np


def test_a_constant_does_not_vary_though_its_mean_is_rounded() -> None:
    columns = np.stack([np.full(7, 0.1), np.zeros(7), np.arange(7.0), 1.0 + 1e-3 * np.arange(7.0)])
    np.testing.assert_array_equal(varies(columns.T), [False, False, True, True])
