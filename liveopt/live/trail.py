"""The recorded outputs of a run, compared one by one with what the walk makes of its inputs."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from liveopt.journal.places import START, Position
from liveopt.journal.reader import Reader, Record
from liveopt.journal.recovery import inspect, judge
from liveopt.walk.lines import written
from liveopt.walk.records import OUTPUTS, Journal, Out


@dataclass(frozen=True, slots=True)
class Difference:
    """The first place where the past and the walk do not agree."""

    journal: str
    seq: int
    recorded: bytes | None
    """None: the journal ends here, the walk does not."""
    replayed: bytes | None
    """None: the journal goes on, the walk does not."""
    input: int
    """The input that led here."""


class Diverged(Exception):
    """What was recorded is not what follows from the inputs: other code, or a changed journal."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(
            f"record {difference.seq} of {difference.journal} does not follow from the inputs"
        )
        self.difference = difference


@dataclass(slots=True)
class Trail:
    """Where the recorded outputs stand; `missing` are those that the walk made and no disk has."""

    folder: Path
    since: Mapping[str, Position]
    compared: int = 0
    missing: list[tuple[Journal, bytes]] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    """Over the contents of all that the walk made, in order."""
    _readers: dict[Journal, Reader] = field(init=False)
    _left: dict[Journal, Iterator[Record]] = field(init=False)
    _seq: dict[Journal, int] = field(init=False)

    def __post_init__(self) -> None:
        self._readers = {
            name: Reader(self.folder, name, self.since.get(name, START)) for name in OUTPUTS
        }
        self._left = {name: _records(reader) for name, reader in self._readers.items()}
        self._seq = {name: self.since[name].seq if name in self.since else 0 for name in OUTPUTS}

    def follow(self, outs: Sequence[Out], seq: int) -> None:
        """What the walk made of an input; raises `Diverged` where the record says otherwise."""
        for journal, record in outs:
            made = written(record)
            self.digest.update(made)
            recorded = next(self._left[journal], None)
            self._seq[journal] += 1
            if recorded is None:
                self.missing.append((journal, made))
            elif recorded.content != made:
                raise Diverged(Difference(journal, self._seq[journal], recorded.content, made, seq))
            else:
                self.compared += 1

    def end(self, seq: int) -> None:
        """After the last input: nothing may be recorded that was not made."""
        for journal, left in self._left.items():
            recorded = next(left, None)
            if recorded is not None:
                raise Diverged(Difference(journal, recorded.seq, recorded.content, None, seq))

    def damage(self) -> str:
        """After `end`: what kept the rest of an output journal from being compared."""
        damaged = (damage_of(reader) for reader in self._readers.values())
        return next(filter(None, damaged), "")


def damage_of(reader: Reader) -> str:
    """Why a journal ends where a reader came to its end, in words; a torn end is no damage."""
    if judge(reader).verdict != "corrupt":
        return ""
    found = inspect(reader.folder, reader.name, live=True)  # somebody may be writing
    return str(found.where) if found.verdict == "corrupt" else ""


def _records(reader: Reader) -> Iterator[Record]:
    for line in reader:
        if not reader.own:
            yield Record(line.seq, line.content)
