"""Room held back for the moment the disk is full: a file that can be given up at once."""

from pathlib import Path
from typing import Final

from liveopt.journal.disk import Disk

NAME: Final = "ballast"


def hold(folder: Path, size: int, disk: Disk) -> None:
    """Take so many bytes of the disk, really, unless they are held already; 0 holds none."""
    path = folder / NAME
    if size == 0 or (path.exists() and path.stat().st_size >= size):
        return
    fd = disk.open_append(path)
    try:
        disk.allocate(fd, size)
        disk.fsync(fd)
    except OSError:
        disk.unlink(path)
        raise
    finally:
        disk.close(fd)


def give_up(folder: Path, disk: Disk) -> None:
    """Give the room back."""
    disk.unlink(folder / NAME)
