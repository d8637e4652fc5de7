"""The seam does what it says to the files of the machine."""

import os
from pathlib import Path

import pytest

from liveopt.journal.disk import DISK, Disk


def test_appending_writes_behind_what_is_there_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in (b"one ", b"two"):
        fd = DISK.open_append(path)
        DISK.write_all(fd, text)
        DISK.fdatasync(fd)
        DISK.fsync(fd)
        DISK.close(fd)
    assert path.read_bytes() == b"one two"
    assert path.stat().st_mode & 0o777 == 0o600
    fd = DISK.open_append(path)
    assert DISK.size(fd) == 7
    DISK.truncate(fd, 3)
    DISK.write_all(fd, b"!")
    DISK.close(fd)
    assert path.read_bytes() == b"one!"


def test_making_a_file_that_is_there_is_refused(tmp_path: Path) -> None:
    fd = DISK.create(tmp_path / "file")
    DISK.allocate(fd, 5_000)
    DISK.close(fd)
    assert (tmp_path / "file").stat().st_size == 5_000
    with pytest.raises(FileExistsError):
        DISK.create(tmp_path / "file")


def test_names_and_modes(tmp_path: Path) -> None:
    path, to = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"new")
    to.write_bytes(b"old")
    DISK.rename(path, to)
    DISK.fsync_dir(tmp_path)
    assert to.read_bytes() == b"new"
    DISK.chmod(to, 0o440)
    assert to.stat().st_mode & 0o777 == 0o440
    DISK.unlink(to)
    DISK.unlink(to)
    assert not to.exists()


class Slow(Disk):
    """Takes three bytes at a time."""

    def write(self, fd: int, data: memoryview) -> int:
        return os.write(fd, data[:3])


def test_what_is_written_in_parts_is_written_whole(tmp_path: Path) -> None:
    disk = Slow()
    fd = disk.open_append(tmp_path / "file")
    disk.write_all(fd, b"0123456789")
    disk.close(fd)
    assert (tmp_path / "file").read_bytes() == b"0123456789"
