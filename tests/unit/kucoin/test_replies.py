"""Answers of REST mean what the exchange's documents and recordings say, or are refused whole."""

import json
from typing import Any

import msgspec
import pytest

from liveopt.core.bars import HOUR_NS, SECOND_NS
from liveopt.core.events import Bar, Tick
from liveopt.kucoin.budget import Trouble
from liveopt.kucoin.replies import (
    Denied,
    EdgeBlocked,
    Fees,
    Garbled,
    Overloaded,
    RateLimited,
    Reply,
    RestError,
    Unreachable,
    data_of,
    read_book,
    read_bullet,
    read_candles,
    read_fees,
    read_funding,
    read_reply,
    read_time_ms,
    read_trades,
)
from liveopt.kucoin.words import Venue

FINE = Reply("200000", msgspec.Raw(b"7"))


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


# Rows recorded by ccxt from the real exchange (its static response tests).
SPOT_CANDLES = [
    ["1706637600", "43396.4", "43369.4", "43491.9", "43285.2", "135.02905655", "5859577.93"],
    ["1706634000", "43501.1", "43396.4", "43598.9", "43305.2", "101.11170513", "4390218.48"],
]
FUTURES_CANDLES = [
    [1706630400000, 43375.2, 43514.2, 43219, 43492, 354348],
    [1706634000000, 43495.6, 43598.9, 43301.8, 43392.3, 282425],
]
SPOT_TRADE = {
    "sequence": "7613805866401793", "price": "67347.4", "size": "0.00453030", "side": "sell",
    "time": 1709897616745000000,
}  # fmt: skip
FUTURES_TRADE = {
    "sequence": 1738233312958, "contractId": 101, "tradeId": "1738233312958",
    "makerOrderId": "157346964386611200", "takerOrderId": "157346998754742272",
    "ts": 1710327649901000000, "size": 1, "price": "73266.7", "side": "sell",
}  # fmt: skip
# From the examples of the official documents.
BULLET = {
    "token": "2neAiuYvAU61ZDXANAGAsiL4-iAExhsBXZxftpOeh_55i3Ysy2q2LEsEWU64mdzUOi34M_w.gJEIAywPXF==",
    "instanceServers": [
        {
            "endpoint": "wss://ws-api-futures.kucoin.com/", "encrypt": True,
            "protocol": "websocket", "pingInterval": 18000, "pingTimeout": 10000,
        }
    ],
}  # fmt: skip
SPOT_BOOK = {
    "time": 1729176273859, "sequence": "14610502970",
    "bids": [["66976.4", "0.69109872"], ["66976.3", "0.14377"]],
    "asks": [["66976.5", "0.05408199"], ["66976.8", "0.0005"]],
}  # fmt: skip
FUTURES_BOOK = {
    "sequence": 1697895963339, "symbol": "XBTUSDM", "bids": [[66968, 2], [66964.8, 25596]],
    "asks": [[66968.1, 13501], [66968.7, 2032]], "ts": 1729168101216000000,
}  # fmt: skip


def test_a_token_comes_with_its_socket_and_how_to_keep_it_alive() -> None:
    bullet = read_bullet(raw(BULLET))
    assert bullet.token == BULLET["token"]
    assert bullet.endpoint == "wss://ws-api-futures.kucoin.com/"
    assert bullet.ping_interval_ns == 18 * SECOND_NS
    assert bullet.ping_timeout_ns == 10 * SECOND_NS


@pytest.mark.parametrize(
    "change",
    [
        {"endpoint": "http://elsewhere.example/"},
        {"pingInterval": 0},
        {"pingTimeout": -5},
        {"pingInterval": 10**12},
        {"pingInterval": None},
    ],
)
def test_a_token_that_cannot_be_used_is_refused(change: dict[str, Any]) -> None:
    server = BULLET["instanceServers"][0] | change  # type: ignore[operator]
    with pytest.raises(Garbled):
        read_bullet(raw(BULLET | {"instanceServers": [server]}))


def test_a_token_without_a_server_is_refused() -> None:
    with pytest.raises(Garbled, match="without a token or a server"):
        read_bullet(raw(BULLET | {"instanceServers": []}))


