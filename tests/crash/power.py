"""Power loss: every sector that was not synced is there or not, and files end anywhere between.

A writer runs over a disk that notes each call. At any call the power may go: what was synced is
there; of what was only written, each sector of 512 bytes is new, old or zero; the file's length is
the old one, the new one or any between; a file whose name was not synced may be missing. What
recovery makes of such a state must keep all that was synced, invent nothing and blame nobody.

    python -m tests.crash.power --states 10000000
"""

import argparse
import errno
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

from liveopt.journal.appender import Ground, Limits
from liveopt.journal.disk import Disk
from liveopt.journal.places import DAY_NS, START, Position, parse_segment, segment_path
from liveopt.journal.reader import Reader, records
from liveopt.journal.recovery import Recovery, recover
from liveopt.journal.writer import Writer

SECTOR = 512
NAMES = ("inputs", "trades")
STATES_EACH = 30
"""How many states are drawn of one moment."""
GENERATIONS = 3
"""How often one run is cut, mended and gone on with."""


class Noting(Disk):
    """The machine's disk, and a list of what was asked of it, by file name."""

    def __init__(self, r: random.Random) -> None:
        self.r = r
        self.room = True
        self.calls: list[tuple[str, str, bytes]] = []
        self.names: dict[int, str] = {}

    def open_append(self, path: Path) -> int:
        """Note a new name."""
        if not path.exists():
            self.calls.append(("create", path.name, b""))
        fd = super().open_append(path)
        self.names[fd] = path.name
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        """Note the bytes; now and then there is room for some of them only."""
        self.room = not self.room or self.r.random() < 0.97
        some = len(data) if self.room else self.r.randrange(len(data))
        self.calls.append(("write", self.names[fd], bytes(data[:some])))
        written = super().write(fd, data[:some])
        if written < len(data):
            raise OSError(errno.ENOSPC, "no room")
        return written

    def truncate(self, fd: int, size: int) -> None:
        """Note what is left."""
        super().truncate(fd, size)
        self.calls.append(("cut", self.names[fd], b"%d" % size))

    def fdatasync(self, fd: int) -> None:
        """Note that the file's bytes are safe."""
        super().fdatasync(fd)
        self.calls.append(("sync", self.names[fd], b""))

    def fsync(self, fd: int) -> None:
        """Note that the file's bytes are safe."""
        super().fsync(fd)
        if fd in self.names:
            self.calls.append(("sync", self.names[fd], b""))

    def close(self, fd: int) -> None:
        """The number may come again for another file."""
        self.names.pop(fd, None)
        super().close(fd)

    def fsync_dir(self, folder: Path) -> None:
        """Note that the names are safe."""
        super().fsync_dir(folder)
        self.calls.append(("names", "", b""))


@dataclass
class State:
    """What is safe, and what is only written, at one moment."""

    safe: dict[str, bytes] = field(default_factory=dict)
    written: dict[str, bytes] = field(default_factory=dict)
    unnamed: set[str] = field(default_factory=set)

    def take(self, call: tuple[str, str, bytes]) -> None:
        """Go on by one call."""
        what, name, data = call
        match what:
            case "create":
                self.safe[name] = self.written[name] = b""
                self.unnamed.add(name)
            case "write":
                self.written[name] += data
            case "cut":
                self.written[name] = self.written[name][: int(data)]
            case "sync":
                self.safe[name] = self.written[name]
            case _:
                self.unnamed.clear()

    @property
    def open(self) -> list[str]:
        """The files that a crash can damage now."""
        named = {name for name in self.safe if self.safe[name] != self.written[name]}
        return sorted(named | self.unnamed)


