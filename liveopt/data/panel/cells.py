"""The cells of a CSV as one long Arrow array of text, block by block, however wide a row is.

A reader of columns pays for each column anew in each block, and a panel has 100,000. Here commas
become line ends, so that to Arrow a block is a file of one column.
"""

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from liveopt.data.tables import DataError

BLOCK: Final = 4 << 20
OPEN_MOST: Final = 1 << 20
"""So many bytes after a quote that is not closed, and it is left open by mistake."""
MISSING: Final = ("", "NaN", "nan", "NA", "N/A", "#N/A", "NULL", "null", "None", r"\N")
"""Cells that say there is nothing: of spreadsheets, pandas, and databases' dumps."""
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Block:
    """Some whole rows."""

    cells: pa.Array
    """Row after row; null where there is nothing."""
    lines: list[int]
    """Of the file, where each row ends."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What a look at the bytes tells of a file."""

    lines: int
    """At least as many as it has rows, the header being one."""
    bytes: int
    sha256: str


def look(path: Path) -> Outside:
    """Count and hash."""
    digest, lines, size, last = hashlib.sha256(), 0, 0, b"\n"
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            digest.update(data)
            lines += data.count(b"\n")
            size, last = size + len(data), data[-1:]
    return Outside(lines + (last != b"\n"), size, digest.hexdigest())


class Cells:
    """An open CSV: its header, then its rows."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Read the header; the delimiter is whichever of , ; and tab is most in it."""
        self._path, self._file, self._lines = path, file, 0
        head = self._closed(file.readline().removeprefix(b"\xef\xbb\xbf"))
        self.read = file.tell()
        self.delimiter = max(b",", b";", b"\t", key=head.count)
        self.header = self._header(head)
        self._lines = head.count(b"\n")

    def _header(self, head: bytes) -> list[str]:
        if not head:
            raise DataError(self._path, None, None, "the file is empty")
        names = head.strip()
        if not names or names.lower().startswith(b"sep="):
            why = "the first line does not name the columns; take it out of the file"
            raise DataError(self._path, None, None, why)
        rows = [row for _, row in self._parsed(head)]
        if len(rows) != 1:  # the rows in it would be lost
            why = (
                'the first line has a quote (") that does not end there;'
                ' write a name that has one in it as "A 5"" x"'
            )
            raise DataError(self._path, None, None, why)
        return rows[0]

    def blocks(self, progress: Progress) -> Iterator[Block]:
        """All rows; one that is longer or shorter than the header is refused."""
        while data := self._file.read(BLOCK):
            data = self._closed(data + self._file.readline())
            block = self._block(data)
            if block.lines:
                yield block
            self._lines += data.count(b"\n")
            progress(len(data))

    def _closed(self, data: bytes) -> bytes:
        """Whole lines, and those that follow until all quotes are closed."""
        parts, quotes, extra = [data], data.count(b'"'), 0
        while quotes % 2 and (more := self._file.readline()):
            parts.append(more)
            quotes += more.count(b'"')
            extra += len(more)
            if extra > OPEN_MOST:
                odd = [i for i, row in enumerate(data.split(b"\n"), 1) if row.count(b'"') % 2]
                why = f"line {self._lines + odd[-1]} of the file has a quote that is left open"
                raise DataError(self._path, None, None, why)
        return b"".join(parts)

    def _block(self, data: bytes) -> Block:
        plain = data.replace(b"\r\n", b"\n") if b"\r" in data else data
        if b'"' in plain or b"\r" in plain:
            return self._quoted(data)
        # A row of nothing but commas is what spreadsheets write after the last one.
        rows = [row if row.strip(self.delimiter) else b"" for row in plain.split(b"\n")]
        lines = [i for i, row in enumerate(rows, self._lines + 1) if row]
        commas = len(self.header) - 1
        if any(row and row.count(self.delimiter) != commas for row in rows):
            return self._quoted(data)  # which says what is wrong
        flat = b"\n".join(row for row in rows if row).replace(self.delimiter, b"\n") + b"\n"
        try:
            cells = _one_column(flat)
        except pa.ArrowInvalid:
            return self._quoted(data)
        return (
            Block(cells, lines) if len(cells) == len(lines) * (commas + 1) else self._quoted(data)
        )

    def _quoted(self, data: bytes) -> Block:
        """The same by Python's own reader, which names what is wrong."""
        flat: list[str] = []
        lines: list[int] = []
        for line, row in self._parsed(data):
            if not any(row):
                continue
            if len(row) != len(self.header):
                why = (
                    f"line {line} of the file has {len(row)} cells where the header has"
                    f" {len(self.header)}; complete the row"
                )
                raise DataError(self._path, None, None, why)
            flat += row
            lines.append(line)
        return Block(without_missing(pa.array(flat, pa.string())), lines)

    def _parsed(self, data: bytes) -> Iterator[tuple[int, list[str]]]:
        """Rows as Python's own reader has them, which knows quotes, and where each ends."""
        reader = csv.reader(io.StringIO(self._text(data)), delimiter=self.delimiter.decode())
        try:
            for row in reader:
                yield self._lines + reader.line_num, row
        except csv.Error as error:
            line = self._lines + reader.line_num
            why = f"line {line} of the file cannot be read ({error}); is a quote left open?"
            if "new-line" in str(error):
                why = f"line {line} of the file has line ends of CR alone; save it with LF or CRLF"
            raise DataError(self._path, None, None, why) from error

    def _text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            line = self._lines + data[: error.start].count(b"\n") + 1
            why = f"line {line} of the file is not UTF-8 text; save it as CSV UTF-8"
            raise DataError(self._path, None, None, why) from error


def without_missing(cells: pa.Array) -> pa.Array:
    """Null for every cell that says there is nothing."""
    nothing = pc.is_in(cells, value_set=pa.array(MISSING))
    return pc.if_else(nothing, pa.scalar(None, cells.type), cells)


def _one_column(data: bytes) -> pa.Array:
    table = pyarrow.csv.read_csv(
        pa.py_buffer(data),
        read_options=pyarrow.csv.ReadOptions(column_names=["cell"]),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter="\x01", quote_char=False, ignore_empty_lines=False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"cell": pa.string()}, strings_can_be_null=True, null_values=MISSING
        ),
    )
    return table.column(0).combine_chunks()
