"""The folders of a share, and whether they are there."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


class Gone(OSError):
    """The share or a folder of it is not there now; it may come back."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where on the share things are; the folder a job's file is in is the job's state."""

    root: Path

    @property
    def queue(self) -> Path:
        """Clients drop job files here."""
        return self.root / "jobs" / "queue"

    @property
    def processing(self) -> Path:
        """What is worked on, each with the claim of its worker beside it."""
        return self.root / "jobs" / "processing"

    @property
    def completed(self) -> Path:
        """Jobs with their results."""
        return self.root / "jobs" / "completed"

    @property
    def failed(self) -> Path:
        """Jobs with the reason and its mend."""
        return self.root / "jobs" / "failed"

    @property
    def status(self) -> Path:
        """What is told of the queue as a whole."""
        return self.root / "jobs" / "status"

    @property
    def input(self) -> Path:
        """The only folder that tables are read from."""
        return self.root / "input"

    @property
    def output(self) -> Path:
        """A folder a run."""
        return self.root / "output"

    @property
    def all(self) -> tuple[Path, ...]:
        """Every folder of a share."""
        return (
            self.queue, self.processing, self.completed, self.failed, self.status,
            self.input, self.output,
        )  # fmt: skip

    def prepare(self) -> None:
        """Makes what is missing below a root that is there: once, for a share may be away later."""
        if not self.root.is_dir():
            raise Gone(f"{self.root} is no folder: mount the share, or make the folder first")
        for folder in self.all:
            folder.mkdir(parents=True, exist_ok=True)

    def check(self) -> None:
        """Raises `Gone` where a folder is missing: nothing is ever made on an empty mount point."""
        for folder in self.all:
            if not folder.is_dir():
                name = folder.relative_to(self.root)
                raise Gone(f"{name} is not there in {self.root}: is the share mounted?")

    def free_mib(self) -> float:
        """What may still be written; without end where a mount does not tell (no blocks at all)."""
        about = os.statvfs(self.root)
        return about.f_bavail * about.f_frsize // MIB if about.f_blocks else math.inf

    def told(self, path: Path) -> str:
        """As a client on any system reads it: from the root of the share on."""
        return path.relative_to(self.root).as_posix()
