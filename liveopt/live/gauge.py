"""What a bench reads off a running engine: how late, how busy, how much; of constant size."""

import asyncio
import os
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from liveopt.core.events import Tick
from liveopt.journal.writer import Writer
from liveopt.live.clock import Clock
from liveopt.live.pump import INPUTS, Pump
from liveopt.walk.events import Input
from liveopt.walk.records import Entered, Out, Trade

MS_NS: Final = 1e6
LOOK_TICKS: Final = 1_000
"""Between two looks at what the process holds; later the hundredth of all ticks so far."""
WARM_S: Final = 3.0
"""From the first tick on, in which everybody joins: not measured."""
EDGES: Final = tuple(int(1_000 * 1.01**k) for k in range(1_900))
"""From a microsecond to over two minutes, each 1 % above the one before."""


@dataclass(slots=True)
class Times:
    """Durations, counted by size."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    most_ns: int = 0

    def add(self, ns: int) -> None:
        """One more."""
        self.counts[bisect_right(EDGES, ns)] += 1
        self.most_ns = max(self.most_ns, ns)

    def quantile_ms(self, share: float) -> float:
        """What so many of them do not exceed, 1 % too high at most."""
        left = share * sum(self.counts)
        for place, count in enumerate(self.counts):
            left -= count
            if count and left <= 0.0:
                edge = EDGES[min(place, len(EDGES) - 1)]
                return min(edge, self.most_ns) / MS_NS
        return 0.0

    def said(self) -> dict[str, float]:
        """For a report, in milliseconds."""
        at = {"p50": 0.5, "p99": 0.99, "p999": 0.999}
        found = {name: round(self.quantile_ms(share), 3) for name, share in at.items()}
        return found | {"max": round(self.most_ns / MS_NS, 3), "count": float(sum(self.counts))}


@dataclass(frozen=True, slots=True)
class Moment:
    """The engine's process at one instant."""

    at_s: float
    cpu_s: float
    ticks: int
    records: int


class Market(msgspec.Struct, frozen=True):
    """How the market's clock goes: once as the machine's, since then `speed` times as fast."""

    origin_ns: int
    speed: float

    def wall_ns(self, at_ns: int) -> float:
        """When, by the machine's clock, something was sent that bears this time."""
        return self.origin_ns + (at_ns - self.origin_ns) / self.speed


class Waiting(msgspec.Struct, gc=False):
    """A tick that is not durable yet, nor what was decided on it."""

    seq: int
    sent_ns: int
    appended_ns: int
    outputs: dict[str, int] | None
    """How far the output journals must be on the disk; None if nothing came of it."""


class Gauge:
    """Listens to a pump and its writer from the start of a run.

    The file says how the market's clock goes; `save` puts what was measured in its place.
    """

    def __init__(self, pump: Pump, writer: Writer, path: Path) -> None:
        self._path = path
        self._market = msgspec.json.decode(path.read_bytes(), type=Market)
        self.decided, self.late, self.acked = Times(), Times(), Times()
        self.kinds: Counter[str] = Counter()
        self._pump, self._wall = pump, Clock().wall
        self._made = Counter(writer.durable)
        self._waiting: deque[Waiting] = deque()
        self._first: Tick | None = None
        self._last: Tick | None = None
        self._count = 0
        self._warm_at_s = 0.0
        self._began: Moment | None = None
        self._looks: list[Look] = []
        self._look_at = 0
        pump.listeners.append(self._heard)
        writer.when_durable(self._durable)

    def _heard(self, event: Input, outs: list[Out]) -> None:
        """On the loop's thread, after an event and its outs have been put in line."""
        for journal, record in outs:
            self._made[journal] += 1
            if isinstance(record, Entered | Trade):
                self.kinds[type(record).__name__] += 1
        if not isinstance(event, Tick):
            self.kinds[type(event).__name__] += 1
            return
        self._count += 1
        self._last = event
        if self._began is None and not self._warm(event):
            return
        self.decided.add(int(self._wall() - self._market.wall_ns(event.at_ns)))
        outputs = dict(self._made) if outs else None
        now_ns = time.monotonic_ns()
        self._waiting.append(Waiting(self._pump.seq, event.at_ns, now_ns, outputs))
        if self._count >= self._look_at:
            self._look_at = self._count + max(LOOK_TICKS, self._count // 100)
            self._looks.append(look(self._count))

    def _warm(self, tick: Tick) -> bool:
        """Whether to measure from here on."""
        now_s = asyncio.get_running_loop().time()
        if self._first is None:
            self._first, self._warm_at_s = tick, now_s + WARM_S
        if now_s < self._warm_at_s:
            return False
        self._began = self._moment()
        return True

    def _durable(self, durable: Mapping[str, int]) -> None:
        """On the writer's thread, after a batch."""
        wall_ns, now_ns = self._wall(), time.monotonic_ns()
        waiting = self._waiting
        while waiting and waiting[0].seq <= durable[INPUTS]:
            outputs = waiting[0].outputs or {}
            if any(durable[name] < outputs[name] for name in outputs if name != INPUTS):
                return
            one = waiting.popleft()
            self.late.add(int(wall_ns - self._market.wall_ns(one.sent_ns)))
            self.acked.add(now_ns - one.appended_ns)

    def _moment(self) -> Moment:
        now_s = asyncio.get_running_loop().time()
        records = self._pump.seq + sum(n for name, n in self._made.items() if name != INPUTS)
        return Moment(now_s, time.process_time(), self._count, records)

    def said(self) -> dict[str, Any]:
        """What was measured until now."""
        began, ends = self._began, self._moment()
        if began is None or self._first is None or self._last is None:
            return {"ticks": self._count, "seconds": 0.0}
        seconds = ends.at_s - began.at_s
        sent = self._last.sequence - self._first.sequence + 1
        return {
            "seconds": seconds,
            "ticks": self._count,
            "dropped": sent - self._count,
            "ticks_per_s": (ends.ticks - began.ticks) / seconds,
            "tick_to_decision_ms": self.decided.said(),
            "tick_to_journalled_decision_ms": self.late.said(),
            "ack_ms": self.acked.said(),
            "records_per_s": (ends.records - began.records) / seconds,
            "cpu_share": (ends.cpu_s - began.cpu_s) / seconds,
            "rss_mib": rss_mib(),
            "looks": [asdict(one) for one in self._looks],
            "heard": dict(self.kinds),
        }

    def save(self) -> None:
        """For whoever started this process."""
        self._path.write_bytes(msgspec.json.encode(self.said()))


@dataclass(frozen=True, slots=True)
class Look:
    """What the process holds after so many ticks."""

    ticks: int
    rss_mib: float
    fds: int
    tasks: int
    threads: int


def look(ticks: int) -> Look:
    """Now, on the loop's thread."""
    fds, threads = (sum(1 for _ in Path(f"/proc/self/{name}").iterdir()) for name in ("fd", "task"))
    return Look(ticks, rss_mib(), fds, len(asyncio.all_tasks()), threads)


def rss_mib(pid: int | str = "self") -> float:
    """Memory that a process really has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), 2)
