"""A run's rounds are folders: what each was told, found and came to, whatever ends the engine."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from liveopt import whole
from liveopt.cli.rounds import LIVING, RoundsFolder, living
from liveopt.config import Settings
from liveopt.core.bars import MINUTE_NS
from liveopt.live.rounds import Open
from liveopt.optimize.rounds.folder import (
    FOLDER,
    MARKETS,
    RESULT,
    TASK,
    Outcome,
    Unreadable,
    numbers_of,
    outcome_of,
    place,
    task_of,
)
from liveopt.optimize.rounds.task import Effort, Result, Searched
from liveopt.optimize.studies.store import Store
from liveopt.walk.events import Pause, Retire
from liveopt.walk.variant import Variant
from tests.run import CHAMPION, SYMBOL, TERMS, Live, opening, ticks, variants
from tests.seeking import sought_of
from tests.studies import plan_of
from tests.unit.optimize.studies.test_store import told

MARKET = ticks(200, step_s=20.0)
SETTINGS = Settings.model_validate({
    "live": {"strategies": ["ma_crossover"], "set": ["kind=ema"], "seed": 5},
    "reoptimize": {"algorithm": "pso", "evals": 400, "bars": 700, "proposals": 3},
})  # fmt: skip


@pytest.fixture
def live(tmp_path: Path) -> Any:
    found = Live(tmp_path)
    found.take([*opening(variants(12)), *MARKET])
    yield found
    found.close()


def folder_of(live: Live) -> RoundsFolder:
    return RoundsFolder(live.folder, live.home, SETTINGS, live.pump)


def begun(live: Live, number: int = 1, why: str = "asked", by: str = "") -> RoundsFolder:
    """A round that was begun."""
    folder = folder_of(live)
    folder.prepare(Open(number, why, by), live.state)()
    return folder


def test_where_there_was_no_round_there_is_none(live: Live) -> None:
    assert folder_of(live).last() == (0, None, {})
    assert numbers_of(live.folder) == []


def test_a_round_is_told_all_it_depends_on(live: Live) -> None:
    live.pump.settlements[SYMBOL] = (1, 0.0003)
    begun(live, 3, "regime")
    task, market = task_of(live.folder, 3), live.state.markets[SYMBOL]
    assert (task.number, task.why, task.seed, task.fixed) == (3, "regime", 5, ("kind=ema",))
    assert (task.run, task.studies) == (str(live.folder), str(live.home))
    assert (task.at_ns, task.terms) == (live.state.at_ns, TERMS)
    assert task.effort == Effort("pso", 400, 700, 3)
    (sought,) = task.sought
    assert (sought.symbol, sought.instrument) == (SYMBOL, market.instrument)
    assert (sought.funding, sought.strategies) == (0.0003, ("ma_crossover",))
    assert (sought.bars, sought.trials_before, sought.deviation_before) == (market.bars, 0, 0.0)
    assert list(sought.living) == living(market, ("ma_crossover",))


def test_nothing_is_kept_before_it_is_said(live: Live) -> None:
    keep_it = folder_of(live).prepare(Open(1, "asked"), live.state)
    at_ns, bars = live.state.at_ns, live.state.markets[SYMBOL].bars
    assert numbers_of(live.folder) == []
    live.take(ticks(400, step_s=20.0, first=200))
    assert live.state.at_ns > at_ns + MINUTE_NS
    keep_it()
    task = task_of(live.folder, 1)
    assert (task.at_ns, task.sought[0].bars) == (at_ns, bars), "as things stood when it began"


def test_the_names_of_its_folders_are_on_the_disk_before_its_task(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[Path, bool]] = []
    plain = os.fsync

    def heard(file: int) -> None:
        plain(file)
        there = (place(live.folder, 1) / TASK).exists()
        synced.append((Path(f"/proc/self/fd/{file}").readlink(), there))

    monkeypatch.setattr(os, "fsync", heard)
    begun(live)
    for folder in (live.folder, live.folder / FOLDER):
        assert (folder.resolve(), False) in synced
    assert (place(live.folder, 1).resolve(), True) in synced


def test_trials_of_earlier_rounds_of_this_run_and_symbol_are_counted(live: Live) -> None:
    store = Store(live.home)
    run = live.folder.name
    for name, trials in (
        (f"round_{run}_1_{SYMBOL}_ma_crossover_around", 5),
        (f"round_{run}_2_{SYMBOL}_macd_scratch", 7),
        (f"round_{run}_1_ETHUSDTM_ma_crossover_around", 11),
        (f"round_another_1_{SYMBOL}_ma_crossover_around", 13),
        ("opt_1a2b3c4d", 17),
    ):
        store.begin(name, plan_of(), "now")
        store.append(name, (0, 0), told(0, trials))
    begun(live)
    sought = task_of(live.folder, 1).sought[0]
    assert sought.trials_before == 12
    ratios = np.concatenate([told(0, 5).sharpe, told(0, 7).sharpe])
    assert sought.deviation_before == pytest.approx(ratios.std(ddof=1))


def early(count: int) -> list[Variant]:
    """Variants whose names come before the champion's."""
    return [replace(one, id=f"a{one.id}") for one in variants(count, reckless=0.0)]


