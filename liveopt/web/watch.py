"""Once a second: what the guard knows, and what somebody should look at."""

import asyncio
from dataclasses import dataclass
from typing import Final

from liveopt.web import card
from liveopt.web.alerts import Sight
from liveopt.web.call import Service

LOOK_S: Final = 1.0
ASKED_S: Final = 2.0
"""A guard that has not answered by then is one that does not: nobody waits longer for it."""
CARD_S: Final = 3_600.0


@dataclass(slots=True)
class Watch:
    """Asks and looks apart: a guard that hangs delays no alert."""

    service: Service
    wish: card.Wish
    idle: str = ""
    """Why this machine's graphics card is not used."""
    answered_s: float = 0.0
    """When the guard did so last; before it ever did, since when it is asked."""

    async def run(self) -> None:
        """For as long as the service lives."""
        self.answered_s = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask(), name="guard")
            while True:
                self.look()
                await asyncio.sleep(LOOK_S)

    async def card(self) -> None:
        """A part of its own: asking takes a process."""
        while True:
            self.idle = await card.idle(self.wish, card.there())
            await asyncio.sleep(CARD_S)

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(ASKED_S):
                    self.service.guard = await self.service.door.status()
            except TimeoutError:
                self.service.guard = None
            if self.service.guard is not None:
                self.answered_s = loop.time()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """At everything, now."""
        service, now_s = self.service, asyncio.get_running_loop().time()
        service.keys.look(now_s)
        hit_s = service.counts.limited_s
        service.alerts.look(
            Sight(
                picture=service.picture,
                clocks=service.picture.clocks(now_s),
                guard=service.guard,
                limited_ms=None if hit_s is None else round(1e3 * (now_s - hit_s)),
                damage=service.tail.damage,
                gaps=len(service.tail.breaks),
                live=service.mode == "paper",
                wish=self.wish,
                idle=self.idle,
                guard_ms=round(1e3 * (now_s - self.answered_s)),
                failing=service.parts.failing(now_s),
                keys=service.keys.trouble,
                undelivered=service.hooks.failing,
            )
        )
