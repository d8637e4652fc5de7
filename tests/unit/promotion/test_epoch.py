"""All evidence against one champion: slots, both tracks, and that nobody's depends on others."""

from concurrent.futures import ThreadPoolExecutor
from math import exp, inf, log

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.promotion.epoch import AGE, COUNT, SQUARES, TOTAL, TRACKS, Epoch
from liveopt.promotion.ladder import LONE, Ladder, Step
from liveopt.promotion.signs import signs
from liveopt.promotion.terms import GateTerms, spent
from liveopt.stats.evidence import log_mixture
from tests.unit.promotion.drive import TERMS, Array, drive, noise, opened, same, whole

few = settings(max_examples=15)
seeds = st.integers(0, 2**32)


def names(count: int, first: int = 0) -> list[str]:
    return [f"v{n}" for n in range(first, first + count)]


def steady(bars: int, others: int, edge: float = 0.01) -> Array:
    """The first always gains the same, the others sway without an edge."""
    found = noise(5, bars, 1 + others)
    found[:, 0] = edge
    return found


# Slots.


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), seeds), max_size=8))
@few
def test_whatever_comes_and_goes_the_weights_are_one_at_most(
    moves: list[tuple[int, int, int]],
) -> None:
    epoch, fill = Epoch(TERMS, 1), 1.0
    for come, go, seed in moves:
        epoch.admit(names(come, epoch.admitted))
        if epoch.names:
            drive(epoch, noise(seed, 15, len(epoch.names), edge=-0.005))
        taken = [slot for slot, name in enumerate(epoch.names) if name]
        epoch.dismiss(np.random.default_rng(seed).permutation(taken)[:go].tolist())
        assert np.exp(epoch.log_weight).sum() <= 1.0 + 1e-12
        assert epoch.fill <= fill
        assert epoch.fill <= len(epoch.names) / max(epoch.admitted, 1) or not epoch.admitted
        fill = epoch.fill


def test_the_first_share_nine_tenths_and_as_many_later_ones_the_rest() -> None:
    epoch = opened(names(4))
    assert np.exp(epoch.log_weight) == pytest.approx([0.225] * 4, rel=1e-14)
    epoch.admit(names(3, 4))
    epoch.admit(names(3, 7))
    expected = [0.225] * 4 + [0.025] * 4 + [0.0] * 2
    assert np.exp(epoch.log_weight) == pytest.approx(expected, rel=1e-14)


def test_who_comes_takes_the_freed_slots_first() -> None:
    epoch = opened(names(4))
    epoch.dismiss([1, 3])
    assert epoch.names == ["v0", "", "v2", ""]
    assert epoch.admit(["a"]) == [1]
    assert epoch.admit(["b", "c", "d"]) == [3, 4, 5]
    assert epoch.names == ["v0", "a", "v2", "b", "c", "d"]
    assert epoch.worlds.shape == (6, TERMS.worlds)


def test_the_budget_shrinks_by_slots_over_those_ever_admitted() -> None:
    epoch = opened(names(6))
    assert epoch.fill == 1.0
    epoch.dismiss([0, 1])
    assert epoch.fill == 1.0
    epoch.admit(names(2, 6))
    assert epoch.fill == 6 / 8
    epoch.admit(names(16, 8))
    assert epoch.fill == 6 / 8
    epoch.dismiss([0])
    epoch.admit(["x"])
    assert epoch.fill == 6 / 8


@given(seeds, st.floats(-0.02, 0.02))
@few
def test_a_freed_slot_keeps_what_is_left_of_its_share(seed: int, edge: float) -> None:
    epoch = opened(names(4))
    last = drive(epoch, noise(seed, 30, 4, edge))[-1]
    before = epoch.log_weight.copy()
    epoch.dismiss([1, 2])
    assert epoch.log_weight[[0, 3]].tolist() == before[[0, 3]].tolist()
    for slot in (1, 2):
        assert epoch.log_weight[slot] == before[slot] + min(0.0, last.evidence[slot])


