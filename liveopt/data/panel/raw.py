"""One source's cells taken apart: the words of its sessions, the numbers of its strategies."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from liveopt.data.panel.cells import Block, Cells, Outside, Progress, look, without_missing
from liveopt.data.panel.columns import Columns, Form, columns_of
from liveopt.data.panel.dates import TIME, YEAR_FIRST, YEAR_LAST
from liveopt.data.panel.panel import Float64
from liveopt.data.tables import DataError

SHOWN: Final = 20
"""So many bad cells are named in an error."""
LIKE_NUMBER: Final = re.compile(r"(?:[\W_]*[^\W\d_]){0,3}[\W_]*\d")
"""How amounts begin that are no plain numbers, such as (1,5) or Rs 100: few letters, a digit."""
NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
Texts = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that is no number."""

    row: int
    """From 0."""
    text: str


@dataclass(slots=True)
class Tally:
    """What is known of each candidate's cells so far."""

    given: npt.NDArray[np.int64]
    """Cells with something in them."""
    bad: npt.NDArray[np.int64]
    examples: dict[int, list[BadCell]] = field(default_factory=dict)
    """The first bad ones of each candidate that has any."""
    amounts: dict[int, BadCell] = field(default_factory=dict)
    """The first bad one of each candidate that looks like an amount, not like a word."""

    def note(self, place: int, rows: npt.NDArray[np.int64], texts: pa.Array) -> None:
        """Take in some bad cells of one candidate."""
        self.bad[place] += len(rows)
        known = self.examples.setdefault(place, [])
        found = zip(rows.tolist(), texts.to_pylist(), strict=False)
        known += [BadCell(row, text) for row, text in islice(found, SHOWN - len(known))]
        if place not in self.amounts:
            amount = next(filter(_is_amount, texts.unique().to_pylist()), None)
            if amount is not None:
                self.amounts[place] = BadCell(int(rows[texts.index(amount).as_py()]), amount)


@dataclass(frozen=True, slots=True)
class Raw:
    """A source as it was found; the next step makes a panel of it, or refuses."""

    path: Path
    outside: Outside
    columns: Columns
    words: Mapping[str, Texts]
    """Of the sessions, by field; None where a cell is empty."""
    pnl: Float64
    """[candidate, row]; 0 where there is no number."""
    tally: Tally
    lines: Sequence[int]
    """Of the file, one a row; none where the source is no file."""


def read_raw(path: Path, form: Form, progress: Progress) -> Raw:
    """Read a CSV in blocks, so that little more than the numbers is ever in memory."""
    try:
        outside = look(path)
        with path.open("rb") as file:
            cells = Cells(path, file)
            columns = columns_of(path, cells.header, form)
            sink = _Sink(columns, outside.lines - 1)
            progress(cells.read)
            for block in cells.blocks(progress):
                sink.add(block)
    except IsADirectoryError:
        raise DataError(path, None, None, "is a folder; name the files in it") from None
    except FileNotFoundError:
        raise DataError(path, None, None, "there is no such file") from None
    except OSError as error:
        raise DataError(path, None, None, f"cannot be read: {error.strerror or error}") from error
    if not sink.lines:
        raise DataError(path, None, None, "the file has no rows")
    return Raw(path, outside, columns, sink.words, sink.numbers(), sink.tally, sink.lines)


class _Sink:
    """Takes blocks in, and keeps what will be needed of them."""

    def __init__(self, columns: Columns, rows_most: int) -> None:
        count = len(columns.candidates)
        self._columns = columns
        self._width = len(columns.names)
        self._pnl = np.empty((count, rows_most))
        self.tally = Tally(np.zeros(count, np.int64), np.zeros(count, np.int64))
        self.words: dict[str, list[str | None]] = {word: [] for word in columns.session}
        self.lines: list[int] = []

    def add(self, block: Block) -> None:
        first, rows = len(self.lines), len(block.lines)
        self.lines += block.lines
        for word, column in self._columns.session.items():
            found = block.cells.take(pa.array(np.arange(rows) * self._width + column))
            self.words[word] += found.to_pylist()
        # Columns with text in them are read apart, so that they slow no others down.
        suspect = self.tally.bad > 0
        for which in (np.flatnonzero(~suspect), np.flatnonzero(suspect)):
            if len(which):
                self._add_numbers(block, which, first)

    def _add_numbers(self, block: Block, which: npt.NDArray[np.int64], first: int) -> None:
        rows = len(block.lines)
        places = np.asarray(self._columns.candidates, np.int64)[which]
        at = np.arange(rows)[:, None] * self._width + places
        texts = block.cells.take(pa.array(at.ravel()))
        found = numbers_of(texts)
        self.tally.given[which] += found.given.reshape(rows, -1).sum(axis=0)
        if found.bad is not None:
            self._note(texts, found.bad.reshape(rows, -1), which, first)
        part = found.values.reshape(rows, -1).T
        if len(which) == len(self._pnl):
            self._pnl[:, first : first + rows] = part
        else:
            self._pnl[which, first : first + rows] = part

    def _note(
        self, texts: pa.Array, bad: npt.NDArray[np.bool_], which: npt.NDArray[np.int64], first: int
    ) -> None:
        for column in np.flatnonzero(bad.any(axis=0)):
            rows = np.flatnonzero(bad[:, column])
            cells = texts.take(pa.array(rows * bad.shape[1] + column))
            self.tally.note(int(which[column]), first + rows, cells)

    def numbers(self) -> Float64:
        """All of them; a copy only where lines were counted that are no rows."""
        rows = len(self.lines)
        return (
            self._pnl if rows == self._pnl.shape[1] else np.ascontiguousarray(self._pnl[:, :rows])
        )


def _is_amount(text: str) -> bool:
    """Whether a cell that is no number may be meant as one; dates and times of day are not."""
    text = text.strip()
    said = any(form.fullmatch(text) for form in (YEAR_FIRST, YEAR_LAST, TIME))
    return LIKE_NUMBER.match(text) is not None and not said


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was read from cells of text."""

    values: Float64
    """0 where there is no number."""
    given: npt.NDArray[np.bool_]
    """Which cells have something in them."""
    bad: npt.NDArray[np.bool_] | None
    """Which of those are no numbers; None where all are."""


def numbers_of(texts: pa.Array) -> Numbers:
    """Read cells as numbers; neither infinite ones nor words for none are numbers."""
    clean, bad = texts, None
    try:
        numbers = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        clean = without_missing(pc.utf8_trim_whitespace(texts))
        fine = pc.match_substring_regex(clean, NUMBER)
        numbers = pc.if_else(fine, clean, None).cast(pa.float64())
        bad = np.asarray(pc.fill_null(pc.invert(fine), False))
    values = np.array(pc.fill_null(numbers, 0.0).to_numpy(zero_copy_only=False), np.float64)
    strange = ~np.isfinite(values)
    if strange.any():
        values[strange] = 0.0
        bad = strange if bad is None else bad | strange
    return Numbers(values, np.asarray(clean.is_valid()), bad)
