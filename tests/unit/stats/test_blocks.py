"""Block lengths against those of arch, and against what dependence asks for."""

import numpy as np
import numpy.typing as npt
import pytest
from arch.bootstrap import optimal_block_length

from liveopt.stats.blocks import block_length


def dependent(n: int, keep: float, series: int = 6) -> npt.NDArray[np.float64]:
    values = np.random.default_rng(n).normal(size=(n, series))
    for i in range(1, n):
        values[i] += keep * values[i - 1]
    return values


@pytest.mark.parametrize("n", [20, 57, 200, 1_000])
@pytest.mark.parametrize("keep", [-0.4, 0.0, 0.3, 0.9])
def test_block_lengths_are_those_of_arch(n: int, keep: float) -> None:
    values = dependent(n, keep)
    theirs, ours = optimal_block_length(values), block_length(values)
    np.testing.assert_allclose(ours.stationary, theirs["stationary"], rtol=1e-9)
    np.testing.assert_allclose(ours.circular, theirs["circular"], rtol=1e-9)


def test_more_dependence_asks_for_longer_blocks() -> None:
    lengths = [block_length(dependent(2_000, keep)).stationary.mean() for keep in (0.0, 0.3, 0.8)]
    assert lengths[0] < 0.5 * lengths[1] < 0.5 * lengths[2]


def test_the_blocks_of_the_circular_bootstrap_are_longer_by_a_root() -> None:
    found = block_length(dependent(500, 0.5))
    np.testing.assert_allclose(found.circular / found.stationary, 1.5 ** (1.0 / 3.0), rtol=1e-12)


def test_blocks_know_no_unit_and_no_level() -> None:
    values = dependent(300, 0.5)
    np.testing.assert_allclose(
        block_length(5.0 - 1e6 * values).stationary, block_length(values).stationary, rtol=1e-6
    )


def test_no_block_is_longer_than_a_third_or_three_roots() -> None:
    """Differences of noise have a long-run variance of almost nothing: many reach the bound."""
    for n, longest in ((20, 7.0), (400, 60.0)):
        values = np.diff(np.random.default_rng(1).normal(size=(n + 1, 8)), axis=0)
        assert block_length(values).stationary.max() == longest
        assert block_length(values).circular.max() == longest


def test_block_lengths_of_little_or_of_a_constant_are_undefined() -> None:
    assert np.isnan(block_length(np.ones((50, 1))).stationary).all()
    assert np.isnan(block_length(np.arange(7.0)[:, None]).circular).all()
    assert np.isfinite(block_length(dependent(8, 0.5)).stationary).all()
