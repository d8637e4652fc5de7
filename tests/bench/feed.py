"""How fast the feed is: `python -m tests.bench.feed` prints what it measured.

decode   frames in memory -> order -> one-minute bars, in one loop on one core
flood    an exchange in another process sends as fast as we read, over a loopback socket
paced    the same at 2,000 a second: how long from the exchange's send to a tick in our hands
memory   resident memory after the first million ticks of the flood, and at its end

The exchange of this bench is not the simulator: it only says what a feed needs to begin, and then
sends frames made beforehand, so that the sender is never what is measured.
"""

import argparse
import asyncio
import gc
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from liveopt.core.bars import MINUTE_NS, BarBuilder
from liveopt.core.events import FeedEvent, Tick
from liveopt.kucoin.budget import Budget, Priority
from liveopt.kucoin.intake import Intake
from liveopt.kucoin.rest import Rest, open_http
from liveopt.kucoin.topics import Topic
from liveopt.kucoin.wire import read_frame
from liveopt.live.clock import Clock
from liveopt.live.feed import Feed, Options, Wires
from tests.bench import sender
from tests.bench.sender import PORTION, frame, now_ns

TOPIC = Topic("futures", "trades", "XBTUSDTM")
MILLION = 1_000_000
BEGIN_NS = 1_731_898_619_520_000_000


def decode(count: int) -> dict[str, float]:
    """Frames in memory to bars."""
    frames = [frame(i, BEGIN_NS + i * 500_000) for i in range(min(count, 200_000))]
    best = float("inf")
    for _ in range(3):
        intake, builder, bars = Intake([TOPIC], 2_000_000, 0.2, 0), BarBuilder(MINUTE_NS), 0
        began_s, clock_ns = time.perf_counter(), 0
        for number, raw in enumerate(frames):
            clock_ns += 25_000
            intake.take(read_frame(raw), clock_ns)
            if number % PORTION == 0:
                for event in intake.flush(clock_ns):
                    assert isinstance(event, Tick)
                    bars += len(builder.add(event).bars)
        best = min(best, time.perf_counter() - began_s)
        assert bars > 0
    return {"frames": len(frames), "frames_per_s": len(frames) / best}


class Receiver:
    """Reads `count` ticks of a feed and measures: their delays, or the memory they leave."""

    def __init__(self, count: int, *, delays: bool) -> None:
        """Nothing has come yet."""
        self.count = count
        self.seen = 0
        self.delays_ns: list[int] | None = [] if delays else None
        self.rss_kib = 0
        self.builder = BarBuilder(MINUTE_NS)

    async def read(self, feed: Feed) -> tuple[float, float]:
        """How long it took, by the clock and of the processor."""
        began_s = cpu_s = 0.0
        while self.seen < self.count:
            async with asyncio.timeout(60):
                events = await feed.mailbox.get()
            if not began_s:
                began_s, cpu_s = time.perf_counter(), time.process_time()
            self._take(events)
        return time.perf_counter() - began_s, time.process_time() - cpu_s

    def _take(self, events: list[FeedEvent]) -> None:
        at_ns = now_ns()
        for event in events:
            if isinstance(event, Tick):
                self.builder.add(event)
                self.seen += 1
                if self.delays_ns is not None:
                    self.delays_ns.append(at_ns - event.at_ns)
        if not self.rss_kib and self.seen >= MILLION:
            self.rss_kib = _rss_kib()


async def _receive(address: str, count: int, *, delays: bool) -> dict[str, float]:
    rng = np.random.default_rng(1)
    base = f"http://{address}"
    async with open_http(base) as http:
        budget = Budget(rng)
        rest = Rest("futures", base, http, budget)
        background = Rest("futures", base, http, budget, priority=Priority.BACKGROUND)
        feed = Feed([TOPIC], Wires(rest, background, Clock(), rng), Options(audit=False))
        running = asyncio.create_task(feed.run())
        receiver = Receiver(count, delays=delays)
        took_s, cpu_s = await receiver.read(feed)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    found = {"ticks": float(receiver.seen), "ticks_per_s": receiver.seen / took_s,
             "cpu_us_per_tick": cpu_s / receiver.seen * 1e6, "bad": feed.counts.bad}  # fmt: skip
    if receiver.delays_ns:
        times = np.quantile(np.array(receiver.delays_ns) / 1e6, [0.5, 0.99, 0.999]).tolist()
        found |= dict(zip(("p50_ms", "p99_ms", "p999_ms"), times, strict=True))
    if receiver.rss_kib:
        gc.collect()
        growth = _rss_kib() / receiver.rss_kib - 1.0
        found |= {"rss_mib_after_a_million": receiver.rss_kib / 1024, "rss_growth": growth}
    return found


def _rss_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@contextmanager
def _other(count: int, per_s: float) -> Iterator[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=sender.main, args=(theirs, count, per_s)
    )
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(10)


def socket(count: int, per_s: float) -> dict[str, float]:
    """Ticks through a real socket; `per_s` 0 is as fast as it goes."""
    with _other(count, per_s) as address:
        return asyncio.run(_receive(address, count, delays=per_s > 0))


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flood", type=int, default=2_000_000, help="ticks of the flood")
    parser.add_argument("--paced", type=int, default=60_000, help="ticks of the paced part")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {
        "decode": decode(200_000),
        "paced": socket(options.paced, 2_000.0),
        "flood": socket(options.flood, 0.0),
    }
    if options.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(name, "  ".join(f"{key} {value:,.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
