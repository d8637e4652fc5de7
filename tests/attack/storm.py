"""Hostile HTTP clients of every kind, thousands of them, in a process of their own.

`python -m tests.attack.storm PLAN` with a plan in JSON: they come, and each comes again as soon as
it was cut off. A line to its standard input, and nobody comes any more; another, and it tells how
long the service has kept one of each kind.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from tests.attack.peer import Place

PATIENCE_S: Final = 20.0
SLOW_S: Final = 0.25
"""Between two bytes of somebody slow."""
CHUNK: Final = b"x" * 65_536
AGAIN_S: Final = 0.1
NEVER_READS: Final = "never reads"
HOGS: Final = 64
"""So many at a time of each kind that sends as much as the network has room for."""
Talk = Iterator[tuple[bytes, float]]
"""What is sent, and how long the pause after it is."""


def _head(place: Place, line: str, *more: str) -> bytes:
    said = [f"{line} HTTP/1.1", f"Host: 127.0.0.1:{place.port}", *more]
    return "\r\n".join(said).encode() + b"\r\n"


def _drip(start: bytes, letter: bytes = b"a") -> Talk:
    yield start, SLOW_S
    while True:
        yield letter, SLOW_S


def _idle(_: Place) -> Talk:
    return
    yield


def _slow_head(place: Place) -> Talk:
    return _drip(_head(place, "GET /status") + b"X-Slow: ")


def _slow_body(place: Place) -> Talk:
    """To the one path that reads a body of somebody unknown."""
    more = "Content-Type: application/json", "Content-Length: 4000", ""
    return _drip(_head(place, "POST /api/session", *more) + b'{"token": "')


def _slow_body_of_a_friend(place: Place) -> Talk:
    more = f"X-API-Key: {place.key}", "Content-Type: application/json", "Content-Length: 200000", ""
    return _drip(_head(place, "POST /api/optimizer/resume", *more) + b'{"reason": "')


def _oversize(place: Place) -> Talk:
    yield _head(
        place, "POST /api/optimizer/promote", f"X-API-Key: {place.key}",
        "Content-Type: application/json", "Content-Length: 104857600", "",
    ), 0.0  # fmt: skip
    for _ in range(1_600):
        yield CHUNK, 0.0


def _endless(place: Place) -> Talk:
    more = f"X-API-Key: {place.key}", "Transfer-Encoding: chunked", ""
    yield _head(place, "POST /api/optimizer/promote", *more), 0.0
    while True:
        yield b"10000\r\n" + CHUNK + b"\r\n", 0.0


def _compressed(place: Place) -> Talk:
    more = "Content-Encoding: gzip", "Content-Length: 10000000", ""
    yield _head(place, "POST /api/optimizer/promote", *more), 0.0
    for _ in range(152):
        yield CHUNK, 0.0


def _long_header(place: Place) -> Talk:
    yield _head(place, "GET /status") + b"X-Bomb: ", 0.0
    for _ in range(128):
        yield CHUNK, 0.0


def _many_headers(place: Place) -> Talk:
    yield _head(place, "GET /status"), 0.0
    for number in range(1_000):
        yield b"".join(b"X-%d-%d: x\r\n" % (number, at) for at in range(50)), 0.0


def _never_reads(place: Place) -> Talk:
    one = _head(place, "GET /api/openapi.json", f"X-API-Key: {place.key}", "")
    yield one * 200, 0.0


KINDS: Final[dict[str, Callable[[Place], Talk]]] = {
    "idle": _idle,
    "slow head": _slow_head,
    "slow body": _slow_body,
    "slow body with a key": _slow_body_of_a_friend,
}
"""They cost them nothing."""
HOGGISH: Final[dict[str, Callable[[Place], Talk]]] = {
    "oversize": _oversize,
    "endless": _endless,
    "compressed": _compressed,
    "long header": _long_header,
    "many headers": _many_headers,
    NEVER_READS: _never_reads,
}


@dataclass(slots=True)
class Storm:
    """All of them."""

    place: Place
    clients: int
    near: bool
    going: bool = True
    open: int = 0
    opened: int = 0
    at_most: int = 0
    lives_s: dict[str, float] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def begin(self) -> None:
        """They come, as fast as they can."""
        many = list(KINDS)
        hogs = min(HOGS, self.clients // 20)
        kinds = [kind for kind in HOGGISH for _ in range(hogs)]
        kinds += [many[n % len(many)] for n in range(self.clients - len(kinds))]
        for number, kind in enumerate(kinds):
            source = "127.0.0.1" if self.near else f"127.0.1.{1 + number % 32}"
            self._tasks.append(asyncio.create_task(self._come(kind, source)))

    async def end(self) -> dict[str, Any]:
        """They stay as long as they are let, and come no more."""
        self.going = False
        await asyncio.to_thread(sys.stdin.readline)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.lives_s.pop(NEVER_READS, None)
        return {"opened": self.opened, "at_most": self.at_most, "lives_s": self.lives_s}

    async def _come(self, kind: str, source: str) -> None:
        while self.going:
            with suppress(OSError):  # there was no room
                await self._once(kind, source)
            if self.going:
                await asyncio.sleep(AGAIN_S)

    async def _once(self, kind: str, source: str) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.place.port, local_addr=(source, 0), limit=1 << 16
        )
        began_s = time.perf_counter()
        self.opened += 1
        self.open += 1
        self.at_most = max(self.at_most, self.open)
        talking = asyncio.create_task(self._talk(kind, writer))
        try:
            if kind == NEVER_READS:  # nor does it see how long it was let
                await asyncio.sleep(PATIENCE_S)
            else:
                while await reader.read(1 << 16):
                    pass
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            lived_s = round(time.perf_counter() - began_s, 2)
            self.lives_s[kind] = max(self.lives_s.get(kind, 0.0), lived_s)
            talking.cancel()
            writer.transport.abort()
            await asyncio.gather(talking, return_exceptions=True)

    async def _talk(self, kind: str, writer: asyncio.StreamWriter) -> None:
        for said, pause_s in (KINDS | HOGGISH)[kind](self.place):
            writer.write(said)
            await writer.drain()
            if pause_s:
                await asyncio.sleep(pause_s)


async def _main(plan: dict[str, Any]) -> None:
    storm = Storm(Place(**plan["place"]), plan["clients"], plan["near"])
    storm.begin()
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps(await storm.end()), flush=True)


if __name__ == "__main__":
    os.nice(5)  # the honest one has to be let on to the same core
    asyncio.run(_main(json.loads(sys.argv[1])))
