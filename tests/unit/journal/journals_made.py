"""Small journals for the tests of what reads them."""

from collections.abc import Sequence
from pathlib import Path

from liveopt.journal.appender import Appender, Ground, Limits
from liveopt.journal.disk import DISK, Disk
from liveopt.journal.recovery import FRESH, Recovery, recover

NAME = "trades"
SMALL = Limits(segment_bytes=1_500, ballast_bytes=0)
LARGE = Limits(ballast_bytes=0)


def ground(folder: Path, limits: Limits = LARGE, disk: Disk = DISK, at_ns: int = 1) -> Ground:
    """What a journal stands on, at a time that stands still."""
    return Ground(folder, {"run": "r1", "seed": 7}, lambda: at_ns, limits, disk)


def no_trouble(error: OSError) -> None:
    """The disk of these tests is not full."""
    raise AssertionError(error)


def opened(folder: Path, limits: Limits = LARGE, start: Recovery = FRESH) -> Appender:
    """The open end of a journal."""
    return Appender(ground(folder, limits), NAME, start, no_trouble)


def content(number: int) -> bytes:
    """What the record of that number says."""
    return b'{"note":"%b","number":%d}' % (b"x" * (number * 13 % 90), number)


def made(folder: Path, sizes: Sequence[int], limits: Limits = LARGE) -> Recovery:
    """A journal with batches of these sizes, numbered through."""
    appender = opened(folder, limits)
    number = 0
    for size in sizes:
        appender.put([content(number + i + 1) for i in range(size)])
        appender.sync()
        number += size
    appender.close()
    return recover(folder, NAME)
