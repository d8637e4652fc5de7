"""Where a journal stands: positions, the files of its segments, and the records of its own.

`~n` counts what was appended. The journal's own records (Genesis, Seal, Still, Recovered) repeat
the number before them: so the numbers and bytes of what was said do not depend on when a segment
filled or a feed fell silent.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from liveopt.journal.codec import FIRST_HEAD

FORMAT: Final = 1
DAY_NS: Final = 86_400_000_000_000
NAME: Final = re.compile(r"[a-z][a-z0-9-]*")
_SEGMENT: Final = re.compile(r"([a-z][a-z0-9-]*)-([0-9]{6,})\.jsonl")
_sorted = msgspec.json.Encoder(order="sorted")


class Position(msgspec.Struct, frozen=True):
    """The end of a journal, or of its beginning; offset 0 means a segment that is still to begin.

    `seq` is the number of the last record and `head` (hex) its hash, `batch` the last batch's
    number; `offset` counts bytes in the segment.
    """

    seq: int
    head: str
    segment: int
    offset: int
    batch: int


START: Final = Position(0, FIRST_HEAD.hex(), 1, 0, 0)
"""Where a new journal stands."""


class Own(msgspec.Struct, frozen=True):
    """What the journal reads of the records of its own."""

    type: str
    at_ns: int = 0
    journal: str = ""


def segment_path(folder: Path, name: str, segment: int) -> Path:
    """The file of one segment, such as `inputs-000001.jsonl`."""
    return folder / f"{name}-{segment:06d}.jsonl"


def parse_segment(file_name: str) -> tuple[str, int] | None:
    """Which journal's segment has this file name, and which one it is."""
    found = _SEGMENT.fullmatch(file_name)
    return (found[1], int(found[2])) if found else None


def journals(folder: Path) -> dict[str, list[int]]:
    """The journals of a run's folder, each with the segments there are, in order."""
    found: dict[str, list[int]] = {}
    for file in folder.iterdir():
        parts = parse_segment(file.name)
        if parts is not None:
            found.setdefault(parts[0], []).append(parts[1])
    return {name: sorted(found[name]) for name in sorted(found)}


def own(kind: str, at_ns: int, facts: Mapping[str, Any]) -> bytes:
    """A record of the journal's own."""
    return _sorted.encode({**facts, "type": kind, "at_ns": at_ns})


def parse_own(content: bytes) -> Own | None:
    """The same read back; None for bytes that are no such record."""
    try:
        found = msgspec.json.decode(content, type=Own)
    except msgspec.DecodeError:
        return None
    return found if found.type in ("Genesis", "Seal", "Still", "Recovered") else None
