"""The engine's process: recover, connect, and keep the parts of a run going until it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Final, Protocol

import structlog

from liveopt.core.bars import FILL_NS_MAX, SECOND_NS
from liveopt.core.events import Bar, Tick
from liveopt.journal import snapshots
from liveopt.journal.places import Position
from liveopt.journal.writer import Writer
from liveopt.kucoin.budget import Budget
from liveopt.kucoin.rest import RestError
from liveopt.live.board import Board
from liveopt.live.byway import Byway
from liveopt.live.looks import Looks, looks_apart
from liveopt.live.mailbox import Mailbox
from liveopt.live.pump import INPUTS, Pump
from liveopt.live.rounds import Rounds
from liveopt.live.supervise import Supervisor
from liveopt.live.watchdog import Watchdog
from liveopt.walk.events import Add, Begin, Begun, Past, Time
from liveopt.walk.image import image
from liveopt.walk.state import Market, State
from liveopt.walk.variant import Variant

log = structlog.get_logger()

BEAT_S: Final = 0.05
TELL_S: Final = 0.25
TIME_S: Final = 0.25
LATE_NS: Final = SECOND_NS
"""A bar is closed by the clock this long after its end: ticks may still be under way."""
CLOCK_S_MAX: Final = 5.0
FUNDING_S: Final = 20.0
FUNDING_AGAIN_S: Final = 3600.0
"""Before it is said again that there is no word of it: an exchange may have none for days."""
SEALED_MAX: Final = 50
"""Bars that one event may close."""
SNAPSHOT_LOOK_S: Final = 0.5
PAST_MAX: Final = 300
ADDED_MAX: Final = 64
"""Variants in one event: a line of a journal has 64 KiB at most."""


Funding = Callable[[str], Awaitable[tuple[int, float]]]


class Running(Protocol):
    """A feed, live or played."""

    mailbox: Mailbox

    async def run(self) -> None:
        """Until it ends."""

    def whole(self, symbol: str) -> bool:
        """Whether nothing of a symbol is missing or held back."""


@dataclass(frozen=True, slots=True)
class World:
    """What a service needs from outside itself."""

    open_feed: Callable[[tuple[Tick, ...]], Running]
    """A feed that goes on after these ticks."""
    now_ns: Callable[[], Awaitable[int]] | None
    """The exchange's clock; None where a file is played, whose ticks are the only clock."""
    history: Callable[[str], Awaitable[Sequence[Bar]]] | None
    """Closed signal bars of a symbol, up to now."""
    funding: Funding | None = None
    """When a perpetual's funding is settled next, and the rate as it stands."""
    budget: Budget | None = None
    """What the exchange allows, and what of it is used."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often state is put down, so that a start has little to fold."""

    snapshot_s: float = 60.0
    snapshot_records: int = 50_000


