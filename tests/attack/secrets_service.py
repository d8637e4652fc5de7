"""The real service with canaries for secrets, driven through all that tells, then searched."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote

from websockets.sync.client import connect

from liveopt.guard.control import NAME as CONTROL
from liveopt.guard.control import read_control
from liveopt.live.frames import NAME as TELEMETRY
from liveopt.web.keys import PEPPER
from liveopt.web.openapi import PARAMETER
from liveopt.web.routes import ROUTES
from liveopt.web.sessions import cookie_name
from tests.attack.api_service import LINK, WITHOUT_LIMITS, Attacked, begun
from tests.attack.secrets_canaries import Canary, Search, exchange, spellings, word
from tests.guard.harness import alive, wait_for

LISTENING_S: Final = 3.0
OWN: Final = frozenset({PEPPER, CONTROL})
"""Files that hold one secret each, for their owner alone."""
COMMANDS: Final = (
    ("status", "--json"), ("status",), ("doctor", "--offline"), ("doctor", "--offline", "--json"),
    ("config", "show"), ("config", "show", "--json", "--origin"), ("config", "check"),
    ("keys", "list"), ("keys", "list", "--json"), ("variants", "list"), ("promotions", "list"),
    ("journal", "verify", "logs/latest"), ("journal", "tail", "logs/latest"), ("nothing",),
    ("replay", "logs/latest"), ("stop", "--json"), ("-v", "status"), ("run", "--variants", "x"),
)  # fmt: skip
CRASHES: Final = """
import asyncio, gc, logging, os, threading
from liveopt import logs
logs.setup()
names = sorted(name for name in os.environ if name.startswith(("KUCOIN_", "LIVEOPT_WEB_")))
secrets = [os.environ[name] for name in names]
async def lost(text):
    raise OSError(f"lost {text}")
async def main():
    tasks = [asyncio.create_task(lost(text)) for text in secrets]
    await asyncio.sleep(0.01)
    del tasks
    gc.collect()
class Held:
    def __del__(self):
        raise ValueError(f"held {secrets}")
asyncio.run(main())
for text in secrets:
    thread = threading.Thread(target=exec, args=(f"raise KeyError({text!r})",))
    thread.start()
    thread.join()
    logging.getLogger("aiohttp.server").error("failed %s", text, exc_info=ValueError(text))
    logging.getLogger("x").error("does not fit %s %s", text)
Held()
raise ConnectionError(f"no answer for {secrets} and {[s.encode().hex() for s in secrets]}")
"""


class Hook(BaseHTTPRequestHandler):
    """Somebody else's address, which takes nothing and keeps what came."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        self.bodies.append(str(self.headers).encode() + self.rfile.read(size))
        self.send_response(500)
        self.end_headers()

    def log_message(self, *words: Any) -> None:
        """Nothing."""


