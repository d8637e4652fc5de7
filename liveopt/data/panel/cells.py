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
from typing import BinaryIO, Final, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from liveopt.data.tables import DataError

BLOCK: Final = 4 << 20
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


class Reader(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]:
        """Row after row."""
        ...


class Cells:
    """An open CSV: its header, then its rows."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Read the header; the delimiter is whichever of , ; and tab is most in it."""
        self._path, self._file, self._lines = path, file, 0
        head = file.readline().removeprefix(b"\xef\xbb\xbf")
        while head.count(b'"') % 2 and (more := file.readline()):
            head += more
        self.read = file.tell()
        self.delimiter = max(b",", b";", b"\t", key=head.count)
        rows = list(csv.reader(io.StringIO(self._text(head)), delimiter=self.delimiter.decode()))
        if not rows or not rows[0]:
            raise DataError(path, None, None, "the file is empty")
        self.header = rows[0]
        self._lines = head.count(b"\n")

    def blocks(self, progress: Progress) -> Iterator[Block]:
        """All rows; one that is longer or shorter than the header is refused."""
        while data := self._file.read(BLOCK):
            data += self._file.readline()
            while data.count(b'"') % 2 and (more := self._file.readline()):
                data += more
            block = self._block(data)
            if block.lines:
                yield block
            self._lines += data.count(b"\n")
            progress(len(data))

    def _block(self, data: bytes) -> Block:
        plain = data.replace(b"\r\n", b"\n") if b"\r" in data else data
        if b'"' in plain or b"\r" in plain:
            return self._quoted(data)
        rows = plain.split(b"\n")
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
        """The same by Python's own reader, which knows quotes, and names what is wrong."""
        reader = csv.reader(
            io.StringIO(self._text(data), newline=""), delimiter=self.delimiter.decode()
        )
        try:
            return self._rows(reader)
        except csv.Error as error:
            line = self._lines + reader.line_num
            why = f"line {line} of the file cannot be read ({error}); is a quote left open?"
            raise DataError(self._path, None, None, why) from error

    def _rows(self, reader: Reader) -> Block:
        flat: list[str] = []
        lines: list[int] = []
        for row in reader:
            if not row:
                continue
            if len(row) != len(self.header):
                line = self._lines + reader.line_num
                why = (
                    f"line {line} of the file has {len(row)} cells where the header has"
                    f" {len(self.header)}; complete the row"
                )
                raise DataError(self._path, None, None, why)
            flat += row
            lines.append(self._lines + reader.line_num)
        return Block(without_missing(pa.array(flat, pa.string())), lines)

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
