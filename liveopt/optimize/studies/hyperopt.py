"""The JSON of HyperOpt-Trade: its configuration read as it stands, its results written.

    {"strategy_name": "ma_crossover",
     "parameters": {"fast": {"type": "integer", "range": [5, 50], "step": 1}},
     "optimization": {"method": "TPE", "trials": 100, "timeout": 3600}}

or, as its code reads it, without a strategy to trade (`strategy` is how to search):

    {"parameter_space": {"fast": {"type": "int", "range": [5, 50], "step": 1}},
     "optimization_settings": {"max_iterations": 100, "convergence_threshold": 0.001,
                               "timeout_seconds": 3600, "parallel_trials": 4, "random_seed": 42},
     "strategy": {"name": "bayesian", "parameters": {}, "constraints": {}}}

A range outside that of its knob is refused. What the second has and we do not heed is said; its
constraints are refused, for without them another would win.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from liveopt.core.strategy import Strategy
from liveopt.optimize.parameters import BadParameter
from liveopt.optimize.studies.plan import Span
from liveopt.optimize.studies.space import checked_span, checked_words

METHODS: Final = {
    "bayesian": "tpe", "grid_search": "grid", "random_search": "random", "evolutionary": "de",
}  # fmt: skip
"""Its names for what is called otherwise here; the evolutionary one there is CMA-ES."""
STRATEGIES: Final = {
    "moving_average_crossover": "ma_crossover", "triple_moving_average": "triple_ma",
    "rsi": "rsi_reversion", "bollinger_bands": "bollinger_reversion", "vwap": "vwap_reversion",
    "obv": "obv_trend", "adx": "adx_trend",
}  # fmt: skip
STEPS: Final = 10.0
"""A grid without a step has so many."""


class Range(msgspec.Struct):
    """One parameter."""

    type: str
    range: list[float | str]
    step: float | None = None


class Terms(msgspec.Struct):
    """How to search, and for how long."""

    method: str
    trials: int
    timeout: float = 0.0


class Configuration(msgspec.Struct):
    """The whole file; what else stands in it is not ours."""

    strategy_name: str
    parameters: dict[str, Range]
    optimization: Terms


class Settings(msgspec.Struct):
    """The second shape: for how long to search, and how much at a time."""

    max_iterations: int
    convergence_threshold: float | None = None
    timeout_seconds: float | None = None
    parallel_trials: int | None = None
    random_seed: int | None = None


class Method(msgspec.Struct):
    """The second shape: how to search."""

    name: str
    parameters: dict[str, Any] = {}
    constraints: dict[str, Any] | None = None


class Search(msgspec.Struct):
    """The whole file of the second shape."""

    parameter_space: dict[str, Range]
    optimization_settings: Settings
    strategy: Method


@dataclass(frozen=True, slots=True)
class Wish:
    """What a configuration asks for, in our words."""

    strategy: str
    """Nothing where it names none."""
    ranges: dict[str, Range]
    algorithm: str
    evals: int
    timeout_s: float
    seed: int | None = None
    unheeded: tuple[str, ...] = ()
    """What it asks for without effect, in sentences."""


def read(path: Path) -> Wish:
    """A configuration, or what is wrong with it."""
    try:
        raw = msgspec.json.decode(path.read_bytes())
        if isinstance(raw, dict) and "parameter_space" in raw:
            return _second(raw)
        return _first(msgspec.convert(raw, Configuration))
    except OSError as error:
        raise BadParameter(f"--config {path}: {error.strerror}") from error
    except (msgspec.DecodeError, BadParameter) as error:
        raise BadParameter(f"--config {path}: {error}") from error


def ranges(strategy: Strategy, wish: Wish) -> dict[str, Span | list[str]]:
    """Its parameters as ranges of ours."""
    return {n: _range(strategy, n, r, wish.algorithm) for n, r in wish.ranges.items()}


def results(found: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A result in its schema; the metrics are out of sample, with those in sample beside them."""
    best = found["best"]
    kept = ("study", "strategy", "algorithm", "seed", "data", "reproduce", "code")
    return {
        "best_parameters": best["parameters"],
        "performance_metrics": {
            **best["out_of_sample"]["metrics"],
            "objective": best["out_of_sample"]["objective"],
            "in_sample": best["in_sample"]["metrics"],
            "walk_forward": found["walk_forward"]["out_of_sample"]["metrics"],
            "decay": found["walk_forward"]["decay"],
            "deflated_sharpe": best["deflated_sharpe"],
        },
        "optimization_history": list(history),
        "metadata": {n: found[n] for n in kept if n in found}
        | {"trials": best["trials"], "passes": found["passes"], "fails": found["fails"]},
    }