def test_the_champion_lives_first_and_the_others_by_name(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take([*opening(early(12)), *MARKET])
    market = live.state.markets[SYMBOL]
    own = living(market, ("ma_crossover",))
    assert own[0] == CHAMPION
    names = [one.id for one in own[1:]]
    assert names == sorted(names)
    assert set(names) == {one.id for one in early(12) if one.strategy == "ma_crossover"}
    both = living(market, ("donchian_breakout", "ma_crossover"))
    live.close()
    assert both[-len(own) :] == own
    assert {one.strategy for one in both[: -len(own)]} == {"donchian_breakout"}
    assert len(both) == 13


def test_the_bars_of_the_test_have_no_say_in_who_is_begun_with(tmp_path: Path) -> None:
    """The equity is made in the very bars that the search is tested on."""
    picked, ranked = [], []
    for seed in (1, 2):
        live = Live(tmp_path / str(seed))
        live.take([*opening(early(3 * LIVING)), *ticks(200, seed=seed, step_s=20.0)])
        market = live.state.markets[SYMBOL]
        equity = {
            seat.id: float(group.batch.cell("p_equity")[place_])
            for group in market.groups
            for place_, seat in enumerate(group.seats)
            if seat.key.strategy == "ma_crossover"
        }
        picked.append(living(market, ("ma_crossover",)))
        ranked.append(sorted(equity, key=lambda name: equity[name], reverse=True)[:LIVING])
        live.close()
    assert picked[0] == picked[1]
    assert ranked[0] != ranked[1], "another market had other winners"
    assert CHAMPION in picked[0]


def test_who_has_gone_lives_no_more_and_who_is_paused_does(live: Live) -> None:
    market = live.state.markets[SYMBOL]
    own = [one.id for one in living(market, ("ma_crossover",)) if one.id != CHAMPION.id]
    gone, paused = own[:2]
    live.take([Retire(1, (gone,), "me"), Pause(1, (paused,), "me")])
    names = [one.id for one in living(market, ("ma_crossover",))]
    assert gone not in names
    assert paused in names


def test_no_more_live_than_can_be_looked_at(tmp_path: Path) -> None:
    live = Live(tmp_path)
    live.take([*opening(variants(3 * LIVING, reckless=0.0)), *MARKET[:20]])
    found = living(live.state.markets[SYMBOL], ("ma_crossover", "donchian_breakout"))
    live.close()
    assert [one.strategy for one in found] == ["ma_crossover"] * LIVING + [
        "donchian_breakout"
    ] * LIVING


def test_a_round_is_open_until_it_ends(live: Live) -> None:
    folder = begun(live, 1, "every")
    bars = {SYMBOL: live.state.markets[SYMBOL].bars}
    assert folder.last() == (1, Open(1, "every"), bars)
    assert outcome_of(live.folder, 1) is None
    folder.end(1, {"phase": "ended", "admitted": 2})
    assert folder.last() == (1, None, bars)
    assert outcome_of(live.folder, 1) == Outcome("ended", admitted=2)


def test_who_asked_for_a_round_is_kept_with_it(live: Live) -> None:
    folder = begun(live, 1, by="key 1a2b")
    assert task_of(live.folder, 1).by == "key 1a2b"
    assert folder.last()[1] == Open(1, "asked", "key 1a2b")


def test_the_market_of_a_round_is_kept_until_so_many_others_have_ended(live: Live) -> None:
    folder = folder_of(live)
    for number in range(1, MARKETS + 3):
        begun(live, number)
        (place(live.folder, number) / f"{SYMBOL}.parquet").write_bytes(b"x")
        folder.end(number, {"phase": "ended"})
        kept = [n for n in numbers_of(live.folder) if list(place(live.folder, n).glob("*.parquet"))]
        assert kept == list(range(max(1, number - MARKETS + 1), number + 1))
    assert outcome_of(live.folder, 1) == Outcome("ended")


def test_the_newest_round_is_the_one_of_the_highest_number(live: Live) -> None:
    folder = folder_of(live)
    for number in (1, 2, 9, 10, 12_345):
        begun(live, number)
    assert numbers_of(live.folder) == [1, 2, 9, 10, 12_345]
    assert folder.last()[0] == 12_345
    for number in (1, 2, 9, 10):
        assert folder.last()[1] == Open(12_345, "asked")
        folder.end(number, {})


DAMAGE = {
    "cut": lambda whole: whole[:-9],
    "empty": lambda _: b"",
    "binary": lambda _: b"\xff\xfe{}",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_newest_round_that_cannot_be_read_is_not_gone_on_with_and_keeps_its_number(
    live: Live, damage: Callable[[bytes], bytes]
) -> None:
    folder = begun(live, 1)
    folder.end(1, {"phase": "ended"})
    begun(live, 2)
    file = place(live.folder, 2) / TASK
    file.write_bytes(damage(file.read_bytes()))
    assert folder.last() == (2, None, {})
    with pytest.raises(Unreadable, match=r"task\.json"):
        task_of(live.folder, 2)


def test_trials_are_not_forgotten_with_a_store_that_was_moved_away(live: Live) -> None:
    """Nor by rounds since that came to no result, or to one that cannot be read."""
    other = Searched("ETHUSDTM", 900, 5, (), (), ())
    for number, found in ((1, Searched(SYMBOL, 900, 300, (), (), ())), (2, other)):
        begun(live, number)
        own = place(live.folder, number) / RESULT
        whole.write(own, msgspec.json.encode(Result(number, (found,))))
    begun(live, 3)
    begun(live, 4)
    whole.write(place(live.folder, 4) / RESULT, b"{")
    begun(live, 7)
    sought = task_of(live.folder, 7).sought[0]
    assert (sought.trials_before, sought.deviation_before) == (300, 0.0)
    store = Store(live.home)
    name = f"round_{live.folder.name}_1_{SYMBOL}_ma_crossover_around"
    store.begin(name, plan_of(), "now")
    store.append(name, (0, 0), told(0, 301))
    begun(live, 8)
    assert task_of(live.folder, 8).sought[0].trials_before == 301


def test_a_folder_without_a_task_was_never_begun(live: Live) -> None:
    place(live.folder, 4).mkdir(parents=True)
    assert folder_of(live).last() == (0, None, {})


def test_a_task_comes_back_as_it_was_told(live: Live) -> None:
    begun(live)
    path = place(live.folder, 1) / TASK
    assert msgspec.json.encode(task_of(live.folder, 1)) == path.read_bytes()
    assert task_of(live.folder, 1).sought[0].instrument == sought_of().instrument


def test_its_process_is_that_of_its_folder(live: Live) -> None:
    words = folder_of(live).command(7)
    assert words[:3] == ("-m", "liveopt", "search-round")
    assert words[3:] == ("--folder", str(place(live.folder, 7)))
