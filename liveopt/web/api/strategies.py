"""The strategies there are, and whether parameters fit one."""

from typing import Any

import msgspec

from liveopt.core.account import RISK
from liveopt.core.strategy import BadKnobs, Knob, Strategy
from liveopt.walk.variant import Variant, check_variant
from liveopt.web.call import Call
from liveopt.web.errors import missing

PARAMETERS_MAX = 200


class KnobTold(msgspec.Struct, frozen=True):
    """A number that may be chosen."""

    low: float
    high: float
    default: float
    whole: bool
    text: str


class ChoiceTold(msgspec.Struct, frozen=True):
    """A word that may be chosen."""

    options: list[str]
    default: str
    text: str


class StrategyTold(msgspec.Struct, frozen=True):
    """A strategy and what can be set about it."""

    name: str
    text: str
    rule: str
    knobs: dict[str, KnobTold]
    choices: dict[str, ChoiceTold]
    risk: dict[str, KnobTold]


class Strategies(msgspec.Struct, frozen=True):
    """All of them."""

    strategies: list[StrategyTold]
    count: int


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters to look at; what is not named is as usual."""

    parameters: dict[str, float | str]


class Valid(msgspec.Struct, frozen=True):
    """Whether they fit, and if not why."""

    valid: bool
    errors: list[str]
    parameters: dict[str, float | str]


async def strategies(call: Call) -> bytes:
    """Every strategy; the same answer each time."""
    key = ("strategies",)
    if key not in call.service.fixed:
        told = [_told(one) for one in call.service.strategies.values()]
        call.service.fixed[key] = msgspec.json.encode(Strategies(told, len(told)))
    return call.service.fixed[key]


async def strategy(call: Call) -> StrategyTold:
    """One of them."""
    return _told(_named(call))


async def validate(call: Call) -> Valid:
    """Whether parameters fit a strategy."""
    own, given = _named(call), call.said(Parameters).parameters
    usual: dict[str, float | str] = {n: float(k.default) for n, k in own.knobs.items()}
    usual |= {n: choice.default for n, choice in own.choices.items()}
    usual |= {"fraction": 1.0, "leverage": 1.0}
    both = usual | given
    errors = [f"at most {PARAMETERS_MAX} parameters"] if len(given) > PARAMETERS_MAX else []
    try:
        if not errors:
            check_variant(Variant("asked", own.name, "ASKED", both), own)
    except BadKnobs as error:
        errors = [str(error)]
    return Valid(not errors, errors, both if not errors else given)


def _named(call: Call) -> Strategy:
    name = call.path["id"]
    found = call.service.strategies.get(name)
    if found is None:
        raise missing(f"there is no strategy {name!r}", "STRATEGY_NOT_FOUND")
    return found


def _told(own: Strategy) -> StrategyTold:
    choices = {n: ChoiceTold(list(c.options), c.default, c.text) for n, c in own.choices.items()}
    knobs = {n: _knob(k) for n, k in own.knobs.items()}
    risk: dict[str, KnobTold] = {n: _knob(k) for n, k in RISK.items()}
    return StrategyTold(own.name, own.text, _rule(own.rule), knobs, choices, risk)


def _rule(rule: Any) -> str:
    return "" if rule is None else str(rule)


def _knob(k: Knob) -> KnobTold:
    return KnobTold(k.low, k.high, k.default, k.whole, k.text)
