"""The feed against the simulated exchange: what each thing that goes wrong does to the events."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from liveopt import logs
from liveopt.core.bars import MINUTE_NS
from liveopt.core.events import (
    Candle,
    Disagreement,
    FeedState,
    Hole,
    Late,
    Quote,
    Refused,
    Tick,
)
from liveopt.exchange_sim.kinds import Params
from liveopt.exchange_sim.server import Setup
from liveopt.kucoin.intake import Levels
from liveopt.kucoin.topics import Kind, Topic
from liveopt.live.feed import Options
from liveopt.live.mailbox import Mailbox
from liveopt.live.played import Played, Source
from liveopt.live.record import Recorder
from tests.stage import SYMBOL, TOPIC, Show, show, until
from tests.virtual import World, run

CALM = Options(settle_ns=2_000_000)
SPOT = "BTC-USDT"


@pytest.fixture(autouse=True)
def _quiet_logs() -> None:
    logs.setup(level="error")


def play(act: Callable[[World], Coroutine[Any, Any, Show]], seed: int = 1) -> Show:
    return run(act, seed)


def with_fault(name: str, params: Params, seconds: float, options: Options = CALM) -> Show:
    """A minute of calm, a fault for a while, and calm again."""

    async def act(world: World) -> Show:
        async with show(world, options) as stage:
            await asyncio.sleep(5.0)
            stage.sim.faults.turn_on(name, params)
            await asyncio.sleep(seconds)
            stage.sim.faults.turn_off(name)
            await asyncio.sleep(60.0)
        return stage

    return play(act)


def test_a_calm_market_gives_every_tick_once_and_in_order() -> None:
    async def act(world: World) -> Show:
        async with show(world, CALM) as stage:
            await asyncio.sleep(300.0)
        return stage

    stage = play(act)
    assert stage.lost() == (0, 0)
    assert len(stage.ticks()) > 100
    assert {type(event) for event in stage.events} <= {Tick, FeedState}
    assert stage.feed.audit.compared >= 3
    assert stage.of(Disagreement) == []


@pytest.mark.parametrize("symbol", [SPOT, "ETHUSDTM"])
def test_each_kind_of_topic_brings_what_the_exchange_has(symbol: str) -> None:
    venue = "spot" if "-" in symbol else "futures"
    kinds: dict[str, tuple[Kind, ...]] = {
        "spot": ("trades", "ticker", "candles", "depth5", "level1", "depth"),
        "futures": ("trades", "ticker", "quotes", "candles", "depth5", "depth"),
    }
    topics = [
        Topic(venue, kind, symbol, MINUTE_NS if kind == "candles" else 0)  # type: ignore[arg-type]
        for kind in kinds[venue]
    ]

    async def act(world: World) -> Show:
        async with show(world, CALM, topics=topics) as stage:
            await asyncio.sleep(130.0)
            levels = next(c for c in stage.feed.intake.channels.values() if isinstance(c, Levels))
            market = stage.sim.exchange.markets[symbol]

            def same() -> bool:
                bids = [(p, s) for p, s in levels.depth.levels(20)[0]]
                spec = market.spec
                theirs = [
                    (spec.price(ticks), float(spec.size_text(lots)))
                    for ticks, lots in market.levels("buy", 20)
                ]
                return bids == theirs

            await until(same)  # in some instant nothing is under way
            assert levels.depth.gaps == 0
        return stage

    stage = play(act)
    assert stage.lost(symbol) == (0, 0)
    quotes = stage.of(Quote)
    assert len(quotes) > 100
    assert all(quote.bid < quote.ask for quote in quotes)
    candles = stage.of(Candle)
    assert candles
    assert all(c.symbol == symbol and c.interval_ns == MINUTE_NS for c in candles)


def test_a_topic_that_is_refused_is_named_and_the_others_come() -> None:
    topics = [TOPIC, Topic("futures", "candles", SYMBOL, MINUTE_NS)]

    def setup(plain: Setup) -> Setup:
        refused: Params = {"code": 404.0, "topic": "/contractMarket/limitCandle"}
        return replace(plain, faults=(("subscribe-error", refused),))

    async def act(world: World) -> Show:
        async with show(world, CALM, setup, topics) as stage:
            await asyncio.sleep(30.0)
        return stage

    stage = play(act)
    (refused,) = stage.of(Refused)
    assert refused.topic == topics[1].text
    assert "404" in refused.why
    assert stage.lost() == (0, 0)


def test_a_symbol_that_is_acked_and_never_comes_is_found_out_over_rest() -> None:
    async def act(world: World) -> Show:
        one = lambda plain: replace(plain, markets=(SYMBOL,))  # noqa: E731
        strange = Topic("futures", "trades", "SOLUSDTM")
        async with show(world, CALM, one, [TOPIC, strange]) as stage:
            await asyncio.sleep(20.0)
        return stage

    stage = play(act)
    (refused,) = stage.of(Refused)
    assert refused.topic.endswith("SOLUSDTM")
    assert stage.lost() == (0, 0)


def test_a_price_that_only_the_socket_has_is_refused_and_the_true_tick_comes_over_rest() -> None:
    stage = with_fault("price-spike", {"factor": 1.5}, 10.0)
    assert stage.of(Refused)
    assert all("absurd" in refused.why for refused in stage.of(Refused))
    prices = [tick.price for tick in stage.ticks()]
    assert max(prices) < 1.2 * min(prices)
    assert stage.lost()[1] == 0


def test_a_price_that_the_exchange_means_is_taken() -> None:
    async def act(world: World) -> Show:
        async with show(world, replace(CALM, band=1e-5)) as stage:
            await asyncio.sleep(300.0)
        return stage

    stage = play(act)
    assert stage.of(Refused), "the band was never touched"
    moves = [abs(b.price / a.price - 1.0) for a, b in pairwise(stage.ticks())]
    assert max(moves) > 1e-5
    assert stage.lost()[1] == 0


def test_bad_frames_are_counted_and_too_many_replace_the_connection() -> None:
    stage = with_fault("bad-json", {"chance": 0.3}, 30.0)
    assert sum(refused.count for refused in stage.of(Refused)) == stage.feed.counts.bad > 0
    assert stage.feed.keepers[0].connections > 1
    told, untold = stage.lost()
    assert stage.feed.counts.holes or told == 0
    assert untold <= stage.feed.counts.bad  # below the share that replaces it, a bad frame is lost


def test_pushes_that_the_exchange_drops_show_as_bars_that_differ() -> None:
    stage = with_fault("gap", {"chance": 0.5}, 120.0)
    assert stage.lost()[1] > 0, "nothing in the stream tells"
    found = stage.of(Disagreement)
    assert found
    assert all(one.ours is not None and one.theirs is not None for one in found)
    assert all(one.ours.volume < one.theirs.volume for one in found if one.ours and one.theirs)


def test_a_count_that_begins_anew_is_followed() -> None:
    async def act(world: World) -> Show:
        async with show(world, CALM) as stage:
            await asyncio.sleep(20.0)
            stage.sim.faults.turn_on("sequence-reset", {})
            await asyncio.sleep(60.0)
        return stage

    stage = play(act)
    ticks, trades = stage.ticks(), stage.traded[SYMBOL]
    assert ticks[-1].sequence < ticks[0].sequence
    times = [trade.at_ns for trade in trades if ticks[0].at_ns < trade.at_ns < ticks[-1].at_ns]
    came = [tick.at_ns for tick in ticks if ticks[0].at_ns < tick.at_ns < ticks[-1].at_ns]
    holes = stage.of(Hole)
    missing = set(times) - set(came)
    assert all(any(h.from_ns <= at_ns <= h.to_ns for h in holes) for at_ns in missing)
    assert came == sorted(came)
    assert len(came) > 0.8 * len(times)


def test_an_outage_longer_than_the_history_is_a_hole_with_the_candles_of_its_time() -> None:
    async def act(world: World) -> Show:
        async with show(world, CALM) as stage:
            await asyncio.sleep(30.0)
            port = world.network.find(websocket=True)[0].port
            world.network.refuse("127.0.0.1", port)
            world.network.cut_all()
            await asyncio.sleep(900.0)
            world.network.admit("127.0.0.1", port)
            await asyncio.sleep(60.0)
        return stage

    stage = play(act)
    (hole,) = stage.of(Hole)
    told, untold = stage.lost()
    assert told > 100
    assert untold == 0
    assert 880e9 < hole.to_ns - hole.from_ns < 960e9
    assert 13 <= len(hole.bars) <= 17
    states = [state.state for state in stage.of(FeedState)]
    assert states[:2] == ["reconnecting", "live"]
    assert stage.of(Disagreement) == []


def test_a_reader_that_is_slow_slows_the_socket_and_loses_nothing_in_silence() -> None:
    async def act(world: World) -> Show:
        busy = lambda plain: replace(plain, activity=50.0)  # noqa: E731
        async with show(world, replace(CALM, events_max=200), busy) as stage:
            stage.pause_s = 2.0
            await asyncio.sleep(60.0)
            stage.pause_s = 0.0
            await asyncio.sleep(30.0)
        return stage

    stage = play(act)
    assert stage.lost()[1] == 0
    assert max(stage.batches) < 2_000


def test_a_recording_plays_back_the_same_ticks(tmp_path: Path) -> None:
    folder = tmp_path / "recorded"

    async def act(world: World) -> Show:
        recorder = Recorder(folder, "futures", [SYMBOL])
        async with show(world, CALM, recorder=recorder) as stage:
            await asyncio.sleep(120.0)
        recorder.close()
        return stage

    stage = play(act)

    async def again(world: World) -> list[Tick]:
        played = Played(Source(folder, speed=float("inf")))
        mailbox: Mailbox = played.mailbox
        running = asyncio.create_task(played.run())
        ticks: list[Tick] = []
        while events := await mailbox.get():
            ticks += [event for event in events if isinstance(event, Tick)]
        await running
        return ticks

    ticks = run(again, 2)
    assert ticks == stage.ticks()
    assert stage.of(Late) == []


def test_a_successor_that_never_settles_does_not_keep_the_ticks_of_the_old_line() -> None:
    async def act(world: World) -> Show:
        async with show(world, replace(CALM, rotate_s=(5.0, 6.0))) as stage:
            stage.sim.faults.turn_on("ack-late", {"seconds": 5.0})
            (old,) = world.network.find(websocket=True)
            for _ in range(50):
                await asyncio.sleep(2.0)
                for connection in world.network.find(websocket=True):
                    if connection is not old:
                        connection.cut()
            stage.held_ns = world.wall_ns() - stage.ticks()[-1].at_ns
            stage.sim.faults.turn_off("ack-late")
        return stage

    stage = play(act)
    assert stage.held_ns < 20e9
    assert stage.lost()[1] == 0
