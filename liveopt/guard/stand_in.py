"""Answers where the dashboard would be while no web process can: one line, and the line is cut.

What it does is bounded, so that it never stands in the way of a stop.
"""

import asyncio
import os
import socket
from contextlib import suppress
from typing import Final

import structlog

log = structlog.get_logger()

TEXT: Final = b"no dashboard: its process cannot start; the run goes on; see `liveopt status`\n"
ANSWER: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n"
    b"Cache-Control: no-store\r\n"
    b"Retry-After: 10\r\n"
    b"Connection: close\r\n\r\n" % len(TEXT)
) + TEXT
READ_MAX: Final = 4_096
DEADLINE_S: Final = 1.0
"""For somebody to say what is wanted, and as long again to take the answer."""
AT_ONCE: Final = 32
PAUSE_S: Final = 0.02
"""Between two looks at who waits: a flood takes no more of this loop."""


async def stand_in(number: int) -> None:
    """At the listening socket of this number, until it is cancelled or a descriptor lacks."""
    try:
        with socket.socket(fileno=os.dup(number)) as listening:
            await _answered(listening)
    except* OSError as errors:  # a group's errors come as a group
        log.warning("nobody stands in for the dashboard", why=[str(e) for e in errors.exceptions])


async def _answered(listening: socket.socket) -> None:
    busy = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        while True:
            await _somebody(listening)
            while not busy.locked() and (who := _accepted(listening)) is not None:
                await busy.acquire()
                group.create_task(_answer(who), name="no dashboard").add_done_callback(
                    lambda _: busy.release()
                )
            await asyncio.sleep(PAUSE_S)


async def _somebody(listening: socket.socket) -> None:
    """Returns when somebody waits."""
    loop, waits = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, waits.set)
    try:
        await waits.wait()
    finally:
        loop.remove_reader(listening)


def _accepted(listening: socket.socket) -> socket.socket | None:
    """None where nobody waits. Whether it blocks is shared with whoever else has the socket."""
    listening.setblocking(False)
    try:
        who, _ = listening.accept()
    except OSError:  # gone again, taken by a process that starts, or no descriptors
        return None
    who.setblocking(False)
    return who


async def _answer(who: socket.socket) -> None:
    loop, said = asyncio.get_running_loop(), b""
    with who, suppress(OSError):
        with suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE_S):
                while b"\r\n\r\n" not in said and len(said) < READ_MAX:
                    more = await loop.sock_recv(who, READ_MAX)
                    if not more:
                        break
                    said += more
        with suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE_S):
                await loop.sock_sendall(who, ANSWER)
        who.shutdown(socket.SHUT_WR)
