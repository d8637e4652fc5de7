"""Is a file whole? Looked at again and again, for no share tells when a copy is done."""

import contextlib
import errno
import fcntl
import os
import signal
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

NONE: Final = frozenset({errno.ENOENT, errno.ELOOP})
"""No file, or a link that leads to none."""


@dataclass(slots=True)
class Look:
    """What one file was like, and since when it has been so."""

    size: int
    mtime_ns: int
    since_s: float
    now_s: float
    looks: int = 1

    @property
    def age_s(self) -> float:
        """How long it has not changed while somebody looked."""
        return self.now_s - self.since_s


@dataclass(slots=True)
class Looks:
    """Every file that is waited for, as it was when last looked at."""

    pause_s: float
    """Two looks are at least so far apart."""
    held_s: float
    """A file that somebody keeps open for writing is taken all the same after so long unchanged,

    unless it is empty: a server may show a slow copy so until its end.
    """
    _seen: dict[Path, Look] = field(default_factory=dict)

    def look(self, path: Path, now_s: float) -> Look | None:
        """None where there is no such regular file."""
        try:
            about = path.stat()
        except OSError as error:
            if error.errno not in NONE:
                raise
            about = None
        if about is None or not stat.S_ISREG(about.st_mode):
            self._seen.pop(path, None)
            return None
        seen = self._seen.get(path)
        if seen is None or (seen.size, seen.mtime_ns) != (about.st_size, about.st_mtime_ns):
            seen = Look(about.st_size, about.st_mtime_ns, now_s, now_s)
            self._seen[path] = seen
        else:
            seen.now_s, seen.looks = now_s, seen.looks + 1
        return seen

    def is_whole(self, path: Path, now_s: float) -> bool:
        """The same size and time in two looks, and nobody has it open for writing."""
        seen = self.look(path, now_s)
        if seen is None or seen.looks < 2 or seen.age_s < self.pause_s:
            return False
        return (seen.size > 0 and seen.age_s >= self.held_s) or not is_written(path)

    def forget(self, kept: set[Path]) -> None:
        """All but those; called with what is still of interest, so that no list grows."""
        for path in self._seen.keys() - kept:
            del self._seen[path]


def is_written(path: Path) -> bool:
    """Some process of this machine has it open for writing, such as a server for its client.

    Asked with a read lease, which Linux gives for a file that has no writer (fcntl(2)). Where
    nobody can tell (a mounted share, a file of another owner) the answer is no.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # A writer that comes in this moment breaks the lease; the usual SIGIO would end us.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False
    finally:
        os.close(fd)
