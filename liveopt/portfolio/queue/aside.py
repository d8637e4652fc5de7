"""What waits for a share is done in a thread, and never left half done there."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE_S: Final = 10.0
"""A share that answers nothing for so long does not hold up a stop."""


async def aside(act: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
    """What `act` gives. Cancelled, it still waits for the thread, and undoes what came of it.

    A thread cannot be cancelled: without this it would go on beside whoever clears up.
    """
    thread = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread], timeout=PATIENCE_S)
        if thread.done() and not thread.cancelled() and thread.exception() is None and undo:
            undo(thread.result())
        raise
