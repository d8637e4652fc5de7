"""Indicators as recursions of one step: last value and new input in, next value out.

A mean starts as the plain average of what has been seen and turns into its recursion once its
window is full. That is the seed of the textbooks (and of TA-Lib), so a value is right from the
first bar that has a full window, not only after a long decay.
"""


def ema(last: float, value: float, seen_inv: float, window_inv: float, weight: float) -> float:
    """Exponential mean with `weight` = 2 / (window + 1), seeded by the plain mean of one window."""
    share = seen_inv if seen_inv >= window_inv else weight
    return last + share * (value - last)


def wilder(last: float, value: float, seen_inv: float, weight: float) -> float:
    """Wilder's mean, `weight` = 1 / window, seeded by the plain mean of one window."""
    share = seen_inv if seen_inv > weight else weight
    return last + share * (value - last)


def strength(up: float, down: float) -> float:
    """RSI in 0..100 from the means of gains and losses; 0 if nothing ever moved, as in TA-Lib."""
    total = up + down
    some = total > 0.0
    safe = total if some else 1.0
    return 100.0 * up / safe if some else 0.0


def clamp(value: float, low: float, high: float) -> float:
    """The nearest number to `value` within [low, high]."""
    floor = value if value > low else low
    return floor if floor < high else high


def sized(value: float) -> float:
    """The magnitude of a number."""
    return value if value >= 0.0 else -value


def position(value: float, low: float, high: float) -> float:
    """Where `value` stands between `low` (0) and `high` (1); the middle when they are equal."""
    span = high - low
    some = span > 0.0
    safe = span if some else 1.0
    return (value - low) / safe if some else 0.5


def higher(one: float, other: float) -> float:
    """The greater of two numbers."""
    return one if one > other else other


def lower(one: float, other: float) -> float:
    """The lesser of two numbers."""
    return one if one < other else other


def scaled(value: float, full: float) -> float:
    """`value` measured by `full` and kept within -1..1; 0 where there is nothing to measure by."""
    some = full > 0.0
    safe = full if some else 1.0
    return clamp(value / safe, -1.0, 1.0) if some else 0.0


def side(value: float, line: float, last: float) -> float:
    """1 above a line, -1 below it, the last side on it: to touch is not to cross."""
    below = -1.0 if value < line else last
    return 1.0 if value > line else below


def zone(value: float, low: float, high: float) -> float:
    """1 above a band, -1 below it, 0 within."""
    below = -1.0 if value < low else 0.0
    return 1.0 if value > high else below


def since(seen: float, start: float) -> float:
    """1 / bars seen after `start`: the `seen_inv` of a mean whose input begins late; 1 before."""
    return 1.0 / higher(seen - start, 1.0)


def parting(left: float, mean: float, seen_inv: float, window_inv: float) -> float:
    """What a window gives up for its next value; while it fills up, that changes nothing."""
    return left if seen_inv < window_inv else mean


def moving_mean(
    mean: float, value: float, gone: float, seen_inv: float, window_inv: float
) -> float:
    """Plain mean of a window when `value` enters and `gone` (see `parting`) leaves."""
    return mean + higher(seen_inv, window_inv) * (value - gone)


def moving_squares(last: float, value: float, gone: float, before: float, after: float) -> float:
    """Squared distances of a window from its mean, which moves from `before` to `after`.

    Welford's update with a value leaving: no difference of large squares, so a variance of small
    moves is right at any price level.
    """
    squares = last + (value - gone) * ((value - after) + (gone - before))
    return squares if squares > 0.0 else 0.0


def directional(up: float, down: float) -> float:
    """DX in 0..100 from the means of directional moves; the true range cancels; 0 without moves."""
    return 100.0 * sized(scaled(up - down, up + down))
