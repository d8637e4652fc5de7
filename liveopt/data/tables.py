"""Columns of a CSV, Parquet or Feather file as numbers and times; an error names the cell."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]
Numbers = TypeVar("Numbers", Int64, Float64)

TIME_NAMES = ("date", "time", "timestamp", "datetime", "open_time", "ts")

# An epoch number tells its unit by its size: each range is 1973 to 5138 in that unit, so no two can
# be confused, and a date written as 20240301 is in none of them.
UNIT_FROM = np.array([1e8, 1e11, 1e14, 1e17])
UNIT_NS = (1_000_000_000, 1_000_000, 1_000, 1)
INT64_MAX = 2**63 - 1

CELL_SHOWN = 40
HEADER_SHOWN = 200
"""How many characters of a file an error repeats."""

HOW_TO_WRITE_A_NUMBER = "write it with digits and a decimal point"
HOW_TO_WRITE_A_TIME = (
    "write ISO 8601 (2024-03-01 or 2024-03-01T12:30, UTC unless an offset follows) "
    "or the time since 1970 in s, ms, us or ns, and all times of a column in one form"
)


class DataError(ValueError):
    """A file that cannot be used: where in it, why, and how to mend it. Rows count from 1."""

    def __init__(self, path: Path, row: int | None, column: str | None, why: str) -> None:
        self.path = path
        self.row = row
        self.column = column
        self.why = why
        self.line = None if row is None else _line_of(path, row)
        place = [] if row is None else [f"row {row}"]
        place += [] if self.line is None else [f"line {self.line} of the file"]
        place += [] if column is None else [f"column {_shortened(column)!r}"]
        super().__init__(": ".join(part for part in (str(path), ", ".join(place), why) if part))


@dataclass(frozen=True, slots=True)
class Table:
    """The wanted columns of a file by our names for them, and the names they have in the file."""

    path: Path
    cells: Mapping[str, pa.ChunkedArray]
    names: Mapping[str, str]

    def floats(self, column: str) -> Float64:
        """Prices or amounts; which of them make sense is for the caller to say."""
        return self._read(column, _floats, HOW_TO_WRITE_A_NUMBER)

    def times_ns(self, column: str) -> Int64:
        """Times as nanoseconds since 1970 UTC."""
        return self._read(column, _times_ns, HOW_TO_WRITE_A_TIME)

    def error(self, index: int, column: str, why: str) -> DataError:
        """The error of one cell, whose row counts from 0 here as in the arrays."""
        return DataError(self.path, index + 1, self.names[column], why)

    def _read(
        self, column: str, read: Callable[[pa.ChunkedArray], Numbers], advice: str
    ) -> Numbers:
        cells = self.cells[column]
        try:
            return read(cells)
        except (ValueError, pa.ArrowNotImplementedError):
            index = _first_unreadable(cells, read)
            cell = cells[index].as_py()
            what = (
                "the cell is empty"
                if cell in (None, "")
                else f"cannot read {_shortened(str(cell))!r}"
            )
            raise self.error(index, column, f"{what}; {advice}") from None


def read_table(path: Path, wanted: Mapping[str, tuple[str, ...]]) -> Table:
    """The columns of a file that go by the wanted names, in any case; two for one are refused."""
    table = _whole(path)
    found = [name.strip().lower() for name in table.column_names]
    cells, names = {}, {}
    for ours, theirs in wanted.items():
        matching = [i for i, name in enumerate(found) if name in theirs]
        index = _only(path, table.column_names, matching, theirs)
        cells[ours], names[ours] = table.column(index), table.column_names[index]
    return Table(path, cells, names)


def _only(path: Path, columns: list[str], matching: list[int], wanted: tuple[str, ...]) -> int:
    """The one column that matches; none or several of them are an error."""
    if not matching:
        have = _shortened(", ".join(columns), HEADER_SHOWN)
        why = f"there is none; name one {' or '.join(wanted)} (the file has {have})"
        raise DataError(path, None, wanted[0], why)
    if len(matching) > 1:
        others = " and ".join(repr(columns[i]) for i in matching[1:])
        why = f"{others} could be the same; leave one in the file, or rename the others"
        raise DataError(path, None, columns[matching[0]], why)
    return matching[0]


def _whole(path: Path) -> pa.Table:
    """All columns of a file, as its ending says."""
    ending = path.suffix.lower()
    if path.is_dir():
        raise DataError(path, None, None, "is a folder; name one file in it")
    if not path.is_file():
        raise DataError(path, None, None, "there is no such file")
    if ending not in _READERS:
        raise DataError(path, None, None, f"no reader for it; save it as {' or '.join(_READERS)}")
    try:
        table = _READERS[ending](path)
    except (pa.ArrowException, csv.Error, OSError) as error:
        why = f"cannot be read as {ending}: {str(error).splitlines()[0]}"
        raise DataError(path, None, None, why) from error
    if table.num_rows == 0:
        raise DataError(path, None, None, "the file has no rows")
    return table


def parse_time(text: str) -> int:
    """A date, a date and time, or an epoch number, as nanoseconds since 1970 UTC."""
    try:
        return int(_times_ns(pa.chunked_array([[text]]))[0])
    except ValueError:
        raise ValueError(f"cannot read {text!r} as a time; {HOW_TO_WRITE_A_TIME}") from None


def _shortened(text: str, most: int = CELL_SHOWN) -> str:
    """What an error repeats of a file: readable, and not all of it."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: most + 1])
    return clean if len(text) <= most else clean[:most] + "..."


