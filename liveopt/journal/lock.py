"""One writer a run: a lock on a file, gone with the process that holds it."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

EXIT: Final = 79
"""What a second instance ends with."""
LOOKS: Final = 5
LOOK_S: Final = 0.002
"""How often to try again, and after how long, when somebody might only be looking."""


class Locked(Exception):
    """Somebody else holds it; the message names who, if it is known."""

    exit_code = EXIT

    def __init__(self, path: Path, pid: int | None) -> None:
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{path} is held by {who}")
        self.path = path
        self.pid = pid


class Lock:
    """Held from its making to `release`, or to the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        """Take it, or raise `Locked` at once."""
        self.path = path
        self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            _take(self._fd)
        except BlockingIOError:
            pid = os.pread(self._fd, 20, 0).strip()
            os.close(self._fd)
            raise Locked(path, int(pid) if pid.isdigit() else None) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let the next one have it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _take(fd: int) -> None:
    """At once, or not at all; but who only looks (`is_held`) is not in the way."""
    for _ in range(LOOKS):
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_S)
    return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(path: Path) -> bool:
    """Whether somebody holds it now; a look takes it for a moment, shared."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)
