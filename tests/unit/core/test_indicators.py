"""Each indicator on numbers small enough to check by hand; whole series are in the TA-Lib test."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from liveopt.core.indicators import (
    clamp,
    directional,
    ema,
    higher,
    lower,
    moving_mean,
    moving_squares,
    parting,
    position,
    scaled,
    side,
    since,
    sized,
    strength,
    wilder,
    zone,
)


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (strength, (0.0, 0.0), 0.0),
        (strength, (3.0, 1.0), 75.0),
        (strength, (0.0, 1.0), 0.0),
        (clamp, (5.0, -1.0, 1.0), 1.0),
        (clamp, (-5.0, -1.0, 1.0), -1.0),
        (clamp, (0.5, -1.0, 1.0), 0.5),
        (sized, (-2.0,), 2.0),
        (sized, (2.0,), 2.0),
        (position, (3.0, 2.0, 6.0), 0.25),
        (position, (3.0, 3.0, 3.0), 0.5),
        (higher, (1.0, 2.0), 2.0),
        (higher, (2.0, 1.0), 2.0),
        (lower, (1.0, 2.0), 1.0),
        (lower, (2.0, 1.0), 1.0),
        (scaled, (1.0, 4.0), 0.25),
        (scaled, (-9.0, 4.0), -1.0),
        (scaled, (1.0, 5e-324), 1.0),
        (scaled, (1.0, 0.0), 0.0),
        (side, (2.0, 1.0, -1.0), 1.0),
        (side, (1.0, 2.0, 1.0), -1.0),
        (side, (2.0, 2.0, -1.0), -1.0),
        (side, (2.0, 2.0, 1.0), 1.0),
        (zone, (3.0, 1.0, 2.0), 1.0),
        (zone, (0.0, 1.0, 2.0), -1.0),
        (zone, (2.0, 1.0, 2.0), 0.0),
        (since, (3.0, 5.0), 1.0),
        (since, (6.0, 5.0), 1.0),
        (since, (9.0, 5.0), 0.25),
        (parting, (7.0, 3.0, 1 / 4, 1 / 4), 3.0),
        (parting, (7.0, 3.0, 1 / 5, 1 / 4), 7.0),
        (directional, (3.0, 1.0), 50.0),
        (directional, (1.0, 3.0), 50.0),
        (directional, (0.0, 0.0), 0.0),
    ],
)
def test_an_indicator_is_what_it_says(
    function: Callable[..., float], arguments: tuple[float, ...], expected: float
) -> None:
    assert function(*arguments) == expected


def test_an_exponential_mean_is_plain_until_its_window_is_full() -> None:
    values, last = [4.0, 8.0, 12.0, 20.0], 0.0
    means = []
    for n, value in enumerate(values, start=1):
        last = ema(last, value, 1 / n, 1 / 3, 0.5)
        means.append(last)
    assert means == pytest.approx([4.0, 6.0, 8.0, 14.0])


def test_wilders_mean_is_plain_until_its_window_is_full() -> None:
    values, last = [4.0, 8.0, 12.0, 20.0], 0.0
    means = []
    for n, value in enumerate(values, start=1):
        last = wilder(last, value, 1 / n, 1 / 3)
        means.append(last)
    assert means == pytest.approx([4.0, 6.0, 8.0, 12.0])


def moments(values: list[float], window: int) -> list[tuple[float, float]]:
    """Mean and variance of the last `window` values at each of them."""
    mean, squares, out = 0.0, 0.0, []
    for i, value in enumerate(values):
        left = values[i - window] if i >= window else 0.0
        seen_inv, window_inv = 1 / (i + 1), 1 / window
        gone = parting(left, mean, seen_inv, window_inv)
        after = moving_mean(mean, value, gone, seen_inv, window_inv)
        squares = moving_squares(squares, value, gone, mean, after)
        mean = after
        out.append((mean, squares / min(i + 1, window)))
    return out


@pytest.mark.parametrize("level", [0.0, 1e-8, 1.0, 1e8])
@pytest.mark.parametrize("move", [1e-6, 1e-3])
def test_mean_and_variance_are_those_of_the_window_at_any_price_level(
    level: float, move: float
) -> None:
    steps = np.random.default_rng(1).normal(0.0, move, 500)
    values = (level * np.exp(np.cumsum(steps)) if level else np.cumsum(steps)).tolist()
    for i, (mean, variance) in enumerate(moments(values, 20)):
        window = values[max(0, i - 19) : i + 1]
        scale = max(map(abs, window))
        assert mean == pytest.approx(np.mean(window), rel=1e-12, abs=1e-15 * scale)
        assert variance == pytest.approx(np.var(window), rel=1e-6, abs=1e-22 * scale * scale)


@pytest.mark.parametrize("price", [1e-8, 100.1, 1e8])
def test_a_market_that_stands_still_is_its_own_mean_without_variance(price: float) -> None:
    assert set(moments([price] * 50, 7)) == {(price, 0.0)}


def test_the_variance_after_a_move_has_left_the_window_is_never_negative() -> None:
    values = [100.1] * 10 + [137.7, 71.3] + [100.1] * 40
    found = [variance for _, variance in moments(values, 5)]
    assert min(found) == 0.0
    assert found[-1] == pytest.approx(0.0, abs=1e-10)


def test_a_flat_market_never_moves_a_recursive_mean() -> None:
    last = 0.0
    for n in range(1, 100):
        last = ema(last, 100.1, 1 / n, 1 / 20, 2 / 21)
        assert last == 100.1


def test_to_touch_a_line_is_not_to_cross_it() -> None:
    last, sides = 0.0, []
    for value in (5.0, 5.0, 6.0, 5.0, 6.0, 4.0, 5.0):
        last = side(value, 5.0, last)
        sides.append(last)
    assert sides == [0.0, 0.0, 1.0, 1.0, 1.0, -1.0, -1.0]
    assert [a != b for a, b in pairwise(sides)].count(True) == 2
