"""Real pushes are read to the last digit, and whatever is not quite right is refused.

The messages are the exchange's own: examples of its specification (Kucoin/kucoin-universal-sdk,
spec/ws, MIT), of its older documentation (Kucoin/kucoin-api-docs, Apache-2.0), and pushes of
2021-04-25 as recorded by bmoscon/cryptofeed (sample_data; its licence is in tests/live/capture).
"""

import json
import math
from functools import partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import HOUR_NS, MINUTE_NS
from liveopt.core.events import Bar, Candle, Quote, Tick
from liveopt.kucoin.topics import PREFIX, Topic, parse
from liveopt.kucoin.wire import (
    FRAME_BYTES_MAX,
    LEAST,
    MOST,
    WHY_MAX,
    BadFrame,
    Data,
    Delta,
    bar_of,
    read_data,
    read_frame,
)

Path = tuple[str | int, ...]

SPOT_MATCH = (
    '{"topic":"/market/match:BTC-USDT","type":"message","subject":"trade.l3match","data":{'
    '"makerOrderId":"671b5007389355000701b1d3","price":"67523","sequence":"11067996711960577",'
    '"side":"buy","size":"0.003","symbol":"BTC-USDT","takerOrderId":"671b50161777ff00074c168d",'
    '"time":"1729843222921000000","tradeId":"11067996711960577","type":"match"}}'
)
SPOT_MATCH_2021 = (
    '{"data":{"symbol":"BCHSV-USDT","sequence":"1613277184661","side":"sell",'
    '"size":"0.14324938","price":"242.781","takerOrderId":"6085c0a0b3436b00064d456b",'
    '"time":"1619378336197407320","type":"match","makerOrderId":"6085c0a0587c2000060d188c",'
    '"tradeId":"6085c0a069bc50686d66da3c"},"subject":"trade.l3match",'
    '"topic":"/market/match:BCHSV-USDT","type":"message"}'
)
SPOT_TICKER = (
    '{"data":{"sequence":"1612844051653","bestAsk":"0.00028717","size":"0.01745248",'
    '"bestBidSize":"3.70422021","price":"0.00028676","time":1619378326323,'
    '"bestAskSize":"14.04274325","bestBid":"0.00028678"},"subject":"trade.ticker",'
    '"topic":"/market/ticker:SNX-BTC","type":"message"}'
)
SPOT_TICKER_OF_THE_DOCS = (
    '{"type":"message","topic":"/market/ticker:BTC-USDT","subject":"trade.ticker","data":{'
    '"sequence":"1545896668986","price":"0.08","size":"0.011","bestAsk":"0.08",'
    '"bestAskSize":"0.18","bestBid":"0.049","bestBidSize":"0.036","Time":1704873323416}}'
)
SPOT_CANDLE = (
    '{"topic":"/market/candles:BTC-USDT_1hour","type":"message","subject":"trade.candles.update",'
    '"data":{"symbol":"BTC-USDT","candles":["1729839600","67644.9","67437.6","67724.8","67243.8",'
    '"44.88321441","3027558.991928447"],"time":1729842192785164840}}'
)
SPOT_CANDLE_ADDED = (
    '{"data":{"symbol":"DAPPT-BTC","candles":["1619378220","0.0000001116","0.0000001116",'
    '"0.0000001116","0.0000001116","0","0"],"time":1619378328806000034},'
    '"subject":"trade.candles.add","topic":"/market/candles:DAPPT-BTC_1min","type":"message"}'
)
SPOT_LEVEL1 = (
    '{"topic":"/spotMarket/level1:BTC-USDT","type":"message","subject":"level1","data":{'
    '"asks":["68145.8","0.51987471"],"bids":["68145.7","1.29267802"],"timestamp":1729816058766}}'
)
SPOT_DEPTH5 = (
    '{"topic":"/spotMarket/level2Depth5:BTC-USDT","type":"message","subject":"level2","data":{'
    '"asks":[["67996.7","1.14213262"],["67996.8","0.21748212"],["67996.9","0.1503747"],'
    '["67997","0.11446863"],["67997.1","0.14842782"]],"bids":[["67996.6","0.37969491"],'
    '["67995.3","0.20779746"],["67994.5","0.00047785"],["67993.4","0.405"],'
    '["67993.3","0.13528566"]],"timestamp":1729822226746}}'
)
SPOT_DELTA = (
    '{"topic":"/market/level2:BTC-USDT","type":"message","subject":"trade.l2update","data":{'
    '"changes":{"asks":[["67993.3","1.21427407","14701689783"]],"bids":[]},'
    '"sequenceEnd":14701689783,"sequenceStart":14701689783,"symbol":"BTC-USDT",'
    '"time":1729816425625}}'
)
SPOT_DELTA_OF_FOUR = (
    '{"type":"message","topic":"/market/level2:BTC-USDT","subject":"trade.l2update","data":{'
    '"changes":{"asks":[["18906","0.00331","14103845"],["18907.3","0.58751503","14103844"]],'
    '"bids":[["18891.9","0.15688","14103847"]]},"sequenceEnd":14103847,"sequenceStart":14103844,'
    '"symbol":"BTC-USDT","time":1663747970273}}'
)
FUTURES_MATCH = (
    '{"topic":"/contractMarket/execution:XBTUSDTM","type":"message","subject":"match",'
    '"sn":1794100537695,"data":{"symbol":"XBTUSDTM","sequence":1794100537695,"side":"buy",'
    '"size":2,"price":"90503.9","takerOrderId":"247822202957807616",'
    '"makerOrderId":"247822167163555840","tradeId":"1794100537695","ts":1731898619520000000}}'
)
FUTURES_TICKER = (
    '{"topic":"/contractMarket/ticker:XBTUSDTM","type":"message","subject":"ticker",'
    '"sn":1793133570931,"data":{"symbol":"XBTUSDTM","sequence":1793133570931,"side":"sell",'
    '"size":1,"price":"90147.7","bestBidSize":2186,"bestBidPrice":"90147.7",'
    '"bestAskPrice":"90147.8","tradeId":"1793133570931","bestAskSize":275,'
    '"ts":1731679215637000000}}'
)
FUTURES_QUOTES = (
    '{"topic":"/contractMarket/tickerV2:XBTUSDTM","type":"message","subject":"tickerV2",'
    '"sn":1709284589209,"data":{"symbol":"XBTUSDTM","sequence":1709284589209,"bestBidSize":713,'
    '"bestBidPrice":"88987.4","bestAskPrice":"88987.5","bestAskSize":1037,'
    '"ts":1731665526461000000}}'
)
FUTURES_CANDLE = (
    '{"topic":"/contractMarket/limitCandle:XBTUSDTM_1min","type":"message","data":{'
    '"symbol":"XBTUSDTM","candles":["1731898200","90638.6","90638.6","90638.6","90638.6","21.0",'
    '"21"],"time":1731898208357},"subject":"candle.stick"}'
)
FUTURES_DEPTH5 = (
    '{"topic":"/contractMarket/level2Depth5:XBTUSDTM","type":"message","subject":"level2",'
    '"sn":1731680019100,"data":{"bids":[["89720.9",513],["89720.8",12],["89718.6",113],'
    '["89718.4",19],["89718.3",7]],"sequence":1709294294670,"timestamp":1731680019100,'
    '"ts":1731680019100,"asks":[["89721",906],["89721.1",203],["89721.4",113],["89723.2",113],'
    '["89725.4",113]]}}'
)
FUTURES_DELTA = (
    '{"topic":"/contractMarket/level2:XBTUSDTM","type":"message","subject":"level2",'
    '"sn":1709400450243,"data":{"sequence":1709400450243,"change":"90631.2,sell,2",'
    '"timestamp":1731897467182}}'
)

