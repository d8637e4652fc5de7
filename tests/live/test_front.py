"""The dashboard's process as people run it: its address, its restarts, its end; out of a wheel."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from liveopt.cli import front
from liveopt.config import Settings
from liveopt.guard import caller
from liveopt.guard.spec import Limits
from tests.guard.harness import alive, running, spec_of, wait_for

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"dashboard http://127\.0\.0\.1:(\d+)/#t=(\S+)")
PATIENCE_S = 60.0
built = pytest.mark.skipif(not front.is_built(), reason="the dashboard is not built: make ui")
pytestmark = pytest.mark.timeout(150)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Shown:
    """A demonstration with its dashboard."""

    def __init__(self, folder: Path, *words: str, package: Path = ROOT) -> None:
        self.folder, self.state = folder, folder / "logs"
        ours = ("LIVEOPT__", "OPTIMIZER_", "DEMO_MODE", "PORT")
        self.environment = {n: t for n, t in os.environ.items() if not n.startswith(ours)} | {
            "PYTHONPATH": str(package),
            "LIVEOPT__WEB__PORT": "0",
            "LIVEOPT__CONTROL__PORT": "0",
            "LIVEOPT__JOURNAL__BALLAST_MIB": "1",
        }
        with (folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "liveopt", "demo", "--variants", "8", *words],
                cwd=folder, env=self.environment, stdout=subprocess.PIPE, stderr=err, text=True,
            )  # fmt: skip
        self.port, self.said, self.cookie, self.secret = 0, "", "", ""

    @property
    def errors(self) -> str:
        return (self.folder / "err").read_text()

    def link(self) -> str:
        """The word of the printed address, whose port is taken down."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            self.said += line
            if found := LINK.search(line):
                self.port = int(found[1])
                return found[2]
        raise AssertionError(f"no address: {self.said} {self.errors}")

    def web(self) -> dict[str, Any]:
        """What the guard says of the web process."""

        def look() -> dict[str, Any] | None:
            with suppress(caller.NotRunning, caller.NoAnswer):
                found: dict[str, Any] = caller.status(self.state)["web"]
                return found
            return None

        known: dict[str, Any] = wait_for(look, PATIENCE_S, 0.05)
        return known

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        usual = {"Content-Type": "application/json"} if body is not None else {}
        own = {"Cookie": self.cookie, "X-Liveopt": self.secret} if self.cookie else {}
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, content, usual | own | headers)
            said = connection.getresponse()
            return Answer(said.status, dict(said.getheaders()), said.read())
        finally:
            connection.close()

    def log_in(self, word: str) -> int:
        said = self.ask("POST", "/api/session", {"token": word})
        self.cookie = said.headers.get("Set-Cookie", self.cookie).partition(";")[0]
        self.secret = json.loads(said.body).get("secret", self.secret)
        return said.status

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)


@contextmanager
def shown(folder: Path, *words: str, package: Path = ROOT) -> Iterator[Shown]:
    found = Shown(folder, *words, package=package)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.end()
        assert found.process.stdout is not None
        found.process.stdout.close()


@built
def test_what_a_page_draws_is_there_again_when_the_process_was_killed(tmp_path: Path) -> None:
    with shown(tmp_path) as demo:
        demo.log_in(demo.link())

        def of_main() -> dict[str, Any]:
            found = json.loads(demo.ask("GET", "/api/v1/variants?limit=50").body)["variants"]
            name = next((one["id"] for one in found if one["champion"]), "")
            said: dict[str, Any] = json.loads(demo.ask("GET", f"/api/v1/variants/{name}").body)
            return said

        wait_for(lambda: len(of_main().get("candles", ())) >= 5, PATIENCE_S, 0.2)
        before = of_main()
        assert before["explain"] is not None
        report = json.loads(demo.ask("GET", "/api/v1/run").body)["report"]
        assert report["terms"]["capital"] == Settings().account.capital
        assert report["terms"]["gate"]["trades_min"] > 0
        assert report["budget"]["calls"] > 0
        assert "liveopt_budget_used_ratio" in demo.ask("GET", "/metrics").body.decode()
        os.kill(demo.web()["pid"], signal.SIGKILL)
        wait_for(lambda: demo.web()["starts"] == 2, PATIENCE_S, 0.1)
        again = wait_for(lambda: of_main().get("candles"), PATIENCE_S, 0.2)
        assert again[: len(before["candles"])] == before["candles"]
        page = demo.ask("GET", "/no/such/page", Accept="text/html")
        assert (page.status, page.body) == (404, demo.ask("GET", "/").body)
        assert demo.end() == 130


