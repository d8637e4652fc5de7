"""`liveopt stop`, `resume` and `status`: what they say, their JSON, and their exit codes."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from liveopt.cli.show import Failure
from liveopt.cli.status import status
from liveopt.cli.stop import resume, stop
from liveopt.guard import caller, control, latch
from liveopt.guard.spec import Limits
from tests.guard.harness import Running, running, spec_of, wait_for

STOP_KEYS = {
    *("running", "via", "latched", "mode", "number", "halt", "seq", "took_ms"),
    *("variants_stopped", "positions_open", "not_acknowledged", "errors"),
}
STATUS_KEYS = {
    *("pid", "port", "halted", "mode", "number", "latch", "engine", "web", "checks"),
    *("status", "status_age_ms"),
}

app = typer.Typer()
app.command()(stop)
app.command()(resume)
app.command()(status)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def said(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(spec_of(tmp_path_factory.mktemp("run") / "state")) as found:
        found.settled()
        yield found


@pytest.fixture(autouse=True)
def _at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_stop_and_a_resume_in_words(service: Running) -> None:
    stopped = run("stop", "--state", service.state, "--reason", "lunch")
    assert stopped.exit_code == 0
    assert stopped.stdout.startswith("HALTED in ")
    assert "200 variants acknowledged, 3 paper positions open" in stopped.stdout
    assert 'Latched. Resume: liveopt resume --reason "..."' in stopped.stdout
    shown = run("status", "--state", service.state)
    assert "HALTED    halt by cli: lunch" in shown.stdout
    resumed = run("resume", "--state", service.state, "--reason", "back")
    assert resumed.exit_code == 0
    assert resumed.stdout.startswith("resumed in ")
    assert service.trades()


def test_a_resume_that_names_another_halt_ends_none(service: Running) -> None:
    halts = [said(run("stop", "--json", "--state", service.state))["halt"] for _ in range(2)]
    assert halts[1] > halts[0]
    refused = caller.resume(service.state, "the first is over", halts[0])
    assert (refused.status, refused.body["resumed"], refused.body["halt"]) == (409, False, halts[1])
    shown = said(run("status", "--json", "--state", service.state))
    assert (shown["halted"], shown["latch"]["number"]) == (True, halts[1])
    assert run("resume", "--state", service.state, "--reason", "both are over").exit_code == 0


def test_their_json_has_the_documented_keys(service: Running) -> None:
    stopped = run("stop", "--flatten", "--json", "--state", service.state)
    assert set(said(stopped)) == STOP_KEYS
    assert (said(stopped)["mode"], said(stopped)["via"]) == ("halt_and_flatten", "door")
    shown = run("status", "--json", "--state", service.state)
    assert set(said(shown)) == STATUS_KEYS
    assert said(shown)["status"]["journal_ok"] is True
    resumed = run("resume", "--reason", "x", "--json", "--state", service.state)
    assert said(resumed)["resumed"] is True
    for command, keys in ((stop, STOP_KEYS), (status, STATUS_KEYS)):
        assert all(f"`{key}`" in (command.__doc__ or "") for key in keys)


def test_quiet_says_nothing(service: Running) -> None:
    shown = run("status", "--quiet", "--state", service.state)
    assert (shown.exit_code, shown.output) == (0, "")


def test_a_resume_that_is_refused_says_which_check_is_red(service: Running) -> None:
    caller.command(service.state, {"journal_ok": False})
    wait_for(lambda: service.status()["status"]["journal_ok"] is False)
    run("stop", "--state", service.state)
    refused = run("resume", "--reason", "x", "--state", service.state)
    assert refused.exit_code == 6
    assert "still HALTED" in refused.stdout
    assert "FAIL  journal ok" in refused.stdout
    caller.command(service.state, {"journal_ok": True})
    wait_for(lambda: service.status()["status"]["journal_ok"])
    assert run("resume", "--reason", "x", "--state", service.state).exit_code == 0


def test_a_resume_without_a_reason_is_refused(service: Running) -> None:
    assert run("resume", "--state", service.state).exit_code == 2
    blank = run("resume", "--reason", " ", "--state", service.state)
    assert isinstance(blank.exception, Failure)
    assert "say why" in str(blank.exception)


def test_a_door_that_does_not_answer_is_said(service: Running) -> None:
    file = service.state / control.NAME
    kept = file.read_bytes()
    file.write_bytes(b"")
    try:
        stopped = run("stop", "--state", service.state)
        assert stopped.exit_code == 0
        assert "The door did not answer" in stopped.stdout
        assert run("status", "--state", service.state).exit_code == 5
        assert run("resume", "--reason", "x", "--state", service.state).exit_code == 5
    finally:
        file.write_bytes(kept)
    # a stop by files comes by several ways; the guard may be at the last of them when this asks
    wait_for(lambda: run("resume", "--reason", "x", "--state", service.state).exit_code == 0)


def test_an_engine_that_hangs_is_said(tmp_path: Path) -> None:
    with running(spec_of(tmp_path / "s", limits=Limits(heartbeat_s=30))) as service:
        os.kill(service.engine_pid(), signal.SIGSTOP)
        stopped = run("stop", "--state", service.state)
    assert stopped.exit_code == 5
    assert "NOT ACKNOWLEDGED by engine" in stopped.stdout
    assert "Latched." in stopped.stdout


def test_where_nothing_runs_the_next_start_is_halted(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    stopped = run("stop")
    assert stopped.exit_code == 0
    assert "its next start is halted" in stopped.stdout
    assert latch.Latch(tmp_path / "logs" / latch.NAME).read().halted
    assert set(said(run("stop", "--json"))) == STOP_KEYS
    assert run("status").exit_code == 3
    quiet = run("status", "--quiet")
    assert (quiet.exit_code, quiet.output) == (3, "")
    assert run("resume", "--reason", "x").exit_code == 3


def test_where_there_is_no_state_folder_nothing_is_made_and_nothing_claimed(
    tmp_path: Path,
) -> None:
    assert run("stop").exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_read_do_not_keep_anybody_from_stopping(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "liveopt.toml").write_text("[nonsense")
    stopped = run("stop")
    assert stopped.exit_code == 0
    assert latch.Latch(tmp_path / "logs" / latch.NAME).read().halted
    assert "taking logs/" in stopped.stderr


def test_a_latch_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "logs" / latch.NAME).mkdir(parents=True)
    stopped = run("stop")
    assert stopped.exit_code == 1
    assert "error: write the latch" in stopped.stdout
    assert (tmp_path / "logs" / latch.HALT_FILE).exists()