PUSHES: list[tuple[str, Data]] = [
    (
        SPOT_MATCH,
        Tick(1729843222921000000, 67523.0, 0.003, "BTC-USDT", 11067996711960577, 1),
    ),
    (
        SPOT_MATCH_2021,
        Tick(1619378336197407320, 242.781, 0.14324938, "BCHSV-USDT", 1613277184661, -1),
    ),
    (
        SPOT_TICKER,
        Quote(
            1619378326323000000,
            "SNX-BTC",
            1612844051653,
            0.00028678,
            3.70422021,
            0.00028717,
            14.04274325,
        ),
    ),
    (
        SPOT_TICKER_OF_THE_DOCS,
        Quote(1704873323416000000, "BTC-USDT", 1545896668986, 0.049, 0.036, 0.08, 0.18),
    ),
    (
        SPOT_CANDLE,
        Candle(
            "BTC-USDT",
            HOUR_NS,
            Bar(1729839600000000000, 67644.9, 67724.8, 67243.8, 67437.6, 44.88321441),
        ),
    ),
    (
        SPOT_CANDLE_ADDED,
        Candle(
            "DAPPT-BTC",
            MINUTE_NS,
            Bar(1619378220000000000, 1.116e-7, 1.116e-7, 1.116e-7, 1.116e-7, 0.0),
        ),
    ),
    (
        SPOT_LEVEL1,
        Quote(1729816058766000000, "BTC-USDT", 0, 68145.7, 1.29267802, 68145.8, 0.51987471),
    ),
    (
        SPOT_DEPTH5,
        Quote(1729822226746000000, "BTC-USDT", 0, 67996.6, 0.37969491, 67996.7, 1.14213262),
    ),
    (
        SPOT_DELTA,
        Delta(
            "BTC-USDT",
            1729816425625000000,
            14701689783,
            14701689783,
            ((False, 67993.3, 1.21427407, 14701689783),),
        ),
    ),
    (
        SPOT_DELTA_OF_FOUR,
        Delta(
            "BTC-USDT",
            1663747970273000000,
            14103844,
            14103847,
            (
                (False, 18907.3, 0.58751503, 14103844),
                (False, 18906.0, 0.00331, 14103845),
                (True, 18891.9, 0.15688, 14103847),
            ),
        ),
    ),
    (FUTURES_MATCH, Tick(1731898619520000000, 90503.9, 2.0, "XBTUSDTM", 1794100537695, 1)),
    (
        FUTURES_TICKER,
        Quote(1731679215637000000, "XBTUSDTM", 1793133570931, 90147.7, 2186.0, 90147.8, 275.0),
    ),
    (
        FUTURES_QUOTES,
        Quote(1731665526461000000, "XBTUSDTM", 1709284589209, 88987.4, 713.0, 88987.5, 1037.0),
    ),
    (
        FUTURES_CANDLE,
        Candle(
            "XBTUSDTM",
            MINUTE_NS,
            Bar(1731898200000000000, 90638.6, 90638.6, 90638.6, 90638.6, 21.0),
        ),
    ),
    (
        FUTURES_DEPTH5,
        Quote(1731680019100000000, "XBTUSDTM", 1709294294670, 89720.9, 513.0, 89721.0, 906.0),
    ),
    (
        FUTURES_DELTA,
        Delta(
            "XBTUSDTM",
            1731897467182000000,
            1709400450243,
            1709400450243,
            ((False, 90631.2, 2.0, 1709400450243),),
        ),
    ),
]


