"""A topic's name leads to its topic and back, and no subscription is longer than allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.bars import HOUR_NS, MINUTE_NS
from liveopt.kucoin.topics import (
    PREFIX,
    STREAMED,
    TOPICS_PER_MESSAGE,
    Topic,
    joined,
    parse,
    parted,
)

NAMES = [
    (Topic("spot", "trades", "BTC-USDT"), "/market/match:BTC-USDT"),
    (Topic("spot", "ticker", "BTC-USDT"), "/market/ticker:BTC-USDT"),
    (Topic("spot", "candles", "BTC-USDT", HOUR_NS), "/market/candles:BTC-USDT_1hour"),
    (Topic("spot", "level1", "BTC-USDT"), "/spotMarket/level1:BTC-USDT"),
    (Topic("spot", "depth5", "BTC-USDT"), "/spotMarket/level2Depth5:BTC-USDT"),
    (Topic("spot", "depth", "BTC-USDT"), "/market/level2:BTC-USDT"),
    (Topic("futures", "trades", "XBTUSDTM"), "/contractMarket/execution:XBTUSDTM"),
    (Topic("futures", "ticker", "XBTUSDTM"), "/contractMarket/ticker:XBTUSDTM"),
    (Topic("futures", "quotes", "XBTUSDTM"), "/contractMarket/tickerV2:XBTUSDTM"),
    (
        Topic("futures", "candles", "XBTUSDTM", MINUTE_NS),
        "/contractMarket/limitCandle:XBTUSDTM_1min",
    ),
    (Topic("futures", "depth5", "XBTUSDTM"), "/contractMarket/level2Depth5:XBTUSDTM"),
    (Topic("futures", "depth", "XBTUSDTM"), "/contractMarket/level2:XBTUSDTM"),
]


@pytest.mark.parametrize(("topic", "text"), NAMES, ids=str)
def test_a_topic_has_the_name_that_pushes_give_it(topic: Topic, text: str) -> None:
    assert topic.text == text
    assert parse(text) == topic


def test_every_kind_has_its_name_in_the_table_above() -> None:
    assert {(topic.venue, topic.kind) for topic, _ in NAMES} == {
        (venue, kind) for venue, kinds in PREFIX.items() for kind in kinds
    }


@pytest.mark.parametrize("interval_ns", STREAMED)
def test_candles_of_every_length_are_found_again(interval_ns: int) -> None:
    topic = Topic("futures", "candles", "XBTUSDTM", interval_ns)
    assert parse(topic.text) == topic


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "/market/match",
        "/market/match:",
        "/market/ticker:all",
        "/market/snapshot:BTC-USDT",
        "/market/candles:BTC-USDT",
        "/market/candles:BTC-USDT_",
        "/market/candles:_1min",
        "/market/candles:BTC-USDT_7min",
        "/market/candles:BTC-USDT_1week",
    ],
)
def test_a_name_that_nobody_reads_is_no_topic(text: str) -> None:
    assert parse(text) is None


def test_candles_of_no_length_have_no_name() -> None:
    with pytest.raises(ValueError, match="no candles of 7 s"):
        _ = Topic("spot", "candles", "BTC-USDT", 7_000_000_000).text


def test_topics_of_one_prefix_share_a_message() -> None:
    texts = ["/a:X", "/b:X", "/a:Y", "/a:X"]
    assert list(joined(texts)) == ["/a:X,Y", "/b:X"]
    assert list(joined([])) == []


@given(st.lists(st.integers(0, 400), max_size=500), st.integers(1, TOPICS_PER_MESSAGE))
def test_messages_carry_every_topic_once_and_never_too_many(found: list[int], most: int) -> None:
    texts = [f"/{'ab'[number % 2]}:S{number}" for number in found]
    messages = list(joined(texts, most))
    assert all(len(parted(message)) <= most for message in messages)
    asked = [topic for message in messages for topic in parted(message)]
    assert sorted(asked) == sorted(set(texts))
