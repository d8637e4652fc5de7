"""Reads the journals of a run on, whole batches alone: nothing is handed on that may be taken back.

What the engine wrote of a batch when it was killed is cut off when it starts again; so is what a
failing disk let through. A look that fails is made again from where the last one ended.
"""

import heapq
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Final

import msgspec

from liveopt.journal.folder import latest
from liveopt.journal.places import Position
from liveopt.journal.reader import Damage, Reader
from liveopt.walk.lines import read_record
from liveopt.walk.records import DECISIONS, Entered, Journal, Record, Trade, VariantStopped
from liveopt.web.kept import JOURNALS, Kept, Place
from liveopt.web.older import EVER, Mark

SLICE: Final = 2_000
"""Lines read at a time: between two slices the process does other things."""


UNENDED: Final = "does not end"
"""What is said of a line that is being written."""
STANDS_S: Final = 10.0
"""An engine that starts has cut off by then what a crash left."""


@dataclass(slots=True)
class Batch:
    """What one look brought."""

    run: Path | None
    decisions: list[tuple[int, Record]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    ends: dict[Journal, tuple[int, Mark]] = field(default_factory=dict)
    """How many lines were read of each journal, and where it stands now."""
    more: bool = False
    damage: str = ""


@dataclass(slots=True)
class _Part:
    """What was read of one journal."""

    name: Journal
    lines: int = 0
    decisions: list[tuple[int, Record]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    more: bool = False
    damage: str = ""
    _whole: tuple[int, int, int, int] = (0, 0, 0, 0)

    def whole(self) -> None:
        """A batch ends here."""
        self._whole = self.lines, len(self.decisions), len(self.kept), len(self.gone)

    def cut(self) -> None:
        """Without what is behind the last whole batch."""
        self.lines, decisions, kept, gone = self._whole
        del self.decisions[decisions:], self.kept[kept:], self.gone[gone:]

    def take(self, seq: int, content: bytes) -> None:
        """One record; what is not understood is told of and passed over."""
        try:
            record = read_record(content)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.damage = f"{self.name}: record {seq} is not understood: {error}"
            return
        if self.name == DECISIONS:
            self.decisions.append((seq, record))
        elif isinstance(record, Trade | Entered):
            self.kept.append(Kept(Place(record.at_ns, self.name, seq), _shared(record)))
        elif isinstance(record, VariantStopped):
            self.gone.append(record.variant)


@dataclass(slots=True)
class Follower:
    """Reads on, in a thread of its own: nobody else touches it."""

    state: Path
    wanted: Path | None = None
    """The run to follow, whether it is there yet or not; else the newest of the state folder."""
    run: Path | None = None
    _readers: dict[Journal, Reader] = field(default_factory=dict)
    _ends: dict[Journal, Position] = field(default_factory=dict)
    _newest_ns: dict[Journal, int] = field(default_factory=dict)
    _more: dict[Journal, bool] = field(default_factory=dict)
    """Which journals have not been read to their ends."""
    _held: dict[Journal, deque[Kept]] = field(default_factory=dict)
    """What was read and waits for older records of other journals."""
    _stands: dict[Journal, tuple[tuple[Path, int] | None, float]] = field(default_factory=dict)
    """Where a line is not sound, and since when."""

    def read(self) -> Batch:
        """A little further."""
        run = self._newest()
        if run != self.run:
            self.run, self._newest_ns, self._stands = run, {}, {}
            self._more = dict.fromkeys(JOURNALS, True) if run else {}
            self._held = {name: deque() for name in JOURNALS}
            names: tuple[Journal, ...] = (DECISIONS, *JOURNALS) if run else ()
            self._readers = {name: Reader(run, name) for name in names} if run else {}
            self._ends = {name: reader.position for name, reader in self._readers.items()}
        batch = Batch(run)
        try:
            parts = [self._some(name) for name in self._readers if not self._ahead(name)]
        except OSError:
            for name in self._readers:
                self._back(name)
            raise
        for part in parts:
            self._taken(batch, part)
        batch.more = batch.more or any(self._more.values())
        batch.kept = list(heapq.merge(*self._due(), key=lambda kept: kept.place))
        return batch

    def _ahead(self, name: Journal) -> bool:
        """What was read of this one already is newer than what another has come to."""
        held = self._held.get(name)
        if not held:
            return False
        at_ns = held[-1].place.at_ns
        others = [other for other, more in self._more.items() if more and other != name]
        return any(self._newest_ns.get(other, 0) < at_ns for other in others)

    def _due(self) -> Iterator[list[Kept]]:
        """Of each journal what nothing older can follow, so that all are in the order of time."""
        least_ns = min(
            (self._newest_ns.get(name, 0) for name, more in self._more.items() if more),
            default=EVER,
        )
        for held in self._held.values():
            due: list[Kept] = []
            while held and held[0].place.at_ns < least_ns:
                due.append(held.popleft())
            yield due

    def _newest(self) -> Path | None:
        if self.wanted is None:
            return latest(self.state)
        return self.wanted if self.wanted.is_dir() else None

    def _some(self, name: Journal) -> _Part:
        """A slice, up to the end of a batch."""
        reader, part = self._readers[name], _Part(name)
        for line in reader:
            part.lines += 1
            if not reader.own:
                part.take(line.seq, line.content)
            if reader.complete:
                part.whole()
                if part.lines >= SLICE:
                    part.more = True
                    break
        part.damage = self._damage(name, reader.damage) or part.damage
        if not reader.complete:
            part.cut()
            self._back(name, part.lines)
        return part

    def _damage(self, name: Journal, found: Damage | None) -> str:
        """A line that is not sound may be what an engine that starts cuts off; not for long."""
        now_s = time.monotonic()
        place = None if found is None or found.why == UNENDED else (found.path, found.offset)
        if self._stands.get(name, (None, 0.0))[0] != place:
            self._stands[name] = place, now_s
        if found is None:
            return ""
        stands = place is not None and now_s - self._stands[name][1] >= STANDS_S
        return str(found) if found.final or stands else ""

    def _back(self, name: Journal, lines: int = 0) -> None:
        """To where the last look ended, and so many lines on from there."""
        assert self.run is not None
        reader = self._readers[name] = Reader(self.run, name, self._ends[name])
        deque(islice(reader, lines), maxlen=0)

    def _taken(self, batch: Batch, part: _Part) -> None:
        name = part.name
        self._ends[name] = position = self._readers[name].position
        if part.kept:
            newest_ns = max(kept.place.at_ns for kept in part.kept)
            self._newest_ns[name] = max(newest_ns, self._newest_ns.get(name, 0))
        batch.decisions += part.decisions
        batch.gone += part.gone
        batch.damage = part.damage or batch.damage
        if name == DECISIONS:
            batch.more = part.more
            return
        self._more[name] = part.more
        self._held[name].extend(part.kept)
        if part.lines:
            least_ns = min((kept.place.at_ns for kept in part.kept), default=EVER)
            mark = Mark(self._newest_ns.get(name, 0), position, least_ns)
            batch.ends[name] = part.lines, mark


def _shared(record: Trade | Entered) -> Trade | Entered:
    """The same words once in memory, however many trades say them."""
    if isinstance(record, Entered):
        return msgspec.structs.replace(
            record, variant=intern(record.variant), symbol=intern(record.symbol)
        )
    return msgspec.structs.replace(
        record,
        variant=intern(record.variant),
        symbol=intern(record.symbol),
        strategy=intern(record.strategy),
        parameters_hash=intern(record.parameters_hash),
        reason=intern(record.reason),
    )