def test_spot_candles_are_open_close_high_low_in_seconds_newest_first() -> None:
    assert read_candles("spot", raw(SPOT_CANDLES), HOUR_NS) == [
        Bar(1706634000 * SECOND_NS, 43501.1, 43598.9, 43305.2, 43396.4, 101.11170513),
        Bar(1706637600 * SECOND_NS, 43396.4, 43491.9, 43285.2, 43369.4, 135.02905655),
    ]


@pytest.mark.parametrize("turnover", [[], [15359832.12]])
def test_futures_candles_are_open_high_low_close_in_milliseconds(turnover: list[float]) -> None:
    rows = [row + turnover for row in FUTURES_CANDLES]
    assert read_candles("futures", raw(rows), HOUR_NS) == [
        Bar(1706630400 * SECOND_NS, 43375.2, 43514.2, 43219.0, 43492.0, 354348.0),
        Bar(1706634000 * SECOND_NS, 43495.6, 43598.9, 43301.8, 43392.3, 282425.0),
    ]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (0, "1706637601"),  # between two hours
        (0, "1"),
        (0, "1706637600000"),  # milliseconds
        (0, "nan"),
        (1, "0"),
        (2, "-1"),
        (3, "1"),  # a high below the open
        (4, "99999"),
        (4, "nan"),
        (5, "-1"),
        (5, "inf"),
        (5, "many"),
        (3, None),
    ],
)
def test_a_candle_that_no_market_has_spoils_its_page(column: int, value: str | None) -> None:
    row: list[Any] = list(SPOT_CANDLES[0])
    row[column] = value
    with pytest.raises(Garbled):
        read_candles("spot", raw([row]), HOUR_NS)


def test_columns_that_were_swapped_are_noticed() -> None:
    """The mistake that costs most: read as the other venue's, highs and closes trade places."""
    with pytest.raises(Garbled):
        read_candles("futures", raw([[int(r[0]) * 1000, *r[1:]] for r in SPOT_CANDLES]), HOUR_NS)


def test_a_short_candle_is_refused() -> None:
    with pytest.raises(Garbled, match="5 columns"):
        read_candles("spot", raw([SPOT_CANDLES[0][:5]]), HOUR_NS)


def test_trades_of_both_venues_are_ticks_with_side_and_sequence() -> None:
    assert read_trades("spot", "BTC-USDT", raw([SPOT_TRADE])) == [
        Tick(1709897616745000000, 67347.4, 0.0045303, "BTC-USDT", 7613805866401793, -1)
    ]
    assert read_trades("futures", "XBTUSDTM", raw([FUTURES_TRADE | {"side": "buy"}])) == [
        Tick(1710327649901000000, 73266.7, 1.0, "XBTUSDTM", 1738233312958, 1)
    ]


@pytest.mark.parametrize("step", [1, -1])
def test_trades_come_oldest_first_whatever_the_venue_does(step: int) -> None:
    rows = [FUTURES_TRADE | {"sequence": 100 + i} for i in range(5)][::step]
    assert [tick.sequence for tick in read_trades("futures", "X", raw(rows))] == [*range(100, 105)]


@pytest.mark.parametrize(
    "change",
    [
        {"time": 1709897616745},  # milliseconds
        {"price": "0"},
        {"price": "nan"},
        {"size": "0"},
        {"size": "-1"},
        {"side": "both"},
        {"sequence": "x"},
        {"sequence": "-4"},
        {"sequence": None},
    ],
)
def test_a_trade_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        read_trades("spot", "BTC-USDT", raw([SPOT_TRADE | change]))


def test_books_of_both_venues_have_their_best_levels_first() -> None:
    spot = read_book("spot", "BTC-USDT", raw(SPOT_BOOK))
    assert spot.sequence == 14610502970
    assert spot.at_ns == 1729176273859_000_000
    assert spot.bids == [(66976.4, 0.69109872), (66976.3, 0.14377)]
    assert spot.asks[0] == (66976.5, 0.05408199)
    futures = read_book("futures", "XBTUSDM", raw(FUTURES_BOOK))
    assert (futures.sequence, futures.at_ns) == (1697895963339, 1729168101216000000)
    assert futures.bids == [(66968.0, 2.0), (66964.8, 25596.0)]


def test_an_empty_side_is_empty_and_levels_of_nothing_are_none() -> None:
    book = read_book("spot", "X-Y", raw(SPOT_BOOK | {"bids": None, "asks": [["1", "0"]]}))
    assert (book.bids, book.asks) == ([], [])


