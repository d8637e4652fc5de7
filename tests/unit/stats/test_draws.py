"""The loops over drawn rows, by hand."""

import numpy as np

from liveopt.stats.draws import lay, tally


def test_rows_run_on_around_the_end_until_a_fresh_one() -> None:
    fresh = np.array([[True, False, False, True, False], [True, False, True, True, False]])
    rows = np.empty((2, 5), np.int64)
    lay(np.array([3, 0, 2, 4, 4]), fresh, rows)
    np.testing.assert_array_equal(rows, [[3, 4, 0, 0, 1], [2, 3, 4, 4, 0]])


def test_every_draw_of_a_row_is_counted() -> None:
    counts = np.zeros((2, 3))
    tally(np.array([[0, 2, 2], [1, 1, 1]]), counts)
    np.testing.assert_array_equal(counts, [[1, 0, 2], [0, 3, 0]])
