"""Puts a store that was built beside its place there, whole; only a store makes room for it."""

import ctypes
import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from liveopt.data.panel.stored import ABOUT, CORRELATIONS, PNL_FILE, SESSIONS_FILE
from liveopt.data.tables import DataError

OF_A_STORE: Final = frozenset({ABOUT, PNL_FILE, SESSIONS_FILE, CORRELATIONS})
"""What may lie in one, the cache of what is reckoned from it included."""
EXCHANGE: Final = 2
HERE: Final = -100
"""RENAME_EXCHANGE and AT_FDCWD of Linux' renameat2(2)."""
LEFT_S: Final = 86_400
"""So old, what a killed writer left is taken away: no writer lives that long, on any machine."""


def refuse_taken(folder: Path, *, replace: bool) -> None:
    """Refuse a place where something is, unless it is a store that is to be replaced."""
    if not os.path.lexists(folder):
        return
    if not replace:
        raise DataError(folder, None, None, "exists; --force replaces it")
    try:
        found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    except OSError as error:
        raise DataError(folder, None, None, f"cannot be read: {error.strerror}") from error
    if ABOUT not in found:
        raise DataError(folder, None, None, "is no panel and is not replaced; name another place")
    others = sorted(found - OF_A_STORE)
    if others:
        why = f"holds {others[0]!r}, which is not of a panel, and is not replaced; take it out"
        raise DataError(folder, None, None, why)


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """An empty folder to build in, gone afterwards."""
    building = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.tmp")
    building.mkdir()
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def put(building: Path, folder: Path, *, replace: bool) -> None:
    """Put it there in one step; the store that was there is in `building` afterwards."""
    sync(building)
    refuse_taken(folder, replace=replace)
    if not os.path.lexists(folder):
        try:
            building.rename(folder)
        except OSError:
            refuse_taken(folder, replace=False)  # something came meanwhile
            raise
    elif not _exchanged(building, folder):
        _in_two_steps(building, folder)
    sync(folder.parent)
    _sweep(folder)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether two folders changed places, at once; not every system and disk can."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0:
        return True
    fault = ctypes.get_errno()
    if fault in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(fault, os.strerror(fault))


def _in_two_steps(building: Path, folder: Path) -> None:
    """A writer killed between them leaves the old store as `.NAME.*.old`."""
    old = building.with_suffix(".old")
    folder.rename(old)
    try:
        building.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    old.rename(building)


def _sweep(folder: Path) -> None:
    """Take away what killed writers left, now that the place has a store."""
    now = folder.stat().st_mtime  # by the disk's own clock
    left = re.compile(re.escape(f".{folder.name}.") + r"[0-9a-f]{16}\.(tmp|old)")
    for path in folder.parent.iterdir():
        if left.fullmatch(path.name) and now - path.lstat().st_mtime > LEFT_S:
            shutil.rmtree(path, ignore_errors=True)


def sync(path: Path) -> None:
    """Have it on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
