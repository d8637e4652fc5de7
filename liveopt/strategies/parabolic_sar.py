"""Parabolic SAR: a stop that follows the trend ever faster; when it is hit, turn round.

Wilder's stop and reverse as TA-Lib computes it. Each bar the stop moves towards the best price of
the trend by a share that starts at `start` and grows by `step` with each new best, up to `max`;
it never enters the range of the last two bars. Long from the bar that touches the stop of a
falling trend, short from the one that touches the stop of a rising trend. Unlike in TA-Lib a bar
without a range turns nothing by resting on the stop: a market that stands still would turn on
every bar.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from liveopt.core.indicators import higher, lower
from liveopt.core.market import Market
from liveopt.core.strategy import Knob, Strategy


@dataclass(slots=True)
class Memory:
    """The trend, its stop for the next bar, its best price and its pace; the last bar's range."""

    target: float = 0.0
    side: float = 0.0
    stop: float = 0.0
    best: float = 0.0
    pace: float = 0.0
    low: float = 0.0
    high: float = 0.0


def step(bar: Market, k: Any, _x: Any, m: Memory) -> float:
    """The side of the trend since its last turn.

    A falling trend is a rising one seen in a mirror: prices times `side`, so that `near` is the
    extreme of a bar on the stop's side and `far` the other one.
    """
    opening = bar.n <= 2.0
    begin = -1.0 if bar.down_move > 0.0 else 1.0
    side = begin if opening else m.side
    rising = side > 0.0
    near = bar.low if rising else -bar.high
    far = bar.high if rising else -bar.low
    last_near = m.low if rising else -m.high
    last_far = m.high if rising else -m.low
    stop = last_near if opening else side * m.stop
    best = far if opening else side * m.best
    pace = k.start if opening else m.pace
    nearest = near if opening else lower(near, last_near)
    farthest = far if opening else higher(far, last_far)

    touched = (near == stop) & (far > near)
    turned = (near < stop) | touched
    reverse = higher(best, farthest)
    reverse = higher(reverse + k.start * (near - reverse), farthest)
    pace = lower(pace + k.step, k.max) if far > best else pace
    best = higher(best, far)
    follow = lower(stop + pace * (best - stop), nearest)

    m.side = -side if turned else side
    m.stop = side * (reverse if turned else follow)
    m.best = side * (near if turned else best)
    m.pace = k.start if turned else pace
    m.low = bar.low
    m.high = bar.high
    return m.side if turned else m.target


STRATEGY = Strategy(
    text="Always with the trend of the parabolic stop and reverse, from its first turn on.",
    step=step,
    memory=Memory,
    knobs={
        "start": Knob(0.002, 0.1, 0.02, "share of the way to the best price at first"),
        "step": Knob(0.002, 0.1, 0.02, "what each new best price adds to that share"),
        "max": Knob(0.05, 0.5, 0.2, "the share at most"),
    },
    warmup=lambda k: np.full_like(k["start"], 3.0),
    valid=lambda k: (k["start"] <= k["max"]) & (k["step"] <= k["max"]),
    rule="start <= max and step <= max",
)
