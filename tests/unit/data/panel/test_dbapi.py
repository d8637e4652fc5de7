"""A table is read through a real database module, some columns at a time, and checked."""

import datetime as dt
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liveopt.data.panel import dbapi as module
from liveopt.data.panel.columns import Form, columns_of
from liveopt.data.panel.dbapi import check_sums, open_table, read_table
from liveopt.data.panel.panel import Panel
from liveopt.data.panel.read_csv import read
from liveopt.data.tables import DataError

RNG = np.random.default_rng(3)
WIDE = 1_500
DAYS = 40


def made(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    """A database with one table `desk` of these rows."""
    with closing(sqlite3.connect(path)) as db, db:
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
        db.execute(f"CREATE TABLE desk ({names})")
        db.executemany(f"INSERT INTO desk VALUES ({', '.join('?' * len(columns))})", rows)
    return path


def panel_of(path: Path, form: Form | None = None) -> Panel:
    with closing((table := open_table(f"sqlite3:{path}", "desk")).connection):
        form = form or Form()
        panel = read([read_table(table, form)], form).panel
        check_sums(table, panel, columns_of(table.path, table.header(), form))
        return panel


@pytest.fixture
def wide(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """More columns than one query asks for, in no order of time."""
    pnl = RNG.standard_t(3, (WIDE, DAYS))
    names = [f'SL{i}% "x"' for i in range(WIDE)]
    rows = [
        (str(np.datetime64("2024-01-01") + day), "A", *pnl[:, day].tolist())
        for day in RNG.permutation(DAYS)
    ]
    return made(tmp_path / "desk.db", ["Date", "Zone", *names], rows), pnl


def test_a_table_wider_than_a_query_is_read_whole(wide: tuple[Path, np.ndarray]) -> None:
    path, pnl = wide
    panel = panel_of(path)
    assert panel.names == [f'SL{i}% "x"' for i in range(WIDE)]
    assert np.array_equal(panel.pnl, pnl)
    assert panel.groups == ["desk"]


def test_null_is_nothing_and_text_and_words_are_told_apart(tmp_path: Path) -> None:
    rows = [
        (dt.date(2024, 1, 1).isoformat(), 1, None, "1.5", "word", None),
        (dt.date(2024, 1, 2).isoformat(), 2.5, 3, "-2", "word", None),
    ]
    path = made(tmp_path / "a.db", ["Date", "a", "b", "c", "d", "e"], rows)
    with closing((table := open_table(f"sqlite3:{path}", "desk")).connection):
        found = read([read_table(table, Form())], Form())
    assert found.panel.names == ["a", "b", "c"]
    assert found.panel.pnl.tolist() == [[1, 2.5], [0, 3], [1.5, -2]]
    (source,) = found.about.sources
    assert (source.missing, source.skipped) == (1, {"d": "text", "e": "empty"})


def test_a_bad_cell_is_refused_with_its_row(tmp_path: Path) -> None:
    rows = [(f"2024-01-0{i}", float("inf") if i == 2 else 1.0) for i in range(1, 5)]
    path = made(tmp_path / "a.db", ["Date", "x"], rows)
    with pytest.raises(DataError, match="row 2, column 'x': 'inf'"):
        panel_of(path)


def test_a_column_may_have_any_name(tmp_path: Path) -> None:
    path = made(tmp_path / "a.db", ["Date", "{table}", "S%1"], [("2024-01-01", 1, 2)])
    assert panel_of(path).pnl.tolist() == [[1], [2]]


def test_sums_are_added_in_doubles_whatever_the_column_is(tmp_path: Path) -> None:
    """As single numbers, or as whole ones, they would be rounded on the way."""
    path = made(tmp_path / "a.db", ["Date", "x"], [("2024-01-01", 2**53), ("2024-01-02", 1)])
    said: list[str] = []
    with closing((table := open_table(f"sqlite3:{path}", "desk")).connection):
        table.connection.set_trace_callback(said.append)
        panel = read([read_table(table, Form())], Form()).panel
        check_sums(table, panel, columns_of(table.path, table.header(), Form()))
    assert 'SELECT SUM(CAST("x" AS DOUBLE PRECISION)) FROM "desk"' in " ".join(said)


def test_amounts_in_another_form_are_refused(tmp_path: Path) -> None:
    rows = [("2024-01-01", "(1.5)", 1), ("2024-01-02", "-", 2)]
    path = made(tmp_path / "a.db", ["Date", "x", "y"], rows)
    with pytest.raises(DataError, match=r"row 1, column 'x': '\(1\.5\)'"):
        panel_of(path)


def test_sums_that_the_database_does_not_confirm_are_refused(wide: tuple[Path, np.ndarray]) -> None:
    path, _ = wide
    panel = panel_of(path)
    panel.pnl[700, 3] += 1e-6
    with closing((table := open_table(f"sqlite3:{path}", "desk")).connection):
        columns = columns_of(table.path, table.header(), Form())
        with pytest.raises(DataError, match="'SL700% \"x\"': the database sums it to"):
            check_sums(table, panel, columns)


def test_rows_that_cannot_be_told_apart_are_refused_only_where_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("2024-01-01", 1, 2), ("2024-01-01", 3, 4)]
    path = made(tmp_path / "a.db", ["Date", "x", "y"], rows)
    assert sorted(map(tuple, panel_of(path).pnl.T.tolist())) == [(1, 2), (3, 4)]
    monkeypatch.setattr(module, "COLUMNS_AT_ONCE", 1)
    with pytest.raises(DataError, match="which row is which cannot be told"):
        panel_of(path)


def test_a_table_that_changes_while_it_is_read_is_refused(
    wide: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = wide
    counted = module.count

    def and_then_more(table: module.Table) -> int:
        rows = counted(table)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute('INSERT INTO desk ("Date") VALUES (?)', ("2025-01-01",))
        return rows

    monkeypatch.setattr(module, "count", and_then_more)
    with pytest.raises(DataError, match="the table changed while it was read"):
        panel_of(path)


@pytest.mark.parametrize(
    ("spec", "table", "why"),
    [
        ("nosuchmodule:x", "desk", "there is no such Python module"),
        ("json:x", "desk", "is no module of PEP 249"),
        ("sqlite3:desk.db,nonsense=1", "desk", "cannot connect"),
        ("sqlite3:desk.db", "nobody", "the database says: no such table"),
        ("sqlite3:desk.db,password=hunter2", "desk", "a password does not belong in a command"),
        ("sqlite3:dsn=host=x PWD=hunter2", "desk", "a password does not belong in a command"),
        ("sqlite3:db://me:hunter2@x/y", "desk", "a password does not belong in a command"),
        ("admin,password=hunter2", "desk", "is not given as module:arguments"),
        ("sqlite3:password=env:NOBODY_SET_THIS", "desk", "no such environment variable"),
    ],
)
def test_what_cannot_be_reached_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, table: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path / "desk.db", ["Date", "x"], [])
    with pytest.raises(DataError, match=why) as error:
        open_table(spec, table).header()
    assert "hunter2" not in str(error.value)


def test_arguments_may_be_named_and_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path / "desk.db", ["Date", "x"], [("2024-01-01", 1)])
    monkeypatch.setenv("WHERE_THE_DESK_IS", str(path))
    table = open_table("sqlite3:database=env:WHERE_THE_DESK_IS,timeout=5", "main.desk")
    with closing(table.connection):
        assert table.header() == ["Date", "x"]
        assert read_table(table, Form()).pnl.tolist() == [[1.0]]


def test_an_empty_table_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "desk.db", ["Date", "x"], [])
    with pytest.raises(DataError, match="the table has no rows"):
        panel_of(path)


def test_what_the_database_refuses_later_is_told(tmp_path: Path) -> None:
    path = made(tmp_path / "desk.db", ["Date", "x"], [("2024-01-01", 1)])
    with closing((table := open_table(f"sqlite3:{path}", "desk")).connection):
        table.connection.execute("DROP TABLE desk")
        with pytest.raises(DataError, match="the database says: no such table: desk"):
            module.count(table)
