"""The new champion beside the old: bets as by hand, and no alarm while it is the better."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.promotion.watch import LENGTH, LOSS_MOST, STAKES, Watch

differences = st.lists(
    st.tuples(st.floats(-0.5, 0.5), st.floats(0.5, 4.0)), min_size=1, max_size=40
)
UNIT, PROMISED = 0.01, 0.3


def watch() -> Watch:
    return Watch("old", UNIT, PROMISED)


def after(bars: list[tuple[float, float]]) -> Watch:
    found = watch()
    for difference, ratio in bars:
        found.see(difference, ratio)
    return found


def bets(gains: list[float]) -> list[float]:
    """The capital of each stake: never begun with less than one, never less than nothing."""
    found = []
    for stake in STAKES.tolist():
        capital = 0.0
        for gain in gains:
            capital = max(capital, 1.0) * max(1.0 + stake * gain, 0.0)
        found.append(capital)
    return found


@given(differences)
def test_both_bet_on_decline_as_by_hand(bars: list[tuple[float, float]]) -> None:
    y = [max(d / (UNIT * ratio), -LOSS_MOST) for d, ratio in bars]
    found = after(bars)
    assert found.demoting == pytest.approx(bets([-x for x in y]), rel=1e-12)
    assert found.warning == pytest.approx(bets([0.5 * PROMISED - x for x in y]), rel=1e-12)
    assert found.evidence == pytest.approx(sum(bets([-x for x in y])) / 4.0, rel=1e-12)
    assert found.bars == len(bars)


@given(st.lists(st.floats(0.0, 1.0), max_size=200))
def test_there_is_no_demotion_while_it_is_never_behind(bars: list[float]) -> None:
    found = after([(x, 1.0) for x in bars])
    assert found.evidence <= 1.0
    assert not found.demotes


@given(st.lists(st.floats(0.5 * PROMISED * UNIT, 1.0), max_size=200))
def test_there_is_no_warning_while_it_holds_half_of_what_was_promised(bars: list[float]) -> None:
    assert not after([(x, 1.0) for x in bars]).warns


def test_a_thousand_bars_of_what_was_promised_raise_nothing() -> None:
    found = after([(PROMISED * UNIT, 1.0)] * 1_000)
    assert not found.demotes
    assert not found.warns


def test_a_champion_that_loses_is_warned_of_first_and_then_demoted() -> None:
    found, warned, demoted = watch(), 0, 0
    for bar in range(1, 200):
        found.see(-0.5 * UNIT, 1.0)
        warned = warned or bar * found.warns
        demoted = demoted or bar * found.demotes
    assert 0 < warned < demoted
    expected = next(n for n in range(1, 200) if sum(bets([0.5] * n)) / 4.0 >= LENGTH)
    assert demoted == expected


def test_a_long_good_time_delays_no_alarm() -> None:
    bad = [(-0.5 * UNIT, 1.0)] * 60
    assert after([(UNIT, 1.0)] * 500 + bad).evidence == pytest.approx(
        after([(0.0, 1.0), *bad]).evidence, rel=1e-12
    )


def test_one_crash_is_no_decline() -> None:
    crash = after([(-1e9, 1.0)])
    assert crash.evidence == after([(-LOSS_MOST * UNIT, 1.0)]).evidence
    assert crash.evidence == pytest.approx(sum(1.0 + 8.0 * s for s in STAKES.tolist()) / 4.0)
    assert not crash.demotes


def test_a_great_gain_leaves_no_debt() -> None:
    found = after([(-UNIT, 1.0), (1e9, 1.0)])
    assert found.demoting == [0.0] * 4
    assert found.evidence == 0.0


def test_in_a_wild_market_the_same_difference_tells_less() -> None:
    assert after([(-UNIT, 2.0)] * 9).demoting == after([(-0.5 * UNIT, 1.0)] * 9).demoting


def test_the_capital_of_the_worst_champion_stays_a_number() -> None:
    found = after([(-1.0, 1.0)] * 3_000)
    assert all(math.isfinite(c) for c in found.demoting + found.warning)
    assert found.demotes
    found.see(1e9, 1.0)
    assert found.evidence == 0.0


@given(differences, st.integers(0, 40))
def test_a_watch_that_was_kept_goes_on_as_it_was(bars: list[tuple[float, float]], cut: int) -> None:
    found = msgspec.msgpack.decode(msgspec.msgpack.encode(after(bars[:cut])), type=Watch)
    for difference, ratio in bars[cut:]:
        found.see(difference, ratio)
    assert found == after(bars)
