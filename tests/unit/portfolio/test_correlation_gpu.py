"""The device's look at correlations, as C: the figures of the definition, whoever looks."""

from pathlib import Path

import numpy as np
import pytest

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.correlation import BINS, NOBODY, TOP, Correlations, correlate
from liveopt.portfolio.correlation_gpu import THREADS, TOP_MOST
from liveopt.portfolio.likeness import likeness, matrix
from tests import portfolio_reference as reference
from tests.unit.portfolio.device import (
    LANES,
    compiled,
    has_no_fused_multiply_add,
    launched,
    needs_gcc,
    needs_nvcc,
)
from tests.unit.portfolio.panels import PANELS
from tests.unit.portfolio.test_correlation import check

KINDS = (
    "const double *", "long long", "long long", "double", "int", "int", "double *", "double *",
    "int *", "unsigned long long *",
)  # fmt: skip


def scanned(whole: Float64, threshold: float, height: int, lanes: int) -> Correlations:
    """What the device's text says of a matrix, so many rows at a time."""
    count = len(whole)
    sums, best = np.zeros((count, 3)), np.full((count, TOP), -2.0)
    partner, bins = np.full((count, TOP), NOBODY, np.int32), np.zeros(BINS, np.uint64)
    for first in range(0, count, height):
        tile = np.ascontiguousarray(whole[first : first + height])
        given = [tile, count, first, threshold, TOP, BINS, sums, best, partner, bins]
        launched(compiled("correlation.cu", "scan", KINDS), KINDS, given, len(tile), lanes)
    best[partner == NOBODY] = np.nan
    rest = max(count - 1, 1)
    return Correlations(
        threshold, sums[:, 0] / rest, sums[:, 1] / rest, sums[:, 2].astype(np.int64), best,
        partner, bins.astype(np.int64),
    )  # fmt: skip


@needs_gcc
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("name", ["plain", "twins", "mirrored", "some never move", "rests"])
def test_statistics_of_all_pairs_are_those_of_the_definition(name: str, lanes: int) -> None:
    pnl = PANELS[name]
    for count in (1, 2, 5, 6, 30):
        whole = matrix(likeness(pnl[:count], "pearson"))
        found = scanned(whole, 0.1, 7, lanes)
        check(found, reference.correlations(pnl[:count]), 1e-12)


@needs_gcc
@pytest.mark.parametrize("lanes", LANES)
def test_of_equals_the_strategy_that_comes_first_is_the_partner(lanes: int) -> None:
    whole = np.full((12, 12), 0.5)
    found = scanned(whole, 0.5, 12, lanes)
    assert found.partner[0].tolist() == [1, 2, 3, 4, 5]
    assert found.partner[3].tolist() == [0, 1, 2, 4, 5]
    assert found.reached.tolist() == [11] * 12


@needs_gcc
def test_it_says_what_the_cpu_says() -> None:
    like = likeness(np.random.default_rng(4).standard_normal((200, 40)), "pearson")
    here, there = correlate(like, 0.3), scanned(matrix(like), 0.3, 64, 5)
    assert here.partner.tolist() == there.partner.tolist()
    assert here.reached.tolist() == there.reached.tolist()
    for name in ("mean", "size", "best"):
        np.testing.assert_allclose(getattr(here, name), getattr(there, name), atol=1e-12)
    assert int(np.abs(np.cumsum(here.bins) - np.cumsum(there.bins)).max()) <= 1


@needs_nvcc
def test_the_devices_program_has_no_fused_multiply_add(tmp_path: Path) -> None:
    has_no_fused_multiply_add("correlation.cu", "scan", tmp_path)


def test_what_a_block_shares_is_within_what_it_has_unasked() -> None:
    assert THREADS * (3 * 8 + TOP_MOST * 12) + 4 * BINS <= 48 * 1024
    assert TOP <= TOP_MOST
