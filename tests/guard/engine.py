"""A small engine that keeps the guard's contract: it reads the gate before every entry it makes.

`python -m tests.guard.engine STATE [--busy]`; what it does is seen in the file `entries`.
"""

import asyncio
import mmap
import os
import sys
import time
from pathlib import Path
from typing import Any

from liveopt.guard import gate as gates
from liveopt.guard.link import EngineEnd, Refused

VARIANTS = 200
ENTRIES, LAST_ENTRY, SEQ = 0, 1, 2


class Entries:
    """What the engine did, in shared memory: entries made, the input of the last, inputs taken."""

    def __init__(self, path: Path) -> None:
        found = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(found, 4096)
        self.words = memoryview(mmap.mmap(found, 4096)).cast("Q")
        os.close(found)

    def seen(self) -> tuple[int, int]:
        """Entries made and the input of the last; read until it does not change under the eye."""
        while True:
            first = (self.words[ENTRIES], self.words[LAST_ENTRY])
            if first == (self.words[ENTRIES], self.words[LAST_ENTRY]):
                return first


class Engine:
    """Counts up its inputs; at each it enters if it may."""

    def __init__(self, state: Path) -> None:
        self.gate = gates.Gate.open(state / gates.NAME)
        self.entries = Entries(state / "entries")
        self.acknowledged = 0
        self.slow_waiting = 0
        self.journal_ok = True
        self.link = EngineEnd.from_environment()
        self.averages = [0.0] * VARIANTS

    def tick(self) -> None:
        words = self.entries.words
        words[SEQ] += 1
        number, wanted = self.gate.number, self.gate.wanted
        if number != self.acknowledged:
            self.acknowledged = number
            stopped = VARIANTS if wanted else 0
            positions = 0 if wanted == gates.FLATTEN else 3
            self.gate.acknowledge(number, words[SEQ], stopped, positions, self.slow_waiting)
        if wanted == gates.OPEN:
            words[ENTRIES] += 1
            words[LAST_ENTRY] = words[SEQ]

    def work(self) -> None:
        """What a tick costs."""
        self.averages = [average * 0.99 + 0.01 for average in self.averages]

    async def pump(self, *, busy: bool) -> None:
        while True:
            for _ in range(100 if busy else 1):
                self.work()
                self.tick()
            await asyncio.sleep(0 if busy else 0.001)

    async def beat(self) -> None:
        while True:
            self.gate.beat()
            await asyncio.sleep(0.02)

    async def tell(self) -> None:
        while self.link is not None:
            made = self.entries.words[ENTRIES]
            self.link.tell({"entries": made, "journal_ok": self.journal_ok, "rss_mib": 1.0})
            await asyncio.sleep(0.1)

    async def answer(self, command: dict[str, Any]) -> object:
        match command:
            case {"echo": said}:
                return said
            case {"exit": code}:
                os._exit(code)
            case {"hang": seconds}:
                time.sleep(seconds)  # noqa: ASYNC251  that is what hanging is
            case {"slow_waiting": workers}:
                self.slow_waiting = workers
            case {"journal_ok": well}:
                self.journal_ok = well
            case {"halt": reason}:
                assert self.link is not None
                self.link.halt(reason)
            case _:
                raise Refused(f"what is {command}?")
        return None

    async def run(self, *, busy: bool) -> None:
        assert self.link is not None
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.pump(busy=busy)),
                group.create_task(self.beat()),
                group.create_task(self.tell()),
            ]
            await self.link.run(self.answer, lambda _: self.tick())
            for task in tasks:
                task.cancel()


if __name__ == "__main__":
    asyncio.run(Engine(Path(sys.argv[1])).run(busy="--busy" in sys.argv))