def read(raw: str | bytes) -> Data | None:
    """What a push says, by the topic that it names."""
    frame = read_frame(raw)
    topic = parse(frame.topic)
    assert topic is not None
    return read_data(topic, frame)


def with_token(push: str, path: Path, token: str) -> bytes:
    """The push with a piece of JSON, or of none, where a value of its data was."""
    message = json.loads(push)
    place: Any = message["data"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "@"
    return json.dumps(message).replace('"@"', token).encode()


@pytest.mark.parametrize(("push", "said"), PUSHES, ids=lambda value: str(value)[:40])
def test_a_real_push_is_read_to_the_last_digit(push: str, said: Data) -> None:
    assert read(push) == said
    assert read(push.encode()) == said


def test_every_kind_of_topic_has_its_push_above() -> None:
    topics = [parse(read_frame(push).topic) for push, _ in PUSHES]
    assert {(topic.venue, topic.kind) for topic in topics if topic} == {
        (venue, kind) for venue, kinds in PREFIX.items() for kind in kinds
    }


@pytest.mark.parametrize(("push", "said"), PUSHES, ids=lambda value: str(value)[:40])
def test_what_is_not_known_is_passed_over(push: str, said: Data) -> None:
    message = json.loads(push)
    message |= {"id": 7, "userId": "u", "channelType": "public", "new": {"deep": [[1], None]}}
    message["data"] |= {"new": [{"a": 1}], "": None, "price2": "NaN"}
    assert read(json.dumps(message)) == said


def test_prices_may_be_numbers() -> None:
    """As the examples of 2023 have them: thrasher-corp/gocryptotrader, exchanges/kucoin, MIT."""
    tick = read(
        '{"type":"message","topic":"/contractMarket/execution:ETHUSDCM","subject":"match",'
        '"data":{"makerUserId":"6287c3015c27f000017d0c2f","symbol":"ETHUSDCM",'
        '"sequence":31443494,"side":"buy","size":35,"price":23083,'
        '"takerOrderId":"63f94040839d00000193264b","makerOrderId":"63f94036839d0000019310c3",'
        '"takerUserId":"6133f817230d8d000607b941","tradeId":"63f940400000650065f4996f",'
        '"ts":1677279296134648800}}'
    )
    assert tick == Tick(1677279296134648800, 23083.0, 35.0, "ETHUSDCM", 31443494, 1)


# Every field that is read, by what it holds.

PRICES: list[tuple[str, Path]] = [
    (SPOT_MATCH, ("price",)),
    (SPOT_TICKER, ("bestBid",)),
    (SPOT_TICKER, ("bestAsk",)),
    (SPOT_CANDLE, ("candles", 1)),
    (SPOT_CANDLE, ("candles", 2)),
    (SPOT_CANDLE, ("candles", 3)),
    (SPOT_CANDLE, ("candles", 4)),
    (SPOT_LEVEL1, ("bids", 0)),
    (SPOT_LEVEL1, ("asks", 0)),
    (SPOT_DEPTH5, ("bids", 0, 0)),
    (SPOT_DEPTH5, ("asks", 0, 0)),
    (SPOT_DELTA, ("changes", "asks", 0, 0)),
    (FUTURES_MATCH, ("price",)),
    (FUTURES_TICKER, ("bestBidPrice",)),
    (FUTURES_QUOTES, ("bestAskPrice",)),
    (FUTURES_DEPTH5, ("bids", 0, 0)),
]
SIZES: list[tuple[str, Path]] = [
    (SPOT_MATCH, ("size",)),
    (SPOT_TICKER, ("bestBidSize",)),
    (SPOT_TICKER, ("bestAskSize",)),
    (SPOT_CANDLE, ("candles", 5)),
    (SPOT_LEVEL1, ("bids", 1)),
    (SPOT_LEVEL1, ("asks", 1)),
    (SPOT_DEPTH5, ("bids", 0, 1)),
    (SPOT_DELTA, ("changes", "asks", 0, 1)),
    (FUTURES_MATCH, ("size",)),
    (FUTURES_TICKER, ("bestAskSize",)),
    (FUTURES_QUOTES, ("bestBidSize",)),
    (FUTURES_CANDLE, ("candles", 6)),
    (FUTURES_DEPTH5, ("asks", 0, 1)),
]
SEQUENCES: list[tuple[str, Path]] = [
    (SPOT_MATCH, ("sequence",)),
    (SPOT_TICKER, ("sequence",)),
    (SPOT_DELTA, ("sequenceStart",)),
    (SPOT_DELTA, ("sequenceEnd",)),
    (SPOT_DELTA, ("changes", "asks", 0, 2)),
    (FUTURES_MATCH, ("sequence",)),
    (FUTURES_TICKER, ("sequence",)),
    (FUTURES_DEPTH5, ("sequence",)),
    (FUTURES_DELTA, ("sequence",)),
]
TIMES: list[tuple[str, Path]] = [
    (SPOT_MATCH, ("time",)),
    (SPOT_TICKER, ("time",)),
    (SPOT_TICKER_OF_THE_DOCS, ("Time",)),
    (SPOT_CANDLE, ("candles", 0)),
    (SPOT_LEVEL1, ("timestamp",)),
    (SPOT_DEPTH5, ("timestamp",)),
    (SPOT_DELTA, ("time",)),
    (FUTURES_MATCH, ("ts",)),
    (FUTURES_TICKER, ("ts",)),
    (FUTURES_QUOTES, ("ts",)),
    (FUTURES_CANDLE, ("candles", 0)),
    (FUTURES_DEPTH5, ("timestamp",)),
    (FUTURES_DELTA, ("timestamp",)),
]
NUMBERS = [*PRICES, *SIZES, *SEQUENCES, *TIMES]

NEVER = [
    "NaN",
    '"NaN"',
    '"nan"',
    "Infinity",
    '"Infinity"',
    "-Infinity",
    '"-inf"',
    "1e999",
    '"1e999"',
    "-1",
    '"-1"',
    '"1_0"',
    '"\u0661\u0662"',  # Arabic digits, as Python's float takes them
    '"\uff11"',  # a wide one
    '"1,5"',
    '" 1"',
    '"1 "',
    '"+1"',
    '"01"',
    '"0x10"',
    '".5"',
    '"5."',
    '"1e"',
    '"-"',
    '""',
    '"one"',
    "true",
    "false",
    '"true"',
    "[]",
    "[1]",
    "{}",
    '{"a":1}',
    "[" * 300 + "]" * 300,
    "9" * 30,
    f'"{"9" * 400}"',
    "9" * 4299,  # Python can neither print this many digits,
    f'"{"9" * 4299}"',  # nor may it be multiplied to more
    "9" * 5000,
    "1e19",
    "",
    "1 1",
    "\\u0031",
    "'1'",
    "01",
    "\x00",
]


@pytest.mark.parametrize("token", NEVER, ids=lambda token: ascii(token)[:12])
def test_a_number_that_is_none_is_refused_wherever_it_stands(token: str) -> None:
    for push, path in NUMBERS:
        with pytest.raises(BadFrame):
            print(path, read(with_token(push, path, token)))


@pytest.mark.parametrize("token", ["0", '"0"', "-0", "-0.0", '"-0"', "1e-400", "1e-19"])
def test_a_price_of_nothing_is_refused_or_says_that_a_side_is_empty(token: str) -> None:
    tickers = (SPOT_TICKER, FUTURES_TICKER, FUTURES_QUOTES)
    for push, path in PRICES:
        raw = with_token(push, path, token)
        if push in tickers and token != "1e-19":
            assert read(raw) is None
        elif push == SPOT_DELTA and token != "1e-19":
            said = read(raw)
            assert isinstance(said, Delta), "a filler: it only moves the sequence"
            assert said.changes[0][1] == 0.0
        else:
            with pytest.raises(BadFrame):
                print(path, read(raw))


@pytest.mark.parametrize("token", ["0", '"0"', "-0", '"-0"', "1e-400"])
def test_a_size_of_nothing_is_no_trade_but_may_stand_in_a_book(token: str) -> None:
    for push, path in SIZES:
        raw = with_token(push, path, token)
        if push in (SPOT_MATCH, FUTURES_MATCH):
            with pytest.raises(BadFrame):
                print(path, read(raw))
        else:
            assert read(raw) is not None


def test_null_is_only_for_a_ticker_without_a_side() -> None:
    tickers = (SPOT_TICKER, FUTURES_TICKER, FUTURES_QUOTES)
    for push, path in NUMBERS:
        raw = with_token(push, path, "null")
        if push in tickers and (push, path) in PRICES:
            assert read(raw) is None
        elif push in tickers and (push, path) in SIZES:
            quote = read(raw)
            assert isinstance(quote, Quote)
            assert 0.0 in (quote.bid_size, quote.ask_size)
        else:
            with pytest.raises(BadFrame):
                print(path, read(raw))


@pytest.mark.parametrize(
    "token", ["0", "1.5", '"1.5"', "1e30", str(2**63), f'"{2**63}"', str(2**64)]
)
def test_a_sequence_is_a_whole_number_of_63_bits(token: str) -> None:
    for push, path in SEQUENCES:
        raw = with_token(push, path, token)
        if token == "0" and push in (SPOT_TICKER, FUTURES_TICKER, FUTURES_DEPTH5):
            assert read(raw) is not None  # those have no order to keep
        else:
            with pytest.raises(BadFrame):
                print(path, read(raw))


def test_the_greatest_sequence_is_taken() -> None:
    tick = read(with_token(SPOT_MATCH, ("sequence",), str(2**63 - 1)))
    assert isinstance(tick, Tick)
    assert tick.sequence == 2**63 - 1


@pytest.mark.parametrize("factor", [1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9], ids=str)
def test_a_time_of_another_unit_is_refused(factor: float) -> None:
    for push, path in TIMES:
        value: Any = json.loads(push)["data"]
        for step in path:
            value = value[step]
        with pytest.raises(BadFrame):
            print(path, read(with_token(push, path, str(int(int(value) * factor)))))


@pytest.mark.parametrize("year_s", [1_262_304_000, 4_102_444_800])
def test_a_time_outside_of_this_century_is_refused(year_s: int) -> None:
    for inward, is_good in ((-1, year_s > 2**31), (0, False), (1, year_s < 2**31)):
        raw = with_token(SPOT_CANDLE, ("candles", 0), str(year_s + inward))
        if is_good:
            assert isinstance(read(raw), Candle)
        else:
            with pytest.raises(BadFrame, match="the time is"):
                read(raw)


@pytest.mark.parametrize(("push", "name"), [(SPOT_DELTA, "time"), (FUTURES_DELTA, "timestamp")])
def test_a_change_of_the_book_may_come_without_a_time(push: str, name: str) -> None:
    message = json.loads(push)
    del message["data"][name]
    said = read(json.dumps(message))
    assert isinstance(said, Delta)
    assert said.at_ns == 0


OPTIONAL = {  # by how the exchange sends them, or because nothing depends on them
    (SPOT_DELTA, "time"),
    (FUTURES_DELTA, "timestamp"),
    (FUTURES_DEPTH5, "sequence"),
}


def test_a_field_that_is_read_has_to_be_there() -> None:
    sides: list[tuple[str, Path]] = [(SPOT_MATCH, ("side",)), (FUTURES_MATCH, ("side",))]
    for push, path in [*NUMBERS, *sides, (FUTURES_DELTA, ("change",))]:
        message = json.loads(push)
        del message["data"][path[0]]
        if (push, path[0]) in OPTIONAL:
            assert read(json.dumps(message)) is not None
        else:
            with pytest.raises(BadFrame):
                print(path, read(json.dumps(message)))


@pytest.mark.parametrize("side", ['"Buy"', '""', "null", "1", "true", '"buy "', '["buy"]'])
def test_a_taker_buys_or_sells(side: str) -> None:
    for push in (SPOT_MATCH, FUTURES_MATCH):
        with pytest.raises(BadFrame):
            read(with_token(push, ("side",), side))


@pytest.mark.parametrize("data", ["null", "[]", "1", '"text"', "true", "{}", "[{}]"])
def test_data_of_the_wrong_shape_is_refused(data: str) -> None:
    for push, _ in PUSHES:
        topic = read_frame(push).topic
        with pytest.raises(BadFrame):
            read(f'{{"type":"message","topic":"{topic}","data":{data}}}')


def test_a_push_without_data_is_refused() -> None:
    with pytest.raises(BadFrame):
        read('{"type":"message","topic":"/market/match:BTC-USDT"}')


def test_of_a_name_that_comes_twice_the_last_counts() -> None:
    assert read_frame('{"type":"ack","type":"pong"}').type == "pong"
    tick = read(SPOT_MATCH.replace('"price":"67523"', '"price":"67523","price":"67524"'))
    assert isinstance(tick, Tick)
    assert tick.price == 67524.0
    with pytest.raises(BadFrame):
        read(SPOT_MATCH.replace('"price":"67523"', '"price":"67523","price":"NaN"'))


# Prices and sizes at the edge.


@pytest.mark.parametrize("edge", [LEAST, MOST])
def test_the_least_and_the_most_are_taken_and_nothing_beyond(edge: float) -> None:
    beyond = math.nextafter(edge, 0.0 if edge == LEAST else math.inf)
    for field in ("price", "size"):
        tick = read(with_token(SPOT_MATCH, (field,), repr(edge)))
        assert isinstance(tick, Tick)
        with pytest.raises(BadFrame, match=f"the {field} is"):
            read(with_token(SPOT_MATCH, (field,), repr(beyond)))


@given(st.decimals("1e-10", "1e10", allow_nan=False))
def test_a_price_is_the_nearest_float_as_text_or_as_a_number(price: object) -> None:
    for token in (f"{price:f}", f'"{price:f}"'):
        tick = read(with_token(SPOT_MATCH, ("price",), token))
        assert isinstance(tick, Tick)
        assert tick.price == float(f"{price:f}")


# Quotes.


@pytest.mark.parametrize(
    ("bid", "ask", "is_quote"),
    [("1", "2", True), ("2", "2", True), ("2.1", "2", False), ("1e18", "1e-18", False)],
)
def test_a_quote_that_crosses_says_nothing(bid: str, ask: str, is_quote: bool) -> None:
    said = read(
        '{"type":"message","topic":"/spotMarket/level1:BTC-USDT","data":'
        f'{{"asks":["{ask}","1"],"bids":["{bid}","1"],"timestamp":1729816058766}}}}'
    )
    assert (said is not None) is is_quote


@pytest.mark.parametrize("side", ["bids", "asks"])
@pytest.mark.parametrize("push", [SPOT_LEVEL1, SPOT_DEPTH5, FUTURES_DEPTH5], ids=lambda p: p[:40])
def test_a_book_with_an_empty_side_says_nothing(push: str, side: str) -> None:
    assert read(with_token(push, (side,), "[]")) is None


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_level1_has_null_for_an_empty_side(side: str) -> None:
    assert read(with_token(SPOT_LEVEL1, (side,), "null")) is None


@pytest.mark.parametrize("row", ['["1"]', '["1","1","1"]', '{"price":"1"}', '[["1","1"]]'])
def test_a_level_is_a_price_and_a_size(row: str) -> None:
    for side in ("bids", "asks"):
        with pytest.raises(BadFrame):
            read(with_token(SPOT_LEVEL1, (side,), row))
        for push in (SPOT_DEPTH5, FUTURES_DEPTH5):
            with pytest.raises(BadFrame):
                read(with_token(push, (side, 0), row))
        with pytest.raises(BadFrame):
            read(with_token(SPOT_DELTA, ("changes", side), f"[{row}]"))


# Candles.


@pytest.mark.parametrize(("topic", "column"), [("spot", 5), ("futures", 6)])
def test_the_columns_are_open_close_high_low_and_the_volume_of_the_venue(
    topic: str, column: int
) -> None:
    push = SPOT_CANDLE if topic == "spot" else FUTURES_CANDLE
    said = read(with_token(push, ("candles",), '["1729839600","3","5","8","2","70","90"]'))
    assert isinstance(said, Candle)
    volume = {5: 70.0, 6: 90.0}[column]
    assert said.bar == Bar(1729839600000000000, open=3, high=8, low=2, close=5, volume=volume)


@pytest.mark.parametrize(
    "row",
    [
        '["1729839600","3","5","4","2","1","1"]',  # the close above the high
        '["1729839600","6","5","5.5","2","1","1"]',  # the open above the high
        '["1729839600","1","5","8","2","1","1"]',  # the open below the low
        '["1729839600","3","1","8","2","1","1"]',  # the close below the low
        '["1729839600","3","3","2","8","1","1"]',  # high and low the other way round
        '["1729839600","3","NaN","8","2","1","1"]',
        '["1729839600","NaN","3","8","2","1","1"]',
        '["1729839600","3","3","NaN","2","1","1"]',
        '["1729839600","3","3","8","NaN","1","1"]',
        '["1729839600","0","0","0","0","1","1"]',
        '["1729839600","-3","-3","-2","-4","1","1"]',
        '["1729839600","3","3","1e300","2","1","1"]',
        '["1729839600","3","5","8","2","-1","-1"]',
        '["1729839600","3","5","8","2","1"]',
        '["1729839600","3","5","8","2","1","1","1"]',
        "[]",
        "null",
    ],
)
def test_a_candle_that_no_market_makes_is_refused(row: str) -> None:
    for push in (SPOT_CANDLE, FUTURES_CANDLE):
        with pytest.raises(BadFrame):
            print(read(with_token(push, ("candles",), row)))


@given(st.lists(st.sampled_from([math.nan, math.inf, -1.0, 0.0, 1.0, 2.0, 3.0]), min_size=5))
def test_a_bar_is_made_only_of_numbers_in_their_order(values: list[float]) -> None:
    first, high, low, last, volume = values[:5]
    try:
        bar = bar_of(1729839600000000000, (first, high, low, last), volume)
    except BadFrame:
        good = all(map(math.isfinite, values[:5])) and volume >= 0.0 < low
        assert not (good and low <= first <= high and low <= last <= high)
    else:
        assert all(map(math.isfinite, (bar.open, bar.high, bar.low, bar.close, bar.volume)))
        assert 0.0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high


# Changes of the book.


@pytest.mark.parametrize(
    ("start", "end", "number"), [(5, 4, 5), (5, 7, 4), (5, 7, 8), (0, 7, 5), (0, 0, 0)]
)
def test_the_sequence_of_a_change_lies_within_its_push(start: int, end: int, number: int) -> None:
    changes = f'{{"asks":[],"bids":[["1","1","{number}"]]}}'
    with pytest.raises(BadFrame, match="sequence"):
        read(
            '{"type":"message","topic":"/market/level2:BTC-USDT","data":'
            f'{{"changes":{changes},"sequenceStart":{start},"sequenceEnd":{end}}}}}'
        )


@pytest.mark.parametrize("changes", ["null", "[]", '{"asks":[]}', '{"bids":[],"asks":null}'])
def test_changes_have_two_sides(changes: str) -> None:
    with pytest.raises(BadFrame):
        read(with_token(SPOT_DELTA, ("changes",), changes))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("5000.0,sell,83", (False, 5000.0, 83.0)),
        ("5000.0,buy,0", (True, 5000.0, 0.0)),
        ("0,buy,0", (True, 0.0, 0.0)),
        ("5000,buy,1,new", (True, 5000.0, 1.0)),
    ],
)
def test_a_futures_change_is_a_price_a_side_and_a_size(
    change: str, said: tuple[bool, float, float]
) -> None:
    delta = read(with_token(FUTURES_DELTA, ("change",), f'"{change}"'))
    assert isinstance(delta, Delta)
    assert delta.changes == ((*said, 1709400450243),)


