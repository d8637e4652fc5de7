"""Room that is really taken, and really given back."""

import errno
from pathlib import Path

import pytest

from liveopt.journal.ballast import NAME, give_up, hold
from liveopt.journal.disk import DISK, Disk

MIB = 1 << 20


def test_the_room_is_allocated_and_not_only_promised(tmp_path: Path) -> None:
    hold(tmp_path, MIB, DISK)
    found = (tmp_path / NAME).stat()
    assert found.st_size == MIB
    assert found.st_blocks * 512 >= MIB
    hold(tmp_path, MIB, DISK)
    assert (tmp_path / NAME).stat().st_mtime_ns == found.st_mtime_ns
    give_up(tmp_path, DISK)
    give_up(tmp_path, DISK)
    assert list(tmp_path.iterdir()) == []


def test_a_ballast_that_is_too_small_grows(tmp_path: Path) -> None:
    hold(tmp_path, MIB, DISK)
    hold(tmp_path, 2 * MIB, DISK)
    assert (tmp_path / NAME).stat().st_size == 2 * MIB


def test_none_is_held_when_none_is_wanted(tmp_path: Path) -> None:
    hold(tmp_path, 0, DISK)
    assert list(tmp_path.iterdir()) == []


class Full(Disk):
    def allocate(self, fd: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "no room")


def test_half_a_ballast_is_none(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no room"):
        hold(tmp_path, MIB, Full())
    assert list(tmp_path.iterdir()) == []
