"""Starts a real guard with the small engine, and looks at both from outside."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from liveopt.guard import caller, gate, latch, lock
from liveopt.guard.spec import Spec
from tests.guard.engine import Entries

ENGINE = [sys.executable, "-m", "tests.guard.engine"]
ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0


def wait_for(what: Callable[[], Any], timeout_s: float = PATIENCE_S, every_s: float = 0.002) -> Any:
    """The first truthy thing it gives."""
    until_s = time.monotonic() + timeout_s
    while time.monotonic() < until_s:
        if found := what():
            return found
        time.sleep(every_s)
    raise AssertionError(f"not within {timeout_s} s: {what}")


class Running:
    """One guard, its engine, and their state folder."""

    def __init__(self, spec: Spec, errors: Path, pass_fds: Sequence[int] = ()) -> None:
        self.state = spec.folder
        self.errors = errors
        with errors.open("ab") as out:
            command = [sys.executable, "-m", "liveopt.guard", msgspec.json.encode(spec).decode()]
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=out, pass_fds=pass_fds
            )

    def status(self) -> dict[str, Any]:
        return caller.status(self.state)

    def settled(self) -> dict[str, Any]:
        """Once the engine beats and has acknowledged how the gate stands."""

        def look() -> dict[str, Any] | None:
            with suppress(caller.NoAnswer, caller.NotRunning):
                said = self.status()
                engine = said["engine"]
                known = engine["beat_age_ms"] is not None and said["status_age_ms"] is not None
                if known and engine["acknowledged"] == said["number"]:
                    return said
            return None

        found: dict[str, Any] = wait_for(look, every_s=0.02)
        return found

    @property
    def gate(self) -> gate.Gate:
        return gate.Gate.open(self.state / gate.NAME)

    @property
    def made(self) -> int:
        """Entries so far."""
        return Entries(self.state / "entries").seen()[0]

    def engine_pid(self) -> int:
        found: int = self.settled()["engine"]["pid"]
        return found

    def trades(self) -> bool:
        """Whether entries are made now."""
        before = self.made
        time.sleep(0.05)
        return self.made > before

    def latched(self) -> bool:
        return latch.Latch(self.state / latch.NAME).read(with_file=False).halted

    def halted(self) -> bool:
        """The engine has acknowledged a gate that is shut, and the disk knows."""
        shared = self.gate
        shut = shared.wanted and shared.heard.number == shared.number
        return bool(shut) and self.latched()

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)


def spec_of(state: Path, engine: Sequence[str] = (), **changes: Any) -> Spec:
    """A service with the small engine in this folder."""
    words = list(engine) or [*ENGINE, str(state)]
    return Spec(state=str(state), engine=words, level="warning", **changes)


@contextmanager
def running(spec: Spec, pass_fds: Sequence[int] = ()) -> Iterator[Running]:
    """From the guard's start to its end, whatever became of it."""
    spec.folder.mkdir(parents=True, exist_ok=True)
    service = Running(spec, spec.folder / "errors", pass_fds)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.kill(signal.SIGCONT)
            service.kill()
            service.wait()
        wait_for(lambda: lock.holder(spec.folder / lock.NAME) is None)


def alive(pid: int) -> bool:
    """Whether the process is there and not a zombie."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
