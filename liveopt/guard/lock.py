"""One service a state folder: a lock that the kernel drops when its last holder is gone."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

NAME: Final = "lock"
EXIT: Final = 79
"""What a second instance ends with, before it has touched anything."""
TRIES: Final = 5
TRY_S: Final = 0.01


class Locked(Exception):
    """Somebody else runs here; `pid` is who took the lock, 0 if that cannot be read."""

    def __init__(self, path: Path, pid: int) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(f"{path.parent} is in use by {who} (or what it started)")
        self.path, self.pid = path, pid


class Lock:
    """Held from `take` to `drop`; a child that inherits `fd` holds it too, for as long as it lives.

    So a second service cannot start beside an engine whose guard was killed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    @property
    def fd(self) -> int:
        """What a child inherits to hold the lock as well."""
        assert self._fd >= 0, "not held"
        return self._fd

    def take(self) -> Self:
        """Taken, or Locked within some hundredths of a second."""
        found = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _flock(found)
            os.pwrite(found, f"{os.getpid():<20}\n".encode(), 0)
        except BlockingIOError as error:
            pid = _pid(found)
            os.close(found)
            raise Locked(self.path, pid) from error
        except OSError:
            os.close(found)
            raise
        self._fd = found
        return self

    def drop(self) -> None:
        """The file stays: removing it would let two hold it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self.take()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()


def holder(path: Path) -> int | None:
    """Who runs in this folder: a pid (0 if unreadable), None if nobody."""
    try:
        found = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(found, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(found)
    else:
        return None
    finally:
        os.close(found)


def _flock(found: int) -> None:
    """Whoever asks `holder` has it for a moment, so one refusal is none."""
    for _ in range(TRIES - 1):
        try:
            return fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(TRY_S)
    return fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _pid(found: int) -> int:
    text = os.pread(found, 32, 0).strip()
    return int(text) if text.isdigit() else 0
