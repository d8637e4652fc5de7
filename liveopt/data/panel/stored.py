"""A panel on disk, as it is read: one folder, Parquet within, rows are strategies.

NAME.panel/pnl.parquet        strategy, group, and P&L as one fixed-size list for each period
NAME.panel/sessions.parquet   what is known of each session
NAME.panel/about.json         where it is from, what was assumed, a hash of each file
"""

import glob
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from liveopt.data.panel.about import FORMAT, VERSION, About, Manifest
from liveopt.data.panel.panel import Float64, Panel, Sessions
from liveopt.data.panel.tables import PNL, plain, sessions_from
from liveopt.data.tables import DataError

ABOUT: Final = "about.json"
PNL_FILE: Final = "pnl.parquet"
SESSIONS_FILE: Final = "sessions.parquet"
CORRELATIONS: Final = "correlations"
"""A folder of what was reckoned of it; it may be taken away."""
VALUES_AT_ONCE: Final = 1 << 18
"""So many numbers are decoded before they are put in place: 2 MiB, so that one copy is all."""
Rows = npt.NDArray[np.int64]
Span = tuple[date | str | None, date | str | None]
"""The first and the last day that are wanted; None leaves that side open."""
MARK: Final = b"liveopt.panel"
"""In the metadata of both Parquet files: `Manifest.mark` of the one they were written with."""
ANEW: Final = "make the store anew from its source"
AGAIN: Final = f"it is damaged: {ANEW}"


class Sealed(msgspec.Struct, frozen=True):
    """The content of about.json, and the hash that shows whether it is whole."""

    manifest: Manifest
    sha256: str


def seal(manifest: Manifest) -> bytes:
    """The text of about.json."""
    digest = hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()
    return msgspec.json.format(msgspec.json.encode(Sealed(manifest, digest)), indent=1) + b"\n"


