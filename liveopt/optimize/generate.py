"""Variants made by a method, complete with their risk: drawn, on a lattice, from presets, mutated.

Every parameter of a variant has a *span* to be drawn from:

    random        knobs over their whole range, risk over the ranges of `RISK_SPANS`
    grid          a lattice over the knobs; risk at its usual values
    conservative  round careful values, risk round its careful ones
    aggressive    round daring values, risk round its daring ones

Presets have a *centre*, which is the first variant, and the others are drawn round it. The six
weights and four thresholds of `weighted_signal` have centres of their own. Elsewhere the centre is
the knob's usual value; windows (whole numbers) are drawn from there up to four times as long when
conservative, from there down to the shortest when aggressive; what is no window is drawn within a
quarter of its range on either side, for which way is calmer depends on the strategy.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt
from msgspec import structs

from liveopt.core.account import RISK
from liveopt.core.strategy import BadKnobs, Columns, Knob, Strategy, check_ranges
from liveopt.optimize.parameters import BadParameter
from liveopt.walk.variant import Variant, canonical, check_variant, new_id

Array = npt.NDArray[np.float64]
Parameters = dict[str, float | str]

METHODS: Final = ("random", "grid", "conservative", "aggressive")
COUNT_MAX: Final = 100_000
BARREN_MAX: Final = 100
"""Batches of draws in a row that bring no new valid variant, after which drawing gives up."""
LATTICE_MAX: Final = 16
"""Points of a lattice looked at for each that is wanted: rules forbid some."""
WINDOW_LONGER: Final = 4.0
"""A conservative window is up to so many times its usual length."""
NEAR: Final = 0.25
"""Share of its range within which a preset's knob that is no window stays."""
JITTER: Final = 0.1
"""Share of its range within which what has a stated centre stays."""

RISK_SPANS: Final[Mapping[str, Knob]] = {
    "fraction": Knob(0.02, 0.2, 0.1, "share of the balance behind a position"),
    "leverage": Knob(5.0, 20.0, 10.0, "position value over its margin", whole=True),
    "stop": Knob(0.03, 0.15, 0.08, "loss on the margin that closes the position"),
    "take": Knob(0.03, 0.2, 0.1, "profit on the margin that closes the position"),
    "arm": Knob(0.05, 0.15, 0.1, "profit on the margin at which the trailing stop begins"),
    "min_hold": Knob(30.0, 300.0, 60.0, "seconds before a signal may close it", whole=True),
    "max_hold": Knob(600.0, 3600.0, 1800.0, "seconds after which it is closed", whole=True),
}
"""Where risk is drawn from, with its usual values. The trailing stop stays half of `arm` behind, so
that from its activation on it keeps half of the profit."""

RISK_CENTRES: Final[Mapping[str, Mapping[str, float]]] = {
    "conservative": {
        "fraction": 0.05, "leverage": 5.0, "stop": 0.05, "take": 0.08, "arm": 0.08,
        "min_hold": 120.0, "max_hold": 1800.0,
    },
    "aggressive": {
        "fraction": 0.15, "leverage": 15.0, "stop": 0.12, "take": 0.15, "arm": 0.12,
        "min_hold": 30.0, "max_hold": 900.0,
    },
}  # fmt: skip

KNOB_CENTRES: Final[Mapping[tuple[str, str], Mapping[str, float]]] = {
    ("weighted_signal", "conservative"): {
        "macd": 0.3, "rsi": 0.3, "volume_spike": 0.1, "trend": 0.25, "kdj": 0.05, "obv": 0.0,
        "strong_buy": 0.7, "strong_sell": -0.7, "moderate_buy": 0.5, "moderate_sell": -0.5,
    },
    ("weighted_signal", "aggressive"): {
        "macd": 0.2, "rsi": 0.2, "volume_spike": 0.25, "trend": 0.15, "kdj": 0.15, "obv": 0.05,
        "strong_buy": 0.55, "strong_sell": -0.55, "moderate_buy": 0.35, "moderate_sell": -0.35,
    },
}  # fmt: skip


