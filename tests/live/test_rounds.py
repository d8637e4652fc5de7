"""Rounds of search beside a run, as people run it: processes, journals, a replay without any."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from liveopt.live.rounds import BY, REGIME_SPAN
from liveopt.optimize.rounds.folder import FOLDER, RESULT, numbers_of, result_of, task_of
from liveopt.optimize.studies.store import FILE
from liveopt.walk.records import DECISIONS, EXPERIMENTAL, Trade, VariantStarted, VariantStopped
from liveopt.walk.verdicts import Admission
from tests.kill.stage import Service, wait_for
from tests.rounds import (
    EVALS,
    PAST,
    SYMBOL,
    generations,
    in_peace,
    missing,
    outputs,
    over,
    proposed,
    search_round,
    searcher,
    searching,
    trials,
    untimed,
)

ASKED = 10 * EVALS
"""Trials of a round that lasts long enough for its engine to be killed amid it."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def traded(run: Path, names: set[str]) -> set[str]:
    """Who of these has closed a position."""
    return {
        one.variant
        for one in outputs(run, EXPERIMENTAL)
        if isinstance(one, Trade) and one.variant in names
    }


def test_what_a_round_finds_replaces_the_weakest_and_a_replay_needs_no_search(
    tmp_path: Path,
) -> None:
    with searching(tmp_path) as room:
        room.start()
        room.at_work()
        run = room.run
        assert run is not None
        first = over(room, 1)
        assert (first.phase, first.why, first.deaths) == ("ended", "every", 0)
        names = {one.variant.id for one in proposed(run)}
        assert first.proposed == first.admitted == first.replaced == len(names) > 0
        wait_for(lambda: traded(run, names), every_s=0.2)
        second = over(room, 2)
        shown = room.command("status").stdout
        room.at_work(after=room.status()["status"]["durable_seq"])
        assert room.end() == 0

    assert missing(run) == []
    found = proposed(run)
    results = [result_of(run, number) for number in (1, 2)]
    counts = [one.searched[0].trials for one in results if one is not None]
    assert counts == [EVALS, 2 * EVALS]
    assert [one.searched[0].bars for one in results if one is not None] == [PAST, PAST]
    assert len(found) == first.proposed + second.proposed
    for number, proposal in enumerate(found):
        round_ = number >= first.proposed
        assert proposal.backtest.trials == counts[round_]
        assert proposal.variant.origin in {"search around", "search scratch"}

    told = [one for one in outputs(run, DECISIONS) if isinstance(one, Admission)]
    assert [(one.variant, one.by) for one in told] == [(one.variant.id, BY) for one in found]
    records = outputs(run, EXPERIMENTAL)
    stopped = [one for one in records if isinstance(one, VariantStopped) and one.by == BY]
    assert {one.reason for one in stopped} == {"replaced"}
    assert [one.variant for one in stopped] == [one.replaces for one in told if one.replaces]
    started = {one.variant for one in records if isinstance(one, VariantStarted)}
    assert started >= {one.variant for one in told if one.admitted}
    (line,) = [line for line in shown.splitlines() if line.startswith("search")]
    assert "(every): " in line

    shutil.rmtree(run / FOLDER)
    (room.state / FILE).unlink()
    checked = room.command("replay", str(run), "--check", "--json")
    assert json.loads(checked.stdout)["equal"], checked.stdout


def test_a_round_that_is_asked_for_outlives_the_engine(tmp_path: Path) -> None:
    settings = {"REOPTIMIZE__EVERY": "0", "REOPTIMIZE__EVALS": str(ASKED)}
    with searching(tmp_path, **settings) as room:
        room.start()
        room.at_work()
        answered = room.command("reoptimize", "--json")
        assert answered.returncode == 0, answered.stderr
        document = json.loads(answered.stdout)
        check_keys(document)
        assert [document[key] for key in ("number", "why", "by")] == [1, "asked", "operator"]
        assert document["searched"][0]["trials"] == ASKED
        begun = json.loads(room.command("reoptimize", "--detach", "--json").stdout)
        assert begun == {"began": True, "number": 2}
        killed_amid(room, 2)
        outcome = over(room, 2)
        assert (outcome.number, outcome.phase, outcome.why) == (2, "ended", "asked")
        assert "round 2 (asked): " in room.command("status").stdout
        listed = json.loads(room.command("reoptimize", "--list", "--json").stdout)
        assert [one["number"] for one in listed] == [1, 2]
        assert listed[0] == document
        assert room.end() == 0
        run = room.run
        assert run is not None
        assert task_of(run, 2).sought[0].trials_before == ASKED
        result, kept = in_peace(room, 2)
        assert (run / FOLDER / "0002" / RESULT).read_bytes() == result
        assert untimed(generations(room.state, run, 2)) == untimed(kept)
        again = search_round(room, (run / FOLDER / "0002").absolute())
        assert again.done == outcome.done == ASKED
        assert again.proposals == tuple(proposed(run)[document["outcome"]["proposed"] :])
        assert len(proposed(run)) == document["outcome"]["proposed"] + outcome.proposed
        assert (room.lost(), room.different()) == ([], [])


