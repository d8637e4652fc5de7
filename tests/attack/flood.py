"""Everything that hostile clients do to an HTTP server, at once, while somebody wants to stop.

`python -m tests.attack.flood` is 10,000 connections at a time for a minute, from 32 addresses;
with `--near` from the very address of the honest client. That one asks for health and stops the
run, on a new connection each time; what it waits for is counted from its first SYN. One core is
the service's, another everybody else's.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tests.attack.peer import Place
from tests.attack.service import HERE, service
from tests.attack.timing import Asking, Watch

HEALTH_S: Final = 0.02
STOP_S: Final = 0.2
GONE_S: Final = 20.0
CALM_S: Final = 2.0
SPARE: Final = 512
"""Files that are not for bad clients."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many, for how long, from where."""

    clients: int = 10_000
    seconds: float = 60.0
    near: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it."""

    clients: int
    opened: int
    """Connections of bad clients, one after another."""
    at_most: int
    lives_s: dict[str, float]
    """The longest that one of each kind was kept."""
    gone_s: float
    """From the last new one until none was left."""
    left: int
    rss_mib: float
    """More than before, at most."""
    lag_ms: dict[str, float]
    """How late the loop of the service was."""
    work_ms: dict[str, float]
    """The processor's time that it took without a pause."""
    calm_ms: dict[str, dict[str, float]]
    """What the honest client waits for before the storm, on this machine as it is."""
    health_ms: dict[str, float]
    stop_ms: dict[str, float]


async def attack(place: Place, lags: Path, plan: Plan) -> Figures:
    """The storm, and the honest client beside it."""
    health = Asking(place, "GET", "/api/v1/health/live", HEALTH_S)
    stops = Asking(place, "POST", "/api/optimizer/stop", STOP_S)
    watch = Watch(place.pid, lags)
    await asyncio.gather(health.go(CALM_S), stops.go(CALM_S))
    before_mib, sockets = await watch.settled(), watch.sockets()
    calm_ms = {"health": health.told(), "stop": stops.told()}
    health.took_ms.clear()
    stops.took_ms.clear()
    with _storm(place, plan) as process:
        watch.begin()
        await asyncio.gather(health.go(plan.seconds), stops.go(plan.seconds))
        lag_ms, work_ms = watch.lag()
        gone_s, left = await _gone(process, watch, sockets)
        said, _ = await asyncio.to_thread(process.communicate, "\n")
    rss_mib = watch.peak_mib - before_mib
    return Figures(
        clients=plan.clients, gone_s=gone_s, left=left, rss_mib=round(rss_mib, 1), lag_ms=lag_ms,
        work_ms=work_ms, calm_ms=calm_ms, health_ms=health.told(), stop_ms=stops.told(),
        **json.loads(said),
    )  # fmt: skip


async def _gone(process: "subprocess.Popen[str]", watch: Watch, sockets: int) -> tuple[float, int]:
    """How long it takes until the service has no more connections than before, or who is left."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    began_s = time.perf_counter()
    while (left := watch.sockets() - sockets) > 0 and time.perf_counter() < began_s + GONE_S:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return round(time.perf_counter() - began_s, 2), max(0, left)


@contextmanager
def _storm(place: Place, plan: Plan) -> "Iterator[subprocess.Popen[str]]":
    words = {"place": asdict(place), "clients": plan.clients, "near": plan.near}
    command = [sys.executable, "-m", "tests.attack.storm", json.dumps(words)]
    process = subprocess.Popen(
        command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run(folder: Path, plan: Plan) -> Figures:
    """A service of its own, and its attackers."""
    cores = sorted(os.sched_getaffinity(0))
    with service(folder) as place:
        os.sched_setaffinity(place.pid, {cores[0]})
        os.sched_setaffinity(0, {cores[-1]})
        try:
            return asyncio.run(attack(place, folder / "lag", plan))
        finally:
            os.sched_setaffinity(0, cores)


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.attack.flood")
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--near", action="store_true", help="from the honest client's address")
    told = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plan = Plan(min(told.clients, most - SPARE), told.seconds, told.near)
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, Any] = asdict(run(Path(folder), plan))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
