"""What is proposed: what survives its test, the best first, nobody like another."""

from dataclasses import replace as replace_plain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from msgspec.structs import replace

from liveopt.optimize import walkforward
from liveopt.optimize.rounds.choice import (
    ALIKE,
    APART,
    Candidate,
    choose,
    correlation,
    distinct,
)
from liveopt.optimize.rounds.task import Finalist, Task
from liveopt.promotion.admission import DISTANCE_MIN, TRADES_MIN
from liveopt.promotion.conditions import stopped_by
from liveopt.walk.events import Propose
from liveopt.walk.verdicts import Admission
from tests.run import folded, opening, strategies, ticks, variant
from tests.seeking import effort_of, task_of

Array = npt.NDArray[np.float64]
CAPITAL = 10_000.0
BARS = 500
LUCK = (400, 0.02, 400)
TASK = task_of(Path("logs/run"))
PLACES = st.integers(0, 40).flatmap(
    lambda count: arrays(np.float64, (count, 3), elements=st.floats(0.0, 1.0))
)


def returns(sharpe: float, seed: int) -> Array:
    """With exactly this ratio a bar."""
    drawn = np.random.default_rng(seed).standard_normal(BARS)
    found: Array = 0.001 * ((drawn - drawn.mean()) / drawn.std(ddof=1) + sharpe)
    return found


def examined(main: Array, late: Array, trades: int) -> walkforward.Tested:
    """An account's sums as far as they are read, and its returns."""
    sums = []
    for own in (main, late):
        curve = np.cumprod(1.0 + own)
        plain = dict.fromkeys((*walkforward.ADDED, "losing_most"), 0.0) | {"trades": float(trades)}
        fall = float(np.max(1.0 - curve / np.maximum.accumulate(curve)))
        sums.append(plain | {"drawdown": fall, "equity": CAPITAL * float(curve[-1])})
    return walkforward.Tested(sums, [main, late], BARS)


def candidate(
    name: str, sharpe: float = 0.3, seed: int = 1, trades: int = 60, **knobs: Any
) -> Candidate:
    """One whose accounts do alike."""
    own = returns(sharpe, seed)
    found = variant(name, **knobs)
    return Candidate(found, strategies()[found.strategy], 1.0, examined(own, own, trades))


def several(count: int) -> list[Candidate]:
    """Good ones, each another bet, the later the better."""
    return [
        candidate(f"c{n}", 0.3 + 0.05 * n, seed=n, fast=2.0 + 20 * n, slow=300.0)
        for n in range(count)
    ]


def judged(
    *candidates: Candidate,
    living: tuple[Candidate, ...] = (),
    luck: tuple[int, float, int] = LUCK,
    task: Task = TASK,
) -> tuple[list[str], dict[str, Finalist]]:
    """Who is proposed, and everybody by name."""
    proposals, finalists = choose(task, candidates, living, luck)
    return [one.variant.id for one in proposals], {one.variant.id: one for one in finalists}


@given(places=PLACES, count=st.integers(1, 8))
def test_the_first_that_are_not_alike_are_kept(places: Array, count: int) -> None:
    found = distinct(places, count).tolist()
    gaps = np.sqrt(((places[:, None] - places[None, :]) ** 2).mean(axis=2))
    assert found == sorted(found)
    assert len(found) <= count
    assert bool(found) == bool(len(places))
    for at, n in enumerate(found):
        assert all(gaps[n, found[:at]] >= APART)
    end = len(places) if len(found) < count else found[-1]
    for n in set(range(end)) - set(found):
        assert gaps[n, [m for m in found if m < n]].min() < APART


@given(arrays(np.float64, (2, 30), elements=st.floats(-1.0, 1.0, width=32)))
def test_the_correlation_is_pearsons_and_0_of_what_never_moves(table: Array) -> None:
    ones, others = table
    found = correlation(ones, others)
    assert -1.0 - 1e-9 <= found <= 1.0 + 1e-9
    if min(np.ptp(ones), np.ptp(others)) > 1e-3:
        assert found == pytest.approx(float(np.corrcoef(ones, others)[0, 1]), abs=1e-6)
    assert correlation(np.full(30, 0.25), others) == 0.0


def test_the_best_out_of_sample_come_first_and_no_more_than_are_wanted() -> None:
    task = replace(TASK, effort=effort_of(proposals=2))
    names, finalists = judged(*several(4), task=task)
    assert names == ["c3", "c2"]
    assert list(finalists) == ["c3", "c2", "c1", "c0"]
    assert [one.stopped_by for one in finalists.values()] == [
        (), (), ("others_are_better",), ("others_are_better",)
    ]  # fmt: skip
    assert finalists["c3"].out_of_sample == pytest.approx(0.45)


def test_one_who_is_better_in_sample_only_is_not_preferred() -> None:
    lucky = replace_plain(candidate("lucky", 0.25, seed=3, slow=90.0), in_sample=9.0)
    plain = candidate("plain", 0.35, seed=4, slow=300.0)
    assert judged(lucky, plain)[0] == ["plain", "lucky"]


def test_the_account_that_did_worse_is_the_one_that_is_judged() -> None:
    good, bad = returns(0.4, 1), returns(0.02, 2)
    for main, late in ((good, bad), (bad, good)):
        own = variant("one")
        one = Candidate(own, strategies()[own.strategy], 1.0, examined(main, late, 60))
        names, finalists = judged(one)
        assert names == []
        assert finalists["one"].out_of_sample == pytest.approx(0.02)


