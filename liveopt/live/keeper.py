"""Keeps a share of the topics connected: opens, replaces before the end, opens again after it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import structlog

from liveopt.core.bars import SECOND_NS
from liveopt.kucoin.budget import Bucket
from liveopt.kucoin.rest import Bullet, RestError
from liveopt.kucoin.session import Denied
from liveopt.live.clock import Clock
from liveopt.live.line import Line, Listener

log = structlog.get_logger()

FENCE_S: Final = 5.0
"""How long an old connection has to bring what it still has before the new one takes over."""
FIRST_RETRY_S_MAX: Final = 0.1
RETRY_S: Final = 0.25
RETRY_S_MAX: Final = 30.0
HEALTHY_NS: Final = SECOND_NS
"""Living this long ends a row of failures; the budget of connects bounds the rest."""
RECYCLE_NS: Final = 2 * SECOND_NS
RECYCLE_NS_MAX: Final = 60 * SECOND_NS


class Owner(Listener, Protocol):
    """Who is told how the connection does."""

    def lost(self, keeper: "Keeper", why: str) -> None: ...

    def joined(self, keeper: "Keeper") -> None: ...

    def unfenced(self, keeper: "Keeper") -> None: ...

    def denied(self, keeper: "Keeper", denied: list[Denied]) -> None: ...


@dataclass(frozen=True, slots=True)
class Wiring:
    """What all keepers of a feed share."""

    owner: Owner
    bullet: Callable[[], Awaitable[Bullet]]
    connects: Bucket
    clock: Clock
    group: asyncio.TaskGroup
    rng: np.random.Generator
    rotate_s: tuple[float, float]
    """The least and the most a connection lives before it is replaced."""


@dataclass(slots=True, eq=False)
class Keeper:
    """One connection at a time for its topics, two while one replaces the other."""

    topics: list[str]
    wiring: Wiring
    line: Line | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """The connection is there, and its topics are granted."""
    connections: int = 0
    failures: int = 0
    number: int = 0
    opening_ns: int = 0
    """When the present connection, or the next, began to be opened."""
    _turn: asyncio.Event = field(default_factory=asyncio.Event)
    _broken: bool = False
    _opened_ns: int = 0
    _recycled_ns: int = -RECYCLE_NS_MAX

    async def run(self) -> None:
        """Never ends by itself."""
        while True:
            owner, old = self.wiring.owner, self.line
            new = await self._open()
            if not await self._handed_over(old):
                owner.lost(self, "no answer before its end")
            self.line, self._opened_ns = new, self.wiring.clock.now_ns()
            self.connections += 1
            self._broken = new.replacing = False
            self._turn.clear()
            self.ready.set()
            if old is not None and old.open:
                old.close("replaced")
            owner.denied(self, new.denied)
            owner.joined(self)
            if not new.open:  # ended while the old one was waited for
                self._ended(new)
            await self._until_turn()

    async def _handed_over(self, old: Line | None) -> bool:
        """Waits until the old line has brought all it has; false if it does not say so in time."""
        if old is None or not old.open or self._broken:
            return True  # there is nothing more to come from it, and that was told
        return await old.fence(FENCE_S) or not old.open

    def recycle(self, why: str, times: int) -> bool:
        """Replaces the connection, unless that was done a moment ago.

        `times` is how often the same trouble has asked for it: the moment gets longer.
        """
        now_ns = self.wiring.clock.now_ns()
        patience_ns = min(RECYCLE_NS << min(times - 1, 10), RECYCLE_NS_MAX)
        if not self.ready.is_set() or now_ns < self._recycled_ns + patience_ns:
            return False
        self._recycled_ns = now_ns
        log.info("connection replaced", why=why, line=self.line and self.line.number)
        self.ready.clear()
        self._broken = True
        self._turn.set()
        return True

    async def _until_turn(self) -> None:
        low, high = self.wiring.rotate_s
        try:
            async with asyncio.timeout(self.wiring.rng.uniform(low, high)):
                await self._turn.wait()
            if self.wiring.clock.now_ns() > self._opened_ns + HEALTHY_NS:
                self.failures = 0
        except TimeoutError:
            log.info("connection renewed before its token ends")

    async def _open(self) -> Line:
        wiring = self.wiring
        self.opening_ns = wiring.clock.now_ns()
        while True:
            await self._pause()
            try:
                bullet = await wiring.bullet()
            except RestError as error:
                self._failed(f"no permit to connect: {error}")
                continue
            self.number += 1
            line = Line(bullet, tuple(self.topics), wiring.owner, wiring.clock, self.number)
            line.replacing = self.line is not None and self.line.open and not self._broken
            wiring.group.create_task(self._read(line), name=f"line {line.number}")
            if await line.settled():
                return line
            self._failed(line.ended)
            wiring.owner.unfenced(self)

    async def _read(self, line: Line) -> None:
        await line.run()
        if line is self.line:
            self._ended(line)

    def _ended(self, line: Line) -> None:
        """The connection that should stand is gone."""
        if self.wiring.clock.now_ns() <= self._opened_ns + HEALTHY_NS:
            self.failures += 1
        self._broken = True
        self.ready.clear()
        self.wiring.owner.lost(self, line.ended)
        self._turn.set()

    def _failed(self, why: str) -> None:
        self.failures += 1
        log.warning("no connection", why=why, failures=self.failures)

    async def _pause(self) -> None:
        wiring = self.wiring
        most_s = FIRST_RETRY_S_MAX
        if self.failures:
            most_s = min(RETRY_S * 2.0 ** min(self.failures, 10), RETRY_S_MAX)
        await asyncio.sleep(wiring.rng.uniform(0.0, most_s))
        wait_ns = wiring.connects.ask(1, wiring.clock.now_ns())
        while wait_ns:
            await asyncio.sleep(wait_ns / SECOND_NS)
            wait_ns = wiring.connects.ask(1, wiring.clock.now_ns())
