"""`liveopt data import`: what it makes of files, a dump and a table, and what it says of them."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from liveopt.data.panel.store import open_panel, write
from tests.unit.cli.conftest import Call
from tests.unit.data.panel.files import ENHANCED, LEGACY, put

NULLS = r""""Date","zone","SL31%","SL 44%"
"2024-01-02","A","-1.5","\N"
"2024-01-01","B","NULL","3"
"2024-01-03","A","","0.1"
"""


def test_a_csv_becomes_a_store_and_what_was_assumed_is_said(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "desk.csv", ENHANCED)
    code, out, err = call("data", "import", "desk.csv")
    assert code == 0
    assert "strategies\t2\n" in out
    assert "sessions\t3\n" in out
    for said in (
        "day first, as 15-01-2024 shows",
        "confidence: percent, as 85 shows",
        "sorted by date, then start",
        "3 cells of the sessions' own columns are empty",
        "not a strategy: 'symbol'",
        "few sessions: figures of fewer than 50 days say little",
        "few strategies: a portfolio is chosen from 10 at least",
    ):
        assert said in err
    assert open_panel(tmp_path / "desk.panel").read().pnl.tolist() == [[120, 5, -60], [-5.5, 2, 1]]


def test_the_same_as_json(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "desk.csv", LEGACY)
    code, out, err = call(
        "data", "import", "desk.csv", "--out", "p", "--compression", "zstd",
        "--partition", "month", "--exclude", "NIFTY*", "--json",
    )  # fmt: skip
    facts = json.loads(out)
    assert (code, err) == (0, "")
    assert (facts["store"], facts["strategies"], facts["missing_as_zero"]) == ("p", 2, 1)
    assert (facts["compression"], facts["partition"]) == ("zstd", "month")
    assert facts["sources"][0]["skipped"] == {"NIFTY, weekly": "excluded"}
    assert facts["checked"] is None


def test_several_files_are_merged(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "Date,capital,x\n2024-01-01,5,1\n")
    put(tmp_path / "b.csv", "Date,capital,x\n2024-01-01,6,2\n2024-01-02,6,3\n")
    code, out, err = call("data", "import", "a.csv", "b.csv", "--out", "both.panel")
    assert code == 0
    assert "absent_as_zero\t1\n" in out
    assert "1 cells of the sessions differ between the files" in err
    assert open_panel(tmp_path / "both.panel").read().names == ["a_x", "b_x"]


def test_a_dump_is_checked_and_the_check_is_printed(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "dump.csv", NULLS)
    code, out, err = call("data", "import", "--from-csv-dump", "dump.csv")
    assert code == 0, err
    assert "missing_as_zero\t3\n" in out
    assert "3 rows, the sums of 2 columns and the hash of all cells" in out
    panel = open_panel(tmp_path / "dump.panel").read()
    assert panel.pnl.tolist() == [[0, -1.5, 0], [3, 0, 0.1]]


def test_a_dump_that_changes_meanwhile_leaves_nothing(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is changed where the store is written, between the first reading and the second."""
    path = put(tmp_path / "dump.csv", NULLS)

    def meanwhile(*arguments: object, **named: object) -> object:
        put(path, NULLS.replace("-1.5", "-1.25"))
        return write(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("liveopt.cli.data_import.write", meanwhile)
    code, out, err = call("data", "import", "--from-csv-dump", "dump.csv")
    assert (code, out) == (4, "")
    assert "the sums of 1 columns differ ('SL31%': -1.5 for -1.25); nothing was kept" in err
    assert [p.name for p in tmp_path.iterdir()] == ["dump.csv"]


def test_a_table_is_imported_through_its_module_and_checked(call: Call, tmp_path: Path) -> None:
    pnl = np.random.default_rng(1).standard_t(3, (30, 4))
    with closing(sqlite3.connect(tmp_path / "desk.db")) as db, db:
        db.execute('CREATE TABLE pnl ("Date" TEXT, "a" REAL, "b" REAL, "c" REAL, "d" REAL)')
        rows = [(f"2024-01-{i + 1:02}", *row) for i, row in enumerate(pnl.tolist())]
        db.executemany("INSERT INTO pnl VALUES (?, ?, ?, ?, ?)", rows)
    code, out, err = call("data", "import", "--from-dbapi", "sqlite3:desk.db", "--table", "pnl")
    assert code == 0, err
    assert "are the source's; the database's own sums agree" in out
    assert np.array_equal(open_panel(tmp_path / "pnl.panel").read().pnl, pnl.T)


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ([], 2, "name CSV files, or --from-csv-dump FILE, or --from-dbapi and --table"),
        (["a.csv", "--from-csv-dump", "a.csv"], 2, "name CSV files, or"),
        (["--from-dbapi", "sqlite3:x"], 2, "--from-dbapi and --table go together"),
        (["a.csv", "--compression", "lz4"], 2, "--compression lz4: give snappy, zstd or gzip"),
        (["a.csv", "--date-order", "year"], 2, "--date-order year: give auto, day or month"),
        (["a.csv", "--rename", "x"], 2, "--rename x: give OLD=NEW"),
        (["none.csv"], 4, "none.csv: there is no such file"),
        (["a.csv"], 4, "row 1, line 2 of the file, column 'x': '1,5'"),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_nothing(
    call: Call, tmp_path: Path, arguments: list[str], code: int, why: str
) -> None:
    put(tmp_path / "a.csv", 'Date,x\n2024-01-01,"1,5"\n2024-01-02,2\n2024-01-03,2\n')
    found, out, err = call("data", "import", *arguments)
    assert (found, out) == (code, "")
    assert why in err
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_bad_cells_may_be_taken_as_zero_and_columns_renamed(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "a.csv", "Trade=Date,x\n03-04-2024,?\n04-04-2024,2\n05-04-2024,2\n")
    code, out, err = call(
        "data", "import", "a.csv", "--bad-cells", "zero", "--rename", "Trade=Date=Date"
    )
    assert code == 0, err
    assert "bad_as_zero\t1\n" in out
    assert "day first, as with dashes or dots (assumed" in err


def test_a_store_that_is_there_is_replaced_only_by_force(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "a.csv", LEGACY)
    assert call("data", "import", "a.csv")[0] == 0
    code, _, err = call("data", "import", "a.csv")
    assert code == 4
    assert "a.panel: exists; --force replaces it" in err
    assert call("data", "import", "a.csv", "--force")[0] == 0


def test_nothing_but_a_store_is_replaced_by_force(call: Call, tmp_path: Path) -> None:
    put(tmp_path / "a.csv", LEGACY)
    code, _, err = call("data", "import", "a.csv", "--out", "a.csv", "--force")
    assert code == 4
    assert "a.csv: is no panel and is not replaced" in err
    assert (tmp_path / "a.csv").read_text() == LEGACY


def test_the_help_says_what_is_known_and_gives_an_example(call: Call) -> None:
    code, out, _ = call("data", "import", "--help")
    assert code == 0
    assert "liveopt data import desk.csv --out desk.panel" in out
    assert "import" in call("data", "--help")[1]