@dataclass(slots=True)
class Service:
    """One run in one process."""

    folder: Path
    state: State
    writer: Writer
    pump: Pump
    board: Board
    world: World
    supervisor: Supervisor
    rhythm: Rhythm = field(default_factory=Rhythm)
    watchdog: Watchdog = field(default_factory=Watchdog)
    byway: Byway | None = None
    """To the strategies that run in another process."""
    rounds: Rounds | None = None
    """The search for better variants in another process."""
    _told_s: dict[str, float] = field(default_factory=dict)
    """When it was told last of a symbol that there is no word of its funding."""
    _unheard: set[str] = field(default_factory=set)
    """Of whom this was told, and holds."""
    _running: Running | None = None
    _looks: Looks | None = None
    _snapshot_seq: int = 0
    _snapshot_s: float = 0.0

    async def begin(self, begin: Begin, variants: Sequence[Variant]) -> None:
        """The first events of a new run, or those of them that an earlier start did not come to."""
        state = self.state
        if state.terms is None:
            self.pump.take(begin)
        for market in state.markets.values():
            if self.world.history is not None:
                known_ns = market.past[-1].at_ns if market.past else 0
                found = await self.world.history(market.symbol)
                bars = tuple(bar for bar in found if bar.at_ns > known_ns)
                for first in range(0, len(bars), PAST_MAX):
                    self.pump.take(Past(market.symbol, bars[first : first + PAST_MAX]))
        known = {variant.id for variant in state.joining}
        new = [variant for variant in variants if variant.id not in known]
        for part in additions(begin.at_ns, new, "start"):
            self.pump.take(part)
        self.pump.take(Begun(begin.at_ns))

    async def run(self) -> None:
        """Until the feed ends, or a part crashes too often."""
        self.watchdog.start()
        try:
            with looks_apart(self.pump) as self._looks:
                await self._run()
        finally:
            self.watchdog.stop()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            parts = [
                ("heart", self._beat()),
                ("gate", self.pump.watch()),
                ("clock", self.supervisor.keep("clock", self._tell_time)),
                ("funding", self.supervisor.keep("funding", self._settle_funding)),
                ("snapshots", self.supervisor.keep("snapshots", self._keep_snapshots)),
                ("journal", self._mind_the_journal()),
            ]
            if self.byway is not None:
                self.byway.join()
                parts.append(("byway", self.supervisor.keep("byway", self.byway.run)))
            if self.rounds is not None:
                parts.append(("rounds", self.supervisor.keep("rounds", self.rounds.run)))
            others = [group.create_task(part, name=name) for name, part in parts]
            await self.supervisor.keep("feed", self._feed)
            for task in others:
                task.cancel()

    async def _feed(self) -> None:
        """One life of the feed: it goes on where the one before stopped."""
        last = tuple(m.last for m in self.state.markets.values() if m.last is not None)
        running = self._running = self.world.open_feed(last)
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(running.run(), name="feed")
            await self.pump.run(running.mailbox)
            await feeding

    async def _beat(self) -> None:
        while True:
            self.watchdog.beat()
            await asyncio.sleep(BEAT_S)

    async def _tell_time(self) -> None:
        """Bars close by the exchange's clock where nothing trades, unless ticks may be missing.

        What a feed holds back is fitted in first: a bar that has closed takes no tick any more.
        """
        if self.world.now_ns is None:
            return
        while True:
            await asyncio.sleep(TIME_S)
            try:
                async with asyncio.timeout(CLOCK_S_MAX):
                    now_ns = await self.world.now_ns() - LATE_NS
            except (RestError, TimeoutError) as error:
                log.warning("the exchange's clock cannot be read", why=str(error))
                continue
            for market in self.state.markets.values():
                await self._seal(market, now_ns)

    async def _seal(self, market: Market, now_ns: int) -> None:
        """After a long silence in parts, for a thousand bars at once would be a standstill."""
        while market.builder.due(now_ns) and self._is_whole(market.symbol):
            open_ns, width_ns = market.builder.open_ns, market.builder.interval_ns
            assert open_ns is not None
            until_ns = min(now_ns, open_ns + SEALED_MAX * width_ns)
            if now_ns - open_ns > FILL_NS_MAX:  # an outage, which is told and not filled
                until_ns = now_ns
            self.pump.take(Time(until_ns, market.symbol))
            await asyncio.sleep(0)

    def _is_whole(self, symbol: str) -> bool:
        running = self._running
        return running is not None and not self.pump.busy and running.whole(symbol)

    async def _settle_funding(self) -> None:
        """Whoever holds a perpetual when funding is settled pays or gets it.

        The rate is the one that stood half a minute before, at most: the exchange settles what it
        works out at that very instant, and tells it later.
        """
        if self.world.funding is None:
            return
        while True:
            for market in self.state.markets.values():
                told = await self._funding_of(market.symbol, self.world.funding)
                if told is None:
                    continue
                at_ns, rate = told
                waiting = self.pump.settlements.get(market.symbol)
                if at_ns > market.funded_ns and (waiting is None or waiting[0] == at_ns):
                    self.pump.settlements[market.symbol] = at_ns, rate
            await asyncio.sleep(FUNDING_S)

    async def _funding_of(self, symbol: str, funding: Funding) -> tuple[int, float] | None:
        """None if the exchange does not say; that is told at once, then once an hour at most."""
        now_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(FUNDING_S):
                found = await funding(symbol)
        except (RestError, TimeoutError) as error:
            if now_s - self._told_s.get(symbol, -inf) >= FUNDING_AGAIN_S:
                self._told_s[symbol] = now_s
                self._unheard.add(symbol)
                log.warning("no word of funding", symbol=symbol, why=str(error) or "no answer")
            return None
        if symbol in self._unheard:
            self._unheard.remove(symbol)
            log.info("funding is told again", symbol=symbol)
        return found

    async def _keep_snapshots(self) -> None:
        loop = asyncio.get_running_loop()
        self._snapshot_s = loop.time()
        while True:
            await asyncio.sleep(SNAPSHOT_LOOK_S)
            news = self.pump.seq - self._snapshot_seq
            due = loop.time() - self._snapshot_s >= self.rhythm.snapshot_s
            if self._looks is not None and self._looks.busy:
                continue  # a snapshot would wait for it
            if news >= self.rhythm.snapshot_records or (due and news):
                self.snapshot()

    @property
    def durable(self) -> int:
        """The last input that is surely on the disk."""
        return self.writer.durable[INPUTS]

    def snapshot(self) -> None:
        """Put the state down once everything before it is on the disk."""
        if not self.pump.sound:
            return
        self._snapshot_seq = self.pump.seq
        self._snapshot_s = asyncio.get_running_loop().time()
        folder, packed = self.folder, image(self.state)

        def save(positions: dict[str, Position]) -> None:
            snapshots.save(folder, positions, packed)

        self.writer.mark(save)

    async def _mind_the_journal(self) -> None:
        """What cannot be journalled does not happen: the writer's end is the service's."""
        while self.writer.failed is None:  # noqa: ASYNC110  it fails in a thread of its own
            await asyncio.sleep(BEAT_S)
        raise self.writer.failed


def additions(at_ns: int, variants: Sequence[Variant], by: str) -> list[Add]:
    """Variants as events that each fit into a line of the journal."""
    return [
        Add(at_ns, tuple(variants[first : first + ADDED_MAX]), by)
        for first in range(0, len(variants), ADDED_MAX)
    ]
