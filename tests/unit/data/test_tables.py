"""Cells of a file become numbers and times, and an error names the cell."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from liveopt.data.tables import DataError, parse_time, read_table

NOON_S = 1_704_110_400  # 2024-01-01 12:00 UTC
NOON_NS = NOON_S * 1_000_000_000
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)

WANTED = {"at_ns": ("time", "ts"), "price": ("price", "p")}


def parquet(path: Path, **columns: pa.Array) -> Path:
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def feather(path: Path, **columns: pa.Array) -> Path:
    pyarrow.feather.write_feather(pa.table(columns), path)
    return path


def csv(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def times_of(path: Path, cells: pa.Array) -> list[int]:
    ones = pa.array([1.0] * len(cells))
    table = read_table(parquet(path / "t.parquet", time=cells, price=ones), WANTED)
    times: list[int] = table.times_ns("at_ns").tolist()
    return times


@pytest.mark.parametrize("write", [parquet, feather])
def test_parquet_and_feather_give_the_same_columns(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    name = "t.parquet" if write is parquet else "t.feather"
    path = write(tmp_path / name, time=pa.array([NOON_S]), price=pa.array([1.5]))
    table = read_table(path, WANTED)
    assert table.times_ns("at_ns").tolist() == [NOON_NS]
    assert table.floats("price").tolist() == [1.5]


@pytest.mark.parametrize("ending", [".csv", ".CSV"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_is_read_whatever_separates_its_cells(
    tmp_path: Path, separator: str, ending: str
) -> None:
    text = f"TS,Price ,note\n{NOON_S}, 1.5 ,\n{NOON_S + 1},2e0,x\n".replace(",", separator)
    table = read_table(csv(tmp_path / f"t{ending}", text), WANTED)
    assert table.times_ns("at_ns").tolist() == [NOON_NS, NOON_NS + 1_000_000_000]
    assert table.floats("price").tolist() == [1.5, 2.0]


def test_a_csv_of_another_system_with_byte_order_mark_and_returns_is_read(tmp_path: Path) -> None:
    text = f"\ufefftime,price\r\n{NOON_S},1.5\r\n"
    assert read_table(csv(tmp_path / "t.csv", text), WANTED).floats("price").tolist() == [1.5]


@pytest.mark.parametrize(
    ("header", "complaint"),
    [("p,Time,ts", "column 'Time': 'ts' could be the same"), ("p,p,ts", "column 'p': 'p' could")],
)
def test_two_columns_that_would_do_are_refused_by_name(
    tmp_path: Path, header: str, complaint: str
) -> None:
    path = csv(tmp_path / "t.csv", f"{header}\n1,{NOON_S},{NOON_S}\n")
    with pytest.raises(DataError, match=complaint):
        read_table(path, WANTED)


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path, WANTED)


def test_bytes_that_are_no_table_are_not_dumped(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(bytes(range(256)).replace(b"\n", b"") * 40)
    with pytest.raises(DataError) as error:
        read_table(path, WANTED)
    said = str(error.value)
    assert len(said) < 450 + len(str(path))
    assert said.isprintable()


@pytest.mark.parametrize("factor", [1, 1_000, 1_000_000, 1_000_000_000])
def test_an_epoch_number_tells_its_unit_by_its_size(tmp_path: Path, factor: int) -> None:
    assert times_of(tmp_path, pa.array([NOON_S * factor])) == [NOON_NS]
    assert times_of(tmp_path, pa.array([float(NOON_S * factor)])) == [NOON_NS]
    assert times_of(tmp_path, pa.array([str(NOON_S * factor)])) == [NOON_NS]


def test_a_fraction_of_an_epoch_number_is_kept_to_the_microsecond(tmp_path: Path) -> None:
    assert times_of(tmp_path, pa.array([NOON_S + 0.123456])) == [NOON_NS + 123_456_000]
    assert times_of(tmp_path, pa.array([f"{NOON_S}.5"])) == [NOON_NS + 500_000_000]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "+02:00"])
def test_an_arrow_timestamp_is_read_in_any_unit_and_zone(
    tmp_path: Path, unit: str, zone: str | None
) -> None:
    instants = pa.array([NOON.replace(tzinfo=None)], pa.timestamp(unit))
    assert times_of(tmp_path, instants.cast(pa.timestamp(unit, zone))) == [NOON_NS]


def test_an_arrow_date_is_midnight_utc(tmp_path: Path) -> None:
    assert times_of(tmp_path, pa.array([date(2024, 1, 1)])) == [NOON_NS - 43_200 * 10**9]


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-01T12:00",
        "2024-01-01 12:00:00",
        "2024-01-01T12:00:00.000000000",
        "2024-01-01T12:00:00Z",
        "2024-01-01 14:00:00+02:00",
        " 2024-01-01T12:00 ",
        NOON.astimezone(timezone(timedelta(hours=-5))).isoformat(),
        "1704110400",
        "1704110400000",
    ],
)
def test_a_time_is_written_as_iso_8601_or_as_an_epoch_number(text: str) -> None:
    assert parse_time(text) == NOON_NS


def test_a_date_alone_is_its_midnight_utc() -> None:
    assert parse_time("2024-01-01") == NOON_NS - 43_200 * 10**9


def test_a_nanosecond_survives() -> None:
    assert parse_time("2024-01-01T12:00:00.000000001") == NOON_NS + 1


@pytest.mark.parametrize(
    "text", ["", "yesterday", "20240101", "0", "-1704110400", "1e30", "9999999999", "nan", "12:00"]
)
def test_what_is_no_time_is_refused_with_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot read .* as a time; write ISO 8601 \(2024-03-01"):
        parse_time(text)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("2024-01-01T12:00", "2024-13-01T12:00"),
        ("2024-01-01T12:00", "2024-01-01T12:01Z"),
        ("2024-01-01T12:00Z", "2024-01-01T12:01"),
        ("2024-01-01T12:00", str(NOON_S)),
        (str(NOON_S), str(NOON_S * 1_000)),
        (str(NOON_S), "2024-01-01T12:00"),
        (str(NOON_S), "NaN"),
        (str(NOON_S), "9999999999.5"),
    ],
)
def test_a_time_unlike_those_before_it_is_named(tmp_path: Path, good: str, bad: str) -> None:
    lines = ["time,price", *[f"{good},1"] * 7, f"{bad},1", *[f"{good},1"] * 3]
    path = csv(tmp_path / "t.csv", "\n".join(lines))
    with pytest.raises(DataError, match=f"cannot read '{bad}'; write ISO 8601") as caught:
        read_table(path, WANTED).times_ns("at_ns")
    assert (caught.value.row, caught.value.line, caught.value.column) == (8, 9, "time")


@pytest.mark.parametrize("bad", ["abc", "1.2.3", "1_000", "1,5"])
@pytest.mark.parametrize("row", [1, 2, 9, 10])
def test_a_cell_that_is_no_number_is_named(tmp_path: Path, bad: str, row: int) -> None:
    cells = ["1.5"] * 10
    cells[row - 1] = f'"{bad}"'
    text = "time,p\n" + "".join(f"{NOON_S + i},{cell}\n" for i, cell in enumerate(cells))
    with pytest.raises(DataError) as caught:
        read_table(csv(tmp_path / "t.csv", text), WANTED).floats("price")
    assert (caught.value.row, caught.value.line, caught.value.column) == (row, row + 1, "p")
    assert str(caught.value) == (
        f"{tmp_path / 't.csv'}: row {row}, line {row + 1} of the file, column 'p': "
        f"cannot read {bad!r}; write it with digits and a decimal point"
    )


def test_the_line_counts_blank_lines_and_the_row_does_not(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", f"time,price\n\n{NOON_S},1\n\n{NOON_S + 1},x\n")
    with pytest.raises(DataError, match="row 2, line 5 of the file"):
        read_table(path, WANTED).floats("price")


def test_an_empty_cell_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", f"time,price\n{NOON_S},\n")
    with pytest.raises(DataError, match=r"row 1, line 2 .* the cell is empty"):
        read_table(path, WANTED).floats("price")


def test_a_null_of_a_binary_file_is_named_without_a_line(tmp_path: Path) -> None:
    times = pa.array([NOON_S, None])
    path = parquet(tmp_path / "t.parquet", time=times, price=pa.array([1.0, 2.0]))
    with pytest.raises(DataError, match="row 2, column 'time': the cell is empty") as caught:
        read_table(path, WANTED).times_ns("at_ns")
    assert caught.value.line is None


def test_a_column_of_something_else_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", time=pa.array([NOON_S]), price=pa.array([[1.0]]))
    with pytest.raises(DataError, match="row 1, column 'price': cannot read"):
        read_table(path, WANTED).floats("price")


def test_whole_numbers_are_prices_too(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", time=pa.array([NOON_S]), price=pa.array([2**60 + 1]))
    assert read_table(path, WANTED).floats("price").tolist() == [2.0**60]


def test_a_row_with_too_few_cells_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", f"time,price\n{NOON_S},1\n{NOON_S + 1}\n")
    with pytest.raises(
        DataError, match="row 2, line 3 of the file: 1 cells where the header has 2"
    ):
        read_table(path, WANTED)


def test_text_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f"time,price\n{NOON_S},1\n{NOON_S},".encode() + b"\xff\n")
    with pytest.raises(DataError, match=r"row 2, line 3 .*column 'price': .* is not UTF-8 text"):
        read_table(path, WANTED)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("none.csv", None, "there is no such file"),
        ("t.xlsx", b"", "no reader for it; save it as .csv or .parquet or .feather"),
        ("t.csv", b"", "the file is empty"),
        ("t.csv", b"time,price\n", "the file has no rows"),
        ("t.parquet", b"not parquet at all", "cannot be read as .parquet: "),
        ("t.feather", b"not feather at all", "cannot be read as .feather: "),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    tmp_path: Path, name: str, content: bytes | None, why: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path, WANTED)
    assert str(caught.value).startswith(f"{path}: {why}")
    assert (caught.value.row, caught.value.column) == (None, None)


def test_a_csv_refused_for_no_single_cell_says_what_the_reader_says(tmp_path: Path) -> None:
    # Line breaks within cells confuse the fast reader where one of its blocks of 1 MB ends.
    path = csv(tmp_path / "t.csv", "time,price\n" + f'{NOON_S},"\n1"\n' * 100_000)
    with pytest.raises(DataError, match=r"t\.csv: cannot be read as \.csv: CSV parse error"):
        read_table(path, WANTED)


def test_a_missing_column_is_named_with_those_found(tmp_path: Path) -> None:
    path = csv(tmp_path / "t.csv", "when,price\n1,2\n")
    why = r"column 'time': there is none; name one time or ts \(the file has when, price\)"
    with pytest.raises(DataError, match=why):
        read_table(path, WANTED)
