"""The journal under load: records a second, how late they are acknowledged, how fast it starts.

    python -m tests.bench.journal --out /some/disk

Prints JSON. Half a second of load and half a second of the disk alone follow each other, so that
what else the machine does falls on both. Alone is: a plain thread that appends as much as one of
the writer's syncs had to a file that grows, at the pace of the load, the writer being idle; only
the fdatasync is timed. One record written over and over without a pause, which is quicker because
nothing falls asleep between, stands in `disk_300_bytes_ms`. A run on a disk that is made slower
tells what is the journal's design (how many syncs an acknowledgement waits for) and what is Python.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from liveopt.journal.appender import Appender, Ground, Limits
from liveopt.journal.disk import Disk
from liveopt.journal.reader import records
from liveopt.journal.recovery import FRESH, recover
from liveopt.journal.snapshots import load_all, save
from liveopt.journal.writer import Writer

NAMES = ("inputs", "experimental-trades", "trades", "decisions")
TWO = NAMES[:2]
RECORD = (
    b'{"fee":"0.00000123","pnl":"-1.23456789","price":"67123.10","qty":"0.00123400","side":"buy",'
    b'"symbol":"BTC-USDT","tick":%d,"type":"Fill","variant":"v-0017"}'
)
SLICE_S = 0.001
TURN_S = 0.5
MORE_S = 0.001
"""What the slower disk takes longer a sync."""
TAIL = 50_000


class Timed(Disk):
    """The disk, or one that takes so much longer a sync; how long each took, and bytes written."""

    def __init__(self, more_s: float = 0.0) -> None:
        self.more_s = more_s
        self.took: list[float] = []
        self.bytes = 0

    def write(self, fd: int, data: memoryview) -> int:
        """As ever, but counted."""
        self.bytes += len(data)
        return super().write(fd, data)

    def fdatasync(self, fd: int) -> None:
        """As ever, but timed, and later."""
        began = time.perf_counter()
        super().fdatasync(fd)
        if self.more_s:
            time.sleep(self.more_s)
        self.took.append(time.perf_counter() - began)


def quantiles_ms(seconds: list[float]) -> dict[str, float]:
    """What matters of many durations."""
    kept = sorted(seconds)
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {
        name: round(kept[min(len(kept) - 1, int(len(kept) * share))] * 1e3, 4)
        for name, share in shares.items()
    }


def disk_ms(folder: Path, size: int) -> dict[str, float]:
    """The disk alone: appends of that size, each synced."""
    path, took = folder / "probe", []
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for _ in range(1_000):
        began = time.perf_counter()
        os.write(fd, b"x" * size)
        os.fdatasync(fd)
        took.append(time.perf_counter() - began)
    os.close(fd)
    path.unlink()
    return quantiles_ms(took)


@dataclass
class Offered:
    """Records put to a writer, alternately to two of its journals, and their acknowledgements."""

    writer: Writer
    rate: int
    """Records a second; 0 is all it takes."""
    at: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in TWO})
    acked: list[tuple[Mapping[str, int], float]] = field(default_factory=list)
    count: int = 0

    def note(self, durable: Mapping[str, int]) -> None:
        """An acknowledgement."""
        self.acked.append((durable, time.perf_counter()))

    def offer(self, seconds: float) -> None:
        """An even load for so long, as an event loop makes it; then until all is on the disk."""
        began, before = time.perf_counter(), self.count
        batch = max(1, int(self.rate * SLICE_S)) if self.rate else 1_000
        while time.perf_counter() - began < seconds:
            for number in range(self.count, self.count + batch):
                name = TWO[number % 2]
                self.at[name].append(time.perf_counter())
                self.writer.append(name, RECORD % number)
            self.count += batch
            if not self.rate:
                while self.writer.backlog > 20_000:
                    time.sleep(SLICE_S)
                continue
            ahead = began + (self.count - before) / self.rate - time.perf_counter()
            if ahead > 0.0:
                time.sleep(ahead)
        while sum(self.writer.durable.values()) < self.count:
            time.sleep(SLICE_S)

    def late(self) -> dict[str, list[float]]:
        """How long each record of each journal waited."""
        found: dict[str, list[float]] = {name: [] for name in TWO}
        for durable, at in self.acked:
            for name, late in found.items():
                late += [at - put for put in self.at[name][len(late) : durable[name]]]
        return found


def alone(disk: Timed, path: Path, size: int, seconds: float) -> None:
    """The disk alone, for so long: appends of that size at the pace of the load, each synced."""
    fd, until = disk.open_append(path), time.perf_counter() + seconds
    while time.perf_counter() < until:
        disk.write_all(fd, bytes(size))
        disk.fdatasync(fd)
        time.sleep(SLICE_S)
    disk.close(fd)


def p99_over(late: list[float], took: list[float]) -> float:
    """The ratio that is promised."""
    return round(quantiles_ms(late)["p99"] / quantiles_ms(took)["p99"], 2)


def load(folder: Path, rate: int, seconds: float, more_s: float = 0.0) -> dict[str, Any]:
    """Offer so many records a second, in turns with the disk alone, for so long together."""
    writers, plain = Timed(more_s), Timed(more_s)
    run = folder / f"run-{rate}-{more_s}"
    run.mkdir()
    ground = Ground(run, {"run": "bench"}, time.time_ns, disk=writers)  # noqa: TID251  stamps only
    writer = Writer(ground, {name: recover(run, name) for name in NAMES}, lambda *_: None)
    offered = Offered(writer, rate)
    writer.when_durable(offered.note)
    writers.took.clear()
    writers.bytes, took, cpu = 0, 0.0, 0.0
    ends = [(0, 0)]
    for _ in range(max(1, round(seconds / 2 / TURN_S)) if rate else 1):
        cpu -= time.process_time()
        took -= time.perf_counter()
        offered.offer(TURN_S if rate else seconds)
        took += time.perf_counter()
        cpu += time.process_time()
        if rate:
            alone(plain, folder / "probe", writers.bytes // len(writers.took), TURN_S)
        ends.append((offered.count // 2, len(plain.took)))
    writer.close()
    late = offered.late()
    every = [one for name in TWO for one in late[name]]
    said = {
        "offered_per_s": rate or "all it takes",
        "acked_per_s": round(len(every) / took),
        "cpu_share": round(cpu / took, 3),
        "lost": offered.count - len(every),
        "acknowledgements": len(offered.acked),
        "ack_ms": quantiles_ms(every),
        "ack_of_inputs_ms": quantiles_ms(late[TWO[0]]),
        "fdatasync_ms_of_the_writer": quantiles_ms(writers.took),
        "fdatasyncs": len(writers.took),
    }
    if not rate:
        return said
    turns = [
        p99_over([one for name in TWO for one in late[name][start:end]], plain.took[first:last])
        for (start, first), (end, last) in pairwise(ends)
    ]
    return said | {
        "fdatasync_ms_alone": quantiles_ms(plain.took),
        "bytes_a_sync": writers.bytes // len(writers.took),
        "ack_p99_over_alone_p99": p99_over(every, plain.took),
        "of_inputs": p99_over(late[TWO[0]], plain.took),
        "of_the_middle_turn": round(median(turns), 2),
    }


def start(folder: Path, count: int) -> dict[str, Any]:
    """How long a start takes behind so many records: the snapshot, the tail, and the whole."""
    run = folder / "long"
    run.mkdir()
    ground = Ground(run, {"run": "bench"}, lambda: 1, Limits(ballast_bytes=0))
    appender = Appender(ground, "inputs", FRESH, lambda _: None)
    began = time.perf_counter()
    marked = False
    while appender.position.seq < count:
        if not marked and appender.position.seq >= count - TAIL:
            save(run, {"inputs": appender.position}, b"x" * (10 << 20))
            marked = True
        appender.put([RECORD % number for number in range(4_000)])
        appender.sync()
    appender.close()
    wrote_s = time.perf_counter() - began
    began = time.perf_counter()
    snapshot = next(load_all(run))
    found = recover(run, "inputs", snapshot.positions["inputs"], repair=True)
    folded = sum(
        len(record.content) for record in records(run, "inputs", snapshot.positions["inputs"])
    )
    start_s = time.perf_counter() - began
    began = time.perf_counter()
    whole = recover(run, "inputs")
    return {
        "records": whole.records,
        "bytes": sum(path.stat().st_size for path in run.glob("*.jsonl")),
        "one_thread_writes_per_s": round(count / wrote_s),
        "start_s": round(start_s, 3),
        "of_them_tail_records": found.records,
        "tail_bytes": folded,
        "verify_whole_s": round(time.perf_counter() - began, 1),
        "verdict": whole.verdict,
    }


def main() -> None:
    """Run it all in a folder that is thrown away."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, help="a folder on the disk to measure")
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--records", type=int, default=10_000_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.out) as room:
        folder = Path(room)
        facts: dict[str, Any] = {"load_average": os.getloadavg(), "cpus": os.cpu_count()}
        facts["threads_at_start"] = threading.active_count()
        facts["disk_300_bytes_ms"] = disk_ms(folder, 300)
        facts["disk_64_kib_ms"] = disk_ms(folder, 1 << 16)
        facts["at_20000_per_s"] = load(folder, 20_000, given.seconds)
        facts["at_50000_per_s"] = load(folder, 50_000, given.seconds)
        facts["at_50000_per_s_and_1_ms_a_sync_more"] = load(folder, 50_000, given.seconds, MORE_S)
        facts["at_full_load"] = load(folder, 0, given.seconds)
        facts["disk_300_bytes_after_ms"] = disk_ms(folder, 300)
        facts["start"] = start(folder, given.records)
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