def generate(
    strategy: Strategy,
    method: str,
    count: int,
    seed: int,
    fixed: Mapping[str, float | str],
    symbol: str,
) -> list[Variant]:
    """So many variants, no two alike; a grid may have fewer, for a lattice has the size it has.

    `fixed` parameters are the same in all; a fixed `arm` takes the trailing stop with it, a fixed
    `trail` stays as it is. A symbol with a dash is spot, where there is no leverage.
    """
    if method not in METHODS:
        raise BadParameter(f"no method {method!r}; there are {', '.join(METHODS)}")
    if not 1 <= count <= COUNT_MAX:
        raise BadParameter(f"{count:,} variants are not within 1 to {COUNT_MAX:,}")
    rng = np.random.default_rng([seed, crc32(strategy.name.encode())])
    fixed = _checked(strategy, fixed, symbol)
    if method == "grid":
        found = _lattice(strategy, count, fixed)
    else:
        found = _drawn(strategy, _spans(strategy, method), count, fixed, rng, method != "random")
    return [_made(strategy, Variant("", strategy.name, symbol, p, method), rng) for p in found]


def generate_mixed(
    strategies: Sequence[Strategy],
    method: str,
    count: int,
    seed: int,
    fixed: Mapping[str, float | str],
    symbol: str,
) -> list[Variant]:
    """The same over several strategies, each with an even share, the first ones with the rest.

    What is fixed holds for the strategies that have it; one that none has is refused.
    """
    if not strategies:
        raise BadParameter("name one strategy at least")
    for name in fixed:
        if not any(name in _names(strategy) for strategy in strategies):
            raise BadParameter(f"none of these strategies has a parameter {name}")
    found: list[Variant] = []
    for number, strategy in enumerate(strategies):
        share = count // len(strategies) + (number < count % len(strategies))
        own = {n: v for n, v in fixed.items() if n in _names(strategy)}
        if share:
            found += generate(strategy, method, share, seed, own, symbol)
    return found


def mutate(variant: Variant, strategy: Strategy, *, seed: int, rate: float = 0.1) -> Variant:
    """A child: each parameter is drawn anew with this probability, one of them at least.

    Knobs are drawn over their range, choices from their options, risk over `RISK_SPANS`. Which
    features are on stays as it was, and so does the leverage of a spot market.
    """
    if not 0.0 < rate <= 1.0:
        raise BadParameter(f"a mutation's rate is above 0 and at most 1, not {rate:g}")
    rng = np.random.default_rng([seed, crc32(variant.id.encode())])
    spans = {**strategy.knobs, **RISK_SPANS}
    own, kept = variant.parameters, _certain(variant.symbol)
    names = [n for n in own if n not in kept and (n in spans or n in strategy.choices)]
    for _ in range(BARREN_MAX):
        redrawn = [n for n in names if rng.random() < rate] or [names[rng.integers(len(names))]]
        child = own | {n: _one(strategy, spans, n, rng) for n in redrawn}
        if "arm" in redrawn:
            child["trail"] = 0.5 * float(child["arm"])
        if child != own and _allowed(strategy, child):
            origin = f"mutation of {variant.id}"
            return _made(strategy, structs.replace(variant, parameters=child, origin=origin), rng)
    raise BadParameter(f"{BARREN_MAX} draws did not change this variant to a valid one")


def _one(
    strategy: Strategy, spans: Mapping[str, Knob], name: str, rng: np.random.Generator
) -> float | str:
    if name in strategy.choices:
        options = strategy.choices[name].options
        return options[rng.integers(len(options))]
    return float(_column(spans[name], 1, rng)[0])


def _spans(strategy: Strategy, method: str) -> dict[str, Knob]:
    """Where each number is drawn from; its default is the centre."""
    if method == "random":
        return {**strategy.knobs, **RISK_SPANS}
    stated = KNOB_CENTRES.get((strategy.name, method), {})
    spans = {
        n: _near(k, stated[n], JITTER) if n in stated else _preset(k, method)
        for n, k in strategy.knobs.items()
    }
    return spans | {n: _near(k, RISK_CENTRES[method][n], JITTER) for n, k in RISK_SPANS.items()}


