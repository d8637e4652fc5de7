"""A file of candles becomes bars, or is refused with the place and the way to mend it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from liveopt.core.bars import MINUTE_NS, Bars
from liveopt.data.candles import read_candles
from liveopt.data.market import synthetic_bars
from liveopt.data.tables import DataError

NOON_S = 1_704_110_400  # 2024-01-01 12:00 UTC
NOON_NS = NOON_S * 1_000_000_000
HEADER = "date,open,high,low,close,volume"
GOOD = ["10", "12", "9", "11", "5"]


def candles(path: Path, *rows: list[str], header: str = HEADER) -> Path:
    """A CSV file of one row a minute from noon on."""
    lines = [",".join([str(NOON_S + 60 * i), *row]) for i, row in enumerate(rows)]
    file = path / "candles.csv"
    file.write_text("\n".join([header, *lines]))
    return file


def same(bars: Bars, others: Bars) -> bool:
    columns = zip((bars.at_ns, *bars.floats()), (others.at_ns, *others.floats()), strict=True)
    return all(np.array_equal(ours, theirs) for ours, theirs in columns)


def as_table(bars: Bars) -> pa.Table:
    open_, high, low, close, volume = bars.floats()
    date = pa.array(bars.at_ns).cast(pa.timestamp("ns", "UTC"))
    columns = [date, open_, high, low, close, volume]
    return pa.table(dict(zip(HEADER.split(","), columns, strict=True)))


def test_what_was_written_is_read_bit_for_bit(tmp_path: Path) -> None:
    bars = synthetic_bars(500, 1, MINUTE_NS, NOON_NS)
    table = as_table(bars)
    pyarrow.parquet.write_table(table, tmp_path / "c.parquet")
    pyarrow.feather.write_feather(table, tmp_path / "c.feather")
    pyarrow.csv.write_csv(table, tmp_path / "c.csv")
    for ending in ("parquet", "feather", "csv"):
        assert same(read_candles(tmp_path / f"c.{ending}"), bars)


@pytest.mark.parametrize(
    "header",
    [
        "Date,Open,High,Low,Close,Volume",
        "TIMESTAMP,o,h,l,c,v",
        "open_time,Open,HIGH,low,close,base_volume",
        "datetime,open,high,low,close,Vol",
    ],
)
def test_the_usual_column_names_are_known_in_any_case(tmp_path: Path, header: str) -> None:
    bars = read_candles(candles(tmp_path, GOOD, header=header))
    assert [column.tolist() for column in bars.floats()] == [[10.0], [12.0], [9.0], [11.0], [5.0]]


def test_a_range_includes_its_start_and_not_its_end(tmp_path: Path) -> None:
    path = candles(tmp_path, GOOD, GOOD, GOOD, GOOD)
    bars = read_candles(path, NOON_NS + MINUTE_NS, NOON_NS + 3 * MINUTE_NS)
    assert bars.at_ns.tolist() == [NOON_NS + MINUTE_NS, NOON_NS + 2 * MINUTE_NS]


def test_a_range_may_be_open_at_either_end(tmp_path: Path) -> None:
    path = candles(tmp_path, GOOD, GOOD, GOOD)
    assert len(read_candles(path, start_ns=NOON_NS + 1)) == 2
    assert len(read_candles(path, end_ns=NOON_NS + 1)) == 1


def test_an_empty_range_is_refused_with_what_the_file_has(tmp_path: Path) -> None:
    path = candles(tmp_path, GOOD, GOOD)
    with pytest.raises(
        DataError, match=r"no candle .* from 2024-01-01T12:00:00.*Z to 2024-01-01T12:01"
    ):
        read_candles(path, start_ns=NOON_NS + 2 * MINUTE_NS)


@pytest.mark.parametrize(
    ("row", "column", "why"),
    [
        (["nan", "12", "9", "11", "5"], "open", "nan is not a positive finite price"),
        (["10", "inf", "9", "11", "5"], "high", "inf is not a positive finite price"),
        (["10", "12", "-9", "11", "5"], "low", "-9.0 is not a positive finite price"),
        (["10", "12", "0", "11", "5"], "low", "0.0 is not a positive finite price"),
        (["10", "8", "9", "11", "5"], "high", "8.0 is below the open or the close"),
        (["10", "12", "9", "11", "-5"], "volume", "-5.0 is not a finite amount of 0 or more"),
        (["10", "12", "9", "ten", "5"], "close", "cannot read 'ten'"),
    ],
)
def test_a_candle_that_cannot_be_is_named(
    tmp_path: Path, row: list[str], column: str, why: str
) -> None:
    path = candles(tmp_path, GOOD, GOOD, row, GOOD)
    with pytest.raises(DataError) as caught:
        read_candles(path)
    place = f"{path}: row 3, line 4 of the file, column '{column}': {why}; "
    assert str(caught.value).startswith(place)
    assert str(caught.value) != place, "how to mend it follows"


@pytest.mark.parametrize("time_s", [NOON_S, NOON_S - 60])
def test_rows_out_of_order_are_refused_and_never_sorted(tmp_path: Path, time_s: int) -> None:
    path = candles(tmp_path, GOOD)
    path.write_text(path.read_text() + "\n" + ",".join([str(time_s), *GOOD]))
    why = r"row 2, line 3 .*'date': 2024-01-01T1.*Z is not later than the row before; sort the rows"
    with pytest.raises(DataError, match=why):
        read_candles(path)


def test_a_fault_outside_of_the_range_is_a_fault(tmp_path: Path) -> None:
    path = candles(tmp_path, GOOD, GOOD, ["nan", *GOOD[1:]])
    with pytest.raises(DataError, match="row 3"):
        read_candles(path, end_ns=NOON_NS + MINUTE_NS)