@pytest.mark.parametrize(
    "change",
    [
        '""',
        '","',
        '",,"',
        '"5000"',
        '"5000,sell"',
        '"5000,sell,"',
        '",sell,1"',
        '"5000,Sell,1"',
        '"5000,1,sell"',
        '"nan,sell,1"',
        '"5000,sell,nan"',
        '"inf,sell,1"',
        '"5000,sell,-1"',
        '"-5000,sell,1"',
        '"5_0,sell,1"',
        '" 5,sell,1"',
        '"\u0661,sell,1"',
        f'"{"9" * 400},sell,1"',
        f'"{"9" * 5000},sell,1"',
        '"1e999,sell,1"',
        '"true,sell,1"',
        "null",
        "1",
        "[]",
        '["5000","sell","1"]',
    ],
    ids=lambda change: ascii(change)[:16],
)
def test_a_futures_change_of_another_form_is_refused(change: str) -> None:
    with pytest.raises(BadFrame):
        print(read(with_token(FUTURES_DELTA, ("change",), change)))


def test_text_that_is_no_utf8_is_refused_where_it_is_read() -> None:
    raw = FUTURES_DELTA.encode()
    with pytest.raises(BadFrame):
        read(raw.replace(b"90631.2,sell", b"90631.2,\xffsell"))
    with pytest.raises(BadFrame):
        read(raw.replace(b"message", b"\xed\xa0\x80"))