@given(seeds)
@few
def test_the_worlds_keep_the_best_of_those_who_left(seed: int) -> None:
    epoch = opened(names(6))
    best = np.full(TERMS.worlds, -inf)
    for slots in ([0, 4], [], [1, 2]):
        last = drive(epoch, noise(seed, 20, 6))[-1]
        for slot in slots:
            own = log_mixture(epoch.worlds[slot], last.spread[slot], TERMS.rho)
            best = np.maximum(best, np.where(epoch.worlds[slot] > 0.0, own, -1e300))
        epoch.dismiss(slots)
        assert epoch.retired.tolist() == best.tolist()


def test_the_worlds_are_held_to_the_best_of_those_who_left() -> None:
    epoch = opened(names(3))
    drive(epoch, noise(2, 55, 3))
    epoch.retired[:10] = np.arange(30.0, 40.0)
    outcome = drive(epoch, noise(3, 5, 3))[-1]
    assert outcome.steps[0] == Step(4, 4, 36.0)  # of 99 worlds .045 * 100, the best of the ten


@pytest.mark.parametrize(("admitted", "allowed"), [(3, 4), (4, 3), (6, 2), (15, 0)])
def test_the_more_were_ever_admitted_the_fewer_worlds_may_be_crossed(
    admitted: int, allowed: int
) -> None:
    epoch = opened(names(3))
    for n in range(3, admitted):
        epoch.dismiss([n % 3])
        epoch.admit([f"v{n}"])
    assert drive(epoch, noise(1, 60, 3))[-1].steps[0].allowed == allowed


def test_nothing_of_who_left_stays_in_the_slot() -> None:
    epoch = opened(names(3))
    drive(epoch, steady(60, 2))
    assert TRACKS[epoch.passed[0]]
    epoch.dismiss([0])
    assert not epoch.sums[:, 0].any()
    assert not epoch.worlds[0].any()
    assert (epoch.top[0], epoch.level[0], epoch.passed[0]) == (-inf, 1.0, 0)
    drive(epoch, noise(1, 5, 3), present=np.tile([False, True, True], (5, 1)))
    assert epoch.p_value(0) == 1.0


def test_nobody_comes_or_goes_while_a_look_is_under_way_or_bars_wait_for_one() -> None:
    epoch = opened(names(2))
    for _ in range(TERMS.look_every):
        epoch.tally(np.zeros(2), np.ones(2, np.bool_))
    for change in (lambda: epoch.admit(["a"]), lambda: epoch.dismiss([0])):
        with pytest.raises(AssertionError):
            change()
    epoch.settle()
    epoch.tally(np.zeros(2), np.ones(2, np.bool_))
    for change in (lambda: epoch.admit(["a"]), lambda: epoch.dismiss([0])):
        with pytest.raises(AssertionError):
            change()


# Looks.


