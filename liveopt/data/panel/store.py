"""Writes panels to disk: built beside their place, proved, and put there whole."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet

from liveopt.data.panel.about import About, Compression, Manifest, Partition, mark_of
from liveopt.data.panel.panel import Panel
from liveopt.data.panel.place import beside, put, refuse_taken, sync
from liveopt.data.panel.stored import (
    ABOUT,
    MARK,
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
    refuse_taken(folder, replace=replace)
    place = Path(os.path.realpath(folder))  # of a link, what it leads to
    try:
        with beside(place) as building:
            _fill(building, panel, about, layout)
            prove(open_panel(building))
            put(building, place, replace=replace)
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
    data_sha256 = content_hash(panel)
    mark = {MARK: mark_of(data_sha256, layout.partition, layout.compression)}
    schema = schema_of(periods).with_metadata(mark)
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
    table = sessions_table(panel.sessions).replace_schema_metadata(mark)
    pyarrow.parquet.write_table(table, folder / SESSIONS_FILE, compression=layout.compression)
    manifest = Manifest(
        strategies=strategies,
        sessions=sessions,
        first=str(panel.sessions.date[0]),
        last=str(panel.sessions.date[-1]),
        groups=list(panel.groups),
        data_sha256=data_sha256,
        periods=[size for _, size in periods],
        partition=layout.partition,
        compression=layout.compression,
        files={name: file_hash(folder / name) for name in (PNL_FILE, SESSIONS_FILE)},
        about=about,
    )
    (folder / ABOUT).write_bytes(seal(manifest))
    for name in (PNL_FILE, SESSIONS_FILE, ABOUT):
        sync(folder / name)
