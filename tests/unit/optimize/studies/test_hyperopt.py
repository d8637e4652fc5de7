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
