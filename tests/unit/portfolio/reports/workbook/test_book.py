"""Cells, tables and charts of a workbook, read back from its XML."""

import zipfile
from collections.abc import Mapping
from datetime import date
from io import BytesIO
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from liveopt.portfolio.reports.workbook.book import Book, Column

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STARTED = "2026-01-02T03:04:05+00:00"


def parts(content: bytes) -> Mapping[str, bytes]:
    with zipfile.ZipFile(BytesIO(content)) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def sheets(content: bytes) -> dict[str, list[list[str | float]]]:
    """Of each sheet its rows: strings and numbers. A formula or an error would not get through."""
    files = parts(content)
    strings: list[str] = []
    if "xl/sharedStrings.xml" in files:
        root = ET.fromstring(files["xl/sharedStrings.xml"])
        strings = ["".join(t.text or "" for t in si.iter(f"{MAIN}t")) for si in root]
    names = [
        one.attrib["name"] for one in ET.fromstring(files["xl/workbook.xml"]).iter(f"{MAIN}sheet")
    ]
    found: dict[str, list[list[str | float]]] = {}
    for number, name in enumerate(names, 1):
        rows: list[list[str | float]] = []
        for row in ET.fromstring(files[f"xl/worksheets/sheet{number}.xml"]).iter(f"{MAIN}row"):
            cells: list[str | float] = []
            for cell in row:
                assert [one.tag for one in cell] in ([f"{MAIN}v"], [])
                value = cell.findtext(f"{MAIN}v")
                if value is not None:
                    kind = cell.attrib.get("t")
                    assert kind in {None, "s"}
                    cells.append(strings[int(value)] if kind == "s" else float(value))
            rows.append(cells)
        found[name] = rows
    return found


def one_table(rows: list[list[str | float | int | date]], *kinds: str) -> bytes:
    book = Book(STARTED, small=False)
    sheet = book.sheet("Sheet", "Title", "note")
    columns = [Column(f"=c{i}", kind) for i, kind in enumerate(kinds)]  # type: ignore[arg-type]
    sheet.table(columns, rows)
    return book.content()


@settings(max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=5))
def test_whatever_a_name_is_it_is_a_string(names: list[str]) -> None:
    rows = sheets(one_table([[name] for name in names], "text"))["Sheet"]
    assert rows[2] == ["=c0"]
    assert len(rows) - 3 == len(names)
    assert all(isinstance(cell, str) for row in rows for cell in row)


def test_links_and_formulas_stay_what_they_are() -> None:
    content = one_table([["=1+1"], ["https://example.org"], ["@SUM(A1)"], ["internal:A1"]], "text")
    assert sheets(content)["Sheet"][3:] == [
        ["=1+1"], ["https://example.org"], ["@SUM(A1)"], ["internal:A1"],
    ]  # fmt: skip
    assert not any(b"hyperlink" in one for one in parts(content).values())


def test_numbers_have_their_digits_and_what_is_none_is_a_word() -> None:
    values = [1.2345678901234, float("nan"), float("inf"), float("-inf"), -3]
    rows = sheets(one_table([[value] for value in values], "ratio"))["Sheet"][3:]
    assert rows == [[1.2345678901234], ["\N{EN DASH}"], ["infinite"], ["minus infinite"], [-3.0]]


def test_dates_are_dates_and_those_before_excels_time_are_text() -> None:
    rows = sheets(one_table([[date(2024, 1, 1)], [date(1812, 9, 7)]], "date"))["Sheet"][3:]
    assert rows == [[45292.0], ["1812-09-07"]]


def test_a_name_longer_than_a_cell_is_cut_and_not_lost() -> None:
    ((told,),) = sheets(one_table([["long" * 10_000]], "text"))["Sheet"][3:]
    assert isinstance(told, str)
    assert len(told) == 32_000


def test_the_date_of_the_file_is_that_of_the_run() -> None:
    assert b"2026-01-02T03:04:05Z" in parts(one_table([], "text"))["docProps/core.xml"]


def test_small_money_is_shown_with_its_digits() -> None:
    book = Book(STARTED, small=True)
    book.sheet("Sheet", "Title").table([Column("m", "money")], [[0.00012]])
    assert b"#,##0.00000000" in parts(book.content())["xl/styles.xml"]
    assert b"#,##0.00000000" not in parts(one_table([[1.0]], "money"))["xl/styles.xml"]


def test_a_ratio_of_millions_has_no_digits_after_the_point() -> None:
    assert b"[&gt;=1000000]#,##0;#,##0.0000" in parts(one_table([[1.0]], "ratio"))["xl/styles.xml"]