def _near(knob: Knob, centre: float, share: float) -> Knob:
    reach = share * (knob.high - knob.low)
    low, high = max(knob.low, centre - reach), min(knob.high, centre + reach)
    return replace(knob, low=low, high=high, default=centre)


def _preset(knob: Knob, method: str) -> Knob:
    if not knob.whole:
        return _near(knob, knob.default, NEAR)
    if method == "conservative":
        return replace(knob, low=knob.default, high=min(knob.high, WINDOW_LONGER * knob.default))
    return replace(knob, high=knob.default)


def _drawn(
    strategy: Strategy,
    spans: Mapping[str, Knob],
    count: int,
    fixed: Parameters,
    rng: np.random.Generator,
    centred: bool,
) -> list[Parameters]:
    """So many different valid draws, the centre first when there is one."""
    found: dict[str, Parameters] = {}
    centre: Parameters = {n: k.default for n, k in spans.items()}
    centre = _complete(centre | {n: c.default for n, c in strategy.choices.items()} | fixed, fixed)
    if centred and _allowed(strategy, centre):
        found[canonical(centre)] = centre
    barren = 0
    while len(found) < count:
        before = len(found)
        for draw in _draws(strategy, spans, count, fixed, rng):
            found.setdefault(canonical(draw), draw)
        barren = barren + 1 if len(found) == before else 0
        if barren == BARREN_MAX:
            few = f"only {len(found):,} of {count:,} different variants"
            needs = f" that satisfy {strategy.rule}" if strategy.rule else ""
            raise BadParameter(f"there are {few}{needs}; ask for fewer, or fix less")
    return list(found.values())[:count]


def _draws(
    strategy: Strategy,
    spans: Mapping[str, Knob],
    count: int,
    fixed: Parameters,
    rng: np.random.Generator,
) -> Iterator[Parameters]:
    """A batch of draws without those that the strategy's rule forbids."""
    columns = {n: _column(k, count, rng) for n, k in spans.items() if n not in fixed}
    words = {
        n: rng.integers(len(c.options), size=count)
        for n, c in strategy.choices.items()
        if n not in fixed
    }
    full = {n: np.full(count, v) for n, v in fixed.items() if n in strategy.knobs} | columns
    for i in np.flatnonzero(_valid(strategy, full, count)):
        draw: Parameters = {n: float(v[i]) for n, v in columns.items()}
        draw |= {n: strategy.choices[n].options[v[i]] for n, v in words.items()}
        yield _complete(draw | fixed, fixed)


def _column(knob: Knob, count: int, rng: np.random.Generator) -> Array:
    if knob.whole:
        low, high = math.ceil(knob.low), math.floor(knob.high)
        return rng.integers(low, high + 1, count).astype(float)
    return rng.uniform(knob.low, knob.high, count)


def _lattice(strategy: Strategy, count: int, fixed: Parameters) -> list[Parameters]:
    """The lattice over the free knobs with the most valid points that are not more than `count`.

    Every combination of free choices has a lattice with an even share of the points. Levels are
    dealt one at a time: to the knob that has fewest, the first named among equals, as long as the
    valid points stay within the share. A knob with one level stands at its usual value, one with
    more at the centres of as many equal parts of its range.
    """
    free = {n: k for n, k in strategy.knobs.items() if n not in fixed}
    usual = {n: k.default for n, k in RISK_SPANS.items()}
    words = [
        [str(fixed[n])] if n in fixed else list(c.options) for n, c in strategy.choices.items()
    ]
    combinations = list(product(*words))[:count]
    found: list[Parameters] = []
    for number, words_here in enumerate(combinations):
        share = count // len(combinations) + (number < count % len(combinations))
        chosen = dict(zip(strategy.choices, words_here, strict=True))
        points = _points(strategy, free, share, fixed)
        found += [_complete(usual | point | chosen | fixed, fixed) for point in points]
    return found


