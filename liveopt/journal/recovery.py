"""How a journal ended: clean, torn by a crash, or corrupt; and the mending of a tear.

A crash can damage only the batch that was being written: its sectors may be there or not, in any
order. So the journal is its longest valid prefix, and damage behind it is a tear if every line that
shows there belongs to that one batch. Anything else has been on the disk, whole, and was changed
since: nobody mends that. Records of an incomplete last batch that are sound are kept. Nobody was
told that they are durable, and nothing speaks against them: the prefix is the law.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, takewhile
from pathlib import Path
from typing import Final, Literal

import structlog

from liveopt.journal import ballast
from liveopt.journal.codec import FRAMES
from liveopt.journal.disk import DISK, FULL, Disk
from liveopt.journal.places import START, Position, journals, segment_path
from liveopt.journal.reader import Damage, Reader, holds

log = structlog.get_logger()
TEAR_MAX: Final = 16 << 20
"""No batch has more bytes, so no tear has."""
LOOK_AGAIN_S: Final = 0.05
Verdict = Literal["clean", "torn", "corrupt"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found: where the sound part ends, what lies behind it, and why it is no part of it.

    `cut_bytes` were cut off (or would be), `records` are sound after where the look began.
    """

    verdict: Verdict
    position: Position
    records: int = 0
    cut_bytes: int = 0
    cut_sha256: str = ""
    where: Damage | None = None

    @property
    def torn(self) -> bool:
        """Whether the journal has to tell of a tear before it goes on."""
        return self.verdict == "torn" or self.cut_bytes > 0


FRESH = Recovery("clean", START)
"""A journal that is still to begin."""


def recover(
    folder: Path,
    name: str,
    since: Position | None = None,
    *,
    repair: bool = False,
    disk: Disk = DISK,
) -> Recovery:
    """Look at a journal from a position on (a snapshot's) or from its start; mend a tear if told.

    What lies before the position is not looked at. A corrupt journal is never touched.
    """
    begin = START if since is None else since
    if not holds(folder, name, begin):
        path = segment_path(folder, name, begin.segment)
        why = "does not have the record that a position names"
        return Recovery("corrupt", begin, where=Damage(path, None, begin.offset, why))
    reader = Reader(folder, name, begin)
    for _ in reader:
        pass
    return judge(reader, repair=repair, disk=disk)


def inspect(folder: Path, name: str, *, live: bool) -> Recovery:
    """Look at a whole journal and touch nothing; `live` if somebody may be writing meanwhile.

    Then what looks like damage may be a batch that was half there at the first look and whole at
    the second: only damage that stays where it is is damage.
    """
    reader = Reader(folder, name)
    before = None
    while True:
        for _ in reader:
            pass
        found = judge(reader)
        if not live or found.verdict != "corrupt" or found.position == before:
            return found
        before = found.position
        time.sleep(LOOK_AGAIN_S)


def judge(reader: Reader, *, repair: bool = False, disk: Disk = DISK) -> Recovery:
    """What the place where a reader stopped says of the journal."""
    damage = _before_others(reader)
    position, records = reader.position, reader.records
    path = segment_path(reader.folder, reader.name, position.segment)
    if damage is None:
        earlier = _torn_before(path, position.offset)
        if reader.complete and earlier is None:
            return Recovery("clean", position, records)
        cut = b"" if earlier is None else earlier.read_bytes()
        verdict: Verdict = "clean" if reader.complete else "torn"
        where = None if reader.complete else Damage(path, None, position.offset, "stops midway")
        return Recovery(verdict, position, records, len(cut), sha256(cut).hexdigest(), where)
    if damage.final:
        return Recovery("corrupt", position, records, where=damage)
    rest = _rest(path, position.offset)
    why = _against_tear(reader, rest)
    if why is not None:
        return Recovery("corrupt", position, records, where=damage.because(why))
    if repair:
        _mend(path, position.offset, rest, disk)
    return Recovery("torn", position, records, len(rest), sha256(rest).hexdigest(), damage)


