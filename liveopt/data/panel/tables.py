"""A panel's parts as Arrow tables and back, and the hash of what is in it."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from liveopt.data.panel.about import Partition
from liveopt.data.panel.panel import Panel, Sessions

PNL: Final = "pnl"
"""How the names of the columns with numbers begin."""
KINDS: Final = {pa.float64(): "f8", pa.int64(): "i8", pa.int32(): "i4", pa.date32(): "i4"}
UNITS: Final = {"year": "Y", "month": "M"}


def periods_of(sessions: Sessions, partition: Partition) -> list[tuple[str, int]]:
    """The columns that P&L is cut into, and how many sessions each has."""
    if partition == "none":
        return [(PNL, len(sessions))]
    labels = np.datetime_as_string(sessions.date.astype(f"datetime64[{UNITS[partition]}]"))
    found, counts = np.unique(labels, return_counts=True)  # sessions are in order of time
    return [
        (f"{PNL}_{label.replace('-', '_')}", int(count))
        for label, count in zip(found.tolist(), counts, strict=True)
    ]


def schema_of(periods: Sequence[tuple[str, int]]) -> pa.Schema:
    """Of the file of strategies."""
    number = pa.field("element", pa.float64(), nullable=False)
    columns = [pa.field(name, pa.list_(number, size), nullable=False) for name, size in periods]
    strategy = pa.field("strategy", pa.string(), nullable=False)
    return pa.schema([strategy, pa.field("group", pa.int32(), nullable=False), *columns])


def strategies_table(
    panel: Panel, rows: slice, periods: Sequence[tuple[str, int]], schema: pa.Schema
) -> pa.Table:
    """Some of the strategies, as the file has them."""
    columns, first = [], 0
    for i, (_, size) in enumerate(periods):
        part = np.ascontiguousarray(panel.pnl[rows, first : first + size])
        kind = schema.field(i + 2).type
        columns.append(pa.FixedSizeListArray.from_arrays(pa.array(part.ravel()), type=kind))
        first += size
    names = pa.array(panel.names[rows], pa.string())
    return pa.table([names, pa.array(panel.group[rows]), *columns], schema=schema)


def sessions_table(sessions: Sessions) -> pa.Table:
    """The sessions as the file has them: the columns that are known."""
    known = {f.name: getattr(sessions, f.name) for f in fields(Sessions)}
    return pa.table({name: pa.array(c) for name, c in known.items() if c is not None})


def sessions_from(table: pa.Table) -> Sessions:
    """The same back."""
    found: dict[str, Any] = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if pa.types.is_string(column.type):
            found[name] = np.array(column.to_pylist(), np.str_)
        elif pa.types.is_date32(column.type):
            found[name] = plain(column).astype("datetime64[D]")
        else:
            found[name] = plain(column).copy()
    return Sessions(**found)


def plain(column: pa.Array) -> npt.NDArray[Any]:
    """Numbers or days without nulls, where they lie; `to_numpy` first imports pandas: 0.3 s."""
    kind = np.dtype(KINDS[column.type])
    if not len(column):
        return np.empty(0, kind)
    start = column.offset * kind.itemsize
    return np.frombuffer(column.buffers()[1], kind, len(column), start)


def content_hash(panel: Panel) -> str:
    """SHA-256 of all that is in a panel, whatever file it came from or lies in."""
    digest = hashlib.sha256()
    for part in _parts(panel):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


def _parts(panel: Panel) -> Iterator[bytes | memoryview]:
    yield msgspec.json.encode(list(panel.names))
    yield msgspec.json.encode(list(panel.groups))
    yield panel.group.astype("<i4").tobytes()
    for field in fields(Sessions):
        column = getattr(panel.sessions, field.name)
        yield field.name.encode()
        if column is not None and column.dtype.kind == "U":
            yield msgspec.json.encode(column.tolist())
        elif column is not None:
            yield column.astype("<f8" if column.dtype.kind == "f" else "<i8").tobytes()
    for row in range(0, len(panel.pnl), 1024):
        yield np.ascontiguousarray(panel.pnl[row : row + 1024], "<f8").data.cast("B")