def test_one_that_never_traded_is_last_and_stopped() -> None:
    still = np.zeros(BARS)
    own = variant("still")
    one = Candidate(own, strategies()[own.strategy], 1.0, examined(still, still, 0))
    names, finalists = judged(one, *several(2))
    assert names == ["c1", "c0"]
    assert list(finalists)[-1] == "still"
    assert {"insufficient_samples", "luck_of_many", "no_profit"} <= set(
        finalists["still"].stopped_by
    )


@pytest.mark.parametrize(
    ("one", "luck", "why"),
    [
        (candidate("one", trades=TRADES_MIN - 1), LUCK, ("insufficient_samples",)),
        (candidate("one"), (400, 0.2, 400), ("luck_of_many",)),
        (candidate("one", 0.12), (10_000_000, 0.02, 400), ("luck_of_many",)),
        (candidate("one", -0.3), LUCK, ("luck_of_many", "no_profit")),
    ],
)
def test_what_may_be_luck_or_brought_nothing_is_not_proposed(
    one: Candidate, luck: tuple[int, float, int], why: tuple[str, ...]
) -> None:
    assert judged(one, luck=luck)[1]["one"].stopped_by == why
    assert judged(candidate("one"))[0] == ["one"]


def test_a_fall_as_deep_as_the_runs_limit_is_not_proposed() -> None:
    one = candidate("one")
    fall = max(s["drawdown"] for s in one.tested.sums)
    for limit, proposed in ((fall * 1.001, ["one"]), (fall * 0.999, [])):
        task = replace(TASK, terms=replace(TASK.terms, drawdown_limit=limit))
        assert judged(one, task=task)[0] == proposed


def test_two_of_a_kind_are_one_too_many() -> None:
    near = candidate("near", 0.31, seed=2, fast=2.0, slow=6.0)
    for living in ((), (candidate("old", 0.9, seed=9),)):
        names, finalists = judged(candidate("one", 0.3, slow=5.0), near, living=living)
        assert names == ([] if living else ["near"])
        assert finalists["one"].stopped_by == ("too_alike",)
        nearest = next(c for c in finalists["one"].conditions if c.code == "too_alike")
        assert nearest.has is not None
        assert nearest.has < DISTANCE_MIN


def test_another_kind_is_not_near_however_alike_its_numbers_are() -> None:
    twin = candidate("twin", seed=2)
    word = replace(twin.variant, parameters=twin.variant.parameters | {"kind": "sma"})
    other = Candidate(word, twin.strategy, 1.0, twin.tested)
    assert judged(candidate("one", 0.31), other)[0] == ["one", "twin"]


def test_the_same_bet_with_other_numbers_is_not_proposed_beside_others_or_the_living() -> None:
    far = candidate("far", 0.3, seed=1, fast=100.0, slow=500.0)
    names, finalists = judged(candidate("one", 0.31, seed=1), far)
    assert names == ["one"]
    assert finalists["far"].stopped_by == ("same_bet",)
    assert judged(far, living=(candidate("old", -0.5, seed=1),))[0] == []
    mixed = returns(0.3, 1) + 0.0005 * np.random.default_rng(7).standard_normal(BARS)
    assert correlation(mixed, returns(0.3, 1)) < ALIKE
    loose = Candidate(far.variant, far.strategy, 1.0, examined(mixed, mixed, 60))
    assert judged(loose, living=(candidate("old", -0.5, seed=1),))[0] == ["far"]


def test_who_is_not_proposed_keeps_nobody_else_out() -> None:
    better = candidate("better", 0.4, seed=1, trades=3)
    assert judged(better, candidate("one", 0.3, seed=1))[0] == ["one"]


@pytest.mark.parametrize("sharpe", [0.08, 0.09, 0.1, 0.11, 0.13, 0.15])
def test_a_round_judges_by_what_the_run_will_judge_by(sharpe: float) -> None:
    """The run sees the proposal only, and comes to the same numbers."""
    there = candidate("there", 0.0, seed=5, slow=60.0)
    one = candidate("one", sharpe, seed=3, fast=3.0, slow=12.0)
    luck = (400, 0.01, 400)
    proposals, (finalist,) = choose(TASK, [one], [there], luck)
    if not proposals:  # a round in which nothing is luck proposes it
        sure, _ = choose(TASK, [one], [], (luck[0], 0.0, luck[2]))
        assert sure, "it has profit and trades"
        doubted = replace(sure[0].backtest, trials_deviation=luck[1])
        proposals = (replace(sure[0], backtest=doubted),)
    run = folded([*opening([there.variant]), *ticks(10), Propose(1, proposals, "reoptimizer")])
    (found,) = run.of(Admission)
    assert isinstance(found, Admission)
    assert found.conditions == finalist.conditions[:3]
    assert found.admitted == (not stopped_by(finalist.conditions))


def test_of_few_known_trials_the_spread_is_that_of_chance_here_and_in_the_run() -> None:
    """29 ratios that are all alike would make the best of a thousand trials look like no luck."""
    chance = 1.0 / (BARS - 1) ** 0.5
    for known, spread in ((29, chance), (30, 0.001)):
        (proposal,), _ = choose(TASK, [candidate("one")], [], (1_000, 0.001, known))
        assert proposal.backtest.trials_deviation == pytest.approx(spread)
    weak = candidate("one", 0.1)
    assert judged(weak, luck=(1_000, 0.001, 30))[0] == ["one"]
    assert judged(weak, luck=(1_000, 0.001, 29))[1]["one"].stopped_by == ("luck_of_many",)


def test_what_is_proposed_carries_the_trials_it_was_chosen_from() -> None:
    (proposal,), _ = choose(TASK, [candidate("one")], [], (12_345, 0.01, 12_345))
    test = proposal.backtest
    assert (test.bars, test.trades, test.trials, test.trials_deviation) == (BARS, 60, 12_345, 0.01)
    assert test.sharpe == pytest.approx(0.3)
