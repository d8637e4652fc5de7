"""Pushes go to the channel of their topic, and come out as events in the channel's own order."""

import json

import pytest

from liveopt.core.bars import MINUTE_NS, SECOND_NS
from liveopt.core.events import Candle, FeedEvent, FeedState, Hole, Late, Quote, Tick
from liveopt.kucoin.depth import BookSnapshot
from liveopt.kucoin.intake import (
    INSIST_NS,
    OVERTAKEN_NS,
    Candles,
    Intake,
    Levels,
    Tape,
    Tops,
    hole,
)
from liveopt.kucoin.sequence import Span
from liveopt.kucoin.topics import Topic
from liveopt.kucoin.wire import BadFrame, Frame, read_frame

MS = 1_000_000
BEGAN = 1_700_000_000 * SECOND_NS
SETTLE = 2 * MS
TRADES = Topic("spot", "trades", "BTC-USDT")
TICKER = Topic("spot", "ticker", "BTC-USDT")
LEVEL1 = Topic("spot", "level1", "BTC-USDT")
CANDLES = Topic("spot", "candles", "BTC-USDT", MINUTE_NS)
DEPTH = Topic("spot", "depth", "BTC-USDT")


def push(topic: Topic, data: object) -> Frame:
    return read_frame(json.dumps({"type": "message", "topic": topic.text, "data": data}))


def trade(sequence: int, price: float = 100.0) -> Frame:
    at_ns = BEGAN + sequence * MS
    data = {"sequence": sequence, "price": price, "size": 1, "side": "buy", "time": at_ns}
    return push(TRADES, data)


def tick(sequence: int, price: float = 100.0) -> Tick:
    return Tick(BEGAN + sequence * MS, price, 1.0, "BTC-USDT", sequence, 1)


