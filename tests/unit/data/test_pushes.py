"""Trades out of recordings of raw frames."""

import gzip
import json
from pathlib import Path

import pytest

from liveopt.data.pushes import read_pushed_trades
from liveopt.data.tables import DataError

T0 = 1_700_000_000_000_000_000


def spot(number: int, price: str = "0.08") -> str:
    """As KuCoin documents /market/match, less what nobody reads here."""
    data = {
        "symbol": "BTC-USDT", "sequence": str(number), "type": "match", "side": "buy",
        "price": price, "size": "0.011", "time": str(T0 + number), "tradeId": f"5c24{number}",
    }  # fmt: skip
    return json.dumps({"topic": "/market/match:BTC-USDT", "type": "message", "data": data})


def futures(number: int) -> str:
    data = {
        "symbol": "XBTUSDTM", "sequence": number, "price": "62248", "size": 3,
        "ts": T0 + number, "tradeId": str(number),
    }  # fmt: skip
    topic = "/contractMarket/execution:XBTUSDTM"
    return json.dumps({"topic": topic, "type": "message", "subject": "match", "data": data})


def member(*frames: str) -> bytes:
    lines = [json.dumps({"at": T0, "mono": 5, "text": text}) for text in frames]
    return gzip.compress("".join(line + "\n" for line in lines).encode())


HEADER = gzip.compress(b'{"recording":1,"venue":"spot","symbols":[],"started":1,"segment":1}\n')


def test_trades_of_all_segments_and_members_come_by_symbol_in_time_order(tmp_path: Path) -> None:
    second = HEADER + member(spot(2), futures(7)) + member(spot(3))
    (tmp_path / "feed-000002.jsonl.gz").write_bytes(second)
    (tmp_path / "feed-000001.jsonl.gz").write_bytes(HEADER + member(spot(4), spot(1, "0.09")))
    (tmp_path / "notes.txt").write_text("not looked at")
    found = read_pushed_trades(tmp_path)
    assert found["BTC-USDT"].at_ns.tolist() == [T0 + n for n in (1, 2, 3, 4)]
    assert found["BTC-USDT"].price.tolist() == [0.09, 0.08, 0.08, 0.08]
    assert found["BTC-USDT"].size.tolist() == [0.011] * 4
    assert [column.tolist() for column in found["XBTUSDTM"]] == [[T0 + 7], [62248.0], [3.0]]


def test_a_trade_that_was_pushed_twice_happened_once(tmp_path: Path) -> None:
    (tmp_path / "feed-000001.jsonl.gz").write_bytes(HEADER + member(spot(1), spot(1), spot(2)))
    assert len(read_pushed_trades(tmp_path)["BTC-USDT"].at_ns) == 2


@pytest.mark.parametrize("cut", [1, 9, 40])
def test_the_torn_end_of_a_segment_does_not_count(tmp_path: Path, cut: int) -> None:
    whole = HEADER + member(spot(1)) + member(*(spot(number) for number in range(2, 40)))
    (tmp_path / "feed-000001.jsonl.gz").write_bytes(whole[:-cut])
    assert 1 <= len(read_pushed_trades(tmp_path)["BTC-USDT"].at_ns) <= 39


def test_frames_that_are_no_trade_are_passed_over(tmp_path: Path) -> None:
    others = ['{"type":"welcome"}', spot(1)[:60], spot(2).replace("0.08", "dear"),
              spot(3).replace("0.08", "-1"), spot(4).replace("/market/match", "/market/ticker"),
              'text about /market/match:']  # fmt: skip
    binary = gzip.compress(b'{"at":1,"mono":1,"base64":"/w=="}\n')
    (tmp_path / "feed-000001.jsonl.gz").write_bytes(HEADER + member(*others) + binary)
    assert read_pushed_trades(tmp_path) == {}


def test_a_folder_without_segments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"feed-\*"):
        read_pushed_trades(tmp_path)