def _floats(cells: pa.ChunkedArray) -> Float64:
    numbers = _filled(cells).cast(pa.float64(), safe=False)  # unsafe: an int64 may be rounded
    return np.array(numbers.to_numpy(), np.float64)


def _times_ns(cells: pa.ChunkedArray) -> Int64:
    filled = _filled(cells)
    if pa.types.is_temporal(filled.type):
        return _instants_ns(filled, pa.timestamp("ns"))
    if not _is_text(filled.type):
        return _epochs_ns(filled)
    for read in (
        _epochs_ns,
        lambda text: _epochs_ns(text.cast(pa.float64())),
        lambda text: _instants_ns(text, pa.timestamp("ns")),
    ):
        try:
            return read(filled)
        except pa.ArrowInvalid:
            continue
    return _instants_ns(filled, pa.timestamp("ns", "UTC"))  # for text with an offset


def _instants_ns(cells: pa.ChunkedArray, kind: pa.DataType) -> Int64:
    return np.array(cells.cast(kind).cast(pa.int64()).to_numpy(), np.int64)


def _epochs_ns(cells: pa.ChunkedArray) -> Int64:
    if not pa.types.is_floating(cells.type):
        whole = np.array(cells.cast(pa.int64()).to_numpy(), np.int64)
        factor = _unit_ns(whole)
        if whole.max() > INT64_MAX // factor:
            raise ValueError("after the year 2262")
        return whole * factor
    # A double holds today's time to about a microsecond, so the digits beyond are noise.
    epochs = np.array(cells.to_numpy(), np.float64)
    micros = np.rint(epochs * (_unit_ns(epochs) / 1_000))
    if micros.max() > INT64_MAX // 1_000:
        raise ValueError("after the year 2262")
    return micros.astype(np.int64) * 1_000


def _unit_ns(epochs: Int64 | Float64) -> int:
    units = np.searchsorted(UNIT_FROM, epochs, side="right")
    if not (np.isfinite(epochs).all() and units[0] > 0 and (units == units[0]).all()):
        raise ValueError("not epoch numbers of one unit")
    return UNIT_NS[units[0] - 1]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _filled(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if cells.null_count:
        raise ValueError("an empty cell")
    return pc.utf8_trim_whitespace(cells) if _is_text(cells.type) else cells


def _first_unreadable(
    cells: pa.ChunkedArray, read: Callable[[pa.ChunkedArray], Int64 | Float64]
) -> int:
    """Halve the rows until one is left: the first n can be read, the first n + 1 cannot."""
    readable, unreadable = 0, len(cells)
    while unreadable - readable > 1:
        middle = (readable + unreadable) // 2
        try:
            read(cells.slice(0, middle))
            readable = middle
        except (ValueError, pa.ArrowNotImplementedError):
            unreadable = middle
    return readable


def _read_csv(path: Path) -> pa.Table:
    """Every column as text: then a cell that is no number is found by its row, not lost as null."""
    _, header = next(_csv_rows(path), (1, []))
    if not header:
        raise DataError(path, None, None, "the file is empty")
    texts = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()))
    form = pyarrow.csv.ParseOptions(delimiter=_delimiter(path))
    try:
        return pyarrow.csv.read_csv(path, convert_options=texts, parse_options=form)
    except pa.ArrowInvalid:
        for row, (_, cells) in enumerate(_csv_rows(path)):
            if len(cells) != len(header):
                why = f"{len(cells)} cells where the header has {len(header)}; complete the row"
                raise DataError(path, row, None, why) from None
            for column, cell in zip(header, cells, strict=True):
                if "\ufffd" in cell:
                    why = f"{_shortened(cell)!r} is not UTF-8 text; is it a CSV?"
                    raise DataError(path, row, column, why) from None
        raise


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The header and the rows, each with its line in the file, which blank lines push down."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=_delimiter(path))
        for cells in reader:
            if cells:
                yield reader.line_num, cells


def _delimiter(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return max(",;\t", key=file.readline().count)


def _line_of(path: Path, row: int) -> int | None:
    if path.suffix.lower() != ".csv":
        return None
    return next(islice(_csv_rows(path), row, None), (None, []))[0]


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    ".csv": _read_csv,
    ".parquet": pyarrow.parquet.read_table,
    ".feather": pyarrow.feather.read_table,
}
