"""Snapshots: a state and where the journals stood, so that a start need not fold the whole run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
import structlog

from liveopt.journal.disk import DISK, Disk
from liveopt.journal.places import Position

log = structlog.get_logger()

FOLDER: Final = "snapshots"
KEPT: Final = 3
_NAME: Final = re.compile(r"([0-9]{12,})-([0-9a-f]{16})\.snap")
_sorted = msgspec.json.Encoder(order="sorted")
_positions = msgspec.json.Decoder(dict[str, Position])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state, whole by its hash; whether its positions lie on the chain is for `holds` to say."""

    path: Path
    positions: Mapping[str, Position]
    state: bytes


def save(folder: Path, positions: Mapping[str, Position], state: bytes, disk: Disk = DISK) -> Path:
    """Put a snapshot in place, whole or not at all, and drop those that are too old."""
    content = _sorted.encode(dict(positions)) + b"\n" + state
    seq = max((place.seq for place in positions.values()), default=0)
    there = folder / FOLDER
    path = there / f"{seq:012d}-{sha256(content).hexdigest()[:16]}.snap"
    temporary = there / f"{path.name}.tmp"
    there.mkdir(exist_ok=True)
    disk.unlink(temporary)
    fd = disk.create(temporary)
    try:
        disk.write_all(fd, content)
        disk.fsync(fd)
    except OSError:
        disk.unlink(temporary)
        raise
    finally:
        disk.close(fd)
    disk.rename(temporary, path)
    disk.fsync_dir(there)
    for old in _newest_first(there)[KEPT:]:
        disk.unlink(old)
    return path


def load_all(folder: Path) -> Iterator[Snapshot]:
    """The snapshots of a run, newest first; one that is damaged is passed over, with a warning."""
    for path in _newest_first(folder / FOLDER):
        found = _load(path)
        if found is None:
            log.warning("snapshot_damaged", file=str(path))
        else:
            yield found


def _load(path: Path) -> Snapshot | None:
    content = path.read_bytes()
    name = _NAME.fullmatch(path.name)
    if name is None or sha256(content).hexdigest()[:16] != name[2]:
        return None
    head, _, state = content.partition(b"\n")
    try:
        return Snapshot(path, _positions.decode(head), state)
    except msgspec.DecodeError:
        return None


def _newest_first(there: Path) -> list[Path]:
    if not there.is_dir():
        return []
    named = [(_NAME.fullmatch(path.name), path) for path in there.iterdir()]
    found = [(int(name[1]), path.stat().st_mtime_ns, path) for name, path in named if name]
    return [path for _, _, path in sorted(found, reverse=True)]
