"""Where studies are kept."""

import os
import subprocess
import sys
from dataclasses import replace as replace_plain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from liveopt.optimize.studies.store import FILE, Generation, NoStudy, Store
from tests.studies import plan_of


def told(number: int, count: int = 4) -> Generation:
    values = np.arange(count, dtype=float)[:, None] + number
    return Generation(number, values, values[:, 0] / 2.0, number * 1.5)


def test_what_was_told_comes_back_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    for fold, number in ((0, 0), (0, 1), (1, 0)):
        assert store.append(name, (fold, number), told(number))
    found = list(Store(tmp_path).generations(name, 0))
    assert [g.checksum for g in found] == [0, 1]
    assert found[1].fitness.tolist() == told(1).fitness.tolist()
    assert found[1].sharpe.tolist() == told(1).sharpe.tolist()
    assert found[1].elapsed_s == 1.5
    assert Store(tmp_path).entry(name).evaluated == 12
    assert Store(tmp_path).entry(name).plan == plan_of()


def test_a_study_of_a_process_that_is_gone_is_interrupted_and_can_be_taken(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from liveopt.optimize.studies.store import Store; from tests.studies import plan_of\n"
        "import os; print(Store(Path(sys.argv[1])).add(plan_of(), 'now'), flush=True); os._exit(9)"
    )
    root = str(Path(__file__).parents[4])
    made = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), root],
        capture_output=True,
        text=True,
        check=False,
    )
    name = made.stdout.strip()
    store = Store(tmp_path)
    assert store.entry(name).status == "interrupted"
    assert store.take(name) == plan_of()
    assert store.entry(name).status == "running"


