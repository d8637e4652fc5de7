"""A tenth of the fuzz at every test run; `make fuzz-frames` runs all of it."""

import math

import msgspec
import pytest

from liveopt.core.events import Bar, Candle, FeedEvent, Late, Quote, Tick
from tests.fuzz.frames import KINDS, is_sound, run

FRAMES = 100_000


def test_broken_frames_are_refused_or_give_events_without_a_flaw() -> None:
    fuzz = run(FRAMES, seed=1)
    assert fuzz.flaws == []
    counts = fuzz.counts
    assert counts["refused"] + counts["accepted"] + counts["passed_over"] == FRAMES
    # Were nearly all of them refused, or none, the rest would prove nothing.
    assert counts["refused"] > FRAMES // 4
    assert counts["accepted"] > FRAMES // 4
    assert all(counts[kind.__name__] > 50 for kind in KINDS), counts


def test_the_same_seed_breaks_the_same_frames() -> None:
    assert run(2_000, seed=7).counts == run(2_000, seed=7).counts != run(2_000, seed=8).counts


TICK = Tick(1729843222921000000, 67523.0, 0.003, "BTC-USDT", 1, 1)
QUOTE = Quote(1729843222921000000, "BTC-USDT", 0, 1.0, 0.0, 1.0, 2.0)
BAR = Bar(1729843200000000000, 3.0, 8.0, 2.0, 5.0, 0.0)
CANDLE = Candle("BTC-USDT", 60_000_000_000, BAR)


@pytest.mark.parametrize("event", [TICK, QUOTE, CANDLE, Late(TICK)], ids=lambda e: type(e).__name__)
def test_an_event_as_it_should_be_passes(event: FeedEvent) -> None:
    assert is_sound(event)


@pytest.mark.parametrize(
    ("event", "flaw"),
    [
        (TICK, {"at_ns": 1729843222921}),
        (TICK, {"at_ns": 1729843222921e6}),
        (TICK, {"price": math.nan}),
        (TICK, {"price": 67523}),
        (TICK, {"size": math.inf}),
        (TICK, {"size": 0.0}),
        (TICK, {"symbol": "XRP-USDT"}),
        (TICK, {"sequence": 2**63}),
        (TICK, {"side": 0}),
        (QUOTE, {"bid": 1.1}),
        (QUOTE, {"ask_size": -1.0}),
        (CANDLE, {"bar": msgspec.structs.replace(BAR, close=math.nan)}),
        (CANDLE, {"bar": msgspec.structs.replace(BAR, open=9.0)}),
        (CANDLE, {"bar": msgspec.structs.replace(BAR, volume=math.inf)}),
    ],
)
def test_an_event_with_a_flaw_is_seen(event: FeedEvent, flaw: dict[str, object]) -> None:
    assert not is_sound(msgspec.structs.replace(event, **flaw))