# Envelopes.


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ('{"id":"hQvf8jkno","type":"welcome"}', ("welcome", "hQvf8jkno", None, "null")),
        ('{"id":"1545910660739","type":"ack"}', ("ack", "1545910660739", None, "null")),
        ('{"id":1,"type":"ack"}', ("ack", 1, None, "null")),
        ('{"id":"1","type":"pong","timestamp":1700000000000000}', ("pong", "1", None, "null")),
        (
            '{"id":"660fd6c84d0eab582c237b51","type":"error","code":401,"data":"token is expired"}',
            ("error", "660fd6c84d0eab582c237b51", 401, "token is expired"),
        ),
        (
            '{"type":"error","code":"509","data":"exceed max permits per second"}',
            ("error", None, "509", "exceed max permits per second"),
        ),
        ('{"type":"error","data":{"deep":[1]}}', ("error", None, None, '{"deep":[1]}')),
    ],
)
def test_an_envelope_is_read(frame: str, said: tuple[object, ...]) -> None:
    """From Kucoin/kucoin-api-docs, bmoscon/cryptofeed#1023 and Kucoin/kucoin-api-docs#434."""
    got = read_frame(frame)
    assert (got.type, got.id, got.code, got.text) == said


def test_the_text_of_an_error_is_bounded_and_always_text() -> None:
    long = read_frame(json.dumps({"type": "error", "data": "x" * 10_000}))
    assert len(long.text) < WHY_MAX
    assert read_frame(b'{"type":"error","data":"a\xff"}').text == "a\ufffd"


