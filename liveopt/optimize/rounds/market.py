"""The recent market of a run from its own record: bars from before it, and those it closed."""

from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from liveopt.core.bars import Bars
from liveopt.core.events import Bar
from liveopt.journal.reader import Reader
from liveopt.walk.events import Begun, Past
from liveopt.walk.lines import read_input, read_record
from liveopt.walk.records import DECISIONS, Standing

INPUTS: Final = "inputs"
STANDING: Final = b'"type":"Standing"'


def recent(run: Path, symbol: str, count: int, until_ns: int) -> Bars:
    """The newest signal bars of a symbol that had ended by then; a run may go on meanwhile."""
    found: deque[Bar] = deque(maxlen=count)
    for bar in chain(_past(run, symbol), _closed(run, symbol, until_ns)):
        if not found or bar.at_ns > found[-1].at_ns:
            found.append(bar)
    return Bars.of(found)


def _closed(run: Path, symbol: str, until_ns: int) -> Iterator[Bar]:
    for line in _lines(run, DECISIONS):
        if STANDING in line:
            record = read_record(line)
            assert isinstance(record, Standing)
            if record.symbol == symbol and record.at_ns <= until_ns:
                yield record.bar


def _past(run: Path, symbol: str) -> Iterator[Bar]:
    """What the run was told of the time before it: all of that comes before it has begun."""
    for line in _lines(run, INPUTS):
        event = read_input(line)
        if isinstance(event, Begun):
            return
        if isinstance(event, Past) and event.symbol == symbol:
            yield from event.bars


def _lines(run: Path, journal: str) -> Iterator[bytes]:
    reader = Reader(run, journal)
    for line in reader:
        if not reader.own:
            yield line.content
