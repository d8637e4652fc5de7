"""A round of search: what it finds, what it does not, and that it comes out the same again."""

from contextlib import suppress
from dataclasses import replace as replace_plain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from liveopt.core.account import RISK
from liveopt.core.bars import MINUTE_NS, Bars
from liveopt.core.instrument import Instrument
from liveopt.optimize.rounds.choice import ALIKE
from liveopt.optimize.rounds.round import FINALISTS, LEAST_BARS
from liveopt.optimize.rounds.task import Finalist, Searched, Task
from liveopt.optimize.studies.around import read_around
from liveopt.optimize.studies.store import Store
from liveopt.optimize.studies.study import Heard
from liveopt.promotion.admission import DEFLATED_MIN, DISTANCE_MIN, TRADES_MIN, distances
from liveopt.promotion.conditions import stopped_by
from liveopt.walk.variant import Variant, check_variant, group_key
from tests.run import INSTRUMENT, START_NS, SYMBOL, strategies, variant
from tests.seeking import Hear, effort_of, recorded, searched, singly, sought_of, task_of, waves

EVALS = 120
RIDDEN = waves(2_400, half=15, drift=0.001, noise=0.0007)
"""Averages of few bars turn in time, those of many too late; half of a wave is 15 bars."""
RIDE: dict[str, Any] = {
    "fixed": ("kind=ema", "stop=0.5", "take=5", "fast=3"),
    "effort": effort_of(evals=EVALS),
}
RISKED: dict[str, Any] = {
    "fast": 3.0, "fraction": 0.1, "stop": 0.5, "take": 5.0, "arm": 0.1, "trail": 0.05,
    "min_hold": 60.0, "max_hold": 1_800.0,
}  # fmt: skip
"""Money risked in the ways that are searched: no other step has to be compiled."""
FREE = Instrument("perpetual", tick=0.1, lot=0.001, taker_fee=0.0, maker_fee=0.0, slippage=0.0)
SPOT = replace_plain(INSTRUMENT, market="spot")
SEEDS = 20


