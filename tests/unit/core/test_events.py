"""Market events are values: frozen, comparable and readable again from a journal."""

from typing import get_args

import msgspec
import pytest

from liveopt.core.events import (
    Bar,
    Candle,
    Closed,
    Disagreement,
    FeedEvent,
    FeedState,
    Gap,
    Hole,
    Late,
    LateTick,
    Quote,
    Refused,
    Tick,
)

TICK = Tick(1, 2.0, 3.0)
BAR = Bar(1, 2.0, 3.0, 1.0, 2.5, 4.0)
EVENTS = [TICK, BAR, LateTick(TICK, 60), Gap(60, 120), Closed()]
FEED_EVENTS = [
    Tick(1, 2.0, 3.0, "BTC-USDT", 2**63 - 1, -1),
    Quote(1, "BTC-USDT", 0, 1.0, 2.0, 3.0, 4.0),
    Candle("BTC-USDT", 60, BAR),
    Late(TICK),
    Hole("BTC-USDT", 1, 2, "history too short", (BAR,)),
    FeedState(1, "/market/match:BTC-USDT", "quiet", 9),
    Disagreement("BTC-USDT", 60, BAR, None),
    Refused(1, "/market/match:BTC-USDT", "404 topic does not exist"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_from_json_as_it_was(event: msgspec.Struct) -> None:
    coded = msgspec.json.encode(event)
    assert msgspec.json.decode(coded, type=Tick | Bar | LateTick | Gap | Closed) == event


@pytest.mark.parametrize("event", FEED_EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_of_the_feed_comes_back_from_json_as_it_was(event: msgspec.Struct) -> None:
    coded = msgspec.json.encode(event)
    assert msgspec.json.decode(coded, type=FeedEvent) == event


def test_every_event_of_the_feed_stands_above() -> None:
    assert {type(event) for event in FEED_EVENTS} == set(get_args(FeedEvent))


def test_a_tick_of_a_file_has_neither_symbol_nor_number_nor_side() -> None:
    assert (TICK.symbol, TICK.sequence, TICK.side) == ("", 0, 0)


def test_an_event_is_never_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        TICK.price = 1.0  # type: ignore[misc]
