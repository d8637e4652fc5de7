"""What the exchange really sent on 2021-04-25, through frames, sequences and books.

Of bmoscon/cryptofeed's recording (`sample_data/KUCOIN.ws.1.0` and `.http.0.0`; its licence stands
beside it), two symbols: the REST books as they came, the changes before and after them, trades,
tickers and candles, and the candles of a third. This product includes software developed by
Bryant Moscon (http://www.bryantmoscon.com/).
"""

import asyncio
import json
from collections import Counter, defaultdict
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import msgspec
import pytest

from liveopt.core.bars import MINUTE_NS, SECOND_NS
from liveopt.core.events import Candle, Quote, Tick
from liveopt.kucoin.depth import BookSnapshot, Depth
from liveopt.kucoin.intake import Intake, Levels
from liveopt.kucoin.replies import read_book
from liveopt.kucoin.session import Session
from liveopt.kucoin.topics import Topic, parse
from liveopt.kucoin.wire import Delta, read_data, read_frame
from liveopt.live.played import Played, Source

CAPTURE = Path(__file__).parent / "capture" / "spot-2021-04-25.jsonl"
SYMBOLS = ("BCHSV-USDT", "EQZ-BTC")
ROWS: list[dict[str, Any]] = [json.loads(line) for line in CAPTURE.read_text().splitlines()]
FRAMES = [json.dumps(row["frame"]) for row in ROWS if "frame" in row]
PUSHES = [frame for frame in map(read_frame, FRAMES) if frame.type == "message"]
BEGAN_NS = 1_619_378_300 * SECOND_NS

Book = tuple[dict[float, float], dict[float, float]]


def topic_of(name: str) -> Topic:
    topic = parse(name)
    assert topic is not None
    return topic


def snapshot(row: dict[str, Any]) -> BookSnapshot:
    raw = json.dumps(row["book"]["data"]).encode()
    return read_book("spot", row["symbol"], msgspec.Raw(raw))


def changes(symbol: str) -> list[Delta]:
    name = f"/market/level2:{symbol}"
    found = [read_data(topic_of(name), frame) for frame in PUSHES if frame.topic == name]
    return [delta for delta in found if isinstance(delta, Delta)]


def numbered_changes(symbol: str) -> list[tuple[int, str, float, float]]:
    frames = [row["frame"] for row in ROWS if "frame" in row]
    return [
        (int(sequence), side, float(price), float(size))
        for frame in frames
        if frame.get("topic") == f"/market/level2:{symbol}"
        for side in ("bids", "asks")
        for price, size, sequence in frame["data"]["changes"][side]
    ]


def brute_force(symbol: str) -> tuple[int, Book]:
    """The book by the documentation's recipe, from the JSON itself and nothing of ours."""
    row = next(row for row in ROWS if row.get("symbol") == symbol)
    book = row["book"]["data"]
    sides = {
        side: {float(price): float(size) for price, size in book[side]} for side in ("bids", "asks")
    }
    newest = int(book["sequence"])
    numbered = numbered_changes(symbol)
    for sequence, side, price, size in sorted(numbered):
        if sequence > newest:
            newest = sequence
            if price and size:
                sides[side][price] = size
            elif price:
                sides[side].pop(price, None)
    return newest, (sides["bids"], sides["asks"])


def test_every_frame_is_read() -> None:
    session = Session(18 * SECOND_NS, 10 * SECOND_NS, 0)
    pushed = [session.receive(frame, 0) for frame in FRAMES]
    assert session.welcomed
    assert not session.over
    kinds: Counter[str] = Counter()
    for push in pushed:
        if push is not None:
            said = read_data(topic_of(push.topic), push)
            assert said is not None
            kinds[type(said).__name__] += 1
    assert kinds == {"Delta": 112, "Quote": 24, "Tick": 5, "Candle": 5}
    assert pushed.count(None) == 14, "a welcome and 13 acks"


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_changes_have_no_hole_and_begin_before_the_book(symbol: str) -> None:
    deltas = changes(symbol)
    assert all(after.first == before.last + 1 for before, after in pairwise(deltas))
    row = next(row for row in ROWS if row.get("symbol") == symbol)
    assert deltas[0].first <= snapshot(row).sequence < deltas[-1].last


