"""A variant: a strategy with parameters and a name, and who may share a batch with it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from liveopt.core.account import RISK
from liveopt.core.strategy import BadKnobs, Strategy, check_knobs, check_ranges

Parameters = Mapping[str, float | str]
Lane = Literal["fast", "slow"]

ALWAYS = ("fraction", "leverage")
"""Risk parameters that every variant has; the others switch a feature on by being there."""


class Variant(msgspec.Struct, frozen=True):
    """One variant. Its parameters are complete: knobs, choices and risk by name, no defaults left.

    `lane` says who decides for it: the engine (fast) or a worker running a user's Python (slow).
    """

    id: str
    strategy: str
    symbol: str
    parameters: dict[str, float | str]
    origin: str = "manual"
    """How it came to be: random, grid, conservative, aggressive, mutation of <id>, manual."""
    lane: Lane = "fast"


class GroupKey(NamedTuple):
    """What the variants of one batch have in common: the engine compiles a step for each key."""

    symbol: str
    strategy: str
    lane: Lane
    words: tuple[tuple[str, str], ...]
    """Parameters that are words, with them."""
    numbers: tuple[str, ...]
    """Names of the others: with those of risk, which features are on; not their values."""


def new_id(rng: np.random.Generator) -> str:
    """Eight random bytes; whoever draws them from a seeded generator gets the same names again."""
    return rng.bytes(8).hex()


def canonical(parameters: Parameters) -> str:
    """Parameters as the one text that means them: names sorted, every number a float."""
    plain = {n: v if isinstance(v, str) else float(v) + 0.0 for n, v in parameters.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)


def parameters_hash(parameters: Parameters) -> str:
    """Sixteen hex digits that stand for the parameters in every record but the first."""
    return hashlib.sha256(canonical(parameters).encode()).hexdigest()[:16]


def group_key(variant: Variant) -> GroupKey:
    """Whose batch it can share."""
    own = sorted(variant.parameters.items())
    return GroupKey(
        variant.symbol,
        variant.strategy,
        variant.lane,
        tuple((name, value) for name, value in own if isinstance(value, str)),
        tuple(name for name, value in own if not isinstance(value, str)),
    )


def check_variant(variant: Variant, strategy: Strategy) -> None:
    """The door: every parameter there and in its range, every combination allowed."""
    own = variant.parameters
    known = strategy.knobs.keys() | strategy.choices.keys() | RISK.keys()
    if odd := sorted(own.keys() - known):
        raise BadKnobs(f"{variant.strategy} has no parameter {odd[0]}")
    if missing := [n for n in (*strategy.knobs, *strategy.choices, *ALWAYS) if n not in own]:
        raise BadKnobs(f"a variant is complete; this one lacks {', '.join(missing)}")
    if "arm" in own and "trail" not in own:
        raise BadKnobs("arm says where a trailing stop begins; give trail as well")
    numbers = {n: _column(n, v) for n, v in own.items() if n not in strategy.choices}
    check_knobs(
        strategy,
        {n: numbers[n] for n in strategy.knobs},
        {n: str(own[n]) for n in strategy.choices},
    )
    check_ranges(RISK, {n: numbers[n] for n in RISK if n in own})


def _column(name: str, value: float | str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    if isinstance(value, str):
        raise BadKnobs(f"{name}={value} is not a number")
    return np.array([float(value)])
