"""Worlds are what they say: same seed same world, with the edge, tails and likeness asked for."""

import numpy as np
import pytest

from liveopt.optimize.gate_study.worlds import (
    COUNT,
    EAGER,
    SAMPLES_MIN,
    SQUARES,
    T_LEAST,
    TOTAL,
    Array,
    Luck,
    World,
    weave,
)
from liveopt.promotion.terms import MANY, WORLDS_OF_MANY

CALM = World(variants=40, bars=5_000, seed=3, df=0.0, rho=0.4)
"""A normal law: figures come near what they should be quickly."""


def differences(world: World) -> Array:
    luck = Luck(world)
    return np.concatenate([luck.look().differences for _ in range(100)])


def changed(world: World, **fields: float) -> World:
    return World(**{name: getattr(world, name) for name in World.__struct_fields__} | fields)


def test_a_world_replays_and_each_run_and_kind_has_its_own_luck() -> None:
    one = differences(CALM)
    assert np.array_equal(one, differences(CALM))
    for other in (changed(CALM, run=1), changed(CALM, kind=1), changed(CALM, seed=4)):
        assert not np.array_equal(one, differences(other))
        assert other.terms().seed != CALM.terms().seed


def test_a_season_lasts_as_long_as_the_world_and_many_variants_have_fewer_worlds() -> None:
    assert CALM.terms().season == 500
    assert CALM.terms().worlds == 999
    assert changed(CALM, variants=MANY).terms().worlds == WORLDS_OF_MANY


@pytest.mark.parametrize("df", [0.0, 3.0])
def test_a_signal_bar_has_variance_one_and_mean_nought(df: float) -> None:
    luck = Luck(changed(CALM, df=df))
    for _ in range(100):
        luck.look()
    count, total, squares = luck.known[COUNT], luck.known[TOTAL], luck.known[SQUARES]
    assert (count == 5_000).all()
    assert squares.sum() / count.sum() == pytest.approx(1.0, abs=0.03 if df == 0.0 else 0.35)
    assert abs(total.sum() / count.sum()) < 0.05


def test_variants_are_as_alike_as_asked() -> None:
    found: Array = np.asarray(np.corrcoef(differences(CALM).T))
    off = (found.sum() - len(found)) / (len(found) * (len(found) - 1))
    assert off == pytest.approx(0.4, abs=0.06)


def test_an_edge_is_the_mean_of_the_first_ones_alone() -> None:
    gain = differences(changed(CALM, true=2, edge=0.5)) - differences(CALM)
    assert np.allclose(gain[:, :2], 5.0)
    assert not gain[:, 2:].any()


def test_a_crash_world_gains_a_little_and_seldom_loses_much() -> None:
    luck = Luck(changed(CALM, crash=0.02, bars=50))
    noise = np.random.default_rng(1).standard_normal((20_000, 1)).astype(np.float32)
    law = luck._law.copy()
    law[0] = 0.0
    out = np.zeros((20_000, 1))
    weave(noise, np.stack([np.zeros(20_000), np.ones(20_000)]), law, np.zeros((6, 1)), out)
    values, counts = np.unique(out, return_counts=True)
    assert values == pytest.approx([-7.0, 1.0 / 7.0])
    assert counts[0] / 20_000 == pytest.approx(0.02, abs=0.004)
    assert abs(out.mean()) < 0.03
    assert out.var() == pytest.approx(1.0, abs=0.2)


def test_a_bar_is_as_like_the_one_before_as_asked() -> None:
    noise = np.random.default_rng(1).standard_normal((20_000, 1)).astype(np.float32)
    law = np.array([0.0, -np.inf, 0.0, 0.3, T_LEAST * T_LEAST])
    out = np.zeros((20_000, 1))
    weave(noise, np.stack([np.zeros(20_000), np.ones(20_000)]), law, np.zeros((6, 1)), out)
    assert np.corrcoef(out[1:, 0], out[:-1, 0])[0, 1] == pytest.approx(0.3, abs=0.03)
    assert out.var() == pytest.approx(1.0, abs=0.05)


def test_heavy_tails_cluster_and_come_together() -> None:
    found = differences(changed(CALM, df=3.0, rho=0.0))
    size = np.abs(found).mean(axis=1)
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.2
    assert (found**4).mean() / (found**2).mean() ** 2 > 4.0


def test_the_eager_test_passes_where_t_was_high_at_any_bar() -> None:
    noise = np.random.default_rng(5).standard_normal((400, 60)).astype(np.float32)
    known = np.zeros((6, 60))
    law = np.array([0.0, -np.inf, 0.0, 0.0, T_LEAST * T_LEAST])
    shared = np.stack([np.zeros(400), np.ones(400)])
    weave(noise, shared, law, known, np.zeros((40, 60)))
    bars = noise.astype(np.float64)
    t = [
        bars[:n].mean(axis=0) / bars[:n].std(axis=0, ddof=1) * np.sqrt(n)
        for n in range(SAMPLES_MIN, 401)
    ]
    expected = (np.array(t) > T_LEAST).any(axis=0)
    assert 0 < expected.sum() < 60
    assert np.array_equal(known[EAGER] == 1.0, expected)


@pytest.mark.parametrize("law", [(0.4, -np.inf, 0.0, 0.0), (0.4, -1.0, 0.2, 0.0), (0.4, 0, 0, 0.3)])
def test_what_is_compiled_is_what_is_written(law: tuple[float, ...]) -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((60, 3), np.float32)
    shared, terms = rng.standard_normal((2, 60)), np.array([*law, T_LEAST * T_LEAST])
    one, other = (np.zeros((6, 3)), np.zeros((6, 3))), (np.zeros((6, 3)), np.zeros((6, 3)))
    for known, _ in (one, other):
        known[0, 0] = 0.5
    weave(noise, shared, terms, *one)
    weave.py_func(noise.astype(np.float64), shared, terms, *other)
    for a, b in zip(one, other, strict=True):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-12)
