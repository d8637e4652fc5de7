"""Several files become one panel: every session that any of them has, by what they share."""

from pathlib import Path

import numpy as np
import pytest

from liveopt.data.panel.read_csv import Read, read_csv
from liveopt.data.tables import DataError
from tests.unit.data.panel.files import put


def merged(folder: Path, **texts: str) -> Read:
    return read_csv([put(folder / f"{stem}.csv", text) for stem, text in texts.items()])


def test_files_are_merged_on_their_days_and_what_is_absent_is_zero_and_counted(
    tmp_path: Path,
) -> None:
    read = merged(
        tmp_path,
        nifty="Date,x,y\n2024-01-03,1,2\n2024-01-01,3,\n",
        bank="Date,x\n02-01-2024,5\n03-01-2024,6\n31-01-2024,7\n",
    )
    panel = read.panel
    assert panel.names == ["nifty_x", "nifty_y", "bank_x"]
    assert panel.groups == ["nifty", "bank"]
    assert panel.group.tolist() == [0, 0, 1]
    days = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-31"]
    assert panel.sessions.date.astype(str).tolist() == days
    assert panel.pnl.tolist() == [[3, 0, 1, 0], [0, 0, 2, 0], [0, 5, 6, 7]]
    assert (read.about.absent, read.about.missing, read.about.differing) == (2 * 2 + 1, 1, 0)


def test_zones_and_times_that_all_files_have_are_part_of_what_a_session_is(tmp_path: Path) -> None:
    head = "Date,Zone,start_time,"
    read = merged(
        tmp_path,
        a=f"{head}x\n2024-01-01,A,09:15,1\n2024-01-01,B,09:15,2\n2024-01-01,A,11:00,3\n",
        b=f"{head}x\n2024-01-01,B,09:15,4\n2024-01-01,A,11:00,5\n",
    )
    sessions = read.panel.sessions
    assert sessions.zone is not None
    assert sessions.start_min is not None
    assert sessions.zone.tolist() == ["A", "B", "A"]
    assert sessions.start_min.tolist() == [555, 555, 660]
    assert read.panel.pnl.tolist() == [[1, 2, 3], [0, 4, 5]]


def test_what_one_file_knows_of_a_session_is_known(tmp_path: Path) -> None:
    read = merged(
        tmp_path,
        a="Date,capital,market_regime,x\n2024-01-01,100,Bull,1\n2024-01-02,,,2\n",
        b="Date,capital,Day,x\n2024-01-01,200,Mon,1\n2024-01-02,300,Tue,2\n2024-01-03,4,Wed,3\n",
    )
    sessions = read.panel.sessions
    for column, expected in (
        (sessions.capital, [100.0, 300.0, 4.0]),
        (sessions.day, ["Mon", "Tue", "Wed"]),
        (sessions.regime, ["Bull", "", ""]),
    ):
        assert column is not None
        assert column.tolist() == expected
    assert read.about.differing == 1
    assert read.panel.sessions.confidence is None


def test_the_order_of_dates_is_one_for_all_files(tmp_path: Path) -> None:
    """In one of them no day is above 12; the other tells."""
    read = merged(tmp_path, a="Date,x\n01-02-2024,1\n", b="Date,x\n01-13-2024,2\n01-02-2024,3\n")
    assert read.panel.sessions.date.astype(str).tolist() == ["2024-01-02", "2024-01-13"]
    assert read.panel.pnl.tolist() == [[1, 0], [3, 2]]


def test_two_rows_of_one_session_cannot_be_merged(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.csv: two sessions with date 2024-01-01; files that"):
        merged(
            tmp_path,
            a="Date,Zone,x\n2024-01-01,A,1\n2024-01-01,B,2\n",
            b="Date,x\n2024-01-01,1\n",
        )


def test_names_that_would_be_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one, two = (put(tmp_path / name, "Date,x\n2024-01-01,1\n") for name in ("a.csv", "b/a.csv"))
    with pytest.raises(DataError, match="have the same name; rename one"):
        read_csv([one, two])
    with pytest.raises(DataError, match="'a_b_x': two strategies have this name"):
        merged(tmp_path, a="Date,b_x\n2024-01-01,1\n", a_b="Date,x\n2024-01-01,1\n")


def test_merging_is_the_same_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    lines = [f"2024-01-{d:02},{d}.5,{-d}" for d in range(1, 29)]
    texts = []
    for _ in range(2):
        rng.shuffle(lines)
        texts.append("Date,x,y\n" + "\n".join(lines))
    one, two = (merged(tmp_path, a=text, b=texts[0]).panel for text in texts)
    assert np.array_equal(one.pnl, two.pnl)
    assert one.pnl[0].tolist() == [d + 0.5 for d in range(1, 29)]


def test_what_the_day_of_the_week_is_called_makes_no_other_session(tmp_path: Path) -> None:
    read = merged(
        tmp_path,
        a="Date,Day,x\n2024-01-01,Mon,1\n2024-01-02,Tue,2\n",
        b="Date,Day,x\n2024-01-01,Monday,5\n2024-01-02,Tuesday,6\n",
    )
    assert read.panel.pnl.tolist() == [[1, 2], [5, 6]]
    assert (read.about.absent, read.about.differing) == (0, 2)


def test_zones_are_one_in_any_case_and_refused_where_no_session_is_in_two_files(
    tmp_path: Path,
) -> None:
    head = "Date,Zone,x\n2024-01-01"
    assert merged(tmp_path, a=f"{head},Z1,1\n", b=f"{head},z1,5\n").panel.pnl.tolist() == [[1], [5]]
    with pytest.raises(DataError, match=r"its zone is '1' where .*b\.csv has 'zone 1'; write"):
        merged(tmp_path, a=f"{head},1,1\n", b=f"{head},Zone 1,5\n")
    apart = merged(tmp_path, a=f"{head},1,1\n", b="Date,Zone,x\n2024-01-02,Zone 1,5\n")
    assert apart.panel.pnl.tolist() == [[1, 0], [0, 5]], "other days are other sessions"


def test_the_scale_of_a_confidence_is_one_for_all_files(tmp_path: Path) -> None:
    head = "Date,Regime_Confidence_%,x\n2024-01-0"
    read = merged(tmp_path, a=f"{head}1,90,1\n", b=f"{head}2,1,5\n")
    assert read.panel.sessions.confidence is not None
    assert read.panel.sessions.confidence.tolist() == [0.9, 0.01]
    with pytest.raises(DataError, match=r"b\.csv: row 1, .* 0\.9 is a fraction, and another file"):
        merged(tmp_path, a=f"{head}1,90,1\n", b=f"{head}2,0.9,5\n")
