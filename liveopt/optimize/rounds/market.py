"""The recent market of a run from its own record: bars from before it, and those it closed."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from liveopt import whole
from liveopt.core.bars import Bars
from liveopt.core.events import Bar
from liveopt.journal.places import START, Position
from liveopt.journal.reader import Reader, holds, records
from liveopt.walk.events import Begun, Past
from liveopt.walk.lines import read_input, read_record
from liveopt.walk.records import DECISIONS, Standing

INPUTS: Final = "inputs"
STANDING: Final = b'"type":"Standing"'


class Place(msgspec.Struct, frozen=True):
    """From where on the record has the newest so many bars of a symbol that had ended by then."""

    count: int
    until_ns: int
    position: Position


def recent(run: Path, symbol: str, count: int, until_ns: int, known: Path | None = None) -> Bars:
    """The newest signal bars of a symbol that had ended by then; a run may go on meanwhile.

    `known` is a file that remembers the place where they began, for the next who asks: a run has
    many more bars than are wanted of it.
    """
    since = _since(run, known, count, until_ns)
    found: deque[tuple[Bar, Position]] = deque(maxlen=count)
    if since == START:
        found.extend((bar, START) for bar in _past(run, symbol))
    for bar, position in _closed(run, symbol, until_ns, since):
        if not found or bar.at_ns > found[-1][0].at_ns:
            found.append((bar, position))
    if known is not None and len(found) == count and found[0][1] != START:
        whole.write(known, msgspec.json.encode(Place(count, until_ns, found[0][1])))
    return Bars.of([bar for bar, _ in found])


def _since(run: Path, known: Path | None, count: int, until_ns: int) -> Position:
    """Where to begin; with the record if nothing, or nothing that fits, is remembered."""
    try:
        place = None if known is None else msgspec.json.decode(known.read_bytes(), type=Place)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return START
    if place is None or place.count < count or place.until_ns > until_ns:
        return START
    return place.position if holds(run, DECISIONS, place.position) else START


def _closed(
    run: Path, symbol: str, until_ns: int, since: Position
) -> Iterator[tuple[Bar, Position]]:
    """Each with a place before it from which the record can be read."""
    reader = Reader(run, DECISIONS, since)
    before = since
    for line in reader:
        if not reader.own and STANDING in line.content:
            record = read_record(line.content)
            assert isinstance(record, Standing)
            if record.symbol == symbol and record.at_ns <= until_ns:
                yield record.bar, before
        if reader.complete:
            before = reader.position


def _past(run: Path, symbol: str) -> Iterator[Bar]:
    """What the run was told of the time before it: all of that comes before it has begun."""
    for line in records(run, INPUTS):
        event = read_input(line.content)
        if isinstance(event, Begun):
            return
        if isinstance(event, Past) and event.symbol == symbol:
            yield from event.bars
