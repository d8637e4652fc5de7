"""A file of trades becomes columns of ticks, or is refused with the place."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from liveopt.data.tables import DataError
from liveopt.data.trades import read_trades

NOON_MS = 1_704_110_400_000


def trades(path: Path, text: str) -> Path:
    file = path / "trades.csv"
    file.write_text(text)
    return file


def test_trades_of_one_time_are_kept_in_their_order(tmp_path: Path) -> None:
    columns = {
        "timestamp": pa.array([NOON_MS, NOON_MS, NOON_MS + 1]),
        "side": pa.array(["buy", "sell", "buy"]),
        "price": pa.array([10.0, 11.0, 12.0]),
        "amount": pa.array([1.0, 2.0, 0.0]),
    }
    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    at_ns, price, size = read_trades(tmp_path / "t.parquet")
    assert at_ns.tolist() == [NOON_MS * 10**6, NOON_MS * 10**6, (NOON_MS + 1) * 10**6]
    assert price.tolist() == [10.0, 11.0, 12.0]
    assert size.tolist() == [1.0, 2.0, 0.0]


@pytest.mark.parametrize("name", ["amount", "size", "qty", "Quantity"])
def test_the_usual_names_of_a_size_are_known(tmp_path: Path, name: str) -> None:
    path = trades(tmp_path, f"date,price,{name}\n2024-01-01T12:00:00.001Z,10,3\n")
    at_ns, _, size = read_trades(path)
    assert at_ns.tolist() == [(NOON_MS + 1) * 10**6]
    assert size.tolist() == [3.0]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (f"{NOON_MS - 1},10,1", "'ts': earlier than the row before; sort the rows by time"),
        (f"{NOON_MS},0,1", "'price': not a positive finite price"),
        (f"{NOON_MS},nan,1", "'price': not a positive finite price"),
        (f"{NOON_MS},10,-1", "'qty': not a finite amount from 0"),
        (f"{NOON_MS},10,inf", "'qty': not a finite amount from 0"),
    ],
)
def test_a_trade_that_cannot_be_is_named(tmp_path: Path, row: str, why: str) -> None:
    path = trades(tmp_path, f"ts,price,qty\n{NOON_MS},10,1\n{row}\n")
    with pytest.raises(DataError, match=f"row 2, line 3 of the file, column {why}"):
        read_trades(path)
