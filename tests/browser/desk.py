"""A whole service with its dashboard, as a person starts it, beside a simulated exchange."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liveopt.guard import caller
from tests.kill.stage import LIVEOPT, PATIENCE_S, Service, Sim, environment, exchange, wait_for

LINK = re.compile(r"dashboard (http://127\.0\.0\.1:\d+)/#t=(\S+)")
VARIANTS = 24
SETTINGS = {
    "LIVE__VARIANTS": str(VARIANTS),
    "LIVE__SET": "kind=ema",
    "ACCOUNT__FRACTION": "0.1",
    "ACCOUNT__LEVERAGE": "5",
    "GATE__EVIDENCE_BARS": "1",
    "GATE__LOOK_EVERY": "1",
}
SPEED = "60"
"""A signal bar a second: something happens while a test looks."""
RECORDED = "6000"
"""A hundred bars a second: who is better shows within seconds."""


@dataclass
class Desk(Service):
    """Service, exchange and the address of the dashboard, which stays when the service ends."""

    sim: Sim | None = None
    base: str = ""
    link: str = ""
    """What it has printed: works once."""
    cookie: str = ""
    secret: str = ""
    """What a page keeps of its session."""

    def start(self, *words: str) -> None:
        """`liveopt run` with its dashboard."""
        self.begin("run", "--feed", self.url, *words)

    def begin(self, *words: str) -> None:
        """A command that prints the link of a dashboard."""
        command = [*LIVEOPT, *words]
        out = self.room / "said"
        with out.open("wb") as said, (self.room / "service.log").open("ab") as errors:
            self.process = subprocess.Popen(
                command, cwd=self.room, env=environment(**self.settings), stdout=said,
                stderr=errors, start_new_session=True,
            )  # fmt: skip

        def look() -> re.Match[str] | None:
            assert self.process is not None
            assert self.process.poll() is None, f"ended: {self.process.returncode}: {self.log()}"
            return LINK.search(out.read_text())

        found = wait_for(look, every_s=0.05)
        self.base, self.link = found[1], found[0].partition(" ")[2]

    def sign_in(self) -> None:
        """Use the link up; every page of the tests shares the session."""
        word = {"token": self.link.partition("#t=")[2]}
        status, headers, body = self.ask("POST", "/api/session", word)
        assert status == 201
        self.cookie, self.secret = headers["Set-Cookie"].partition(";")[0], body["secret"]

    def ask(
        self, method: str, path: str, body: object = None
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        """A request of this session: status, headers, body."""
        connection = http.client.HTTPConnection(self.base.partition("//")[2], timeout=PATIENCE_S)
        headers = {"Cookie": self.cookie, "X-Liveopt": self.secret} if self.cookie else {}
        if method != "GET":
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, json.dumps(body or {}) if body else None, headers)
            said = connection.getresponse()
            return said.status, dict(said.getheaders()), json.loads(said.read())
        finally:
            connection.close()

    def get(self, path: str) -> dict[str, Any]:
        """What is there."""
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def pid(self, which: str) -> int:
        """Of the web process or the engine that runs now."""

        def look() -> int | None:
            with suppress(caller.NotRunning, caller.NoAnswer):
                found: int | None = caller.status(self.state)[which]["pid"]
                return found
            return None

        found: int = wait_for(look)
        return found

    def seen(self) -> None:
        """Once the dashboard's process hears an engine that is at work."""

        def look() -> bool:
            said = self.get("/api/v1/run")
            report = said["report"]
            return bool(said["connected"] and report.get("phase") == "running")

        wait_for(look, every_s=0.1)

    def wake(self) -> None:
        """Whoever stands still could not be ended."""
        with suppress(OSError, caller.NoAnswer, caller.NotRunning, TypeError):
            for which in ("web", "engine"):
                os.kill(caller.status(self.state)[which]["pid"], signal.SIGCONT)

    def open_again(self) -> None:
        """End a halt, if there is one."""
        if caller.status(self.state)["halted"]:
            status, _, body = self.ask("POST", "/api/optimizer/resume", {"reason": "the next test"})
            assert status == 200, body


@contextmanager
def desk(
    room: Path,
    feed: Path | None = None,
    settings: Mapping[str, str] | None = None,
    *,
    demo: bool = False,
) -> Iterator[Desk]:
    """Everything runs and has been signed in to; nothing runs afterwards.

    Its market is a simulated exchange, or the recording `feed`. With `demo` it is `liveopt demo`,
    whose exchange is its own, and whose link is not used up.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        own = SETTINGS | {"WEB__PORT": str(free.getsockname()[1])} | dict(settings or {})
    with ExitStack() as stack:
        alone = feed is not None or demo
        sim = None if alone else stack.enter_context(exchange(room, "--speed", SPEED))
        found = Desk(room, sim.url if sim else str(feed), own, sim=sim)
        stack.callback(found.abandon)
        stack.callback(found.wake)
        if demo:
            found.begin("demo", "--variants", "8")
        else:
            found.start(*(("--speed", RECORDED) if feed else ()))
            found.sign_in()
            found.seen()
        yield found
