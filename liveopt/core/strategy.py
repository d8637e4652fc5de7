"""What a strategy file provides: its knobs, its inputs, its memory and one step per signal bar."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Columns = Mapping[str, Array]
"""Knob or parameter name -> its value for every variant."""


Column = Literal["open", "high", "low", "close", "volume"]


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

    def __post_init__(self) -> None:
        """In a journal numbers are strings too: a word that reads as one would come back as it."""
        if numbers := [word for word in self.options if _is_number(word)]:
            raise BadKnobs(f"a choice is of words, and {numbers[0]!r} reads as a number")


@dataclass(frozen=True, slots=True)
class Lag:
    """Input: the value of a column that left the window of the named knob with this bar.

    `column` as it was `knob` signal bars ago, 0.0 before the beginning.
    """

    column: Column
    knob: str


@dataclass(frozen=True, slots=True)
class Highest:
    """Input: the greatest value of a column over the last `knob` signal bars, this one included."""

    column: Column
    knob: str
    skip: int = 0
    """1 leaves the newest bar out: a channel that the bar itself can break."""


@dataclass(frozen=True, slots=True)
class Lowest:
    """Input: the least value of a column over the last `knob` signal bars, this one included."""

    column: Column
    knob: str
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Mean:
    """Input: the plain mean of a column over the last `knob` signal bars, or those there are."""

    column: Column
    knob: str


@dataclass(frozen=True, slots=True)
class Weighted:
    """Input: the mean of the last `knob` bars, the newest weighing `knob` times the oldest.

    It is complete, and means something, once the window is full.
    """

    column: Column
    knob: str


Input = Lag | Highest | Lowest | Mean | Weighted


@dataclass(frozen=True, eq=False)
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


class BadKnobs(ValueError):
    """Values that a strategy does not take: which, of which variant, and what it takes."""


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def check_knobs(strategy: Strategy, knobs: Columns, choices: Mapping[str, str]) -> None:
    """The door for variants: every knob within its range, every combination allowed."""
    for name, choice in strategy.choices.items():
        if (word := choices.get(name, choice.default)) not in choice.options:
            raise BadKnobs(f"{name} is one of {', '.join(choice.options)}, not {word!r}")
    if odd := sorted(knobs.keys() ^ strategy.knobs.keys()):
        raise BadKnobs(f"{strategy.name} has the knobs {', '.join(strategy.knobs)}; see {odd[0]}")
    check_ranges(strategy.knobs, knobs)
    size = len(next(iter(knobs.values())))
    allowed = np.broadcast_to(np.asarray(strategy.valid(knobs), bool), (size,))
    if not allowed.all():
        raise BadKnobs(f"variant {int(np.argmin(allowed))}: {strategy.name} needs {strategy.rule}")


def check_ranges(knobs: Mapping[str, Knob], columns: Columns) -> None:
    """Refuse a value outside the range of its knob, and a name that is no knob."""
    for name, column in columns.items():
        if (knob := knobs.get(name)) is None:
            raise BadKnobs(f"there is no {name}; there are {', '.join(knobs)}")
        values = np.asarray(column, np.float64)
        good = (values >= knob.low) & (values <= knob.high)  # NaN is neither
        if knob.whole:
            good &= values == np.floor(np.where(good, values, 0.0))
        if not good.all():
            at = int(np.argmin(good))
            what = "a whole number within" if knob.whole else "within"
            raise BadKnobs(
                f"variant {at}: {name}={values[at]:g} is not {what} {knob.low:g} to {knob.high:g}"
            )
