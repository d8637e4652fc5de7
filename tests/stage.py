"""A feed and the exchange it listens to, in one virtual world, and their accounts compared."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from liveopt.core.bars import MINUTE_NS, floor_ns
from liveopt.core.events import Disagreement, FeedEvent, Hole, Late, Tick
from liveopt.exchange_sim.events import Changed, Event, Traded
from liveopt.exchange_sim.server import Setup, Simulator
from liveopt.kucoin.budget import Budget, Priority
from liveopt.kucoin.rest import Rest, open_http
from liveopt.kucoin.topics import Topic
from liveopt.live.clock import Clock
from liveopt.live.feed import Feed, Options, Wires
from liveopt.live.record import Recorder
from tests.virtual import World

SYMBOL = "XBTUSDTM"
TOPIC = Topic("futures", "trades", SYMBOL)
E = TypeVar("E")
QUIET_S = 5.0
"""After the last fault, what is under way may still arrive."""


async def until(true: Callable[[], bool], step_s: float = 0.01) -> None:
    """Looks again and again; time costs nothing here."""
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(step_s)


@dataclass
class Show:
    """A feed and its exchange in one world, and what each of them says happened."""

    world: World
    sim: Simulator
    feed: Feed
    traded: dict[str, list[Traded]] = field(default_factory=dict)
    events: list[FeedEvent] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    pause_s: float = 0.0
    held_ns: float = 0.0

    def listen(self, events: list[Event]) -> None:
        """What the exchange did."""
        for event in events:
            if isinstance(event, Traded):
                self.traded.setdefault(event.symbol, []).append(event)
            else:
                assert isinstance(event, Changed)

    async def read(self) -> None:
        """What the feed hands on; with a pause, a reader that has other things to do."""
        while events := await self.feed.mailbox.get():
            self.batches.append(len(events))
            self.events += events
            if self.pause_s:
                await asyncio.sleep(self.pause_s)

    def ticks(self, symbol: str = SYMBOL) -> list[Tick]:
        """The ticks handed on, in that order."""
        return [e for e in self.events if isinstance(e, Tick) and e.symbol == symbol]

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def whole(self) -> float:
        """Waits until the feed is connected and holds nothing back; returns how long it took."""
        began_s = self.world.elapsed_s
        feed = self.feed
        await until(
            lambda: (
                all(keeper.ready.is_set() for keeper in feed.keepers)
                and not any(tape.sequencer.held for tape in feed.intake.tapes())
            )
        )
        return self.world.elapsed_s - began_s

    def lost(self, symbol: str = SYMBOL) -> tuple[int, int]:
        """How many trades are missing with a word, and how many without.

        A word is a hole in their minute, or that the minute differs from the exchange's candle.
        Fails if a tick came twice, out of order, or was never traded.
        """
        ticks, trades = self.ticks(symbol), self.traded[symbol]
        assert ticks[-1].at_ns >= trades[-1].at_ns - QUIET_S * 1e9, "the feed fell silent"
        numbers = [tick.sequence for tick in ticks]
        assert numbers == sorted(set(numbers)), "twice, or out of order"
        by_number = {trade.sequence: trade for trade in trades}
        spec = self.sim.exchange.markets[symbol].spec
        for tick in ticks:
            if tick.sequence in by_number:  # those before the feed began are on the tape alone
                trade = by_number[tick.sequence]
                assert tick.at_ns == trade.at_ns
                assert tick.price == spec.price(trade.ticks)
        first, last = numbers[0], numbers[-1]
        late = {event.tick.sequence for event in self.of(Late) if event.tick.symbol == symbol}
        missing = by_number.keys() - set(numbers) - late
        holes = [hole for hole in self.of(Hole) if hole.symbol == symbol]
        bars = [d.ours or d.theirs for d in self.of(Disagreement) if d.symbol == symbol]
        minutes = {bar.at_ns for bar in bars if bar is not None}  # told to differ
        for hole in holes:  # or told not to be whole
            minutes.update(range(minute(hole.from_ns), hole.to_ns + 1, MINUTE_NS))
        told = untold = 0
        for number in missing:
            at_ns = by_number[number].at_ns
            if not first < number < last:
                continue
            if minute(at_ns) in minutes:
                told += 1
            else:
                untold += 1
        return told, untold


def minute(at_ns: int) -> int:
    """When the minute began."""
    return floor_ns(at_ns, MINUTE_NS)


@asynccontextmanager
async def show(
    world: World,
    options: Options,
    setup: Callable[[Setup], Setup] = lambda plain: plain,
    topics: Sequence[Topic] = (TOPIC,),
    recorder: Recorder | None = None,
) -> AsyncIterator[Show]:
    """A feed that runs against an exchange that trades."""
    world.network.latency_s = {"up": (0.005, 0.03), "down": (0.005, 0.03)}
    symbols = tuple(dict.fromkeys(topic.symbol for topic in topics))
    plain = Setup(world.wall_ns(), seed=world.random.randrange(1 << 30), markets=symbols)
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(Simulator(setup(plain)))
        venue = topics[0].venue
        url = sim.spot_url if venue == "spot" else sim.futures_url
        http = await stack.enter_async_context(open_http(url))
        rng = np.random.default_rng(world.random.randrange(1 << 30))
        budget = Budget(rng)
        rest = Rest(venue, url, http, budget)
        background = Rest(venue, url, http, budget, priority=Priority.BACKGROUND)
        feed = Feed(topics, Wires(rest, background, Clock(world.wall_ns), rng), options, recorder)
        stage = Show(world, sim, feed)
        sim.exchange.listeners.append(stage.listen)
        tasks = [asyncio.create_task(feed.run()), asyncio.create_task(stage.read())]
        try:
            await stage.whole()
            yield stage
            await asyncio.sleep(QUIET_S)
            await stage.whole()
            await asyncio.sleep(QUIET_S)
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


def cut(world: World, chance: random.Random) -> None:
    """Ends the socket in one of the ways that networks have."""
    for connection in world.network.find(websocket=True):
        if chance.random() < 0.8:
            connection.cut()
        else:
            connection.half_open()