NO_FRAMES: list[str | bytes] = [
    "",
    b"",
    " ",
    "null",
    "1",
    "[]",
    '"text"',
    "{}",
    "{",
    '{"type"}',
    '{"type":null}',
    '{"type":1}',
    '{"type":["message"]}',
    '{"Type":"message"}',
    '{"type":"message","topic":null}',
    '{"type":"message","topic":1}',
    '{"type":"message","subject":{}}',
    '{"type":"message","id":1.5}',
    '{"type":"message","id":true}',
    '{"type":"message","id":[1]}',
    '{"type":"message","code":{}}',
    '{"type":"message"}x',
    '{"type":"message"}{"type":"message"}',
    '{"type":"message",}',
    "{'type':'message'}",
    '\ufeff{"type":"message"}',
    '{"type":"message","data":NaN}',
    '{"type":"message","data":}',
    '{"type":"message","data":[}',
    '{"type":"message","other":Infinity}',
    '{"type":"mess\nage"}',
    '{"type":"\ud800"}',
    '{"type":"message","topic":"\\ud800"}',
    '{"type":"message","topic":"\\udfff\\ud800"}',
    b'{"type":"\xff"}',
    b'{"type":"message","topic":"\xed\xa0\x80"}',
    b'{"type":"message","topic":"\xc0\xaf"}',
    b"\x00\x01\x02",
    b"\xff\xfe{\x00}\x00",
    "[" * 500,
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"type":"message","data":' + "[" * 100_000,
    '{"type":"message","data":' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"type":"message","new":' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "}",
]


