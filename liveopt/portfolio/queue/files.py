"""Files on a share: written whole, read with a bound, and patient with who holds them open."""

import contextlib
import errno
import os
import re
import secrets
import stat
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")

BUSY: Final = frozenset({errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY})
"""What a mounted share answers while a Windows client has the file open without sharing it."""
PAUSES_S: Final = (0.05, 0.1, 0.2)
PART: Final = ".part"
GRAVE: Final = ".grave"
LITTER: Final = re.compile(r"^\..+\.[0-9a-f]{8}\.(part|grave)$", re.DOTALL)
"""What only this program makes, for a moment: one that stays is a killed writer's."""
UNSEEN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They let a name read backwards."""


class NotPlain(Exception):
    """No regular file, or too large to be read; the text says which."""


def patiently(act: Callable[[], T]) -> T:
    """What `act` gives; while the file is busy it is tried again, not for long."""
    for pause_s in PAUSES_S:
        try:
            return act()
        except OSError as error:
            if error.errno not in BUSY:
                raise
        time.sleep(pause_s)
    return act()


def write(path: Path, content: bytes, *, synced: bool = True) -> None:
    """The old content or the new, for all who may read the share. Any number of writers.

    Unlike `liveopt.whole` the mode is that of the share and its umask: clients read these files.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PART}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(part, flags, 0o666), "wb") as file:
            file.write(content)
            if synced:
                file.flush()
                os.fsync(file.fileno())
        patiently(lambda: part.replace(path))
    except OSError:
        part.unlink(missing_ok=True)
        raise


def read(path: Path, most: int) -> bytes:
    """All of a regular file; a link is not followed and nothing is waited for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = patiently(lambda: os.open(path, flags))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotPlain("it is a symbolic link: drop the file itself") from None
        raise
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise NotPlain("it is no regular file")
        if about.st_size > most:
            raise NotPlain(f"it has {about.st_size} bytes, {most} at most are read")
        with os.fdopen(fd, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(fd)


@contextlib.contextmanager
def noting(waits: dict[str, str], name: str) -> Iterator[None]:
    """One bad file holds up nothing else: what the share says of it is noted, for people."""
    try:
        yield
    except FileNotFoundError:  # its client, or another worker, was faster
        pass
    except OSError as error:
        waits[name] = error.strerror or repr(error)


def names(folder: Path, ending: str) -> list[str]:
    """What in a folder ends so, in any case, but for what is hidden or under way."""
    found = [path.name for path in folder.iterdir()]
    return sorted(n for n in found if n.lower().endswith(ending) and not n.startswith((".", "~$")))


def remove(path: Path) -> None:
    """It is gone afterwards, whoever removed it."""
    patiently(lambda: path.unlink(missing_ok=True))


def is_printable(text: str) -> bool:
    """No control characters, no halves of characters, nothing that turns the line around."""
    return not any(unicodedata.category(c) in UNSEEN or c in TURNING for c in text)


def shown(text: str) -> str:
    """For a message: what cannot be printed is a question mark."""
    return "".join(c if is_printable(c) else "?" for c in text)
