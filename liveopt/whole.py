"""A file, whole or not at all: whoever reads it finds the old content or the new."""

import os
from pathlib import Path


def write(path: Path, content: bytes, *, synced: bool = True, private: bool = True) -> None:
    """On the disk when this returns, for the owner alone. One writer of a file at a time.

    Without `synced` nobody waits for the disk: a power cut may leave the old content, or none. What
    is not `private` is for whom the process's umask says.
    """
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)  # of a writer that was killed
    try:
        _fill(part, content, synced=synced, mode=0o600 if private else 0o666)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if synced:
        _sync(path.parent)


def _fill(part: Path, content: bytes, *, synced: bool, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(part, flags, mode), "wb") as file:
        file.write(content)
        if synced:
            file.flush()
            os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """The new name is on the disk as well."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
