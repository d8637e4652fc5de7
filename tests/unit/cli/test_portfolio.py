"""`liveopt portfolio`: what it finds, writes and says, and what it refuses."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from liveopt.data.panel.sample import lines
from liveopt.portfolio.queue.places import Places
from tests.unit.cli.conftest import Call

SMALL = ("--size", "10", "--evaluations", "60", "--algorithms", "ga,random", "--workers", "1")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    path = tmp_path / "desk.csv"
    path.write_text("".join(lines(60, 80, seed=4)))
    return path


def test_a_csv_becomes_a_portfolio_and_its_reports(call: Call, desk: Path, tmp_path: Path) -> None:
    code, out, err = call("portfolio", "run", desk, *SMALL)
    assert code == 0
    table = [line.split("\t") for line in out.splitlines()]
    assert table[0][:3] == ["found by", "size", "fitness"]
    assert {line[0] for line in table[1:4]} == {"ga", "random", "ensemble"}
    fitness = [float(line[2]) for line in table[1:4]]
    assert fitness == sorted(fitness, reverse=True)
    (folder,) = (tmp_path / "output").iterdir()
    names = {path.name.rsplit("_", 2)[0] for path in folder.iterdir()}
    assert names >= {
        "ulta_inversion_report", "zone_analysis_report", "performance_report",
        "portfolio_composition", "optimization_summary", "execution_summary", "equity_curves",
        "algorithm_comparison",
    }  # fmt: skip
    assert "reports in output/run_" in err
    assert "dates: year first" in err


def test_the_same_seed_gives_the_same_portfolio_as_json(call: Call, desk: Path) -> None:
    found = []
    for seed in ("5", "5", "6"):
        code, out, err = call("portfolio", "run", desk, *SMALL, "--seed", seed, "--json")
        assert (code, err) == (0, "")
        found.append(json.loads(out))
    one, same, other = found
    assert one["best"] == same["best"]
    assert one["folder"] != same["folder"], "each run has its own"
    assert one["best"]["members"] != other["best"]["members"]
    assert len(set(one["best"]["members"])) == one["best"]["size"] == 10


def test_programs_hear_how_far_it_is_line_by_line(call: Call, desk: Path) -> None:
    code, out, _ = call("portfolio", "run", desk, *SMALL, "--events")
    said = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    steps = list(dict.fromkeys(one["step"] for one in said[:-1]))
    assert steps == [
        "load", "validate", "ulta", "correlation", "algorithms", "select", "metrics", "outputs",
    ]  # fmt: skip
    shares = [one["share"] for one in said[:-1]]
    assert shares == sorted(shares)
    assert said[-1]["done"]["best"]["size"] == 10


def test_days_held_back_are_told_beside(call: Call, desk: Path) -> None:
    code, out, _ = call("portfolio", "run", desk, *SMALL, "--holdout", "0.25", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["sessions"], found["held"]["sessions"]) == (80, 20)
    assert set(found["held"]["leaders"]) == {"ga", "random", "ensemble"}


def test_a_panel_is_read_instead_and_keeps_its_correlations(
    call: Call, desk: Path, tmp_path: Path
) -> None:
    assert call("data", "import", desk)[0] == 0
    code, first, _ = call("portfolio", "run", "desk.panel", *SMALL, "--json")
    assert code == 0
    (kept,) = (tmp_path / "desk.panel" / "correlations").iterdir()
    assert kept.suffix == ".npz"
    code, out, _ = call("portfolio", "run", "desk.panel", *SMALL, "--json")
    assert json.loads(out)["best"] == json.loads(first)["best"]
    code, direct, _ = call("portfolio", "run", desk, *SMALL, "--json")
    assert json.loads(direct)["best"] == json.loads(first)["best"]


def test_what_would_be_done_is_said_and_nothing_is_written(
    call: Call, desk: Path, tmp_path: Path
) -> None:
    code, out, _ = call("portfolio", "run", desk, "--size-to", "45", "--dry-run", "--json")
    plan = json.loads(out)
    assert code == 0
    assert plan["sizes"] == [35, 40, 45]
    assert len(plan["searches"]) == 24
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--size", "70"), 4, "as many strategies, and there are 60"),
        (("--size", "9"), 2, "greater than or equal to 10"),
        (("--algorithms", "ga,gaa"), 2, "algorithms"),
        (("--set", "metrik=roi"), 2, "the keys are those of [portfolio]"),
        (
            ("--set", "penalty=multiplicative", "--set", "penalty_weight=2"),
            2,
            "penalty_weight is at most 1",
        ),
        (("--dry-run", "--set", "zone_method=equal", "--mode", "zones"), 4, "no column start_time"),
        (("--set", "balance=desc=10", "--set", "balance_penalty=1"), 4, "there is no such file"),
        (("--set", "zone_method=equal", "--mode", "zones"), 4, "no column start_time"),
        (("--set", "terms=ga.populatoin=50"), 4, "ga has no term 'populatoin'"),
        (("--set", "terms=ga.population=many"), 4, "many is no number"),
        (("--dates", "2024-13-01:"), 2, "is no day"),
        (("--dates", "2030-01-01:"), 4, "no session"),
        (("--out", "/proc/nowhere"), 2, "--out"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_mend(
    call: Call, desk: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    found, out, err = call("portfolio", "run", desk, "--evaluations", "50", *arguments)
    assert (found, out) == (code, "")
    assert words in " ".join(err.split())
    assert not list((desk.parent / "output").glob("*")), "nothing that looks like a run"


def test_a_sample_is_the_seeds_and_never_replaces_a_file(call: Call, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        assert call("portfolio", "sample", name, "--strategies", "12", "--sessions", "5")[0] == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    code, _, err = call("portfolio", "sample", "a.csv")
    assert (code, "exists" in err) == (1, True)


def test_the_status_without_a_folder_is_that_of_the_settings(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = call("portfolio", "status")
    assert (code, "set portfolio.share" in err) == (2, True)
    (tmp_path / "desk").mkdir()
    Places(tmp_path / "desk").prepare()
    monkeypatch.setenv("LIVEOPT__PORTFOLIO__SHARE", "desk")
    code, out, _ = call("portfolio", "status", "--json")
    assert (code, json.loads(out)["status"]) == (3, "stopped")


def test_the_status_of_no_folder_says_how_to_make_one(call: Call) -> None:
    code, _, err = call("portfolio", "status", "nowhere")
    assert code == 1
    assert "liveopt portfolio worker nowhere --make" in err


def test_a_run_that_is_ended_leaves_nothing_behind(desk: Path, tmp_path: Path) -> None:
    """As the queue ends one that takes too long."""
    words = [sys.executable, "-m", "liveopt", "portfolio", "run", str(desk), "--events"]
    words += ["--out", str(tmp_path / "out"), "--evaluations", "100000000", "--size", "10"]
    room = tmp_path / "room"
    room.mkdir()
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(room)},
    ) as process:
        assert process.stdout is not None
        while b'"best"' not in (line := process.stdout.readline()) and b"; best" not in line:
            assert line, "it goes on until it is ended"
        assert list(room.iterdir())
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM
    assert b"Traceback" not in err
    assert list(room.iterdir()) == []
    assert list((tmp_path / "out").iterdir()) == []
