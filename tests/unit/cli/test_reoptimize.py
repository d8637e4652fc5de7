"""`liveopt reoptimize`: what the rounds of a run brought, from its own folder."""

import json
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from liveopt import whole
from liveopt.cli.reoptimize import COLUMNS, SHOWN
from liveopt.journal.folder import point
from liveopt.live.rounds import Progress, facts
from liveopt.optimize.rounds.folder import OUTCOME, RESULT, TASK, place
from liveopt.optimize.rounds.task import Result, Searched
from tests.run import SYMBOL
from tests.seeking import effort_of, recorded, searched, task_of, waves
from tests.unit.cli.conftest import Call

MARKET = waves(2_400, half=15, drift=0.001, noise=0.0007)
KEYS = {"number", "why", "by", "outcome", "searched"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """What a search found, part of it proposed."""
    run = recorded(tmp_path_factory.mktemp("found"), MARKET)
    fixed = ("kind=ema", "stop=0.5", "take=5", "fast=3")
    return searched(task_of(run, fixed=fixed, effort=effort_of(evals=120)))


def ended(**changes: object) -> bytes:
    """The outcome of a round."""
    plain = facts(Progress(1, "ended", "asked", 120, 120, 0, 1, 1, 1))
    return msgspec.json.encode(plain | changes)


@pytest.fixture
def run(tmp_path: Path, found: Searched) -> Path:
    """Four rounds: one that went well, one that was skipped, one given up, one under way."""
    recorded(tmp_path / "logs", waves(5)).rename(tmp_path / "logs" / "20261121-083000")
    run = tmp_path / "logs" / "20261121-083000"
    point(tmp_path / "logs", run)
    skipped = Searched(SYMBOL, 7, 0, (), (), (), "7 signal bars are known, and 150 are needed")
    outcomes = {
        1: ended(),
        2: ended(number=2, proposed=0, admitted=0, replaced=0),
        3: ended(number=3, phase="given up", deaths=5),
    }
    for number, results in ((1, (found,)), (2, (skipped,)), (3, None), (4, None)):
        folder = place(run, number)
        folder.mkdir(parents=True)
        whole.write(folder / TASK, msgspec.json.encode(task_of(run, number=number, why="every")))
        if results is not None:
            whole.write(folder / RESULT, msgspec.json.encode(Result(number, results)))
        if number in outcomes:
            whole.write(folder / OUTCOME, outcomes[number])
    return run


def test_where_nothing_runs_no_round_begins(call: Call, run: Path) -> None:
    for words in ((), ("--detach",), ("--json",)):
        code, out, err = call("reoptimize", *words)
        assert (code, out) == (3, "")
        assert "`liveopt run` or `liveopt demo` starts a run" in err


def test_a_run_without_rounds_says_so(call: Call, tmp_path: Path) -> None:
    made = recorded(tmp_path / "logs", waves(5))
    code, _, err = call("reoptimize", "--list", "--run", made)
    assert code == 0
    assert "has had no round of search yet" in err
    assert json.loads(call("reoptimize", "--list", "--run", made, "--json")[1]) == []


def test_rounds_are_listed_with_what_became_of_them(call: Call, run: Path, found: Searched) -> None:
    code, out, _ = call("reoptimize", "--list")
    assert code == 0
    lines = out.splitlines()
    assert all(column in lines[0] for column in COLUMNS)
    first, second, third, fourth = lines[-4:]
    for word in ("every", SYMBOL, str(found.bars), str(len(found.finalists))):
        assert word in first
    assert first.endswith("1 joined, 1 replaced")
    assert second.endswith("not searched: 7 signal bars are known, and 150 are needed")
    assert third.endswith("GIVEN UP: its process died 5 times")
    assert fourth.endswith("under way, or left open by an end of the run")


def test_a_round_that_failed_says_why_and_who_had_asked_for_it(call: Call, run: Path) -> None:
    own = msgspec.structs.replace(task_of(run, number=5), by="key 1a2b")
    folder = place(run, 5)
    folder.mkdir()
    whole.write(folder / TASK, msgspec.json.encode(own))
    why = "strategy of_no_file is not there"
    whole.write(folder / OUTCOME, ended(number=5, phase="given up", trouble=why))
    assert call("reoptimize", "--list")[1].splitlines()[-1].endswith(f"GIVEN UP: {why}")
    assert call("reoptimize", "--show", 5)[1].splitlines() == [
        f"round 5 (asked, by key 1a2b): GIVEN UP: {why}"
    ]
    shown = json.loads(call("reoptimize", "--show", 5, "--json")[1])
    assert (shown["by"], shown["outcome"]["trouble"]) == ("key 1a2b", why)


def test_one_round_is_shown_with_why_the_others_were_not_proposed(
    call: Call, run: Path, found: Searched
) -> None:
    code, out, _ = call("reoptimize", "--show", 1)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "round 1 (every): 1 joined, 1 replaced"
    assert lines[1] == f"{SYMBOL}: {found.bars} bars, {found.trials} trials in this run so far"
    assert len(found.finalists) > SHOWN
    for line, finalist in zip(lines[2:], found.finalists[:SHOWN], strict=False):
        assert line.split()[0] == finalist.variant.id
        verdict = "PROPOSED" if not finalist.stopped_by else ", ".join(finalist.stopped_by)
        assert line.endswith(verdict)
        assert f"{finalist.out_of_sample:+.4f}, {finalist.trades} trades" in line
    assert "PROPOSED" in out
    assert f"and {len(found.finalists) - SHOWN} more that did worse" in out
    assert f"liveopt opt show {found.studies[0]}" in lines[-1]


def test_what_was_not_searched_is_told(call: Call, run: Path) -> None:
    assert call("reoptimize", "--show", 2)[1].splitlines() == [
        "round 2 (every): 0 joined, 0 replaced",
        f"{SYMBOL}: 7 bars, 0 trials in this run so far",
        "  not searched: 7 signal bars are known, and 150 are needed",
    ]
    assert call("reoptimize", "--show", 3)[1].splitlines() == [
        "round 3 (every): GIVEN UP: its process died 5 times"
    ]


def test_as_json_there_is_all_of_it(call: Call, run: Path, found: Searched) -> None:
    listed = json.loads(call("reoptimize", "--list", "--json")[1])
    assert [one["number"] for one in listed] == [1, 2, 3, 4]
    assert all(one.keys() == KEYS for one in listed)
    assert [one["outcome"] and one["outcome"]["phase"] for one in listed] == [
        "ended", "ended", "given up", None
    ]  # fmt: skip
    assert [one["searched"] is None for one in listed] == [False, False, True, True]
    shown = json.loads(call("reoptimize", "--show", 1, "--json")[1])
    assert shown == listed[0]
    (own,) = shown["searched"]
    assert msgspec.convert(own, Searched) == found
    assert len(own["finalists"]) == len(found.finalists)


@pytest.mark.parametrize("name", [TASK, OUTCOME, RESULT])
def test_a_round_that_cannot_be_read_is_shown_as_such_and_the_others_are_shown(
    call: Call, run: Path, name: str
) -> None:
    before = json.loads(call("reoptimize", "--list", "--json")[1])
    rows = call("reoptimize", "--list")[1].splitlines()
    file = place(run, 2) / name
    file.write_bytes(file.read_bytes()[:-5])
    code, out, err = call("reoptimize", "--list")
    assert code == 0
    assert f"round 2 cannot be read: logs/{run.name}/rounds/0002/{name}: " in err
    shown = out.splitlines()
    assert [shown[0], shown[1], *shown[-2:]] == [rows[0], rows[1], *rows[-2:]]
    assert shown[2].startswith("2")
    assert shown[2].endswith("UNREADABLE")
    assert len(shown) == len(rows)
    code, out, err = call("reoptimize", "--show", 2)
    assert code == 0
    assert out.splitlines()[0].endswith("UNREADABLE")
    listed = json.loads(call("reoptimize", "--list", "--json")[1])
    assert [listed[0], *listed[2:]] == [before[0], *before[2:]]
    assert listed[1]["outcome"]["phase"] == "unreadable"


def test_a_folder_whose_name_is_no_number_is_no_round(call: Call, run: Path) -> None:
    before = call("reoptimize", "--list")[1]
    odd = place(run, 1).with_name("0001 (copy)")
    odd.mkdir()
    (odd / TASK).write_bytes(b"{")
    assert call("reoptimize", "--list") == (0, before, "")


def test_a_round_there_was_not_is_refused(call: Call, run: Path) -> None:
    code, out, err = call("reoptimize", "--show", 9)
    assert (code, out) == (2, "")
    assert "has no round 9; see `liveopt reoptimize --list`" in err
    assert call("reoptimize", "--show", 0)[0] == 2


def test_where_no_run_is_none_can_be_listed(call: Call, tmp_path: Path) -> None:
    code, _, err = call("reoptimize", "--list", "--run", tmp_path)
    assert code == 4
    assert "there are no journals here" in err


def test_a_run_that_has_ended_is_read_as_well_as_the_newest(call: Call, run: Path) -> None:
    newest = call("reoptimize", "--list", "--json")[1]
    assert call("reoptimize", "--list", "--run", run, "--json")[1] == newest


def test_a_result_of_nobody_at_all_is_shown(call: Call, run: Path, found: Searched) -> None:
    none = replace(found, proposals=(), finalists=())
    whole.write(place(run, 4) / RESULT, msgspec.json.encode(Result(4, (none,))))
    lines = call("reoptimize", "--show", 4)[1].splitlines()
    assert lines[0] == "round 4 (every): under way, or left open by an end of the run"
    assert len(lines) == 3
