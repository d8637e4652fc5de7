"""A workbook under way: sheets of titled tables, whose cells hold what people read and no formula.

What a stranger wrote is written as a string and never looked at; nothing is a link.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import xlsxwriter

from liveopt.portfolio.reports.words import DASH, Kind, line

Cell = str | float | int | date
CellKind = Kind | Literal["text", "date"]
CELL_MOST: Final = 32_000
"""Characters; Excel takes some more."""
DATES_FROM: Final = 1900
OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
INK, QUIET, HEAD = "#1F2933", "#5F6B7A", "#E8EEF4"
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


@dataclass(frozen=True, slots=True)
class Column:
    """Of a table."""

    title: str
    kind: CellKind
    width: float = 13.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's rows lie: sheet, first and last row, from 0."""

    sheet: str
    first: int
    last: int

    def of(self, column: int) -> list[Any]:
        """A column's cells, as a chart wants them."""
        return [self.sheet, self.first, column, self.last, column]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.last < self.first


class Book:
    """All sheets; `content` ends it."""

    def __init__(self, started: str, *, small: bool) -> None:
        self._file = io.BytesIO()
        self.workbook: Any = xlsxwriter.Workbook(self._file, OPTIONS)
        created = datetime.fromisoformat(started).replace(tzinfo=None, microsecond=0)
        self.workbook.set_properties(
            {"title": "liveopt portfolio optimization", "author": "liveopt", "created": created}
        )
        money = "#,##0.00000000" if small else "#,##0.00"
        forms = {
            "money": money, "ratio": "[>=1000000]#,##0;#,##0.0000", "share": "0.00%",
            "count": "#,##0", "date": "yyyy-mm-dd", "text": "@",
        }  # fmt: skip
        new = self.workbook.add_format
        self.forms = {kind: new({"num_format": form}) for kind, form in forms.items()}
        self.said = new({"align": "right"})
        self.title = new({"bold": True, "font_size": 16, "font_color": INK})
        self.part = new({"bold": True, "font_size": 12, "font_color": INK})
        self.note = new({"font_color": QUIET})
        self.head = new(
            {"bold": True, "bg_color": HEAD, "bottom": 1, "text_wrap": True, "valign": "top"}
        )

    def sheet(self, name: str, title: str, note: str = "") -> "Sheet":
        """A new one, with its headline."""
        return Sheet(self, name, title, note)

    def content(self) -> bytes:
        """The file."""
        self.workbook.close()
        return self._file.getvalue()


class Sheet:
    """One of them; things are written one under the other."""

    def __init__(self, book: Book, name: str, title: str, note: str) -> None:
        self.book, self.name, self.row = book, name, 0
        self.leaf = book.workbook.add_worksheet(name)
        self.leaf.hide_gridlines(2)
        self.leaf.write_string(0, 0, title, book.title)
        self.row = 2
        if note:
            self.leaf.write_string(1, 0, note, book.note)
            self.row = 3

    def part(self, title: str) -> None:
        """A headline within the sheet."""
        self.leaf.write_string(self.row, 0, title, self.book.part)
        self.row += 1

    def notes(self, texts: Iterable[str]) -> None:
        """A line each."""
        for text in texts:
            self.leaf.write_string(self.row, 0, line(text, CELL_MOST), self.book.note)
            self.row += 1
        self.row += 1

    def facts(self, rows: Iterable[tuple[str, Cell, CellKind, str]]) -> None:
        """A name, a value, what it means."""
        for name, value, kind, meaning in rows:
            self.leaf.write_string(self.row, 0, name)
            self._put(self.row, 1, value, kind)
            self.leaf.write_string(self.row, 2, meaning, self.book.note)
            self.row += 1
        self.row += 1

    def table(
        self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, main: bool = True
    ) -> Place:
        """With a head; the main table of a sheet gives its columns their width, and filters."""
        top, last = self.row, len(columns) - 1
        for at, column in enumerate(columns):
            self.leaf.write_string(top, at, line(column.title), self.book.head)
            if main:
                self.leaf.set_column(at, at, column.width)
        for values in rows:
            self.row += 1
            for at, (column, value) in enumerate(zip(columns, values, strict=True)):
                self._put(self.row, at, value, column.kind)
        place = Place(self.name, top + 1, self.row)
        if main and not place.empty:
            self.leaf.autofilter(top, 0, self.row, last)
            self.leaf.freeze_panes(top + 1, 2 if columns[0].title == "Rank" else 1)
        self.row += 2
        return place

    def chart(self, kind: str, title: str, at: tuple[int, int], **more: Any) -> Any:
        """A native chart, its corner at a row and a column; series are added by the caller."""
        chart = self.book.workbook.add_chart({"type": kind, **more})
        chart.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
        chart.set_size({"width": 760, "height": 380})
        chart.set_y_axis({"major_gridlines": {"visible": True, "line": {"color": "#E3E7EC"}}})
        self.leaf.insert_chart(*at, chart)
        return chart

    def _put(self, row: int, column: int, value: Cell, kind: CellKind) -> None:
        form = self.book.forms[kind]
        if isinstance(value, str):
            self.leaf.write_string(row, column, line(value, CELL_MOST) if value else "", form)
        elif isinstance(value, date):
            if value.year < DATES_FROM:
                self.leaf.write_string(row, column, str(value), self.book.said)
            else:
                self.leaf.write_datetime(row, column, value, form)
        elif value != value:  # noqa: PLR0124 - NaN alone
            self.leaf.write_string(row, column, DASH, self.book.said)
        elif abs(value) == float("inf"):
            word = "infinite" if value > 0 else "minus infinite"
            self.leaf.write_string(row, column, word, self.book.said)
        else:
            self.leaf.write_number(row, column, value, form)
