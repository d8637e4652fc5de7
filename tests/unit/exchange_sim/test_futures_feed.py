"""Types and units of the futures' public pushes."""

import pytest

from tests.unit.exchange_sim.outlet import FUTURES, Station


def said_by(topic: str, seconds: float = 3.0) -> list[dict[str, object]]:
    station = Station()
    station.listen(topic)
    return station.run(seconds)


SHAPES = [
    (
        "/contractMarket/execution", "match",
        {"symbol": str, "sequence": int, "side": str, "size": int, "price": str,
         "takerOrderId": str, "makerOrderId": str, "tradeId": str, "ts": int},
        19,
    ),
    (
        "/contractMarket/tickerV2", "tickerV2",
        {"symbol": str, "sequence": int, "bestBidSize": int, "bestBidPrice": str,
         "bestAskPrice": str, "bestAskSize": int, "ts": int},
        19,
    ),
    (
        "/contractMarket/ticker", "ticker",
        {"symbol": str, "sequence": int, "side": str, "size": int, "price": str,
         "bestBidSize": int, "bestBidPrice": str, "bestAskPrice": str, "tradeId": str,
         "bestAskSize": int, "ts": int},
        19,
    ),
    (
        "/contractMarket/level2Depth5", "level2",
        {"bids": list, "sequence": int, "timestamp": int, "ts": int, "asks": list},
        13,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("prefix", "subject", "shape", "digits"), SHAPES)
async def test_a_push_has_these_fields_of_these_types(
    prefix: str, subject: str, shape: dict[str, type], digits: int
) -> None:
    message = said_by(f"{prefix}:{FUTURES}")[0]
    data = message["data"]
    assert isinstance(data, dict)
    assert message["subject"] == subject
    assert {name: type(value) for name, value in data.items()} == shape
    assert len(str(data["ts"])) == digits
    assert message["sn"] == data["timestamp" if subject == "level2" else "sequence"]


async def test_a_change_is_price_side_and_size() -> None:
    message = said_by(f"/contractMarket/level2:{FUTURES}")[0]
    data = message["data"]
    assert isinstance(data, dict)
    price, side, size = data["change"].split(",")
    assert float(price) > 0
    assert side in {"buy", "sell"}
    assert int(size) >= 0
    assert message["sn"] == data["sequence"]


async def test_candles_instruments_and_snapshots_have_no_number() -> None:
    for topic in (
        f"/contractMarket/limitCandle:{FUTURES}_1min",
        f"/contract/instrument:{FUTURES}",
        f"/contractMarket/snapshot:{FUTURES}",
    ):
        assert "sn" not in said_by(topic, 6.0)[0]


async def test_numbers_of_quotes_and_trades_only_grow() -> None:
    for prefix in ("/contractMarket/tickerV2", "/contractMarket/ticker"):
        numbers = [message["sn"] for message in said_by(f"{prefix}:{FUTURES}", 10.0)]
        assert numbers == sorted(set(numbers), key=lambda n: int(str(n)))