@given(seeds, st.integers(1, 6))
@few
def test_a_look_is_what_plain_arithmetic_finds(seed: int, count: int) -> None:
    epoch = opened(names(count))
    outcomes = drive(epoch, noise(seed, 60, count, 0.003))
    seen = np.zeros((60, count))
    again, sums = opened(names(count)), np.zeros(count)
    ladder = Ladder(TERMS.alpha_worlds, TERMS.worlds)
    for t, row in enumerate(noise(seed, 60, count, 0.003)):
        again.settle()
        again.tally(row, np.ones(count, np.bool_))
        seen[t], sums = again.sums[TOTAL] - sums, again.sums[TOTAL].copy()
        if (t + 1) % TERMS.look_every:
            continue
        squares, n = (seen * seen).sum(axis=0), again.sums[COUNT]
        spread = np.maximum(squares, (squares + 2.0 * n) / 3.0)
        worlds = signs((TERMS.seed, 1), 0, t + 1, TERMS.worlds).astype(np.float64).T @ seen[: t + 1]
        full = np.where(worlds > 0.0, log_mixture(worlds, spread, TERMS.rho), -1e300)
        steps = ladder.climb(full.max(axis=1), spent(TERMS, t + 1))
        outcome = outcomes[t // TERMS.look_every]
        assert outcome.bar == t + 1
        assert outcome.evidence.tolist() == log_mixture(sums, spread, TERMS.rho).tolist()
        assert outcome.spread.tolist() == spread.tolist()
        assert list(outcome.steps) == steps
        for n_th, step in enumerate(steps):
            assert outcome.crossed[n_th].tolist() == (outcome.evidence > step.threshold).tolist()


def test_there_is_a_look_at_every_fifth_bar_and_its_result_is_given_once() -> None:
    epoch = opened(names(2))
    assert [o.bar for o in drive(epoch, noise(1, 23, 2))] == [5, 10, 15, 20]
    assert epoch.settle() is None
    drive(epoch, noise(2, 2, 2), before=lambda e: None)
    assert epoch.settle() is None


def test_the_next_bar_waits_for_the_look() -> None:
    epoch = opened(names(1))
    drive(epoch, noise(1, 4, 1))
    epoch.tally(np.zeros(1), np.ones(1, np.bool_))
    with pytest.raises(AssertionError):
        epoch.tally(np.zeros(1), np.ones(1, np.bool_))


@given(seeds)
@few
def test_another_thread_may_do_the_look(seed: int) -> None:
    bars = noise(seed, 70, 5, 0.002)
    here, there = opened(names(5)), opened(names(5))
    with ThreadPoolExecutor(1) as pool:

        def hand_over(epoch: Epoch) -> None:
            if epoch.work is not None:
                epoch.work = pool.submit(epoch.work).result

        found = drive(there, bars, before=hand_over)
    for one, other in zip(drive(here, bars), found, strict=True):
        assert same(one, other)
    assert whole(here) == whole(there)


@given(seeds)
@few
def test_of_the_others_only_their_size_touches_ones_evidence(seed: int) -> None:
    bars = noise(seed, 40, 5, 0.003)
    signs = np.random.default_rng(seed + 1).choice([-1.0, 1.0], bars.shape)
    for slot in range(5):
        signs[:, slot] = 1.0
        together = drive(opened(names(5)), bars)
        turned = drive(opened(names(5)), bars * signs)
        for one, other in zip(together, turned, strict=True):
            assert one.evidence[slot] == other.evidence[slot]
            assert one.spread[slot] == other.spread[slot]


def test_who_shows_no_risk_is_measured_by_that_of_the_others() -> None:
    bars = noise(5, 40, 8, 0.0)
    bars[:, 0] = 0.0005  # a little, every time
    calm, wild = opened(names(8)), opened(names(8))
    drive(calm, bars)
    bars[:, 7] *= 1_000.0  # a single one is no measure
    drive(wild, bars)
    alone = opened(names(1))
    drive(alone, bars[:, :1].copy())
    assert calm.unit(0) == pytest.approx(0.015, abs=0.005)
    assert wild.unit(0) == pytest.approx(0.015, abs=0.005)
    assert alone.unit(0) == pytest.approx(0.0005)
    assert wild.unit(7) == pytest.approx(15.0, rel=0.5)
    assert opened(names(1)).unit(0) is None


def test_who_stakes_more_is_expected_to_differ_by_more() -> None:
    epoch = Epoch(opened([]).terms, 1)
    epoch.admit(names(6), np.array([1.0, 1.0, 1.0, 1.0, 4.0, 0.25]))
    bars = noise(5, 40, 6, 0.0)
    bars[:, 4:] = 1e-6
    drive(epoch, bars)
    typical = epoch.unit(4)
    assert typical is not None
    assert epoch.unit(5) == pytest.approx(typical / 16.0)


@given(seeds)
@few
def test_another_order_of_the_variants_is_only_another_order(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(6)
    bars = noise(seed, 60, 6, 0.004)
    one, other = opened(names(6)), opened(names(6))
    looks = drive(one, bars), drive(other, np.ascontiguousarray(bars[:, order]))
    for first, second in zip(*looks, strict=True):
        assert first.steps == second.steps
        assert first.evidence[order].tolist() == second.evidence.tolist()
        assert first.crossed[:, order].tolist() == second.crossed.tolist()
    for held in ("top", "level", "passed"):
        assert getattr(one, held)[order].tolist() == getattr(other, held).tolist()


def test_another_seed_or_epoch_has_other_worlds() -> None:
    bars = noise(1, 60, 3)
    found = []
    for seed, number in ((7, 1), (8, 1), (7, 2)):
        epoch = Epoch(msgspec.structs.replace(TERMS, seed=seed), number)
        epoch.admit(names(3))
        drive(epoch, bars)
        found.append(epoch.worlds.tobytes())
    assert len(set(found)) == 3


def test_the_variance_is_no_less_than_that_of_whole_units_would_allow() -> None:
    epoch = opened(names(2))
    drive(epoch, noise(1, 20, 2))
    epoch.sums[SQUARES], epoch.sums[COUNT] = [30.0, 3.0], [12.0, 12.0]
    assert [epoch.spread(0), epoch.spread(1)] == [30.0, 9.0]


# Who has passed.


def test_a_lucky_one_passes_by_the_worlds_before_it_does_by_itself() -> None:
    epoch = opened(names(40))
    drive(epoch, steady(60, 39))
    assert TRACKS[epoch.passed[0]] == "worlds"
    assert epoch.top[0] < log(1.0 / TERMS.alpha_each)


def test_who_has_much_passes_by_itself() -> None:
    terms = msgspec.structs.replace(TERMS, alpha_worlds=0.0)
    epoch = opened(names(2), terms)
    looks = drive(epoch, steady(60, 1))
    need = log(1.0 / TERMS.alpha_each) - log(0.45)
    assert looks[-1].evidence[0] >= need
    assert [TRACKS[n] for n in epoch.passed] == ["each", ""]


@pytest.mark.parametrize(("share", "passes"), [(0.999, False), (1.001, True)])
def test_evidence_times_weight_must_reach_one_over_the_error(share: float, passes: bool) -> None:
    last = drive(opened(names(2)), steady(40, 1))[-1]
    error = exp(-(float(last.evidence[0]) + log(0.45)))
    epoch = opened(
        names(2), msgspec.structs.replace(TERMS, alpha_worlds=0.0, alpha_each=error * share)
    )
    drive(epoch, steady(40, 1))
    assert bool(epoch.passed[0]) is passes


def test_who_is_young_does_not_pass_by_the_worlds() -> None:
    bars = steady(60, 39)
    epoch = opened(names(40), msgspec.structs.replace(TERMS, bars_min=61))
    looks = drive(epoch, bars)
    assert looks[-1].crossed[0, 0]
    assert epoch.sums[AGE, 0] == 60.0
    assert not epoch.passed.any()
    epoch = opened(names(40), msgspec.structs.replace(TERMS, bars_min=60))
    drive(epoch, bars)
    assert TRACKS[epoch.passed[0]] == "worlds"


@given(seeds)
@few
def test_who_passes_by_the_worlds_has_evidence_of_its_own(seed: int) -> None:
    epoch = opened(names(8))
    for outcome in drive(epoch, noise(seed, 60, 8, 0.006)):
        assert (outcome.evidence[outcome.crossed[0]] > LONE).all()


def test_whoever_has_passed_has_passed() -> None:
    epoch = opened(names(40))
    drive(epoch, steady(60, 39))
    last = drive(epoch, np.vstack([-3.0 * steady(40, 39), steady(400, 39)]))
    assert min(o.evidence[0] for o in last) < 0.0
    assert last[-1].evidence[0] > log(40.0 / 0.9 / TERMS.alpha_each)
    assert TRACKS[epoch.passed[0]] == "worlds"


def test_after_the_season_only_ones_own_evidence_counts() -> None:
    epoch = opened(names(40))
    drive(epoch, noise(5, 60, 40))
    worlds, alive = epoch.worlds.copy(), epoch.ladder.alive.copy()
    before = int(np.count_nonzero(epoch.passed))
    looks = drive(epoch, steady(200, 39))
    assert all(not o.steps and not o.crossed.any() for o in looks)
    assert np.array_equal(epoch.worlds, worlds)
    assert np.array_equal(epoch.ladder.alive, alive)
    assert before == 0
    assert TRACKS[epoch.passed[0]] == "each"


# What is shown.


@given(seeds)
@few
def test_the_p_value_never_rises_and_tells_who_has_passed(seed: int) -> None:
    epoch, shown = opened(names(6)), [1.0] * 6

    def look(it: Epoch) -> None:
        it.settle()
        now = [it.p_value(slot) for slot in range(6)]
        assert all(0.0 <= p <= q for p, q in zip(now, shown, strict=True))
        shown[:] = now

    drive(epoch, noise(seed, 60, 6, 0.006), before=look)
    look(epoch)
    for slot in range(6):
        if epoch.passed[slot]:
            assert shown[slot] <= TERMS.alpha + 1e-6


def test_the_p_value_is_the_smaller_one_of_both_tracks_at_the_whole_error() -> None:
    epoch = opened(names(1))
    assert epoch.p_value(0) == 1.0
    epoch.top[0] = log(200.0)
    assert epoch.p_value(0) == pytest.approx(TERMS.alpha, abs=1e-6)
    epoch.level[0] = 0.01
    assert epoch.p_value(0) == pytest.approx(0.01 / 0.9, abs=1e-6)


def test_a_level_is_the_smallest_at_which_one_would_have_passed() -> None:
    epoch = opened(names(4))
    smallest = np.ones(4)
    for outcome in drive(epoch, steady(60, 3)):
        for level, crossed in zip(epoch.ladder.levels, outcome.crossed, strict=True):
            smallest = np.where(crossed, np.minimum(smallest, level), smallest)
    assert epoch.level.tolist() == smallest.tolist()
    assert epoch.level[0] < TERMS.alpha_worlds


@given(seeds)
@few
def test_the_interval_is_about_the_mean(seed: int) -> None:
    epoch = opened(names(3))
    drive(epoch, noise(seed, 40, 3))
    for slot in range(3):
        mean, low, high = epoch.interval(slot)
        assert mean == epoch.sums[TOTAL, slot] / epoch.sums[COUNT, slot]
        assert low < mean < high
        assert high - mean == pytest.approx(mean - low, rel=1e-12)


def test_of_nothing_there_is_no_interval() -> None:
    assert opened(names(1)).interval(0) == (0.0, -inf, inf)


def test_an_epoch_of_nobody_looks_at_nothing() -> None:
    epoch = Epoch(TERMS, 1)
    for outcome in drive(epoch, np.zeros((20, 0))):
        assert outcome.evidence.shape == (0,)
        assert outcome.steps[0].crossed == 0
    assert epoch.admit(["late"]) == [0]


def test_it_is_the_shipped_terms_that_an_epoch_takes() -> None:
    epoch = opened(names(2), GateTerms(seed=1))
    assert epoch.worlds.shape == (2, 999)
    assert epoch.ladder.levels[0] == 0.045


def test_who_is_warm_first_does_not_take_the_weight_of_the_others() -> None:
    epoch = Epoch(TERMS, 1)
    epoch.admit(["first"], expected=10)
    epoch.admit(names(9))
    assert np.exp(epoch.log_weight) == pytest.approx(0.09)
    epoch.admit([f"late{n}" for n in range(11)])
    assert np.exp(epoch.log_weight[10:20]) == pytest.approx(0.01)
    assert epoch.log_weight[20] == -np.inf
    assert np.exp(epoch.log_weight).sum() <= 1.0 + 1e-12
