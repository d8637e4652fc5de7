"""One world, every gate: who sees an edge, who lets chance through, and that it replays."""

from math import inf, isfinite

import pytest

from liveopt.optimize.gate_study.trial import trial
from liveopt.optimize.gate_study.worlds import World

PLAIN = World(variants=20, bars=1_000, seed=5, true=2, edge=0.3)


def test_a_large_edge_is_found_by_everybody_and_the_oracle_says_so_at_the_end() -> None:
    found = trial(PLAIN, stepm=True).found
    assert set(found) == {"gate", "naive", "eager", "bonferroni", "stepm", "oracle"}
    for bars in found.values():
        assert len(bars) == 2
        assert all(isfinite(bar) and bar % 50 == 0 for bar in bars)
    assert found["oracle"] == [1_000.0, 1_000.0]
    assert found["eager"] <= found["naive"] <= found["bonferroni"]


def test_a_loss_is_found_by_nobody() -> None:
    found = trial(World(variants=20, bars=1_000, seed=5, true=1, edge=-0.3), stepm=True).found
    assert all(bars == [inf] for bars in found.values())


def test_a_trial_replays_and_stepm_changes_nothing_for_the_others() -> None:
    one, other = trial(PLAIN, stepm=True), trial(PLAIN, stepm=True)
    assert one == other
    without = trial(PLAIN, stepm=False)
    assert "stepm" not in without.found
    assert {g: b for g, b in one.found.items() if g != "stepm"} == without.found


def test_whoever_is_let_through_without_an_edge_is_told_with_the_track() -> None:
    worlds = [World(variants=20, bars=2_000, seed=3, run=run) for run in range(60)]
    runs = [trial(world, stepm=False) for world in worlds]
    wrong = [one for one in runs if isfinite(one.false["gate"])]
    assert 0 < len(wrong) <= 9  # of 60 at 5 %: more has a chance of 1 in 1,000
    assert all((one.false_track != "") == isfinite(one.false["gate"]) for one in runs)
    assert all("oracle" not in one.false for one in runs)


@pytest.mark.parametrize("turnover", [0.0, 0.1, 0.25])
def test_replaced_variants_are_counted_and_those_with_an_edge_stay(turnover: float) -> None:
    world = World(variants=20, bars=1_000, seed=5, true=2, edge=0.3, turnover=turnover)
    found = trial(world, stepm=False)
    assert found.admitted == 20 + 4 * round(20 * turnover)
    assert all(map(isfinite, found.found["gate"]))
    assert all(map(isfinite, found.found["oracle"]))
