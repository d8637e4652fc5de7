"""What is told of the queue at this moment, for the share's clients, the command and the web."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from liveopt.portfolio.queue import claims, files
from liveopt.portfolio.queue.child import Progress
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.settings import Clock

CURRENT: Final = "current_status.json"
ENDING: Final = ".progress"
PAUSE_S: Final = 1.0
AT_REST_S: Final = 10.0
"""Without news it is written so often, as a sign of life."""
SILENT_S: Final = 45.0
"""Without a sign of life for so long, no worker runs."""
BYTES_MAX: Final = 1 << 20

Phase = Literal["idle", "running", "waiting", "stopped"]


class Doing(msgspec.Struct, frozen=True):
    """A job at work."""

    job_id: str
    file: str
    """Of the job, in `processing`."""
    input_file: str
    started: str
    worker: str
    progress: int = 0
    """0 to 100."""
    current_step: str = "starting"


class Status(msgspec.Struct, frozen=True):
    """The whole queue."""

    status: Phase
    """`waiting`: there is trouble, or a job that cannot begin yet, and nothing runs."""
    progress: int = 0
    """0 to 100, the mean of the jobs at work."""
    current_step: str = ""
    """Of the oldest job at work."""
    jobs: tuple[Doing, ...] = ()
    queued: int = 0
    waits: dict[str, str] = {}
    """Files of the queue that cannot begin yet, and why."""
    trouble: str = ""
    """What keeps the worker from its work; empty if nothing does."""
    last: dict[str, str] = {}
    """The job that ended last here: job_id, status, timestamp."""
    worker: str = ""
    timestamp: str = ""


@dataclass(slots=True)
class Desk:
    """What one worker knows, and what of it is written already."""

    places: Places
    clock: Clock
    worker: str
    doing: dict[str, Doing] = field(default_factory=dict)
    """Its own jobs, by key."""
    trouble: str = ""
    waits: dict[str, str] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)
    _told: dict[str, Doing] = field(default_factory=dict)
    _written: Status | None = None
    _written_s: float = -math.inf

    def heard(self, key: str, progress: Progress) -> None:
        """A job's process has said where it is."""
        share = progress.share if math.isfinite(progress.share) else 0.0
        percent = round(100.0 * min(1.0, max(0.0, share)))
        self.doing[key] = msgspec.structs.replace(
            self.doing[key], progress=percent, current_step=progress.words or progress.step
        )

    def write(self, *, stopped: bool = False) -> None:
        """Writes what is new; called once a second at most."""
        folder = self.places.processing
        for key, doing in list(self.doing.items()):
            if self._told.get(key) != doing and claims.exists(folder, key):
                files.write(folder / f"{key}{ENDING}", msgspec.json.encode(doing), synced=False)
                self._told[key] = doing
        self._told = {key: doing for key, doing in self._told.items() if key in self.doing}
        now_s, found = self.clock.steady(), self._now(stopped=stopped)
        if found == self._written and now_s - self._written_s < AT_REST_S:
            return
        stamped = msgspec.structs.replace(found, timestamp=self.clock.stamp())
        content = msgspec.json.format(msgspec.json.encode(stamped))
        files.write(self.places.status / CURRENT, content, synced=False)
        self._written, self._written_s = found, now_s

    def _now(self, *, stopped: bool) -> Status:
        jobs = jobs_of(self.places)
        waits = {files.shown(name): files.shown(why) for name, why in self.waits.items()}
        phase: Phase = "stopped" if stopped else "waiting" if self.trouble or self.waits else "idle"
        return Status(
            "running" if jobs else phase, *_sum(jobs), jobs,
            len(files.names(self.places.queue, ".json")), waits, files.shown(self.trouble),
            dict(self.last), self.worker,
        )  # fmt: skip


def jobs_of(places: Places) -> tuple[Doing, ...]:
    """All at work on the share, of every worker, the oldest first."""
    found = []
    for name in files.names(places.processing, ENDING):
        if not claims.exists(places.processing, name[: -len(ENDING)]):
            continue
        try:
            content = files.read(places.processing / name, BYTES_MAX)
            found.append(msgspec.json.decode(content, type=Doing))
        except (OSError, files.NotPlain, msgspec.DecodeError, UnicodeDecodeError):
            continue  # one that cannot be read hides no other
    return tuple(sorted(found, key=lambda one: (one.started, one.job_id)))


def read_status(root: Path, clock: Clock = Clock()) -> Status:  # noqa: B008  frozen
    """As it is now, whether or not a worker runs; raises `Gone` where the share is not there."""
    places = Places(root)
    places.check()
    try:
        content = files.read(places.status / CURRENT, BYTES_MAX)
        told = msgspec.json.decode(content, type=Status)
        silent_s = clock.wall() - datetime.fromisoformat(told.timestamp).astimezone(UTC).timestamp()
    except (FileNotFoundError, files.NotPlain, msgspec.DecodeError, ValueError, OverflowError):
        told, silent_s = Status("stopped"), 0.0
    jobs = jobs_of(places)
    phase: Phase = told.status
    if silent_s > SILENT_S:
        phase = "stopped"
    elif phase != "stopped":
        phase = "running" if jobs else "idle" if phase == "running" else phase
    progress, step = _sum(jobs)
    queued = len(files.names(places.queue, ".json"))
    return msgspec.structs.replace(
        told, status=phase, progress=progress, current_step=step, jobs=jobs, queued=queued
    )


def _sum(jobs: tuple[Doing, ...]) -> tuple[int, str]:
    """All in one number and one line."""
    if not jobs:
        return 0, ""
    return sum(one.progress for one in jobs) // len(jobs), jobs[0].current_step
