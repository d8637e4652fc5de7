"""`liveopt bench live`: the product's own service under an even load, and what it costs."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from liveopt import config
from liveopt.cli.bench_journal import Syncs, journal, quantiles
from liveopt.cli.run import ALLOCATOR
from liveopt.cli.show import Failure, as_json, table
from liveopt.guard import caller
from liveopt.guard.spec import Spec
from liveopt.live.clock import Clock
from liveopt.live.replay import Replay
from liveopt.strategies import load
from liveopt.walk.events import Halt, Reopen
from liveopt.walk.records import Entered

PYTHON: Final = (sys.executable, "-m")
SPEED: Final = 6.0
STOP_SPEED: Final = 60.0
"""A signal bar a second, so that there are entries to be stopped."""
FEW: Final = 100
"""Variants of the run that tells what the service weighs without any."""
FEW_S: Final = 6.0
READY_S: Final = 300.0
MARKET_PER_S: Final = 10.0
"""Ticks a second of a busy market, to scale a replay to an hour."""
HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is put on a service."""

    variants: int
    rate: float
    """Ticks a second; 0 is as many as it takes."""
    seconds: float
    speed: float = SPEED
    """Of the market's clock: so that signal bars of a minute close while it lasts."""


def live(
    variants: Annotated[int, typer.Option(min=1, help="How many run.")] = 10_000,
    rate: Annotated[float, typer.Option(min=0.0, help="Ticks a second; 0: all it takes.")] = 1000.0,
    seconds: Annotated[float, typer.Option(min=5.0, help="How long.")] = 30.0,
    speed: Annotated[float, typer.Option(min=1.0, help="Of the market's clock.")] = SPEED,
    trials: Annotated[int, typer.Option(min=0, help="Emergency stops under full load.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """Measure a live run: the service as it is, fed over a socket, journalling to this disk.

    JSON keys: `variants`, `rate`, `speed`, `ticks`, `dropped`, `seconds`, `ticks_per_s`,
    `tick_to_decision_ms` (from the exchange's send to the end of the walk),
    `tick_to_journalled_decision_ms` (to tick and decision on the disk),
    `cpu_share` (of one core: `engine`, `guard`, `all`), `rss_mib`, `bytes_per_variant`, `fds`,
    `tasks`, `journal`, `replay`, `stop`, `heard`. Example: `liveopt bench live --seconds 60`
    """
    room = Path(config.load().journal.folder).resolve().parent
    with tempfile.TemporaryDirectory(prefix="liveopt-bench-", dir=room) as folder:
        said = measure(Path(folder), Load(variants, rate, seconds, speed), trials)
    if json:
        as_json(said)
        return
    lines = [(name, value) for name, value in said.items() if not isinstance(value, dict)]
    for name, part in said.items():
        if isinstance(part, dict):
            lines += [(f"{name} {key}", value) for key, value in part.items()]
    table(("figure", "value"), lines)


def measure(room: Path, load_: Load, trials: int) -> dict[str, Any]:
    """All the figures of one machine and one run, the disk's own among them."""
    disk = Syncs()
    disk.measure(room)
    with serving(room / "steady", load_) as service:
        service.end_after(load_.seconds)
    said: dict[str, Any] = {"variants": load_.variants, "rate": load_.rate, "speed": load_.speed}
    said |= service.gauged()
    said |= held(said.pop("looks"))
    said["cpu_share"] = {
        "engine": said["cpu_share"],
        "guard": service.guard_share,
        "all": said["cpu_share"] + service.guard_share,
    }
    with serving(room / "few", Load(FEW, load_.rate, FEW_S, load_.speed)) as few:
        few.end_after(FEW_S)
    more_mib = said["rss_mib"] - few.gauged()["rss_mib"]
    more = load_.variants - FEW
    said["bytes_per_variant"] = more_mib * (1 << 20) / more if more > 0 else None
    disk.measure(room)
    said["journal"] = journal(room / "journal", disk)
    said["journal"]["ack_of_the_run_ms"] = said.pop("ack_ms")
    said["journal"]["records_per_s_of_the_run"] = said.pop("records_per_s")
    said["replay"] = replayed(service.run, said["seconds"])
    if trials:
        said["stop"] = stops(room / "stop", load_, trials)
    return said


@dataclass(slots=True)
class Serving:
    """A guard, its engine, and the metronome that feeds them."""

    folder: Path
    process: "subprocess.Popen[bytes]"
    guard_share: float = 0.0
    _cpu_s: float = field(default=0.0)
    _at_s: float = field(default=0.0)

    @property
    def run(self) -> Path:
        """Where its journals are."""
        return self.folder / "20200101-000000"

    def status(self) -> dict[str, Any]:
        """What the engine said last; empty until it has said something."""
        try:
            said: dict[str, Any] = caller.status(self.folder)["status"]
        except (caller.NoAnswer, caller.NotRunning, KeyError):
            return {}
        return said

    def ready(self) -> None:
        """Once everybody has joined and ticks come."""
        wait(lambda: self._ended() or self._at_work(self.status()), READY_S)
        self._cpu_s, self._at_s = cpu_s(self.process.pid), time.monotonic()

    def _at_work(self, status: dict[str, Any]) -> bool:
        return bool(status) and status["ticks"] > 0 and not status["variants"].get("waiting")

    def _ended(self) -> bool:
        if self.process.poll() is not None:
            raise Failure(f"the service ended with {self.process.returncode}")
        return False

    def end_after(self, seconds: float) -> None:
        """Let it run, then end it in order."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s and not self._ended():
            time.sleep(0.1)
        self.guard_share = (cpu_s(self.process.pid) - self._cpu_s) / (time.monotonic() - self._at_s)
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(READY_S)

    def gauged(self) -> dict[str, Any]:
        """What its engine measured."""
        found: dict[str, Any] = msgspec.json.decode((self.folder / "gauge").read_bytes())
        return found


@contextmanager
def serving(folder: Path, load_: Load) -> Iterator[Serving]:
    """From its start, once it is at work, to its end."""
    folder.mkdir(exist_ok=True)
    run = folder / "20200101-000000"
    words = ["--state", str(folder), "--run", str(run), "--feed", "{futures}", "--headless"]
    market = {"origin_ns": Clock().wall(), "speed": load_.speed}
    (folder / "gauge").write_bytes(msgspec.json.encode(market))
    pace = msgspec.json.encode({"per_s": load_.rate, **market}).decode()
    spec = Spec(
        state=str(folder),
        engine=[*PYTHON, "liveopt", "serve", *words, "--gauge", str(folder / "gauge")],
        sim=[*PYTHON, "liveopt.exchange_sim.metronome", pace],
        level="warning",
    )
    command = [*PYTHON, "liveopt.guard", msgspec.json.encode(spec).decode()]
    process = subprocess.Popen(command, env=os.environ | environment(load_))  # noqa: S603  our own
    service = Serving(folder, process)
    try:
        service.ready()
        yield service
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(READY_S)


def environment(load_: Load) -> dict[str, str]:
    """Settings of the run; the limits are wide, so that everybody stays at work."""
    live_ = {
        "SYMBOLS": "XBTUSDTM",
        "SIGNAL": "1m",
        "VARIANTS": str(load_.variants),
        "VARIANTS_MAX": str(load_.variants),
        "LOSS_LIMIT": "1.0",
        "DRAWDOWN_LIMIT": "1.0",
    }
    return {f"LIVEOPT__LIVE__{name}": value for name, value in live_.items()} | ALLOCATOR


def wait(what: Callable[[], Any], seconds: float) -> None:
    """Until it is true."""
    until_s = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until_s:
            raise Failure(f"the service was not at work within {seconds:g} s")
        time.sleep(0.05)


def cpu_s(pid: int) -> float:
    """Processor time of a process, all its threads together."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def held(looks: list[dict[str, Any]]) -> dict[str, Any]:
    """What must not grow, at the first look and at the last."""
    names = ("fds", "tasks", "threads", "rss_mib")
    first, last = (looks[0], looks[-1]) if looks else ({}, {})
    return {
        "rss" if name == "rss_mib" else name: {"first": first.get(name), "last": last.get(name)}
        for name in names
    }


# The past again, and the stop.


def replayed(run: Path, seconds: float) -> dict[str, Any]:
    """The run once more, compared byte by byte: how much faster than it was.

    An hour of a busy market is the same start and so many more ticks; where `rate` is ten times
    `speed`, as many signal bars come with them.
    """
    found = Replay(run, load())
    began_s = time.perf_counter()
    first_s = 0.0
    for _ in found.steps():
        if found.ticks == 1:
            first_s = time.perf_counter() - began_s
    elapsed_s = time.perf_counter() - began_s
    per_s = found.ticks / (elapsed_s - first_s)
    hour_s = first_s + HOUR_S * MARKET_PER_S / per_s
    return {
        "ticks": found.ticks,
        "equal": found.difference is None and not found.damage,
        "compared": found.compared,
        "elapsed_s": elapsed_s,
        "ticks_per_s": per_s,
        "speedup": seconds / elapsed_s,
        "speedup_of_an_hour": HOUR_S / hour_s,
    }


def stops(folder: Path, load_: Load, trials: int) -> dict[str, Any]:
    """Emergency stops while the engine is given more than it can take."""
    took_ms: list[float] = []
    late = 0
    with serving(folder, replace(load_, rate=0.0, speed=STOP_SPEED)) as service:
        for number in range(trials):
            said = caller.stop(folder, "halt", f"trial {number}")
            took_ms.append(said["took_ms"])
            late += bool(said["not_acknowledged"]) or not said["latched"]
            reply = caller.resume(folder, "next trial")
            if not reply.body.get("resumed"):
                raise Failure(f"trial {number}: no resume: {reply.body}")
            time.sleep(0.05 + 0.01 * (number % 7))
        busy = service.status()
        service.end_after(0.0)
    found = Replay(service.run, load())
    after, halted, halts, entries = 0, False, 0, 0
    for step in found.steps():
        halted = isinstance(step.event, Halt) or (halted and not isinstance(step.event, Reopen))
        halts += isinstance(step.event, Halt)
        made = sum(isinstance(record, Entered) for _, record in step.outs)
        entries += made
        after += made if halted else 0
    return {
        "trials": trials,
        "took_ms": quantiles(took_ms),
        "late": late,
        "halts": halts,
        "entries": entries,
        "entries_after_ack": after,
        "equal": found.difference is None and not found.damage,
        "backlog": busy.get("backlog"),
    }