class Store:
    """An open store; nothing but about.json is read before it is asked for."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest

    @property
    def about(self) -> About:
        """Where the panel is from, and what was assumed."""
        return self.manifest.about

    @cached_property
    def sessions(self) -> Sessions:
        """All of them."""
        with self._reading(SESSIONS_FILE) as path:
            return sessions_from(self._opened(path).read())

    @cached_property
    def _heads(self) -> pa.Table:
        """Names and groups of all strategies."""
        with self._reading(PNL_FILE):
            return self._file.read(["strategy", "group"]).combine_chunks()

    @property
    def names(self) -> list[str]:
        """Of all strategies."""
        found: list[str] = self._heads.column("strategy").to_pylist()
        return found

    def read(self, names: Sequence[str] | None = None, dates: Span | None = None) -> Panel:
        """The panel, or some of its strategies, in the order asked for, and of its days."""
        rows = None if names is None else self.rows_of(names)
        first, last = self.range_of(dates)
        sessions = self.sessions.take(np.arange(first, last))
        pnl = self._pnl(rows, first, last)
        group = plain(self._heads.column("group").chunk(0)).astype(np.int32)
        chosen = self.names if names is None else list(names)
        groups = self.manifest.groups
        return Panel(chosen, pnl, sessions, groups, group if rows is None else group[rows])

    def verify(self) -> None:
        """Compare each file with its hash; `DataError` names the one that is damaged."""
        for name, expected in self.manifest.files.items():
            with self._reading(name) as path:
                found = file_hash(path)
            if found != expected:
                raise DataError(self.folder / name, None, None, f"is not as written; {AGAIN}")

    @contextmanager
    def _reading(self, name: str) -> Iterator[Path]:
        path = self.folder / name
        try:
            yield path
        except FileNotFoundError as error:
            raise DataError(path, None, None, f"there is no such file; {AGAIN}") from error
        except (pa.ArrowException, OSError) as error:
            why = f"cannot be read ({str(error).splitlines()[0][:200]}); {AGAIN}"
            raise DataError(path, None, None, why) from error

    @cached_property
    def _file(self) -> Any:
        with self._reading(PNL_FILE) as path:
            return self._opened(path)

    def _opened(self, path: Path) -> Any:
        """One of the two files, if it is still the one that about.json is of."""
        file = pyarrow.parquet.ParquetFile(path)
        if (file.metadata.metadata or {}).get(MARK) != self.manifest.mark.encode():
            why = "another store has been put here since it was opened; open and read it again"
            raise DataError(self.folder, None, None, why)
        return file

    def refuse_replaced(self) -> None:
        """For who reads the file of strategies by other means: it is still the same."""
        with self._reading(PNL_FILE) as path:
            self._opened(path)

    def rows_of(self, names: Sequence[str]) -> Rows:
        """Where strategies lie; one that is not there is refused."""
        found = pc.index_in(_strings(names), value_set=self._heads.column("strategy").chunk(0))
        if found.null_count:
            missing = next(n for n, at in zip(names, found, strict=True) if not at.is_valid)
            raise DataError(self.folder, None, missing, "there is no such strategy")
        return plain(found).astype(np.int64)

    def range_of(self, dates: Span | None) -> tuple[int, int]:
        """Which sessions are in the span."""
        days = self.sessions.date
        first, last = dates or (None, None)
        try:
            start = 0 if first is None else days.searchsorted(np.datetime64(first, "D"))
            end = (
                len(days) if last is None else days.searchsorted(np.datetime64(last, "D"), "right")
            )
        except ValueError as error:
            why = f"cannot read {first} to {last} as days; write 2024-01-31"
            raise DataError(self.folder, None, None, why) from error
        return int(start), max(int(start), int(end))

    def _pnl(self, rows: Rows | None, first: int, last: int) -> Float64:
        """The numbers of some rows and sessions, decoded a few row groups at a time."""
        file = self._file
        size = file.metadata.row_group(0).num_rows  # as all have but the last
        starts = np.append(np.arange(0, self.manifest.strategies, size), self.manifest.strategies)
        count = self.manifest.strategies if rows is None else len(rows)
        pnl = np.empty((count, last - first))
        if first == last or count == 0:
            return pnl
        if rows is None:
            wanted = np.arange(len(starts) - 1)
        else:
            found = set((starts.searchsorted(rows, "right") - 1).tolist())
            wanted = np.array(sorted(found), np.int64)
        at_once = max(1, VALUES_AT_ONCE // (size * (last - first)))
        with self._reading(PNL_FILE):
            for i in range(0, len(wanted), at_once):
                groups = wanted[i : i + at_once]
                held = np.concatenate([np.arange(starts[g], starts[g + 1]) for g in groups])
                target, source = _places(rows, held)
                start = 0
                for name, low, high in self.columns_of(first, last):
                    block = _block(file.read_row_groups(groups.tolist(), [name]).column(0))
                    pnl[target, start : start + high - low] = block[source, low:high]
                    start += high - low
        return pnl

    def columns_of(self, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        """The columns of P&L that have some of these sessions, in order, and which of theirs."""
        start = 0
        named = [f.name for f in self._file.schema_arrow if f.name.startswith(PNL)]
        for name, length in zip(named, self.manifest.periods, strict=True):
            low, high = max(first, start), min(last, start + length)
            if low < high:
                yield name, low - start, high - start
            start += length


def open_panel(folder: Path) -> Store:
    """Open a store, or say why the folder is none."""
    path = folder / ABOUT
    try:
        sealed = msgspec.json.decode(path.read_bytes(), type=Sealed)
    except (FileNotFoundError, NotADirectoryError) as error:
        why = "there is no panel here; `liveopt data import` makes one"
        for left in sorted(folder.parent.glob(f".{glob.escape(folder.name)}.*.old")):
            why += f" ({left.name} beside it is one whose replacing was cut off: rename it)"
        raise DataError(folder, None, None, why) from error
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        raise DataError(path, None, None, f"cannot be read ({error}); {AGAIN}") from error
    manifest = sealed.manifest
    if (manifest.format, manifest.version) != (FORMAT, VERSION):
        found = f"{manifest.format} {manifest.version}"
        why = f"is {found}, and this program reads {FORMAT} {VERSION}; {ANEW}"
        raise DataError(path, None, None, why)
    if hashlib.sha256(msgspec.json.encode(manifest)).hexdigest() != sealed.sha256:
        raise DataError(path, None, None, f"is not as written; {AGAIN}")
    return Store(folder, manifest)


def _strings(texts: Sequence[str]) -> pa.Array:
    """The texts as Arrow has them. Made by hand, as `pa.array` of a list imports pandas first."""
    parts = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, parts)], dtype=np.int32)
    text = pa.py_buffer(b"".join(parts))
    return pa.StringArray.from_buffers(len(parts), pa.py_buffer(offsets), text)


def _places(rows: Rows | None, held: Rows) -> tuple[slice | Rows, slice | Rows]:
    """Where the wanted ones of some rows go, and where they lie among those that are held."""
    if rows is None:
        return slice(int(held[0]), int(held[-1]) + 1), slice(None)
    inside = np.flatnonzero((rows >= held[0]) & (rows <= held[-1]))
    return inside, held.searchsorted(rows[inside])


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _block(column: pa.ChunkedArray) -> Float64:
    """Fixed-size lists as the rows of a matrix."""
    rows = [plain(c.flatten()).reshape(-1, c.type.list_size) for c in column.chunks]
    return rows[0] if len(rows) == 1 else np.concatenate(rows)
