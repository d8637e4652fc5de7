"""The recorded outputs of a run, compared one by one with what the walk makes of its inputs."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from liveopt.journal.places import Position
from liveopt.journal.reader import Record, records
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
    _left: dict[Journal, Iterator[Record]] = field(init=False)
    _seq: dict[Journal, int] = field(init=False)

    def __post_init__(self) -> None:
        self._left = {name: records(self.folder, name, self.since.get(name)) for name in OUTPUTS}
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
