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
    """RSI in 0..100 from the means of gains and losses; 0 on a market that never moved, as TA-Lib."""
    total = up + down
    some = total > 0.0
    return 100.0 * up / (total if some else 1.0) if some else 0.0


def slide(last: float, value: float, left: float) -> float:
    """Running sum of a window when `value` enters and `left` leaves (0.0 until the window is full)."""
    return last + (value - left)


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
    return (value - low) / (span if some else 1.0) if some else 0.5
