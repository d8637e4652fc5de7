"""How market time follows the loop's clock: one to one, faster, or as fast as clients read."""

import asyncio
from typing import Final, Literal

from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.plan import Plan
from liveopt.exchange_sim.push import Publisher
from liveopt.exchange_sim.view import SECOND_NS, View

Speed = float | Literal["max"]
TICK_S: Final = 0.01
"""How often the market is brought up to date."""
BUSY_S: Final = 0.05
"""For so long at most it keeps the loop from serving clients."""
BREATH_S: Final = 0.001
SLICE_NS: Final = 2 * SECOND_NS
"""At full speed, market time after which it is waited until the clients have read everything."""
SLOW_S: Final = 30.0
"""A client that takes longer to read a slice is cut off."""
CHECK_S: Final = 0.1
"""How often sockets look at the clock."""


class Drive:
    """Keeps the market going; at full speed too it goes one to one while nobody listens."""

    def __init__(
        self, view: View, publisher: Publisher, hub: Hub, speed: Speed, plan: Plan
    ) -> None:
        self._view = view
        self._publisher = publisher
        self._hub = hub
        self._speed = speed
        self._plan = plan
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._from_s = self._loop.time()
        self._begun_ns = self._from_ns = view.now_ns
        self._checked_s = self._begun_s
        self._follow_plan()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            full = self._speed == "max" and self._hub.listened()
            if full:
                await self._at_full_speed()
            else:
                self._catch_up()
            self._look()
            await asyncio.sleep(BREATH_S if full else TICK_S)

    @property
    def behind_s(self) -> float:
        """How far the market is behind where it should be, in market seconds."""
        return max(0.0, (self._due_ns() - self._view.now_ns) / SECOND_NS)

    def _due_ns(self) -> int:
        speed = 1.0 if self._speed == "max" else self._speed
        return self._from_ns + int((self._loop.time() - self._from_s) * speed * SECOND_NS)

    def _step(self, to_ns: int) -> None:
        """The market goes on, but not past the next event of the plan."""
        next_ns = self._plan.next_ns
        if next_ns is not None:
            to_ns = max(self._view.now_ns, min(to_ns, self._begun_ns + next_ns))
        self._publisher.step(to_ns)
        if next_ns is not None:
            self._follow_plan()

    def _follow_plan(self) -> None:
        market_ns = self._view.now_ns - self._begun_ns
        self._plan.follow(self._view.faults, market_ns, self._loop.time() - self._begun_s)

    def _catch_up(self) -> None:
        due_ns = self._due_ns()
        until_s = self._loop.time() + BUSY_S
        while self._view.now_ns < due_ns:
            self._step(due_ns)
            if self._loop.time() > until_s:
                break
        self._hub.flush()

    async def _at_full_speed(self) -> None:
        """A slice of the market, and on only when everybody has read it."""
        until_ns = self._view.now_ns + SLICE_NS
        until_s = self._loop.time() + BUSY_S
        while self._view.now_ns < until_ns and self._loop.time() <= until_s:
            self._step(until_ns)
        await self._until_read()
        self._from_s, self._from_ns = self._loop.time(), self._view.now_ns

    async def _until_read(self) -> None:
        """Buffers of kernels and libraries hold hours of a market, so that each client is asked."""
        until_s = self._loop.time() + SLOW_S
        probes = {outlet.probe(): outlet for outlet in self._hub.listeners()}
        self._hub.flush()
        late = set(probes)
        while late:
            _, late = await asyncio.wait(late, timeout=CHECK_S)
            self._look()
            if self._loop.time() >= until_s:
                for probe in late:
                    probes[probe].reset()
                return

    def _look(self) -> None:
        """What goes by the loop's clock, when it is time to."""
        now_s = self._loop.time()
        if now_s - self._checked_s >= CHECK_S:
            self._checked_s = now_s
            self._follow_plan()
            self._hub.check(now_s)