@pytest.fixture(scope="module")
def ridden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a run on that market."""
    return recorded(tmp_path_factory.mktemp("ridden"), RIDDEN, 2_300)


@pytest.fixture(scope="module")
def found(ridden: Path) -> Searched:
    """What a round finds there."""
    return searched(kept_in(ridden, "found"))


def kept_in(run: Path, store: str, **changes: Any) -> Task:
    """A task with a store of its own."""
    return task_of(run, **(RIDE | {"studies": str(run.parent / store)} | changes))


def again(run: Path, home: Path, hear: Hear = lambda _: None, **changes: Any) -> Searched:
    """The same round where nothing is kept of it."""
    return searched(task_of(run, **(RIDE | {"studies": str(home / "state")} | changes)), hear)


def test_what_earns_is_found_and_holds_every_condition(found: Searched) -> None:
    assert found.proposals
    best = found.proposals[0]
    assert float(best.variant.parameters["slow"]) <= 15.0  # of 4 to 600
    test = best.backtest
    assert (test.bars, test.trials) == (800, EVALS)
    assert test.trades >= TRADES_MIN
    assert test.sharpe > 0.2
    judged = next(one for one in found.finalists if one.variant == best.variant)
    assert judged.stopped_by == stopped_by(judged.conditions) == ()
    assert _has(judged, "luck_of_many") >= DEFLATED_MIN
    assert _has(judged, "no_profit") > 0.1


def test_what_is_proposed_can_run_and_says_where_it_is_from(found: Searched) -> None:
    for one in found.finalists:
        check_variant(one.variant, strategies()[one.variant.strategy])
        assert one.variant.symbol == SYMBOL
        assert one.variant.origin in {"search around", "search scratch"}
        assert one.variant.parameters["fast"] == 3.0
    ids = [one.variant.id for one in found.finalists]
    assert len(set(ids)) == len(ids) <= 2 * FINALISTS


def test_who_is_not_proposed_is_told_why(found: Searched) -> None:
    proposed = {one.variant.id for one in found.proposals}
    for one in found.finalists:
        assert (one.variant.id in proposed) == (not one.stopped_by)
        assert set(stopped_by(one.conditions)) <= {*one.stopped_by}


def test_the_best_out_of_sample_come_first(found: Searched) -> None:
    ratios = [one.out_of_sample for one in found.finalists]
    assert ratios == sorted(ratios, reverse=True)


def test_equal_tasks_on_an_equal_record_have_equal_results(found: Searched, tmp_path: Path) -> None:
    run = recorded(tmp_path, RIDDEN, 2_300)
    assert again(run, tmp_path) == found


def test_another_round_has_another_chance(found: Searched, ridden: Path, tmp_path: Path) -> None:
    changes: list[dict[str, Any]] = [{"number": 2}, {"seed": 8}]
    for change in changes:
        other = again(ridden, tmp_path / str(change), **change)
        ids = {one.variant.id for one in other.finalists}
        assert not ids & {one.variant.id for one in found.finalists}


def test_bars_that_end_later_are_not_looked_at(tmp_path: Path) -> None:
    at = 2_200
    later = waves(2_400, half=3, drift=0.004, noise=0.002, seed=9)
    columns = zip((RIDDEN.at_ns, *RIDDEN.floats()), (later.at_ns, *later.floats()), strict=True)
    other = Bars(*(np.concatenate([a[:at], b[at:]]) for a, b in columns))
    asked_ns = START_NS + at * MINUTE_NS
    results = []
    for number, bars in enumerate((RIDDEN, other)):
        home = tmp_path / str(number)
        run = recorded(home, bars, 2_000)
        results.append(again(run, home, at_ns=asked_ns))
    assert results[0] == results[1]
    assert results[0].bars == at


def test_only_the_newest_bars_are_looked_at(ridden: Path, tmp_path: Path) -> None:
    effort = effort_of(evals=4, bars=400)
    one = again(ridden, tmp_path, effort=effort, number=9)
    assert one.bars == 400
    short = recorded(tmp_path / "short", Bars.of(singly(RIDDEN)[-400:]))
    assert again(short, tmp_path / "short", effort=effort, number=9) == one


class Cut(Exception):
    """What ends a round in the middle."""


@pytest.mark.parametrize("algorithm", ["random", "de"])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_round_that_is_taken_up_again_ends_as_if_it_had_not_been_cut(
    ridden: Path, tmp_path: Path, algorithm: str, after: int
) -> None:
    effort = effort_of(evals=160, algorithm=algorithm)
    living = (variant("old", slow=8.0, **RISKED),)
    whole = task_of(
        ridden, [sought_of(living=living)], fixed=("kind=ema", "fast=3"), effort=effort,
        studies=str(tmp_path / "whole"),
    )  # fmt: skip
    wanted = searched(whole)
    cut = replace(whole, studies=str(tmp_path / "cut"))
    heard: list[Heard] = []

    def hear(one: Heard) -> None:
        heard.append(one)
        if len(heard) == after:
            raise Cut

    with suppress(Cut):
        searched(cut, hear)
    done: list[Heard] = []
    assert searched(cut, done.append) == wanted
    assert sum(one.kept for one in done) == min(after, len(heard))  # nothing is done twice
    store = Store(Path(cut.studies))
    assert store.tally("round_*").count == 160


def test_trials_add_up_over_halves_and_earlier_rounds(ridden: Path, tmp_path: Path) -> None:
    first = again(ridden, tmp_path)
    store = Store(tmp_path / "state")
    assert first.trials == store.tally(f"round_run_*_{SYMBOL}_*").count == EVALS
    sought = sought_of(trials_before=first.trials)
    second = again(ridden, tmp_path, number=2, seed=9, sought=(sought,))
    assert second.trials == store.tally(f"round_run_*_{SYMBOL}_*").count == 2 * EVALS
    assert {one.backtest.trials for one in second.proposals} == {2 * EVALS}


def test_luck_is_measured_by_all_trials_of_the_round_whatever_became_of_them(
    ridden: Path, tmp_path: Path
) -> None:
    one = again(ridden, tmp_path)
    store = Store(tmp_path / "state")
    annual = np.concatenate(
        [told.sharpe for name in one.studies for told in store.generations(name, 0)]
    )
    assert len(annual) == EVALS
    known = annual[np.isfinite(annual)]
    wanted = float(known.std(ddof=1)) / np.sqrt(365 * 24 * 60)
    for proposal in one.proposals:
        assert proposal.backtest.trials_deviation == pytest.approx(wanted)


def test_luck_does_not_spread_less_than_it_did_in_earlier_rounds(
    ridden: Path, tmp_path: Path
) -> None:
    """Their ratios, of the whole run so far, were chances too."""

    def luck_of(before: float) -> float:
        sought = sought_of(trials_before=500, deviation_before=before)
        one = again(ridden, tmp_path / str(before), sought=(sought,))
        return _has(one.finalists[-1], "luck_of_many")

    narrow, same, wide = luck_of(0.0), luck_of(1e-6), luck_of(1e4)
    assert narrow == same, "the wider one counts"
    assert wide < narrow


def test_in_and_out_of_sample_are_told_in_the_same_unit(found: Searched, ridden: Path) -> None:
    """A bar's Sharpe ratio: the search itself maximises the annual one."""
    store = Store(ridden.parent / "found")
    for name in found.studies:
        fitness = np.concatenate([one.fitness[:, 0] for one in store.generations(name, 0)])
        best = float(np.nanmax(fitness)) / np.sqrt(365 * 24 * 60)
        origin = f"search {name.rpartition('_')[2]}"
        own = [one.in_sample for one in found.finalists if one.variant.origin == origin]
        assert max(own) == pytest.approx(best)
    assert 0.2 < max(one.in_sample for one in found.finalists) < 2.0


