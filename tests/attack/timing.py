"""How long an honest client waits, and how the service bears what is done to it."""

import asyncio
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from liveopt.web.call import PAGE
from tests.attack.peer import Place

ASK_S: Final = 5.0
"""An answer that takes longer is none."""
LOOK_S: Final = 0.05
LAG_S: Final = 0.005
LAST: Final = struct.Struct("<dd")
MIB: Final = 1 << 20


def quantiles(found_ms: Sequence[float]) -> dict[str, float]:
    """The middle, the last hundredth, the worst, and of how many."""
    if not found_ms:
        return {"count": 0}
    middle, late = np.quantile(found_ms, [0.5, 0.99])
    return {
        "p50": round(float(middle), 2),
        "p99": round(float(late), 2),
        "worst": round(max(found_ms), 2),
        "count": len(found_ms),
    }


@dataclass(slots=True)
class Asking:
    """The same request again and again, on a connection of its own each time."""

    place: Place
    method: str
    path: str
    every_s: float
    took_ms: list[float] = field(default_factory=list)
    failed: int = 0

    async def go(self, seconds: float) -> None:
        """For so long."""
        ends_s = time.perf_counter() + seconds
        while time.perf_counter() < ends_s:
            began_s = time.perf_counter()
            try:
                async with asyncio.timeout(ASK_S):
                    status = await self._asked()
                assert status in {200, 207}, status
                self.took_ms.append(1e3 * (time.perf_counter() - began_s))
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self.failed += 1
            await asyncio.sleep(self.every_s)

    def told(self) -> dict[str, float]:
        """In milliseconds, and how many had no answer."""
        return {**quantiles(self.took_ms), "failed": self.failed}

    async def _asked(self) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.place.port)
        try:
            writer.write(
                f"{self.method} {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.place.port}\r\n"
                f"X-API-Key: {self.place.key}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            await reader.readexactly(int(length))
            return int(head.split()[1])
        finally:
            writer.transport.abort()


@dataclass(slots=True)
class Watch:
    """Memory and lateness of the service; it writes how late its loop is into a file."""

    pid: int
    lags: Path
    peak_mib: float = 0.0
    _at: int = 0
    _task: asyncio.Task[None] | None = field(default=None)

    def now_mib(self) -> float:
        """Resident."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * PAGE / MIB

    def sockets(self) -> int:
        """Open ones."""
        found = 0
        for file in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(OSError):  # gone meanwhile
                found += str(file.readlink()).startswith("socket:")
        return found

    async def settled(self) -> float:
        """Once it does not grow any more."""
        last = 0.0
        while (now := self.now_mib()) > last + 0.5:
            last = now
            await asyncio.sleep(1.0)
        return now

    def begin(self) -> None:
        """From here on."""
        self._at = self.lags.stat().st_size
        self.peak_mib = self.now_mib()
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            self.peak_mib = max(self.peak_mib, self.now_mib())
            await asyncio.sleep(LOOK_S)

    def lag(self) -> tuple[dict[str, float], dict[str, float]]:
        """Until here: how late the loop was, and how long it worked without a pause for others."""
        if self._task is not None:
            self._task.cancel()
        data = self.lags.read_bytes()[self._at :]
        whole = data[: len(data) // LAST.size * LAST.size]
        late, work = zip(*LAST.iter_unpack(whole), strict=True)
        return quantiles(late), quantiles(work)


async def note_lag(place: Path) -> None:
    """In the service: how late its loop comes to somebody who waits for 5 ms, in milliseconds.

    Beside it, the processor's time that its thread took meanwhile: on a machine that others load
    too, the first tells how long one waits here, the second how long on a core of its own.
    """
    loop = asyncio.get_running_loop()
    with place.open("wb", buffering=0) as out:
        while True:
            began_s, before_s = loop.time(), time.thread_time()
            await asyncio.sleep(LAG_S)
            late_s = loop.time() - began_s - LAG_S
            out.write(LAST.pack(1e3 * late_s, 1e3 * (time.thread_time() - before_s)))
