"""`liveopt optimize` and `liveopt opt`: from the command to the stored result."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from liveopt.optimize.studies.plan import code_version
from liveopt.optimize.studies.store import Store
from tests.studies import candles, plan_of, write_csv
from tests.unit.cli.conftest import Call

OPTIONS = [
    "--set",
    "kind=ema",
    "--folds",
    "2",
    "--embargo",
    "20",
    "--ranges",
    "fast=2:40,slow=5:80",
]
TIMES = ("study", "elapsed_s", "engine_s")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "candles.csv", candles(1_500, swing=0.01))


def result(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def plain(found: dict[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in found.items() if n not in TIMES}


def test_a_result_has_both_samples_the_trials_and_a_verdict(call: Call, data: Path) -> None:
    code, out, err = call(
        "optimize", "ma_crossover", "--data", data, "--algorithm", "de", "--evals", 100,
        "--objective", "roi", *OPTIONS, "--json",
    )  # fmt: skip
    assert code == 0
    found = result(out)
    best = found["best"]
    assert best.keys() >= {"parameters", "in_sample", "out_of_sample", "deflated_sharpe", "trials"}
    assert best["trials"] == found["evaluated"] == 100
    for sample in ("in_sample", "out_of_sample"):
        both = [best[sample][account]["roi"] for account in ("metrics", "pessimistic")]
        assert best[sample]["objective"] == pytest.approx(min(both))
        assert found["walk_forward"][sample]["objective"] is not None
    assert len(found["walk_forward"]["folds"]) == 2
    assert isinstance(found["passes"], bool)
    assert found["passes"] == (not found["fails"])
    assert "100 evaluations in 2 folds" in err
    assert "MiB" in err


def test_the_printed_command_gives_the_same_result(call: Call, data: Path) -> None:
    first = call(
        "optimize", "ma_crossover", "--data", data, "--algorithm", "ga", "--evals", 60, "--seed", 5,
        "--constraint", "trades>=2", "--ranges", "stop=0.01:0.1,fast=3:9", "--json",
    )  # fmt: skip
    found = result(first[1])
    words = shlex.split(found["reproduce"])
    assert words[0] == "liveopt"
    again = call(*words[1:], "--json")
    assert plain(result(again[1])) == plain(found)


def test_trials_of_earlier_studies_are_counted(call: Call, data: Path) -> None:
    common = ("optimize", "ma_crossover", "--data", data, "--algorithm", "random", "--evals", 40)
    call(*common, *OPTIONS)
    _, out, _ = call(*common, *OPTIONS, "--seed", 1, "--json")
    assert result(out)["best"]["trials"] == 80
    assert result(out)["evaluated"] == 40


def test_what_fails_is_shown_as_failing(call: Call, tmp_path: Path) -> None:
    noise = write_csv(tmp_path / "noise.csv", candles(1_500, seed=4))
    code, out, err = call(
        "optimize",
        "ma_crossover",
        "--data",
        noise,
        "--algorithm",
        "random",
        "--evals",
        40,
        *OPTIONS,
    )
    assert code == 0
    assert "out of sample" in out.splitlines()[0]
    assert "FAILS" in err
    assert "FAILS" in call("opt", "list")[1]


def test_the_seeds_configuration_runs_and_its_results_are_written(
    call: Call, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({
        "strategy_name": "ma_crossover",
        "parameters": {"fast": {"type": "integer", "range": [5, 20], "step": 1}},
        "optimization": {"method": "TPE", "trials": 24, "timeout": 600},
    }))  # fmt: skip
    code, out, _ = call(
        "optimize", "--config", "config.json", "--data", data, "--results", "results.json", "--json"
    )
    assert code == 0
    found, written = result(out), result((tmp_path / "results.json").read_text())
    assert written.keys() == {
        "best_parameters", "performance_metrics", "optimization_history", "metadata"
    }  # fmt: skip
    assert written["best_parameters"] == found["best"]["parameters"]
    assert written["optimization_history"]
    assert found["algorithm"] == "tpe"
    code, _, _ = call(
        "opt", "export", found["study"], "--out", "again.json", "--schema", "hyperopt"
    )
    assert code == 0
    assert result((tmp_path / "again.json").read_text()) == written


SEARCH: dict[str, Any] = {
    "parameter_space": {"fast": {"type": "int", "range": [5, 20], "step": 1}},
    "optimization_settings": {"max_iterations": 24, "parallel_trials": 4, "random_seed": 42},
    "strategy": {"name": "random_search", "parameters": {}},
}


def test_a_configuration_without_a_strategy_needs_one_beside_it(
    call: Call, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SEARCH))
    common = ("--config", "config.json", "--data", data, "--json")
    code, _, err = call("optimize", *common)
    assert code == 2
    assert "names no strategy" in err
    assert "liveopt optimize ma_crossover" in err
    code, out, err = call("optimize", "ma_crossover", *common)
    assert code == 0
    found = result(out)
    assert (found["algorithm"], found["evaluated"], found["seed"]) == ("random", 24, 42)
    assert "parallel_trials 4 has no effect" in err
    assert "random_seed of --config is 42" in err
    again = call(*shlex.split(found["reproduce"])[1:], "--json")
    assert plain(result(again[1])) == plain(found)
    _, out, err = call("optimize", "ma_crossover", *common, "--seed", 7)
    assert result(out)["seed"] == 7
    assert "seed 7; random_seed of --config is 42" in err


def test_several_objectives_take_an_algorithm_for_several(call: Call, data: Path) -> None:
    common = ("optimize", "ma_crossover", "--data", data, "--objective", "roi", "--objective",
              "max_drawdown", "--evals", 60, *OPTIONS)  # fmt: skip
    code, _, err = call(*common, "--algorithm", "de")
    assert code == 2
    assert "nsga2" in err
    code, out, _ = call(*common, "--algorithm", "nsga2", "--population", 15, "--json")
    assert code == 0
    assert result(out)["front"]


@pytest.mark.parametrize(
    "more",
    [
        ["--algorithm", "best"], ["--objective", "profit"], ["--constraint", "trades"],
        ["--ranges", "fast=9:3"], ["--term", "speed=3"], ["--evals", "3"], ["--folds", "90"],
        ["--set", "fast=5", "--ranges", "fast=2:9"],
        ["--algorithm", "random", "--population", "5"],
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_before_anything_is_stored(
    call: Call, data: Path, tmp_path: Path, more: list[str]
) -> None:
    code, _, err = call("optimize", "ma_crossover", "--data", data, *more)
    assert code == 2, err
    assert Store(tmp_path / "logs").entries() == []


def test_a_study_that_is_killed_goes_on_and_ends_as_if_nothing_had_happened(
    call: Call, data: Path, tmp_path: Path
) -> None:
    options = ["ma_crossover", "--data", "candles.csv", "--algorithm", "de", "--evals", "4000",
               "--population", "40", *OPTIONS, "--ranges",
               "fast=2:40,slow=5:80,fraction=0.1:1", "--json"]  # fmt: skip
    _, out, _ = call("optimize", *options)
    wanted = plain(result(out))
    command = [sys.executable, "-m", "liveopt", "optimize", *options]
    child = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    store = Store(tmp_path / "logs")
    until_s = time.monotonic() + 50.0
    while time.monotonic() < until_s:
        entries = store.entries()
        if len(entries) == 2 and entries[0].evaluated >= 200:
            break
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    entry = store.entries()[0]
    assert 200 <= entry.evaluated < 4_000, "killed too late to show anything"
    assert entry.status == "interrupted"
    code, out, _ = call("opt", "resume", entry.id, "--json")
    assert code == 0
    assert plain(result(out)) == wanted
    assert store.entry(entry.id).evaluated == 4_000  # what had been kept was not done again


def test_an_interrupted_study_says_how_to_go_on(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "liveopt", "optimize", "ma_crossover", "--data", "candles.csv",
               "--evals", "500000", "--population", "40", *OPTIONS]  # fmt: skip
    child = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    store = Store(tmp_path / "logs")
    until_s = time.monotonic() + 50.0
    while time.monotonic() < until_s and not any(e.evaluated for e in store.entries()):
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    name = store.entries()[0].id
    assert child.returncode == 130
    assert f"liveopt opt resume {name}" in err
    assert store.entry(name).status == "interrupted"


def test_studies_are_listed_shown_and_cancelled(call: Call, data: Path) -> None:
    assert call("opt", "list")[0] == 0
    _, out, _ = call("optimize", "ma_crossover", "--data", data, "--evals", 60, *OPTIONS, "--json")
    found = result(out)
    assert json.loads(call("opt", "list", "--json")[1])[0]["study"] == found["study"]
    assert result(call("opt", "show", found["study"], "--json")[1]) == found
    assert call("opt", "cancel", found["study"])[0] == 1
    assert call("opt", "show", "opt_none")[0] == 1


def test_luck_of_earlier_studies_goes_with_the_command_that_does_it_again(
    call: Call, data: Path
) -> None:
    """The deviation of 400 trials, whatever strategy they were of, not that of the last one."""
    _, out, _ = call(
        "optimize", "ma_crossover", "--data", data, "--algorithm", "random", "--evals", 400,
        *OPTIONS, "--json",
    )  # fmt: skip
    many = result(out)
    _, out, _ = call(
        "optimize", "donchian_breakout", "--data", data, "--algorithm", "random", "--evals", 1,
        "--folds", 1, "--embargo", 20, "--json",
    )  # fmt: skip
    last = result(out)
    assert (last["trials_before"], last["best"]["trials"]) == (400, 401)
    assert last["sharpe_deviation"] == pytest.approx(many["sharpe_deviation"])
    words = shlex.split(last["reproduce"])
    assert float(words[words.index("--deviation-before") + 1]) == last["sharpe_deviation"]
    assert words[words.index("--trials-before") + 1] == "400"
    _, out, _ = call(*words[1:], "--json")
    assert plain(result(out)) == plain(last)
    assert "--deviation-before" not in many["reproduce"]


def garbage(file: Path) -> None:
    """No database at all."""
    file.write_bytes(b"this is no database" * 999)


def torn(file: Path) -> None:
    """The first page is whole, so that it can be opened."""
    size = len(file.read_bytes())
    with file.open("r+b") as pages:
        pages.seek(4_096)
        pages.write(b"\xff" * (size - 4_096))


@pytest.mark.parametrize("damage", [garbage, torn])
def test_a_damaged_store_of_studies_is_one_sentence(
    call: Call, data: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    usual = ("optimize", "ma_crossover", "--data", data, "--evals", 60, *OPTIONS)
    name = result(call(*usual, "--json")[1])["study"]
    damage(tmp_path / "logs" / "studies.sqlite")
    for words in (
        ("opt", "list"),
        ("opt", "show", name),
        ("opt", "resume", name),
        ("opt", "cancel", name),
        ("opt", "export", name, "--out", tmp_path / "out.json"),
        usual,
        (*usual, "--trials-before", 0),
    ):
        code, out, err = call(*words)
        assert (code, out) == (1, ""), words
        *before, said = err.splitlines()
        assert "studies.sqlite cannot be used" in said
        assert "move it away" in said
        assert "Traceback" not in err
        assert len(before) <= 1, "the estimate alone may stand before it"
    (tmp_path / "logs" / "studies.sqlite").rename(tmp_path / "away")
    assert call(*usual)[0] == 0


@pytest.mark.parametrize("code", [code_version(), "another"])
def test_a_study_of_a_round_is_left_to_the_rounds(call: Call, tmp_path: Path, code: str) -> None:
    name = "round_20261121-083000_1_XBTUSDTM_ma_crossover_around"
    store = Store(tmp_path / "logs")
    store.begin(name, plan_of(code=code), "now")
    store.finish(name, "interrupted")
    for verb in ("cancel", "resume"):
        exit_code, out, err = call("opt", verb, name)
        assert (exit_code, out) == (1, "")
        assert f"{name} is part of a search beside a run" in err
        assert "see `liveopt reoptimize --list`" in err
    assert store.entry(name).status == "interrupted"


def test_data_that_changed_is_not_gone_on_with(call: Call, data: Path, tmp_path: Path) -> None:
    _, out, _ = call("optimize", "ma_crossover", "--data", data, "--evals", 60, *OPTIONS, "--json")
    name = result(out)["study"]
    Store(tmp_path / "logs").finish(name, "interrupted")
    write_csv(data, candles(1_500, seed=2))
    code, _, err = call("opt", "resume", name)
    assert code == 1
    assert "other candles" in err
