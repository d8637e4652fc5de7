"""`liveopt promotions` where nothing runs: the journals say what the gate decided, and why."""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt.cli import frozen
from liveopt.config import Settings
from liveopt.guard import lock
from liveopt.guard.lock import Lock
from liveopt.journal.folder import point
from liveopt.live.rulings import read_rulings
from liveopt.walk.events import Demote, Promote
from liveopt.walk.explain import explain
from liveopt.walk.lines import written
from liveopt.walk.records import DECISIONS
from liveopt.walk.verdicts import Verdict
from tests import contest
from tests.run import SYMBOL, Live, folded, run_of
from tests.unit.cli.conftest import Call

MARKET = contest.waves(330)
TERMS = msgspec.structs.replace(contest.GATE, auto=False)
HELD = "XBTUSDTM-1-2"
KEYS = {
    "id", "kind", "at_ns", "symbol", "variant", "champion", "track", "evidence", "n", "holds",
    "stopped_by", "became", "earned", "verdict", "by", "why",
}  # fmt: skip
EVENTS = [
    *contest.opening(TERMS), *MARKET[:800],
    Promote(MARKET[799].at_ns, "quick", "ann", "I have read it"), *MARKET[800:900],
    Promote(MARKET[899].at_ns, "late", "bob", "a hunch"), *MARKET[900:1000],
    Demote(MARKET[999].at_ns, SYMBOL, "ann", "no hunches"), *MARKET[1000:],
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One consented to, one by hand, one rolled back."""
    return run_of(tmp_path_factory.mktemp("run"), EVENTS)


def listed(call: Call, run: Path) -> list[dict[str, Any]]:
    code, out, _ = call("promotions", "list", "--run", run, "--json")
    assert code == 0
    found: list[dict[str, Any]] = json.loads(out)
    return found


def test_verdicts_and_changes_are_listed_in_their_order(call: Call, run: Path) -> None:
    found = listed(call, run)
    assert all(one.keys() == KEYS for one in found)
    kinds = [(one["kind"], one["variant"], one["became"], one["earned"]) for one in found]
    assert kinds[:5] == [
        ("verdict", "quick", "falls_short", None),
        ("verdict", "quick", "promoted", None),
        ("promotion", "quick", None, True),
        ("promotion", "late", None, False),
        ("demotion", "quick", None, False),
    ]
    assert found[0]["stopped_by"] == ["insufficient_samples"]
    assert (found[1]["id"], found[1]["track"], found[1]["holds"]) == (HELD, "each", True)
    assert (found[2]["verdict"], found[2]["by"], found[2]["why"]) == (HELD, "ann", "I have read it")
    assert found[3]["verdict"] is None
    code, out, _ = call("promotions", "list", "--run", run)
    rows = [line.split("\t") for line in out.splitlines()]
    assert code == 0
    assert rows[0][:2] == ["id", "when"]
    assert rows[1][-1] == "falls short: insufficient_samples"
    assert rows[2][-1] == "promoted"
    assert rows[3][-1] == f"PROMOTED for main by ann, earned by {HELD}"
    assert rows[4][-1] == "PROMOTED for quick by bob, NOT EARNED"
    assert rows[5][-1] == "RESTORED for late by ann"
    assert {len(row) for row in rows} == {8}


def test_a_verdict_whose_evidence_has_faded_says_that_it_is_this_that_stops_it(
    call: Call, run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "run"
    shutil.copytree(run, folder)
    record = next(one.record for one in read_rulings(run).all if one.id == HELD)
    assert isinstance(record, Verdict)
    replaced = msgspec.structs.replace
    less = replaced(record.evidence, log_evidence=1.0)
    faded = replaced(record, id="faded", evidence=less, holds=False, stopped_by=("evidence_faded",))
    live = Live(folder.parent)
    live.writer.append(DECISIONS, written(faded))
    live.close()
    assert all(one.ok for one in faded.conditions), "nothing else stops it"
    (found,) = [one for one in listed(call, folder) if one["id"] == "faded"]
    assert (found["became"], found["stopped_by"]) == ("falls_short", ["evidence_faded"])
    _, out, _ = call("promotions", "list", "--run", folder)
    assert "falls short: evidence_faded" in out
    _, out, _ = call("promotions", "show", "faded", "--run", folder)
    assert "does not hold" in out
    assert "  stopped by  evidence_faded\n" in out


def test_a_verdict_waits_for_consent_only_while_its_run_goes_on(call: Call) -> None:
    logs = Path("logs")
    run = run_of(logs, EVENTS[: len(contest.opening(TERMS)) + 800])
    named = logs / "20261121-083000"
    run.rename(named)
    point(logs, named)
    with Lock(logs / lock.NAME):
        assert listed(call, named)[-1]["became"] == "waits"
        code, out, _ = call("promotions", "list")
        assert (code, "WAITS FOR YOUR CONSENT" in out) == (0, True)
        older = logs / "20261120-083000"
        shutil.copytree(named, older)
        assert listed(call, older)[-1]["became"] == "ended", "another one runs"
    assert listed(call, logs)[-1]["became"] == "ended"
    code, out, _ = call("promotions", "show", HELD)
    assert "became      waited for consent when the run ended" in out


def test_the_end_of_a_season_names_the_epoch_whose_season_it_was(
    call: Call, tmp_path: Path
) -> None:
    terms = msgspec.structs.replace(TERMS, season=100, new_seasons=True)
    short = run_of(tmp_path / "short", [*contest.opening(terms), *MARKET])
    (ended, *_) = [one for one in listed(call, short) if one["kind"] == "season_end"]
    code, out, _ = call("promotions", "show", ended["id"], "--run", short)
    assert code == 0
    assert f"{ended['id']}: the season of epoch 1 is over; another begins" in out


def test_the_newest_run_is_meant_where_none_is_named(call: Call, run: Path) -> None:
    logs = Path("logs")
    shutil.copytree(run, logs / "20261121-083000")
    point(logs, logs / "20261121-083000")
    code, out, _ = call("promotions", "list", "--json")
    assert code == 0
    assert json.loads(out) == listed(call, run)


def test_a_verdict_is_shown_in_full_and_every_figure_agrees(call: Call, run: Path) -> None:
    code, out, _ = call("promotions", "show", HELD, "--run", run)
    assert code == 0
    for words in (
        f"{HELD}: quick against main on {SYMBOL}, holds", "by its own evidence alone",
        "insufficient_samples      5 (needs >= 5)  ok", "worst trades on margin",
        "beside it   late",
        "16 of 16 figures agree", "not done    total, squares, count, log_weight, p_value, unit",
    ):  # fmt: skip
        assert words in out
    code, out, _ = call("promotions", "show", HELD, "--run", run, "--json")
    said = json.loads(out)
    assert (code, said["agrees"]) == (0, True)
    assert said.keys() == KEYS | {
        "record", "evidence_of", "recomputed", "not_recomputed", "agrees",
    }  # fmt: skip
    assert said["record"]["evidence"]["variant"] == "quick"
    names = [one["name"] for one in said["recomputed"]]
    assert "log evidence from S, V and rho" in names
    assert "trades in the journals" in names
    assert "confidence of the newest 64 trades" in names
    assert "Sharpe ratio of the trades" in names
    assert said["not_recomputed"] == [
        "total", "squares", "count", "log_weight", "p_value", "unit", "track", "threshold",
        "allowed", "crossed", "fill", "admitted", "tail_risk", "runners_up",
    ]  # fmt: skip
    kept = said["record"].keys() | said["record"]["evidence"].keys()
    kept |= {one["code"] for one in said["record"]["conditions"]}
    assert set(said["not_recomputed"]) <= kept, "each is called as it is recorded"


def test_a_promotion_is_shown_with_what_it_rests_on(call: Call, run: Path) -> None:
    _, earned, by_hand, back = (one["id"] for one in listed(call, run)[1:5])
    code, out, _ = call("promotions", "show", earned, "--run", run)
    assert code == 0
    assert "reason      I have read it" in out
    assert f"{HELD}: quick against main" in out
    assert "figures agree" in out
    code, out, _ = call("promotions", "show", by_hand, "--run", run)
    assert code == 0
    assert "NOT EARNED  no verdict held: it was the word of bob alone" in out
    code, out, _ = call("promotions", "show", back, "--run", run)
    assert (code, "ann wanted it" in out) == (0, True)
    code, out, _ = call("promotions", "show", earned, "--run", run, "--json")
    assert json.loads(out)["evidence_of"]["id"] == HELD


def forged(run: Path, folder: Path) -> Path:
    """The same run with a verdict behind it whose evidence nobody gathered."""
    shutil.copytree(run, folder)
    record = next(one.record for one in read_rulings(run).all if one.id == HELD)
    assert isinstance(record, Verdict)
    replaced = msgspec.structs.replace
    more = replaced(record.evidence, log_evidence=99.0)
    live = Live(folder.parent)  # a sound journal all the same
    live.writer.append(DECISIONS, written(replaced(record, id="forged", evidence=more)))
    live.close()
    return folder


def test_a_verdict_that_does_not_follow_is_shouted_at(
    call: Call, run: Path, tmp_path: Path
) -> None:
    false = forged(run, tmp_path / "home" / "run")
    code, out, _ = call("promotions", "show", "forged", "--run", false)
    assert code == 7
    assert "DIFFERENT   log evidence from S, V and rho: recorded 99.0, recomputed " in out
    code, out, _ = call("promotions", "show", "forged", "--run", false, "--json")
    assert (code, json.loads(out)["agrees"]) == (7, False)


def test_without_inputs_the_terms_are_those_of_the_settings_or_unknown(
    call: Call, run: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(run, bare)
    for path in bare.glob("inputs-*"):
        path.unlink()
    code, out, _ = call("promotions", "show", HELD, "--run", bare)
    assert code == 0
    (left_out,) = [line for line in out.splitlines() if line.startswith("not done")]
    assert "insufficient_samples, low_confidence, low_sharpe, worst_trades: " in left_out
    settings = {"live": {"seed": contest.GATE.seed}}
    frozen.keep(bare, Settings.model_validate(settings))
    code, out, _ = call("promotions", "show", HELD, "--run", bare)
    assert (code, "16 of 16 figures agree" in out) == (0, True)
    code, _, err = call("promotions", "explain", "quick", "--run", bare)
    assert (code, "its inputs are gone" in err) == (1, True)


def test_a_finished_run_explains_its_variants(call: Call, run: Path) -> None:
    state = folded(EVENTS).state
    for name in ("main", "quick", "late", "bold"):
        code, out, _ = call("promotions", "explain", name, "--run", run, "--json")
        assert code == 0
        expected = msgspec.json.decode(msgspec.json.encode(explain(state, name)))
        assert json.loads(out) == expected
    code, out, _ = call("promotions", "explain", "main", "--run", run)
    assert out.startswith(f"main: {explain(state, 'main').text}\n")
    assert "low_sharpe" in out
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    code, _, err = call("promotions", "explain", "nobody", "--run", run)
    assert (code, "there is no variant nobody" in err) == (1, True)
    assert {path: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_where_nothing_runs_the_last_run_is_asked_and_that_is_said(call: Call, run: Path) -> None:
    shutil.copytree(run, Path("logs/20261121-083000"))
    code, out, err = call("promotions", "explain", "late", "--json")
    assert code == 0
    assert json.loads(out)["variant"] == "late"
    assert "nothing runs in" in err
    assert "this is how its last run ended" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("explain", "late"), 3, "nothing runs in"),
        (("promote", "late", "--reason", "x"), 3, "nothing runs in"),
        (("rollback", "--reason", "x"), 3, "nothing runs in"),
        (("promote", "late"), 2, "--reason"),
        (("rollback",), 2, "--reason"),
        (("list",), 4, "logs: there is no such file"),
        (("show", "XBTUSDTM-1-1"), 4, "logs: there is no such file"),
    ],
)
def test_what_cannot_be_done_is_said(
    call: Call, arguments: tuple[str, ...], code: int, said: str
) -> None:
    found, _, err = call("promotions", *arguments)
    assert found == code
    assert said in err


def test_a_name_that_is_not_there_and_a_run_without_verdicts(
    call: Call, run: Path, tmp_path: Path
) -> None:
    code, _, err = call("promotions", "show", "XBTUSDTM-9-9", "--run", run)
    assert (code, "see `liveopt promotions list`" in err) == (2, True)
    short = run_of(tmp_path / "short", EVENTS[:20])
    code, out, err = call("promotions", "list", "--run", short)
    assert code == 0
    assert len(out.splitlines()) == 1
    assert "no verdict yet" in err
    assert listed(call, short) == []


def test_a_run_that_does_not_fold_to_its_journals_explains_nothing(
    call: Call, run: Path, tmp_path: Path
) -> None:
    false = forged(run, tmp_path / "home" / "run")
    code, out, err = call("promotions", "explain", "late", "--run", false)
    assert (code, out) == (7, "")
    assert "does not fold to what decisions says" in err
