"""The emergency stop while something else goes wrong, by every door there is.

python -m tests.kill.stop --each 10                  ten times all of it
python -m tests.kill.stop sim-ws-cut engine-hangs    these alone
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from liveopt import logs
from liveopt.guard import caller
from liveopt.guard.latch import HALT_FILE, Latch
from liveopt.journal.reader import records
from liveopt.walk.lines import read_record
from liveopt.walk.records import OUTPUTS, Entered
from tests.kill.stage import Service, Sim, exchange, service, wait_for

DOORS = ("door", "cli", "signal", "file")
SPEED = "60"
SHUT_S = 1.0
"""For the gate to be shut, once a door was used; a loaded machine is slow to start processes."""
CLI_S = 8.0
ANSWER_S = 2.0
"""An answer says within so long what was acknowledged, or that it was not."""
DISK_MIB = 24

SIM_FAULTS = {
    "sim-ws-cut": "ws-cut:every=0.5",
    "sim-ws-reset": "ws-reset:every=0.5",
    "sim-pong-stall": "pong-stall",
    "sim-half-open": "half-open",
    "sim-data-stop": "data-stop",
    "sim-gap": "gap:chance=0.5",
    "sim-burst": "burst:seconds=2",
    "sim-reorder": "reorder:window=8",
    "sim-duplicate": "duplicate:copies=3",
    "sim-bad-json": "bad-json:chance=0.3",
    "sim-price-spike": "price-spike:factor=1.5",
    "sim-clock-skew": "clock-skew:ms=3600000",
    "sim-rest-timeout": "rest-timeout:seconds=60",
    "sim-rest-429": "rest-429",
}


@dataclass
class Stage:
    """What a fault may touch."""

    service: Service
    sim: Sim
    sim_pid: int
    disk: Path | None

    def engine(self) -> int:
        """The engine's process."""
        pid = self.service.engine_pid()
        assert pid is not None
        return pid


@contextmanager
def of_the_exchange(stage: Stage, fault: str) -> Iterator[None]:
    """Something that the simulated exchange does."""
    stage.sim.turn_on(fault)
    time.sleep(0.7)
    try:
        yield
    finally:
        stage.sim.clear()


@contextmanager
def engine_hangs(stage: Stage) -> Iterator[None]:
    """Stopped in the middle of whatever it did."""
    pid = stage.engine()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@contextmanager
def engine_dies(stage: Stage) -> Iterator[None]:
    """Killed a moment before: it is just being started again."""
    os.killpg(stage.engine(), signal.SIGKILL)
    yield


@contextmanager
def guard_hangs(stage: Stage) -> Iterator[None]:
    """Neither door nor signal nor poll: the files are what is left."""
    process = stage.service.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def everything_dies(stage: Stage) -> Iterator[None]:
    """Guard and engine: a stop is for the next start."""
    stage.service.kill("all")
    yield


@contextmanager
def exchange_hangs(stage: Stage) -> Iterator[None]:
    """The whole exchange, REST as well."""
    os.kill(stage.sim_pid, signal.SIGSTOP)
    time.sleep(0.5)
    try:
        yield
    finally:
        os.kill(stage.sim_pid, signal.SIGCONT)


