"""The emergency stop of a real guard before a real engine: every way in, every fault."""

import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from liveopt.guard import caller, control, fence, latch
from liveopt.guard.gate import DISK_FULL, FLATTEN, HALT, JOURNAL_BROKEN, OPEN, Gate
from liveopt.guard.spec import Limits
from tests.guard.harness import ENGINE, Running, running, spec_of, wait_for
from tests.guard.trials import measure

ALONE_S = 0.5
"""What each way in may take when it is the only one."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    state = tmp_path / "state"
    with running(spec_of(state, [*ENGINE, str(state), "--busy"])) as found:
        found.settled()
        assert found.trades()
        yield found


def halts_within(service: Running, act: Callable[[], Any], limit_s: float = ALONE_S) -> Any:
    """What the act gives; it is halted in time, whenever the act returns, and stays so."""
    began = time.monotonic()
    with ThreadPoolExecutor(1) as watcher:
        halted = watcher.submit(wait_for, service.halted, every_s=0.001)
        halted.add_done_callback(lambda _: times.append(time.monotonic()))
        times: list[float] = []
        given = act()
        assert halted.result()
    assert not service.trades()
    assert times[0] - began <= limit_s, f"{times[0] - began:.3f} s"
    return given


def test_no_entry_follows_a_stop_and_it_comes_in_time(tmp_path: Path) -> None:
    """The figures of `python -m tests.guard.trials`; here with room for a busy machine."""
    found = measure(tmp_path / "state", 200)
    assert found["entries_after_the_answer"] == 0
    assert found["not_complete"] == 0
    assert found["trials_without_entries_before"] < 20
    assert found["stop_ms"]["max"] <= 250


def test_the_door(service: Running) -> None:
    said = halts_within(service, lambda: caller.stop(service.state, "halt_and_flatten", "news"))
    assert (said["via"], said["latched"], said["not_acknowledged"]) == ("door", True, [])
    assert (said["mode"], said["variants_stopped"], said["positions_open"]) == (
        "halt_and_flatten",
        200,
        0,
    )
    assert service.gate.wanted == FLATTEN
    status = service.status()
    assert (status["halted"], status["latch"]["reason"]) == (True, "news")


def test_a_signal(service: Running) -> None:
    halts_within(service, lambda: os.kill(service.process.pid, signal.SIGUSR1))
    assert service.status()["latch"]["by"] == "signal"


def test_a_halt_file(service: Running) -> None:
    halts_within(service, (service.state / latch.HALT_FILE).touch)
    wait_for(lambda: service.status()["latch"]["by"] == latch.HALT_FILE)
    assert caller.resume(service.state, "looked at it").status == 200
    assert not (service.state / latch.HALT_FILE).exists()
    assert service.trades()


def test_a_file_that_comes_during_a_halt_outlives_a_resume_of_the_halt_before(
    service: Running,
) -> None:
    first = caller.stop(service.state, "halt", "news")["halt"]
    (service.state / latch.HALT_FILE).touch()
    refused = caller.resume(service.state, "looked at the news", first)
    assert (refused.status, refused.body["resumed"]) == (409, False)
    assert (service.state / latch.HALT_FILE).exists()
    wait_for(lambda: service.status()["latch"]["number"] > first)  # it is a halt of its own
    assert caller.resume(service.state, "looked at the news", first).status == 409
    assert not service.trades()
    newest = service.status()["latch"]["number"]
    assert caller.resume(service.state, "looked at both", newest).status == 200
    assert service.trades()


def test_a_stop_by_files_that_a_resume_has_undone_is_done_again(tmp_path: Path) -> None:
    """A resume that had looked before the stop came may open gate and latch after it."""
    gate, disk = Gate.create(tmp_path / "gate"), latch.Latch(tmp_path / latch.NAME)
    disk.open()
    over = threading.Event()

    def undo() -> None:
        wait_for(lambda: gate.wanted != OPEN and disk.read(with_file=False).halted, every_s=0.0)
        disk.clear(latch.Change("fine again", "me", 1))
        gate.acknowledge(gate.open_again(), 7, 0, 0)
        while not over.is_set():  # an engine
            gate.acknowledge(gate.number, 8, 3, 0)
            time.sleep(0.001)

    with ThreadPoolExecutor(1) as pool:
        undone = pool.submit(undo)
        said = caller._stop_by_files(tmp_path, latch.Change("news", "cli", 2), running=True)
        over.set()
        undone.result()
    assert (gate.wanted, disk.read(with_file=False).halted) == (HALT, True)
    assert (said["latched"], said["not_acknowledged"], said["seq"]) == (True, [], 8)
    assert said["halt"] == disk.read().number


def test_a_wish_of_the_engine(service: Running) -> None:
    halts_within(service, lambda: caller.command(service.state, {"halt": "the journal is broken"}))
    assert service.status()["latch"]["reason"] == "the journal is broken"


def test_a_gate_shut_from_outside_is_latched(service: Running) -> None:
    halts_within(service, lambda: service.gate.shut_from_outside(FLATTEN))
    said = service.status()["latch"]
    assert (said["mode"], said["by"]) == ("halt_and_flatten", "caller")


@pytest.mark.parametrize(
    ("why", "word"), [(DISK_FULL, "the disk is full"), (JOURNAL_BROKEN, "the journals")]
)
def test_a_halt_by_a_failing_journal_reads_as_one(service: Running, why: int, word: str) -> None:
    halts_within(service, lambda: service.gate.shut_from_outside(HALT, why))
    said = service.status()["latch"]
    assert (said["by"], said["reason"].startswith(word)) == ("journal", True)
    assert caller.resume(service.state, "there is room again").status == 200
    halts_within(service, lambda: service.gate.shut_from_outside(HALT))
    assert service.status()["latch"]["by"] == "caller", "what was is over"


def test_a_stop_past_the_door_keeps_the_words_of_whoever_wanted_it(service: Running) -> None:
    (service.state / control.NAME).write_text("{")
    halts_within(service, lambda: caller.stop(service.state, "halt", "news", "key 1a2b3c4d"))
    service.gate.shut_from_outside(FLATTEN)
    wait_for(lambda: latch.Latch(service.state / latch.NAME).read().mode == "halt_and_flatten")
    said = latch.Latch(service.state / latch.NAME).read()
    assert (said.by, said.reason) == ("key 1a2b3c4d", "news")


def test_the_caller_when_the_door_is_somewhere_else(service: Running) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    control.Control(port, "old", 1).write(service.state / control.NAME)
    said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
    assert (said["via"], said["latched"], said["not_acknowledged"]) == ("files", True, [])


def test_the_caller_when_control_json_is_gone_or_broken(service: Running) -> None:
    (service.state / control.NAME).write_text("{")
    said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
    assert (said["via"], said["latched"]) == ("files", True)


def test_the_caller_when_the_accept_queue_is_full(service: Running) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        control.Control(address[1], "token", 1).write(service.state / control.NAME)
        said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
        assert said["via"] == "files"
        for one in waiting:
            one.close()


def test_the_caller_when_strangers_hold_every_connection(service: Running) -> None:
    port = service.status()["port"]
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(fence.CONNECTIONS_MAX)]
    said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
    assert said["latched"]
    for one in silent:
        one.close()


def test_the_caller_when_the_guard_has_no_descriptor_left(service: Running) -> None:
    folder = Path(f"/proc/{service.process.pid}/fd")
    used = 1 + max(int(name.name) for name in folder.iterdir())
    resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (used, used))
    said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
    assert (said["via"], said["latched"]) == ("files", True)


def test_the_caller_when_the_guard_hangs(service: Running) -> None:
    service.kill(signal.SIGSTOP)
    said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
    assert (said["via"], said["latched"], said["not_acknowledged"]) == ("files", True, [])
    service.kill(signal.SIGCONT)
    wait_for(lambda: service.gate.own == HALT)  # the guard has learnt of it
    assert service.status()["latch"]["halted"]


def test_an_engine_that_hangs_is_named_killed_and_comes_back_halted(tmp_path: Path) -> None:
    limits = Limits(heartbeat_s=1.5)
    with running(spec_of(tmp_path / "state", limits=limits)) as service:
        pid = service.engine_pid()
        assert service.trades()
        os.kill(pid, signal.SIGSTOP)
        said = caller.stop(service.state, "halt", "it hangs")
        assert (said["latched"], said["not_acknowledged"]) == (True, ["engine"])
        assert said["seq"] is None
        made = service.made
        assert service.status()["engine"]["pid"] == pid, "the status answers while it hangs"
        wait_for(lambda: service.settled()["engine"]["pid"] != pid)
        assert service.made == made
        assert service.halted()


def test_an_engine_that_wakes_after_a_stop_makes_no_entry(service: Running) -> None:
    pid = service.engine_pid()
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: "\nState:\tT" in Path(f"/proc/{pid}/status").read_text())
    made = service.made
    caller.stop(service.state, "halt", "it sleeps")
    os.kill(pid, signal.SIGCONT)
    wait_for(service.halted)
    assert service.made == made + 1 or service.made == made, "at most the one under way"
    assert not service.trades()


def test_a_stop_while_no_engine_runs_is_latched_and_says_so(tmp_path: Path) -> None:
    limits = Limits(backoff_s=1.0, backoff_s_max=1.0)
    with running(spec_of(tmp_path / "state", limits=limits)) as service:
        os.kill(service.engine_pid(), signal.SIGKILL)
        wait_for(lambda: service.status()["engine"]["pid"] is None)
        said = caller.stop(service.state, "halt", "x")
        assert (said["latched"], said["not_acknowledged"]) == (True, ["engine (not running)"])
        made = service.made
        service.settled()
        assert service.halted()
        assert service.made == made


def test_the_slow_lane_s_workers_that_have_not_confirmed_are_named(service: Running) -> None:
    caller.command(service.state, {"slow_waiting": 2})
    said = caller.stop(service.state, "halt", "x")
    assert said["not_acknowledged"] == ["slow lane (2 workers)"]
    assert said["variants_stopped"] == 200


def test_a_stop_is_valid_again_and_again(service: Running) -> None:
    numbers = [caller.stop(service.state, "halt", str(n))["number"] for n in range(5)]
    assert numbers == sorted(set(numbers))
    assert service.gate.wanted == HALT


def test_nobody_resumes_while_the_journal_is_broken(service: Running) -> None:
    caller.command(service.state, {"journal_ok": False})
    caller.stop(service.state, "halt", "x")
    wait_for(lambda: service.status()["status"]["journal_ok"] is False)
    reply = caller.resume(service.state, "never mind")
    assert reply.status == 409
    assert [c["name"] for c in reply.body["checks"] if not c["ok"]] == ["journal ok"]
    assert service.halted()


def test_nobody_resumes_while_the_engine_hangs(tmp_path: Path) -> None:
    with running(spec_of(tmp_path / "state", limits=Limits(heartbeat_s=30.0))) as service:
        pid = service.engine_pid()
        caller.stop(service.state, "halt", "x")
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: service.status()["status_age_ms"] > 2_100)
        reply = caller.resume(service.state, "never mind")
        assert reply.status == 409
        assert [c["name"] for c in reply.body["checks"] if not c["ok"]] == ["status fresh"]
        assert str(pid) not in str(reply.body["checks"]), "a page shows them to whoever may read"


def test_when_nothing_can_grow_on_the_disk_a_stop_still_latches(service: Running) -> None:
    page = resource.getpagesize()
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (page, page))
    said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
    assert (said["latched"], said["errors"]) == (True, [])
    assert caller.resume(service.state, "space again").status == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    state = tmp_path / "disk"
    state.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(state)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small file system here")
    yield state
    subprocess.run(["umount", "-l", str(state)], check=True)


def test_on_a_full_disk_every_way_in_still_halts_and_latches(small_disk: Path) -> None:
    with running(spec_of(small_disk)) as service:
        service.settled()
        with (small_disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)
        with pytest.raises(OSError, match="No space"):
            (small_disk / "more").write_bytes(b"x" * 4096)
        said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
        assert (said["latched"], said["errors"]) == (True, [])
        assert caller.resume(service.state, "space again").status == 200
        halts_within(service, lambda: service.kill(signal.SIGUSR1))
        assert caller.resume(service.state, "space again").status == 200
        (small_disk / control.NAME).write_text("")
        said = halts_within(service, lambda: caller.stop(service.state, "halt", "x"))
        assert (said["via"], said["latched"]) == ("files", True)


def test_a_caller_where_nothing_runs_latches_the_next_start(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    said = caller.stop(state, "halt_and_flatten", "not today")
    assert (said["running"], said["latched"], said["not_acknowledged"]) == (False, True, [])
    assert not (state / latch.HALT_FILE).exists()
    with running(spec_of(state)) as service:
        status = service.settled()
        assert status["mode"] == "halt_and_flatten"
        assert status["latch"]["reason"] == "not today"
        assert service.made == 0


def test_a_stop_that_saw_nobody_halts_a_guard_that_has_read_the_latch_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits at a door that a guard left which was killed: time enough for another to start."""
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setattr(caller, "PATIENCE_S", 60.0)
    with socket.create_server(("127.0.0.1", 0)) as door, ThreadPoolExecutor(1) as pool:
        control.Control(door.getsockname()[1], "a-token-of-nobody", 1).write(state / control.NAME)
        stopping = pool.submit(caller.stop, state, "halt", "news")
        knocking, _ = door.accept()  # the stop has seen that nobody runs
        with knocking, running(spec_of(state)) as service:
            address = state / control.NAME
            wait_for(lambda: control.read_control(address).pid == service.process.pid)
            service.settled()
            assert service.trades()
            knocking.close()  # and now it writes
            said = stopping.result()
            assert (said["running"], said["via"], said["latched"]) == (True, "files", True)
            assert (said["not_acknowledged"], said["errors"]) == ([], [])
            assert service.gate.wanted == HALT
            assert not service.trades()
            wait_for(service.halted)
            assert caller.resume(state, "over", service.status()["latch"]["number"]).status == 200


def test_a_resume_after_all_that_trades_again(service: Running) -> None:
    caller.stop(service.state, "halt", "x")
    said = caller.resume(service.state, "fine")
    assert (said.status, said.body["resumed"]) == (200, True)
    assert service.gate.wanted == OPEN
    assert service.trades()
