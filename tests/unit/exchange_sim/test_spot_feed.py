"""Types and units of spot's public pushes."""

from itertools import pairwise
from typing import Any

from tests.unit.exchange_sim.outlet import SPOT, Station


def said_by(topic: str, seconds: float = 3.0) -> list[dict[str, Any]]:
    station = Station()
    station.listen(topic)
    return [message["data"] for message in station.run(seconds)]


async def test_a_match_is_all_text_and_its_time_nanoseconds() -> None:
    data = said_by(f"/market/match:{SPOT}")[0]
    assert set(data) == {
        "makerOrderId", "price", "sequence", "side", "size", "symbol", "takerOrderId", "time",
        "tradeId", "type",
    }  # fmt: skip
    assert all(isinstance(value, str) for value in data.values())
    assert len(data["time"]) == 19
    assert data["sequence"] == data["tradeId"]


async def test_a_ticker_has_texts_and_a_time_in_milliseconds() -> None:
    data = said_by(f"/market/ticker:{SPOT}")[0]
    assert isinstance(data.pop("time"), int)
    assert set(data) == {
        "bestAsk", "bestAskSize", "bestBid", "bestBidSize", "price", "sequence", "size",
    }  # fmt: skip
    assert all(isinstance(value, str) for value in data.values())


async def test_tickers_of_all_have_the_symbol_as_subject() -> None:
    station = Station()
    station.listen("/market/ticker:all")
    message = station.run(1.0)[0]
    assert (message["topic"], message["subject"]) == ("/market/ticker:all", SPOT)


async def test_increments_follow_each_other_without_a_hole() -> None:
    increments = said_by(f"/market/level2:{SPOT}", 10.0)
    for before, after in pairwise(increments):
        assert after["sequenceStart"] == before["sequenceEnd"] + 1
    for data in increments:
        numbers = sorted(int(c[2]) for side in data["changes"].values() for c in side)
        assert numbers == list(range(data["sequenceStart"], data["sequenceEnd"] + 1))
        assert len(str(data["time"])) == 13


async def test_changes_of_price_0_count_and_leave_no_hole() -> None:
    station = Station()
    station.faults.turn_on("price-zero", {})
    station.listen(f"/market/level2:{SPOT}")
    increments = [message["data"] for message in station.run(5.0)]
    changes = [c for data in increments for side in data["changes"].values() for c in side]
    assert [c[0] for c in changes].count("0") * 2 == len(changes)
    assert sorted(int(c[2]) for c in changes) == list(
        range(increments[0]["sequenceStart"], increments[-1]["sequenceEnd"] + 1)
    )


async def test_a_candle_has_open_close_high_low_as_texts_and_nanoseconds() -> None:
    for data in said_by(f"/market/candles:{SPOT}_1min", 8.0):
        start, opening, close, high, low, _, _ = data["candles"]
        assert all(isinstance(value, str) for value in data["candles"])
        assert int(start) % 60 == 0
        assert float(low) <= min(float(opening), float(close))
        assert float(high) >= max(float(opening), float(close))
        assert len(str(data["time"])) == 19


async def test_depth_is_pushed_only_when_it_changed() -> None:
    pushes = said_by(f"/spotMarket/level2Depth5:{SPOT}", 20.0)
    shown = [(data["asks"], data["bids"]) for data in pushes]
    assert all(a != b for a, b in pairwise(shown))
    assert all(len(asks) == len(bids) == 5 for asks, bids in shown)


async def test_a_snapshot_nests_numbers() -> None:
    data = said_by(f"/market/snapshot:{SPOT}")[0]
    assert isinstance(data["sequence"], str)
    inner = data["data"]
    assert isinstance(inner["lastTradedPrice"], float)
    assert inner["low"] <= inner["close"] <= inner["high"]
    assert inner["marketChange1h"]["vol"] <= inner["marketChange24h"]["vol"] == inner["vol"]
    assert len(str(inner["datetime"])) == 13
