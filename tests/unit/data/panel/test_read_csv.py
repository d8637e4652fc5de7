"""A wide CSV becomes a panel, or is refused with the cells that are wrong and how to mend them."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel import cells
from liveopt.data.panel.columns import Form
from liveopt.data.panel.panel import Float64
from liveopt.data.panel.read_csv import read_csv
from liveopt.data.panel.store import open_panel, write
from liveopt.data.tables import DataError
from tests.unit.data.panel.files import ENHANCED, LEGACY, plainly, put


def test_the_legacy_format(tmp_path: Path) -> None:
    path = put(tmp_path / "desk.csv", LEGACY)
    read = read_csv([path])
    panel, (source,) = read.panel, read.about.sources
    assert panel.names == ["SENSEX 944-1244 SL31%TP57%", "NIFTY, weekly", "Δ-neutral"]
    assert np.array_equal(panel.pnl, plainly(path, panel.names))
    assert panel.pnl.flags.c_contiguous
    assert panel.sessions.date.astype(str).tolist() == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert panel.sessions.zone is not None
    assert panel.sessions.zone.tolist() == ["Zone 1", "Zone 2", "Zone 1"]
    assert panel.sessions.confidence is None
    assert (panel.groups, panel.group.tolist()) == (["desk"], [0, 0, 0])
    assert (source.missing, source.bad, source.in_order) == (1, 0, True)


def test_the_enhanced_format_in_order_of_date_and_start(tmp_path: Path) -> None:
    read = read_csv([put(tmp_path / "a.csv", ENHANCED)])
    panel, sessions, (source,) = read.panel, read.panel.sessions, read.about.sources
    assert panel.names == ["strategy_1", "strategy_2"]
    assert panel.pnl.tolist() == [[120, 5, -60], [-5.5, 2, 1]]
    assert sessions.start_min is not None
    assert sessions.start_min.tolist() == [555, 555, 660]
    assert sessions.regime is not None
    assert sessions.regime.tolist() == ["Bullish", "Bullish", "Bearish"]
    for column, expected in (
        (sessions.confidence, [0.85, 0.705, np.nan]),
        (sessions.transition, [0.4, np.nan, 0.6]),
        (sessions.capital, [100_000, np.nan, 100_000]),
    ):
        assert column is not None
        np.testing.assert_array_equal(column, expected)
    assert source.dates == "day first, as 15-01-2024 shows"
    assert source.confidence == "percent, as 85 shows"
    assert source.transition == "fraction, as no value is above 1"
    assert (source.in_order, source.blank) == (False, 3)


@pytest.mark.parametrize(
    ("scale", "cells", "expected", "why"),
    [
        ("auto", ["0.7", "1"], [0.7, 1.0], "fraction, as no value is above 1"),
        ("auto", ["70", "1"], [0.7, 0.01], "percent, as 70 shows"),
        ("percent", ["0.7", "1"], [0.007, 0.01], "percent, as told"),
        ("fraction", ["0.7", "1"], [0.7, 1.0], "fraction, as told"),
    ],
)
def test_confidence_is_a_fraction_whatever_the_file_has(
    tmp_path: Path, scale: str, cells: list[str], expected: list[float], why: str
) -> None:
    lines = [f"2024-01-0{i},{cell},1" for i, cell in enumerate(cells, 1)]
    text = "Date,Regime_Confidence_%,x\n" + "\n".join(lines)
    form = Form(confidence=scale)  # type: ignore[arg-type]
    read = read_csv([put(tmp_path / "a.csv", text)], form)
    assert read.panel.sessions.confidence is not None
    assert read.panel.sessions.confidence.tolist() == pytest.approx(expected, rel=1e-15)
    assert read.about.sources[0].confidence == why


@pytest.mark.parametrize("bad", ["101", "-1", "high", "inf"])
def test_a_confidence_that_is_none_is_refused_with_its_row(tmp_path: Path, bad: str) -> None:
    text = f"Date,Regime_Confidence_%,x\n2024-01-01,50,1\n2024-01-02,{bad},1\n"
    with pytest.raises(DataError, match=r"row 2, line 3 of the file, column 'Regime_Confidence_%'"):
        read_csv([put(tmp_path / "a.csv", text)])


BAD = """\
Date,x,y,z
2024-01-01,1,2,n/k

