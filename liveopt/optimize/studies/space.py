"""Between a strategy's parameters and the space that is searched."""

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from liveopt.core.account import RISK
from liveopt.core.strategy import Knob, Strategy
from liveopt.optimize.parameters import BadParameter, Variants
from liveopt.optimize.studies.plan import Parameter, Span
from liveopt.search.space import Array, BadSpace
from liveopt.search.spaces.coordinates import Columns, Coordinate, Number, Rule, Word
from liveopt.search.spaces.parameters import Parameters

Ranges = Mapping[str, Span | list[str]]
Group = tuple[npt.NDArray[np.int64], Variants]
"""Places among the candidates, and those candidates."""


def usual_ranges(strategy: Strategy, fixed: Mapping[str, Parameter]) -> dict[str, Span | list[str]]:
    """Every knob over its whole range, every choice, but for what is fixed."""
    found: dict[str, Span | list[str]] = {
        n: list(c.options) for n, c in strategy.choices.items() if n not in fixed
    }
    return found | {n: _span(k) for n, k in strategy.knobs.items() if n not in fixed}


def parse_ranges(strategy: Strategy, text: str) -> dict[str, Span | list[str]]:
    """`fast=5:50,stop=0.01:0.1,kind=ema|sma`: low:high or low:high:step."""
    found: dict[str, Span | list[str]] = {}
    for piece in filter(None, (p.strip() for p in text.split(","))):
        name, _, values = (p.strip() for p in piece.partition("="))
        if name in found:
            raise BadParameter(f"{name} has two ranges")
        if name in strategy.choices:
            found[name] = checked_words(strategy, name, values.split("|"))
            continue
        try:
            span = Span(*(float(v) for v in values.split(":")))
        except (ValueError, TypeError) as error:
            raise BadParameter(f"{piece!r} is not name=low:high, such as fast=5:50") from error
        found[name] = checked_span(strategy, name, span)
    return found


def checked_span(strategy: Strategy, name: str, span: Span) -> Span:
    """A range within that of its knob; whole knobs go in whole steps."""
    knob = {**RISK, **strategy.knobs}.get(name)
    if knob is None:
        known = ", ".join((*strategy.knobs, *strategy.choices, *RISK))
        raise BadParameter(f"{strategy.name} has no parameter {name!r}; it has {known}")
    low, high, step = span.low, span.high, span.step
    if not low < high:
        raise BadParameter(f"{name}: {low:g} to {high:g} is no range; the low end comes first")
    if not (knob.low <= low and high <= knob.high):
        raise BadParameter(
            f"{name}: {low:g} to {high:g} is not within its range {knob.low:g} to {knob.high:g}"
        )
    if step < 0.0 or not math.isfinite(step):
        raise BadParameter(f"{name}: a step of {step:g} is not above 0")
    if knob.whole:
        if low % 1 or step % 1:
            raise BadParameter(f"{name} takes whole numbers only")
        return Span(low, float(math.floor(high)), step or 1.0)
    return span


def checked_words(strategy: Strategy, name: str, words: Sequence[str]) -> list[str]:
    """Some of a choice's options."""
    options = strategy.choices[name].options
    if odd := [w for w in words if w not in options] or (not words):
        raise BadParameter(f"{name} is one of {', '.join(options)}, not {odd}")
    return list(words)


def space_of(strategy: Strategy, ranges: Ranges, fixed: Mapping[str, Parameter]) -> Parameters:
    """The space of these ranges under the strategy's own rule."""
    coordinates: dict[str, Coordinate] = {
        name: Word(tuple(one)) if isinstance(one, list) else Number(one.low, one.high, one.step)
        for name, one in ranges.items()
    }
    if not coordinates:
        raise BadParameter("everything is fixed, so nothing is left to search; fix fewer")
    defaults = {n: k.default for n, k in strategy.knobs.items()}
    constant = {n: float(fixed.get(n, v)) for n, v in defaults.items() if n not in ranges}

    def allows(columns: Columns) -> npt.NDArray[np.bool_]:
        size = len(next(iter(columns.values())))
        full = {n: np.full(size, v) for n, v in constant.items()}
        full |= {n: v for n, v in columns.items() if n in strategy.knobs}
        ordered = {n: full[n] for n in strategy.knobs}
        return np.broadcast_to(np.asarray(strategy.valid(ordered), bool), (size,))

    try:
        return Parameters(coordinates, Rule(allows, strategy.rule) if strategy.rule else None)
    except BadSpace as error:
        raise BadParameter(str(error)) from error


def groups(
    space: Parameters, candidates: Array, strategy: Strategy, fixed: Mapping[str, Parameter]
) -> Iterator[Group]:
    """The candidates as variants; those that share their choices together."""
    columns = space.columns(candidates)
    words = [n for n in columns if n in strategy.choices]
    codes = (
        np.stack([columns[n] for n in words], axis=1) if words else np.zeros((len(candidates), 1))
    )
    for code in np.unique(codes, axis=0):
        places = np.flatnonzero((codes == code).all(axis=1))
        chosen = {n: c.default for n, c in strategy.choices.items()}
        chosen |= {n: str(fixed[n]) for n in strategy.choices if n in fixed}
        for name, number in zip(words, code, strict=bool(words)):
            one = space.coordinates[name]
            assert isinstance(one, Word)
            chosen[name] = one.options[int(number)]
        yield places, _variants(strategy, chosen, {n: columns[n][places] for n in columns}, fixed)


def _variants(
    strategy: Strategy, chosen: dict[str, str], columns: Columns, fixed: Mapping[str, Parameter]
) -> Variants:
    size = len(next(iter(columns.values())))
    usual = {n: k.default for n, k in strategy.knobs.items()}
    numbers = usual | {n: float(v) for n, v in fixed.items() if n not in strategy.choices}
    full = {n: np.full(size, v) for n, v in numbers.items()}
    full |= {n: v for n, v in columns.items() if n not in strategy.choices}
    return Variants(
        chosen,
        {n: full[n] for n in strategy.knobs},
        {n: v for n, v in full.items() if n not in strategy.knobs},
        0,
    )


def _span(knob: Knob) -> Span:
    return Span(knob.low, knob.high, 1.0 if knob.whole else 0.0)
