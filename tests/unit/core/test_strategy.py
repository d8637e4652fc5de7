"""The door for variants: what a strategy does not take is refused, and named."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from liveopt.core.strategy import BadKnobs, Choice, Knob, Strategy, check_knobs, check_ranges


@dataclass(slots=True)
class Memory:
    target: float = 0.0


def step(_bar: Any, _k: Any, _x: Any, m: Memory) -> float:
    return m.target


STRATEGY = Strategy(
    text="Stays where it is.",
    step=step,
    memory=Memory,
    knobs={
        "fast": Knob(2, 20, 5, "bars", whole=True),
        "slow": Knob(2.0, 50.0, 20.0, "bars"),
    },
    choices={"kind": Choice(("ema", "sma"), "ema", "which")},
    warmup=lambda k: k["slow"],
    valid=lambda k: k["fast"] < k["slow"],
    rule="fast < slow",
    name="idle",
)


def columns(**values: list[float]) -> dict[str, Any]:
    return {name: np.array(v) for name, v in values.items()}


def test_what_is_within_its_ranges_and_allowed_passes() -> None:
    check_knobs(STRATEGY, columns(fast=[2, 20], slow=[2.5, 50]), {"kind": "sma"})
    check_knobs(STRATEGY, columns(fast=[2], slow=[3]), {})


def test_a_strategy_that_allows_everything_says_nothing_more() -> None:
    free = Strategy(
        text="", step=step, memory=Memory, knobs={"a": Knob(0, 1, 0, "")}, warmup=lambda k: k["a"]
    )
    check_knobs(free, columns(a=[0.0, 1.0]), {})
    assert dict(free.derive({})) == {}


@pytest.mark.parametrize(
    ("knobs", "choices", "complaint"),
    [
        ({"fast": [5], "slow": [20]}, {"kind": "wma"}, "kind is one of ema, sma, not 'wma'"),
        ({"fast": [5]}, {}, "idle has the knobs fast, slow; see slow"),
        ({"fast": [5], "slow": [20], "odd": [1]}, {}, "see odd"),
        ({"fast": [5, 1], "slow": [20, 20]}, {}, "variant 1: fast=1 is not a whole number within"),
        ({"fast": [5.5], "slow": [20]}, {}, "variant 0: fast=5.5 is not a whole number"),
        ({"fast": [5], "slow": [51]}, {}, "variant 0: slow=51 is not within 2 to 50"),
        ({"fast": [5], "slow": [float("nan")]}, {}, "variant 0: slow=nan is not within"),
        ({"fast": [5, 20], "slow": [20, 20]}, {}, "variant 1: idle needs fast < slow"),
    ],
)
def test_what_it_does_not_take_is_refused(
    knobs: dict[str, list[float]], choices: dict[str, str], complaint: str
) -> None:
    with pytest.raises(BadKnobs, match=complaint):
        check_knobs(STRATEGY, columns(**knobs), choices)


def test_a_name_that_is_no_knob_is_refused() -> None:
    with pytest.raises(BadKnobs, match="there is no odd; there are fast, slow"):
        check_ranges(STRATEGY.knobs, columns(odd=[1.0]))


@pytest.mark.parametrize("word", ["07", "nan", "-inf", "1e5", "1_0", " 3 "])
def test_a_word_that_reads_as_a_number_is_no_choice(word: str) -> None:
    """In a journal numbers are written as strings; such a word would come back as a number."""
    with pytest.raises(BadKnobs, match="reads as a number"):
        Choice(("ema", word), "ema", "which")