def torn(r: random.Random, safe: bytes, written: bytes) -> bytes:
    """One way in which a file that was only partly synced may come back."""
    least, most = len(safe), len(written)
    length = r.choice((least, most, r.randint(least, most), min(most, -(-least // 512) * 512)))
    kept = r.choice((1.0, 0.2, 0.5, 0.8))
    found = bytearray(written[:length])
    for start in range(least - least % SECTOR, length, SECTOR):
        if r.random() >= kept:
            low, high = max(start, least), min(start + SECTOR, length)
            found[low:high] = bytes(high - low)
    return bytes(found)


@dataclass
class Truth:
    """What a run would have been: each place where a line ends, and its number there."""

    ends: dict[str, set[Position]]
    batches: dict[str, list[Position]]
    """Where batches end, in order: places to look from."""

    @staticmethod
    def of(folder: Path) -> "Truth":
        """Read from the run that nobody cut."""
        ends: dict[str, set[Position]] = {}
        batches: dict[str, list[Position]] = {}
        for name in NAMES:
            ends[name], batches[name] = {START}, [START]
            reader = Reader(folder, name)
            for _ in reader:
                ends[name].add(reader.position)
                if reader.complete:
                    batches[name].append(reader.position)
            assert reader.damage is None
        return Truth(ends, batches)


@dataclass
class Tally:
    """What was tried and what came of it; `wrong` says in words what must never be."""

    states: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def write(folder: Path, r: random.Random, rounds: int) -> Noting:
    """Go on with a run for some batches, the turn of a segment and of the day among them."""
    disk = Noting(r)
    now_ns = [DAY_NS * 20_000]

    def wall_ns() -> int:
        now_ns[0] += r.choice((1_000_000, 1_000_000_000, DAY_NS // 50))
        return now_ns[0]

    limits = Limits(4_000, 4_096, 1 << 20, ballast_bytes=0, still_s=r.choice((0.0, 1e9)))
    starts = {name: recover(folder, name, repair=True) for name in NAMES}
    trouble: list[str] = []
    ground = Ground(folder, {"run": "1"}, wall_ns, limits, disk)
    writer = Writer(ground, starts, lambda kind, _: trouble.append(kind))
    for _ in range(rounds):
        for _ in range(r.randint(1, 8)):
            cause = writer.append("inputs", b'{"at":%d,"type":"Tick"}' % r.randrange(10**9))
            if r.random() < 0.6:
                note = r.choice(("", "\\n", "\\u00e9", "x" * r.choice((9, 500, 1_500))))
                writer.append("trades", b'{"cause":%d,"note":"%b"}' % (cause, note.encode()))
        done = threading.Event()
        writer.mark(lambda _, done=done: done.set())  # type: ignore[misc]
        assert done.wait(20.0)
    writer.close()
    assert "broken" not in trouble
    return disk


class Trial:
    """One run, cut at every call it made."""

    def __init__(self, room: Path, r: random.Random, tally: Tally) -> None:
        self.r = r
        self.tally = tally
        self.room = room
        self.crashed = room / "crashed"

    def run(self) -> None:
        """Generation after generation, each on what the crash before left."""
        whole = self.room / "whole"
        whole.mkdir()
        for generation in range(GENERATIONS):
            state = State({p.name: p.read_bytes() for p in whole.iterdir() if _segment(p)})
            state.written = dict(state.safe)
            disk = write(whole, self.r, self.r.randint(2, 10))
            truth = Truth.of(whole)
            stop = self.r.randrange(len(disk.calls))
            for number, call in enumerate(disk.calls):
                state.take(call)
                self.cut(state, truth)
                if number == stop and generation + 1 < GENERATIONS:
                    whole = self.left(state, generation)
                    break

    def cut(self, state: State, truth: Truth) -> None:
        """Draw states of this moment and look at each."""
        if not state.open:
            return
        self.crashed.mkdir()
        for name, content in state.safe.items():
            (self.crashed / name).write_bytes(content)
        ends = {name: _end(state, name) for name in NAMES}
        for _ in range(STATES_EACH):
            kind = self.spoil(state, self.crashed)
            self.tally.kinds[kind] += 1
            self.tally.states += 1
            found = {name: self.look(name, ends[name], truth) for name in NAMES}
            self.check_causes(found)
        shutil.rmtree(self.crashed)

    def spoil(self, state: State, folder: Path) -> str:
        """Put the open files into one of the states they may be in."""
        kind = []
        for name in state.open:
            path = folder / name
            path.unlink(missing_ok=True)
            if name in state.unnamed and self.r.random() < 0.3:
                kind.append("missing")
                continue
            data = torn(self.r, state.safe[name], state.written[name])
            path.write_bytes(data)
            kind.append("whole" if data == state.written[name] else "torn")
        return "+".join(sorted(kind))

    def look(self, name: str, end: tuple[int, int], truth: Truth) -> Recovery:
        """Recover from the start or from a place that was safe, and compare with the truth."""
        safe = [place for place in truth.batches[name] if (place.segment, place.offset) <= end]
        since = START if self.r.random() < 0.1 else safe[-self.r.randint(1, min(3, len(safe)))]
        found = recover(self.crashed, name, since)
        self.tally.verdicts[found.verdict] += 1
        place = found.position
        if found.verdict == "corrupt":
            self.tally.wrong.append(f"called corrupt: {found.where}")
        elif place not in truth.ends[name]:
            self.tally.wrong.append(f"fabricated: {place}")
        elif (place.segment, place.offset) < end:
            self.tally.wrong.append(f"lost: {place} is before {end}")
        return found

    def check_causes(self, found: dict[str, Recovery]) -> None:
        """No output without its input."""
        if found["trades"].position.seq == 0 or self.r.random() < 0.9:
            return
        cause = 0
        for record in records(self.crashed, "trades"):
            cause = msgspec.json.decode(record.content)["cause"]
        if cause > found["inputs"].position.seq:
            self.tally.wrong.append(f"output of input {cause}, which is lost")

    def left(self, state: State, generation: int) -> Path:
        """What a crash leaves, mended: the ground of the next generation."""
        folder = self.room / f"left-{generation}"
        folder.mkdir()
        for name, content in state.safe.items():
            (folder / name).write_bytes(content)
        self.spoil(state, folder)
        for name in NAMES:
            mended = recover(folder, name, repair=True)
            again = recover(folder, name, repair=True)
            if mended.verdict == "corrupt" or again.position != mended.position:
                self.tally.wrong.append(f"not mended: {mended} and then {again}")
            if again.torn != mended.torn or again.cut_sha256 != mended.cut_sha256 != "":
                self.tally.wrong.append(f"the tear is forgotten: {mended} and then {again}")
        return folder


def _segment(path: Path) -> bool:
    return parse_segment(path.name) is not None


def _end(state: State, name: str) -> tuple[int, int]:
    """Segment and byte up to which a journal is safe."""
    numbers = [
        parts[1]
        for file in state.safe
        if file not in state.unnamed and (parts := parse_segment(file)) and parts[0] == name
    ]
    last = max(numbers, default=0)
    if last == 0:
        return 1, 0
    return last, len(state.safe[segment_path(Path(), name, last).name])


def run(states: int, seed: int, told: Callable[[Tally], None] = lambda _: None) -> Tally:
    """Draw at least so many states."""
    tally = Tally()
    for trial in _forever(seed):
        if tally.states >= states or tally.wrong:
            return tally
        with tempfile.TemporaryDirectory(dir=fast_folder()) as room:
            Trial(Path(room), trial, tally).run()
        told(tally)
    raise AssertionError("there is always a next trial")


def _forever(seed: int) -> Iterator[random.Random]:
    r = random.Random(seed)
    while True:
        yield random.Random(r.getrandbits(64))


def fast_folder() -> str | None:
    """Memory, where there is some for files: what is durable is the model's to say."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def be_quiet() -> None:
    """No log lines: each state that is drawn would write some."""
    structlog.configure(processors=[_dropped])


def _dropped(_logger: WrappedLogger, _method: str, _event: EventDict) -> EventDict:
    raise structlog.DropEvent


def main() -> int:
    """The long version."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--states", type=int, default=200_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    be_quiet()
    began = time.perf_counter()
    tally = run(given.states, given.seed)
    facts = {
        "states": tally.states,
        "seconds": round(time.perf_counter() - began, 1),
        "verdicts": tally.verdicts,
        "kinds": tally.kinds,
        "wrong": tally.wrong[:10],
        "seed": given.seed,
    }
    print(json.dumps(facts, indent=2))
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
