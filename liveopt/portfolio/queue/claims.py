"""Who works on what: a file that only one can make, kept young by its owner.

A rename alone does not do: over SMB it may replace what another worker has just moved there. So
whoever makes `<key>.claim` (exclusively, which every server does for one alone) may touch the
files of that key, and nobody else. Its age is no clock's business: a claim is old if it has not
changed for so long while somebody looked.
"""

import contextlib
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from liveopt.portfolio.queue import files, processes
from liveopt.portfolio.queue.processes import Owner

ENDING: Final = ".claim"
GRAVE: Final = ".grave"
BYTES_MAX: Final = 10_000
PAUSES_S: Final = (0.1, 0.3)


class Claim(msgspec.Struct, frozen=True):
    """What is in the file."""

    token: str
    """Of this one claim: no other ever has it."""
    owner: Owner


def take(folder: Path, key: str, owner: Owner) -> Claim | None:
    """The claim on that key, or None if somebody has it."""
    claim = Claim(secrets.token_hex(8), owner)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    path = folder / f"{key}{ENDING}"
    try:
        fd = os.open(path, flags, 0o666)
    except FileExistsError:
        return None
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.encode(claim))
            file.flush()
            os.fsync(fd)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return claim


def at(folder: Path, key: str) -> Claim | None:
    """Who has that key; None if nobody has, or it cannot be read."""
    try:
        content = files.read(folder / f"{key}{ENDING}", BYTES_MAX)
        return msgspec.json.decode(content, type=Claim)
    except (FileNotFoundError, files.NotPlain, msgspec.DecodeError, UnicodeDecodeError):
        return None


def exists(folder: Path, key: str) -> bool:
    """Somebody has that key, or is just taking it."""
    return os.path.lexists(folder / f"{key}{ENDING}")


def holds(folder: Path, key: str, claim: Claim) -> bool:
    """It is still that claim; a mounted share may show something else for a moment."""
    for pause_s in (*PAUSES_S, 0.0):
        if at(folder, key) == claim:
            return True
        time.sleep(pause_s)
    return False


def keep(folder: Path, key: str, claim: Claim) -> bool:
    """A sign of life; False if the claim is lost: whoever took it thinks its owner dead."""
    if not holds(folder, key, claim):
        return False
    try:
        os.utime(folder / f"{key}{ENDING}")
    except FileNotFoundError:
        return False
    return True


def release(folder: Path, key: str, claim: Claim) -> None:
    """The end of it, unless it is another's by now."""
    if at(folder, key) == claim:
        files.remove(folder / f"{key}{ENDING}")


@dataclass(slots=True)
class Watch:
    """Looks at the claims of others, so that those of the dead can be found."""

    stale_s: float
    owner: Owner
    """Who looks."""
    _seen: dict[tuple[Path, str], tuple[int, float]] = field(default_factory=dict)
    """When each was last touched, and since when that is known."""

    def dead(self, folder: Path, key: str, now_s: float) -> bool:
        """On this machine its process is gone; elsewhere it has given no sign of life for long.

        One's own is judged by that too: one that was forgotten in an outage would stay forever.
        """
        claim = at(folder, key)
        ours = claim is not None and claim.owner == self.owner
        if claim is not None and not ours and processes.is_here(claim.owner):
            return not processes.lives(claim.owner)
        try:
            touched = (folder / f"{key}{ENDING}").stat().st_mtime_ns
        except FileNotFoundError:
            self._seen.pop((folder, key), None)
            return False
        before = self._seen.get((folder, key))
        if before is None or before[0] != touched:
            self._seen[folder, key] = before = (touched, now_s)
        return now_s - before[1] >= self.stale_s

    def bury(self, folder: Path, key: str) -> str | None:
        """Ends a dead one's claim and what is left of its processes; its token, if it was us.

        Of two who try, one renames. What was moved away is looked at again: if it has changed
        hands in that moment it goes back.
        """
        claim, path = at(folder, key), folder / f"{key}{ENDING}"
        grave = folder / f".{key}.{secrets.token_hex(4)}{GRAVE}"
        try:
            path.rename(grave)
        except FileNotFoundError:
            return None
        buried = _read(grave)
        if buried != claim:
            with contextlib.suppress(FileExistsError):
                os.link(grave, path)
            files.remove(grave)
            return None
        self._seen.pop((folder, key), None)
        if claim is not None and processes.is_here(claim.owner):
            processes.end(claim.token)
        files.remove(grave)
        return "" if claim is None else claim.token


def _read(path: Path) -> Claim | None:
    try:
        return msgspec.json.decode(files.read(path, BYTES_MAX), type=Claim)
    except (FileNotFoundError, files.NotPlain, msgspec.DecodeError, UnicodeDecodeError):
        return None
