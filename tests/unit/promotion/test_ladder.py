"""The worlds' budget: never overspent, never given back, and no threshold without evidence."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.promotion.ladder import LONE, STEPS, Ladder, Step

Array = npt.NDArray[np.float64]
Climb = tuple[float, int, list[tuple[float, Array]]]


@st.composite
def climbs(draw: st.DrawFn, ties: bool = False) -> Climb:
    """A deciding level, a number of worlds, and looks: the share spent and each world's best."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    worlds = draw(st.sampled_from([19, 99, 300]))
    shares = sorted(draw(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)))
    looks = []
    for share in shares:
        best = rng.normal(2.0, 2.0, worlds)
        best[rng.random(worlds) < 0.2] = -1e300
        looks.append((share, np.round(best) if ties else best))
    return draw(st.sampled_from([0.045, 0.2, 0.9])), worlds, looks


def climbed(climb: Climb) -> Iterator[tuple[float, Array, list[Step], Ladder]]:
    """Look after look."""
    alpha, worlds, looks = climb
    ladder = Ladder(alpha, worlds)
    for share, best in looks:
        yield share, best, ladder.climb(best, share), ladder


def plain(level: float, least: float, climb: Climb) -> list[Step]:
    """One level, world by world, from the highest down."""
    _, worlds, looks = climb
    living, found = set(range(worlds)), []
    for share, best in looks:
        allowed = math.floor(level * share * (worlds + 1) + 1e-9)
        left, threshold = allowed - (worlds - len(living)), math.inf
        if left > 0:
            highest = sorted((best[w] for w in living), reverse=True)
            threshold = max(least, highest[left - 1]) if left <= len(highest) else least
        living = {w for w in living if best[w] < threshold}
        found.append(Step(allowed, worlds - len(living), threshold))
    return found


@given(st.booleans().flatmap(climbs))
def test_every_level_is_walked_as_by_hand(climb: Climb) -> None:
    looks = [steps for _, _, steps, _ in climbed(climb)]
    for n, level in enumerate((climb[0], *STEPS)):
        assert [steps[n] for steps in looks] == plain(level, 0.0 if n else LONE, climb)


@given(climbs())
def test_no_more_worlds_are_crossed_than_allowed(climb: Climb) -> None:
    for share, _, steps, ladder in climbed(climb):
        for level, step in zip(ladder.levels, steps, strict=True):
            assert step.crossed <= step.allowed <= level * share * (climb[1] + 1) + 1e-9


@given(climbs(ties=True))
def test_more_are_crossed_only_where_they_are_equal(climb: Climb) -> None:
    before = np.ones((1 + len(STEPS), climb[1]), np.bool_)
    for _, best, steps, ladder in climbed(climb):
        for n, step in enumerate(steps):
            lost = best[before[n] & ~ladder.alive[n]]
            spare = step.allowed - int(np.count_nonzero(~before[n]))
            if len(lost) > max(spare, 0):
                assert np.count_nonzero(lost > step.threshold) < spare
        before = ladder.alive.copy()


@given(st.booleans().flatmap(climbs))
def test_the_crossed_never_come_back(climb: Climb) -> None:
    before = np.ones((1 + len(STEPS), climb[1]), np.bool_)
    for _, _, steps, ladder in climbed(climb):
        assert not (ladder.alive & ~before).any()
        assert [s.crossed for s in steps] == (~ladder.alive).sum(axis=1).tolist()
        before = ladder.alive.copy()


@given(climbs())
def test_what_decides_is_always_evidence_of_its_own(climb: Climb) -> None:
    for _, _, steps, _ in climbed(climb):
        assert steps[0].threshold >= LONE
        assert all(step.threshold >= 0.0 for step in steps)


@given(climbs())
def test_who_crosses_is_above_all_worlds_that_live_on(climb: Climb) -> None:
    before = np.ones((1 + len(STEPS), climb[1]), np.bool_)
    for _, best, steps, ladder in climbed(climb):
        for n, step in enumerate(steps):
            assert (best[ladder.alive[n]] < step.threshold).all()
            assert (best[before[n] & ~ladder.alive[n]] >= step.threshold).all()
        before = ladder.alive.copy()


@given(climbs())
def test_a_larger_level_may_always_spend_more(climb: Climb) -> None:
    for _, _, steps, _ in climbed(climb):
        allowed = [step.allowed for step in steps[1:]]
        assert allowed == sorted(allowed, reverse=True)


def test_the_levels_are_the_deciding_one_and_then_the_largest_first() -> None:
    levels = Ladder(0.045, 9).levels
    assert levels[0] == 0.045
    assert list(levels[1:]) == sorted(set(STEPS), reverse=True)


def test_nothing_is_spent_at_the_start() -> None:
    steps = Ladder(0.045, 999).climb(np.full(999, 50.0), 0.0)
    assert {(s.allowed, s.crossed, s.threshold) for s in steps} == {(0, 0, math.inf)}


@pytest.mark.parametrize(("share", "allowed"), [(0.5, 22), (1.0, 45), (22.0 / 45.0, 22)])
def test_the_budget_is_the_share_of_the_error_in_whole_worlds(share: float, allowed: int) -> None:
    assert Ladder(0.045, 999).climb(np.zeros(999), share)[0].allowed == allowed


def test_what_is_not_spent_is_left_for_later() -> None:
    ladder = Ladder(0.05, 99)
    low, high = np.linspace(0.0, 2.9, 99), np.linspace(3.0, 9.0, 99)
    assert ladder.climb(low, 0.8)[0] == Step(4, 0, LONE)
    assert ladder.climb(high, 0.8)[0] == Step(4, 4, high[-4])
    assert ladder.climb(high, 0.8)[0] == Step(4, 4, math.inf)
    assert ladder.climb(high, 1.0)[0] == Step(5, 5, high[-5])


def test_equal_worlds_go_together_and_the_next_looks_pay_for_it() -> None:
    ladder, best = Ladder(0.05, 99), np.zeros(99)
    best[:8] = 5.0
    assert ladder.climb(best, 0.4)[0] == Step(2, 8, 5.0)
    assert ladder.climb(np.full(99, 9.0), 1.0)[0] == Step(5, 8, math.inf)


def test_one_in_twenty_is_the_least_evidence() -> None:
    assert math.log(20.0) == LONE