def test_a_damaged_store_of_studies_is_told_and_the_run_goes_on(tmp_path: Path) -> None:
    settings = {"REOPTIMIZE__EVERY": "0", "REOPTIMIZE__EVALS": "40"}
    with searching(tmp_path, **settings) as room:
        room.start()
        room.at_work()
        engine = room.engine_pid()
        (room.state / FILE).write_bytes(b"this is no database" * 999)
        answered = room.command("reoptimize")
        assert (answered.returncode, answered.stdout) == (1, "")
        said = answered.stderr.splitlines()[-1]
        assert said.startswith("liveopt: round 1 was given up: ")
        assert f"{FILE} cannot be used" in said
        wait_for(lambda: "was GIVEN UP: " in room.command("status").stdout)
        listed = room.command("opt", "list")
        assert (listed.returncode, listed.stdout) == (1, "")
        assert f"{FILE} cannot be used" in listed.stderr
        room.at_work(after=room.status()["status"]["durable_seq"])
        (room.state / FILE).rename(tmp_path / "away")
        run = room.run
        assert run is not None
        number = wait_for(lambda: next(iter(numbers_of(run)), None), every_s=0.1)
        outcome = over(room, number)
        assert (outcome.phase, outcome.why, outcome.trouble) == ("ended", "asked", "")
        told = room.status()["status"]
        assert told["restarts"] == {}
        assert room.engine_pid() == engine
        assert room.end() == 0
        assert room.different() == []


def test_a_change_of_regime_begins_a_round(tmp_path: Path) -> None:
    settings = {
        "LIVE__HISTORY_BARS": "300",
        "REOPTIMIZE__EVERY": "0",
        "REOPTIMIZE__ON_REGIME": "true",
        "REOPTIMIZE__EVALS": "40",
    }
    with searching(tmp_path, PAST + 150, **settings) as room:
        room.start()
        room.at_work()
        outcome = over(room, 1)
        assert (outcome.phase, outcome.why) == ("ended", "regime")
        assert room.end() == 0
        run = room.run
        assert run is not None
        assert task_of(run, 1).sought[0].bars >= REGIME_SPAN


def check_keys(document: dict[str, object]) -> None:
    """As the command's help says."""
    assert set(document) == {"number", "why", "by", "outcome", "searched"}
    outcome, searched = document["outcome"], document["searched"]
    assert isinstance(outcome, dict)
    assert isinstance(searched, list)
    assert {"phase", "done", "wanted", "deaths", "proposed", "admitted", "replaced"} <= set(outcome)
    names = {"symbol", "bars", "trials", "studies", "skipped", "proposals", "finalists"}
    assert names <= set(searched[0])
    assert searched[0]["symbol"] == SYMBOL
    finalist = {"variant", "in_sample", "out_of_sample", "trades", "conditions", "stopped_by"}
    assert finalist <= set(searched[0]["finalists"][0])


def killed_amid(room: Service, number: int) -> None:
    """The engine alone, amid a round: its search ends with it, and loses what was under way."""
    run = room.run
    assert run is not None
    found = wait_for(lambda: searcher(run))
    assert found[1] == number
    engine = room.engine_pid()
    assert engine is not None
    room.read()

    wait_for(lambda: trials(generations(room.state, run, number)) > 0)
    told = room.status()["status"]["search"]
    before = room.durable
    os.kill(engine, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{found[0]}").exists())
    kept = generations(room.state, run, number)
    assert (told["number"], told["phase"]) == (number, "searching")
    assert told["done"] <= trials(kept)
    assert 0 < trials(kept) < ASKED, "nothing to go on with"
    room.at_work(before)
    assert room.lost() == []
    assert room.engine_pid() != engine
    over(room, number)
    after = generations(room.state, run, number)
    for name, rows in kept.items():
        assert after[name][: len(rows)] == rows, "a generation that was kept was done again"
