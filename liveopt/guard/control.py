"""control.json: how a program of the same user finds the door, and what it must show there."""

from pathlib import Path
from typing import Final

import msgspec

from liveopt import logs, whole

NAME: Final = "control.json"


class Control(msgspec.Struct, frozen=True):
    """Where the door is while the guard runs."""

    port: int
    token: str
    pid: int

    def write(self, path: Path) -> None:
        """Whole or not at all, and at no moment readable for others."""
        logs.pin(self.token)
        whole.write(path, msgspec.json.encode(self), synced=False)


def read_control(path: Path) -> Control:
    """OSError if there is none, msgspec.DecodeError if it is something else."""
    found = msgspec.json.decode(path.read_bytes(), type=Control)
    logs.pin(found.token)
    return found
