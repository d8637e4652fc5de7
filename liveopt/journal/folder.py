"""The folder of a run and the way to it: new ones, the latest, and the one a path means."""

import os
import re
from itertools import count
from pathlib import Path
from typing import Final

from liveopt.journal.disk import DISK, Disk
from liveopt.journal.places import journals, parse_segment

LATEST: Final = "latest"
_RUN: Final = re.compile(r"[0-9]{8}-[0-9]{6}(?:-[0-9]+)?")


class NoRun(Exception):
    """A path that leads to no run; the message says what would."""


def new_run(state: Path, stamp: str, disk: Disk = DISK) -> Path:
    """Make the folder of a run that starts at this stamp (UTC, 20261121-083000), now the latest."""
    assert _RUN.fullmatch(stamp), stamp
    state.mkdir(parents=True, exist_ok=True)
    names = (state / (stamp if number == 1 else f"{stamp}-{number}") for number in count(1))
    run = next(path for path in names if _made(path))
    disk.fsync_dir(state)
    point(state, run, disk)
    return run


def point(state: Path, run: Path, disk: Disk = DISK) -> None:
    """Let `latest` lead to that run; something else of that name is left alone."""
    link = state / LATEST
    if link.exists() and not link.is_symlink():
        return
    temporary = state / f".{LATEST}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(run.name)
    disk.rename(temporary, link)
    disk.fsync_dir(state)


def latest(state: Path) -> Path | None:
    """The newest run of a state folder, as its link says, or else by the names."""
    link = state / LATEST
    if link.is_symlink():
        run = state / link.readlink().name
        if run.is_dir():
            return run
    return next(iter(runs(state)), None)


def runs(state: Path) -> list[Path]:
    """The folders of all runs, the newest first."""
    found = [run for run in state.iterdir() if _is_run(run)] if state.is_dir() else []
    return sorted(found, key=_order, reverse=True)


def find(path: Path) -> tuple[Path, str | None]:
    """The run that a path means, and the journal: a run's folder, a state folder, or a segment."""
    if path.is_dir():
        if journals(path):
            return path, None
        run = latest(path)
        if run is not None and journals(run):
            return run, None
        raise NoRun(f"{path}: there are no journals here; name a run's folder or a file in it")
    parts = parse_segment(path.name)
    if not path.exists() or parts is None:
        why = "is no journal" if path.exists() else "there is no such file"
        raise NoRun(f"{path}: {why}; name a run's folder, or a .jsonl file in it")
    return path.parent, parts[0]


def _made(path: Path) -> bool:
    """Made here and now, and by nobody else."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return False
    return True


def _is_run(path: Path) -> bool:
    return _RUN.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink()


def _order(run: Path) -> tuple[str, int]:
    """By the stamp, then by the number of those that began in the same second."""
    return run.name[:15], int(run.name[16:] or 1)
