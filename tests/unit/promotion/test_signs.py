"""The random signs: those of Philox, from key and bar alone, even, and others for another key."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.promotion.signs import signs

WORD = 2**64 - 1
keys = st.tuples(st.integers(0, WORD), st.integers(0, 1_000))


def philox(counter: int, key: tuple[int, int]) -> list[int]:
    """Four words of Philox4x64-10, from Salmon et al. (2011)."""
    words = [(counter >> (64 * n)) & WORD for n in range(4)]
    first, second = key
    for _ in range(10):
        low, high = words[0] * 0xD2E7470EE14C6C93, words[2] * 0xCA5A826395121157
        words = [
            (high >> 64) ^ words[1] ^ first, high & WORD,
            (low >> 64) ^ words[3] ^ second, low & WORD,
        ]  # fmt: skip
        first, second = (first + 0x9E3779B97F4A7C15) & WORD, (second + 0xBB67AE8584CAA73B) & WORD
    return words


@given(keys, st.integers(0, 600))
def test_they_are_the_bits_of_philox(key: tuple[int, int], bar: int) -> None:
    words = [w for block in (1, 2) for w in philox((bar << 192) + block, key)]
    bits = [word >> n & 1 for word in words for n in range(64)][:500]
    assert signs(key, bar, 1, 500)[0].tolist() == [2.0 * bit - 1.0 for bit in bits]


@given(keys, st.integers(0, 600), st.integers(0, 12), st.integers(0, 12), st.integers(1, 200))
def test_any_cut_of_the_bars_gives_the_same_rows(
    key: tuple[int, int], first: int, before: int, after: int, worlds: int
) -> None:
    whole = signs(key, first, before + after, worlds)
    parts = signs(key, first, before, worlds), signs(key, first + before, after, worlds)
    assert np.array_equal(whole, np.vstack(parts))


@given(keys, st.integers(1, 300), st.integers(0, 300))
def test_more_worlds_leave_the_first_ones_as_they_are(
    key: tuple[int, int], few: int, more: int
) -> None:
    assert np.array_equal(signs(key, 3, 2, few + more)[:, :few], signs(key, 3, 2, few))


@pytest.mark.parametrize("worlds", [1, 63, 64, 65, 999])
def test_every_sign_is_plus_or_minus_one(worlds: int) -> None:
    found = signs((7, 1), 0, 20, worlds)
    assert found.shape == (20, worlds)
    assert found.dtype == np.float32
    assert set(np.unique(found)) <= {-1.0, 1.0}


def test_they_are_even_in_every_bar_and_every_world() -> None:
    found = signs((7, 1), 0, 512, 999).astype(np.float64)
    assert abs(found.sum()) < 5.0 * np.sqrt(found.size)
    assert np.abs(found.sum(axis=1)).max() < 5.0 * np.sqrt(999)
    assert np.abs(found.sum(axis=0)).max() < 5.0 * np.sqrt(512)


def test_no_bar_and_no_world_is_like_another() -> None:
    found = signs((7, 1), 0, 512, 512).astype(np.float64)
    for products in (found @ found.T, found.T @ found):
        assert np.abs(products - 512.0 * np.eye(512)).max() < 6.0 * np.sqrt(512)


@pytest.mark.parametrize("other", [(8, 1), (7, 2), (1, 7)])
def test_another_seed_or_epoch_has_signs_of_its_own(other: tuple[int, int]) -> None:
    alike = float((signs((7, 1), 0, 100, 999) * signs(other, 0, 100, 999)).sum())
    assert abs(alike) < 5.0 * np.sqrt(99_900)