def _points(
    strategy: Strategy, free: Mapping[str, Knob], share: int, fixed: Parameters
) -> list[dict[str, float]]:
    levels = dict.fromkeys(free, 1)
    best = _valid_points(strategy, free, levels, fixed)
    full: set[str] = set()
    while full != levels.keys():
        name = min(levels.keys() - full, key=lambda n: (levels[n], list(free).index(n)))
        wider = levels | {name: levels[name] + 1}
        size = math.prod(wider.values())
        exhausted = free[name].whole and wider[name] > free[name].high - free[name].low + 1.0
        if exhausted or size > LATTICE_MAX * share:
            full.add(name)
            continue
        points = _valid_points(strategy, free, wider, fixed)
        if len(points) > share:
            full.add(name)
        else:
            levels = wider
            best = points if len(points) >= len(best) else best
    if not best:
        raise BadParameter(f"no point of the grid satisfies {strategy.rule}; fix fewer knobs")
    return best


def _valid_points(
    strategy: Strategy, free: Mapping[str, Knob], levels: Mapping[str, int], fixed: Parameters
) -> list[dict[str, float]]:
    axes = np.meshgrid(*(_levels(free[n], count) for n, count in levels.items()), indexing="ij")
    columns = {n: axis.ravel() for n, axis in zip(levels, axes, strict=True)}
    size = math.prod(levels.values())
    full = {n: np.full(size, v) for n, v in fixed.items() if n in strategy.knobs} | columns
    good = np.flatnonzero(_valid(strategy, full, size))
    return [{n: float(column[i]) for n, column in columns.items()} for i in good]


def _levels(knob: Knob, count: int) -> Array:
    if count == 1:
        return np.array([knob.default])
    middles = (np.arange(count) + 0.5) / count
    if knob.whole:  # every whole number has a part of the range of its own
        return np.floor(knob.low + (knob.high - knob.low + 1.0) * middles)
    return knob.low + (knob.high - knob.low) * middles


def _valid(strategy: Strategy, columns: Columns, size: int) -> npt.NDArray[np.bool_]:
    ordered = {n: columns[n] for n in strategy.knobs}
    return np.broadcast_to(np.asarray(strategy.valid(ordered), bool), (size,))


def _allowed(strategy: Strategy, parameters: Parameters) -> bool:
    return bool(_valid(strategy, {n: np.array([parameters[n]]) for n in strategy.knobs}, 1)[0])


def _complete(parameters: Parameters, fixed: Parameters) -> Parameters:
    """With the trailing stop, unless it is fixed: from `arm` on it keeps half of the profit."""
    plain = {n: v if isinstance(v, str) else float(v) for n, v in parameters.items()}
    return {**plain, "trail": fixed.get("trail", 0.5 * float(parameters["arm"]))}


def _certain(symbol: str) -> Parameters:
    """What the market leaves no choice about."""
    return {"leverage": 1.0} if "-" in symbol else {}


def _names(strategy: Strategy) -> set[str]:
    return {*strategy.knobs, *strategy.choices, *RISK}


def _checked(strategy: Strategy, fixed: Mapping[str, float | str], symbol: str) -> Parameters:
    """What is fixed, with what the market fixes, each in its range."""
    for name in fixed:
        if name not in _names(strategy):
            raise BadParameter(f"{strategy.name} has no parameter {name!r}")
    certain = _certain(symbol)
    for name, value in certain.items():
        if fixed.get(name, value) != value:
            raise BadParameter(f"{name} is {value:g} on a spot market such as {symbol}")
    numbers = {n: v for n, v in fixed.items() if n not in strategy.choices}
    try:
        check_ranges(
            {**RISK, **strategy.knobs}, {n: np.array([float(v)]) for n, v in numbers.items()}
        )
    except ValueError as error:
        raise BadParameter(str(error)) from error
    for name, value in fixed.items():
        if name in strategy.choices and value not in strategy.choices[name].options:
            options = ", ".join(strategy.choices[name].options)
            raise BadParameter(f"{name} is one of {options}, not {value!r}")
    return certain | {n: v if n in strategy.choices else float(v) for n, v in fixed.items()}


def _made(strategy: Strategy, draft: Variant, rng: np.random.Generator) -> Variant:
    """The draft with a name of its own, through the door."""
    made = structs.replace(draft, id=new_id(rng))
    try:
        check_variant(made, strategy)
    except BadKnobs as error:
        raise BadParameter(str(error)) from error
    return made
