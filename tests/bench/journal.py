"""The journal under load: records a second, how late they are acknowledged, how fast it starts.

    python -m tests.bench.journal --out /some/disk

Prints JSON. Acknowledgements are compared with the disk's own fdatasync, measured in the same run:
before, after, and as the writer itself saw it.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from liveopt.journal.appender import Appender, Ground, Limits
from liveopt.journal.disk import Disk
from liveopt.journal.reader import records
from liveopt.journal.recovery import FRESH, recover
from liveopt.journal.snapshots import load_all, save
from liveopt.journal.writer import Writer

NAMES = ("inputs", "experimental-trades", "trades", "decisions")
RECORD = (
    b'{"fee":"0.00000123","pnl":"-1.23456789","price":"67123.10","qty":"0.00123400","side":"buy",'
    b'"symbol":"BTC-USDT","tick":%d,"type":"Fill","variant":"v-0017"}'
)
SLICE_S = 0.001
TAIL = 50_000


class Timed(Disk):
    """The disk, and how long each sync took."""

    def __init__(self) -> None:
        self.took: list[float] = []

    def fdatasync(self, fd: int) -> None:
        """As ever, but timed."""
        began = time.perf_counter()
        super().fdatasync(fd)
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


def load(folder: Path, rate: int, seconds: float) -> dict[str, Any]:
    """Offer so many records a second for a while (0: all it takes), as an event loop does."""
    disk = Timed()
    run = folder / f"run-{rate}"
    run.mkdir()
    ground = Ground(run, {"run": "bench"}, time.time_ns, disk=disk)  # noqa: TID251  stamps only
    writer = Writer(ground, {name: recover(run, name) for name in NAMES}, lambda *_: None)
    appended: list[float] = []
    acked: list[tuple[int, float]] = []

    def note(durable: Mapping[str, int]) -> None:
        acked.append((sum(durable.values()), time.perf_counter()))

    writer.when_durable(note)
    disk.took.clear()
    cpu = time.process_time()
    began = time.perf_counter()
    batch = max(1, int(rate * SLICE_S)) if rate else 1_000
    while time.perf_counter() - began < seconds:
        for _ in range(batch):
            number = len(appended)
            appended.append(time.perf_counter())
            writer.append(NAMES[number % 2], RECORD % number)
        ahead = began + len(appended) / rate - time.perf_counter() if rate else 0.0
        if not rate:
            while writer.backlog > 20_000:
                time.sleep(SLICE_S)
        elif ahead > 0.0:
            time.sleep(ahead)
    writer.close()
    took = acked[-1][1] - began
    cpu = time.process_time() - cpu
    late, done = [], 0
    for until, at in acked:
        late += [at - appended[number] for number in range(done, until)]
        done = until
    return {
        "offered_per_s": rate or "all it takes",
        "acked_per_s": round(done / took),
        "cpu_share": round(cpu / took, 3),
        "lost": len(appended) - done,
        "batches": len(acked),
        "ack_ms": quantiles_ms(late),
        "fdatasync_ms_of_the_writer": quantiles_ms(disk.took),
        "fdatasyncs": len(disk.took),
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
        facts["at_full_load"] = load(folder, 0, given.seconds)
        facts["disk_300_bytes_after_ms"] = disk_ms(folder, 300)
        facts["start"] = start(folder, given.records)
    print(json.dumps(facts, indent=2))


if __name__ == "__main__":
    main()
