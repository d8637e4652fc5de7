"""The cells of a CSV are those that Python's own reader finds, block by block."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel import cells as module
from liveopt.data.panel.cells import MISSING, Cells, look
from liveopt.data.tables import DataError
from tests.unit.data.panel.files import put

CELL = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=6),
    st.sampled_from(MISSING),
)


def read(path: Path) -> tuple[list[str], list[str | None], list[int]]:
    with path.open("rb") as file:
        cells = Cells(path, file)
        blocks = list(cells.blocks(lambda _: None))
    flat = [cell for block in blocks for cell in block.cells.to_pylist()]
    return cells.header, flat, [line for block in blocks for line in block.lines]


@given(data=st.data(), block=st.sampled_from([1, 20, 1 << 20]), end=st.sampled_from(["\n", "\r\n"]))
def test_any_csv_is_read_as_python_reads_it(
    data: st.DataObject, block: int, end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    width = data.draw(st.integers(2, 4))
    header = ["Date", "x", "y,z", "Δ"][:width]
    rows = data.draw(st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=5))
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows([header, *rows])
    path = put(tmp_path_factory.mktemp("csv") / "a.csv", text.getvalue())
    expected = [row for row in csv.reader(io.StringIO(text.getvalue(), newline="")) if any(row)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)
        found, flat, lines = read(path)
    assert found == expected[0]
    assert flat == [None if c in MISSING else c for row in expected[1:] for c in row]
    assert len(lines) == len(expected) - 1


@pytest.mark.parametrize("quote", ["", '"'])
def test_lines_are_those_of_the_file_though_some_are_empty(tmp_path: Path, quote: str) -> None:
    text = f"Date,x\n\n1,{quote}2{quote}\n\n3,4\n"
    assert read(put(tmp_path / "a.csv", text)) == (["Date", "x"], ["1", "2", "3", "4"], [3, 5])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_the_delimiter_and_the_mark_of_the_encoding_are_found(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    text = "Date,x\r\n1,2\r\n3,".replace(",", delimiter)
    found = read(put(tmp_path / "a.csv", text, encoding))
    assert found == (["Date", "x"], ["1", "2", "3", None], [2, 3])


@pytest.mark.parametrize("row", ["1", "1,2,3", '"1,2"', "1,2\n1,2,3\n1"])
def test_a_row_of_another_length_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataError, match=r"line [23] of the file has [13] cells .* has 2"):
        read(put(tmp_path / "a.csv", f"Date,x\n{row}\n"))


def test_what_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    for text, line in (("Dàte,x\n", 1), ("Date,x\n1,2\nà,2\n", 3)):
        with pytest.raises(DataError, match=f"line {line} of the file is not UTF-8"):
            read(put(tmp_path / "a.csv", text, "latin-1"))
    with pytest.raises(DataError, match="the file is empty"):
        read(put(tmp_path / "a.csv", ""))


def test_a_look_counts_no_fewer_lines_than_there_are_rows(tmp_path: Path) -> None:
    outside = look(put(tmp_path / "a.csv", "a,b\n1,2\n3,4"))
    assert (outside.lines, outside.bytes) == (3, 11)
    assert look(put(tmp_path / "b.csv", "a,b\n1,2\n")).lines == 2


def test_a_quote_that_is_left_open_is_told_with_its_line(tmp_path: Path) -> None:
    text = 'Date,x\n1,2\n1,"' + "3\n4,5" * 50_000
    with pytest.raises(DataError, match=r"line \d+ of the file cannot be read .* left open"):
        read(put(tmp_path / "a.csv", text))


def test_a_name_may_go_over_two_lines(tmp_path: Path) -> None:
    found = read(put(tmp_path / "a.csv", 'Date,"two\nlines"\n\n1,2\n'))
    assert found == (["Date", "two\nlines"], ["1", "2"], [4])


def test_blocks_without_a_row_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 2)
    found = read(put(tmp_path / "a.csv", "Date,x\n" + "\n" * 9 + "1,2\n" + "\n" * 5))
    assert found == (["Date", "x"], ["1", "2"], [11])


@pytest.mark.parametrize("end", ["", '2024-01-03,1,Y 6",3\n2024-01-04,1,Y,4\n'])
def test_a_quote_in_a_name_never_swallows_rows(tmp_path: Path, end: str) -> None:
    text = 'Date,A 5",Zone,B\n2024-01-01,1,X,2\n2024-01-02,1,X,3\n' + end
    with pytest.raises(DataError, match=r"the first line has a quote .* does not end there"):
        read(put(tmp_path / "a.csv", text))


@pytest.mark.parametrize("where", ["Date,A\n1,1\n", 'Date,"A,B\n'])
def test_a_quote_left_open_is_refused_after_a_mebibyte(tmp_path: Path, where: str) -> None:
    """It was read to the end of the file, in quadratic time."""
    path = tmp_path / "a.csv"
    with put(path, where + '2,"1\n' * ("A\n" in where)).open("ab") as file:
        file.write(b"2024-01-02,1\n" * 600_000)
    with path.open("rb") as file:
        line = 3 if "A\n" in where else 1
        with pytest.raises(DataError, match=f"line {line} of the file has a quote that is left"):
            list(Cells(path, file).blocks(lambda _: None))
        assert file.tell() < module.BLOCK + 2 * module.OPEN_MOST


@pytest.mark.parametrize(
    "text", ["Date,A\r1,1\r2,2\r", "Date,A\n1,1\r2,2\r3,5\r", '"Date",A\r"1",1']
)
def test_line_ends_of_cr_alone_are_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="line ends of CR alone"):
        read(put(tmp_path / "a.csv", text))


@pytest.mark.parametrize("text", ["\nDate,A\n1,1\n", "sep=;\nDate;A\n1;1\n"])
def test_a_first_line_that_names_no_columns_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match="the first line does not name the columns"):
        read(put(tmp_path / "a.csv", text))


@pytest.mark.parametrize("quote", ["", '"'])
def test_rows_of_nothing_but_commas_are_no_rows(tmp_path: Path, quote: str) -> None:
    text = f"Date,x,y\n1,{quote}2{quote},\n,,\n3,,4\n,,\n,,\n"
    assert read(put(tmp_path / "a.csv", text))[1:] == (["1", "2", None, "3", None, "4"], [2, 4])
