"""A stop's surroundings in one process: a real gate and latch, and an engine of a few lines."""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liveopt.guard.gate import Gate
from liveopt.guard.halt import Halt, Waits
from liveopt.guard.latch import HALT_FILE, Latch


@dataclass
class Faulty:
    """The real thing, some of whose parts raise when they are touched."""

    real: Any
    broken: set[str]
    error: Exception

    def __getattr__(self, name: str) -> Any:
        if name in self.broken:
            raise self.error
        return getattr(self.real, name)


@dataclass
class World:
    folder: Path
    broken: set[str] = field(default_factory=set)
    error: Exception = field(default_factory=lambda: OSError(errno.EIO, "disk"))
    engine_runs: bool = True
    hears: bool = True
    killed: int = 0
    seq: int = 0
    waits: Waits = field(default_factory=lambda: Waits(0.5, 0.05))

    def __post_init__(self) -> None:
        self.gate = Gate.create(self.folder / "gate")
        self.latch = Latch(self.folder / "latch")
        self.latch.open()

    def act(self, name: str, result: Any = None) -> Callable[..., Any]:
        def do(*_: object) -> Any:
            if name in self.broken:
                raise self.error
            return result

        return do

    def kill(self) -> None:
        self.killed += 1
        if "kill" in self.broken:
            raise self.error

    def halt(self) -> Halt:
        halt = Halt(
            gate=Faulty(self.gate, self.broken, self.error),
            latch=Faulty(self.latch, self.broken, self.error),
            wall=self.act("wall", 123),
            nudge=self.act("nudge"),
            alive=self.act("alive", self.engine_runs),
            kill=self.kill,
            remove_halt_file=lambda: (self.folder / HALT_FILE).unlink(missing_ok=True),
            waits=self.waits,
        )
        halt.warm()
        halt.writer = Faulty(halt.writer, self.broken, self.error)  # type: ignore[assignment]
        return halt

    async def engine(self) -> None:
        """Acknowledges as the contract says."""
        while True:
            self.seq += 1
            number = self.gate.number
            if self.hears and self.gate.heard.number != number:
                self.gate.acknowledge(number, self.seq, 7, 2)
            await asyncio.sleep(0.001)


@asynccontextmanager
async def living(world: World) -> AsyncIterator[Halt]:
    engine = asyncio.create_task(world.engine())
    halt = world.halt()
    try:
        yield halt
    finally:
        engine.cancel()
        halt.writer.real.shutdown()  # type: ignore[attr-defined]
