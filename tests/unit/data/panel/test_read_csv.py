"""A wide CSV becomes a panel, or is refused with the cells that are wrong and how to mend them."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.data.panel import cells
from liveopt.data.panel.columns import BadCells, Form
from liveopt.data.panel.notes import notes
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


NEITHER = "Date,Regime_Confidence_%,x\n2024-01-01,0.9,1\n2024-01-02,{},1\n"


@pytest.mark.parametrize("cell", ["1.0000000000000002", "1.2", "1.5"])
def test_a_confidence_that_may_be_either_is_refused_until_it_is_told(
    tmp_path: Path, cell: str
) -> None:
    """One rounding among fractions had made all of them percent."""
    path = put(tmp_path / "a.csv", NEITHER.format(cell))
    with pytest.raises(DataError, match=r"row 2, .* may be a fraction or percent; .*--confidence"):
        read_csv([path])
    told = read_csv([path], Form(confidence="percent")).panel.sessions.confidence
    assert told is not None
    assert told.tolist() == pytest.approx([0.009, float(cell) / 100])


def test_a_fraction_that_is_rounded_above_one_is_one(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", NEITHER.format("1.0000000000000002"))
    found = read_csv([path], Form(confidence="fraction")).panel.sessions.confidence
    assert found is not None
    assert found.tolist() == [0.9, 1.0]


def test_a_transition_threshold_that_may_be_either_is_refused(tmp_path: Path) -> None:
    text = "Date,Market_regime_transition_threshold,x\n2024-01-01,1.2,1\n"
    with pytest.raises(DataError, match=r"1\.2 may be a fraction or percent; write 0\.7 or 70"):
        read_csv([put(tmp_path / "a.csv", text)])


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


def test_the_line_is_that_of_the_file_though_rows_before_it_are_empty(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "Date,x\n2024-01-01,1\n,\n\nsoon,2\n")
    with pytest.raises(DataError, match=r"row 2, line 5 of the file, column 'Date': cannot read"):
        read_csv([path])


def test_bad_cells_are_zero_where_that_is_asked_for_and_counted(tmp_path: Path) -> None:
    read = read_csv([put(tmp_path / "a.csv", BAD)], Form(bad_cells="zero"))
    assert read.panel.names == ["x", "y"]
    assert read.panel.pnl.tolist() == [[1, 0, 0, 5, 5, 5, 5], [2, 2, 0, 0, 3, 0, 3]]
    (source,) = read.about.sources
    assert (source.bad, source.missing, source.skipped) == (4, 1, {"z": "text"})


@pytest.mark.parametrize(
    "cells",
    [
        ("1,5", "2,5", "-1,25"), ("1,234.50", "-2,000.00", "3,000.00"), ("(100)", "(50)", "(1)"),
        ("1.5%", "2%", "7%"), ("\u2212100", "\u22121", "\u22127"), ("Rs. 5", "Rs. 6", "-"),
        ("-", "n/a", "$5"), ("5 USDT", "6 USDT", "-1 USDT"), ("1_000", "0x10", "-"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("bad_cells", ["refuse", "zero"])
def test_amounts_in_another_form_are_refused_and_never_passed_over_as_text(
    tmp_path: Path, cells: tuple[str, ...], bad_cells: BadCells
) -> None:
    rows = [f'2024-01-0{i},"{cell}",{i},n/k' for i, cell in enumerate(cells, 1)]
    path = put(tmp_path / "a.csv", "Date,x,y,z\n" + "\n".join(rows))
    with pytest.raises(DataError, match="1 column has amounts that cannot be read") as error:
        read_csv([path], Form(bad_cells=bad_cells))
    assert ", column 'x': " in str(error.value)
    assert "column 'z'" not in str(error.value)
    assert read_csv([path], Form(exclude=["x"])).panel.names == ["y"]


@pytest.mark.parametrize("cells", [("(100)", "(50)", "7"), ("-", "-", "2"), ("1,5", "2,5", "3")])
def test_a_column_with_any_number_is_a_strategy_whatever_else_is_in_it(
    tmp_path: Path, cells: tuple[str, ...]
) -> None:
    """Where half of the cells were losses in brackets, the losing strategies were lost."""
    rows = [f'2024-01-0{i},"{cell}",{i}' for i, cell in enumerate(cells, 1)]
    path = put(tmp_path / "a.csv", "Date,x,y\n" + "\n".join(rows))
    with pytest.raises(DataError, match="2 cells are no numbers"):
        read_csv([path])
    assert read_csv([path], Form(bad_cells="zero")).about.bad == 2


@pytest.mark.parametrize("word", ["Zone 1", "NIFTY24", "09:20", "2024-01-25", "25-01-2024", "n/k"])
def test_words_dates_and_times_are_text(tmp_path: Path, word: str) -> None:
    read = read_csv([put(tmp_path / "a.csv", f"Date,note,x\n2024-01-01,{word},1\n")])
    assert read.about.sources[0].skipped == {"note": "text"}


def test_an_amount_is_found_below_many_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "BLOCK", 64)
    rows = [f"2024-01-{i:02},{'(7)' if i == 30 else 'none'},{i}" for i in range(1, 31)]
    with pytest.raises(DataError, match=r"row 30, line 31 of the file, column 'x': '\(7\)'"):
        read_csv([put(tmp_path / "a.csv", "Date,x,y\n" + "\n".join(rows))])


def test_rows_of_one_session_are_counted_and_said(tmp_path: Path) -> None:
    text = "Date,Zone,x\n2024-01-01,A,1\n2024-01-01,B,2\n2024-01-01,A,1\n2024-01-01,A,3\n"
    read = read_csv([put(tmp_path / "a.csv", text)])
    assert read.about.sources[0].repeated == 2
    assert any("2 rows have the date, zone and times of another" in n for n in notes(read.about))
    assert len(read.panel.sessions) == 4


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


def test_a_column_of_text_is_no_strategy_in_any_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "BLOCK", 64)
    rows = [f"2024-01-{i:02},{i}.5,{'word' if i < 10 else 'other'},{-i}" for i in range(1, 31)]
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
