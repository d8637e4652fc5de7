"""The only door to the clocks: intervals from the event loop, stamps from the machine."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from liveopt.core.bars import SECOND_NS


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the shell sees it; whoever simulates time brings a loop and a wall of his own."""

    wall: Callable[[], int] = time.time_ns  # noqa: TID251  this is the seam
    """Nanoseconds since 1970, which may jump: for stamps only, never for intervals."""

    def now_ns(self) -> int:
        """Monotonic nanoseconds of the running event loop."""
        return int(asyncio.get_running_loop().time() * SECOND_NS)
