"""Each call to the disk failing in turn, over a run of a thousand records."""

import errno
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liveopt.journal import ballast
from liveopt.journal.appender import Ground, Limits
from liveopt.journal.disk import FULL, Disk
from liveopt.journal.recovery import recover
from liveopt.journal.writer import JournalBroken, Writer

NAMES = ("inputs", "experimental-trades", "trades", "decisions")
RECORDS = 1_000
LIMITS = Limits(
    segment_bytes=12_000, batch_records=25, batch_bytes=1 << 20, ballast_bytes=4_096, still_s=1e9
)


class Failing(Disk):
    """Fails at one call, counted over all that can fail, or from it on; writes half before."""

    def __init__(self, at: int, code: int, *, on: bool) -> None:
        self.at = at
        self.code = code
        self.on = on
        self.calls = 0
        self.failed = ""
        """What failed first."""

    def _try(self, what: str) -> None:
        self.calls += 1
        if self.calls == self.at or (self.on and self.calls > self.at):
            self.failed = self.failed or what
            raise OSError(self.code, os.strerror(self.code))

    def open_append(self, path: Path) -> int:
        """May fail."""
        self._try("open")
        return super().open_append(path)

    def write(self, fd: int, data: memoryview) -> int:
        """May fail, with half of it written."""
        try:
            self._try("write")
        except OSError:
            super().write(fd, data[: len(data) // 2])
            raise
        return super().write(fd, data)

    def fdatasync(self, fd: int) -> None:
        """May fail."""
        self._try("fdatasync")
        super().fdatasync(fd)

    def fsync(self, fd: int) -> None:
        """May fail."""
        self._try("fsync")
        super().fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """May fail, unless it is what makes room."""
        if self.code not in FULL:
            self._try("truncate")
        super().truncate(fd, size)

    def allocate(self, fd: int, size: int) -> None:
        """May fail."""
        self._try("allocate")
        super().allocate(fd, size)


@dataclass
class Outcome:
    """One run with one fault."""

    failed: str
    """Which call failed; nothing if the run was over before."""
    began: bool = False
    trouble: list[str] = field(default_factory=list)
    acked: Mapping[str, int] = field(default_factory=dict)
    acks_after: int = 0
    """Acknowledgements after the writer had said that it is broken."""
    wrong: list[str] = field(default_factory=list)


def run(folder: Path, at: int, code: int, *, on: bool) -> Outcome:
    """A thousand records with the fault; then what a start on a sound disk finds."""
    disk = Failing(at, code, on=on)
    outcome = Outcome("")
    try:
        _write(folder, disk, outcome)
    except OSError:
        assert not outcome.began, "only the beginning may say it so"
    outcome.failed = disk.failed
    _recover(folder, outcome)
    return outcome


def _write(folder: Path, disk: Disk, outcome: Outcome) -> None:
    ground = Ground(folder, {"run": "1"}, lambda: 1, LIMITS, disk)
    starts = {name: recover(folder, name) for name in NAMES}
    writer = Writer(ground, starts, lambda kind, _: outcome.trouble.append(kind))
    outcome.began = True
    over = threading.Event()

    def note(durable: Mapping[str, int]) -> None:
        outcome.acks_after += "broken" in outcome.trouble
        outcome.acked = durable
        if sum(durable.values()) == RECORDS:
            over.set()

    writer.when_durable(note)
    try:
        for number in range(RECORDS):
            writer.append(NAMES[number % 7 % 4], b'{"number":%d}' % number)
    except JournalBroken:
        pass
    writer.close()
    if "broken" not in outcome.trouble and not over.is_set():
        outcome.wrong.append("neither broken nor over")
    if "broken" in outcome.trouble and writer.failed is None:
        outcome.wrong.append("broken without a reason")


def _recover(folder: Path, outcome: Outcome) -> None:
    if outcome.acks_after:
        outcome.wrong.append("acknowledged after it was broken")
    if "disk_full" in outcome.trouble and (folder / ballast.NAME).exists():
        outcome.wrong.append("the ballast is still there")
    starts = {name: recover(folder, name, repair=True) for name in NAMES}
    for name, found in starts.items():
        if found.verdict == "corrupt":
            outcome.wrong.append(f"corrupt: {found.where}")
        if found.position.seq < outcome.acked.get(name, 0):
            outcome.wrong.append(f"{name}: {found.position.seq} of {outcome.acked[name]}")
    ground = Ground(folder, {"run": "1"}, lambda: 1, LIMITS)
    writer = Writer(ground, starts, lambda kind, _: outcome.trouble.append(kind))
    writer.append("trades", b'{"after":1}')
    writer.close()
    if any(recover(folder, name).verdict != "clean" for name in NAMES):
        outcome.wrong.append("does not go on")


KINDS = {
    "eio_once": (errno.EIO, False),
    "eio_from_then_on": (errno.EIO, True),
    "full_once": (errno.ENOSPC, False),
    "full_from_then_on": (errno.ENOSPC, True),
}