@contextmanager
def hook() -> Iterator[int]:
    """Its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def drive(folder: Path, seed: int) -> dict[str, Any]:
    """A whole life of the service; what was found where."""
    luck = random.Random(seed)
    environ, path = exchange(luck), f"services/T{word(luck, 10)}/{word(luck, 24)}"
    with hook() as port:
        environ["LIVEOPT__WEB__WEBHOOKS"] = f"http://127.0.0.1:{port}/{path}"
        found = [Canary("webhook", path.encode())]
        found += [Canary(n, text.encode()) for n, text in environ.items() if "KUCOIN" in n]
        with begun(folder, WITHOUT_LIMITS | environ, "demo", "--variants", "20") as service:
            drove = Drive(service, found)
            drove.run()
    drove.search_files()
    for body in Hook.bodies:
        drove.search.look("a webhook's body", body)
    drove.crash()
    return drove.told()


def _gone(pid: int) -> bool:
    return not alive(pid)


class Drive:
    """One service, what is secret of it, and the search for that."""

    def __init__(self, service: Attacked, found: list[Canary]) -> None:
        self.service, state = service, service.state
        self.key = service.key("admin")
        opened = service.ask(
            "POST", "/api/session", json.dumps({"token": service.word}).encode(),
            Content_Type="application/json",
        )  # fmt: skip
        named = f"{cookie_name(service.port, encrypted=False)}="
        self.cookie = opened.headers.partition(named)[2].partition(";")[0]
        page = json.loads(opened.body)["secret"]
        made = service.ask("POST", "/api/ticket", None, Authorization=f"Bearer {self.key}")
        self.ticket = json.loads(made.body)["ticket"]
        assert service.word, "the dashboard is not built, so no word was printed: make ui"
        assert self.cookie
        found = [
            *found,
            Canary("API key", self.key.encode()),
            Canary("one-time word", service.word.encode()),
            Canary("session", self.cookie.encode()),
            Canary("page of a session", page.encode()),
            Canary("ticket", self.ticket.encode()),
            Canary("token of the door", read_control(state / CONTROL).token.encode()),
            Canary("pepper", (state / PEPPER).read_bytes()),
        ]
        self.canaries, self.search = found, Search(found)
        self.answers = 0

    def run(self) -> None:
        """Through everything."""
        self.listen()
        self.odd()
        self.everything()
        self.commands()
        self.restart()
        self.everything()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        """Its answer is searched."""
        own = {"Authorization": f"Bearer {self.key}", "Content_Type": "application/json"} | headers
        said = self.service.ask(method, path, body, **own)
        self.answers += 1
        self.search.look(
            f"{method} {path.partition('?')[0]:.40}", said.headers.encode() + said.body
        )
        return said.body

    def everything(self) -> None:
        """Every route that only tells."""
        for route in ROUTES:
            if route.method == "GET" and route.tag != "socket":
                self.ask("GET", PARAMETER.sub("ma_crossover", route.path))
        self.ask("GET", "/api/v1/logs?limit=1000")

    def odd(self) -> None:
        """Secrets where none belong, in every spelling that a request can carry."""
        for canary in self.canaries:
            if canary.kind in {"ticket", "pepper"}:
                continue
            for _, text in spellings(canary.raw):
                place = quote(text.encode("utf-8", "surrogateescape"), safe="")
                for path in (
                    f"/api/v1/variants/{place}",
                    f"/{place}",
                    f"/api/v1/jobs?limit={place}",
                ):
                    self.service.ask("GET", path, None, Authorization=f"Bearer {self.key}")
                    self.answers += 1
            word_ = canary.text.encode("utf-8", "replace").decode("latin-1")
            for name in ("X_API_Key", "Cookie", "Authorization", "Idempotency_Key", "Origin"):
                with suppress(ValueError):
                    self.ask("POST", "/api/optimizer/rollback", b"{}", **{name: word_})
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in self.key)
        for body in (f'{{"variantId": "nobody", "reason": "{self.key}"}}',
                     f'{{"variantId": "nobody", "reason": "{escaped}"}}'):  # fmt: skip
            self.service.ask(
                "POST", "/api/optimizer/promote", body.encode(),
                Authorization=f"Bearer {self.key}", Content_Type="application/json",
            )  # fmt: skip
        self.ask("POST", "/api/optimizer/stop", f'{{"reason": "{escaped}"}}'.encode())
        self.ask("POST", "/api/optimizer/resume", f'{{"reason": "x {escaped}"}}'.encode())

    def listen(self) -> None:
        """The stream, the seed's stream, and the engine's frames."""
        address = f"ws://127.0.0.1:{self.service.port}/ws"
        ways: list[dict[str, Any]] = [
            {"uri": address, "subprotocols": ["liveopt", f"ticket.{self.ticket}"]},
            {"uri": f"{address}?type=optimizer_telemetry",
             "additional_headers": {"Authorization": f"Bearer {self.key}"}},
        ]  # fmt: skip
        for way in ways:
            with connect(**way) as stream:
                until_s = time.monotonic() + LISTENING_S
                while time.monotonic() < until_s:
                    with suppress(TimeoutError):
                        said = stream.recv(timeout=0.5)
                        self.search.look(
                            "the stream", said.encode() if isinstance(said, str) else said
                        )
        with socket.socket(socket.AF_UNIX) as frames:
            frames.connect(str(self.service.state / TELEMETRY))
            frames.settimeout(LISTENING_S)
            with suppress(TimeoutError):
                self.search.look("telemetry", frames.recv(1 << 20))

    def commands(self) -> None:
        """What people type."""
        for words in (*COMMANDS, ("journal", "export", "logs/latest", "-o", "exported")):
            said = self.service.liveopt(*words)
            self.search.look(f"liveopt {' '.join(words)}", said.stdout + said.stderr)

    def restart(self) -> None:
        """A web process that hangs and one that is killed."""
        for number in (signal.SIGABRT, signal.SIGKILL):
            web = wait_for(self.service.web, 30.0, 0.1)
            if web["pid"] is not None:
                os.kill(web["pid"], number)
                wait_for(partial(_gone, web["pid"]), 30.0, 0.05)
            wait_for(lambda: self.ask("GET", "/api/v1/health/live") != b"", 60.0, 0.2)

    def crash(self) -> None:
        """A process as the product begins one, with secrets in all that can go wrong in it."""
        done = subprocess.run(
            [sys.executable, "-c", CRASHES], env=self.service.environment | {
                "LIVEOPT_WEB_TOKEN": self.service.word
            }, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 1, done.stderr
        assert done.stderr.count(b"[redacted]") > 20, done.stderr
        self.search.look("a crash", done.stdout + done.stderr)

    def search_files(self) -> None:
        """All that is on the disk, and all that was printed but the link."""
        for path in sorted(self.service.folder.rglob("*")):
            if path.is_file() and not path.is_symlink() and path.name not in OWN:
                data = path.read_bytes()
                if path.name == "out":
                    data = LINK.sub("", data.decode()).encode()
                self.search.look(f"file {path.relative_to(self.service.folder)}", data)

    def told(self) -> dict[str, Any]:
        """In figures."""
        return {
            "canaries": [canary.kind for canary in self.canaries],
            "answers": self.answers,
            "webhooks": len(Hook.bodies),
            "mib": round(self.search.bytes_seen / (1 << 20), 1),
            "hits": sorted(set(self.search.hits)),
        }