2024-01-02,"1,234.50",2,n/k
2024-01-03,inf,-,n/k
2024-01-04,5,,n/k
2024-01-05,5,3,n/k
2024-01-06,5,1_0,n/k
2024-01-07,5,+3.,n/k
"""


def test_bad_cells_are_refused_with_row_line_column_and_the_mend(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read_csv([put(tmp_path / "a.csv", BAD)])
    text = str(error.value)
    assert "4 cells are no numbers:" in text
    assert "row 2, line 4 of the file, column 'x': '1,234.50'" in text
    assert "row 3, line 5 of the file, column 'x': 'inf'" in text
    assert "row 3, line 5 of the file, column 'y': '-'" in text
    assert "row 6, line 8 of the file, column 'y': '1_0'" in text
    assert "'z'" not in text, "a column of words is no strategy with bad cells"
    assert "--bad-cells zero" in text


def test_bad_cells_are_zero_where_that_is_asked_for_and_counted(tmp_path: Path) -> None:
    read = read_csv([put(tmp_path / "a.csv", BAD)], Form(bad_cells="zero"))
    assert read.panel.names == ["x", "y"]
    assert read.panel.pnl.tolist() == [[1, 0, 0, 5, 5, 5, 5], [2, 2, 0, 0, 3, 0, 3]]
    (source,) = read.about.sources
    assert (source.bad, source.missing, source.skipped) == (4, 1, {"z": "text"})


def test_of_many_bad_cells_twenty_are_shown(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-01,{'?' if i < 30 else 1}\n" for i in range(100))
    with pytest.raises(DataError, match="30 cells are no numbers") as error:
        read_csv([put(tmp_path / "a.csv", "Date,x\n" + rows)])
    assert str(error.value).count("column 'x'") == 20
    assert "and 10 more" in str(error.value)


def test_nothing_is_written_in_many_ways_and_empty_columns_are_no_strategies(
    tmp_path: Path,
) -> None:
    words = ["", " ", "NaN", "nan", "NULL", r"\N", "None", "#N/A", "5"]
    lines = [f"2024-01-0{i},{word},," for i, word in enumerate(words, 1)]
    read = read_csv([put(tmp_path / "a.csv", "Date,x,y,z\n" + "\n".join(lines))])
    assert read.panel.names == ["x"]
    assert read.panel.pnl.tolist() == [[0] * 8 + [5]]
    (source,) = read.about.sources
    assert (source.missing, source.skipped) == (8, {"y": "empty", "z": "empty"})


def test_a_column_that_turns_to_text_in_a_later_block_is_still_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "BLOCK", 64)
    rows = [f"2024-01-{i:02},{i}.5,{i if i < 10 else 'word'},{-i}" for i in range(1, 31)]
    path = put(tmp_path / "a.csv", "Date,x,note,y\n" + "\n".join(rows))
    panel = read_csv([path]).panel
    assert panel.names == ["x", "y"]
    assert np.array_equal(panel.pnl, plainly(path, ["x", "y"]))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Date,x\n", "the file has no rows"),
        ("Date,Zone\n2024-01-01,a\n", "no column is a strategy"),
        ("Date,x\n2024-01-01,\n", "no column is a strategy"),
        ("Date,x\nsoon,1\n", "row 1, line 2 of the file, column 'Date': cannot read 'soon'"),
        ("Date,start_time,x\n2024-01-01,late,1\n", "column 'start_time': cannot read 'late'"),
        ("Date,x\n13-01-2024,1\n01-13-2024,1\n", "column 'Date': 13-01-2024 has the day first"),
    ],
)
def test_a_file_without_what_a_panel_needs_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        read_csv([put(tmp_path / "a.csv", text)])


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: there is no such file"):
        read_csv([tmp_path / "none.csv"])
    with pytest.raises(DataError, match="is a folder"):
        read_csv([tmp_path])


def test_progress_is_told_every_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "BLOCK", 50)
    path = put(tmp_path / "a.csv", LEGACY)
    told: list[int] = []
    read_csv([path], progress=told.append)
    assert sum(told) == path.stat().st_size
    assert len(told) > 2


NAMES = st.lists(
    st.text(min_size=1, max_size=8).map(str.strip).filter(
        lambda n: n.isprintable() and n.lower() not in {"", "date", "zone", "day", "capital"}
    ),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip


@given(data=st.data(), names=NAMES, partition=st.sampled_from(["none", "year", "month"]))
def test_csv_to_store_to_panel_is_the_file_as_python_reads_it(
    data: st.DataObject, names: list[str], partition: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    from liveopt.data.panel.store import Layout

    number = st.floats(allow_nan=False, allow_infinity=False)
    row = st.lists(st.one_of(number, st.none()), min_size=len(names), max_size=len(names))
    rows = data.draw(st.lists(row, min_size=1, max_size=40))
    for i in range(len(names)):
        rows[0][i] = rows[0][i] or 1.0  # an empty column would be none
    text = io.StringIO()
    writer = csv.writer(text)
    first = np.datetime64("2023-11-20")
    writer.writerow(["Date", *names])
    writer.writerows([str(first + i), *cells] for i, cells in enumerate(rows))
    folder = tmp_path_factory.mktemp("panel")
    path = put(folder / "a.csv", text.getvalue())
    read = read_csv([path])
    write(read.panel, read.about, folder / "a.panel", Layout(partition=partition))  # type: ignore[arg-type]
    stored = open_panel(folder / "a.panel").read()
    expected: Float64 = np.array([[cell or 0.0 for cell in row] for row in rows]).T
    for panel in (read.panel, stored):
        assert list(panel.names) == names
        assert np.array_equal(panel.pnl, expected)
        assert panel.sessions.date.tolist() == (first + np.arange(len(rows))).tolist()
