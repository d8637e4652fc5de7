"""Writes every raw frame of the feed, with its times of arrival, to compressed files that rotate.

A recording is a folder of segments `feed-000001.jsonl.gz`, `feed-000002.jsonl.gz` and so on, JSON
lines that `zcat` and `jq` read. The first line of a segment is a `Header`, each other line a
`Line`. Lines are collected to blocks and a block is one gzip member, so a process that is killed
loses its open block and nothing before. Nothing is synced: a power cut can cost what the system had
not written yet.
"""

import fcntl
import os
import re
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog

from liveopt.core.bars import HOUR_NS, SECOND_NS

log = structlog.get_logger()

VERSION: Final = 1
GZIP_WBITS: Final = 31  # zlib's way to ask for a gzip member
LEVEL: Final = 1  # twice the size of the best level in a tenth of its time
NAME: Final = re.compile(r"feed-(\d+)\.jsonl\.gz")


class Header(msgspec.Struct, frozen=True):
    """The first line of a segment: what follows and from where."""

    recording: int
    """The version of the format."""
    venue: str
    symbols: tuple[str, ...]
    started: int
    """Nanoseconds since 1970 when the segment began."""
    segment: int


class Line(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A frame and when it came: `at` on the wall clock, `mono` on one that only goes forward.

    Bytes that are UTF-8 are in `text`, others in `base64`; both give back the very same bytes.
    """

    at: int
    mono: int
    text: str | None = None
    base64: bytes | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """When a block and a segment are full, and how much of the disk all segments may take.

    Sizes of segments are as compressed. A segment grows beyond its size only by a single block that
    is larger than it.
    """

    block_bytes: int = 64 * 1024
    block_ns: int = SECOND_NS
    segment_bytes: int = 64 * 1024 * 1024
    segment_ns: int = HOUR_NS
    total_bytes: int = 2 * 1024 * 1024 * 1024

    def __post_init__(self) -> None:
        if self.total_bytes < self.segment_bytes:
            raise ValueError(
                f"a recording of {self.total_bytes} bytes has no room for a segment of "
                f"{self.segment_bytes}"
            )


class RecordingStopped(Exception):
    """The recording cannot go on, mostly because the disk is full; what was written stays good."""

    def __init__(self, path: Path, why: str, frames_lost: int) -> None:
        super().__init__(f"{path}: recording stopped, {why}; {frames_lost} frames lost")
        self.path = path
        self.why = why
        self.frames_lost = frames_lost


def segments(folder: Path) -> list[tuple[int, Path]]:
    """The segments of a recording by number, oldest first; other files are not looked at."""
    found = ((NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match is not None)


class Recorder:
    """Appends frames to a recording; its folder is its own, and no other recorder's.

    A full block is compressed and written within `add`. A block that waits is written by `tend`,
    which the owner calls about once a second, and by `close`. Once a write has failed, every call
    but `close` raises the same `RecordingStopped`.
    """

    def __init__(
        self, folder: Path, venue: str, symbols: Sequence[str], limits: Limits | None = None
    ) -> None:
        self.folder = folder
        self.venue = venue
        self.symbols = tuple(symbols)
        self.limits = limits or Limits()
        self.frames = 0
        self.segments_deleted = 0
        self.stopped: RecordingStopped | None = None
        self._encode = msgspec.json.Encoder().encode
        self._path = folder
        self._claim = -1
        self._file = -1
        self._size = 0  # of the open segment; 0 when none is open
        self._begun_ns = 0  # monotonic
        self._lines: list[bytes] = []
        self._lines_bytes = 0
        self._first_at_ns = 0
        self._first_ns = 0  # monotonic

    @property
    def kept(self) -> int:
        """Frames that are, or will be, in the files: all but those lost when it stopped."""
        return self.frames - (0 if self.stopped is None else self.stopped.frames_lost)

    def begin(self) -> None:
        """Makes the folder now, so that a bad one is refused before anything comes."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            why = error.strerror or str(error)
            self.stopped = RecordingStopped(self.folder, why, 0)
            raise self.stopped from error

    def add(self, frame: str | bytes, at_ns: int, mono_ns: int) -> None:
        """Take a frame that came at `at_ns` of the wall clock and `mono_ns` of the loop's."""
        if self.stopped is not None:
            raise self.stopped
        if not self._lines:
            self._first_at_ns, self._first_ns = at_ns, mono_ns
        line = self._encode(_line(frame, at_ns, mono_ns))
        self._lines.append(line)
        self._lines_bytes += len(line) + 1
        self.frames += 1
        if self._lines_bytes >= self.limits.block_bytes:
            self._write_block(mono_ns)
        else:
            self.tend(mono_ns)

    def tend(self, mono_ns: int) -> None:
        """Write the open block if it is due by age."""
        if self.stopped is not None:
            raise self.stopped
        if self._lines and mono_ns - self._first_ns >= self.limits.block_ns:
            self._write_block(mono_ns)

    def close(self) -> None:
        """Write what is left and end the recording; a frame added later begins a new segment."""
        try:
            if self._lines and self.stopped is None:
                self._write_block(self._first_ns)
        finally:
            self._close_segment()
            if self._claim >= 0:
                os.close(self._claim)
                self._claim = -1

    def _write_block(self, mono_ns: int) -> None:
        self._lines.append(b"")
        block = zlib.compress(b"\n".join(self._lines), LEVEL, GZIP_WBITS)
        try:
            if self._is_full(len(block), mono_ns):
                self._close_segment()
            if self._file < 0:
                self._open_segment(mono_ns)
            self._write(block)
        except OSError as error:
            self._stop(error)
        self._lines.clear()
        self._lines_bytes = 0

    def _is_full(self, more_bytes: int, mono_ns: int) -> bool:
        limits = self.limits
        too_old = mono_ns - self._begun_ns >= limits.segment_ns
        return self._file >= 0 and (too_old or self._size + more_bytes > limits.segment_bytes)

    def _open_segment(self, mono_ns: int) -> None:
        self._claim_folder()
        there = segments(self.folder)
        self._make_room(there)
        number = there[-1][0] + 1 if there else 1
        self._path = self.folder / f"feed-{number:06}.jsonl.gz"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._size = 0
        self._begun_ns = mono_ns
        header = Header(VERSION, self.venue, self.symbols, self._first_at_ns, number)
        self._write(zlib.compress(self._encode(header) + b"\n", LEVEL, GZIP_WBITS))

    def _claim_folder(self) -> None:
        """Two recorders would delete each other's segments. A claim ends with its process."""
        if self._claim >= 0:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._claim = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(error.errno, "another recorder writes to this folder") from error

    def _make_room(self, there: list[tuple[int, Path]]) -> None:
        """Delete the oldest segments, so that a whole new one stays within the total."""
        sizes = [path.stat().st_size for _, path in there]
        total = sum(sizes) + self.limits.segment_bytes
        for (_, path), size in zip(there, sizes, strict=True):
            if total <= self.limits.total_bytes:
                return
            path.unlink()
            total -= size
            self.segments_deleted += 1
            log.info("oldest segment of the recording deleted", path=str(path), bytes=size)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._size += len(data)

    def _stop(self, error: OSError) -> None:
        """Half of a block may be in the file: cut it off, for then the segment ends well."""
        why = error.strerror or str(error)
        self.stopped = RecordingStopped(self._path, why, len(self._lines) - 1)
        self._lines.clear()
        if self._file >= 0:
            with suppress(OSError):  # if this fails too the end is torn, as after a kill
                os.ftruncate(self._file, self._size)
        self._close_segment()
        raise self.stopped from error

    def _close_segment(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _line(frame: str | bytes, at_ns: int, mono_ns: int) -> Line:
    if isinstance(frame, str):
        return Line(at_ns, mono_ns, frame)
    try:
        return Line(at_ns, mono_ns, frame.decode())
    except UnicodeDecodeError:
        return Line(at_ns, mono_ns, base64=frame)
