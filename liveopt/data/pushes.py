"""Trades from a recording of raw frames: a folder of `feed-000001.jsonl.gz` and so on.

A segment's first line is a header, each other line `{"at": ..., "mono": ..., "text": "..."}`. The
pushes of trades in it look like

    {"topic":"/market/match:BTC-USDT","type":"message","subject":"trade.l3match","data":{
    "symbol":"BTC-USDT","sequence":"1","price":"0.08","size":"0.011","time":"1545913818099033203",
    "tradeId":"5c24c5da03aa673885cd67aa", ...}}
    {"topic":"/contractMarket/execution:XBTUSDTM","type":"message","subject":"match","data":{
    "symbol":"XBTUSDTM","price":"62248","size":1,"ts":1731898619520000000,"tradeId":"16", ...}}
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from liveopt.data.tables import DataError
from liveopt.data.trades import Trades

SEGMENT: Final = re.compile(r"feed-(\d+)\.jsonl\.gz")
MARKS: Final = ("/market/match:", "/contractMarket/execution:")

Row = tuple[int, float, float]
"""Time, price and size of a trade."""


class _Line(msgspec.Struct, frozen=True, gc=False):
    text: str = ""


class _Trade(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    price: str | float
    size: str | float
    trade_id: str
    time: str | int = 0
    ts: int = 0


class _Push(msgspec.Struct, frozen=True, gc=False):
    topic: str
    data: _Trade


_line = msgspec.json.Decoder(_Line).decode
_push = msgspec.json.Decoder(_Push).decode


def read_pushed_trades(folder: Path) -> dict[str, Trades]:
    """The trades of each symbol, oldest first, each of them once however often it was pushed.

    What a killed process left at the end of a segment does not count, neither do frames that are
    no push of a trade. Raises `DataError` for a folder without segments.
    """
    names = ((SEGMENT.fullmatch(path.name), path) for path in folder.iterdir())
    segments = sorted((int(found[1]), path) for found, path in names if found is not None)
    if not segments:
        raise DataError(folder, None, None, "no feed-*.jsonl.gz in this folder")
    rows: dict[str, dict[str, Row]] = {}
    for _, path in segments:
        for trade, row in _pushed(path):
            rows.setdefault(trade.symbol, {}).setdefault(trade.trade_id, row)
    return {symbol: _columns(list(trades.values())) for symbol, trades in rows.items()}


def _pushed(path: Path) -> Iterator[tuple[_Trade, Row]]:
    for line in _lines(path):
        try:
            text = _line(line).text
            if any(mark in text for mark in MARKS):
                push = _push(text)
                if push.topic.startswith(MARKS):
                    yield push.data, _row(push.data)
        except (msgspec.DecodeError, ValueError):
            continue  # spoiled on the wire, or the torn end


def _row(trade: _Trade) -> Row:
    at_ns, price, size = int(trade.time) or trade.ts, float(trade.price), float(trade.size)
    if not (at_ns > 0 and 0.0 < price < np.inf and 0.0 <= size < np.inf):
        raise ValueError(f"{trade} cannot have happened")
    return at_ns, price, size


def _lines(path: Path) -> Iterator[bytes]:
    """As far as the segment can be read."""
    with gzip.open(path, "rb") as file:
        try:
            yield from file
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return


def _columns(rows: list[Row]) -> Trades:
    rows.sort(key=lambda row: row[0])
    at_ns, price, size = zip(*rows, strict=True)
    return Trades(np.array(at_ns, np.int64), np.array(price, float), np.array(size, float))
