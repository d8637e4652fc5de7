"""The guard and the web process beside the engine: it may die and hang as it likes."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt.guard import caller
from liveopt.guard.spec import GAVE_UP, Limits
from liveopt.guard.web import TOKEN
from tests.guard.harness import PATIENCE_S, Running, alive, running, spec_of, wait_for

PAGE = [sys.executable, "-m", "tests.guard.page"]
QUICK = Limits(
    backoff_s=0.01,
    backoff_s_max=0.01,
    web_backoff_s_max=0.02,
    web_heartbeat_s=1.5,
    web_polite_s=0.3,
)
SECRET = "dashboard-hunter2"


@contextmanager
def serving(
    state: Path, *words: str, limits: Limits = QUICK, engine: list[str] | None = None
) -> Iterator[tuple[Running, int]]:
    """A service with a page, and the port of the page."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number, port = listening.fileno(), listening.getsockname()[1]
        listening.set_inheritable(True)
        before = os.environ.get(TOKEN)
        os.environ[TOKEN] = SECRET
        spec = msgspec.structs.replace(
            spec_of(state, engine or (), limits=limits),
            web=list(words) or PAGE,
            web_socket=number,
        )
        try:
            with running(spec, pass_fds=(number,)) as service:
                listening.close()
                yield service, port
        finally:
            if before is None:
                del os.environ[TOKEN]


def get(port: int, path: str = "/", timeout_s: float = PATIENCE_S) -> dict[str, Any]:
    with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        said = b"".join(iter(lambda: connection.recv(4096), b""))
    found: dict[str, Any] = json.loads(said.partition(b"\r\n\r\n")[2] or b"{}")
    return found


def kill(pid: int) -> None:
    """One that is being killed may still take a connection along."""
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not alive(pid))


def test_it_answers_at_the_socket_and_with_the_word_that_were_made_for_it(tmp_path: Path) -> None:
    with serving(tmp_path / "state") as (service, port):
        said = get(port)
        assert said["secret"] == SECRET
        web = service.settled()["web"]
        assert web == {
            "pid": said["pid"], "starts": 1, "last_exit": None, "port": port, "trouble": None,
        }  # fmt: skip
        assert "a page on stdout" in service.errors.read_text()


def test_nobody_else_is_given_its_word(tmp_path: Path) -> None:
    with serving(tmp_path / "state") as (service, port):
        get(port)
        engine = Path(f"/proc/{service.engine_pid()}/environ").read_bytes()
        assert b"PATH=" in engine
        assert SECRET.encode() not in engine
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if ours(path)]
        assert lines
        assert not [line for line in lines if SECRET.encode() in line]
        assert SECRET not in service.errors.read_text()


def ours(path: Path) -> bool:
    try:
        return b"tests.guard" in path.read_bytes()
    except OSError:
        return False


def test_one_that_dies_comes_back_at_the_same_place_and_the_engine_does_not_notice(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "state") as (service, port):
        engine = service.engine_pid()
        pids = {get(port)["pid"]}
        for number, way in enumerate(["/die", "kill", "/die"], start=2):
            if way == "kill":
                kill(get(port)["pid"])
            else:
                get(port, way)
            pids.add(get(port)["pid"])  # whoever asks meanwhile waits for the next
            assert service.status()["web"]["starts"] == number
        assert len(pids) == 4
        assert service.status()["web"]["last_exit"] == 9
        assert service.engine_pid() == engine
        assert service.status()["engine"]["starts"] == 1
        assert service.trades()


def test_one_that_hangs_says_where_and_is_started_again(tmp_path: Path) -> None:
    with serving(tmp_path / "state") as (service, port):
        engine, first = service.engine_pid(), get(port)["pid"]
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /hang HTTP/1.0\r\n\r\n")
            assert get(port)["pid"] != first
        assert not alive(first)
        assert service.status()["web"]["last_exit"] == -signal.SIGABRT
        assert "tests/guard/page.py" in service.errors.read_text()
        assert service.engine_pid() == engine


