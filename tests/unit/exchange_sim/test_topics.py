"""Topics in a subscription."""

import pytest

from liveopt.exchange_sim.specs import Venue
from liveopt.exchange_sim.topics import Refused, interval_s, parse_topics, symbol_of


@pytest.mark.parametrize(
    ("venue", "text", "kind", "names"),
    [
        ("spot", "/market/match:A-B,C-D,A-B", "match", ["/market/match:A-B", "/market/match:C-D"]),
        ("spot", "/market/ticker:all", "ticker", ["/market/ticker:all"]),
        ("spot", "/market/candles:A-B_1min", "candles", ["/market/candles:A-B_1min"]),
        ("spot", "/account/balance", "private", ["/account/balance"]),
        ("futures", "/contract/announcement", "announcement", ["/contract/announcement"]),
        (
            "futures",
            "/contractMarket/tradeOrders:X",
            "private",
            ["/contractMarket/tradeOrders:X"],
        ),
        ("futures", "/contractMarket/tickerV2:X", "quotes", ["/contractMarket/tickerV2:X"]),
    ],
)
def test_a_subscription_names_one_topic_a_symbol(
    venue: Venue, text: str, kind: str, names: list[str]
) -> None:
    assert parse_topics(venue, text) == (kind, names)


@pytest.mark.parametrize(
    ("venue", "text", "code"),
    [
        ("spot", None, 406),
        ("spot", "", 406),
        ("spot", 5, 406),
        ("spot", "hello", 400),
        ("spot", "/market/match", 400),
        ("spot", "/market/match:", 400),
        ("spot", "/market/candles:A-B", 400),
        ("spot", "/market/candles:A-B_2min", 400),
        ("spot", "/contractMarket/execution:X", 404),
        ("futures", "/contractMarket/level2Depth20:X", 404),
        ("futures", "/market/match:A-B", 404),
        ("futures", "/contract/announcement:", 400),
    ],
)
def test_what_is_no_topic_of_the_venue_is_refused(venue: Venue, text: object, code: int) -> None:
    with pytest.raises(Refused) as refused:
        parse_topics(venue, text)
    assert refused.value.code == code


def test_a_hundred_symbols_are_taken_and_one_more_is_not() -> None:
    symbols = [f"A{n}-B" for n in range(101)]
    assert len(parse_topics("spot", "/market/match:" + ",".join(symbols[:100])).names) == 100
    with pytest.raises(Refused, match="100 per time"):
        parse_topics("spot", "/market/match:" + ",".join(symbols))


def test_symbols_and_intervals_are_read_from_topics() -> None:
    assert symbol_of("/market/candles:BTC-USDT_1min") == "BTC-USDT"
    assert symbol_of("/contract/announcement") == ""
    assert interval_s("BTC-USDT_1week") == 604_800
    assert interval_s("BTC-USDT") is None
