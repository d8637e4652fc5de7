"""The JSON of HyperOpt-Trade: its configuration read as it stands, its results written.

    {"strategy_name": "ma_crossover",
     "parameters": {"fast": {"type": "integer", "range": [5, 50], "step": 1}},
     "optimization": {"method": "TPE", "trials": 100, "timeout": 3600}}

A range outside that of its knob is refused.
"""

import json
import re
from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Wish:
    """What a configuration asks for, in our words."""

    strategy: str
    ranges: dict[str, Range]
    algorithm: str
    evals: int
    timeout_s: float


def read(path: Path) -> Wish:
    """A configuration, or what is wrong with it."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Configuration)
    except OSError as error:
        raise BadParameter(f"--config {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise BadParameter(f"--config {path}: {error}") from error
    terms = found.optimization
    if terms.trials < 1 or terms.timeout < 0:
        raise BadParameter(f"--config {path}: trials is at least 1, timeout at least 0 seconds")
    method = terms.method.lower()
    return Wish(
        _strategy(found.strategy_name), found.parameters, METHODS.get(method, method),
        terms.trials, terms.timeout,
    )  # fmt: skip


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