def _rest(path: Path, offset: int) -> bytes:
    """What lies behind the sound part, as far as one batch can reach, and one byte more."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(TEAR_MAX + 1)


def _against_tear(reader: Reader, rest: bytes) -> str | None:
    """Why the damage cannot be of the one batch that was being written; None if it can."""
    if len(rest) > TEAR_MAX:
        return "more lies behind it than a batch can have"
    shown = (tuple(map(int, found.groups())) for found in FRAMES.finditer(rest))
    batch = reader.position.batch
    if reader.complete:
        return _of_one(shown, batch + 1, -1, None)
    if rest.find(b"\n", 0, -1) < 0:  # one line, or what is left of one
        places = list(shown)
        if [place[:3] for place in places] == [(batch + 1, 0, 1)]:
            return None  # this batch was torn before, and now the line that was to tell of it
        return _of_one(places, batch, reader.index, reader.count)
    return _of_one(shown, batch, reader.index, reader.count)


def _of_one(
    shown: Iterable[tuple[int, ...]], batch: int, index: int, size: int | None
) -> str | None:
    """Whether these lines are of that batch, in order, behind that index."""
    for its_batch, its_index, its_size, _ in shown:
        if its_batch != batch:
            return f"a line of batch {its_batch} lies behind damage in batch {batch}"
        if its_index <= index or its_size != (its_size if size is None else size):
            return f"batch {batch} contradicts itself behind the damage"
        index, size = its_index, its_size
    return None


def _before_others(reader: Reader) -> Damage | None:
    """The damage; it is none of a crash if another segment follows, and so is a missing end."""
    segments = journals(reader.folder).get(reader.name, []) if reader.folder.is_dir() else []
    last = reader.position.segment
    later = [number for number in segments if number > last]
    if not later:
        return reader.damage
    path = segment_path(reader.folder, reader.name, last)
    next_one = segment_path(reader.folder, reader.name, later[0]).name
    ends = Damage(path, reader.line, reader.position.offset, "is missing or has no end")
    return (reader.damage or ends).because(f"{next_one} is there")


def _torn_before(path: Path, offset: int) -> Path | None:
    """What was cut off here and is not told of yet: its record would begin at this very byte."""
    asides = list(_asides(path, offset))
    return asides[-1] if asides else None


def _aside(path: Path, offset: int, rest: bytes) -> Path | None:
    """Where to keep torn bytes; None if they are kept already."""
    asides = list(_asides(path, offset))
    if asides and asides[-1].read_bytes() == rest:
        return None
    return _torn_path(path, offset, len(asides) + 1)


def _asides(path: Path, offset: int) -> Iterator[Path]:
    numbered = (_torn_path(path, offset, number) for number in count(1))
    return takewhile(Path.exists, numbered)


def _torn_path(path: Path, offset: int, number: int) -> Path:
    return path.with_name(f"{path.name}.torn-{offset}" + (f"-{number}" if number > 1 else ""))


def _mend(path: Path, offset: int, rest: bytes, disk: Disk) -> None:
    """Keep the torn bytes beside the segment, then cut them off it."""
    aside = _aside(path, offset, rest)
    if aside is not None:
        try:
            _put(aside, rest, disk)
        except OSError as error:
            if error.errno not in FULL:
                raise
            ballast.give_up(path.parent, disk)
            _put(aside, rest, disk)
    fd = disk.open_append(path)
    try:
        disk.truncate(fd, offset)
        disk.fsync(fd)
    finally:
        disk.close(fd)
    disk.fsync_dir(path.parent)
    log.warning("journal_mended", file=path.name, at=offset, cut_bytes=len(rest))


def _put(path: Path, data: bytes, disk: Disk) -> None:
    """A new file with these bytes, surely there, or none."""
    fd = disk.create(path)
    try:
        disk.write_all(fd, data)
        disk.fsync(fd)
    except OSError:
        disk.unlink(path)
        raise
    finally:
        disk.close(fd)
    disk.fsync_dir(path.parent)
