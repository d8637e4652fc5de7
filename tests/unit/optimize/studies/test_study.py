"""A study: found, kept, taken up again, judged."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import replace

from liveopt.optimize.studies.crew import Crew, Terms, processes
from liveopt.optimize.studies.plan import Parameter, Plan, Span
from liveopt.optimize.studies.space import space_of
from liveopt.optimize.studies.store import Store
from liveopt.optimize.studies.study import (
    POOL_MOST,
    Cancelled,
    Diverged,
    Heard,
    Pool,
    Study,
    balanced_member,
    beginnings,
)
from liveopt.optimize.studies.verdict import report
from liveopt.strategies import load
from tests.studies import YEAR, candles, crew_of, plan_of, run_of

BARS = candles(1_200, swing=0.01)


def study_of(folder: Path, plan: Plan, name: str = "", crew: Crew | None = None) -> Study:
    store = Store(folder)
    return Study(plan, crew or crew_of(BARS), store, name or store.add(plan, "now"))


class Cut(Exception):
    """What ends a study in the middle."""


@pytest.mark.parametrize("algorithm", ["de", "random", "ga", "tpe"])
@pytest.mark.parametrize("after", [1, 3])
def test_a_study_that_is_taken_up_again_ends_as_if_it_had_not_been_cut(
    tmp_path: Path, algorithm: str, after: int
) -> None:
    terms: dict[str, float] = {"population": 16} if algorithm in ("de", "ga") else {}
    plan = plan_of(algorithm=algorithm, terms=terms, evals=80)
    whole = study_of(tmp_path / "whole", plan)
    wanted = report(whole, whole.run())
    cut = study_of(tmp_path / "cut", plan)
    heard: list[Heard] = []

    def hear(one: Heard) -> None:
        heard.append(one)
        if len(heard) == after:
            raise Cut

    cut.hear = hear
    with suppress(Cut):
        cut.run()
    again = study_of(tmp_path / "cut", plan, cut.name)
    done: list[Heard] = []
    again.hear = done.append
    found = report(again, again.run())
    np.testing.assert_equal(found, wanted)
    assert again.history == whole.history
    assert sum(one.kept for one in done) == min(after, len(heard))  # nothing is done twice


def test_all_budget_is_spent_and_counted(tmp_path: Path) -> None:
    study = study_of(tmp_path, plan_of(evals=121))
    outcomes = study.run()
    assert [one.evaluated for one in outcomes] == [61, 60]
    assert study.tally.count == 121
    assert report(study, outcomes)["best"]["trials"] == 121


def test_processes_find_what_one_finds(tmp_path: Path) -> None:
    alone = study_of(tmp_path / "alone", plan_of())
    run = run_of(BARS)
    terms = Terms(
        "ma_crossover", run.setup.rule, run.setup.instrument, 1e4, run.rows, YEAR, 1 << 28
    )
    crew = Crew(run, crew_of(BARS)._device, 1 << 28, processes(terms, 2), 2)
    many = study_of(tmp_path / "many", plan_of(), crew=crew)
    wanted = report(alone, alone.run())
    found = report(many, many.run())
    crew.close()
    np.testing.assert_equal(found, wanted)


def test_what_a_search_finds_on_the_train_does_not_depend_on_the_test(tmp_path: Path) -> None:
    bars = candles(1_200, swing=0.01)
    for column in (bars.open, bars.high, bars.low, bars.close):
        column[620:] *= 2.0  # the first test begins at bar 600, the first train ends at 580
    one = study_of(tmp_path / "one", plan_of())
    other = study_of(tmp_path / "other", plan_of(), crew=crew_of(bars))
    first, second = one.run()[0], other.run()[0]
    assert first.best.parameters == second.best.parameters
    np.testing.assert_equal(first.best.trained, second.best.trained)
    assert first.best.tested.sums != second.best.tested.sums


def test_a_cancelled_study_ends_and_can_go_on(tmp_path: Path) -> None:
    study = study_of(tmp_path, plan_of())

    def stop(_: Heard) -> None:
        Store(tmp_path).cancel(study.name)

    study.hear = stop
    with pytest.raises(Cancelled):
        study.run()
    store = Store(tmp_path)
    store.finish(study.name, "cancelled")
    assert store.take(study.name) == plan_of()
    again = study_of(tmp_path, plan_of(), study.name)
    assert len(again.run()) == 2


def test_a_study_with_another_past_is_refused(tmp_path: Path) -> None:
    study = study_of(tmp_path, plan_of(seed=3))
    study.run()
    with pytest.raises(Diverged):
        study_of(tmp_path, plan_of(seed=4), study.name).run()


def test_chance_fails_and_says_so(tmp_path: Path) -> None:
    noise = candles(1_500, seed=9)
    study = study_of(tmp_path, plan_of(objectives=["bar_sharpe"]), crew=crew_of(noise, fee=0.0))
    found = report(study, study.run())
    assert not found["passes"]
    assert any("deflated Sharpe ratio" in words for words in found["fails"])
    assert found["best"]["in_sample"]["objective"] > 0.0  # it looked good


def test_a_wave_passes_out_of_sample(tmp_path: Path) -> None:
    wave = candles(14_000, swing=0.01)
    plan = plan_of(objectives=["bar_sharpe"], constraints=["trades>=5"])
    study = study_of(tmp_path, plan, crew=crew_of(wave))
    found = report(study, study.run())
    assert found["walk_forward"]["out_of_sample"]["metrics"]["roi"] > 0.0
    assert found["walk_forward"]["decay"] > 0.5
    assert found["passes"], found["fails"]


def test_trials_that_went_before_deflate(tmp_path: Path) -> None:
    wave = crew_of(candles(3_000, seed=2, swing=0.002))
    ratios = []
    for before in (0, 1_000_000):
        study = study_of(
            tmp_path, plan_of(objectives=["bar_sharpe"], trials_before=before), crew=wave
        )
        ratios.append(report(study, study.run())["best"]["deflated_sharpe"])
    assert ratios[1] < ratios[0]


def test_a_last_study_of_one_evaluation_hides_no_luck_of_those_before(tmp_path: Path) -> None:
    """Alone it would have no spread at all, and the best of 501 would need no luck."""
    wave = crew_of(candles(3_000, seed=2, swing=0.002))
    many = study_of(
        tmp_path, plan_of(algorithm="random", terms={}, objectives=["bar_sharpe"], evals=500),
        crew=wave,
    )  # fmt: skip
    first = report(many, many.run())
    bare = plan_of(algorithm="random", objectives=["bar_sharpe"], terms={}, evals=1, folds=1,
                   seed=9)  # fmt: skip
    before = many.store.before(bare)
    assert before.count == 500
    assert before.deviation == pytest.approx(first["sharpe_deviation"])
    told, ratios = [], []
    for plan in (
        replace(bare, trials_before=before.count, deviation_before=before.deviation),
        replace(bare, trials_before=before.count),
        bare,
    ):
        last = study_of(tmp_path, plan, crew=wave)
        found = report(last, last.run())
        told.append(found["sharpe_deviation"])
        ratios.append(found["best"]["deflated_sharpe"])
    assert told == [pytest.approx(first["sharpe_deviation"]), 0.0, 0.0]
    assert ratios[0] < ratios[2], "one trial is no selection; 501 are"
    assert ratios[1] < ratios[2], "of what is not known, chance has its share"


def test_several_objectives_give_a_front_that_nothing_in_it_dominates(tmp_path: Path) -> None:
    plan = plan_of(algorithm="nsga2", objectives=["roi", "max_drawdown"], terms={"population": 20})
    study = study_of(tmp_path, plan)
    front = report(study, study.run())["front"]
    values = np.array([list(one["in_sample"]["objectives"].values()) for one in front])
    for i, own in enumerate(values):
        rest = np.delete(values, i, axis=0)
        assert not ((rest >= own).all(axis=1) & (rest > own).any(axis=1)).any()
    assert all("objective" in one["out_of_sample"] for one in front)


def test_the_balanced_member_is_good_at_everything() -> None:
    assert balanced_member(np.array([[9.0, 0.0, 0.0], [5.0, 5.0, 4.0], [0.0, 9.0, 3.0]])) == 1


def test_time_that_is_out_ends_each_fold_and_is_said(tmp_path: Path) -> None:
    study = study_of(tmp_path, plan_of(timeout_s=1e-9, evals=5_000))
    outcomes = study.run()
    assert [one.evaluated for one in outcomes] == [16, 16]
    assert report(study, outcomes)["stopped_by_timeout"]


def test_a_constraint_that_nothing_keeps_fails_in_sample_already(tmp_path: Path) -> None:
    study = study_of(tmp_path, plan_of(constraints=["trades>=100000"]))
    fails = report(study, study.run())["fails"]
    assert "nothing in the train of fold 1 holds trades>=100000" in fails


SPACE = space_of(load()["ma_crossover"], plan_of().ranges, plan_of().fixed)
GOOD: list[dict[str, Parameter]] = [{"fast": 4.0, "slow": 12.0}, {"fast": 7.0, "slow": 33.0}]
FITNESS = st.lists(st.integers(1, 400), max_size=6).flatmap(
    lambda sizes: st.tuples(
        *(arrays(np.float64, n, elements=st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]))
          for n in sizes)
    )
)  # fmt: skip


@given(FITNESS)
def test_the_pool_has_the_best_of_all_in_order_and_equals_as_they_came(
    batches: tuple[npt.NDArray[np.float64], ...],
) -> None:
    pool, number = Pool(), 0
    for values in batches:
        pool.add(np.arange(number, number + len(values), dtype=float)[:, None], values)
        number += len(values)
    every = np.concatenate([*batches, np.zeros(0)])
    wanted = sorted(range(number), key=lambda n: (-every[n], n))[:POOL_MOST]
    assert pool.candidates.ravel().tolist() == wanted
    assert pool.fitness.tolist() == every[wanted].tolist()


def test_an_outcome_has_the_pool_of_its_own_fold(tmp_path: Path) -> None:
    study = study_of(tmp_path, plan_of())
    for one in study.run():
        assert len(one.pool.fitness) == one.evaluated == 60
        (best,) = (study.space().record(row) for row in one.pool.candidates[:1])
        assert best == {n: one.best.parameters[n] for n in best}


def test_what_is_given_to_begin_with_comes_first_and_what_lies_outside_is_left_out() -> None:
    outside: list[dict[str, Parameter]] = [
        {"fast": 31.0, "slow": 40.0}, {"fast": 5.0}, {}, {"slow": 9.0, "kind": "ema"},
    ]  # fmt: skip
    more: list[dict[str, Parameter]] = [one | {"fraction": 0.5} for one in GOOD]
    found = beginnings(SPACE, [outside[0], more[0], *outside[1:], more[1]])
    assert [SPACE.record(row) for row in found] == GOOD
    assert beginnings(SPACE, outside).shape == (0, 2)


def test_a_word_that_is_not_searched_is_outside() -> None:
    ranges: dict[str, Span | list[str]] = {**plan_of().ranges, "kind": ["ema", "sma"]}
    space = space_of(load()["ma_crossover"], ranges, {})
    inside = beginnings(space, [{**GOOD[0], "kind": "sma"}, {**GOOD[0], "kind": "wma"}])
    assert [space.record(row) for row in inside] == [{**GOOD[0], "kind": "sma"}]


@pytest.mark.parametrize("algorithm", ["de", "ga", "pso", "random", "hc"])
def test_a_study_evaluates_what_it_is_given_and_is_never_worse(
    tmp_path: Path, algorithm: str
) -> None:
    best = study_of(tmp_path / "best", plan_of(terms={}, algorithm="ga")).run()
    around = [dict(one.best.parameters) for one in best]
    plan = plan_of(terms={}, algorithm=algorithm, evals=40, around=around)
    for one, given_ in zip(study_of(tmp_path / "own", plan).run(), best, strict=True):
        assert one.evaluated == 20
        assert one.pool.fitness[0] >= given_.pool.fitness[0]
