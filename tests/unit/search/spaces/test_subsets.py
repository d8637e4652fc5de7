"""Sets stay sets, whatever is done to them."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.search.space import BadSpace
from liveopt.search.spaces.subsets import Sets, Subsets

sizes = st.sampled_from([(1, 1), (5, 5), (6, 5), (12, 3), (40, 35), (300, 8), (100_000, 35)])
seeds = st.integers(0, 2**32 - 1)


def are_sets(found: Sets, space: Subsets) -> bool:
    inside = found.min() >= 0 and found.max() < space.count
    return bool(inside and (np.diff(found, axis=1) > 0).all() and found.shape[1] == space.members)


@settings(max_examples=60, deadline=None)
@given(sizes, seeds)
def test_every_operator_gives_sets(size: tuple[int, int], seed: int) -> None:
    space, rng = Subsets(*size), np.random.default_rng(seed)
    a, b, c = (space.sample(20, rng) for _ in range(3))
    weight = rng.random((20, space.width))
    for found in (
        a,
        space.mutate(a, 0.2, 0.0, rng),
        space.step(a, rng.integers(space.width, size=20), np.zeros(20), rng),
        space.cross(a, b, rng),
        space.mix([(a, 1.0 - weight), (b, weight), (c, -weight)], rng),
        space.build((a, np.linspace(1.0, 0.1, 20)), 0.85, 30, rng),
    ):
        assert are_sets(found, space)


@settings(max_examples=60, deadline=None)
@given(sizes, seeds)
def test_a_mutation_replaces_one_at_least_and_by_strangers(
    size: tuple[int, int], seed: int
) -> None:
    space, rng = Subsets(*size), np.random.default_rng(seed)
    old = space.sample(20, rng)
    new = space.mutate(old, 0.0, 0.0, rng)
    common = [len(set(x) & set(y)) for x, y in zip(old.tolist(), new.tolist(), strict=True)]
    most = space.members if space.members == space.count else space.members - 1
    assert common == [most] * 20


def test_sets_are_drawn_evenly() -> None:
    rng = np.random.default_rng(1)
    drawn = Counter(map(tuple, Subsets(6, 3).sample(20_000, rng).tolist()))
    assert len(drawn) == 20
    assert max(drawn.values()) / min(drawn.values()) < 1.3
    members = np.bincount(Subsets(500, 5).sample(20_000, rng).ravel(), minlength=500)
    assert members.min() > 130  # of 200 on average, deviation 14
    assert members.max() < 270


def test_a_child_has_what_both_have_and_only_what_either_has() -> None:
    space, rng = Subsets(50, 10), np.random.default_rng(1)
    a, b = space.sample(200, rng), space.sample(200, rng)
    for x, y, z in zip(a.tolist(), b.tolist(), space.cross(a, b, rng).tolist(), strict=True):
        assert set(x) & set(y) <= set(z) <= set(x) | set(y)


def test_a_sum_keeps_the_members_with_the_most_weight() -> None:
    space = Subsets(1000, 3)
    a, b, c = (np.array([row] * 500) for row in ([1, 2, 3], [3, 4, 5], [1, 4, 9]))
    rng = np.random.default_rng(1)
    found = space.mix([(a, np.array(1.0)), (b, np.array(0.8)), (c, np.array(-0.5))], rng)
    # 3 has 1.8, 2 has 1.0, 5 has .8, 1 has .5, 4 has .3: but for a stranger now and then
    assert (found == [2, 3, 5]).all(axis=1).mean() > 0.5
    strangers = (~np.isin(found, [1, 2, 3, 4, 5, 9])).sum() / 500
    assert 0.4 < strangers < 0.6


def test_ants_follow_the_trail_and_what_is_known() -> None:
    rng = np.random.default_rng(1)
    trail = np.array([[0, 1, 2]])
    laid = Subsets(1000, 3).build((trail, np.ones(1)), 0.5, 2000, rng)
    assert np.isin(laid, trail).mean() > 0.5
    merit = np.where(np.arange(1000) < 500, 3.0, 1.0)
    free = Subsets(1000, 3, merit).build((trail, np.ones(1)), 1e6, 2000, rng)
    assert (free < 500).mean() == pytest.approx(0.7, abs=0.02)  # half 9 to 1, half 1 to 1


def test_gaps_are_the_share_of_members_that_differ() -> None:
    space, rng = Subsets(60, 10), np.random.default_rng(1)
    a, b = space.sample(9, rng), space.sample(7, rng)
    found = space.gaps(a, b)
    wanted = [[1.0 - len(set(x) & set(y)) / 10 for y in b.tolist()] for x in a.tolist()]
    np.testing.assert_allclose(found[0], wanted, atol=1e-12)


def test_gaps_also_see_what_sets_are_worth_by_merit() -> None:
    merit = np.linspace(1.0, 2.0, 500)
    space = Subsets(500, 5, merit)
    low, middle, high = np.arange(5), np.arange(248, 253), np.arange(495, 500)
    found = space.gaps(low[None].astype(np.int32), np.array([low, middle, high], np.int32))
    assert found.shape == (2, 1, 3)
    assert found[1, 0, 0] == 0.0 < found[1, 0, 1] < found[1, 0, 2] <= 1.0


@pytest.mark.parametrize("size", [(20, 5), (2000, 5)])
def test_strangers_come_by_merit_and_half_of_them_evenly(size: tuple[int, int]) -> None:
    count, members = size
    rng = np.random.default_rng(1)
    merit = np.where(np.arange(count) < count // 2, 3.0, 1.0)
    space = Subsets(count, members, merit, belief=1.0)
    old = space.sample(4000, rng)
    cells = rng.integers(members, size=4000)
    fresh = [
        (set(y) - set(x)).pop()
        for x, y in zip(
            old.tolist(), space.step(old, cells, np.zeros(4000), rng).tolist(), strict=True
        )
    ]
    good = float((np.array(fresh) < count // 2).mean())
    assert good == pytest.approx(0.625, abs=0.03)  # half 3 to 1, half 1 to 1


def test_likely_sets_are_sets_of_more_merit() -> None:
    rng = np.random.default_rng(1)
    for count in (20, 2000):
        merit = np.where(np.arange(count) < count // 2, 9.0, 1.0)
        space = Subsets(count, 5, merit)
        assert are_sets(space.likely(300, rng), space)
        assert (space.likely(300, rng) < count // 2).mean() > 0.6
        assert (space.sample(300, rng) < count // 2).mean() == pytest.approx(0.5, abs=0.05)


def test_other_merits_are_another_space() -> None:
    marks = {Subsets(9, 3, merit).mark for merit in (None, np.ones(9), np.arange(1.0, 10.0))}
    assert len(marks) == 3


def test_keys_are_sets() -> None:
    space = Subsets(100_000, 35)
    found = space.sample(50, np.random.default_rng(1))
    np.testing.assert_array_equal(space.decode(space.encode(found)), found)


def test_the_size_is_the_number_of_sets_where_a_float_holds_it() -> None:
    assert Subsets(10, 3).size == 120.0
    assert math.isfinite(Subsets(1000, 100).size)
    assert math.isinf(Subsets(100_000, 100).size)


def test_given_sets_are_put_in_order_or_refused() -> None:
    space = Subsets(10, 3)
    assert space.locate(np.array([[7, 1, 4]])).tolist() == [[1, 4, 7]]
    for wrong in ([[1, 1, 2]], [[1, 2]], [[1, 2, 10]], [[-1, 2, 3]]):
        with pytest.raises(BadSpace):
            space.locate(np.array(wrong))


@pytest.mark.parametrize(("count", "members"), [(3, 4), (0, 0), (5, 0), (100_001, 3)])
def test_a_set_that_cannot_be_is_refused(count: int, members: int) -> None:
    with pytest.raises(BadSpace):
        Subsets(count, members)


def test_merits_are_positive_and_one_for_each() -> None:
    for wrong in (np.ones(4), np.zeros(5)):
        with pytest.raises(BadSpace):
            Subsets(5, 2, wrong)


@settings(max_examples=40, deadline=None)
@given(sizes, seeds)
def test_a_step_puts_a_stranger_in_the_place_of_one_member(
    size: tuple[int, int], seed: int
) -> None:
    space, rng = Subsets(*size), np.random.default_rng(seed)
    old = space.sample(10, rng)
    cells = rng.integers(space.width, size=10)
    new = space.step(old, cells, np.zeros(10), rng)
    for before, after, cell in zip(old, new, cells, strict=True):
        gone = set(before) - set(after)
        assert gone == (set() if space.members == space.count else {before[cell]})
