"""Candles written so that a crash spoils nothing: a Parquet file whole, a download page by page."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet

from liveopt.core.bars import Bars
from liveopt.data.tables import DataError

ABOUT: Final = b"liveopt"
COLUMNS: Final = ("open", "high", "low", "close", "volume")
Row = tuple[int, float, float, float, float, float]


def write_candles(path: Path, bars: Bars, about: Mapping[str, str]) -> None:
    """Put a Parquet file in place, or leave what is there; `about` says what the candles are."""
    date = pa.array(bars.at_ns).cast(pa.timestamp("ns", "UTC"))
    columns = dict(zip(COLUMNS, bars.floats(), strict=True))
    table = pa.table({"date": date} | columns)
    table = table.replace_schema_metadata({ABOUT: msgspec.json.encode(dict(about))})
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            pyarrow.parquet.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise DataError(path, None, None, f"cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def read_about(path: Path) -> dict[str, str]:
    """What `write_candles` was told about a file; empty for a file of others."""
    try:
        found = pyarrow.parquet.read_schema(path).metadata or {}
        return msgspec.json.decode(found.get(ABOUT, b"{}"), type=dict[str, str])
    except (pa.ArrowException, msgspec.DecodeError, OSError) as error:
        raise DataError(path, None, None, f"cannot be read as Parquet: {error}") from error


class _Head(msgspec.Struct):
    """The first line: what is downloaded, and from where on."""

    about: dict[str, str]
    start_ns: int


class _Page(msgspec.Struct):
    """What a span brought, down to its end: `{"to_ns":170..,"rows":[[170..,1.0,2.0,...],...]}`."""

    to_ns: int
    rows: list[Row]


class Part:
    """A download under way, one page a line, after a line that says what is downloaded.

    A page counts when its line is complete, so whatever kills the process costs one page. Only one
    process at a time has it. A part that begins elsewhere than asked for is left from a download
    that was finished meanwhile: it begins anew.
    """

    def __init__(self, path: Path, about: Mapping[str, str], start_ns: int) -> None:
        """Go on with the file where it is of the same download; otherwise `DataError`."""
        self.path = path
        self.done_ns = start_ns
        """Up to where it is complete."""
        self._head = _Head(dict(about), start_ns)
        self.rows = 0
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise DataError(path, None, None, f"cannot be written: {error.strerror}") from error

    def __enter__(self) -> "Part":
        """Take it, and see how far it is."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._resume()
        except BlockingIOError as error:
            self._file.close()
            why = "another process is downloading into it"
            raise DataError(self.path, None, None, why) from error
        except DataError:
            self._file.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of it; it stays for the next one, unless there is nothing in it."""
        if self.done_ns == self._head.start_ns:
            self.remove()
        self._file.close()

    def add(self, bars: Bars, to_ns: int) -> None:
        """Keep a page that is complete up to `to_ns`."""
        columns = (column.tolist() for column in (bars.at_ns, *bars.floats()))
        page = _Page(to_ns, list(zip(*columns, strict=True)))
        self._write(msgspec.json.encode(page))
        self.done_ns = to_ns
        self.rows += len(bars)

    def bars(self) -> Bars:
        """All of it so far."""
        rows = [row for page in self._pages() for row in page.rows]
        at_ns = np.array([row[0] for row in rows], np.int64)
        prices = np.array([row[1:] for row in rows], np.float64).reshape(len(rows), 5)
        return Bars(at_ns, *np.ascontiguousarray(prices.T))

    def remove(self) -> None:
        """It has become a file, or is not wanted any more."""
        self.path.unlink(missing_ok=True)

    def _resume(self) -> None:
        lines = self._lines()
        try:
            head = msgspec.json.decode(lines[0], type=_Head) if lines else None
            pages = self._pages()
        except msgspec.DecodeError as error:
            why = f"is no unfinished download ({error}); remove it"
            raise DataError(self.path, None, None, why) from error
        if head is not None and pages and head.about != self._head.about:
            theirs = ", ".join(f"{name} {value}" for name, value in head.about.items())
            why = f"is of another download ({theirs}); finish that one, or use --force"
            raise DataError(self.path, None, None, why)
        if head != self._head:
            self._file.truncate(0)
            self._write(msgspec.json.encode(self._head))
            return
        # What follows the last complete line was being written when the process ended.
        self._file.truncate(sum(len(line) + 1 for line in lines))
        self.rows = sum(len(page.rows) for page in pages)
        if pages:
            self.done_ns = pages[-1].to_ns

    def _lines(self) -> list[bytes]:
        self._file.seek(0)
        return self._file.read().split(b"\n")[:-1]

    def _pages(self) -> list[_Page]:
        return [msgspec.json.decode(line, type=_Page) for line in self._lines()[1:]]

    def _write(self, line: bytes) -> None:
        try:
            self._file.write(line + b"\n")
            self._file.flush()
        except OSError as error:
            why = f"cannot be written: {error.strerror}"
            raise DataError(self.path, None, None, why) from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
