"""The guard and its processes: who dies with whom, who is started again, who may run at all."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from liveopt.guard import caller, control, latch, lock
from liveopt.guard.gate import HALT
from liveopt.guard.spec import GAVE_UP, Limits
from tests.guard.harness import ENGINE, ROOT, alive, running, spec_of, wait_for
from tests.guard.races import race

QUICK = Limits(backoff_s=0.01, backoff_s_max=0.01)


def test_a_killed_engine_comes_back(tmp_path: Path) -> None:
    with running(spec_of(tmp_path / "state", limits=QUICK)) as service:
        pid = service.engine_pid()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: service.settled()["engine"]["pid"] != pid)
        assert service.trades()
        assert service.status()["engine"]["last_exit"] == -signal.SIGKILL


def test_a_killed_guard_takes_its_engine_along_and_frees_the_lock(tmp_path: Path) -> None:
    with running(spec_of(tmp_path / "state")) as service:
        pid = service.engine_pid()
        service.kill()
        service.wait()
        wait_for(lambda: not alive(pid), 1.0)
        wait_for(lambda: lock.holder(service.state / lock.NAME) is None, 1.0)
        assert not caller.runs(service.state)


def test_every_restart_after_a_stop_comes_up_halted(tmp_path: Path) -> None:
    state, made = tmp_path / "state", []
    for start in range(5):
        with running(spec_of(state, limits=QUICK)) as service:
            service.settled()
            if start == 0:
                assert service.trades()
                caller.stop(state, "halt", "for good")
            made.append(service.made)
            assert service.gate.wanted == HALT
            os.kill(service.engine_pid(), signal.SIGKILL)
            wait_for(lambda: service.status()["engine"]["starts"] == 2)
            service.settled()
            assert service.halted()
            service.kill()
            service.wait()
    assert len(set(made)) == 1, "no entry in any life after the stop"


def test_a_guard_killed_amid_a_stop_comes_up_halted_or_never_said_it_was(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(spec_of(state)) as service:
        service.settled()
        with subprocess.Popen(
            [sys.executable, "-m", "tests.guard.hammer", str(state)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as hammer:
            assert hammer.stdout is not None
            hammer.stdout.readline()  # a stop was answered, and others follow
            service.kill()
            service.wait()
            hammer.kill()
    with running(spec_of(state)) as service:
        service.settled()
        assert service.halted()


def test_a_halt_file_put_while_nothing_ran_is_latched_at_the_start(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / latch.HALT_FILE).touch()
    with running(spec_of(state)) as service:
        service.settled()
        assert service.made == 0
        assert service.latched()


def test_a_damaged_latch_comes_up_halted(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(spec_of(state)) as service:
        assert not service.settled()["halted"]
    with (state / latch.NAME).open("r+b") as file:
        file.write(b"\xff" * 100)
    with running(spec_of(state)) as service:
        assert service.settled()["halted"]
        assert service.made > 0
        assert not service.trades()
        assert caller.resume(state, "looked at the disk").status == 200
        assert service.trades()


def test_an_engine_that_dies_too_often_ends_the_guard(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import sys; sys.exit(9)"]
    with running(spec_of(tmp_path / "state", words, limits=QUICK)) as service:
        assert service.wait() == GAVE_UP
        *_, last = service.errors.read_text().splitlines()
    assert last.startswith("liveopt: gave up: the engine ended 6 times within 60 s")
    assert "exit code 9" in last
    assert str(tmp_path / "state") in last
    assert not (tmp_path / "state" / control.NAME).exists()


@pytest.mark.slow
def test_an_engine_that_cannot_be_started_counts_as_one_that_died(tmp_path: Path) -> None:
    """Descriptors run out, and come back."""
    with running(spec_of(tmp_path / "state", limits=QUICK)) as service:
        pid, guard = service.engine_pid(), service.process.pid
        before = resource.prlimit(guard, resource.RLIMIT_NOFILE)
        resource.prlimit(guard, resource.RLIMIT_NOFILE, (1, before[1]))
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: "could not be started" in service.errors.read_text())
        resource.prlimit(guard, resource.RLIMIT_NOFILE, before)
        wait_for(lambda: service.settled()["engine"]["pid"] != pid)
        assert service.trades()


@pytest.mark.parametrize("code", [0, 2, 4, 7, 79])
def test_an_exit_that_a_restart_would_not_mend_is_the_guard_s_own(
    tmp_path: Path, code: int
) -> None:
    words = [sys.executable, "-c", f"import sys; sys.exit({code})"]
    with running(spec_of(tmp_path / "state", words)) as service:
        assert service.wait() == code


def test_an_engine_that_never_beats_is_killed_when_its_start_took_too_long(tmp_path: Path) -> None:
    limits = Limits(starting_s=0.3, restarts=0)
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    with running(spec_of(tmp_path / "state", words, limits=limits)) as service:
        assert service.wait() == GAVE_UP
        assert "time.sleep" in service.errors.read_text() or "File" in service.errors.read_text()


def test_a_hanging_engineays_where_it_hangs(tmp_path: Path) -> None:
    limits = Limits(heartbeat_s=0.5)
    with running(spec_of(tmp_path / "state", limits=limits)) as service:
        pid = service.engine_pid()
        reply = caller.command(service.state, {"hang": 60})
        assert reply.status in {503, 504}
        wait_for(lambda: service.settled()["engine"]["pid"] != pid)
        assert "in answer" in service.errors.read_text()


ENDS = [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
SIM = 'import time; print(\'{"spot": "x"}\', flush=True); time.sleep(600)'


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_a_polite_end_ends_the_engine_first_and_leaves_no_address(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    spec = msgspec.structs.replace(spec_of(tmp_path / "state"), sim=[sys.executable, "-c", SIM])
    with running(spec) as service:
        pid = service.engine_pid()
        service.kill(number)
        assert service.wait() == code
        assert not alive(pid)
        assert not (service.state / control.NAME).exists()
        said = service.errors.read_text()
    assert "Traceback" not in said
    assert "is closed" not in said


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), ENDS)
@pytest.mark.parametrize(("engine", "said"), [(143, None), (0, None), (70, 70)])
def test_an_end_in_order_has_the_code_of_who_asked_and_another_its_own(
    tmp_path: Path, number: signal.Signals, code: int, engine: int, said: int | None
) -> None:
    program = (
        f"import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit({engine}))\n"
        "print('up', flush=True)\ntime.sleep(600)"
    )
    with running(spec_of(tmp_path / "state", [sys.executable, "-c", program])) as service:
        wait_for(lambda: "up" in service.errors.read_text())
        service.kill(number)
        assert service.wait() == (code if said is None else said)


@pytest.mark.slow
def test_a_port_that_is_taken_is_said_in_a_line_or_replaced(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        spec = msgspec.structs.replace(spec_of(tmp_path / "state"), port=port)
        with running(spec) as service:
            assert service.wait() == 4
            (line,) = service.errors.read_text().splitlines()
        assert f"port {port} (control.port) is taken" in line
        assert "LIVEOPT__CONTROL__PORT=0" in line
        spec = spec_of(tmp_path / "other")
        spec = msgspec.structs.replace(spec, port=port, port_fallback=True)
        with running(spec) as service:
            assert service.settled()["port"] not in {0, port}
            assert service.trades()


def test_an_engine_that_ignores_a_polite_word_is_killed(tmp_path: Path) -> None:
    stubborn = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\nwhile True: time.sleep(1)"
    )
    words = [sys.executable, "-c", stubborn]
    with running(spec_of(tmp_path / "state", words, limits=Limits(polite_s=0.3))) as service:
        wait_for(lambda: "up" in service.errors.read_text())
        pid = service.status()["engine"]["pid"]
        service.kill(signal.SIGTERM)
        assert service.wait() == 0
        assert not alive(pid)


def test_the_address_is_for_the_same_user_only_and_complete(tmp_path: Path) -> None:
    with running(spec_of(tmp_path / "state")) as service:
        service.settled()
        file = service.state / control.NAME
        assert file.stat().st_mode & 0o777 == 0o600
        said = control.read_control(file)
        assert said.pid == service.process.pid
        assert len(said.token) >= 43
        assert said.token not in service.errors.read_text()


def test_the_engine_learns_where_the_simulated_exchange_is(tmp_path: Path) -> None:
    said = {"spot": "http://127.0.0.1:1", "futures": "http://127.0.0.1:2", "seed": 3}
    program = f"import time; print('''{json.dumps(said)}''', flush=True); time.sleep(600)"
    engine = [sys.executable, "-c", "import sys; print(sys.argv[1:])", "{spot}", "--f={futures}"]
    spec = spec_of(tmp_path / "state", engine)
    spec = msgspec.structs.replace(spec, sim=[sys.executable, "-c", program])
    with running(spec) as service:
        assert service.wait() == 0
        words = "['http://127.0.0.1:1', '--f=http://127.0.0.1:2']"
        assert words in service.errors.read_text()


def test_without_its_exchange_the_engine_is_started_again_with_a_new_one(tmp_path: Path) -> None:
    state = tmp_path / "state"
    program = (
        'import os, time; print(\'{"spot": "%d"}\' % os.getpid(), flush=True); time.sleep(600)'
    )
    spec = msgspec.structs.replace(
        spec_of(state, [*ENGINE, str(state), "{spot}"], limits=QUICK),
        sim=[sys.executable, "-c", program],
    )
    with running(spec) as service:
        pid = service.engine_pid()
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        os.kill(int(words[-2]), signal.SIGKILL)
        wait_for(lambda: service.settled()["engine"]["pid"] != pid)
        again = Path(f"/proc/{service.engine_pid()}/cmdline").read_text().split("\0")
        assert again[-2] != words[-2]


@pytest.mark.parametrize("line", ["no json", "[1]", ""])
def test_an_exchange_that_does_not_say_where_it_is_is_given_up(tmp_path: Path, line: str) -> None:
    spec = spec_of(tmp_path / "state", limits=Limits(restarts=1, backoff_s=0.01))
    program = f"import time; print('{line}', flush=True); time.sleep(0.05)"
    spec = msgspec.structs.replace(spec, sim=[sys.executable, "-c", program], final=(4,))
    with running(spec) as service:
        assert service.wait() == GAVE_UP


def test_the_second_instance_ends_with_79_and_touches_nothing(tmp_path: Path) -> None:
    spec = spec_of(tmp_path / "state")
    with running(spec) as service:
        service.settled()
        before = {
            file.name: file.stat().st_ino for file in service.state.iterdir() if file.is_file()
        }
        words = [sys.executable, "-m", "liveopt.guard", msgspec.json.encode(spec).decode()]
        second = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert second.returncode == lock.EXIT
        assert f"process {service.process.pid}" in second.stderr
        after = {
            file.name: file.stat().st_ino for file in service.state.iterdir() if file.is_file()
        }
        assert before == after
        assert service.trades()


def test_an_engine_that_outlives_its_guard_keeps_the_folder(tmp_path: Path) -> None:
    survivor = (
        "import ctypes, time; ctypes.CDLL(None).prctl(1, 0); print('deaf', flush=True)\n"
        "time.sleep(600)"
    )
    with running(spec_of(tmp_path / "state", [sys.executable, "-c", survivor])) as service:
        wait_for(lambda: "deaf" in service.errors.read_text())
        pid = service.status()["engine"]["pid"]
        service.kill()
        service.wait()
        try:
            with pytest.raises(lock.Locked):
                lock.Lock(service.state / lock.NAME).take()
        finally:
            os.kill(pid, signal.SIGKILL)


def test_of_two_that_start_at_once_one_runs(tmp_path: Path) -> None:
    """A hundred with `python -m tests.guard.races`."""
    for number in range(5):
        assert race(tmp_path / str(number)) == [lock.EXIT]


@pytest.mark.parametrize("text", ["", "{", "{}", '{"state": "x", "engine": []}', "/no/such/file"])
def test_a_spec_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "liveopt.guard", text]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "spec" in ended.stderr.lower()


def test_a_signal_before_the_door_is_open_is_not_lost(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with running(spec_of(state)) as service:
        wait_for(lambda: lock.holder(state / lock.NAME) == service.process.pid, every_s=0.0)
        time.sleep(0.01)
        service.kill(signal.SIGUSR1)
        service.settled()
        wait_for(service.halted)
