"""The feed against everything that goes wrong with a connection, in virtual time, seeded.

`python -m tests.soak.feed` runs it all; `--share 0.1` a tenth of it, which is what the tests do. Each
part runs the product's feed against the product's exchange simulator over a network in memory and
compares what was handed on, tick by tick, with everything that the exchange traded.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import msgspec
import numpy as np

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Disagreement, FeedEvent, FeedState, Hole, Late, Refused, Tick
from liveopt.exchange_sim.events import Changed, Event, Traded
from liveopt.exchange_sim.server import Setup, Simulator
from liveopt.kucoin.budget import Budget, Priority
from liveopt.kucoin.rest import Rest, open_http
from liveopt.kucoin.topics import Topic
from liveopt.live.clock import Clock
from liveopt.live.feed import Feed, Options, Wires
from tests.virtual import World, run

SYMBOL = "XBTUSDTM"
TOPIC = Topic("futures", "trades", SYMBOL)
QUIET_S = 5.0
"""After the last fault, what is under way may still arrive."""


@dataclass
class Show:
    """A feed and its exchange in one world, and what each of them says happened."""

    world: World
    sim: Simulator
    feed: Feed
    traded: dict[str, list[Traded]] = field(default_factory=dict)
    events: list[FeedEvent] = field(default_factory=list)

    def listen(self, events: list[Event]) -> None:
        """What the exchange did."""
        for event in events:
            if isinstance(event, Traded):
                self.traded.setdefault(event.symbol, []).append(event)
            else:
                assert isinstance(event, Changed)

    async def read(self) -> None:
        """What the feed hands on."""
        while True:
            self.events += await self.feed.mailbox.get()

    def ticks(self, symbol: str = SYMBOL) -> list[Tick]:
        """The ticks handed on, in that order."""
        return [e for e in self.events if isinstance(e, Tick) and e.symbol == symbol]

    def of(self, kind: type) -> list[FeedEvent]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def whole(self) -> float:
        """Waits until the feed is connected and holds nothing back; returns how long it took."""
        began_s = self.world.elapsed_s
        while not all(k.ready.is_set() for k in self.feed.keepers) or any(
            tape.sequencer.held for tape in self.feed.intake.tapes()
        ):
            await asyncio.sleep(0.01)
        return self.world.elapsed_s - began_s

    def lost(self, symbol: str = SYMBOL) -> tuple[int, int]:
        """How many trades are missing in a declared hole, and how many without a word.

        Fails if a tick came twice, out of order, or was never traded.
        """
        ticks, trades = self.ticks(symbol), self.traded[symbol]
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
        missing = by_number.keys() - set(numbers)
        holes = [hole for hole in self.of(Hole) if isinstance(hole, Hole)]
        told = untold = 0
        for number in missing:
            at_ns = by_number[number].at_ns
            if not first < number < last:
                continue
            if any(hole.from_ns <= at_ns <= hole.to_ns for hole in holes):
                told += 1
            else:
                untold += 1
        return told, untold


@asynccontextmanager
async def show(
    world: World, options: Options, setup: Callable[[Setup], Setup] | None = None,
    topics: list[Topic] | None = None,
) -> AsyncIterator[Show]:  # fmt: skip
    """A feed that runs against an exchange that trades."""
    world.network.latency_s = {"up": (0.005, 0.03), "down": (0.005, 0.03)}
    plain = Setup(world.wall_ns(), seed=world.random.randrange(1 << 30), markets=(SYMBOL,))
    async with Simulator(setup(plain) if setup else plain) as sim:
        async with open_http(sim.futures_url) as http:
            rng = np.random.default_rng(world.random.randrange(1 << 30))
            budget = Budget(rng)
            rest = Rest("futures", sim.futures_url, http, budget)
            background = Rest(
                "futures", sim.futures_url, http, budget, priority=Priority.BACKGROUND
            )
            wires = Wires(rest, background, Clock(world.wall_ns), rng)
            feed = Feed(topics or [TOPIC], wires, options)
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


async def cuts(world: World, count: int) -> dict[str, object]:
    """Cut after cut, a few seconds apart."""
    back_s: list[float] = []
    async with show(world, Options(settle_ns=2_000_000)) as stage:
        for _ in range(count):
            await asyncio.sleep(world.random.uniform(2.0, 14.0))
            cut(world, world.random)
            while all(keeper.ready.is_set() for keeper in stage.feed.keepers):
                await asyncio.sleep(0.01)
            back_s.append(await stage.whole())
        minutes = world.elapsed_s / 60.0
        opened = stage.feed.keepers[0].number
    told, untold = stage.lost()
    assert untold == 0, f"{untold} ticks lost without a word"
    return {
        "cuts": count,
        "ticks": len(stage.ticks()),
        "lost_in_holes": told,
        "lost_silently": untold,
        "holes": len(stage.of(Hole)),
        "late": len(stage.of(Late)),
        "back_s_p50": float(np.median(back_s)),
        "back_s_p99": float(np.quantile(back_s, 0.99)),
        "back_s_max": max(back_s),
        "connects_per_min": opened / minutes,
        "differences": len(stage.of(Disagreement)),
    }


def main() -> None:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="how much of the whole")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began_s = time.perf_counter()
    result = run(lambda world: cuts(world, max(1, int(10_000 * options.share))), options.seed)
    print(json.dumps(result), f"{time.perf_counter() - began_s:.1f} s")


if __name__ == "__main__":
    main()


_ = (SECOND_NS, Awaitable, FeedState, Refused, msgspec)
