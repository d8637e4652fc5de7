"""The stand-in of a slow-lane variant in the engine: it wants what its own process last told."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from liveopt.core.market import Market
from liveopt.core.strategy import Knob, Strategy


@dataclass(slots=True)
class Memory:
    """What was told, as a target; set from outside."""

    target: float = 0.0
    told: float = 0.0


def step(bar: Market, k: Any, x: Any, m: Memory) -> float:  # noqa: ARG001  every step is asked so
    """The last word."""
    return m.told


TOLD: Final = Strategy(
    name="told",
    text="Wants what a strategy in another process says.",
    step=step,
    memory=Memory,
    knobs={"place": Knob(0.0, 0.0, 0.0, "nothing to choose: every strategy has a knob")},
    warmup=lambda k: np.zeros_like(k["place"]),
)