def test_one_that_never_says_that_it_lives_is_started_again(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(QUICK, web_starting_s=0.3)
    engine = [sys.executable, "-m", "tests.guard.engine", str(tmp_path / "state")]
    with serving(tmp_path / "state", *PAGE, "--mute", limits=limits, engine=engine) as (service, _):
        wait_for(lambda: service.settled()["web"]["starts"] > 2)
        assert service.status()["engine"]["starts"] == 1


def test_one_that_cannot_live_is_tried_for_ever_while_the_engine_trades(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import sys; sys.exit(4)"]
    with serving(tmp_path / "state", *words) as (service, _):
        engine = service.engine_pid()
        tries = QUICK.restarts * 3
        wait_for(lambda: service.settled()["web"]["starts"] > tries)
        assert service.engine_pid() == engine
        assert service.trades()
        service.kill(signal.SIGTERM)
        assert service.wait() == 0


CANNOT = [sys.executable, "-c", "raise ImportError('no module of ours')"]


def answer(port: int, words: bytes = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") -> bytes:
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(words)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def troubled(service: Running) -> str | None:
    found: str | None = service.settled()["web"]["trouble"]
    return found


def test_that_there_is_no_dashboard_is_said_once_and_whoever_asks_is_told(tmp_path: Path) -> None:
    with serving(tmp_path / "state", *CANNOT) as (service, port):
        wait_for(lambda: troubled(service))
        assert troubled(service) == "ImportError: no module of ours"
        starts = service.status()["web"]["starts"]
        for words in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01", b"GET / HTT"):
            said = answer(port, words)
            assert said.startswith(b"HTTP/1.1 503 ")
            assert said.partition(b"\r\n\r\n")[2].count(b"\n") == 1
        wait_for(lambda: service.status()["web"]["starts"] > starts + 5)
        errors = service.errors.read_text()
        assert errors.count("no dashboard: ImportError: no module of ours;") == 1
        assert errors.count("Traceback") == 1
        assert service.trades()


def test_a_secret_in_what_it_wrote_last_is_told_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUCOIN_API_SECRET", "s3cr3t-0123456789-abcdef")
    text = "import os; raise ValueError('signed with ' + os.environ['KUCOIN_API_SECRET'])"
    with serving(tmp_path / "state", sys.executable, "-c", text) as (service, _):
        assert wait_for(lambda: troubled(service)) == "ValueError: signed with [redacted]"


def test_a_stop_does_not_wait_for_those_who_are_told_that_there_is_no_dashboard(
    tmp_path: Path,
) -> None:
    with serving(tmp_path / "state", *CANNOT) as (service, port), ExitStack() as stack:
        wait_for(lambda: troubled(service))
        for _ in range(200):  # none of whom says a word
            stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE_S))
        began_s = time.monotonic()
        said = caller.stop(service.state, "halt", "no dashboard")
        assert time.monotonic() - began_s < 0.5
        assert said["via"] == "door"
        assert said["latched"]
        assert not said["not_acknowledged"]


def test_one_that_can_start_at_last_answers_at_the_same_place(tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    text = f"import os; os.path.exists({str(mended)!r}) or exit('not yet')\n"
    words = [sys.executable, "-c", f"{text}import tests.guard.page as p; p.main()"]
    with serving(tmp_path / "state", *words) as (service, port):
        wait_for(lambda: troubled(service))
        assert troubled(service) == "not yet"
        assert b" 503 " in answer(port)
        mended.touch()
        wait_for(lambda: troubled(service) is None)
        assert get(port)["secret"] == SECRET


def test_a_program_that_is_not_there_is_no_trouble_of_the_engine(tmp_path: Path) -> None:
    with serving(tmp_path / "state", "/no/such/program") as (service, _):
        wait_for(lambda: service.settled()["web"]["starts"] > 3)
        assert service.trades()


def test_a_socket_that_is_none_is_no_trouble_of_the_engine(tmp_path: Path) -> None:
    spec = msgspec.structs.replace(
        spec_of(tmp_path / "state", limits=QUICK), web=PAGE, web_socket=900
    )
    with running(spec) as service:
        assert service.settled()["web"]["port"] is None
        wait_for(lambda: "could not be started" in service.errors.read_text())
        assert service.trades()
        assert service.status()["engine"]["starts"] == 1


@pytest.mark.parametrize("words", [[], ["--stubborn"]])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_with_the_service_and_has_no_say_in_how(
    tmp_path: Path, number: signal.Signals, code: int, words: list[str]
) -> None:
    with serving(tmp_path / "state", *PAGE, *words) as (service, port):
        web, engine = get(port)["pid"], service.engine_pid()
        began_s = time.monotonic()
        service.kill(number)
        assert service.wait() == code
        assert time.monotonic() - began_s < 5.0
        assert not alive(web)
        assert not alive(engine)
    with pytest.raises(ConnectionRefusedError):
        get(port)


def test_it_ends_with_a_guard_that_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path / "state", *PAGE, "--stubborn") as (service, port):
        web = get(port)["pid"]
        service.kill()
        service.wait()
        wait_for(lambda: not alive(web), 1.0)


@pytest.mark.parametrize(("code", "said"), [(4, 4), (9, GAVE_UP)])
def test_the_code_of_the_service_is_the_engines_alone(tmp_path: Path, code: int, said: int) -> None:
    engine = [sys.executable, "-c", f"import sys; sys.exit({code})"]
    with serving(tmp_path / "state", engine=engine) as (service, _):
        assert service.wait() == said
        assert not caller.runs(service.state)


def test_a_stop_does_not_wait_for_one_that_hangs(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(QUICK, web_heartbeat_s=60.0)
    engine = [sys.executable, "-m", "tests.guard.engine", str(tmp_path / "state")]
    with serving(tmp_path / "state", *PAGE, limits=limits, engine=engine) as (service, port):
        service.settled()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"GET /hang HTTP/1.0\r\n\r\n")
            said = caller.stop(service.state, "halt", "the page hangs")
        assert said["latched"]
        assert not said["not_acknowledged"]
