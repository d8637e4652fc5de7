"""How things stand in the state folder: does a run go on, is it halted?"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from liveopt.config import Settings
from liveopt.guard import control, latch, lock


@dataclass(frozen=True, slots=True)
class Standing:
    """What the folder says; nothing is asked of a running service."""

    folder: Path
    pid: int | None
    """Who runs here; 0 if it does not say, None if nobody does."""
    port: int | None
    """Where its door is; None if there is none."""
    left_over: bool
    """A run that ended badly left its control.json."""
    latch: latch.State

    @property
    def who(self) -> str:
        """The running process, in words."""
        return f"process {self.pid}" if self.pid else "a process that has not said its number"


def standing(settings: Settings) -> Standing:
    """Look, without touching anything."""
    folder = Path(settings.journal.folder)
    pid = lock.holder(folder / lock.NAME)
    door = folder / control.NAME
    return Standing(
        folder,
        pid,
        None if pid is None else _port(door),
        pid is None and door.exists(),
        latch.Latch(folder / latch.NAME).read(),
    )


def _port(file: Path) -> int | None:
    try:
        return control.read_control(file).port
    except (OSError, msgspec.DecodeError):
        return None