def test_a_cancel_between_taking_a_study_and_beginning_it_is_heard(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    store.finish(name, "interrupted")
    plan = store.take(name)
    Store(tmp_path).cancel(name)
    store.begin(name, plan, "now")
    assert not store.append(name, (0, 0), told(0))
    store.finish(name, "cancelled")
    assert store.take(name) == plan, "taken up once more it goes on"
    store.begin(name, plan, "now")
    assert store.append(name, (0, 1), told(1))


def test_a_study_at_work_elsewhere_is_not_taken(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    child = os.fork()
    if child == 0:
        try:
            Store(tmp_path).take(name)
        except NoStudy:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_completed_study_is_neither_taken_nor_cancelled(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    store.finish(name, "completed", "{}")
    for act in (store.take, store.cancel):
        with pytest.raises(NoStudy, match="completed"):
            act(name)
    with pytest.raises(NoStudy, match="no study"):
        store.take("opt_none")


def test_a_cancelled_study_is_told_after_its_generation(tmp_path: Path) -> None:
    store = Store(tmp_path)
    name = store.add(plan_of(), "now")
    assert store.append(name, (0, 0), told(0))
    assert Store(tmp_path).cancel(name) == "running"
    assert not store.append(name, (0, 1), told(1))


def test_trials_of_other_studies_on_the_same_data_count_and_equal_ones_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for plan in (plan_of(), plan_of(), plan_of(seed=4), plan_of(strategy="macd")):
        store.append(store.add(plan, "now"), (0, 0), told(0))
    elsewhere = replace(plan_of().data, hash="other candles")
    store.append(store.add(plan_of(data=elsewhere), "now"), (0, 0), told(0, 100))
    assert store.before(plan_of()).count == 8, "luck had the chances of every strategy"
    assert store.before(plan_of(seed=4)).count == 8
    assert store.before(plan_of(seed=5)).count == 12
    assert store.before(plan_of(trials_before=9, deviation_before=0.3)).count == 8
    assert store.before(plan_of(data=elsewhere)).count == 0


def test_of_equal_studies_the_one_that_came_furthest_counts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for count in (3, 7, 5):
        store.append(store.add(plan_of(), "now"), (0, 0), told(0, count))
    assert store.before(plan_of(seed=5)).count == 7


def test_the_spread_of_all_trials_on_these_candles_is_known_before_another(tmp_path: Path) -> None:
    """A last study of one evaluation has no spread of its own, and 500 before it had."""
    store = Store(tmp_path)
    rng = np.random.default_rng(1)
    wide, narrow = rng.normal(0.0, 2.0, (250, 2)), rng.normal(1.0, 0.1, 60)
    narrow[7] = np.nan  # one that never traded: a trial, not a ratio
    many = store.add(plan_of(), "now")
    for number, sharpe in enumerate((wide[:, 0], wide[:, 1])):
        store.append(many, (0, number), replace_plain(told(number, 250), sharpe=sharpe))
    few = store.add(plan_of(strategy="macd"), "now")
    store.append(few, (0, 0), replace_plain(told(0, 60), sharpe=narrow))
    found = store.before(plan_of(strategy="donchian_breakout", evals=1, folds=1))
    known = np.concatenate([wide.ravel(), narrow[np.isfinite(narrow)]])
    assert (found.count, found.known) == (560, 559)
    assert found.deviation == pytest.approx(known.std(ddof=1))


def test_a_study_that_is_begun_again_is_the_same_one_and_at_work(tmp_path: Path) -> None:
    store, plan = Store(tmp_path), plan_of()
    store.begin("opt_run_1", plan, "now")
    store.append("opt_run_1", (0, 0), told(0))
    store.finish("opt_run_1", "cancelled")
    store.begin("opt_run_1", plan_of(trials_before=9, deviation_before=0.5), "later")
    (entry,) = store.entries()
    assert (entry.plan, entry.created, entry.evaluated) == (plan, "now", 4)
    assert entry.status == "running"
    assert store.append("opt_run_1", (0, 1), told(1)), "what asked it to end is forgotten"
    assert [one.checksum for one in store.generations("opt_run_1", 0)] == [0, 1]


@pytest.mark.parametrize("change", [{"seed": 9}, {"code": "another"}, {"evals": 60}])
def test_a_study_whose_plan_or_program_has_changed_begins_anew(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    """What was told belongs to other candidates than the ones that will be asked for."""
    store, changed = Store(tmp_path), plan_of(**change)
    for name in ("round_run_1", "round_run_2"):
        store.begin(name, plan_of(), "now")
        store.append(name, (0, 0), told(0))
    store.begin("round_run_1", changed, "later")
    other, entry = sorted(store.entries(), key=lambda one: one.id, reverse=True)
    assert (entry.plan, entry.created, entry.evaluated) == (changed, "later", 0)
    assert list(store.generations("round_run_1", 0)) == []
    assert store.append("round_run_1", (0, 0), told(3))
    assert (other.plan, other.created, other.evaluated) == (plan_of(), "now", 4)
    assert [one.checksum for one in store.generations("round_run_2", 0)] == [0]


def test_a_study_of_a_round_is_neither_taken_nor_cancelled_by_hand(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin("round_run_1_XBT_macd_around", plan_of(), "now")
    store.finish("round_run_1_XBT_macd_around", "interrupted")
    before = store.entry("round_run_1_XBT_macd_around")
    for act in (store.take, store.cancel):
        with pytest.raises(NoStudy, match="begins and ends it; see `liveopt reoptimize --list`"):
            act("round_run_1_XBT_macd_around")
    assert store.entry("round_run_1_XBT_macd_around") == before


def test_a_file_that_is_damaged_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 99)
    with pytest.raises(NoStudy, match=r"studies\.sqlite cannot be used .*move it away"):
        Store(tmp_path)


def test_a_study_whose_process_died_is_begun_by_another(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        store = Store(tmp_path)
        store.begin("opt_run_1", plan_of(), "now")
        store.append("opt_run_1", (0, 0), told(0))
        os._exit(0)
    os.waitpid(child, 0)
    store = Store(tmp_path)
    assert store.entry("opt_run_1").status == "interrupted"
    store.begin("opt_run_1", plan_of(), "later")
    assert store.entry("opt_run_1").status == "running"
    assert store.tally("opt_run_1").count == 4


def test_trials_are_counted_by_name(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.tally("*").count == 0
    for number, name in enumerate(
        ("opt_a_1_XBT_x", "opt_a_2_XBT_y", "opt_a_2_ETH_x", "opt_b_1_XBT_x")
    ):
        store.begin(name, plan_of(), "now")
        store.append(name, (0, 0), told(0, 10**number))
    assert store.tally("opt_a_*_XBT_*").count == 11
    assert store.tally("opt_a_*").count == 111
    assert store.tally("opt_b_*_ETH_*").count == 0
