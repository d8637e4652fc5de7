"""What waits for a share is done in a thread, and never left half done there.

The threads are daemons: one that a dead mount holds forever holds up neither the event loop nor
the end of the program, as those of `asyncio.to_thread` would.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE_S: Final = 5.0
"""A share that answers nothing for so long does not hold up a stop."""


async def aside(act: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
    """What `act` gives. Cancelled, it still waits for the thread, and undoes what came of it.

    A thread cannot be cancelled: without this it would go on beside whoever clears up. One that
    hangs is left to itself, so what it may still do has a lock (`Held.lock`).
    """
    thread = _begun(act)
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        if await _waited(thread) and undo:
            await _waited(_begun(partial(undo, thread.result())))
        raise


async def briefly(act: Callable[[], object]) -> bool:
    """At the end of things: True if it was done in the time that a stop has for it."""
    return await _waited(_begun(act))


async def _waited(thread: asyncio.Future[T]) -> bool:
    """It has an answer that is no error."""
    await asyncio.wait([thread], timeout=PATIENCE_S)
    return thread.done() and not thread.cancelled() and thread.exception() is None


def _begun(act: Callable[[], T]) -> asyncio.Future[T]:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            found = partial(answer.set_result, act())
        except BaseException as error:  # noqa: BLE001  it is raised again where it is waited for
            found = partial(answer.set_exception, error)
        with suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_tell, answer, found)

    Thread(target=run, name="share", daemon=True).start()
    return answer


def _tell(answer: asyncio.Future[T], found: Callable[[], None]) -> None:
    if not answer.done():
        found()
