"""One part of the service crashes, that part is started again; too often, and all of it ends."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog

log = structlog.get_logger()

CRASHES_MAX: Final = 5
PERIOD_S: Final = 60.0
PAUSE_S: Final = 0.05
PAUSE_S_MAX: Final = 5.0


class TooManyCrashes(Exception):
    """A part crashed more often than a restart can be the answer."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Keeps parts alive, each for itself; `crashed` hears of every crash."""

    rng: np.random.Generator
    crashed: Callable[[str], None]

    async def keep(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        """Until the part ends by itself; raises `TooManyCrashes` from its last crash."""
        loop = asyncio.get_running_loop()
        crashes: deque[float] = deque(maxlen=CRASHES_MAX + 1)
        while True:
            try:
                return await part()
            except Exception as error:
                now_s = loop.time()
                crashes.append(now_s)
                self.crashed(name)
                log.exception("a part crashed and is started again", part=name)
                if len(crashes) > CRASHES_MAX and now_s - crashes[0] <= PERIOD_S:
                    raise TooManyCrashes(f"{name}: {len(crashes)} times in a minute") from error
            lately = sum(now_s - one <= PERIOD_S for one in crashes)
            pause_s = min(PAUSE_S_MAX, PAUSE_S * 2.0**lately)
            await asyncio.sleep(pause_s * float(self.rng.uniform(0.5, 1.0)))
