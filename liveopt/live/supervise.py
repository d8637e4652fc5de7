"""A part of a service crashes, that part is started again; too often, and all of it may end."""

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
REMEMBERED: Final = 16
"""So many crashes make the longest pause of any patience."""


class TooManyCrashes(Exception):
    """A part crashed more often than a restart can be the answer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a part may crash, and how soon it is started again."""

    crashes_max: int | None = CRASHES_MAX
    """Within the period; None is any number."""
    period_s: float = PERIOD_S
    pause_s: float = PAUSE_S
    """Doubled with each crash within the period."""
    pause_s_max: float = PAUSE_S_MAX


USUAL: Final = Patience()


@dataclass(frozen=True, slots=True)
class Supervisor:
    """Keeps parts alive, each for itself; `crashed` hears of every crash."""

    rng: np.random.Generator
    crashed: Callable[[str], None]
    patience: Patience = USUAL

    async def keep(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        """Until the part ends by itself; raises `TooManyCrashes` from its last crash."""
        loop, patience = asyncio.get_running_loop(), self.patience
        most = patience.crashes_max
        crashes: deque[float] = deque(maxlen=REMEMBERED if most is None else most + 1)
        while True:
            try:
                return await part()
            except Exception as error:
                now_s = loop.time()
                crashes.append(now_s)
                self.crashed(name)
                log.exception("a part crashed and is started again", part=name)
                lately = sum(now_s - one <= patience.period_s for one in crashes)
                if most is not None and lately > most:
                    why = f"{name}: {lately} times in {patience.period_s:g} s"
                    raise TooManyCrashes(why) from error
            pause_s = min(patience.pause_s_max, patience.pause_s * 2.0**lately)
            await asyncio.sleep(pause_s * float(self.rng.uniform(0.5, 1.0)))
