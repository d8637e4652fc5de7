"""Cadences in market time, and candles."""

from collections import Counter

import pytest

from tests.unit.exchange_sim.outlet import FUTURES, SPOT, Station

CADENCES = [
    (f"/market/ticker:{SPOT}", 0.1, 0.8),
    (f"/spotMarket/level2Depth5:{SPOT}", 0.1, 0.7),
    (f"/spotMarket/level1:{SPOT}", 0.01, 0.02),
    (f"/market/snapshot:{SPOT}", 2.0, 1.0),
    ("/market/snapshot:USDS", 2.0, 1.0),
    (f"/contractMarket/level2Depth5:{FUTURES}", 0.1, 1.0),
    (f"/contractMarket/level2Depth50:{FUTURES}", 0.1, 1.0),
    (f"/contract/instrument:{FUTURES}", 1.0, 1.0),
    (f"/contractMarket/snapshot:{FUTURES}", 5.0, 1.0),
    (f"/contractMarket/limitCandle:{FUTURES}_1min", 1.0, 0.7),
]


@pytest.mark.parametrize(("topic", "span_s", "share"), CADENCES)
async def test_no_topic_comes_more_often_than_its_cadence(
    topic: str, span_s: float, share: float
) -> None:
    station = Station()
    station.listen(topic)
    count = len(station.run(20.0))
    assert share * 20.0 / span_s <= count <= 20.0 / span_s + 1


async def test_level1_is_pushed_between_the_beats_of_the_others() -> None:
    station = Station(activity=5.0)
    station.listen(f"/spotMarket/level1:{SPOT}")
    stamps = [m["data"]["timestamp"] for m in station.run(5.0)]
    assert any(stamp % 100 for stamp in stamps)
    assert all(stamp % 10 == 0 for stamp in stamps)


async def test_every_trade_and_every_change_is_pushed_once_and_in_order() -> None:
    station = Station()
    station.listen(f"/contractMarket/execution:{FUTURES}", f"/contractMarket/level2:{FUTURES}")
    said = station.run(10.0)
    changes = [m["sn"] for m in said if m["subject"] == "level2"]
    assert changes == list(range(changes[0], changes[-1] + 1))
    trades = [m["data"]["sequence"] for m in said if m["subject"] == "match"]
    tape = [trade.sequence for trade in station.exchange.markets[FUTURES].tape]
    assert trades == tape[-len(trades) :]


async def test_the_funding_rate_comes_each_minute_and_announcements_at_settlement() -> None:
    station = Station()
    station.listen(f"/contract/instrument:{FUTURES}", "/contract/announcement",
                   f"/contract/announcement:{FUTURES}")  # fmt: skip
    data = {"symbol": FUTURES, "fundingTime": 1, "fundingRate": 0.1, "timestamp": 1}
    station.fundings = [("funding.begin", data), ("funding.end", data)]
    subjects = Counter(m["subject"] for m in station.run(120.0))
    assert subjects == {
        "mark.index.price": 120, "funding.rate": 2, "funding.begin": 2, "funding.end": 2,
    }  # fmt: skip
    assert station.view.fundings == {(FUTURES, 1): 0.1}


async def test_candle_pushes_end_as_rest_has_the_bar() -> None:
    station = Station()
    topic = f"/market/candles:{SPOT}_1min"
    station.listen(topic)
    bars = {int(m["data"]["candles"][0]): m["data"]["candles"] for m in station.run(190.0)}
    closed = sorted(bars)[:-1]
    assert len(closed) == 4
    feed = station.publisher.spot[SPOT]
    for row in feed.market.candles(60, closed[0], closed[-1] + 1):
        station.ear.heard.clear()
        feed.candle(topic, row, "")
        assert station.ear.heard[0]["data"]["candles"] == bars[row[0]]


async def test_a_bar_that_did_not_change_is_pushed_again_on_futures_only() -> None:
    station = Station(activity=0.05)
    station.listen(f"/market/candles:{SPOT}_1hour", f"/contractMarket/limitCandle:{FUTURES}_1hour")
    said = station.run(60.0)
    spot = [tuple(m["data"]["candles"]) for m in said if "time" in m["data"] and
            m["subject"] == "trade.candles.update"]  # fmt: skip
    futures = [tuple(m["data"]["candles"]) for m in said if m["subject"] == "candle.stick"]
    assert len(spot) == len(set(spot))
    assert len(futures) > len(set(futures))


async def test_a_price_spike_shows_in_the_push_alone() -> None:
    station = Station()
    station.listen(f"/market/match:{SPOT}")
    station.faults.turn_on("price-spike", {"factor": 2.0})
    push = station.run(5.0)[0]["data"]
    trade = next(
        t for t in station.exchange.markets[SPOT].tape if str(t.sequence) == push["tradeId"]
    )
    assert float(push["price"]) == pytest.approx(2 * trade.ticks * 0.1)