@built
def test_the_link_works_once_and_the_session_outlives_the_process(tmp_path: Path) -> None:
    with shown(tmp_path) as demo:
        word = demo.link()
        assert demo.ask("GET", "/").status == 200
        assert demo.ask("GET", "/api/v1/run").status == 401
        assert demo.log_in(word) == 201
        assert demo.log_in(word) == 401
        assert demo.ask("GET", "/api/v1/run").status == 200
        before = demo.web()
        assert before["port"] == demo.port
        os.kill(before["pid"], signal.SIGKILL)
        wait_for(lambda: not alive(before["pid"]))
        assert demo.ask("GET", "/api/v1/run").status == 200, "who asks meanwhile waits"
        after = demo.web()
        assert (after["starts"], after["last_exit"]) == (2, -signal.SIGKILL)
        assert demo.log_in(word) == 401, "a restart does not make it new"
        assert caller.status(demo.state)["engine"]["starts"] == 1
        assert demo.end() == 130
        assert not alive(after["pid"])
        assert word not in demo.errors
        files = [path.read_bytes() for path in demo.state.rglob("*") if path.is_file()]
        assert files
        assert [content for content in files if word.encode() in content] == []


@pytest.mark.slow
def test_headless_says_nothing_and_is_there_for_programs_with_a_key(tmp_path: Path) -> None:
    with shown(tmp_path, "--headless") as demo:
        demo.port = demo.web()["port"]
        assert demo.ask("GET", "/api/v1/health/live").status == 200
        assert demo.ask("GET", "/api/v1/run").status == 401
        made = subprocess.run(
            [sys.executable, "-m", "liveopt", "keys", "create", "a test", "--scope", "read"],
            cwd=tmp_path, env=demo.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        key = re.search(r"lo_\S+", made.stdout)
        assert key is not None
        answer = demo.ask("GET", "/api/v1/run", Authorization=f"Bearer {key[0]}")
        assert answer.status == 200
        assert json.loads(answer.body)["mode"] == "demo"
        demo.end()
        assert demo.process.stdout is not None
        assert demo.process.stdout.read() == ""


@pytest.mark.slow
def test_one_that_is_at_work_is_left_alone_and_one_that_stands_still_is_not(tmp_path: Path) -> None:
    limits = Limits(web_heartbeat_s=3.0, web_starting_s=30.0)
    state = tmp_path / "state"
    words = [sys.executable, "-m", "liveopt", "web", "--state", str(state)]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.set_inheritable(True)
        number = listening.fileno()
        spec = msgspec.structs.replace(
            spec_of(state, limits=limits),
            web=[*words, "--run", str(state / "r")],
            web_socket=number,
        )
        with running(spec, pass_fds=(number,)) as service:
            where = listening.getsockname()
            listening.close()
            assert health(where) == 200
            time.sleep(2 * limits.web_heartbeat_s)
            web = service.status()["web"]
            assert web["starts"] == 1
            os.kill(web["pid"], signal.SIGSTOP)
            wait_for(lambda: not alive(web["pid"]))
            assert health(where) == 200
            assert service.status()["web"]["starts"] == 2
            assert service.status()["engine"]["starts"] == 1


def health(where: tuple[str, int]) -> int:
    connection = http.client.HTTPConnection(*where, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/api/v1/health/live")
        return connection.getresponse().status
    finally:
        connection.close()


@built
@pytest.mark.slow
def test_a_wheel_brings_the_dashboard_along(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    with shown(tmp_path, package=tmp_path / "installed") as demo:
        demo.link()
        page = demo.ask("GET", "/")
        assert page.status == 200
        assets = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.body.decode())
        assert [name for name in assets if name.endswith(".js")]
        for name in assets:
            answer = demo.ask("GET", name)
            assert answer.status == 200, name
            assert "immutable" in answer.headers["Cache-Control"], name
        pid = demo.web()["pid"]
        assert str(tmp_path / "installed").encode() in Path(f"/proc/{pid}/environ").read_bytes()


@built
def test_a_new_link_opens_one_more_session_of_the_dashboard_that_runs(tmp_path: Path) -> None:
    with shown(tmp_path) as demo:
        demo.link()
        demo.web()
        made = subprocess.run(
            [sys.executable, "-m", "liveopt", "link", "--json"],
            cwd=tmp_path, env=demo.environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        address = json.loads(made.stdout)["address"]
        found = LINK.search(f"dashboard {address}")
        assert found is not None
        assert int(found[1]) == demo.port
        assert demo.log_in(found[2]) == 201
        assert demo.ask("GET", "/api/v1/run").status == 200
        assert demo.log_in(found[2]) == 401
        assert demo.end() == 130
        assert found[2] not in demo.errors
