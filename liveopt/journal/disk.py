"""The seam to the file system: every call that may fail, so that a test can let each one fail."""

import errno
import os
from pathlib import Path
from typing import Final

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors of a write that room would mend."""


class Disk:
    """Files of the machine."""

    def open_append(self, path: Path) -> int:
        """Open for appending; a new file is the owner's alone."""
        return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def create(self, path: Path) -> int:
        """Open a file that must not exist yet."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        return os.open(path, flags, 0o600)

    def size(self, fd: int) -> int:
        """Bytes in the file."""
        return os.fstat(fd).st_size

    def write(self, fd: int, data: memoryview) -> int:
        """Write some of it; how many bytes."""
        return os.write(fd, data)

    def fdatasync(self, fd: int) -> None:
        """Wait until the file's bytes and length are on the disk."""
        os.fdatasync(fd)

    def fsync(self, fd: int) -> None:
        """Wait until the file is on the disk."""
        os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(fd, size)

    def allocate(self, fd: int, size: int) -> None:
        """Take the room for so many bytes, really."""
        os.posix_fallocate(fd, 0, size)

    def close(self, fd: int) -> None:
        """Done with the file."""
        os.close(fd)

    def chmod(self, path: Path, mode: int) -> None:
        """Say who may write."""
        path.chmod(mode)

    def rename(self, path: Path, to: Path) -> None:
        """Put a file in the place of another, at once."""
        path.replace(to)

    def unlink(self, path: Path) -> None:
        """Take a file away; none is as well."""
        path.unlink(missing_ok=True)

    def fsync_dir(self, folder: Path) -> None:
        """Wait until the names in the folder are on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.fsync(fd)
        finally:
            os.close(fd)

    def write_all(self, fd: int, data: bytes) -> None:
        """Write all of it, or raise with a part written."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.write(fd, rest) :]


DISK: Final = Disk()
"""The disk of this machine."""