@contextmanager
def journal_breaks(stage: Stage) -> Iterator[None]:
    """No write of the engine succeeds any more: not a full disk, an error."""
    resource.prlimit(stage.engine(), resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield


@contextmanager
def descriptors_run_out(stage: Stage) -> Iterator[None]:
    """Guard and engine can open nothing more."""
    process = stage.service.process
    assert process is not None
    pids = (process.pid, stage.engine())
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@contextmanager
def disk_fills(stage: Stage) -> Iterator[None]:
    """Not one byte is left; the ballast is given up, and that room goes as well."""
    assert stage.disk is not None
    filler = stage.disk / "filler"
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    time.sleep(0.5)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def nothing(_: Stage) -> Iterator[None]:
    """All is well."""
    yield


FAULTS: dict[str, Callable[[Stage], AbstractContextManager[None]]] = {
    "nothing": nothing,
    **{name: partial(of_the_exchange, fault=fault) for name, fault in SIM_FAULTS.items()},
    "engine-hangs": engine_hangs,
    "engine-dies": engine_dies,
    "guard-hangs": guard_hangs,
    "everything-dies": everything_dies,
    "exchange-hangs": exchange_hangs,
    "journal-breaks": journal_breaks,
    "descriptors-run-out": descriptors_run_out,
    "disk-fills": disk_fills,
}
NO_GUARD = {"guard-hangs", "everything-dies"}
"""Where a door of the guard leads nowhere: a caller has to go by the files."""
NOT_ACKNOWLEDGED = {
    "engine-hangs",
    "engine-dies",
    "everything-dies",
    "journal-breaks",
    "disk-fills",
}
"""Where there may be no engine that could acknowledge in time; then that is what is said."""


@dataclass
class Tally:
    """What came of it; `wrong` says in words what must never be."""

    stops: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    told: int = 0
    """Answers that said truly that nobody had acknowledged."""
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    entries: int = 0
    halted_starts: int = 0
    wrong: list[str] = field(default_factory=list)


class Trial:
    """One stop: fault, door, truth, restart, resume."""

    def __init__(self, stage: Stage, tally: Tally) -> None:
        self.stage, self.tally = stage, tally
        self.service = stage.service

    def run(self, fault: str, door: str) -> None:
        """All of it; what is wrong is noted with both names."""
        found, tally = self.service, self.tally
        if fault in NO_GUARD and door in ("signal", "file"):
            door = "cli"
        found.at_work()
        time.sleep(1.5)
        with FAULTS[fault](self.stage):
            began_s = time.monotonic()
            wrong = self.stop(fault, door)
            tally.took_ms.setdefault(door, []).append((time.monotonic() - began_s) * 1e3)
            tally.stops[fault] += 1
        wrong += self.restart()
        wrong += found.entered_when_halted() + found.lost()
        tally.wrong += [f"{fault} by {door}: {one}" for one in wrong]
        if not tally.wrong:
            self.resume(f"{fault} by {door}")

    def stop(self, fault: str, door: str) -> list[str]:
        """Use the door, and look at what it did."""
        state = self.service.state
        before = None if fault == "everything-dies" else self.service.gate.number
        if door in ("door", "cli"):
            wrong = self.answered(fault, door)
        else:
            if door == "signal":
                assert self.service.process is not None
                self.service.process.send_signal(signal.SIGUSR1)
            else:
                (state / HALT_FILE).touch()
            wrong = self.shut(before) or self.heard(fault)
        try:
            wait_for(lambda: Latch(state / "latch").read(with_file=False).halted, ANSWER_S)
        except AssertionError:
            wrong.append("not latched on the disk")
        return wrong

    def answered(self, fault: str, door: str) -> list[str]:
        """What a caller was told, and how soon."""
        found, tally, began_s = self.service, self.tally, time.monotonic()
        if door == "cli":
            said = json.loads(found.command("stop", "--json", "--reason", fault).stdout)
        else:
            said = caller.stop(found.state, "halt", fault)
        elapsed_s, wrong = time.monotonic() - began_s, []
        if elapsed_s > (CLI_S if door == "cli" else ANSWER_S) or said["took_ms"] > ANSWER_S * 1e3:
            wrong.append(f"answered after {elapsed_s:.1f} s")
        if not said["latched"]:
            wrong.append(f"not latched: {said}")
        missing = said["not_acknowledged"]
        tally.acknowledged += not missing
        tally.told += bool(missing)
        if missing and fault not in NOT_ACKNOWLEDGED:
            wrong.append(f"not acknowledged: {said}")
        if said["running"] and found.gate.wanted == 0:
            wrong.append("the gate is open")
        return wrong

    def shut(self, before: int | None) -> list[str]:
        """A door that does not answer: the gate is seen to move."""
        began_s = time.monotonic()
        shared = self.service.gate
        while time.monotonic() - began_s < SHUT_S:
            if shared.wanted and shared.number != before:
                return []
            time.sleep(0.002)
        return [f"the gate is open {SHUT_S} s later"]

    def heard(self, fault: str) -> list[str]:
        """The engine has acted on it, where there is one."""
        shared = self.service.gate
        number = shared.number
        try:
            wait_for(lambda: shared.heard.number >= number, ANSWER_S)
        except AssertionError:
            return [] if fault in NOT_ACKNOWLEDGED else ["nobody acknowledged"]
        return []

    def restart(self) -> list[str]:
        """A new life comes up halted, whatever became of the old one."""
        found, tally = self.service, self.tally
        if found.process is not None and found.process.poll() is None:
            found.kill("all")
        else:
            found.gone()
        found.start()
        said = found.at_work()
        tally.halted_starts += 1
        if said["halted"] and said["status"]["halted"]:
            return []
        return [f"came up without its halt: {said}"]

    def resume(self, reason: str) -> None:
        """Until every check is green."""
        found = self.service

        def go() -> bool:
            with suppress(caller.NoAnswer, caller.NotRunning):
                return bool(caller.resume(found.state, reason).body.get("resumed"))
            return False

        wait_for(go, 30.0, every_s=0.3)

    def end(self) -> None:
        """In order, and the whole run once more."""
        found, tally = self.service, self.tally
        found.at_work()
        found.end()
        tally.wrong += found.different() + found.entered_when_halted() + found.lost()
        run = found.run
        assert run is not None
        tally.entries += sum(
            isinstance(read_record(one.content), Entered)
            for name in OUTPUTS
            for one in records(run, name)
        )


@contextmanager
def small_disk(room: Path) -> Iterator[Path | None]:
    """A file system of its own in that folder; None where this user may not mount one."""
    disk = room / "logs"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(words, check=False).returncode:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def run(faults: list[str], each: int, seed: int, room: Path) -> Tally:
    """So many stops during each of these faults."""
    tally, r = Tally(), random.Random(seed)
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(room)) if "disk-fills" in faults else None
        sim = stack.enter_context(exchange(room, "--speed", SPEED))
        found = stack.enter_context(service(room, sim.url))
        trial = Trial(Stage(found, sim, sim.pid, disk), tally)
        found.start()
        doors = r.sample(DOORS, len(DOORS))
        plan = [fault for _ in range(each) for fault in faults]
        for number, fault in enumerate(plan):
            if fault == "disk-fills" and disk is None:
                continue
            trial.run(fault, doors[(number + number // len(faults)) % len(DOORS)])
            if tally.wrong:
                tally.wrong.append(found.log())
                return tally
        trial.end()
    return tally


def main() -> int:
    """The long version."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--each", type=int, default=1)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("fault", nargs="*", help=f"of {', '.join(FAULTS)}; all without one")
    given = options.parse_args()
    logs.setup(level="error")
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as room:
        tally = run(given.fault or list(FAULTS), given.each, given.seed, Path(room))
    took = {
        door: {"count": len(ms), "p50": sorted(ms)[len(ms) // 2], "max": max(ms)}
        for door, ms in tally.took_ms.items()
    }
    facts = {**vars(tally), "took_ms": took, "seconds": round(time.monotonic() - began_s, 1)}
    print(json.dumps(facts, indent=2))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
