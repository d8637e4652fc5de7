"""The metronome trades evenly, in frames that a feed reads, at prices that stay in place."""

import asyncio

import msgspec
import pytest
from aiohttp import ClientSession

from liveopt.core.events import Tick
from liveopt.exchange_sim.metronome import FIRST, PRICES, START_PRICE, Metronome, Pace, prices
from liveopt.kucoin.intake import Intake
from liveopt.kucoin.listings import read_listings
from liveopt.kucoin.topics import Topic
from liveopt.kucoin.wire import read_frame

TOPIC = Topic("futures", "trades", "XBTUSDTM")


async def listened(metronome: Metronome, count: int) -> list[bytes]:
    """What one who subscribes gets."""
    async with (
        ClientSession(f"http://{metronome.address}") as http,
        http.ws_connect("/endpoint") as socket,
    ):
        assert (await socket.receive_json())["type"] == "welcome"
        await socket.send_json({"id": "7", "type": "subscribe", "topic": TOPIC.text})
        assert await socket.receive_json() == {"id": "7", "type": "ack"}
        return [(await socket.receive_str()).encode() for _ in range(count)]


@pytest.mark.parametrize("per_s", [0.0, 2_000.0])
async def test_a_feed_reads_every_trade_and_misses_none(per_s: float) -> None:
    metronome = Metronome(Pace(per_s))
    await metronome.open()
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    frames = await listened(metronome, 300)
    took_s = loop.time() - began_s
    intake = Intake([TOPIC], 0, 0.0, 0)
    for raw in frames:
        intake.take(read_frame(raw), 1)
    ticks = [event for event in intake.flush(10**9) if isinstance(event, Tick)]
    assert [tick.sequence for tick in ticks] == list(range(FIRST, FIRST + 300))
    assert [tick.price for tick in ticks] == prices(1)[:300]
    if per_s:
        assert took_s > 299 / per_s
    await metronome.close()


async def test_it_answers_what_a_service_asks_before_it_begins() -> None:
    metronome = Metronome(Pace(origin_ns=0, speed=1.0))
    await metronome.open()
    async with ClientSession(f"http://{metronome.address}") as http:
        async with http.get("/api/v1/contracts/active") as answer:
            listed = read_listings("futures", raw((await answer.json())["data"]))
        assert listed["XBTUSDTM"].instrument is not None
        minute_ms = 60_000
        query = {"from": str(10 * minute_ms), "to": str(15 * minute_ms)}
        async with http.get("/api/v1/kline/query", params=query) as answer:
            rows = (await answer.json())["data"]
    assert [row[0] for row in rows] == [n * minute_ms for n in range(10, 15)]
    assert all(low <= min(open_, close) <= max(open_, close) <= high
               for _, open_, high, low, close, *_ in rows)  # fmt: skip
    await metronome.close()


def raw(data: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(data))


def test_prices_go_round_without_a_jump() -> None:
    found = prices(1)
    assert found == prices(1) != prices(2)
    assert len(found) == PRICES
    assert max(abs(a - b) for a, b in zip(found, found[1:] + found[:1], strict=True)) < 20.0
    assert all(abs(price - START_PRICE) < START_PRICE / 10 for price in found)
