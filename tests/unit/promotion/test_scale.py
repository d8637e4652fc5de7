"""How wild the market is: from what came before, never asleep, and what a crash would cost."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.promotion.scale import CRASH, DECAY, HALF_LIFE, KNOWN, LEAST, Scale


@st.composite
def markets(draw: st.DrawFn) -> list[float]:
    """Moves of a market that sleeps at times and wakes."""
    rng, bars = np.random.default_rng(draw(st.integers(0, 2**32))), draw(st.integers(0, 80))
    found = rng.standard_t(3, bars) * 0.01 * 4.0 ** rng.integers(-2, 3, bars)
    return [float(x) for x in np.where(rng.random(bars) < 0.2, 0.0, found)]


moves = markets()
few = st.lists(st.floats(-0.3, 0.3), max_size=KNOWN)
known = st.lists(st.floats(0.001, 0.3), min_size=KNOWN, max_size=60)


def after(seen: list[float]) -> Scale:
    found = Scale()
    for move in seen:
        found.see(move)
    return found


def plain(seen: list[float]) -> float:
    """Each square beside the mean of those before it, the newest weighing most."""
    wild = 1.0
    for t in range(KNOWN, len(seen)):
        mean = math.fsum(x * x for x in seen[:t]) / t
        if mean > 0.0:
            wild = DECAY * wild + (1.0 - DECAY) * seen[t] * seen[t] / mean
    return wild


@given(moves)
def test_it_is_the_recent_mean_square_over_that_of_the_long_run(seen: list[float]) -> None:
    assert after(seen).wild == pytest.approx(plain(seen), rel=1e-9)
    assert after(seen).ratio == pytest.approx(max(0.5, math.sqrt(plain(seen))), rel=1e-9)


@given(few)
def test_before_there_is_a_long_run_the_market_is_as_ever(seen: list[float]) -> None:
    assert after(seen).ratio == 1.0


@given(known)
def test_a_market_that_sleeps_makes_no_small_difference_large(seen: list[float]) -> None:
    assert after(seen + [0.0] * 1_000).ratio == LEAST


@given(known, st.floats(0.0, 0.3), st.floats(0.0, 0.3))
def test_a_larger_move_is_never_a_calmer_market(
    seen: list[float], one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert after([*seen, low]).ratio <= after([*seen, high]).ratio


@given(moves)
def test_falls_and_rises_are_equally_wild(seen: list[float]) -> None:
    assert after([-x for x in seen]) == after(seen)


@given(moves, st.integers(-20, 20))
def test_the_unit_of_the_moves_does_not_matter(seen: list[float], power: int) -> None:
    assert after([x * 2.0**power for x in seen]).wild == after(seen).wild


def test_a_long_run_is_known_after_twenty_bars() -> None:
    assert after([0.01] * KNOWN + [0.02]).wild == pytest.approx(DECAY + (1.0 - DECAY) * 4.0)
    assert after([0.01] * (KNOWN - 1) + [0.02]).wild == 1.0
    assert after([0.0] * KNOWN + [0.02]).wild == 1.0


def test_half_of_what_is_known_is_of_the_last_fifty() -> None:
    assert DECAY == 0.5 ** (1 / HALF_LIFE)
    calm = after([0.01] * 100_000)
    assert calm.wild == pytest.approx(1.0, abs=1e-9)
    for _ in range(HALF_LIFE):
        calm.see(0.0)
    assert calm.wild == pytest.approx(0.5, abs=1e-9)


@given(moves, st.integers(0, 80))
def test_a_scale_that_was_kept_goes_on_as_it_was(seen: list[float], cut: int) -> None:
    found = msgspec.msgpack.decode(msgspec.msgpack.encode(after(seen[:cut])), type=Scale)
    for move in seen[cut:]:
        found.see(move)
    assert found == after(seen)


# What a crash would cost.

CRASHES = (
    # fraction, leverage, stop, largest move -> share of the equity
    (1.0, 1.0, None, 0.1, 0.3),
    (0.5, 1.0, None, 0.1, 0.15),
    (1.0, 2.0, None, 0.1, 0.6),
    (1.0, 5.0, None, 0.1, 1.0),
    (0.2, 50.0, None, 0.1, 0.2),
    (1.0, 1.0, 0.2, 0.1, 0.2),
    (1.0, 3.0, 0.2, 0.1, 0.3),
    (0.5, 3.0, 0.2, 0.1, 0.15),
    (1.0, 20.0, 0.2, 0.1, 1.0),
    (1.0, 1.0, 0.0, 0.1, 0.1),
)


@pytest.mark.parametrize(("fraction", "leverage", "stop", "largest", "loss"), CRASHES)
def test_a_crash_is_three_times_the_largest_move_and_a_stop_lets_one_through(
    fraction: float, leverage: float, stop: float | None, largest: float, loss: float
) -> None:
    found = after([0.05, -largest, 0.02])
    assert found.largest == largest
    assert found.crash(fraction, leverage, stop) == pytest.approx(loss, rel=1e-12)


@given(moves, st.floats(0.0, 1.0), st.floats(1.0, 100.0), st.none() | st.floats(0.0, 1.0))
def test_nobody_loses_more_than_the_position_holds(
    seen: list[float], fraction: float, leverage: float, stop: float | None
) -> None:
    loss = after(seen).crash(fraction, leverage, stop)
    assert 0.0 <= loss <= fraction
    assert loss <= after([*seen, 0.3]).crash(fraction, leverage, stop)


def test_without_a_move_there_is_no_crash_but_the_stop() -> None:
    assert Scale().crash(1.0, 10.0, None) == 0.0
    assert Scale().crash(1.0, 10.0, 0.02) == 0.02
    assert CRASH == 3.0
