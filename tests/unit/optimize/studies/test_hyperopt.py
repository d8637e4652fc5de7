"""The JSON of HyperOpt-Trade."""

import json
from pathlib import Path
from typing import Any

import pytest

from liveopt.optimize.parameters import BadParameter
from liveopt.optimize.studies.hyperopt import ranges, read
from liveopt.optimize.studies.plan import Span
from liveopt.strategies import load

CONFIG: dict[str, Any] = {
    "strategy_name": "MovingAverageCrossover",
    "parameters": {
        "fast": {"type": "integer", "range": [5, 50], "step": 5},
        "slow": {"type": "int", "range": [60, 200]},
        "kind": {"type": "categorical", "range": ["ema", "sma"]},
    },
    "optimization": {"method": "TPE", "trials": 100, "timeout": 3600},
}

SEARCH: dict[str, Any] = {
    "parameter_space": {
        "fast": {"type": "int", "range": [5, 50], "step": 5},
        "fraction": {"type": "float", "range": [0.25, 1.0]},
        "kind": {"type": "categorical", "range": ["ema", "sma"]},
    },
    "optimization_settings": {
        "max_iterations": 100, "convergence_threshold": 0.001, "timeout_seconds": 3600,
        "parallel_trials": 4, "random_seed": 42,
    },
    "strategy": {"name": "bayesian", "parameters": {"acquisition_function": "ei"}},
}  # fmt: skip
"""As the program of that name reads it: `strategy` is how to search."""


def searched(folder: Path, **changes: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(SEARCH | changes))
    return path


def settings(**changes: object) -> dict[str, Any]:
    return {**SEARCH["optimization_settings"], **changes}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(CONFIG | changes))
    return path


def test_the_seeds_configuration_is_read_as_it_stands(tmp_path: Path) -> None:
    wish = read(written(tmp_path))
    assert (wish.strategy, wish.algorithm, wish.evals, wish.timeout_s) == (
        "ma_crossover", "tpe", 100, 3600.0,
    )  # fmt: skip
    assert ranges(load()[wish.strategy], wish) == {
        "fast": Span(5.0, 50.0, 5.0), "slow": Span(60.0, 200.0, 1.0), "kind": ["ema", "sma"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "name"),
    [("bayesian", "tpe"), ("grid_search", "grid"), ("evolutionary", "de"), ("GA", "ga")],
)
def test_its_methods_have_names_here(tmp_path: Path, method: str, name: str) -> None:
    terms = {"method": method, "trials": 5, "timeout": 1}
    assert read(written(tmp_path, optimization=terms)).algorithm == name


@pytest.mark.parametrize(
    "parameters",
    [
        {"fast": {"type": "integer", "range": [50, 5]}},
        {"fast": {"type": "integer", "range": [5]}},
        {"fast": {"type": "integer", "range": [5, 50], "step": 0}},
        {"fast": {"type": "colour", "range": [5, 50]}},
        {"fast": {"type": "integer", "range": [5, 5000]}},
        {"pace": {"type": "integer", "range": [5, 50]}},
        {"pace": {"type": "categorical", "range": ["slow"]}},
        {"kind": {"type": "categorical", "range": ["best"]}},
    ],
)
def test_a_bad_range_is_refused(tmp_path: Path, parameters: dict[str, Any]) -> None:
    with pytest.raises(BadParameter):
        ranges(load()["ma_crossover"], read(written(tmp_path, parameters=parameters)))


@pytest.mark.parametrize("text", ["", "[]", '{"strategy_name": "macd"}'])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(BadParameter, match="config"):
        read(path)


def test_the_second_shape_says_how_to_search_and_names_no_strategy(tmp_path: Path) -> None:
    wish = read(searched(tmp_path))
    assert (wish.strategy, wish.algorithm, wish.evals, wish.timeout_s, wish.seed) == (
        "", "tpe", 100, 3600.0, 42,
    )  # fmt: skip
    assert ranges(load()["ma_crossover"], wish) == {
        "fast": Span(5.0, 50.0, 5.0), "fraction": Span(0.25, 1.0, 0.0), "kind": ["ema", "sma"],
    }  # fmt: skip


def test_what_the_second_shape_may_leave_out_stays_at_its_usual_value(tmp_path: Path) -> None:
    wish = read(searched(tmp_path, optimization_settings={"max_iterations": 7},
                         strategy={"name": "random_search", "constraints": {}}))  # fmt: skip
    assert (wish.algorithm, wish.evals, wish.timeout_s, wish.seed) == ("random", 7, 0.0, None)
    assert wish.unheeded == ()


@pytest.mark.parametrize(
    ("name", "ours"),
    [("bayesian", "tpe"), ("grid_search", "grid"), ("random_search", "random"),
     ("evolutionary", "de")],
)  # fmt: skip
def test_each_of_its_searches_is_one_of_ours(tmp_path: Path, name: str, ours: str) -> None:
    wish = read(searched(tmp_path, strategy={"name": name, "parameters": {}}))
    assert wish.algorithm == ours
    step = 0.075 if ours == "grid" else 0.0
    assert ranges(load()["ma_crossover"], wish)["fraction"] == Span(0.25, 1.0, step)


def test_whatever_of_the_second_shape_has_no_effect_is_said(tmp_path: Path) -> None:
    space = {"fast": {"type": "int", "range": [5, 50], "log": True}}
    method = {"name": "evolutionary", "parameters": {"sigma0": 0.3}, "version": 2}
    wish = read(searched(tmp_path, parameter_space=space, strategy=method,
                         optimization_settings=settings(n_jobs=-1),
                         data_handler={"required_columns": ["close"]}))  # fmt: skip
    said = [text.partition(" has no effect")[0] for text in wish.unheeded]
    assert said == [
        "convergence_threshold 0.001", "parallel_trials 4", "sigma0 in strategy.parameters",
        "data_handler", "optimization_settings.n_jobs", "strategy.version",
        "parameter_space.fast.log",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_iterations", 0), ("convergence_threshold", -0.1), ("timeout_seconds", -1),
     ("parallel_trials", 0), ("random_seed", -1)],
)  # fmt: skip
def test_a_setting_below_its_least_is_refused_by_name(
    tmp_path: Path, name: str, value: float
) -> None:
    with pytest.raises(BadParameter, match=f"{name} is at least"):
        read(searched(tmp_path, optimization_settings=settings(**{name: value})))


def test_constraints_are_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    method = {"name": "bayesian", "parameters": {}, "constraints": {"max_drawdown": 0.2}}
    with pytest.raises(BadParameter, match=r"constraints max_drawdown .* --constraint"):
        read(searched(tmp_path, strategy=method))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"optimization_settings": {}}, "max_iterations"),
        ({"strategy": {}}, "name"),
        ({"strategy": "bayesian"}, "strategy"),
        ({"parameter_space": []}, "parameter_space"),
        ({"parameter_space": {"fast": {"type": "int", "low": 5, "high": 50}}}, "range"),
    ],
)
def test_a_broken_second_shape_is_refused_where_it_is_broken(
    tmp_path: Path, changes: dict[str, Any], what: str
) -> None:
    with pytest.raises(BadParameter, match=f"config.*{what}"):
        read(searched(tmp_path, **changes))