def test_what_many_trials_went_before_has_to_be_better(ridden: Path, tmp_path: Path) -> None:
    def sure(before: int) -> float:
        sought = sought_of(trials_before=before)
        one = again(ridden, tmp_path / str(before), sought=(sought,)).finalists[0]
        return _has(one, "luck_of_many")

    assert sure(0) > sure(10_000) > sure(100_000_000)


def test_nobody_alike_is_proposed_not_beside_the_living_either(
    found: Searched, ridden: Path, tmp_path: Path
) -> None:
    best = found.proposals[0].variant
    twin = replace(best, id="twin")
    sought = sought_of(living=(twin,))
    other = again(ridden, tmp_path, sought=(sought,), effort=effort_of(evals=EVALS, proposals=50))
    assert all(_apart(twin, one.variant) >= DISTANCE_MIN for one in other.proposals)
    for n, one in enumerate(other.proposals):
        for two in other.proposals[:n]:
            assert _apart(one.variant, two.variant) >= DISTANCE_MIN
    near = [one for one in other.finalists if _apart(twin, one.variant) < DISTANCE_MIN]
    assert near, "the study around it begins with it"
    assert all("too_alike" in one.stopped_by for one in near)
    itself = next(one for one in near if one.variant.parameters == best.parameters)
    assert _has(itself, "same_bet") == pytest.approx(1.0)


def _apart(one: Variant, other: Variant) -> float:
    own = strategies()[one.strategy].knobs
    spans = {**own, **RISK}
    names = group_key(one).numbers
    widths = np.array([spans[n].high - spans[n].low for n in names])
    rows = [np.array([float(v.parameters[n]) for n in names]) for v in (one, other)]
    return float(distances(rows[0], rows[1][None, :], widths)[0])