@pytest.mark.parametrize("levels", [[["1"]], [["0", "1"]], [["1", "-1"]], [["nan", "1"]], 5])
def test_a_level_that_makes_no_sense_is_refused(levels: Any) -> None:
    with pytest.raises(Garbled):
        read_book("spot", "X-Y", raw(SPOT_BOOK | {"asks": levels}))


def test_fees_are_found_by_symbol() -> None:
    said = {"symbol": "XBTUSDTM", "takerFeeRate": "0.0006", "makerFeeRate": "-0.0001"}
    assert read_fees("futures", raw(said), "XBTUSDTM") == Fees(-0.0001, 0.0006)
    rows = [said | {"symbol": "ETH-USDT"}, said | {"symbol": "BTC-USDT", "takerFeeRate": "0.001"}]
    assert read_fees("spot", raw(rows), "BTC-USDT") == Fees(-0.0001, 0.001)
    with pytest.raises(Garbled, match="no fees of LTC-USDT"):
        read_fees("spot", raw(rows), "LTC-USDT")
    with pytest.raises(Garbled, match=r"fees of .* and 60"):
        read_fees("futures", raw(said | {"takerFeeRate": "60"}), "XBTUSDTM")


def test_the_time_is_of_this_century() -> None:
    assert read_time_ms(raw(1729260030774)) == 1729260030774
    for wrong in (1729260030, 0, -1, "soon", None):
        with pytest.raises(Garbled):
            read_time_ms(raw(wrong))


def test_a_body_that_is_not_the_exchanges_has_no_reply() -> None:
    for body in (b"", b"<html>1015</html>", b"[1]", b'{"data":1}', b"\xff\xfe", b"[" * 100_000):
        assert read_reply(body) is None
    reply = read_reply(b'{"code":"400100","msg":"symbol is required","retry":false}')
    assert reply is not None
    assert (reply.code, reply.msg) == ("400100", "symbol is required")


@pytest.mark.parametrize(
    ("status", "reply", "trouble", "error"),
    [
        (429, Reply("429000"), "quota", RateLimited),
        (200, Reply("200002"), "business", RateLimited),
        (429, Reply("429000"), "overload", Overloaded),
        (429, None, "edge", EdgeBlocked),
        (502, None, "none", Unreachable),
        (500, Reply("500000", msg="internal"), "none", Unreachable),
        (302, None, "none", Garbled),
        (200, None, "none", Garbled),
        (404, None, "none", Denied),
        (404, Reply("404", msg="Not Found"), "none", Denied),
        (200, Reply("400100", msg="symbol not exists"), "none", Denied),  # HTTP 200, and yet
        (400, Reply("200000"), "none", Denied),  # and the other way round
    ],
)
def test_every_answer_becomes_what_one_does_next(
    status: int, reply: Reply | None, trouble: Trouble, error: type[RestError]
) -> None:
    with pytest.raises(error) as caught:
        data_of(status, reply, trouble, 3 * SECOND_NS)
    assert type(caught.value) is error
    if isinstance(caught.value, RateLimited | Overloaded | EdgeBlocked):
        assert caught.value.wait_ns == 3 * SECOND_NS
        assert "again in 3.0 s" in str(caught.value)


def test_a_refusal_says_the_code_and_the_reason_in_printable_words() -> None:
    with pytest.raises(Denied) as caught:
        data_of(200, Reply("400100", msg="bad\x1b[31m symbol" + "x" * 500), "none", 0)
    assert caught.value.code == "400100"
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("venue", ["spot", "futures"])
def test_a_fine_answer_hands_its_data_on(venue: Venue) -> None:
    assert bytes(data_of(200, FINE, "none", 0)) == b"7"


FUNDING = {
    "symbol": ".XBTUSDTMFPI8H", "granularity": 28800000, "timePoint": 1731441600000,
    "value": 6.41e-4, "predictedValue": 5.2e-5, "fundingRateCap": 0.003,
}  # fmt: skip


def test_funding_is_settled_at_the_end_of_its_period() -> None:
    assert read_funding(raw(FUNDING)) == (1731470400 * SECOND_NS, 6.41e-4)


@pytest.mark.parametrize(
    "change", [{"value": 0.5}, {"value": "0.1"}, {"timePoint": 17}, {"granularity": None}]
)
def test_a_funding_rate_that_no_market_has_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Garbled):
        read_funding(raw(FUNDING | change))
