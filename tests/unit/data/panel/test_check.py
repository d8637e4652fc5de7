"""A store that is not what its source is does not pass."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel.check import (
    Fingerprint,
    compare,
    fingerprint,
    fingerprint_of,
    fingerprint_of_csv,
)
from liveopt.data.panel.columns import Form
from liveopt.data.panel.read_csv import read_csv
from liveopt.data.tables import DataError
from tests.unit.data.panel.files import ENHANCED, LEGACY, put

DAYS = np.datetime64("2024-01-01") + np.arange(6)
BAD = "Date,x\n2024-01-02,?\n2024-01-01,1\n2024-01-03,2\n"
SOURCE = Path("dump.csv")


def made(pnl: np.ndarray, days: np.ndarray = DAYS) -> Fingerprint:
    return fingerprint(days, ["x", "y"], pnl)


@pytest.mark.parametrize("text", [LEGACY, ENHANCED, BAD])
def test_a_file_read_by_python_is_the_panel(tmp_path: Path, text: str) -> None:
    path, form = put(tmp_path / "a.csv", text), Form(bad_cells="zero")
    panel = read_csv([path], form).panel
    expected = fingerprint_of_csv(path, panel.names, form)
    assert "are the source's" in compare(path, expected, fingerprint_of(panel))


@given(seed=st.integers(0, 1_000), row=st.integers(0, 5), column=st.integers(0, 1))
def test_any_cell_that_differs_is_seen_and_no_order_of_rows(
    seed: int, row: int, column: int
) -> None:
    rng = np.random.default_rng(seed)
    pnl = rng.standard_t(3, (2, 6))
    order = rng.permutation(6)
    compare(SOURCE, made(pnl), made(pnl[:, order], DAYS[order]))
    other = pnl.copy()
    other[column, row] = np.nextafter(other[column, row], np.inf)
    with pytest.raises(DataError, match="nothing was kept"):
        compare(SOURCE, made(pnl), made(other))


def test_what_differs_is_named() -> None:
    pnl = np.arange(12.0).reshape(2, 6)
    with pytest.raises(DataError, match="the store has 5 rows and the source 6"):
        compare(SOURCE, made(pnl), made(pnl[:, :5], DAYS[:5]))
    other = pnl.copy()
    other[1, 3] += 1
    with pytest.raises(DataError, match=r"sums of 1 columns differ \('y': 52.0 for 51.0\)"):
        compare(SOURCE, made(pnl), made(other))
    swapped = pnl[:, [1, 0, 2, 3, 4, 5]]
    with pytest.raises(DataError, match="cells differ from the source"):
        compare(SOURCE, made(pnl), made(swapped))
