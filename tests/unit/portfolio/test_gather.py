"""A batch of portfolios added up: the definition, any order, one text for every device."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.correlation import kernels
from liveopt.portfolio.gather import COLUMNS, CpuGather, Sets, text_of_device
from liveopt.portfolio.likeness import Likeness, likeness
from tests import portfolio_reference as reference
from tests.unit.portfolio.device import (
    LANES,
    compiled,
    has_no_fused_multiply_add,
    launched,
    needs_gcc,
    needs_nvcc,
)
from tests.unit.portfolio.panels import FAR, PANELS, SIZES, sets_of

LIKENESS, MOVING = kernels().LIKENESS, kernels().MOVING
KINDS = (
    *("const double *",) * 4, "const int *", "long long", "long long", "double *", "double *"
)  # fmt: skip


def in_c(pnl: Float64, like: Likeness, sets: Sets, lanes: int) -> tuple[Float64, Float64]:
    """What the device's text makes of it."""
    series, sums = np.empty((len(sets), pnl.shape[1])), np.empty((len(sets), COLUMNS))
    given = [
        pnl, like.rows, like.mean, like.scale, sets, sets.shape[1], pnl.shape[1], series, sums
    ]  # fmt: skip
    launched(compiled("gather.cu", "gather", KINDS), KINDS, given, len(sets), lanes)
    return series, sums


@pytest.mark.parametrize("name", PANELS)
def test_series_and_sums_are_those_of_the_definition(name: str) -> None:
    pnl = PANELS[name]
    gather, scale = CpuGather(pnl, likeness(pnl, "pearson")), float(np.abs(pnl).max())
    for size in SIZES:
        sets = sets_of(name, size)
        series, sums = gather(sets)
        for i, own in enumerate(sets):
            p = reference.series(pnl[own])
            np.testing.assert_allclose(series[i], p, rtol=1e-12, atol=1e-14 * scale)
            won, lost = [x for x in p if x > 0], [x for x in p if x < 0]
            wanted = [
                sum(p), reference.max_drawdown(p), len(won), sum(won), -sum(lost), len(lost)
            ]  # fmt: skip
            np.testing.assert_allclose(sums[i, :6], wanted, rtol=1e-9, atol=1e-12 * scale)
            found = (sums[i, LIKENESS] - sums[i, MOVING]) / max(size * size - size, 1)
            precise = FAR.get(name, 1e-12)
            mean = reference.mean_correlation(pnl[own])
            np.testing.assert_allclose(found, mean, rtol=precise, atol=precise)
            moving = sum(row.min() < row.max() for row in pnl[own])
            assert sums[i, MOVING] == moving


@needs_gcc
@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_the_devices_text_has_the_same_bits(method: str, lanes: int) -> None:
    for name, pnl in PANELS.items():
        like = likeness(pnl, method)
        for size in SIZES:
            sets = sets_of(name, size, 3)
            for ours, theirs in zip(
                CpuGather(pnl, like)(sets), in_c(pnl, like, sets, lanes), strict=True
            ):
                assert ours.tobytes() == theirs.tobytes(), (name, size)


@needs_gcc
def test_a_large_batch_has_the_same_bits_too() -> None:
    rng = np.random.default_rng(10)
    pnl = 100.0 * rng.standard_t(3, (5_000, 1_000))
    like = likeness(pnl, "pearson")
    sets = np.sort(rng.integers(0, 5_000, (200, 100)), axis=1).astype(np.int32)
    for ours, theirs in zip(CpuGather(pnl, like)(sets), in_c(pnl, like, sets, 2), strict=True):
        assert ours.tobytes() == theirs.tobytes()


@needs_nvcc
def test_the_devices_program_has_no_fused_multiply_add(tmp_path: Path) -> None:
    has_no_fused_multiply_add("gather.cu", "gather", tmp_path)


def test_the_devices_text_has_no_number_but_doubles() -> None:
    assert "fma" not in text_of_device("gather.cu")
    assert "float" not in text_of_device("gather.cu")


CENTS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(2, 9), st.integers(1, 12)),
    elements=st.integers(-1000, 1000).map(float),
)


@given(CENTS, st.randoms(use_true_random=False))
def test_the_order_of_members_changes_nothing(pnl: Float64, luck: Any) -> None:
    gather = CpuGather(pnl, likeness(pnl, "pearson"))
    order = list(range(len(pnl)))
    luck.shuffle(order)
    (series, sums), (shuffled, others) = (
        gather(np.array([one], np.int32)) for one in (range(len(pnl)), order)
    )
    assert series.tobytes() == shuffled.tobytes()
    whole = [c for c in range(COLUMNS) if c != LIKENESS]
    assert sums[0, whole].tolist() == others[0, whole].tolist()
    assert sums[0, LIKENESS] == pytest.approx(others[0, LIKENESS], abs=1e-12)


@given(CENTS)
def test_a_batch_is_its_portfolios_one_by_one(pnl: Float64) -> None:
    gather = CpuGather(pnl, likeness(pnl, "pearson"))
    rng = np.random.default_rng(len(pnl))
    sets = np.array([rng.permutation(len(pnl))[:2] for _ in range(5)], np.int32)
    series, sums = gather(sets)
    for i in range(5):
        alone = gather(sets[i : i + 1])
        assert alone[0].tobytes() == series[i : i + 1].tobytes()
        assert alone[1].tobytes() == sums[i : i + 1].tobytes()


def test_no_portfolio_is_none() -> None:
    pnl = PANELS["plain"]
    series, sums = CpuGather(pnl, likeness(pnl, "pearson"))(np.empty((0, 10), np.int32))
    assert series.shape == (0, 82)
    assert sums.shape == (0, COLUMNS)


def test_the_columns_are_as_many_as_the_kernel_has() -> None:
    assert kernels().COLUMNS == COLUMNS
