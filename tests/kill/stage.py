"""A simulated exchange and a whole service beside it, both of them processes, and looks at both."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liveopt.guard import caller, lock
from liveopt.guard.gate import Gate
from liveopt.journal import folder as folders
from liveopt.journal.places import Position, journals
from liveopt.journal.reader import Reader, holds
from liveopt.journal.recovery import inspect
from liveopt.live.replay import Replay
from liveopt.strategies import load
from liveopt.walk.lines import read_record
from liveopt.walk.records import OUTPUTS, Entered, Halted, Reopened

LIVEOPT = [sys.executable, "-m", "liveopt"]
PATIENCE_S = 90.0
SETTINGS = {
    "LIVE__SYMBOLS": "XBTUSDTM",
    "LIVE__VARIANTS": "40",
    "LIVE__SET": "fraction=0.1",
    "CONTROL__PORT": "0",
    "WEB__PORT": "0",
    "JOURNAL__BALLAST_MIB": "1",
    "JOURNAL__SNAPSHOT_S": "1",
}


def wait_for(what: Callable[[], Any], timeout_s: float = PATIENCE_S, every_s: float = 0.01) -> Any:
    """The first truthy thing it gives."""
    until_s = time.monotonic() + timeout_s
    while time.monotonic() < until_s:
        if found := what():
            return found
        time.sleep(every_s)
    raise AssertionError(f"not within {timeout_s} s: {what}")


class Sim:
    """`liveopt sim`, which outlives every service."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self.pid = process.pid
        self.url: str = json.loads(process.stdout.readline())["futures"]

    def turn_on(self, fault: str) -> None:
        """A fault as on the command line, such as `ws-cut:every=1`."""
        self._ask("POST", fault.encode())

    def clear(self) -> None:
        """No faults any more."""
        self._ask("DELETE")

    def _ask(self, method: str, body: bytes | None = None) -> None:
        request = urllib.request.Request(f"{self.url}/sim/faults", body, method=method)
        with urllib.request.urlopen(request, timeout=5.0) as answer:
            answer.read()


