"""Bounds, rules and operators of the parameter space, as truths about whatever is drawn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.search.space import BadSpace
from liveopt.search.spaces.coordinates import Coordinate, Number, Rule, Shares, Word, ascending
from liveopt.search.spaces.parameters import Parameters, grid_places

MIXED: dict[str, Coordinate] = {
    "fast": Number(2.0, 50.0, 1.0),
    "slow": Number(5.0, 200.0, 1.0, log=True),
    "stop": Number(0.01, 0.2),
    "share": Number(0.001, 1.0, log=True),
    "tick": Number(-0.5, 0.55, 0.1),
    "kind": Word(("ema", "sma", "wma")),
    "weights": Shares(("a", "b", "c")),
}
RULE = ascending("fast", "slow")
seeds = st.integers(0, 2**32 - 1)


def places(space: Parameters, seed: int, count: int = 40) -> np.ndarray:
    """Anywhere, also on the bounds and beyond them."""
    rng = np.random.default_rng(seed)
    found = rng.random((count, space.width))
    edges = rng.choice([-0.5, 0.0, 1.0, 1.5], found.shape)
    return np.where(rng.random(found.shape) < 0.2, edges, found)


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_whatever_the_place_the_candidate_is_within_bounds_and_rule(seed: int) -> None:
    space = Parameters(MIXED, RULE)
    found = space.settle(places(space, seed))
    assert space.allowed(found).all()
    assert (found >= space.table.low).all()
    assert (found <= space.table.high).all()
    columns = space.columns(found)
    assert (columns["fast"] == np.round(columns["fast"])).all()
    np.testing.assert_allclose(columns["tick"] * 10.0 + 5.0, np.round(columns["tick"] * 10.0 + 5.0))
    np.testing.assert_allclose(columns["a"] + columns["b"] + columns["c"], 1.0, rtol=1e-12)


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_a_candidate_is_where_it_is_located(seed: int) -> None:
    space = Parameters(MIXED, RULE)
    found = space.settle(places(space, seed))
    np.testing.assert_allclose(space.settle(space.locate(found)), found, rtol=1e-9, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_keys_are_candidates(seed: int) -> None:
    space = Parameters(MIXED, RULE)
    found = space.settle(places(space, seed))
    keys = space.encode(found)
    np.testing.assert_array_equal(space.decode(keys), found)
    for i in range(len(keys)):
        for j in range(i):
            assert (keys[i] == keys[j]) == bool((found[i] == found[j]).all())


@settings(max_examples=50, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([1e-9, 0.1, 3.0]))
def test_a_mutation_stays_in_the_cube_and_changes_something(
    seed: int, share: float, scale: float
) -> None:
    space = Parameters({n: c for n, c in MIXED.items() if n != "weights"})
    rng = np.random.default_rng(seed)
    old = space.sample(50, rng)
    new = space.mutate(old, share, scale, rng)
    assert ((new >= 0.0) & (new <= 1.0)).all()
    changed = (new != old).sum(axis=1)
    assert (changed >= 1).all()
    assert share > 0.0 or (changed == 1).all()


def test_a_mutation_of_levels_and_words_gives_another_candidate() -> None:
    space = Parameters({"n": Number(0.0, 5.0, 1.0), "w": Word(("a", "b", "c"))})
    rng = np.random.default_rng(1)
    old = space.sample(500, rng)
    assert (space.settle(space.mutate(old, 0.1, 1e-6, rng)) != space.settle(old)).any(axis=1).all()


@settings(max_examples=50, deadline=None)
@given(seeds, st.sampled_from([1e-9, 0.1, 3.0]))
def test_a_step_changes_its_cell_alone_and_stays_in_the_cube(seed: int, size: float) -> None:
    space, rng = Parameters(MIXED), np.random.default_rng(seed)
    old = space.sample(40, rng)
    cells = rng.integers(space.width, size=40)
    new = space.step(old, cells, size * rng.choice([-1.0, 1.0], 40), rng)
    assert ((new >= 0.0) & (new <= 1.0)).all()
    others = np.arange(space.width) != cells[:, None]
    np.testing.assert_array_equal(new[others], old[others])


def test_a_step_goes_its_size_its_way_and_one_level_at_least() -> None:
    space = Parameters(
        {
            "x": Number(0.0, 1.0),
            "n": Number(0.0, 9.0, 1.0),
            "w": Word(("a", "b")),
            "c": Word(("a",)),
        }
    )
    rng = np.random.default_rng(1)
    old = np.tile([0.5, 0.55, 0.25, 0.5], (6, 1))
    cells, sizes = np.array([0, 0, 1, 1, 2, 3]), np.array([0.2, -0.2, 1e-6, -0.3, 0.1, 0.1])
    found = space.settle(space.step(old, cells, sizes, rng))
    wanted = np.tile([0.5, 5.0, 0.0, 0.0], (6, 1))
    wanted[[0, 1, 2, 3, 4], [0, 0, 1, 1, 2]] = 0.7, 0.3, 6.0, 2.0, 1.0
    np.testing.assert_allclose(found, wanted)


def test_small_mutations_stay_near_and_each_row_has_its_own_scale() -> None:
    space = Parameters({f"x{i}": Number(0.0, 1.0) for i in range(4)})
    rng = np.random.default_rng(1)
    old = np.full((4000, 4), 0.5)
    scale = np.where(np.arange(4000) < 2000, 1e-3, 1e-2)
    step = np.abs(space.mutate(old, 1.0, scale, rng) - old)
    assert step[:2000].mean() == pytest.approx(1e-3, rel=0.05)  # of a Laplace law: its scale
    assert step[2000:].mean() == pytest.approx(1e-2, rel=0.05)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_children_and_sums_stay_in_the_cube(seed: int) -> None:
    space = Parameters(MIXED)
    rng = np.random.default_rng(seed)
    a, b, c = (space.sample(30, rng) for _ in range(3))
    far = space.mix([(a, np.ones(1)), (b, np.array(3.0)), (c, np.array(-3.0))], rng)
    for found in (space.cross(a, b, rng), far):
        assert ((found >= 0.0) & (found <= 1.0)).all()


def test_a_sum_of_numbers_is_a_sum_and_beyond_a_bound_it_is_halfway_there() -> None:
    space = Parameters({"x": Number(0.0, 1.0), "y": Number(0.0, 1.0)})
    rng = np.random.default_rng(1)
    base, other = np.array([[0.4, 0.8]]), np.array([[0.6, 0.1]])
    np.testing.assert_allclose(
        space.mix([(base, np.array(0.5)), (other, np.array(0.5))], rng), [[0.5, 0.45]]
    )
    np.testing.assert_allclose(
        space.mix([(base, np.array(1.0)), (base, np.array(2.0))], rng), [[0.7, 0.9]]
    )


def test_words_are_elected_by_weight() -> None:
    space = Parameters({"w": Word(("a", "b", "c"))})
    rng = np.random.default_rng(1)
    a, b, c = (np.full((2000, 1), (i + 0.5) / 3.0) for i in range(3))
    won = space.mix([(a, np.array(1.0)), (b, np.array(0.6)), (b, np.array(0.6))], rng)
    shares = np.bincount(space.settle(won)[:, 0].astype(int), minlength=3) / 2000
    assert shares[1] > 0.9
    assert shares.min() > 0.0, "now and then chance decides"
    tied = space.mix([(a, np.array(1.0)), (c, np.array(1.0))], rng)
    shares = np.bincount(space.settle(tied)[:, 0].astype(int), minlength=3) / 2000
    assert 0.4 < shares[0] < 0.6


def test_ants_follow_the_trail() -> None:
    space = Parameters({"x": Number(0.0, 1.0), "w": Word(("a", "b"))})
    rng = np.random.default_rng(1)
    trail = np.array([[0.2, 0.25], [0.21, 0.25], [0.9, 0.75]])
    ants = space.build((trail, np.array([0.5, 0.5, 0.0])), 0.1, 4000, rng)
    assert np.abs(np.median(ants[:, 0]) - 0.205) < 0.01
    assert (space.settle(ants)[:, 1] == 0.0).mean() > 0.9


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_gaps_are_squared_distances(seed: int) -> None:
    space = Parameters(MIXED)
    rng = np.random.default_rng(seed)
    a, b = space.sample(7, rng), space.sample(5, rng)
    found = space.gaps(a, b)
    assert found.shape == (space.width, 7, 5)
    assert ((found >= 0.0) & (found <= 1.0)).all()
    np.testing.assert_array_equal(found, space.gaps(b, a).transpose(0, 2, 1))
    assert (np.diagonal(space.gaps(a, a), axis1=1, axis2=2) == 0.0).all()


def test_numbers_are_drawn_evenly_over_their_values() -> None:
    space = Parameters({"n": Number(1.0, 4.0, 1.0), "s": Number(0.01, 1.0, log=True)})
    found = space.settle(space.sample(40_000, np.random.default_rng(1)))
    shares = np.bincount(found[:, 0].astype(int))[1:] / 40_000
    np.testing.assert_allclose(shares, 0.25, atol=0.01)
    assert (found[:, 1] < 0.1).mean() == pytest.approx(0.5, abs=0.01)  # a decade is a decade


def test_weights_are_drawn_evenly_on_the_simplex() -> None:
    space = Parameters({"weights": Shares(("a", "b", "c"))})
    found = space.settle(space.sample(40_000, np.random.default_rng(1)))
    np.testing.assert_allclose(found.mean(axis=0), 1.0 / 3.0, atol=0.01)
    for column in found.T:  # the share above one half is (1/2)^2 on a triangle
        assert (column > 0.5).mean() == pytest.approx(0.25, abs=0.01)


def test_a_forbidden_place_is_mended_by_sorting() -> None:
    space = Parameters(
        {"f": Number(1.0, 9.0, 1.0), "s": Number(1.0, 9.0, 1.0)}, ascending("f", "s")
    )
    wrong = space.locate(np.array([[8.0, 2.0], [5.0, 5.0]]))
    found = space.settle(wrong)
    np.testing.assert_array_equal(found[0], [2.0, 8.0])
    assert space.allowed(found).all()


def test_a_rule_without_a_mend_draws_towards_what_is_allowed() -> None:
    rule = Rule(lambda c: c["x"] ** 2 + c["y"] ** 2 < 0.01, "a small disc")
    space = Parameters({"x": Number(-1.0, 1.0), "y": Number(-1.0, 1.0)}, rule)
    rng = np.random.default_rng(1)
    found = space.settle(rng.random((500, 2)))
    assert space.allowed(found).all()
    assert len(np.unique(found, axis=0)) > 400, "neighbours stay different"


def test_a_rule_that_nothing_keeps_is_refused() -> None:
    rule = Rule(lambda c: c["x"] > 2.0, "x > 2")
    with pytest.raises(BadSpace, match="nothing satisfies x > 2"):
        Parameters({"x": Number(0.0, 1.0)}, rule)


def test_the_size_counts_what_the_rule_allows() -> None:
    number = Number(1.0, 10.0, 1.0)
    assert Parameters({"f": number, "s": number}).size == 100.0
    assert Parameters({"f": number, "s": number}, ascending("f", "s")).size == 45.0
    assert math.isinf(Parameters({"x": Number(0.0, 1.0)}).size)


def test_a_lattice_has_as_many_points_as_fit_and_both_ends() -> None:
    space = Parameters({"x": Number(0.0, 1.0), "n": Number(1.0, 100.0, 1.0), "w": Word(("a", "b"))})
    axes = space.lattice(200)
    count = math.prod(len(axis) for axis in axes)
    assert [len(axis) for axis in axes] == [10, 10, 2]
    found = space.settle(grid_places(axes, np.arange(count)))
    assert len(np.unique(found, axis=0)) == count == 200
    assert found.min(axis=0).tolist() == [0.0, 1.0, 0.0]
    assert found.max(axis=0).tolist() == [1.0, 100.0, 1.0]


def test_records_and_candidates_are_the_same_thing() -> None:
    space = Parameters(MIXED, RULE)
    one: dict[str, float | str] = {
        "fast": 12.0,
        "slow": 80.0,
        "stop": 0.05,
        "share": 0.1,
        "tick": 0.2,
        "kind": "sma",
    }
    weights = {"a": 0.5, "b": 0.3, "c": 0.2}
    found = space.record(space.candidates([{**one, **weights}])[0])
    assert found["kind"] == "sma"
    assert found["fast"] == 12.0
    numbers = {n: v for n, v in found.items() if n != "kind"}
    wanted = {n: v for n, v in {**one, **weights}.items() if n != "kind"}
    assert numbers == pytest.approx(wanted)
    with pytest.raises(BadSpace, match="kind is one of ema, sma, wma, not 'hma'"):
        space.candidates([{**one, **weights, "kind": "hma"}])


def test_equal_spaces_have_equal_marks() -> None:
    assert Parameters(MIXED, RULE).mark == Parameters(MIXED, RULE).mark
    assert Parameters(MIXED, RULE).mark != Parameters(MIXED).mark
