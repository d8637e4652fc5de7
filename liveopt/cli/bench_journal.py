"""The journal's writer alone and the disk alone, for `liveopt bench live`."""

import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, Final

from liveopt.cli.show import Failure
from liveopt.journal.appender import Ground, Limits
from liveopt.journal.codec import FIRST_HEAD, frame
from liveopt.journal.recovery import recover
from liveopt.journal.writer import Writer
from liveopt.live.gauge import Times
from liveopt.live.pump import INPUTS

RECORD: Final = (
    b'{"at_ns":1794100000000000000,"price":"60000.1","sequence":1794100000000,"side":1,"size":"2.0",'
    b'"symbol":"XBTUSDTM","type":"Tick"}'
)
RECORDS_PER_S: Final = 50_000
JOURNAL_S: Final = 3.0
SYNCS: Final = 200
BATCH_BYTES: Final = 1 << 16
TURN_S: Final = 0.5
"""Of load, and then of the disk alone."""
SLICE_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class Syncs:
    """How long this disk takes to make sure of what was put at the end of a file, in ms.

    `record` and `batch` are one after the other without a pause, by a thread that never sleeps:
    the quickest this disk can be. `paced` is what the journal is compared with: as much at once as
    its writer has, a millisecond apart, in turns with the load and with the writer idle: the same
    file growth, the same processor that has slept, the same neighbours, no Python in the way.
    """

    record: list[float] = field(default_factory=list)
    """Of one record."""
    batch: list[float] = field(default_factory=list)
    """Of as much as a writer under full load has at once."""
    paced: list[float] = field(default_factory=list)

    def measure(self, room: Path) -> None:
        """Some more of the first two."""
        with probe(room) as file:
            for times, data in ((self.record, RECORD), (self.batch, bytes(BATCH_BYTES))):
                for _ in range(SYNCS):
                    times.append(sync_ms(file, data))

    def pace(self, room: Path, size: int) -> None:
        """Some more of the last, for the time of a turn."""
        until_s = time.perf_counter() + TURN_S
        with probe(room) as file:
            while time.perf_counter() < until_s:
                self.paced.append(sync_ms(file, bytes(size)))
                time.sleep(SLICE_S)


@contextmanager
def probe(room: Path) -> Iterator[FileIO]:
    """A file that grows and is thrown away."""
    path = room / "syncs"
    with FileIO(path, "ab") as file:
        yield file
    path.unlink()


def sync_ms(file: FileIO, data: bytes) -> float:
    """Put it at the end; how long the disk then takes to be sure of it."""
    file.write(data)
    began_s = time.perf_counter()
    os.fdatasync(file.fileno())
    return (time.perf_counter() - began_s) * 1e3


def slice_bytes() -> int:
    """What the load of a slice is on the disk."""
    records = round(RECORDS_PER_S * SLICE_S)
    line, _ = frame(RECORD, 1_000, 0, records, 100_000, FIRST_HEAD)
    return records * len(line)


def journal(folder: Path, disk: Syncs) -> dict[str, Any]:
    """An even load on a writer, in turns with the disk alone: how soon each record is safe."""
    folder.mkdir()
    ground = Ground(folder, {"run": "bench"}, lambda: 1, Limits(ballast_bytes=1 << 20))
    troubles: list[str] = []
    start = {INPUTS: recover(folder, INPUTS, repair=True)}
    writer = Writer(ground, start, lambda kind, error: troubles.append(f"{kind}: {error}"))
    acked, at_ns = Times(), deque[int]()

    def tell(durable: Mapping[str, int]) -> None:
        now_ns = time.monotonic_ns()
        for _ in range(durable[INPUTS] - sum(acked.counts)):
            acked.add(now_ns - at_ns.popleft())

    writer.when_durable(tell)
    count, took_s = 0, 0.0
    while took_s < JOURNAL_S and not troubles:
        first, began_s = count, time.perf_counter()
        while (elapsed_s := time.perf_counter() - began_s) < TURN_S and not troubles:
            for _ in range(int(elapsed_s * RECORDS_PER_S) - count + first):
                count += 1
                at_ns.append(time.monotonic_ns())
                writer.append(INPUTS, RECORD)
            time.sleep(SLICE_S)
        took_s += time.perf_counter() - began_s
        while writer.backlog and not troubles:
            time.sleep(SLICE_S)
        disk.pace(folder, slice_bytes())
    writer.close()
    if troubles:
        raise Failure("; ".join(troubles))
    found = acked.said()
    paced = quantiles(disk.paced)
    return {
        "records_per_s": count / took_s,
        "ack_ms": found,
        "fdatasync_ms": quantiles(disk.record),
        "fdatasync_of_a_batch_ms": quantiles(disk.batch),
        "fdatasync_paced_ms": paced,
        "ack_p99_over_fdatasync_p99": found["p99"] / quantiles(disk.record)["p99"],
        "ack_p99_over_paced_fdatasync_p99": found["p99"] / paced["p99"],
    }


def quantiles(ms: list[float]) -> dict[str, float]:
    """The middle, the worst of a hundred, the worst."""
    ordered = sorted(ms)
    last = len(ordered) - 1
    return {"p50": ordered[last // 2], "p99": ordered[round(last * 0.99)], "max": ordered[last]}
