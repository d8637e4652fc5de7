"""What the API does on one core beside a run of 1,000 variants, and what that costs its ticks.

    python -m tests.bench.api                      rates beside a demo, then ticks with and without
    python -m tests.bench.api rates --seconds 10   every endpoint at the wanted rate, and its most
    python -m tests.bench.api ticks --turns 3      the run's ticks, idle and asked, in turns

The web process has one core and everything else the other: guard, engine, market, search. Who asks
shares the web's core, since there are two and the engine's is being measured; so the rates hold the
asker's own work too (`own_cpu_share`). Limits on how often one may ask are raised by settings.

`rates` is a `liveopt demo`. `ticks` is the same service with a market that sends 1,000 trades a
second and says when, so that a tick's time is known: from the exchange's send to the decision, and
to tick and decision being on the disk.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from liveopt.cli.bench_live import Load, Serving, environment
from liveopt.guard import caller
from liveopt.guard.clock import WALL
from liveopt.guard.spec import Spec
from liveopt.live.clock import Clock
from liveopt.web.keys import Keys
from tests.bench.asker import Wish, told
from tests.kill.stage import wait_for
from tests.studies import candles, write_csv

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = (sys.executable, "-m")
VARIANTS: Final = 1_000
READY_S: Final = 120.0
ROOM_S: Final = 1.0
"""For so long a queue of 100 has room for 100 orders a second."""
MANY: Final = "1000000000"
SETTINGS: Final = {
    "LIVEOPT__WEB__REQUESTS_AN_HOUR": MANY,
    "LIVEOPT__WEB__SEARCHES_AN_HOUR": MANY,
    "LIVEOPT__WEB__PORT": "0",
    "LIVEOPT__CONTROL__PORT": "0",
}
ORDER: Final = {
    "strategy_name": "ma_crossover",
    "asset": "BTC-USDT",
    "timeframe": "1m",
    "optimization_config": {"max_evals": 10, "algorithm": "random"},
}
KINDS: Final = ("tick_to_decision_ms", "tick_to_journalled_decision_ms")


@dataclass(frozen=True)
class Endpoint:
    """What is asked for, how often, and how late the answers may be."""

    name: str
    path: str
    per_s: float
    p99_ms: float
    method: str = "GET"
    body: str = ""
    status: str = "200"


def endpoints(study: str) -> tuple[Endpoint, ...]:
    """Those of which something is wanted; both of what might be meant by health and by results."""
    order = json.dumps(ORDER)
    return (
        Endpoint("live", "/api/v1/health/live", 2_500, 10),
        Endpoint("health", "/api/v1/health", 2_500, 10),
        Endpoint("strategies", "/api/v1/strategies", 1_000, 50),
        Endpoint("variants' results", "/api/optimizer/results?limit=100", 500, 100),
        Endpoint("a study's results", f"/api/v1/optimize/results/{study}", 500, 100),
        Endpoint("submit", "/api/v1/optimize/single", 100, 200, "POST", order, "202"),
    )


# A service on two cores.


@dataclass
class Front:
    """The API of a service: where it is, and the key that opens it."""

    state: Path
    key: str
    cores: tuple[int, int]
    """The web's, and everybody else's."""
    port: int = 0

    @classmethod
    def of(cls, state: Path, cores: tuple[int, int]) -> "Front":
        """Before the service begins: its key, and candles to search."""
        (state / "data").mkdir(parents=True)
        write_csv(state / "data" / "BTC-USDT-1m.csv", candles(1_200, swing=0.01))
        return cls(state, Keys(state).create("bench", ["admin"], WALL()), cores)

    def pinned(self) -> None:
        """Once the web process answers, it has its core."""
        self.port = caller.status(self.state)["web"]["port"]
        wait_for(lambda: self.get("/api/v1/health/ready"))
        pid = caller.status(self.state)["web"]["pid"]
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {self.cores[0]})

    def request(self, method: str, path: str, body: str = "") -> str:
        """As it goes over the wire."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"Authorization: Bearer {self.key}"]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", body])

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, Any]:
        """One request."""
        with socket.create_connection(("127.0.0.1", self.port), READY_S) as line:
            line.sendall(self.request(method, path, body).replace(
                "\r\n", "\r\nConnection: close\r\n", 1).encode())  # fmt: skip
            said = b"".join(iter(lambda: line.recv(1 << 16), b""))
        head, _, rest = said.partition(b"\r\n\r\n")
        return int(head[9:12]), json.loads(rest)

    def get(self, path: str) -> Any:
        """What is there; None where it is not (yet)."""
        with suppress(OSError, ValueError):
            status, body = self.ask("GET", path)
            return body if status == 200 else None
        return None

    def load(self, endpoint: Endpoint, seconds: float, rate: float) -> "subprocess.Popen[str]":
        """Somebody who asks, beside the web process."""
        request = self.request(endpoint.method, endpoint.path, endpoint.body)
        wish = Wish(self.port, request, seconds, rate)
        os.sched_setaffinity(0, {self.cores[0]})  # from its first moment on
        asking = subprocess.Popen(
            [*PYTHON, "tests.bench.asker"], cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.sched_setaffinity(0, {self.cores[1]})
        assert asking.stdin is not None
        asking.stdin.write(told(wish))
        asking.stdin.close()
        return asking

    def measured(self, endpoint: Endpoint, seconds: float, rate: float) -> dict[str, Any]:
        """What somebody who asks finds."""
        return found_by(self.load(endpoint, seconds, rate))

    def searched(self) -> str:
        """A study that is completed."""
        status, body = self.ask("POST", "/api/v1/optimize/single", json.dumps(ORDER))
        assert status == 202, body
        name = str(body["job_id"])
        wait_for(lambda: self.get(f"/api/v1/optimize/results/{name}"))
        return name

    def cleared(self) -> bool:
        """Whoever waits for a search waits no more, and who is at work ends; whether all have."""
        words = {"queued", "running"}
        jobs = self.get("/api/v1/jobs?limit=1000")["jobs"]
        for job in [job for job in jobs if job["status"] in words]:
            self.ask("DELETE", f"/api/v1/optimize/cancel/{job['id']}")
        return not any(job["status"] in words for job in jobs)


def found_by(asking: "subprocess.Popen[str]") -> dict[str, Any]:
    """What somebody found who asked."""
    assert asking.stdout is not None
    with asking.stdout:
        text = asking.stdout.read()
    if asking.wait():
        raise SystemExit(f"the asker ended with {asking.returncode}")
    found: dict[str, Any] = json.loads(text)
    return found


def ended(process: "subprocess.Popen[Any]") -> None:
    """In order."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(READY_S)


# Rates.


@contextmanager
def demo(room: Path, cores: tuple[int, int]) -> Iterator[Front]:
    """`liveopt demo`, once everybody has joined."""
    front = Front.of(room / "logs", cores)
    own = {n: v for n, v in os.environ.items() if not n.startswith("LIVEOPT__")}
    with (room / "demo.log").open("wb") as log:
        process = subprocess.Popen(
            [*PYTHON, "liveopt", "demo", "--variants", str(VARIANTS)], cwd=room, stdout=log,
            stderr=log, env=own | SETTINGS,
        )  # fmt: skip
    try:

        def running() -> bool:
            assert process.poll() is None, (room / "demo.log").read_text()[-2_000:]
            with suppress(caller.NoAnswer, caller.NotRunning, KeyError, TypeError):
                said = caller.status(front.state)
                joined = not said["status"]["variants"].get("waiting")
                return bool(said["web"]["pid"] and said["status"]["ticks"] and joined)
            return False

        wait_for(running)
        front.pinned()
        yield front
    finally:
        ended(process)


def rates(front: Front, seconds: float, only: str) -> dict[str, Any]:
    """Each endpoint at the wanted rate and at its most."""
    found = {}
    for endpoint in endpoints(front.searched()):
        if only not in endpoint.name:
            continue
        if endpoint.method == "POST":
            found[endpoint.name] = {"at": bursts(front, endpoint, max(1, round(seconds)))}
            continue
        front.measured(endpoint, 1.0, 0.0)
        at = front.measured(endpoint, seconds, endpoint.per_s)
        found[endpoint.name] = {"at": at, "most": front.measured(endpoint, seconds, 0.0)}
    return found


def bursts(front: Front, endpoint: Endpoint, count: int) -> dict[str, Any]:
    """So often a second of orders at the wanted rate into an empty queue, which that fills."""
    found = []
    for _ in range(count):
        wait_for(front.cleared)
        found.append(front.measured(endpoint, ROOM_S, endpoint.per_s))
    statuses = Counter[str]()
    for one in found:
        statuses.update(one["statuses"])
    worst = {name: max(one[name] for one in found) for name in ("p50_ms", "p99_ms", "max_ms")}
    per_s = min(one["per_s"] for one in found)
    wait_for(front.cleared)
    return {"bursts": count, "wanted_per_s": endpoint.per_s, "per_s": per_s,
            "statuses": dict(statuses), **worst}  # fmt: skip


def show_rates(found: Mapping[str, Any]) -> None:
    """A line each."""
    for endpoint in endpoints(""):
        if endpoint.name not in found:
            continue
        at, most = found[endpoint.name]["at"], found[endpoint.name].get("most")
        print(
            f"{endpoint.name:18} {endpoint.per_s:5g}/s wanted within {endpoint.p99_ms:g} ms:"
            f" {at['per_s']:7.1f}/s p50 {at['p50_ms']:.2f} p99 {at['p99_ms']:.2f}"
            f" max {at['max_ms']:.1f} ms {at['statuses']}"
            + (f"; at most {most['per_s']:.0f}/s p99 {most['p99_ms']:.2f} ms" if most else "")
            + (f" {most['statuses']}" if most else "")
        )


# Ticks.


@contextmanager
def paced(folder: Path, load_: Load, cores: tuple[int, int]) -> Iterator[tuple[Serving, Front]]:
    """The service of `liveopt bench live` with a dashboard, once it is at work."""
    folder.mkdir()
    front, run = Front.of(folder / "logs", cores), folder / "logs" / "20200101-000000"
    state = str(front.state)
    market = {"origin_ns": Clock().wall(), "speed": load_.speed}
    (front.state / "gauge").write_bytes(msgspec.json.encode(market))
    pace = msgspec.json.encode({"per_s": load_.rate, **market}).decode()
    words = ["--state", state, "--run", str(run), "--feed", "{futures}", "--headless"]
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        listening.set_inheritable(True)
        spec = Spec(
            state=state,
            engine=[*PYTHON, "liveopt", "serve", *words, "--gauge", str(front.state / "gauge")],
            sim=[*PYTHON, "liveopt.exchange_sim.metronome", pace],
            web=[*PYTHON, "liveopt", "web", *words[:4], "--mode", "demo", "--speed", "6"],
            web_socket=listening.fileno(),
            level="warning",
        )
        command = [*PYTHON, "liveopt.guard", msgspec.json.encode(spec).decode()]
        own = os.environ | environment(load_) | SETTINGS
        process = subprocess.Popen(
            command, cwd=folder, env=own, pass_fds=(listening.fileno(),), stderr=subprocess.DEVNULL,
        )  # fmt: skip
    service = Serving(front.state, process)
    try:
        service.ready()
        front.pinned()
        yield service, front
    finally:
        ended(process)


def turn(room: Path, load_: Load, cores: tuple[int, int], name: str) -> dict[str, Any]:
    """One life of the service, asked for that or for nothing."""
    with paced(room / "life", load_, cores) as (service, front):
        endpoint = {one.name: one for one in endpoints("")}.get(name)
        asked = None
        if endpoint is None:
            time.sleep(load_.seconds)
        elif endpoint.method == "GET":
            asked = front.measured(endpoint, load_.seconds, endpoint.per_s)
        else:
            asked = again_and_again(front, endpoint, load_.seconds)
        service.end_after(0.0)
    found = service.gauged()
    return {kind: found[kind] for kind in KINDS} | {"asked": asked}


def again_and_again(front: Front, endpoint: Endpoint, seconds: float) -> dict[str, Any]:
    """A second of orders, then they are cancelled: a queue of 100 has room for no more."""
    until_s, statuses = time.monotonic() + seconds, Counter[str]()
    while time.monotonic() < until_s:
        statuses.update(front.measured(endpoint, ROOM_S, endpoint.per_s)["statuses"])
        front.cleared()
    return {"statuses": dict(statuses), "per_s": statuses[endpoint.status] / seconds}


def ticks(names: list[str], turns: int, load_: Load, cores: tuple[int, int]) -> dict[str, Any]:
    """For each endpoint: idle and asked by turns, and what the medians say."""
    found: dict[str, Any] = {}
    for name in names:
        lives: dict[str, list[dict[str, Any]]] = {"": [], name: []}
        for number in range(turns):
            for one in ("", name) if number % 2 == 0 else (name, ""):
                with tempfile.TemporaryDirectory(prefix="liveopt-bench-", dir=".") as folder:
                    lives[one].append(turn(Path(folder).resolve(), load_, cores, one))
        found[name] = {"asked": [life["asked"] for life in lives[name]]}
        for kind in KINDS:
            for share in ("p50", "p99"):
                idle, busy = ([life[kind][share] for life in lives[one]] for one in ("", name))
                middle = (statistics.median(idle), statistics.median(busy))
                found[name][f"{kind} {share}"] = {
                    "idle": middle[0], "asked": middle[1], "ratio": round(middle[1] / middle[0], 3),
                    "all": [idle, busy],
                }  # fmt: skip
        show_ticks(name, found[name])
    return found


def show_ticks(name: str, found: Mapping[str, Any]) -> None:
    """A line for each kind of time."""
    for kind, one in found.items():
        if kind != "asked":
            print(f"{name:18} {kind}: {one['idle']:.3f} ms idle, {one['asked']:.3f} asked,"
                  f" ratio {one['ratio']:.3f}", file=sys.stderr)  # fmt: skip


def main() -> None:
    """What is wanted of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", nargs="?", choices=("all", "rates", "ticks"), default="all")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--only", default="", help="endpoints whose names have this in them")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    have = sorted(os.sched_getaffinity(0))
    if len(have) < 2:
        raise SystemExit("this takes two cores: one for the web process, one for the engine")
    cores, found = (have[0], have[1]), dict[str, Any]()
    os.sched_setaffinity(0, {cores[1]})  # and with it all that is begun from here
    if wanted.what != "ticks":
        with (
            tempfile.TemporaryDirectory(prefix="liveopt-bench-", dir=".") as folder,
            demo(Path(folder).resolve(), cores) as front,
        ):
            found["rates"] = rates(front, wanted.seconds, wanted.only)
        if not wanted.json:
            show_rates(found["rates"])
    if wanted.what != "rates":
        names = [one.name for one in endpoints("") if wanted.only in one.name]
        names = [name for name in names if name != "a study's results"]  # there is none in a life
        load_ = Load(VARIANTS, 1_000.0, wanted.seconds)
        found["ticks"] = ticks(names, wanted.turns, load_, cores)
    if wanted.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
