"""What a strategy file provides: its knobs, its inputs, its memory and one step per signal bar."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Columns = Mapping[str, Array]
"""Knob or parameter name -> its value for every variant."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A number a variant may choose: its range, its usual value and what it does."""

    low: float
    high: float
    default: float
    text: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A word a variant may choose; every choice is compiled on its own."""

    options: tuple[str, ...]
    default: str
    text: str


@dataclass(frozen=True, slots=True)
class Lag:
    """Input: the value of a column that left the window of the named knob with this bar.

    `column` as it was `knob` signal bars ago, 0.0 before the beginning.
    """

    column: Literal["open", "high", "low", "close", "volume"]
    knob: str


@dataclass(frozen=True, slots=True)
class Highest:
    """Input: the greatest value of a column over the last `knob` signal bars, this one included."""

    column: Literal["open", "high", "low", "close", "volume"]
    knob: str
    skip: int = 0
    """1 leaves the newest bar out: a channel that the bar itself can break."""


@dataclass(frozen=True, slots=True)
class Lowest:
    """Input: the least value of a column over the last `knob` signal bars, this one included."""

    column: Literal["open", "high", "low", "close", "volume"]
    knob: str
    skip: int = 0


Input = Lag | Highest | Lowest


@dataclass(frozen=True, slots=True)
class Strategy:
    """One strategy.

    `step(bar, k, x, m) -> target` sees the signal bar that has just closed, the variant's
    parameters `k`, its inputs `x`, and its memory `m`, which it changes in place. The target is
    1.0 long, -1.0 short, 0.0 flat; `m.target` is what it said last. The step is written in the
    plain language of docs/architecture.md, so that it runs as Python, on the CPU's vector units
    and on a GPU with the same bits.
    """

    text: str
    """What it does, in a trader's words."""
    step: Callable[[Any, Any, Any, Any], float]
    memory: type
    knobs: Mapping[str, Knob]
    warmup: Callable[[Columns], Array]
    """Signal bars needed before the first decision."""
    choices: Mapping[str, Choice] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    derive: Callable[[Columns], Mapping[str, Array]] = lambda _: {}
    """Parameters computed once from the knobs, such as the weight of a mean from its window."""
    valid: Callable[[Columns], Any] = lambda k: np.ones(len(next(iter(k.values()))), bool)
    """Which combinations make sense, such as fast < slow."""
    rule: str = ""
    """The same in words, for the one who asked for a combination that does not."""
    name: str = ""
    """The file's name; given by the folder."""