@contextmanager
def exchange(room: Path, *words: str) -> Iterator[Sim]:
    """From its start to its end."""
    command = [*LIVEOPT, "sim", "--json", "--symbols", "XBTUSDTM", *(words or ("--speed", "30"))]
    with (room / "sim.log").open("ab") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=room)
    try:
        yield Sim(process)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def environment(**more: str) -> dict[str, str]:
    """Of the service, and of every command that is to know it."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("LIVEOPT__")}
    return mine | {f"LIVEOPT__{name}": value for name, value in (SETTINGS | more).items()}


@dataclass
class Service:
    """What runs in one room, life after life."""

    room: Path
    url: str
    settings: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    told: dict[str, Position] = field(default_factory=dict)
    """The furthest that a reader of the journals has ever seen of each."""
    durable: int = 0
    """The furthest input that the engine has ever said to be durable."""
    _readers: dict[str, Reader] = field(default_factory=dict)
    _run: Path | None = None

    @property
    def state(self) -> Path:
        """The folder of runs, latch and gate."""
        return self.room / "logs"

    @property
    def run(self) -> Path | None:
        """The newest run."""
        return folders.latest(self.state) if self.state.is_dir() else None

    def command(
        self, *words: str, timeout_s: float = PATIENCE_S
    ) -> "subprocess.CompletedProcess[str]":
        """A command of liveopt in this room, to its end."""
        return subprocess.run(
            [*LIVEOPT, *words], cwd=self.room, env=environment(**self.settings), timeout=timeout_s,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, *words: str) -> None:
        """`liveopt run`, which goes on where the last one stopped."""
        command = [*LIVEOPT, "run", "--feed", self.url, "--headless", *words]
        with (self.room / "service.log").open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=self.room, env=environment(**self.settings), stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip

    def status(self) -> dict[str, Any]:
        """The guard's word; empty if there is none."""
        with suppress(caller.NoAnswer, caller.NotRunning, OSError):
            said = caller.status(self.state)
            engine = said.get("status") or {}
            if engine.get("folder") and Path(engine["folder"]).name == getattr(
                self.run, "name", ""
            ):
                self.durable = max(self.durable, engine["durable_seq"])
            return said
        return {}

    def at_work(self, after: int = -1, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """Once the engine says that inputs after that one are durable."""

        def look() -> dict[str, Any] | None:
            assert self.process is not None
            assert self.process.poll() is None, f"ended: {self.process.returncode}: {self.log()}"
            said = self.status()
            engine = said.get("status") or {}
            fresh = said.get("status_age_ms") is not None and said["engine"]["pid"] is not None
            going = engine.get("phase") == "running" and engine["durable_seq"] > after
            return said if fresh and going and engine["ticks"] > 0 else None

        found: dict[str, Any] = wait_for(look, timeout_s, every_s=0.05)
        return found

    def log(self) -> str:
        """The end of what it wrote."""
        return (self.room / "service.log").read_text()[-3000:]

    def engine_pid(self) -> int | None:
        """Of the engine that runs now."""
        said = self.status()
        found: int | None = said["engine"]["pid"] if said else None
        return found

    # What was told, and whether it is still there.

    def read(self) -> None:
        """Follow the journals as somebody else does who reads them."""
        run = self.run
        if run is None:
            return
        if run != self._run:
            self._run, self._readers, self.told, self.durable = run, {}, {}, 0
        for name in journals(run):
            reader = self._readers.setdefault(name, Reader(run, name))
            for _ in reader:
                pass
            if reader.position.offset:
                self.told[name] = reader.position

    def lost(self) -> list[str]:
        """What was told and is not there any more; what is there and is damaged."""
        run, wrong = self.run, []
        if run is None or run != self._run:
            return []
        for name, place in self.told.items():
            if not holds(run, name, place):
                wrong.append(f"{name}: record {place.seq}, which was read, is not there")
        for name in journals(run):
            found = inspect(run, name, live=True)
            if found.verdict == "corrupt":
                wrong.append(f"{name}: {found.where}")
            if name == "inputs" and found.position.seq < self.durable:
                wrong.append(f"inputs end at {found.position.seq}, {self.durable} was acknowledged")
        return wrong

    def different(self) -> list[str]:
        """What does not follow from the inputs; for a run that nobody writes now."""
        run = self.run
        if run is None or "inputs" not in journals(run):
            return []
        found = Replay(run, load())
        for _ in found.steps():
            pass
        return [] if found.difference is None else [f"replay: {found.difference}"]

    def entered_when_halted(self) -> list[str]:
        """Positions opened between a halt and its end, by the journals themselves."""
        run, wrong = self.run, []
        for name in OUTPUTS if run is not None else ():
            assert run is not None
            halted = False
            reader = Reader(run, name)
            for line in reader:
                if reader.own:
                    continue
                record = read_record(line.content)
                halted = isinstance(record, Halted) or (halted and not isinstance(record, Reopened))
                if halted and isinstance(record, Entered):
                    wrong.append(f"{name}: {line.seq} opens a position in a halt")
        return wrong

    # Ends.

    def kill(self, which: str) -> None:
        """SIGKILL for the guard, the engine, or both at once."""
        assert self.process is not None
        engine = self.engine_pid()
        if which in ("guard", "all"):
            self.process.kill()
        if which in ("engine", "all") and engine is not None:
            with suppress(ProcessLookupError):
                os.killpg(engine, signal.SIGKILL)
        if which != "engine":
            self.process.wait(PATIENCE_S)
            self.gone()

    def gone(self) -> None:
        """Once nobody holds the folder."""
        wait_for(lambda: lock.holder(self.state / lock.NAME) is None)

    def end(self) -> int:
        """In order; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self.gone()
        return code

    def abandon(self) -> None:
        """Whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            engine = self.engine_pid()
            for pid in filter(None, (engine, self.process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        if self.state.is_dir():
            self.gone()

    @property
    def gate(self) -> Gate:
        """The shared page."""
        return Gate.open(self.state / "gate")


@contextmanager
def service(room: Path, url: str, **settings: str) -> Iterator[Service]:
    """Nothing runs yet; nothing runs afterwards."""
    found = Service(room, url, settings)
    try:
        yield found
    finally:
        found.abandon()


def refused(found: Service, words: Sequence[str] = ()) -> list[str]:
    """A second service in the same room must end with 79 and change nothing."""
    second = found.command("run", "--feed", found.url, "--headless", *words)
    return [] if second.returncode == lock.EXIT else [f"a second service: {second}"]
