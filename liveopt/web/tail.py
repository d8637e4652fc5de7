"""The run's journals as they grow: trades, entries, the gate's decisions; read, never written.

The newest trades and entries are in memory; older trades are found by reading the files again.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Final

import structlog

from liveopt.live.rulings import Ruling, Rulings
from liveopt.walk.records import Break, Entered, Journal, Standing
from liveopt.web.follower import Batch, Follower
from liveopt.web.kept import Found, Kept, Wanted
from liveopt.web.older import Marks, older
from liveopt.web.tallies import Tally, tallied

log = structlog.get_logger()

TRADES_MAX: Final = 50_000
ENTRIES_MAX: Final = 10_000
BREAKS_MAX: Final = 1_000
GONE_MAX: Final = 10_000
CANDLES_MAX: Final = 500
"""Signal bars of a symbol."""
SYMBOLS_MAX: Final = 64
POLL_S: Final = 0.25
PATIENCE_S: Final = 5.0
"""An engine that starts may have a journal in its hands for so long."""
MS_NS: Final = 1_000_000
SLICE: Final = 4_096
"""Trades that are looked through between two times that the loop is given to others."""
EVER_NS: Final = 1 << 62
"""Later than any time that a clock here tells."""

Candle = tuple[int, float, float, float, float]
"""When a signal bar opened in milliseconds, its open, high, low and close."""


@dataclass(slots=True)
class Tail:
    """What has been read of the newest run of a state folder."""

    state: Path
    heard: Callable[[Kept], None] = lambda _: None
    """Told of each trade that closes from now on, and where it stands."""
    ruled: Callable[[], None] = lambda: None
    run: Path | None = None
    trades: deque[Kept] = field(default_factory=lambda: deque(maxlen=TRADES_MAX))
    entries: deque[Kept] = field(default_factory=lambda: deque(maxlen=ENTRIES_MAX))
    breaks: deque[Break] = field(default_factory=lambda: deque(maxlen=BREAKS_MAX))
    tally: Tally = field(default_factory=Tally)
    """What the run's closed trades came to, but for those of champions."""
    rulings: Rulings = field(default_factory=Rulings)
    candles: dict[str, deque[Candle]] = field(default_factory=dict)
    """The newest signal bars by symbol, the oldest first."""
    total: int = 0
    """Trades of the run so far."""
    forgotten: bool = False
    """Whether the run has trades that are no longer in memory."""
    caught_up: bool = False
    damage: str = ""
    wanted: Path | None = None
    """The run to follow, also before it is there; the newest of the state folder if not given."""
    marks: dict[Journal, Marks] = field(default_factory=dict)
    """Ways into the files, for questions about old trades."""
    _follower: Follower = field(init=False)
    _half: bool = False
    """Whether a batch was not taken in whole."""
    _news: deque[Kept] = field(default_factory=deque)
    """Taken in, and not told yet."""
    _gone: deque[str] = field(default_factory=lambda: deque(maxlen=GONE_MAX))
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "tail"))
    _scans: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    def __post_init__(self) -> None:
        self._follower = Follower(self.state, self.wanted)

    async def follow(self) -> None:
        """For as long as the service lives; a journal that cannot be read for long is a failure."""
        self._anew()
        loop = asyncio.get_running_loop()
        read_s = loop.time()
        while True:
            try:
                batch = await loop.run_in_executor(self._pool, self._follower.read)
                read_s = loop.time()
            except OSError:
                if loop.time() - read_s > PATIENCE_S:
                    raise
                batch = Batch(self.run, more=True)
                await asyncio.sleep(POLL_S)
            more = self._take_in(batch)
            await asyncio.sleep(0 if more else POLL_S)

    def read(self) -> None:
        """All that there is now; for who has no loop."""
        self._anew()
        while self._take_in(self._follower.read()):
            pass

    def close(self) -> None:
        """Nothing more is read."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # What others ask

    async def find(self, wanted: Wanted) -> list[Kept]:
        """Trades, the newest first."""
        return (await self.page(wanted)).kept

    async def page(self, wanted: Wanted) -> Found:
        """The same, and where to go on: from memory, and where that does not reach, from files."""
        run, forgotten, there = self.run, self.forgotten, list(self.trades)
        found: list[Kept] = []
        for end in range(len(there), 0, -SLICE):
            some = (k for k in reversed(there[max(0, end - SLICE) : end]) if wanted.takes(k))
            found += islice(some, wanted.limit - len(found))
            if len(found) == wanted.limit:
                return Found(found, found[-1].place)
            await asyncio.sleep(0)
        if not forgotten or run is None:
            return Found(found, None)
        oldest = there[0].place
        if wanted.since_ns > oldest.at_ns:
            return Found(found, None)
        before = oldest if wanted.before is None else min(oldest, wanted.before)
        rest = replace(wanted, limit=wanted.limit - len(found), before=before)
        marks = {name: some.upto() for name, some in self.marks.items()}
        async with self._scans:
            more = await asyncio.to_thread(older, run, rest, marks)
        return Found(found + more.kept, more.next)

    async def tallied(self, wanted: Wanted) -> Tally:
        """What variants' trades came to that are wanted; between two times, of those in memory."""
        if wanted.since_ns > 0 or wanted.until_ns < EVER_NS:
            there, forgotten = list(self.trades), self.forgotten
            found = await tallied(there, wanted)
            found.complete = not forgotten or there[0].place.at_ns < wanted.since_ns
            return found
        if not wanted.variant:
            return self.tally
        own = self.tally.by.get(wanted.variant)
        if own is None:
            return Tally(complete=self.tally.complete)
        return Tally(own, {wanted.variant: own})

    def entered(self, wanted: Wanted) -> list[Kept]:
        """Entries, the newest first."""
        return list(islice((k for k in reversed(self.entries) if wanted.takes(k)), wanted.limit))

    def ruling(self, name: str) -> Ruling | None:
        """One decision of the gate."""
        return next((one for one in self.rulings.all if one.id == name), None)

    # What was read, taken in where the questions are answered

    def _anew(self) -> None:
        """The follower has passed what a fault here kept from being taken in: all is read again."""
        if self._half:
            self._follower = Follower(self.state, self.wanted)

    def _take_in(self, batch: Batch) -> bool:
        """Whether there may be more. Nobody is told before it is all there."""
        if batch.run != self.run or self._half:
            self._begin(batch.run)
        self._half = True
        before = len(self.rulings.all)
        for seq, record in batch.decisions:
            self._decided(seq, record)
        self._gone.extend(batch.gone)
        ruled = len(self.rulings.all) > before
        for name in self._gone if ruled else batch.gone:
            self.rulings.left(name)  # one journal may be a step ahead of the other
        for kept in batch.kept:
            self._take(kept)
        self._mark(batch)
        self.caught_up = self.caught_up or not batch.more
        if batch.damage and batch.damage != self.damage:
            self.damage = batch.damage
            log.error("a journal cannot be read", why=batch.damage)
        self._half = False
        if ruled:
            self.ruled()
        while self._news:
            self.heard(self._news.popleft())
        return batch.more

    def _begin(self, run: Path | None) -> None:
        """Another run: nothing of the old one is kept."""
        self.run, self.rulings = run, Rulings()
        self.tally, self.candles, self.marks = Tally(), {}, {}
        for kept in (self.trades, self.entries, self.breaks, self._gone, self._news):
            kept.clear()
        self.total, self.forgotten, self.caught_up, self.damage = 0, False, False, ""

    def _mark(self, batch: Batch) -> None:
        for name, (lines, mark) in batch.ends.items():
            there = self.marks.setdefault(name, Marks())
            there.add(lines, mark)

    def _decided(self, seq: int, record: object) -> None:
        self.rulings.take(seq, record)
        match record:
            case Break():
                self.breaks.append(record)
            case Standing():
                self._drawn(record)
            case _:
                pass

    def _drawn(self, standing: Standing) -> None:
        bar, there = standing.bar, self.candles.get(standing.symbol)
        if there is None:
            if len(self.candles) == SYMBOLS_MAX:
                return
            there = self.candles[intern(standing.symbol)] = deque(maxlen=CANDLES_MAX)
        there.append((bar.at_ns // MS_NS, bar.open, bar.high, bar.low, bar.close))

    def _take(self, kept: Kept) -> None:
        record = kept.record
        if isinstance(record, Entered):
            _insert(self.entries, kept)
            return
        self.forgotten = self.forgotten or len(self.trades) == TRADES_MAX
        _insert(self.trades, kept)
        self.total += 1
        self.tally.add(record)
        if self.caught_up:
            self._news.append(kept)


def _insert(there: deque[Kept], kept: Kept) -> None:
    """In the order of time: one journal may be a step ahead of the other, and so are symbols."""
    later: list[Kept] = []
    while there and kept.place < there[-1].place:
        later.append(there.pop())
    there.append(kept)
    there.extend(reversed(later))
