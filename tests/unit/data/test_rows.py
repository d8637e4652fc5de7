"""Rows of any columns become a Parquet file with the same values."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet
import pytest

from liveopt.data import rows
from liveopt.data.rows import write_rows


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table: list[list[object]] = [
        [1, 2.5, "a", True],
        [None, None, None, None],
        [-(2**63), -0.0, "=1+1", False],
    ]
    assert write_rows(path, {"i": "int", "f": "float", "t": "text", "b": "bool"}, table) == 3
    found = pyarrow.parquet.read_table(path)
    assert [list(row.values()) for row in found.to_pylist()] == table
    assert [str(kind) for kind in found.schema.types] == ["int64", "double", "string", "bool"]


def test_a_group_at_a_time_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "GROUP", 10)
    path = tmp_path / "a.parquet"

    def numbers() -> Iterator[list[int]]:
        yield from ([number] for number in range(25))

    assert write_rows(path, {"n": "int"}, numbers()) == 25
    assert pyarrow.parquet.read_metadata(path).num_row_groups == 3
    assert pyarrow.parquet.read_table(path)["n"].to_pylist() == list(range(25))


def test_no_rows_are_a_file_with_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert write_rows(path, {"n": "int"}, []) == 0
    assert pyarrow.parquet.read_table(path).column_names == ["n"]