def quote(at_ms: int, sequence: int = 1, bid: str | None = "99") -> Frame:
    data = {"sequence": sequence, "bestBid": bid, "bestBidSize": "1", "bestAsk": "101"}
    return push(TICKER, {**data, "bestAskSize": "1", "time": BEGAN // MS + at_ms})


def candle(minute: int, volume: float, close: float = 10.0) -> Frame:
    opened_s = BEGAN // SECOND_NS - 20 + 60 * minute
    return push(
        CANDLES, {"candles": [str(opened_s), "10", str(close), "12", "9", str(volume), "1"]}
    )


def delta(first: int, price: str = "98", size: str = "1") -> Frame:
    changes = {"asks": [], "bids": [[price, size, first]]}
    data = {"sequenceStart": first, "sequenceEnd": first, "changes": changes}
    return push(DEPTH, {**data, "time": BEGAN // MS})


def opened(*topics: Topic, band: float = 0.2) -> Intake:
    return Intake(topics, SETTLE, band, 0)


def tape_of(intake: Intake) -> Tape:
    (tape,) = intake.tapes()
    return tape


def kinds(events: list[FeedEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def waiting(intake: Intake) -> bool:
    return intake.waiting


# Which channel.


def test_each_kind_of_topic_has_its_channel() -> None:
    intake = opened(TRADES, TICKER, LEVEL1, CANDLES)
    intake.add(DEPTH, 0)
    found = [type(channel) for channel in intake.channels.values()]
    assert found == [Tape, Tops, Tops, Candles, Levels]
    assert [tape.topic for tape in intake.tapes()] == [TRADES]


def test_a_topic_that_nobody_asked_for_is_passed_over() -> None:
    intake = opened(TICKER)
    assert not intake.take(trade(1), 0)
    assert not waiting(intake)
    assert intake.flush(0) == []


def test_a_topic_dropped_with_something_waiting_is_forgotten() -> None:
    intake = opened(TRADES, TICKER)
    intake.take(trade(1), 0)
    tape_of(intake).sequencer.hold()
    channel = intake.channels.pop(TRADES.text)
    assert intake.flush(SETTLE) == []
    assert not waiting(intake)
    assert intake.wanting == set()
    intake.touch(channel)
    assert intake.flush(SETTLE) == []


def test_one_bad_push_does_not_touch_the_others() -> None:
    intake = opened(TRADES, TICKER)
    intake.take(trade(1), 0)
    intake.take(quote(1), 0)
    with pytest.raises(BadFrame):
        intake.take(push(TICKER, {"sequence": "x"}), 0)
    with pytest.raises(BadFrame):
        intake.take(push(TRADES, {"price": "NaN"}), 0)
    assert kinds(intake.flush(SETTLE)) == ["Tick", "Quote"]


# Ticks.


def test_ticks_come_out_settled_in_order_and_once() -> None:
    intake = opened(TRADES)
    for sequence in (2, 1, 3, 2):
        assert intake.take(trade(sequence), 0)
    assert intake.flush(SETTLE - 1) == []
    assert waiting(intake), "they still have to settle"
    assert intake.flush(SETTLE) == [tick(1), tick(2), tick(3)]
    assert not waiting(intake)


def test_a_tick_too_late_is_told() -> None:
    intake = opened(TRADES)
    intake.take(trade(5), 0)
    intake.flush(SETTLE)
    intake.take(trade(3), SETTLE)
    assert intake.flush(SETTLE) == [Late(tick(3))]


def test_while_held_nothing_comes_out_and_the_history_is_wanted() -> None:
    intake = opened(TRADES)
    intake.take(trade(1), 0)
    intake.flush(SETTLE)
    tape = tape_of(intake)
    tape.sequencer.hold()
    intake.take(trade(5), SETTLE)
    assert intake.flush(9 * SETTLE) == []
    assert intake.wanting == {TRADES.text}
    assert not waiting(intake), "the mend touches it"
    assert tape.join([tick(1), tick(3)], 9 * SETTLE) == ("again", None)
    assert tape.join([tick(1), tick(3), tick(5)], 9 * SETTLE) == ("joined", None)
    intake.touch(tape)
    assert intake.flush(9 * SETTLE) == [tick(3), tick(5)]


def test_after_a_quiet_cut_the_first_tick_wants_the_history() -> None:
    intake = opened(TRADES)
    intake.take(trade(1), 0)
    intake.flush(SETTLE)
    tape = tape_of(intake)
    tape.sequencer.hold()
    assert tape.join([tick(1)], 0)[0] == "quiet"
    assert not tape.wants
    intake.take(trade(4), 2 * SETTLE)
    assert intake.flush(9 * SETTLE) == []
    assert intake.wanting == {TRADES.text}


# Absurd prices, and whatever else is refused: it may have been a tick.


def started(price: float = 100.0) -> tuple[Intake, Tape]:
    intake = opened(TRADES)
    intake.take(trade(1, price), 0)
    intake.flush(SETTLE)
    return intake, tape_of(intake)


def refused(intake: Intake, frame: Frame, now_ns: int) -> str:
    """As the feed does it: what is refused is owed."""
    with pytest.raises(BadFrame) as caught:
        intake.take(frame, now_ns)
    tape_of(intake).refuse(now_ns)
    return str(caught.value)


def asks(tape: Tape) -> bool:
    return tape.wants


def test_an_absurd_price_is_refused_and_the_exchange_is_asked() -> None:
    intake, tape = started()
    assert refused(intake, trade(2, 1e6), 3 * MS) == "the price 1e+06 is absurd beside 100"
    assert asks(tape)
    assert tape.owed
    intake.take(trade(3), 4 * MS)
    assert tape.join([tick(1), tick(3)], 5 * MS) == ("joined", None)
    intake.touch(tape)
    assert intake.flush(9 * MS) == [tick(3)], "the exchange does not know of it"
    assert not asks(tape)
    assert tape.band.good == 100.0


def test_a_price_that_the_exchange_means_is_a_price_and_none_is_lost() -> None:
    intake, tape = started()
    for sequence in range(2, 12):
        refused(intake, trade(sequence, 200.0), 3 * MS)
    history = [tick(1), *(tick(sequence, 200.0) for sequence in range(2, 8))]
    assert tape.join(history, 5 * MS)[0] == "quiet"
    intake.touch(tape)
    events = intake.flush(9 * MS)
    intake.take(trade(12, 201.0), 10 * MS)
    events += intake.flush(10 * MS + SETTLE)
    assert asks(tape), "8 to 11 were refused, and that history did not have them"
    history += [tick(sequence, 200.0) for sequence in range(8, 12)]
    tape.join([*history, tick(12, 201.0)], 20 * MS)
    intake.touch(tape)
    events += intake.flush(20 * MS)
    assert [event.sequence for event in events if isinstance(event, Tick)] == list(range(2, 13))


def test_what_was_refused_and_passed_by_is_told_as_late_once() -> None:
    intake, tape = started()
    refused(intake, trade(2, 200.0), 3 * MS)
    tape.sequencer.held = False  # somebody went on without an answer
    intake.take(trade(3), 5 * MS)
    assert intake.flush(9 * MS) == [tick(3)]
    for _ in range(2):
        tape.sequencer.hold()
        tape.join([tick(1), tick(2, 200.0), tick(3)], 10 * MS)
    intake.touch(tape)
    assert intake.flush(11 * MS) == [Late(tick(2, 200.0))]


def test_the_exchange_is_asked_at_most_every_two_seconds_and_the_debt_stays() -> None:
    intake, tape = started()
    refused(intake, trade(2, 1e6), 3 * MS)
    intake.take(trade(3), 5 * MS)
    tape.join([tick(1), tick(3)], 5 * MS)
    assert not asks(tape)
    refused(intake, trade(4, 1e6), 6 * MS)
    assert not asks(tape)
    tape.insist(2 * MS + INSIST_NS)
    assert not asks(tape)
    tape.insist(3 * MS + INSIST_NS)
    assert asks(tape)


def test_nothing_is_insisted_on_where_nothing_is_owed() -> None:
    _, tape = started()
    tape.insist(9 * INSIST_NS)
    assert not asks(tape)


def test_a_history_too_old_leaves_the_debt() -> None:
    intake, tape = started()
    refused(intake, trade(2, 1e6), 3 * MS)
    intake.take(trade(3), 5 * MS)
    assert tape.join([tick(1)], 5 * MS)[0] == "again"
    assert tape.owed


def test_an_absurd_first_price_does_not_stop_the_feed() -> None:
    intake, tape = started(1e9)
    refused(intake, trade(2), 3 * MS)
    tape.join([tick(1), tick(2)], 4 * MS)
    intake.touch(tape)
    assert intake.flush(5 * MS) == [tick(2)]
    intake.take(trade(3), 6 * MS)
    assert tape.band.good == 100.0


def test_without_a_band_every_price_is_one() -> None:
    intake = opened(TRADES, band=0.0)
    intake.take(trade(1), 0)
    assert intake.take(trade(2, 1e9), 0)


# Quotes: only the newest.


def test_only_the_newest_quote_comes_out() -> None:
    intake = opened(TICKER)
    for at_ms in (1, 2, 3):
        intake.take(quote(at_ms), 0)
    (event,) = intake.flush(0)
    assert isinstance(event, Quote)
    assert event.at_ns == BEGAN + 3 * MS
    assert intake.flush(0) == [], "once"


@pytest.mark.parametrize(
    ("at_ms", "sequence", "taken"),
    [
        (100_001, 1, True),
        (100_000, 5, True),
        (100_000, 4, False),
        (99_999, 9, False),
        (100_000 - OVERTAKEN_NS // MS + 1, 9, False),
        (100_000 - OVERTAKEN_NS // MS, 9, True),  # the exchange's clock was set back
    ],
)
def test_a_quote_overtaken_is_passed_over(at_ms: int, sequence: int, taken: bool) -> None:
    intake = opened(TICKER)
    intake.take(quote(100_000, 5), 0)
    intake.flush(0)
    assert intake.take(quote(at_ms, sequence), 0)
    assert kinds(intake.flush(0)) == ["Quote"] * taken


def test_a_quote_with_an_empty_side_is_data_but_no_quote() -> None:
    intake = opened(TICKER)
    intake.take(quote(1), 0)
    assert intake.take(quote(2, bid=None), 5)
    (event,) = intake.flush(5)
    assert isinstance(event, Quote)
    assert event.at_ns == BEGAN + MS
    assert intake.channels[TICKER.text].silence.since_ns == 5


# Candles.


def volumes(events: list[FeedEvent]) -> list[float]:
    return [event.bar.volume for event in events if isinstance(event, Candle)]


def test_a_candle_comes_out_as_often_as_it_changes() -> None:
    intake = opened(CANDLES)
    for volume in (1.0, 1.0, 2.0, 1.0, 2.0, 3.0):
        intake.take(candle(0, volume), 0)
    assert volumes(intake.flush(0)) == [1.0, 2.0, 3.0], "again and overtaken ones do not"
    intake.take(candle(0, 3.0, close=11.0), 0)
    assert volumes(intake.flush(0)) == [3.0], "a correction without volume does"


def test_a_bar_may_be_told_after_its_end() -> None:
    intake = opened(CANDLES)
    intake.take(candle(2, 1.0), 0)
    intake.take(candle(1, 0.0), 0)
    intake.take(candle(2, 1.0), 0)
    assert volumes(intake.flush(0)) == [1.0, 0.0]
    channel = intake.channels[CANDLES.text]
    assert isinstance(channel, Candles)
    assert channel.last is not None
    assert channel.last.bar.volume == 1.0


# Books.


def test_a_book_wants_a_snapshot_and_tells_its_top() -> None:
    intake = opened(DEPTH)
    intake.take(delta(11), 0)
    assert intake.flush(0) == []
    assert intake.wanting == {DEPTH.text}
    levels = intake.channels[DEPTH.text]
    assert isinstance(levels, Levels)
    assert not levels.start(BookSnapshot("BTC-USDT", 9, BEGAN, [(99.0, 1.0)], [(101.0, 1.0)]))
    assert intake.flush(0) == []
    assert levels.start(BookSnapshot("BTC-USDT", 10, BEGAN, [(99.0, 1.0)], [(101.0, 1.0)]))
    intake.touch(levels)
    assert intake.flush(0) == [Quote(BEGAN, "BTC-USDT", 11, 99.0, 1.0, 101.0, 1.0)]
    intake.take(delta(12, "100", "5"), 0)
    intake.take(delta(12, "100", "5"), 0)
    assert intake.flush(0) == [Quote(BEGAN, "BTC-USDT", 12, 100.0, 5.0, 101.0, 1.0)]
    intake.wanting.clear()
    intake.take(delta(14), 0)
    assert intake.flush(0) == []
    assert intake.wanting == {DEPTH.text}, "a gap"


def test_a_book_that_loses_a_side_tells_nothing() -> None:
    intake = opened(DEPTH)
    levels = intake.channels[DEPTH.text]
    assert isinstance(levels, Levels)
    levels.start(BookSnapshot("BTC-USDT", 10, BEGAN, [(99.0, 1.0)], [(101.0, 1.0)]))
    intake.take(delta(11, "99", "0"), 0)
    assert intake.flush(0) == []


# Silence.


@pytest.mark.parametrize(
    ("topic", "frame"),
    [(TRADES, trade(1)), (TICKER, quote(1)), (CANDLES, candle(0, 1.0)), (DEPTH, delta(1))],
    ids=lambda value: str(value)[:40],
)
def test_data_after_a_silence_says_that_the_topic_lives(topic: Topic, frame: Frame) -> None:
    intake = opened(topic)
    silence = intake.channels[topic.text].silence
    silence.state = "stale"
    intake.take(frame, 7 * SECOND_NS)
    events = intake.flush(8 * SECOND_NS)
    assert events[0] == FeedState(7 * SECOND_NS, topic.text, "live", 7 * SECOND_NS)
    assert kinds(intake.flush(9 * SECOND_NS)).count("FeedState") == 0, "once"


def test_a_tick_refused_for_its_price_is_a_sign_of_life_and_one_that_is_none_is_not() -> None:
    intake, tape = started()
    tape.silence.state = "stale"
    with pytest.raises(BadFrame):
        intake.take(push(TRADES, {}), 5 * MS)
    assert tape.silence.state == "stale"
    refused(intake, trade(2, 1e6), 6 * MS)
    assert kinds(intake.flush(6 * MS)) == ["FeedState"]


def test_a_span_becomes_a_hole() -> None:
    assert hole("BTC-USDT", Span(1, 2, "why")) == Hole("BTC-USDT", 1, 2, "why")