def test_a_third_of_the_changes_carry_a_number_and_no_price() -> None:
    prices = [one[1] for symbol in SYMBOLS for delta in changes(symbol) for one in delta.changes]
    assert 0.15 < prices.count(0.0) / len(prices) < 0.6


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_book_is_rebuilt_as_by_hand(symbol: str) -> None:
    depth = Depth(symbol)
    for row in ROWS:  # as they came
        if row.get("symbol") == symbol:
            assert depth.wants
            assert depth.start(snapshot(row))
        elif row.get("frame", {}).get("topic") == f"/market/level2:{symbol}":
            frame = read_frame(json.dumps(row["frame"]))
            delta = read_data(topic_of(frame.topic), frame)
            assert isinstance(delta, Delta)
            depth.change(delta)
            top = depth.top()
            assert (top is not None) == bool(depth.sequence), "never crossed, never one-sided"
    assert depth.gaps == 0
    assert (depth.sequence, (depth.bids, depth.asks)) == brute_force(symbol)
    top = depth.top()
    assert top is not None
    assert top.bid < top.ask


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_change_that_is_missing_is_seen(symbol: str) -> None:
    row = next(row for row in ROWS if row.get("symbol") == symbol)
    deltas = changes(symbol)
    lost = len(deltas) - 2
    depth = Depth(symbol)
    for delta in deltas[:lost]:
        depth.change(delta)
    assert depth.start(snapshot(row))
    assert not depth.change(deltas[-1])
    assert depth.gaps == 1
    assert depth.wants


def test_the_same_through_the_intake() -> None:
    names = {frame.topic for frame in PUSHES}
    intake = Intake([topic_of(name) for name in sorted(names)], 0, 0.2, 0)
    events = []
    for row in ROWS:
        now_ns = round(row["t"] * 1e9) - BEGAN_NS
        if "frame" not in row:
            levels = intake.channels[f"/market/level2:{row['symbol']}"]
            assert isinstance(levels, Levels)
            assert levels.wants
            assert levels.start(snapshot(row))
            intake.touch(levels)
        elif row["frame"]["type"] == "message":
            assert intake.take(read_frame(json.dumps(row["frame"])), now_ns)
        events += intake.flush(now_ns)
    ticks = [event for event in events if isinstance(event, Tick)]
    assert [tick.sequence for tick in ticks] == sorted({tick.sequence for tick in ticks})
    assert len(ticks) == 5
    quotes = [event for event in events if isinstance(event, Quote)]
    assert len(quotes) > 100
    assert all(quote.bid < quote.ask for quote in quotes)


def test_the_tickers_agree_with_the_books() -> None:
    """The exchange's own best bid and ask, where a ticker has the number of a change."""
    tops: dict[str, dict[int, tuple[float, float]]] = defaultdict(dict)
    for symbol in SYMBOLS:
        row = next(row for row in ROWS if row.get("symbol") == symbol)
        depth = Depth(symbol)
        depth.start(snapshot(row))
        for delta in changes(symbol):
            depth.change(delta)
            if top := depth.top():
                tops[symbol][depth.sequence] = (top.bid, top.ask)
    compared = 0
    for frame in PUSHES:
        topic = topic_of(frame.topic)
        quote = read_data(topic, frame) if topic.kind == "ticker" else None
        if isinstance(quote, Quote) and quote.sequence in tops[topic.symbol]:
            compared += 1
            assert tops[topic.symbol][quote.sequence] == (quote.bid, quote.ask)
    assert compared > 3


def test_a_minute_skipped_is_told_late_and_flat() -> None:
    found = [read_data(topic_of(frame.topic), frame) for frame in PUSHES if "DAPPT" in frame.topic]
    skipped, present, *_ = (candle for candle in found if isinstance(candle, Candle))
    assert present.bar.at_ns == skipped.bar.at_ns + MINUTE_NS
    assert skipped.bar.volume == 0.0
    assert skipped.bar.low == skipped.bar.high
    assert present.bar.volume > 0.0


async def test_the_capture_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "capture.jsonl"
    received = [{"t": r["t"], "dir": "recv", "msg": r["frame"]} for r in ROWS if "frame" in r]
    sent = {"t": ROWS[0]["t"], "dir": "sent", "msg": {"id": 1, "type": "subscribe"}}
    path.write_text("\n".join(map(json.dumps, [sent, *received])) + "\n")
    played = Played(Source(path, speed=inf, settle_ns=0))
    async with asyncio.timeout(10.0), asyncio.TaskGroup() as group:
        running = group.create_task(played.run())
        events = []
        while batch := await played.mailbox.get():
            events += batch
        await running
    assert (played.frames, played.bad) == (len(FRAMES), 0)
    said = [read_data(topic_of(push.topic), push) for push in PUSHES]
    for kind in (Tick, Candle):  # of the quotes only the newest is sure to be handed on
        theirs = [one for one in said if isinstance(one, kind)]
        assert [event for event in events if isinstance(event, kind)] == theirs
    newest = {one.symbol: one for one in said if isinstance(one, Quote)}
    assert {one.symbol: one for one in events if isinstance(one, Quote)} == newest