def _first(found: Configuration) -> Wish:
    terms = found.optimization
    if terms.trials < 1 or terms.timeout < 0:
        raise BadParameter("trials is at least 1, timeout at least 0 seconds")
    method = terms.method.lower()
    return Wish(
        _strategy(found.strategy_name), found.parameters, METHODS.get(method, method),
        terms.trials, terms.timeout,
    )  # fmt: skip


def _second(raw: dict[str, Any]) -> Wish:
    found = msgspec.convert(raw, Search)
    terms, method = found.optimization_settings, found.strategy
    for name, least in (
        ("max_iterations", 1), ("convergence_threshold", 0), ("timeout_seconds", 0),
        ("parallel_trials", 1), ("random_seed", 0),
    ):  # fmt: skip
        value = getattr(terms, name)
        if value is not None and value < least:
            raise BadParameter(f"{name} is at least {least}, not {value:g}")
    if method.constraints:
        raise BadParameter(
            f"the constraints {', '.join(method.constraints)} cannot be read: take them out, and"
            " give what must hold as --constraint, such as --constraint 'trades>=30'"
        )
    algorithm = METHODS.get(method.name.lower(), method.name.lower())
    return Wish(
        "", found.parameter_space, algorithm, terms.max_iterations,
        terms.timeout_seconds or 0.0, terms.random_seed, tuple(_unheeded(raw, found, algorithm)),
    )  # fmt: skip


def _unheeded(raw: dict[str, Any], found: Search, algorithm: str) -> Iterator[str]:
    """What of the second shape has no effect here, and what would have."""
    terms, method = found.optimization_settings, found.strategy
    if terms.convergence_threshold is not None:
        yield (
            f"convergence_threshold {terms.convergence_threshold:g} has no effect: a study ends"
            " after max_iterations or timeout_seconds"
        )
    if terms.parallel_trials is not None:
        yield (
            f"parallel_trials {terms.parallel_trials} has no effect: engine.threads evaluate;"
            " --workers takes processes"
        )
    for name in method.parameters:
        yield f"{name} in strategy.parameters has no effect: what {algorithm} takes is --term"
    parts = [("", raw, found), ("optimization_settings.", raw["optimization_settings"], terms),
             ("strategy.", raw["strategy"], method)]  # fmt: skip
    parts += [
        (f"parameter_space.{name}.", raw["parameter_space"][name], one)
        for name, one in found.parameter_space.items()
    ]
    for place, given, known in parts:
        for name in given:
            if name not in known.__struct_fields__:
                yield f"{place}{name} has no effect"


def _range(strategy: Strategy, name: str, one: Range, algorithm: str) -> Span | list[str]:
    kind = one.type.lower()
    if name in strategy.choices or kind in ("categorical", "string", "str"):
        if name not in strategy.choices:
            raise BadParameter(f"{strategy.name} has no choice {name!r}")
        return checked_words(strategy, name, [str(word) for word in one.range])
    if kind not in ("int", "integer", "float", "number", "real"):
        raise BadParameter(f"{name}: its type is int, float or categorical, not {one.type!r}")
    if len(one.range) != 2 or not all(isinstance(end, int | float) for end in one.range):
        raise BadParameter(f"{name}: a range is two numbers, not {json.dumps(one.range)}")
    low, high = (float(end) for end in one.range)
    if one.step is not None and not one.step > 0.0:
        raise BadParameter(f"{name}: a step of {one.step:g} is not above 0")
    whole = kind.startswith("int")
    usual = (high - low) / STEPS if algorithm == "grid" and not whole else float(whole)
    return checked_span(strategy, name, Span(low, high, one.step or usual))


def _strategy(name: str) -> str:
    """MovingAverageCrossover, moving_average_crossover, ma_crossover: all the same."""
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip()).replace(" ", "_").replace("-", "_")
    plain = plain.lower().removesuffix("_strategy")
    return STRATEGIES.get(plain, plain)
