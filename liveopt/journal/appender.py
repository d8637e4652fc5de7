"""The open end of one journal: frames a batch, writes it, syncs it, turns to the next segment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from liveopt.journal import ballast
from liveopt.journal.codec import FRAME_MAX, LINE_MAX, claimed, frame
from liveopt.journal.disk import DISK, FULL, Disk
from liveopt.journal.places import DAY_NS, FORMAT, Position, own, parse_own, segment_path
from liveopt.journal.recovery import TEAR_MAX, Recovery

OnFull = Callable[[OSError], None]
MIB: Final = 1 << 20
SEALED: Final = 0o440
"""What a full segment may be: read."""


class NotAtEnd(Exception):
    """A journal's file is not as long as it was recovered: it is torn, or somebody else writes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once."""

    segment_bytes: int = 64 * MIB
    batch_records: int = 4_096
    batch_bytes: int = 1 * MIB
    backlog_bytes: int = 256 * MIB
    """What may wait for the disk; a disk that lags further behind has failed."""
    ballast_bytes: int = 16 * MIB
    still_s: float = 1.0
    """How long after the last data a journal is sealed with a record of silence."""

    def __post_init__(self) -> None:
        longest = self.batch_bytes + LINE_MAX + self.batch_records * FRAME_MAX
        assert longest <= TEAR_MAX, "a batch must be small enough to be known as a tear"


@dataclass(frozen=True, slots=True)
class Ground:
    """What the journals of a run stand on; `genesis` is what each segment's first line tells."""

    folder: Path
    genesis: Mapping[str, Any]
    wall_ns: Callable[[], int]
    """Nanoseconds since 1970, for stamps and the turn of the day."""
    limits: Limits = Limits()
    disk: Disk = DISK


class Appender:
    """One journal, from where it was recovered on; `position` is what is surely on the disk.

    Between `put` and `sync` lies at most one batch, so at most one batch can be damaged.
    """

    def __init__(self, ground: Ground, name: str, start: Recovery, on_full: OnFull) -> None:
        """Open it at its end; what a recovery cut off becomes its first record.

        `on_full` is told when the ballast was given up for a batch.
        """
        self.name = name
        self.position = start.position
        self._ground = ground
        self._disk = ground.disk
        self._on_full = on_full
        self._seq = start.position.seq
        self._head = bytes.fromhex(start.position.head)
        self._day = 0
        self._pending = b""
        self._fd = -1
        self._open()
        if start.position.offset == 0:
            self._begin()
        if start.torn:
            self.put_own("Recovered", cut_bytes=start.cut_bytes, cut_sha256=start.cut_sha256)
            self.sync()

    def put(self, contents: Sequence[bytes]) -> None:
        """Write a batch of records behind the last one."""
        self._turn()
        place = self.position
        batch, count, seq, head = place.batch + 1, len(contents), self._seq, self._head
        lines = []
        for index, content in enumerate(contents):
            seq += 1
            line, head = frame(content, batch, index, count, seq, head)
            lines.append(line)
        self._seq, self._head = seq, head
        self._write(b"".join(lines))

    def put_own(self, kind: str, **facts: Any) -> None:
        """Write a record of the journal's own, a batch alone."""
        content = own(kind, self._ground.wall_ns(), facts)
        batch = self.position.batch + 1
        line, self._head = frame(content, batch, 0, 1, self._seq, self._head)
        self._write(line)

    def sync(self) -> None:
        """Wait until what was put is on the disk. An error here is final: nobody asks twice."""
        if self._pending:
            self._disk.fdatasync(self._fd)
            self._advance()

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            self._disk.close(self._fd)
            self._fd = -1

    def _advance(self) -> None:
        place = self.position
        end = place.offset + len(self._pending)
        self.position = Position(self._seq, self._head.hex(), place.segment, end, place.batch + 1)
        self._pending = b""

    def _write(self, data: bytes) -> None:
        assert not self._pending, "a batch is synced before the next one"
        self._pending = data
        try:
            self._disk.write_all(self._fd, data)
        except OSError as error:
            self._make_room(error)
            self._disk.truncate(self._fd, self.position.offset)
            self._disk.write_all(self._fd, data)

    def _make_room(self, error: OSError) -> None:
        """Give up the ballast if room is what was missing; once more is tried, and no more."""
        if error.errno not in FULL:
            raise error
        ballast.give_up(self._ground.folder, self._disk)
        self._on_full(error)

    def _open(self) -> None:
        path = segment_path(self._ground.folder, self.name, self.position.segment)
        try:
            self._fd = self._disk.open_append(path)
        except OSError as error:
            self._make_room(error)
            self._fd = self._disk.open_append(path)
        size = self._disk.size(self._fd)
        if size != self.position.offset:
            self.close()
            raise NotAtEnd(f"{path} has {size} bytes and not {self.position.offset}")
        if self.position.offset > 0:
            self._day = _begun_ns(path) // DAY_NS

    def _begin(self) -> None:
        """The first line of a segment, and the file's name, made sure of."""
        place = self.position
        if place.segment > 1:  # whoever sealed it may not have come to this
            before = segment_path(self._ground.folder, self.name, place.segment - 1)
            self._disk.chmod(before, SEALED)
        self._day = self._ground.wall_ns() // DAY_NS
        facts = {"format": FORMAT, "journal": self.name, "previous": place.head}
        self.put_own("Genesis", **{**self._ground.genesis, **facts})
        self._disk.fsync(self._fd)
        self._disk.fsync_dir(self._ground.folder)
        self._advance()

    def _turn(self) -> None:
        """Seal the segment and begin another one, if it is full or of another day."""
        full = self.position.offset >= self._ground.limits.segment_bytes
        if not full and self._ground.wall_ns() // DAY_NS <= self._day:
            return
        self.put_own("Seal", count=self._seq, head=self.position.head)
        self._disk.fsync(self._fd)
        self._advance()
        self.close()
        place = self.position
        self.position = Position(place.seq, place.head, place.segment + 1, 0, place.batch)
        self._open()
        self._begin()


def _begun_ns(path: Path) -> int:
    """When a segment was begun, by its first line."""
    with path.open("rb") as file:
        line = claimed(file.readline(LINE_MAX))
    found = None if line is None else parse_own(line.content)
    return 0 if found is None else found.at_ns
