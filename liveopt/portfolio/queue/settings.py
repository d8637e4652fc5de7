"""What may be set of a worker, and the only door to the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from liveopt.portfolio.queue.job import SIZE


@dataclass(frozen=True, slots=True)
class Settings:
    """Usual values; seconds end in _s."""

    poll_s: float = 2.0
    """From one look at the share to the next."""
    jobs_max: int = 3
    """At a time, by this worker."""
    limit_s: float = 900.0
    """A job that takes longer is ended and fails: 100,000 strategies take minutes, and others may

    run beside them.
    """
    attempts_max: int = 3
    """A job whose worker died under it is begun so often."""
    size: int = SIZE
    """Of a portfolio, where the job does not say."""
    auto: bool = True
    """A table that lies in input/ is a job of its own."""
    auto_wait_s: float = 10.0
    """So long nothing may have named it: a client drops the table first and the job afterwards."""
    input_wait_s: float = 30.0
    """A job waits so long for its table, or a file to become JSON."""
    held_s: float = 60.0
    """A file that a client keeps open for writing is taken after so long without a change."""
    beat_s: float = 5.0
    """From one sign of life on a claim to the next."""
    stale_s: float = 60.0
    """A claim of another machine without a sign of life for so long is taken from its worker."""
    free_mib: int = 64
    """Nothing is begun with less room on the share."""
    tail_bytes: int = 16_384
    """What is kept of each of a process's two outputs: the last of it."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Stamps from the wall, which may jump; intervals from what never does."""

    wall: Callable[[], float] = time.time  # noqa: TID251  this is the seam
    steady: Callable[[], float] = time.monotonic

    def stamp(self) -> str:
        """Now, as it stands in every file."""
        return datetime.fromtimestamp(self.wall(), UTC).isoformat(timespec="milliseconds")

    def name(self) -> str:
        """Now, as it stands in the name of a run's folder."""
        return datetime.fromtimestamp(self.wall(), UTC).strftime("%Y%m%d_%H%M%S")
