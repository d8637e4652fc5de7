"""The probability of overfitting by hand, by its definition, and where it is known."""

import math
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from liveopt.stats.pbo import pbo

Array = npt.NDArray[np.float64]


def sharpe(values: Array) -> Array:
    found: Array = values.mean(axis=0) / values.std(axis=0)
    return found


def by_definition(values: Array, blocks: int) -> list[float]:
    """The logits of Bailey et al., split by split, no sums shared."""
    size = len(values) // blocks
    cut = values[len(values) - size * blocks :].reshape(blocks, size, -1)
    logits = []
    for inside in combinations(range(blocks), blocks // 2):
        outside = [b for b in range(blocks) if b not in inside]
        learned = sharpe(np.concatenate([cut[b] for b in inside]))
        tried = sharpe(np.concatenate([cut[b] for b in outside]))
        rank = 1 + (tried < tried[learned.argmax()]).sum()
        share = rank / (values.shape[1] + 1)
        logits.append(math.log(share / (1.0 - share)))
    return logits


@pytest.mark.parametrize(("n", "blocks"), [(48, 4), (50, 6), (81, 8), (24, 2)])
def test_logits_are_those_of_the_definition(n: int, blocks: int) -> None:
    values = np.random.default_rng(n).normal(size=(n, 7))
    found, expected = pbo(values, blocks), by_definition(values, blocks)
    np.testing.assert_allclose(found.logits, expected, rtol=1e-12, atol=1e-12)
    assert found.probability == np.mean(np.array(expected) <= 0.0)


def test_two_series_that_take_turns_are_overfit_wherever_one_is_chosen() -> None:
    """A wins the first half and loses the second, B the other way: the winner is always last."""
    win, lose = [1.0, 3.0], [-1.0, -3.0]
    found = pbo(np.array([win + lose, lose + win]).T, 2)
    assert found.probability == 1.0
    np.testing.assert_allclose(found.logits, [math.log(0.5), math.log(0.5)])  # rank 1 of 2: 1/3


def test_what_is_truly_better_is_not_overfit() -> None:
    values = np.random.default_rng(1).normal(size=(400, 20))
    values[:, 3] += 1.0
    found = pbo(values, 8)
    assert found.probability == 0.0
    np.testing.assert_allclose(found.logits, math.log(20.0))


def test_the_best_of_noise_is_a_loser_half_of_the_times() -> None:
    found = [
        pbo(np.random.default_rng(seed).normal(size=(160, 50)), 8).probability
        for seed in range(60)
    ]  # fmt: skip
    assert np.mean(found) == pytest.approx(0.5, abs=4.0 * float(np.std(found)) / math.sqrt(60))


def test_units_and_the_order_of_the_series_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(60, 9))
    expected = pbo(values, 6).logits
    np.testing.assert_array_equal(pbo(values * 2.0 ** rng.integers(-9, 9, 9), 6).logits, expected)
    np.testing.assert_array_equal(pbo(values[:, ::-1], 6).logits, expected)


def test_many_splits_are_taken_in_parts() -> None:
    values = np.random.default_rng(4).normal(size=(36, 5))
    found = pbo(values, 12)
    assert len(found.logits) == math.comb(12, 6)
    np.testing.assert_allclose(found.logits, by_definition(values, 12), rtol=1e-12, atol=1e-12)


def test_the_oldest_rows_that_fill_no_block_are_left_out() -> None:
    values = np.random.default_rng(5).normal(size=(43, 5))
    np.testing.assert_array_equal(pbo(values, 4).logits, pbo(values[3:], 4).logits)


def test_equals_share_their_rank_and_what_stands_still_scores_nought() -> None:
    still = np.zeros((8, 3))
    np.testing.assert_allclose(pbo(still, 2).logits, [0.0, 0.0])  # mean rank 2 of 3: a half
    moving = np.array([[1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0]]).T
    found = pbo(np.hstack([still, moving]), 2)
    np.testing.assert_allclose(found.logits, math.log(4.0))


def test_what_cannot_be_split_is_undefined() -> None:
    rng = np.random.default_rng(6)
    for values in (rng.normal(size=(40, 1)), rng.normal(size=(2, 5)), np.full((40, 5), math.nan)):
        found = pbo(values, 2)
        assert math.isnan(found.probability)
        assert not len(found.logits)


@pytest.mark.parametrize("blocks", [0, 1, 5, -2])
def test_an_odd_number_of_blocks_is_refused(blocks: int) -> None:
    with pytest.raises(ValueError, match="even"):
        pbo(np.zeros((40, 5)), blocks)
