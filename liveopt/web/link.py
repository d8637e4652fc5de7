"""The web's end of the engine's telemetry: read frames into the picture, connect again for ever."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from liveopt.live.clock import Clock
from liveopt.live.frames import LENGTH, BadFrame, length_of, short, unpacked
from liveopt.web.picture import Picture

log = structlog.get_logger()

AGAIN_S: Final = 0.1
AGAIN_S_MAX: Final = 2.0
"""An engine that starts again is to be seen soon; asking costs next to nothing."""
GOOD_S: Final = 5.0
"""After a connection that lasted so long, the next pause is a short one again."""


@dataclass(slots=True)
class Link:
    """`run` until cancelled. An engine that is not there is no error: the picture says so."""

    path: Path
    """Of the engine's socket."""
    picture: Picture
    rng: np.random.Generator
    wall_ns: Callable[[], int] = Clock().wall
    connects: int = 0
    broken: int = 0
    """Connections that ended with a frame that was none."""

    async def run(self) -> None:
        """Reads what comes; between two connections it waits a little, longer each time."""
        loop = asyncio.get_running_loop()
        pause_s = AGAIN_S
        while True:
            began_s = loop.time()
            try:
                await self._read()
            except BadFrame as error:
                self.broken += 1
                log.warning("the engine's telemetry is not understood", why=str(error))
            except (OSError, asyncio.IncompleteReadError):
                pass  # not there, or gone: `connected` and the ages say it
            finally:
                self.picture.connected = False
            pause_s = AGAIN_S if loop.time() - began_s >= GOOD_S else pause_s
            await asyncio.sleep(pause_s * float(self.rng.uniform(0.5, 1.0)))
            pause_s = min(AGAIN_S_MAX, 2.0 * pause_s)

    async def _read(self) -> None:
        """One connection, to its end."""
        with short(self.path) as name:
            reader, writer = await asyncio.open_unix_connection(name)
        loop = asyncio.get_running_loop()
        try:
            self.connects += 1
            while True:
                body = await reader.readexactly(length_of(await reader.readexactly(LENGTH)))
                self.picture.take(unpacked(body), loop.time(), self.wall_ns() // 1_000_000)
                self.picture.connected = True
        finally:
            writer.transport.abort()