@pytest.mark.parametrize("raw", NO_FRAMES, ids=lambda raw: ascii(raw)[:40])
def test_what_is_no_frame_is_refused(raw: str | bytes) -> None:
    with pytest.raises(BadFrame) as refusal:
        print(read_frame(raw))
    assert 0 < len(str(refusal.value)) <= WHY_MAX


def test_a_frame_has_a_size_at_most() -> None:
    frame = '{"type":"message","new":"%s"}'
    room = FRAME_BYTES_MAX - len(frame) + len("%s")
    assert read_frame(frame % ("x" * room)).type == "message"
    with pytest.raises(BadFrame, match="1048577 bytes are more than a frame has"):
        read_frame(frame % ("x" * (room + 1)))


@pytest.mark.parametrize("depth", [10, 500, 100_000])
def test_what_is_nested_deep_is_read_or_refused(depth: int) -> None:
    """How deep is too deep depends on where we are called from; nothing else may come of it."""
    raw = SPOT_MATCH.replace('"price"', f'"new":{"[" * depth}{"]" * depth},"price"')
    frame = read_frame(SPOT_MATCH)
    frame.data = msgspec.Raw(raw[raw.index('"data":') + 7 : -1].encode())
    topic = Topic("spot", "trades", "BTC-USDT")
    for call in (partial(read, raw), partial(read_data, topic, frame)):
        if depth <= 500:
            assert call() == PUSHES[0][1]
        else:
            with pytest.raises(BadFrame):
                call()


def test_a_reason_is_bounded() -> None:
    with pytest.raises(BadFrame) as refusal:
        read(with_token(FUTURES_DELTA, ("change",), json.dumps("x" * 100_000)))
    assert len(str(refusal.value)) <= WHY_MAX
