"""Who works on what: a file that only one can make, kept young by its owner.

A rename alone does not do: over SMB it may replace what another worker has just moved there. So
whoever makes `<key>.claim` (exclusively, which every server does for one alone) may touch the
files of that key, and nobody else. Its age is no clock's business: a claim is old if it has not
changed for so long while somebody looked.
"""

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
    return _read(folder / f"{key}{ENDING}")


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


@dataclass(frozen=True, slots=True)
class Dead:
    """A claim as it was when its owner was found dead: no other is ended for it."""

    claim: Claim | None
    """None where it was never written, or cannot be read."""
    touched_ns: int


@dataclass(slots=True)
class Watch:
    """Looks at the claims of others, so that those of the dead can be found."""

    stale_s: float
    owner: Owner
    """Who looks."""
    _seen: dict[tuple[Path, str], tuple[int, float]] = field(default_factory=dict)
    """When each was last touched, and since when that is known."""

    def dead(self, folder: Path, key: str, now_s: float) -> Dead | None:
        """On this machine its process is gone; elsewhere it has given no sign of life for long.

        One's own is judged by that too: one that was forgotten in an outage would stay forever.
        """
        found = _found(folder / f"{key}{ENDING}")
        if found is None:
            self._seen.pop((folder, key), None)
            return None
        owner = None if found.claim is None else found.claim.owner
        if owner is not None and owner != self.owner and processes.is_here(owner):
            return None if processes.lives(owner) else found
        before = self._seen.get((folder, key))
        if before is None or before[0] != found.touched_ns:
            self._seen[folder, key] = before = (found.touched_ns, now_s)
        return found if now_s - before[1] >= self.stale_s else None

    def forget(self, folder: Path, kept: set[str]) -> None:
        """All keys of a folder but those."""
        for place in [one for one in self._seen if one[0] == folder and one[1] not in kept]:
            del self._seen[place]

    def bury(self, folder: Path, key: str, dead: Dead) -> str | None:
        """Ends a dead one's claim and what is left of its processes; its token, if it was us.

        Of two who try, one renames. What was moved away is looked at again: if it has changed
        hands, or its owner has stirred, in that moment it goes back.
        """
        path = folder / f"{key}{ENDING}"
        grave = folder / f".{key}.{secrets.token_hex(4)}{files.GRAVE}"
        if _found(path) != dead:
            return None
        try:
            path.rename(grave)
        except FileNotFoundError:
            return None
        if _found(grave) != dead:
            _give_back(grave, path)
            return None
        self._seen.pop((folder, key), None)
        if dead.claim is not None and processes.is_here(dead.claim.owner):
            processes.end(dead.claim.token)
        files.remove(grave)
        return "" if dead.claim is None else dead.claim.token


def _found(path: Path) -> Dead | None:
    """What is there now; None if nothing is."""
    try:
        touched_ns = path.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return Dead(_read(path), touched_ns)


def _give_back(grave: Path, path: Path) -> None:
    """Not over a claim that somebody has made meanwhile."""
    try:
        os.link(grave, path)
    except FileExistsError:
        pass
    except OSError:  # a mount without links
        if not os.path.lexists(path):
            grave.rename(path)
            return
    files.remove(grave)


def _read(path: Path) -> Claim | None:
    try:
        return msgspec.json.decode(files.read(path, BYTES_MAX), type=Claim)
    except (FileNotFoundError, files.NotPlain, msgspec.DecodeError, UnicodeDecodeError):
        return None
