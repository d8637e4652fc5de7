"""The guard's only door to the wall clock; intervals come from the event loop."""

import time
from collections.abc import Callable
from typing import Final

Wall = Callable[[], int]
"""Nanoseconds since 1970: for stamps, never for intervals."""

WALL: Final[Wall] = time.time_ns  # noqa: TID251  this is the seam
