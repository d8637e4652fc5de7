"""What differs between the venues is where the exchange's documents say it is."""

import pytest

from liveopt.core.bars import DAY_NS, HOUR_NS, INTERVALS, MINUTE_NS, SECOND_NS
from liveopt.kucoin.words import (
    CANDLES,
    INTERVALS_OF,
    ROWS_MAX,
    Venue,
    candle_query,
    stream_word,
    venue_of,
)

NOON_NS = 1_704_110_400 * SECOND_NS


@pytest.mark.parametrize(
    ("symbol", "venue"),
    [("BTC-USDT", "spot"), ("ETH-BTC", "spot"), ("XBTUSDTM", "futures"), ("XBTUSDM", "futures")],
)
def test_the_name_of_a_symbol_says_where_it_trades(symbol: str, venue: str) -> None:
    assert venue_of(symbol) == venue


@pytest.mark.parametrize("symbol", ["BTCUSDT", "", "M M", "xbtusdtm", "BTC/USDT"])
def test_a_name_that_no_venue_has_is_refused_with_examples(symbol: str) -> None:
    with pytest.raises(ValueError, match=r"BTC-USDT.*XBTUSDTM"):
        venue_of(symbol)


@pytest.mark.parametrize(
    ("interval_ns", "word"),
    [(MINUTE_NS, "1min"), (HOUR_NS, "1hour"), (12 * HOUR_NS, "12hour"), (DAY_NS, "1day")],
)
def test_intervals_have_the_words_of_the_topics(interval_ns: int, word: str) -> None:
    assert stream_word(interval_ns) == word


def test_an_interval_without_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match="no candles of 5 s"):
        stream_word(5 * SECOND_NS)


def test_spot_asks_in_seconds_and_words() -> None:
    query = candle_query("spot", "BTC-USDT", 5 * MINUTE_NS, NOON_NS, NOON_NS + HOUR_NS)
    assert query == {
        "symbol": "BTC-USDT",
        "type": "5min",
        "startAt": "1704110400",
        "endAt": "1704113999",
    }


def test_futures_ask_in_milliseconds_and_minutes() -> None:
    query = candle_query("futures", "XBTUSDTM", HOUR_NS, NOON_NS, NOON_NS + HOUR_NS)
    assert query == {
        "symbol": "XBTUSDTM",
        "granularity": "60",
        "from": "1704110400000",
        "to": "1704113999999",
    }


@pytest.mark.parametrize("venue", ["spot", "futures"])
def test_a_query_covers_what_opens_within_and_nothing_else(venue: Venue) -> None:
    """Whether the exchange means its end inclusively or not."""
    names, unit_ns = ("startAt", "endAt"), SECOND_NS
    if venue == "futures":
        names, unit_ns = ("from", "to"), 1_000_000
    for shift_ns in (0, 1, MINUTE_NS - 1):
        from_ns = NOON_NS + shift_ns
        to_ns = from_ns + 10 * MINUTE_NS
        query = candle_query(venue, "X", MINUTE_NS, from_ns, to_ns)
        first_ns, last_ns = (int(query[name]) * unit_ns for name in names)
        for at_ns in range(NOON_NS, to_ns + MINUTE_NS, MINUTE_NS):
            wanted = from_ns <= at_ns < to_ns
            assert (first_ns <= at_ns <= last_ns) == wanted
            assert (first_ns <= at_ns < last_ns) == wanted


def test_an_interval_that_a_venue_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(ValueError, match="futures has no 3m candles; there are 1m, 5m, 15m"):
        candle_query("futures", "XBTUSDTM", 3 * MINUTE_NS, 0, NOON_NS)
    with pytest.raises(ValueError, match="spot has no 7 s candles"):
        candle_query("spot", "BTC-USDT", 7 * SECOND_NS, 0, NOON_NS)


@pytest.mark.parametrize("venue", ["spot", "futures"])
def test_every_interval_of_minutes_that_liveopt_knows_can_be_fetched(venue: Venue) -> None:
    minutes = {ns for ns in INTERVALS.values() if ns >= MINUTE_NS}
    assert minutes - set(INTERVALS_OF[venue]) == ({3 * MINUTE_NS} if venue == "futures" else set())
    assert all(DAY_NS % ns == 0 for ns in INTERVALS_OF[venue])
    assert ROWS_MAX[venue] >= 200
    assert CANDLES[venue].weight == 3
