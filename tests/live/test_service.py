"""The service as people run it: commands and processes, the simulated exchange beside them."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from liveopt.core.events import Candle
from liveopt.guard import caller
from liveopt.journal import folder as folders
from liveopt.journal.places import journals
from liveopt.journal.reader import Reader, records
from liveopt.journal.recovery import inspect
from liveopt.walk.events import Begin
from liveopt.walk.lines import read_input
from tests.kill.stage import (
    LIVEOPT,
    Service,
    Sim,
    environment,
    exchange,
    refused,
    service,
    wait_for,
)

AT_S = 1_700_000_040

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    with exchange(tmp_path_factory.mktemp("sim"), "--speed", "60") as found:
        yield found


@pytest.fixture
def room(tmp_path: Path, sim: Sim) -> Iterator[Service]:
    with service(tmp_path, sim.url) as found:
        yield found


def worked(room: Service, *words: str) -> Path:
    """A run that was at work and has ended in order."""
    room.start(*words)
    room.at_work()
    room.end()
    assert room.run is not None
    return room.run


def files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.glob("*.jsonl")}


def test_a_demo_ends_in_order_by_itself_and_its_replay_is_equal(tmp_path: Path) -> None:
    room = Service(tmp_path, "")
    ended = room.command("demo", "--variants", "20", "--for", "4")
    assert ended.returncode == 0, ended.stderr
    assert "PAPER ONLY" in ended.stdout
    assert "started again" not in ended.stderr
    assert not (room.state / "control.json").exists()
    run = room.run
    assert run is not None
    assert {inspect(run, name, live=False).verdict for name in journals(run)} == {"clean"}
    said = json.loads(room.command("replay", "logs", "--check", "--json").stdout)
    assert said["equal"]
    assert said["decisions"]["ticks"] > 0
    assert said["decisions"]["missing"] == 0
    assert said["accounting"]["variants"] == 21


def test_a_service_can_be_asked_stopped_and_resumed(room: Service) -> None:
    room.start()
    room.at_work()
    status = json.loads(room.command("status", "--json").stdout)
    assert status["status"]["phase"] == "running"
    assert not status["halted"]
    shown = room.command("status").stdout.splitlines()
    assert shown[0] == f"RUNNING   {status['status']['folder']}"
    subjects = {line[:10].strip() for line in shown}
    assert subjects >= {"engine", "feed", "variants", "champion", "lateness"}
    listed = room.command("variants", "list", "--top", "3").stdout.splitlines()
    assert [line.split("\t")[:2] for line in listed[:2]] == [["id", "symbol"], ["main", "XBTUSDTM"]]
    stopped = room.command("stop", "--json", "--reason", "a test")
    assert stopped.returncode == 0
    said = json.loads(stopped.stdout)
    assert (said["running"], said["via"], said["latched"]) == (True, "door", True)
    assert said["not_acknowledged"] == []
    assert said["seq"] > 0
    assert room.status()["latch"]["reason"] == "a test"
    resumed = room.command("resume", "--reason", "over", "--json")
    assert resumed.returncode == 0, resumed.stdout
    assert json.loads(resumed.stdout)["resumed"]
    assert not room.status()["halted"]
    assert room.command("status", "-q").returncode == 0
    room.end()
    assert room.command("status", "-q").returncode == 3
    assert room.entered_when_halted() == []


def test_a_stop_while_nothing_runs_halts_the_next_start(room: Service) -> None:
    worked(room)
    said = caller.stop(room.state, "halt", "before it begins")
    assert said["latched"]
    assert not said["running"]
    room.start()
    status = room.at_work()
    assert status["halted"]
    assert status["status"]["halted"] == "halt"


def test_a_second_service_in_the_same_folder_ends_with_79(room: Service) -> None:
    room.start()
    room.at_work()
    assert refused(room) == []
    assert refused(room, ["--fresh"]) == []


def test_a_start_goes_on_with_the_run_and_a_fresh_one_does_not(room: Service) -> None:
    first = worked(room)
    room.read()
    second = worked(room)
    assert second == first
    assert room.lost() == []
    reader = Reader(first, "inputs")
    for _ in reader:
        pass
    assert reader.position.seq > room.told["inputs"].seq
    before = files(first)
    assert worked(room, "--fresh") != first
    assert files(first) == before


def test_a_run_is_not_gone_on_with_under_other_settings(room: Service) -> None:
    run = worked(room)
    before = files(run)
    room.settings["ACCOUNT__CAPITAL"] = "5000"
    ended = room.command("run", "--feed", room.url, "--headless")
    assert ended.returncode == 4
    assert "--fresh" in ended.stderr
    assert files(run) == before


def killed(room: Service) -> None:
    """Its engine, and it is at work again."""
    before = room.at_work()["status"]["durable_seq"]
    pid = room.engine_pid()
    assert pid is not None
    os.killpg(pid, signal.SIGKILL)
    wait_for(lambda: room.engine_pid() not in (None, pid))
    room.at_work(before)


def test_a_restart_goes_on_under_the_settings_of_the_run_and_is_the_latest(room: Service) -> None:
    room.start()
    room.at_work()
    run = room.run
    assert run is not None
    (room.room / "liveopt.toml").write_text("this is no TOML")
    (room.state / "latest").unlink()
    killed(room)
    assert (room.state / "latest").readlink().name == run.name
    assert room.status()["engine"]["starts"] == 2


def test_nobody_has_to_read_what_a_run_says(tmp_path: Path) -> None:
    command = [*LIVEOPT, "demo", "--variants", "20", "--for", "6"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    process.stderr.close()
    assert process.wait(120.0) == 0
    said = json.loads(Service(tmp_path, "").command("replay", "logs", "--check", "--json").stdout)
    assert said["equal"]
    assert said["decisions"]["ticks"] > 0


def test_a_stop_is_answered_though_nobody_reads_what_a_run_says(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    room = Service(tmp_path, "")
    command = [*LIVEOPT, "demo", "--variants", "20", "--for", "60", "--headless"]
    process = room.process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=writing, stderr=writing
    )
    try:
        room.at_work()
        stopped = json.loads(room.command("stop", "--json", "--reason", "a test").stdout)
        assert (stopped["via"], stopped["latched"]) == ("door", True)
        assert stopped["not_acknowledged"] == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(30.0) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)


def test_a_run_does_not_begin_without_the_exchange_and_leaves_nothing_behind(
    room: Service,
) -> None:
    began_s = time.monotonic()
    ended = room.command("run", "--feed", "http://127.0.0.1:1", "--headless")
    assert ended.returncode == 4
    assert "no run was begun" in ended.stderr
    assert "started again" not in ended.stderr
    assert time.monotonic() - began_s < 60.0
    assert room.run is None
    assert not (room.state / "latest").is_symlink()


@pytest.mark.parametrize(
    ("text", "why"),
    [("import no_such_module", "no_such_module"), ("import os\nos._exit(9)", "exit code 9")],
)
def test_a_slow_strategy_that_is_refused_leaves_nothing_behind(
    room: Service, text: str, why: str
) -> None:
    bad = room.room / "bad.py"
    bad.write_text(text)
    bad.chmod(0o600)
    room.settings["LIVE__SLOW"] = str(bad)
    ended = room.command("run", "--feed", room.url, "--headless")
    assert ended.returncode == 2, ended.stderr
    said = [line for line in ended.stderr.splitlines() if why in line]
    assert len(said) == 1, said
    assert said[0].startswith("liveopt: live.slow: bad.py: ")
    assert folders.runs(room.state) == []
    assert not (room.state / "latest").is_symlink()


def test_a_setting_that_a_run_does_not_take_up_is_named(room: Service) -> None:
    run = worked(room)
    room.settings["JOURNAL__SNAPSHOT_S"] = "7"
    assert worked(room) == run
    said = [line for line in room.log().splitlines() if "changed since" in line]
    assert len(said) == 1
    assert said[0].endswith("--fresh run: journal.snapshot_s")


def test_a_run_waits_for_an_exchange_that_is_away_and_can_be_stopped_meanwhile(
    tmp_path: Path,
) -> None:
    with exchange(tmp_path) as sim, service(tmp_path, sim.url) as room:
        room.start()
        room.at_work()
        os.kill(sim.pid, signal.SIGSTOP)
        try:
            pid = room.engine_pid()
            assert pid is not None
            os.killpg(pid, signal.SIGKILL)
            wait_for(lambda: "waiting for the exchange" in room.log())
            again = room.engine_pid()
            stopped = json.loads(room.command("stop", "--json", "--reason", "away").stdout)
            assert stopped["not_acknowledged"] == []
            time.sleep(6.0)  # longer than a heartbeat may be missed
            assert room.engine_pid() == again
        finally:
            os.kill(sim.pid, signal.SIGCONT)
        assert room.at_work()["halted"]
        assert room.engine_pid() == again


def test_a_table_is_played_from_its_own_first_moment_to_its_end(room: Service) -> None:
    rows = [f"{AT_S + 60 * n},100,{102 + n % 5},99,{100 + n % 3},1" for n in range(200)]
    table = room.room / "candles.csv"
    table.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    ended = room.command("run", "--feed", str(table), "--speed", "max", "--headless")
    assert ended.returncode == 0, ended.stderr
    first = room.run
    assert first is not None
    events = [read_input(line.content) for line in records(first, "inputs")]
    assert isinstance(events[0], Begin)
    assert events[0].at_ns == AT_S * 1_000_000_000
    assert sum(isinstance(event, Candle) for event in events) == 200
    table.write_text(table.read_text().replace(",99,", ",-1,"))
    ended = room.command("run", "--feed", str(table), "--speed", "max", "--headless")
    assert ended.returncode == 4
    assert room.run == first, "a table that is refused begins no run"
    said = json.loads(room.command("replay", "logs", "--check", "--json").stdout)
    assert said["equal"]


def test_a_journal_that_was_changed_is_refused_and_left_alone(room: Service) -> None:
    run = worked(room)
    for path in (run / "snapshots").iterdir():
        path.unlink()
    inputs = run / "inputs-000001.jsonl"
    content = bytearray(inputs.read_bytes())
    content[len(content) // 2] ^= 1
    inputs.write_bytes(content)
    before = files(run)
    ended = room.command("run", "--feed", room.url, "--headless")
    assert ended.returncode == 4
    assert "inputs-000001.jsonl" in ended.stderr
    assert files(run) == before
    replay = room.command("replay", "logs", "--check")
    assert replay.returncode == 7
