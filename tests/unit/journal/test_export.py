"""Tables of records: every key a column, text never a formula, numbers the same numbers."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.journal.export import (
    BadRecord,
    cell,
    columns,
    harmless,
    open_new,
    rows,
    write_csv,
    write_json,
)
from liveopt.journal.reader import Record

RECORDS = [
    Record(1, b'{"pnl":"-1.5","price":1,"type":"Fill"}'),
    Record(2, b'{"entry":true,"note":"=1+1","parameters":{"fast":3},"price":2.5}'),
    Record(3, b'{"note":null,"price":-3}'),
]


def test_each_key_is_a_column_of_what_holds_all_its_values() -> None:
    assert columns(rows("trades", RECORDS)) == {
        "~journal": "text", "~n": "int", "pnl": "text", "price": "float", "type": "text",
        "entry": "bool", "note": "text", "parameters": "text",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], "int"), ([1, 2.5], "float"), ([2.5], "float"), ([True], "bool"),
        ([True, 1], "text"), (["a", 1], "text"), ([None], "text"), ([None, 1], "int"),
        ([2**63 - 1, -(2**63)], "int"), ([2**63], "text"), ([[1]], "text"), ([{}], "text"),
    ],
)  # fmt: skip
def test_a_column_is_as_wide_as_its_widest_value(values: list[object], kind: str) -> None:
    assert columns({"x": value} for value in values) == {"x": kind}


def test_cells_are_what_their_column_holds() -> None:
    assert cell(None, "int") is None
    assert cell(3, "float") == 3.0
    assert isinstance(cell(3, "float"), float)
    assert cell([1, "a"], "text") == '[1,"a"]'
    assert cell(True, "text") == "true"
    assert cell("a", "text") == "a"


def test_a_csv_has_a_line_for_each_record() -> None:
    file = io.StringIO()
    assert write_csv(file, columns(rows("trades", RECORDS)), rows("trades", RECORDS)) == 3
    assert file.getvalue().splitlines() == [
        "~journal,~n,pnl,price,type,entry,note,parameters",
        "trades,1,-1.5,1.0,Fill,,,",
        'trades,2,,2.5,,true,\'=1+1,"{""fast"":3}"',
        "trades,3,,-3.0,,,,",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1+cmd", "'-1+cmd"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("\n=1", "'\n=1"), ("\uff1d1", "'\uff1d1"),
        ("-", "'-"), ("-\u0661", "'-\u0661"),
        ("-1.5", "-1.5"), ("-0.00000123", "-0.00000123"), ("1e-7", "1e-7"), ("-1E+9", "-1E+9"),
        ("", ""), ("a=1", "a=1"), ("'", "'"),
    ],
)  # fmt: skip
def test_only_text_that_a_spreadsheet_would_run_is_marked(text: str, shown: str) -> None:
    assert harmless(text) == shown


@given(st.text())
def test_no_text_begins_a_formula_and_none_is_lost(text: str) -> None:
    file = io.StringIO()
    write_csv(file, {"x": "text", "y": "int"}, [{"x": text, "y": 1}])
    file.seek(0)
    found = list(csv.reader(io.StringIO(file.getvalue(), newline="")))[1][0]
    assert found in (text, "'" + text)
    number = re.fullmatch(r"-?[0-9.]+([eE][+-]?[0-9]+)?", found) is not None
    assert number or found[:1] not in {"=", "+", "-", "@", "\t", "\r"}


@given(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_stay_the_same_numbers(number: float) -> None:
    record = Record(1, json.dumps({"x": number}).encode())
    file = io.StringIO()
    write_csv(file, columns(rows("t", [record])), rows("t", [record]))
    text = file.getvalue().splitlines()[1].split(",")[2]
    assert type(number)(text) == number


def test_json_is_one_array_with_the_very_bytes() -> None:
    file = io.StringIO()
    assert write_json(file, (("trades", record) for record in RECORDS)) == 3
    found = json.loads(file.getvalue())
    assert [one["~n"] for one in found] == [1, 2, 3]
    assert {one["~journal"] for one in found} == {"trades"}
    assert [one["record"] for one in found] == [json.loads(r.content) for r in RECORDS]
    assert RECORDS[1].content.decode() in file.getvalue()
    empty = io.StringIO()
    assert write_json(empty, []) == 0
    assert json.loads(empty.getvalue()) == []


def test_a_record_that_is_no_json_is_named() -> None:
    with pytest.raises(BadRecord, match="trades: record 4 is no JSON"):
        list(rows("trades", [Record(4, b'{"a":x}')]))


def test_a_file_that_is_there_is_not_written_to(tmp_path: Path) -> None:
    open_new(tmp_path / "a").close()
    with pytest.raises(FileExistsError):
        open_new(tmp_path / "a")
