"""Trades that memory has forgotten, found in the files again: the newest first, by stretches.

While a journal is followed, marks are left in it; so a question about a time reads what lies there
and not what lies before it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from liveopt.journal.places import START, Position
from liveopt.journal.reader import Reader
from liveopt.walk.lines import read_record
from liveopt.walk.records import Journal, Trade
from liveopt.web.kept import JOURNALS, Found, Kept, Place, Wanted, before_all

MARKED_LINES: Final = 5_000
MARKS_MAX: Final = 4_096
SCANNED_MAX: Final = 200_000
"""Lines that one question may read; then it is told where to go on."""
EVER: Final = 1 << 63


class Mark(NamedTuple):
    """A place in a journal: nothing before it is newer than this time.

    Records of several symbols are in the order in which they came, not quite in that of time, and
    those of a symbol whose feed was away come long after the others'.
    """

    at_ns: int
    position: Position
    least_ns: int = 0
    """Nothing between the mark before and this one is older."""


@dataclass(slots=True)
class Marks:
    """Of one journal, the oldest first; where there are many they lie further apart."""

    all: list[Mark] = field(default_factory=list)
    every: int = field(default_factory=lambda: MARKED_LINES)
    lines: int = 0
    """Since the last one."""
    _rest: Mark | None = None
    """What was read since, up to where."""

    def add(self, lines: int, end: Mark) -> None:
        """So many lines were read, up to here; its least time is theirs."""
        self.lines += lines
        self._rest = end if self._rest is None else _joined(self._rest, end)
        if self.lines < self.every:
            return
        self.all.append(self._rest)
        self.lines, self._rest = 0, None
        if len(self.all) == MARKS_MAX:
            self.all = [_joined(*two) for two in zip(self.all[::2], self.all[1::2], strict=True)]
            self.every *= 2

    def upto(self) -> tuple[Mark, ...]:
        """All of them, and one where it was read to."""
        return tuple(self.all) if self._rest is None else (*self.all, self._rest)


def _joined(first: Mark, second: Mark) -> Mark:
    """The second, without the first before it."""
    return second._replace(least_ns=min(first.least_ns, second.least_ns))


def older(run: Path, wanted: Wanted, marks: Mapping[Journal, Sequence[Mark]]) -> Found:
    """The newest of those that are wanted."""
    newest_ns = min(EVER if wanted.before is None else _end(wanted.before), wanted.until_ns + 1)
    found: list[Kept] = []
    left = SCANNED_MAX
    for from_ns, to_ns in _stretches(marks, newest_ns):
        if to_ns <= wanted.since_ns:
            break
        there: list[Kept] = []
        for name in JOURNALS:
            scan = _Scan(run, name, marks.get(name, ()), from_ns, to_ns)
            there += [kept for kept in scan if wanted.takes(kept)]
            left -= scan.lines
        found += sorted(there, key=_place, reverse=True)
        if len(found) >= wanted.limit:
            found = found[: wanted.limit]
            return Found(found, found[-1].place)
        if left <= 0 < from_ns:
            return Found(found, before_all(from_ns))
    return Found(found, None)


def _end(before: Place) -> int:
    """No record before that place is of this time or later."""
    return before.at_ns + (before > before_all(before.at_ns))


def _place(kept: Kept) -> Place:
    return kept.place


def _stretches(
    marks: Mapping[Journal, Sequence[Mark]], newest_ns: int
) -> Iterator[tuple[int, int]]:
    """From the newest time on to the oldest: since when, and until just before when."""
    times = {mark.at_ns for some in marks.values() for mark in some if mark.at_ns < newest_ns}
    to_ns = newest_ns
    for from_ns in [*sorted(times, reverse=True), 0]:
        yield from_ns, to_ns
        to_ns = from_ns


@dataclass(slots=True)
class _Scan:
    """The trades of one journal within a stretch of time."""

    run: Path
    name: Journal
    marks: Sequence[Mark]
    from_ns: int
    to_ns: int
    lines: int = 0

    def __iter__(self) -> Iterator[Kept]:
        for since, upto in self._parts():
            yield from self._read(since, upto)

    def _parts(self) -> Iterator[tuple[Position, int]]:
        """After which places such a trade may stand, and up to which record's number."""
        before = START
        since: Position | None = None
        for mark in self.marks:
            if mark.at_ns >= self.from_ns and mark.least_ns < self.to_ns:
                since = since or before
            elif since is not None:
                yield since, before.seq
                since = None
            before = mark.position
        if since is not None:
            yield since, before.seq

    def _read(self, since: Position, upto: int) -> Iterator[Kept]:
        reader = Reader(self.run, self.name, since)
        for line in reader:
            if line.seq > upto:
                return
            self.lines += 1
            if reader.own or b'"type":"Trade"' not in line.content:
                continue
            try:
                record = read_record(line.content)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # who follows the journals tells of it
            assert isinstance(record, Trade)
            if self.from_ns <= record.at_ns < self.to_ns:
                yield Kept(Place(record.at_ns, self.name, line.seq), record)
