"""A file is a feed; one that is opened again goes on behind what was handed on."""

from math import inf
from pathlib import Path

import pytest

from liveopt.core.events import Candle, FeedEvent, Tick
from liveopt.live.played import Played, Source, first_ns

AT_S = 1_700_000_040


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    path = tmp_path / "XBTUSDTM.csv"
    rows = [f"{AT_S + i // 2},{100 + i},1" for i in range(10)]
    path.write_text("\n".join(["time,price,size", *rows]))
    return path


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    path = tmp_path / "XBTUSDTM.csv"
    rows = [f"{AT_S + 60 * i},100,101,99,100,1" for i in range(10)]
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    return path


async def played(source: Source) -> list[FeedEvent]:
    found = Played(source)
    await found.run()
    events: list[FeedEvent] = []
    while part := await found.mailbox.get():
        events += part
    return events


@pytest.mark.parametrize("seen", [1, 4, 9])
async def test_trades_go_on_behind_the_last_even_within_a_second(trades: Path, seen: int) -> None:
    whole = await played(Source(trades, speed=inf))
    last = whole[seen - 1]
    assert isinstance(last, Tick)
    assert await played(Source(trades, speed=inf, after=(last,))) == whole[seen:]


async def test_candles_go_on_behind_the_last(candles: Path) -> None:
    whole = await played(Source(candles, speed=inf))
    third = whole[2]
    assert isinstance(third, Candle)
    last = Tick(third.bar.at_ns, 100.0, 1.0, "XBTUSDTM")
    assert await played(Source(candles, speed=inf, after=(last,))) == whole[3:]


async def test_another_symbol_is_not_skipped(trades: Path) -> None:
    other = Tick((AT_S + 100) * 1_000_000_000, 1.0, 1.0, "ETHUSDTM", 99)
    assert len(await played(Source(trades, speed=inf, after=(other,)))) == 10


async def test_a_file_says_when_it_begins(trades: Path) -> None:
    assert await first_ns(Source(trades)) == AT_S * 1_000_000_000
    rows = [f"{AT_S + 60 * i},100,101,99,100,1" for i in range(3)]
    table = trades.with_name("candles.csv")
    table.write_text("\n".join(["time,open,high,low,close,volume", *rows]))
    assert await first_ns(Source(table, speed=0.01)) == AT_S * 1_000_000_000
