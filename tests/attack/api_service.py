"""The real service as people run it, for programs that attack it: guard, engine, exchange, web."""

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from liveopt.guard import caller
from tests.guard.harness import wait_for

ROOT: Final = Path(__file__).parents[2]
LINK: Final = re.compile(r"dashboard http://127\.0\.0\.1:(\d+)/#t=(\S+)")
PATIENCE_S: Final = 60.0
OURS: Final = ("LIVEOPT__", "OPTIMIZER_", "DEMO_MODE", "PORT", "KUCOIN_")
WITHOUT_LIMITS: Final = {
    f"LIVEOPT__WEB__{kind}_AN_HOUR": "1000000000"
    for kind in ("REQUESTS", "SEARCHES", "DATA", "EXPORTS")
}
USUAL: Final = {
    "PYTHONPATH": str(ROOT),
    "LIVEOPT__WEB__PORT": "0",
    "LIVEOPT__CONTROL__PORT": "0",
    "LIVEOPT__JOURNAL__BALLAST_MIB": "1",
}
MINUTE_MS: Final = 60_000


class Answer(NamedTuple):
    """What came back, its head included."""

    status: int
    headers: str
    body: bytes


class Attacked:
    """A demonstration in a folder of its own; `begun` makes one and ends it."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *words: str) -> None:
        self.folder, self.state = folder, folder / "logs"
        inherited = {n: text for n, text in os.environ.items() if not n.startswith(OURS)}
        self.environment = inherited | USUAL | dict(environment)
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "liveopt", *words],
                cwd=folder, env=self.environment, stdout=out, stderr=err,
            )  # fmt: skip
        self.port, self.word = 0, ""

    def wait(self) -> None:
        """Until the engine runs, and the address is known with its word where one is printed."""
        known = wait_for(self.web, PATIENCE_S, 0.1)
        self.port = int(known["port"])
        wait_for(lambda: self.ask("GET", "/api/v1/health/live").status == 200, PATIENCE_S, 0.1)
        found = LINK.search((self.folder / "out").read_text())
        self.word = "" if found is None else found[2]
        wait_for(lambda: self.guard().get("status", {}).get("phase") == "running", PATIENCE_S, 0.2)

    def guard(self) -> dict[str, Any]:
        """What the guard says; nothing where none answers."""
        with suppress(caller.NotRunning, caller.NoAnswer):
            return caller.status(self.state)
        return {}

    def web(self) -> dict[str, Any] | None:
        """What it says of the web process."""
        return self.guard().get("web")

    def liveopt(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """A command beside the run."""
        return subprocess.run(
            [sys.executable, "-m", "liveopt", *words],
            cwd=self.folder, env=self.environment, capture_output=True, check=False, timeout=120,
        )  # fmt: skip

    def key(self, *scopes: str) -> str:
        """A new API key."""
        words = [part for scope in scopes for part in ("--scope", scope)]
        said = self.liveopt("keys", "create", "+".join(scopes), *words, "--json")
        return str(json.loads(said.stdout)["key"])

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; `_` in a header's name is a dash."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        own = {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            connection.request(method, path, body, own)
            said = connection.getresponse()
            return Answer(said.status, str(said.headers), said.read())
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, "", repr(error).encode())
        finally:
            connection.close()

    def end(self) -> int:
        """In order."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)


def candles(file: Path, count: int = 3_000) -> None:
    """A market to search in."""
    luck, price = random.Random(1), 60_000.0
    lines = ["time,open,high,low,close,volume"]
    for number in range(count):
        first, price = price, price * (1.0 + luck.gauss(0.0, 5e-4))
        high, low = 1.0003 * max(first, price), 0.9997 * min(first, price)
        at_ms = 1_700_000_000_000 + number * MINUTE_MS
        lines.append(f"{at_ms},{first:.1f},{high:.1f},{low:.1f},{price:.1f},1.5")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


@contextmanager
def begun(folder: Path, environment: Mapping[str, str], *words: str) -> Iterator[Attacked]:
    """Running, and ended with whoever asked for it."""
    candles(folder / "logs" / "data" / "XBTUSDTM-1m.csv")
    found = Attacked(folder, environment, *words)
    try:
        found.wait()
        yield found
    finally:
        found.end()
