"""A champion's life: promoted for its edge, kept while it has it, demoted when it has turned."""

from math import inf, isfinite

from liveopt.optimize.gate_study.life import AFTER, Life, life, reign
from liveopt.optimize.gate_study.worlds import Luck, World
from liveopt.promotion.watch import Watch

WORLD = World(variants=10, bars=1_000, seed=2, true=1, edge=0.3)


def test_an_edge_is_promoted_kept_and_demoted_once_it_has_turned() -> None:
    found = life(WORLD)
    assert found.true
    assert 200.0 <= found.promoted <= 1_000.0
    assert found.false_demotion == found.false_warning == found.rival == inf
    assert found.warning <= found.demotion <= AFTER
    assert found == life(WORLD)


def test_without_an_edge_there_is_usually_no_promotion_and_one_by_chance_is_told() -> None:
    lives = [life(World(variants=10, bars=2_000, seed=3, run=run)) for run in range(60)]
    chance = [one for one in lives if isfinite(one.promoted)]
    assert 0 < len(chance) <= 9
    assert all(one == Life(one.promoted) for one in chance)
    assert lives.count(Life(inf)) == 60 - len(chance)


def test_a_champion_that_is_the_worse_from_the_start_is_demoted_and_outdone() -> None:
    luck = Luck(World(variants=10, bars=5_000, seed=2, true=1, edge=-0.2))
    found = Life(100.0, True)
    reign(luck, 0, Watch("predecessor", 10.0**0.5, 0.2), found)
    assert found.false_warning <= found.false_demotion < 5_000.0
    assert found.rival < 5_000.0
    assert found.demotion == inf
