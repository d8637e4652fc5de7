"""Keeps panels on disk: built beside their place, proved, and put there by one rename."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet

from liveopt.data.panel.about import About, Compression, Manifest, Partition
from liveopt.data.panel.panel import Panel
from liveopt.data.panel.stored import (
    ABOUT,
    PNL_FILE,
    SESSIONS_FILE,
    Store,
    file_hash,
    open_panel,
    seal,
)
from liveopt.data.panel.tables import (
    content_hash,
    periods_of,
    schema_of,
    sessions_table,
    strategies_table,
)
from liveopt.data.tables import DataError

__all__ = ["Compression", "Layout", "Partition", "Store", "open_panel", "write"]

GROUP_VALUES: Final = 1 << 15
"""Numbers of a row group: 256 KiB, so that reading a strategy decodes little beside it."""
CHUNKS_MOST: Final = 20_000
"""Row groups times columns: each costs the footer, which every reader parses, 100 bytes."""
ROWS_MOST: Final = 8_192


@dataclass(frozen=True, slots=True)
class Layout:
    """How a store lies on the disk; what is read from it does not depend on it."""

    compression: Compression = "snappy"
    partition: Partition = "year"
    """A column of P&L for each: a span of dates reads only those it needs."""


def write(
    panel: Panel,
    about: About,
    folder: Path,
    layout: Layout | None = None,
    *,
    replace: bool = False,
    prove: Callable[[Store], None] = lambda _: None,
) -> Store:
    """Write a store; what `prove` raises about it, or any fault, leaves nothing behind."""
    layout = Layout() if layout is None else layout
    if not len(panel.names) or not len(panel.sessions):
        raise DataError(folder, None, None, "a panel without strategies or sessions is not kept")
    if folder.exists() and not replace:
        raise DataError(folder, None, None, "exists; --force replaces it")
    try:
        with _beside(folder) as building:
            _fill(building, panel, about, layout)
            prove(open_panel(building))
            _put(building, folder)
    except OSError as error:
        raise DataError(
            folder, None, None, f"cannot be written: {error.strerror or error}"
        ) from error
    return open_panel(folder)


def rows_of_a_group(strategies: int, sessions: int, columns: int) -> int:
    """Few enough that one strategy is read fast, so many that the footer stays small."""
    fast = min(ROWS_MOST, max(1, GROUP_VALUES // sessions))
    return max(fast, -(-strategies * columns // CHUNKS_MOST))


def _fill(folder: Path, panel: Panel, about: About, layout: Layout) -> None:
    periods = periods_of(panel.sessions, layout.partition)
    schema = schema_of(periods)
    strategies, sessions = panel.pnl.shape
    rows = rows_of_a_group(strategies, sessions, len(periods))
    at_once = rows * max(1, GROUP_VALUES * 16 // (rows * sessions))
    with (
        (folder / PNL_FILE).open("wb") as file,
        pyarrow.parquet.ParquetWriter(
            file, schema, compression=layout.compression, use_dictionary=False,
            write_statistics=False,
        ) as writer,
    ):  # fmt: skip
        for first in range(0, strategies, at_once):
            part = strategies_table(panel, slice(first, first + at_once), periods, schema)
            writer.write_table(part, row_group_size=rows)
    pyarrow.parquet.write_table(
        sessions_table(panel.sessions), folder / SESSIONS_FILE, compression=layout.compression
    )
    manifest = Manifest(
        strategies=strategies,
        sessions=sessions,
        first=str(panel.sessions.date[0]),
        last=str(panel.sessions.date[-1]),
        groups=list(panel.groups),
        data_sha256=content_hash(panel),
        periods=[size for _, size in periods],
        partition=layout.partition,
        compression=layout.compression,
        files={name: file_hash(folder / name) for name in (PNL_FILE, SESSIONS_FILE)},
        about=about,
    )
    (folder / ABOUT).write_bytes(seal(manifest))
    for name in (PNL_FILE, SESSIONS_FILE, ABOUT):
        _sync(folder / name)


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """An empty folder to build in, gone afterwards; those of dead processes go too."""
    for old in folder.parent.glob(f".{folder.name}.*.tmp"):
        if not _lives(old.name.split(".")[-2]):
            shutil.rmtree(old, ignore_errors=True)
    building = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    building.mkdir()
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return int(process) != os.getpid()


def _put(building: Path, folder: Path) -> None:
    _sync(building)
    old = building.with_suffix(".old")
    if folder.exists():
        folder.rename(old)
    try:
        building.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    _sync(folder.parent)
    if old.is_dir():
        shutil.rmtree(old)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
