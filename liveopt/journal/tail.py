"""The last records of a journal, read from its end: what lies before costs nothing.

Each line is checked by its own checksum; whether it follows from the one before is for `inspect`.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from liveopt.journal.codec import LINE_MAX, Line, claimed
from liveopt.journal.places import Position, journals, segment_path
from liveopt.journal.reader import Reader, Record

_BLOCK: Final = 1 << 16
_LINES: Final = re.compile(rb"[^\n]*\n|[^\n]+")


def tail(folder: Path, name: str, most: int) -> tuple[list[Record], Reader]:
    """The last records, oldest first, and a reader that goes on behind them."""
    found: list[Record] = []
    reader: Reader | None = None
    after: Line | None = None
    for segment, end, line in _backwards(folder, name):
        if reader is None:
            place = Position(line.seq, line.head.hex(), segment, end, line.batch)
            reader = Reader(folder, name, place)
            reader.index, reader.count = line.index, line.count
        if len(found) >= most:
            break
        if after is not None and after.seq != line.seq:  # else a record of the journal's own
            found.append(Record(after.seq, after.content))
        after = line
    return found[::-1], reader or Reader(folder, name)


def follow(reader: Reader) -> Iterator[Record]:
    """What has come since, as far as it is whole."""
    for line in reader:
        if not reader.own:
            yield Record(line.seq, line.content)


def _backwards(folder: Path, name: str) -> Iterator[tuple[int, int, Line]]:
    """Whole lines from the last one on, each with its segment and where it ends in it."""
    for segment in reversed(journals(folder).get(name, [])):
        with segment_path(folder, name, segment).open("rb") as file:
            for end, data in _lines_backwards(file):
                line = claimed(data)
                if line is not None:
                    yield segment, end, line


def _lines_backwards(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines with their break and where they end, the last first; one that is too long ends it."""
    start = file.seek(0, os.SEEK_END)
    kept = b""
    while start > 0 and len(kept) <= LINE_MAX:
        width = min(_BLOCK, start)
        start -= width
        file.seek(start)
        data = file.read(width) + kept
        end = start + len(data)
        lines = _LINES.findall(data)
        kept = lines.pop(0) if start > 0 else b""
        for line in reversed(lines):
            yield end, line
            end -= len(line)
