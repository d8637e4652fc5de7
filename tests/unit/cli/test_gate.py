"""`liveopt gate study`: what it says, what it refuses, and how it is interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from liveopt.cli.gate import correlations, rows
from liveopt.optimize.gate_study.plan import SUITE

Call = Callable[..., tuple[int, str, str]]
SMALL = ("gate", "study", "--variants", 8, "--bars", 500, "--runs", 4, "--processes", 1)


def test_the_json_has_the_keys_that_the_help_names(call: Call) -> None:
    code, out, _ = call(*SMALL, "--edge", 0.6, "--json")
    said: dict[str, Any] = json.loads(out)
    assert code == 0
    assert said["variants"] == 8
    assert said["null"]["runs"] == said["edge"]["runs"] == 4
    for gate in ("gate", "naive", "eager", "bonferroni", "stepm"):
        assert 0.0 <= said["null"][f"{gate}_false_promotion_rate"] <= 1.0
        assert 0.0 <= said["edge"][f"{gate}_power"] <= 1.0
    assert said["edge"]["oracle_power"] == 1.0
    assert said["edge"]["gate_power"] == 1.0
    assert said["edge"]["median_bars"] <= 500
    assert set(said["null"]["by_rho"]) == {"0.3", "0.5", "0.9"}


def test_the_same_seed_says_the_same(call: Call) -> None:
    def said(*more: object) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(call(*SMALL, "--json", *more)[1])
        del found["elapsed_s"]
        return found

    assert said() == said("--processes", 2)
    assert said() != said("--seed", 9)


def test_a_life_is_told(call: Call) -> None:
    words = ("--life", "--edge", 0.6, "--variants", 5, "--df", 0)
    code, out, _ = call(*SMALL, *words, "--json")
    life = json.loads(out)["life"]
    assert code == 0
    assert life["promoted_true"] == 4
    assert life["detection_rate"] == 1.0
    code, out, err = call(*SMALL, *words)
    assert "promoted with an edge, of\t4 of 4" in out
    assert "5 variants" in err


def test_a_table_says_rates_with_their_intervals(call: Call) -> None:
    code, out, err = call(*SMALL, "--edge", 0.01)
    assert code == 0
    assert out.splitlines()[0] == "gate\tfalse promotion\t95 %\tpower\t95 %"
    assert "the gate\t0.0%\t0.0% to 49.0%" in out
    assert "at most half of the edges of 0.01 were found" in err


def test_an_edge_that_is_found_is_told_with_its_time(call: Call) -> None:
    _, _, err = call(*SMALL, "--edge", 0.6)
    assert "the gate finds an edge of 0.6 after " in err
    assert "at most half" not in err


def test_the_drawing_is_written(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "errors.svg"
    assert call(*SMALL, "--plot", file)[0] == 0
    assert ET.fromstring(file.read_text()).tag.endswith("svg")
    code, _, err = call(*SMALL, "--plot", tmp_path / "gone" / "errors.svg")
    assert code == 1
    assert "cannot be written" in err


def test_rows_of_the_table_are_run_by_name(call: Call) -> None:
    words = ("--all", "--only", "edge .08 of 1 in 100", "--runs", 1, "--processes", 1, "--json")
    code, out, _ = call("gate", "study", *words)
    assert code == 0
    (found,) = json.loads(out).values()
    assert found["edge"]["runs"] == 1
    assert found["edge"]["edge"] == 0.08


def test_the_table_s_runs_are_bounded_and_its_seed_is_chosen() -> None:
    assert set(rows("", None, 7)) == set(SUITE)
    for name, plan in rows("", 3, 7).items():
        whole = SUITE[name]
        assert plan.seed == 7
        assert (plan.nulls, plan.edges, plan.lives) == (
            min(3, whole.nulls), min(3, whole.edges), min(3, whole.lives),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--rho", "a"), "numbers and commas"),
        (("--rho", "1.0"), "from 0 to below 1"),
        (("--df", "1.5"), "above 2"),
        (("--true", "8"), "must have no edge"),
        (("--all", "--only", "zzz"), "the rows are"),
        (("--life", "--plot", "x.svg"), "without --life"),
        (("--bars", "100"), "500"),
    ],
)
def test_what_cannot_be_is_refused(call: Call, words: tuple[str, ...], why: str) -> None:
    code, _, err = call(*SMALL, *words)
    assert code == 2
    assert why in err


def test_correlations_are_read() -> None:
    assert correlations("0.3, 0.9") == (0.3, 0.9)


def test_an_interrupt_ends_it_and_its_helpers_without_a_traceback() -> None:
    command = [sys.executable, "-m", "liveopt", "gate", "study", "--runs", "5000", "--bars", "500"]
    process = subprocess.Popen(
        [*command, "--processes", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        assert "left" in process.stderr.readline()  # the first word of progress: it is at work
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert [line for line in err.splitlines() if "left" not in line] == ["liveopt: interrupted"]
    until = time.monotonic() + 10.0
    while _alive(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _alive(process.pid)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
