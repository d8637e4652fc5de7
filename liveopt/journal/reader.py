"""Lines of one journal, one after the other over its segments, each checked against the last."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from liveopt.journal.codec import LINE_MAX, BadLine, Line, claimed, parse
from liveopt.journal.places import START, Position, parse_own, segment_path

_BLOCK: Final = 4_096


@dataclass(frozen=True, slots=True)
class Damage:
    """The first place that is not sound: byte and line (from 1) of a segment, and why.

    `final` damage cannot come from a crash, whatever lies behind it.
    """

    path: Path
    line: int | None
    offset: int
    why: str
    final: bool = False

    def because(self, why: str) -> "Damage":
        """The same, final for another reason as well."""
        return replace(self, why=f"{self.why}; {why}", final=True)

    def __str__(self) -> str:
        line = "" if self.line is None else f"line {self.line}, "
        return f"{self.path}: {line}byte {self.offset}: {self.why}"


class Record(NamedTuple):
    """Something that was appended."""

    seq: int
    content: bytes


class Reader:
    """Goes over the lines once, the journal's own among them; stops at damage or the end.

    `position` is the end of what was sound so far, `complete` whether a batch ends there. A line
    number is known only where the whole segment was read. Going over them again goes on where it
    stopped: so a file that grows can be followed.
    """

    def __init__(self, folder: Path, name: str, since: Position = START) -> None:
        self.folder = folder
        self.name = name
        self.damage: Damage | None = None
        self.records = 0
        self.line: int | None = 0 if since.offset == 0 else None
        self.own = False
        """Whether the last line was one of the journal's own."""
        self.index, self.count = 0, 1
        self._seq, self._head = since.seq, bytes.fromhex(since.head)
        self._segment, self._offset, self._batch = since.segment, since.offset, since.batch
        self._sealed = False

    @property
    def position(self) -> Position:
        """The end of the last sound line; of a seal, the beginning of the next segment."""
        if self._sealed:
            return Position(self._seq, self._head.hex(), self._segment + 1, 0, self._batch)
        return Position(self._seq, self._head.hex(), self._segment, self._offset, self._batch)

    @property
    def complete(self) -> bool:
        """Whether the last batch has all its lines."""
        return self.index + 1 == self.count

    def __iter__(self) -> Iterator[Line]:
        self.damage = None
        while True:
            path = segment_path(self.folder, self.name, self._segment)
            try:
                file = path.open("rb")
            except FileNotFoundError:
                return
            with file:
                file.seek(self._offset)
                yield from self._lines(path, file)
            if not self._sealed or self.damage is not None:
                return
            self._segment, self._offset, self.line, self._sealed = self._segment + 1, 0, 0, False

    def _lines(self, path: Path, file: BinaryIO) -> Iterator[Line]:
        for data in iter(partial(file.readline, LINE_MAX), b""):
            try:
                line = parse(data, self._seq, self._head)
                self._admit(line)
            except BadLine as bad:
                at = None if self.line is None else self.line + 1
                self.damage = Damage(path, at, self._offset, str(bad), final=bad.intact)
                return
            self._batch, self.index, self.count = line.batch, line.index, line.count
            self._seq, self._head = line.seq, line.head
            self._offset += len(data)
            if self.line is not None:
                self.line += 1
            self.records += not self.own
            yield line

    def _admit(self, line: Line) -> None:
        """Whether a line that follows by its hash also belongs here by what it says."""
        self.own = line.seq == self._seq
        if self._sealed:
            raise BadLine("follows the seal of its segment", intact=True)
        if self.index + 1 == self.count or self.own:
            follows = line.batch == self._batch + 1 and line.index == 0
        else:
            place = (line.batch, line.index, line.count)
            follows = place == (self._batch, self.index + 1, self.count)
        if not follows:
            raise BadLine(f"is not the next in batch {self._batch}", intact=True)
        if self.own or self._offset == 0:
            self._admit_own(line)

    def _admit_own(self, line: Line) -> None:
        found = parse_own(line.content)
        if not self.own or found is None:
            raise BadLine("is none that can stand here", intact=True)
        if (found.type == "Genesis") != (self._offset == 0):
            raise BadLine(f"a {found.type} cannot stand here", intact=True)
        if found.type == "Genesis" and found.journal != self.name:
            raise BadLine(f"begins a journal of {found.journal}", intact=True)
        self._sealed = found.type == "Seal"


def records(folder: Path, name: str, since: Position | None = None) -> Iterator[Record]:
    """What was appended after a position, as far as it is sound."""
    reader = Reader(folder, name, START if since is None else since)
    for line in reader:
        if not reader.own:
            yield Record(line.seq, line.content)


def holds(folder: Path, name: str, position: Position) -> bool:
    """Whether the line that ends at a position is whole and is the one the position names.

    A look at the end of one line: whatever lies before it costs nothing.
    """
    if position.offset == 0:
        if position.segment == 1:
            return position == START
        line = last_line(segment_path(folder, name, position.segment - 1))
        own = None if line is None else parse_own(line.content)
        sealed = own is not None and own.type == "Seal"
    else:
        line = last_line(segment_path(folder, name, position.segment), position.offset)
        sealed = True
    return (
        line is not None
        and sealed
        and (line.seq, line.head.hex(), line.batch) == (position.seq, position.head, position.batch)
    )


def last_line(path: Path, end: int | None = None) -> Line | None:
    """The whole line that ends at that byte of a file, or at its end; None if there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            stop = size if end is None else end
            if not 0 < stop <= size:
                return None
            return claimed(_line_before(file, stop))
    except FileNotFoundError:
        return None


def _line_before(file: BinaryIO, stop: int) -> bytes:
    """The bytes from the line break before the last one up to `stop`."""
    width = _BLOCK
    while True:
        start = max(0, stop - width)
        file.seek(start)
        data = file.read(stop - start)
        found = data.rfind(b"\n", 0, -1)
        if found >= 0 or start == 0 or width >= LINE_MAX:
            return data[found + 1 :]
        width *= 4