def test_noise_is_not_proposed(tmp_path: Path) -> None:
    """Trading costs nothing there and there is enough of it: one in twenty may have the luck."""
    proposing, looked_good, traded = [], 0, 0
    for seed in range(SEEDS):
        home = tmp_path / str(seed)
        run = recorded(home, waves(1_800, drift=0.0, noise=0.001, seed=seed))
        one = again(
            run, home, sought=(sought_of(instrument=FREE),), fixed=("kind=ema", "slow=10"),
            effort=effort_of(evals=120, algorithm="de"),
        )  # fmt: skip
        proposing += [seed] if one.proposals else []
        looked_good += max(finalist.in_sample for finalist in one.finalists) > 0.0
        traded += max(finalist.trades for finalist in one.finalists) >= TRADES_MIN
    assert len(proposing) <= SEEDS * (1.0 - DEFLATED_MIN) + 1e-9
    assert min(looked_good, traded) > 0.8 * SEEDS  # it was not for want of trying


@pytest.mark.parametrize("fixed", [(), ("leverage=1",)])
def test_on_spot_nobody_has_leverage(ridden: Path, tmp_path: Path, fixed: tuple[str, ...]) -> None:
    living = variant("old", slow=8.0, **(RISKED | {"leverage": 1.0}))
    one = again(
        ridden, tmp_path, fixed=("kind=ema", "fast=3", *fixed),
        sought=(sought_of(instrument=SPOT, living=(living,)),),
    )  # fmt: skip
    assert one.skipped == ""
    assert {f.variant.parameters["leverage"] for f in one.finalists} == {1.0}
    for finalist in one.finalists:
        check_variant(finalist.variant, strategies()["ma_crossover"])
    bets = [_has(finalist, "same_bet") for finalist in one.finalists]
    assert any(bet != 0.0 for bet in bets), "it was compared with who lives"


def test_the_living_with_other_ways_to_risk_money_are_compared_too(
    ridden: Path, tmp_path: Path
) -> None:
    bare = variant("bare", fast=3.0, slow=8.0)
    bare = replace(bare, parameters={
        n: v for n, v in bare.parameters.items() if n not in ("stop", "take")
    })  # fmt: skip
    one = again(ridden, tmp_path, sought=(sought_of(living=(bare,)),))
    bets = [_has(finalist, "same_bet") for finalist in one.finalists]
    assert all(abs(bet) <= 1.0 for bet in bets)
    assert max(bets) > 0.5, "both ride the waves"
    assert all("same_bet" in f.stopped_by for f, bet in zip(one.finalists, bets, strict=True)
               if bet > ALIKE)  # fmt: skip


def _has(finalist: Finalist, code: str) -> float:
    return next(c.has for c in finalist.conditions if c.code == code) or 0.0


def test_who_lives_is_kept_beside_the_market(ridden: Path) -> None:
    old = variant("old", **RISKED)
    task = kept_in(ridden, "files", number=5, sought=(sought_of(living=(old,)),))
    searched(task)
    folder = ridden / "rounds" / "0005"
    assert read_around(folder / f"{SYMBOL}-ma_crossover.json") == [old.parameters]
    assert (folder / f"{SYMBOL}.parquet").exists()


def test_too_few_bars_are_told_and_nothing_is_searched(tmp_path: Path) -> None:
    for count in (0, 1, LEAST_BARS - 1):
        run = recorded(tmp_path / str(count), waves(count or 1), None)
        one = again(run, tmp_path / str(count), effort=effort_of(bars=max(count, 1)))
        assert one.skipped == f"{max(count, 1)} signal bars are known, and {LEAST_BARS} are needed"
        assert (one.proposals, one.finalists, one.studies) == ((), (), ())
    assert Store(tmp_path / "0" / "state").entries() == []


def test_the_fewest_bars_that_are_enough_are_searched(tmp_path: Path) -> None:
    run = recorded(tmp_path, waves(LEAST_BARS))
    one = again(run, tmp_path)
    assert (one.skipped, one.bars, len(one.studies)) == ("", LEAST_BARS, 2)


def test_what_cannot_be_fixed_is_told_and_nothing_is_searched(ridden: Path, tmp_path: Path) -> None:
    sought = sought_of(trials_before=77)
    one = again(ridden, tmp_path, fixed=("fast=1000000",), sought=(sought,))
    assert "fast" in one.skipped
    assert (one.trials, one.proposals) == (77, ())
