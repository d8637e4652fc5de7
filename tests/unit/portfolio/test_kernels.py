"""The loops as they are compiled are the loops as they are written, to the last bit."""

from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel.panel import Float64
from liveopt.engine.kernels import text_of
from liveopt.portfolio.correlation import BINS, kernels
from liveopt.portfolio.likeness import likeness
from tests.unit.portfolio.panels import PANELS, SIZES, sets_of


def plain() -> ModuleType:
    """The same text, interpreted."""
    text = text_of("portfolio.kernels").replace(
        "from numba import njit", "njit = lambda *_, **__: lambda function: function"
    )
    found = ModuleType("plain")
    exec(compile(text, "kernels.py", "exec"), found.__dict__)
    return found


PLAIN, COMPILED = plain(), kernels()


@pytest.mark.parametrize("name", PANELS)
def test_portfolios_add_up_to_the_same_bits(name: str) -> None:
    pnl = PANELS[name]
    like = likeness(pnl, "pearson")
    for size in SIZES[:6]:
        sets, found = sets_of(name, size, 2), []
        for loops in (PLAIN, COMPILED):
            series, sums = np.empty((2, pnl.shape[1])), np.empty((2, loops.COLUMNS))
            loops.gather(pnl, (like.rows, like.mean, like.scale), sets, series, sums)
            found.append(series.tobytes() + sums.tobytes())
        assert found[0] == found[1], size


def blank(count: int, top: int) -> tuple[Any, ...]:
    """Nothing is known yet."""
    sums = np.zeros((4, count))
    sums[3] = -2.0
    return sums, np.full((count, top), -2.0), np.full((count, top), -1, np.int32)


def scanned(loops: ModuleType, whole: Float64, cuts: list[int], top: int) -> list[bytes]:
    """All pairs of a matrix as one tile on the diagonal, its lines cut here and there."""
    kept, bins = blank(len(whole), top), np.zeros(BINS, np.int64)
    edges = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    for lines in pairwise(edges):
        loops.scan_rows(whole, lines, (0, 0), 0.5, kept, bins)
    for lines in pairwise(edges):
        loops.scan_columns(whole, lines, (0, 0), 0.5, kept)
    return [one.tobytes() for one in (*kept, bins)]


@given(
    st.integers(1, 80), st.integers(1, 6), st.lists(st.integers(0, 99), max_size=3), st.booleans()
)
def test_a_tile_tells_the_same_however_its_lines_are_shared_out(
    count: int, top: int, cuts: list[int], coarse: bool
) -> None:
    rng = np.random.default_rng(count)
    whole = rng.uniform(-1.0, 1.0, (count, count))
    if coarse:
        whole = np.round(whole, 1)  # many equals
    found = scanned(PLAIN, whole, [], top)
    assert scanned(COMPILED, whole, [], top) == found
    assert scanned(COMPILED, whole, cuts, top) == found


def test_correlations_beyond_their_bounds_by_rounding_are_counted_at_the_ends() -> None:
    whole = np.array([[1.0, 1.0 + 4e-16, -1.0 - 4e-16]] * 3)
    bins = np.zeros(BINS, np.int64)
    COMPILED.scan_rows(whole, (0, 1), (0, 0), 0.5, blank(3, 2), bins)
    assert (bins[0], bins[-1], bins.sum()) == (1, 1, 2)
