"""Small real runs whose journals are read as the web process reads them."""

import time
from collections.abc import Iterable
from pathlib import Path

from liveopt.journal.appender import Limits
from liveopt.journal.folder import point
from liveopt.walk.lines import read_record
from liveopt.walk.records import Standing
from tests.run import LIMITS, Live, contents, opening, ticks, variants


def trades_in(folder: Path) -> int:
    return sum(b'"type":"Trade"' in c for lines in contents(folder).values() for c in lines)


def trades_in_lines(lines: Iterable[bytes]) -> int:
    return sum(b'"type":"Trade"' in line for line in lines)


def begun(folder: Path, moves: int = 300, limits: Limits = LIMITS) -> Live:
    """A run of many batches."""
    live = Live(folder, limits)
    live.take(opening(variants(6)))
    market = ticks(moves)
    for first in range(0, moves, 10):
        live.take(market[first : first + 10])
        while live.writer.backlog:
            time.sleep(0.001)
    point(folder, live.folder)
    live.close()
    return live


def standings_in(folder: Path) -> list[Standing]:
    found = (read_record(content) for content in contents(folder)["decisions"])
    return [record for record in found if isinstance(record, Standing)]
