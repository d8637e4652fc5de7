"""The run's journals as they grow: trades, entries, the gate's decisions; read, never written.

The newest trades and entries are in memory; older trades are found by reading the files again.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Final, NamedTuple

import msgspec
import structlog

from liveopt.journal.folder import latest
from liveopt.journal.reader import Reader
from liveopt.live.rulings import Ruling, Rulings
from liveopt.walk.lines import read_record
from liveopt.walk.records import (
    DECISIONS,
    EXPERIMENTAL,
    TRADES,
    Break,
    Entered,
    Journal,
    Trade,
    VariantStopped,
)

log = structlog.get_logger()

TRADES_MAX: Final = 50_000
ENTRIES_MAX: Final = 10_000
BREAKS_MAX: Final = 1_000
GONE_MAX: Final = 10_000
ACCOUNTS_MAX: Final = 100_000
POLL_S: Final = 0.25
SLICE: Final = 2_000
"""Lines read at a time: between two slices the process does other things."""
SCANNED_MAX: Final = 2_000_000
"""Lines that one question about old trades may read."""
JOURNALS: Final[tuple[Journal, ...]] = (EXPERIMENTAL, TRADES)


class Place(NamedTuple):
    """Where a record stands among all: by time, then by journal and number."""

    at_ns: int
    journal: str
    seq: int

    def __str__(self) -> str:
        return f"{self.at_ns}.{JOURNALS.index(self.journal)}.{self.seq}"


def place_of(text: str) -> Place | None:
    """A place as it was told; None for anything else."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    at_ns, journal, seq = (int(part[:20]) for part in parts)
    return Place(at_ns, JOURNALS[journal], seq) if journal < len(JOURNALS) else None


class Kept(NamedTuple):
    """One record, and where it stands."""

    place: Place
    record: Trade | Entered


@dataclass(slots=True)
class Account:
    """What a variant's closed trades came to, since the run began."""

    trades: int = 0
    wins: int = 0
    net: float = 0.0
    roi: float = 0.0
    """Sum of the trades' returns on margin, a fraction."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which trades are asked for; empty is any."""

    limit: int = 100
    variant: str = ""
    side: str = ""
    reason: str = ""
    experimental: bool | None = None
    before: Place | None = None
    since_ns: int = 0
    until_ns: int = 1 << 63

    def takes(self, kept: Kept) -> bool:
        """Whether this is one of them."""
        record = kept.record
        return (
            (not self.variant or record.variant == self.variant)
            and (not self.side or record.side == self.side)
            and self.since_ns <= record.at_ns <= self.until_ns
            and (self.before is None or kept.place < self.before)
            and (not isinstance(record, Trade) or self._takes_trade(record))
        )

    def _takes_trade(self, trade: Trade) -> bool:
        return (not self.reason or trade.reason == self.reason) and (
            self.experimental is None or trade.experimental is self.experimental
        )


@dataclass(slots=True)
class Tail:
    """What has been read of the newest run of a state folder."""

    state: Path
    heard: Callable[[Trade], None] = lambda _: None
    """Told of each trade that closes from now on."""
    ruled: Callable[[], None] = lambda: None
    run: Path | None = None
    trades: deque[Kept] = field(default_factory=lambda: deque(maxlen=TRADES_MAX))
    entries: deque[Kept] = field(default_factory=lambda: deque(maxlen=ENTRIES_MAX))
    breaks: deque[Break] = field(default_factory=lambda: deque(maxlen=BREAKS_MAX))
    accounts: dict[str, Account] = field(default_factory=dict)
    rulings: Rulings = field(default_factory=Rulings)
    total: int = 0
    """Trades of the run so far."""
    forgotten: bool = False
    """Whether the run has trades that are no longer in memory."""
    caught_up: bool = False
    damage: str = ""
    _follower: "_Follower" = field(init=False)
    _gone: deque[str] = field(default_factory=lambda: deque(maxlen=GONE_MAX))
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "tail"))
    _scans: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    def __post_init__(self) -> None:
        self._follower = _Follower(self.state)

    async def follow(self) -> None:
        """For as long as the service lives; a journal that cannot be read now is tried again."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                batch = await loop.run_in_executor(self._pool, self._follower.read)
            except (OSError, msgspec.DecodeError) as error:
                log.warning("a journal cannot be read now", error=str(error))
                batch = _Batch(self.run)
            more = self._take_in(batch)
            await asyncio.sleep(0 if more else POLL_S)

    def read(self) -> None:
        """All that there is now; for who has no loop."""
        while self._take_in(self._follower.read()):
            pass

    def close(self) -> None:
        """Nothing more is read."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    # What others ask

    async def find(self, wanted: Wanted) -> list[Kept]:
        """Trades, the newest first; from memory, and where that does not go back enough, files."""
        found = list(islice((k for k in reversed(self.trades) if wanted.takes(k)), wanted.limit))
        if len(found) == wanted.limit or not self.forgotten or self.run is None:
            return found
        oldest = self.trades[0].place if self.trades else None
        if oldest is not None and wanted.since_ns > oldest.at_ns:
            return found
        async with self._scans:
            return await asyncio.to_thread(_scan, self.run, wanted)

    def entered(self, wanted: Wanted) -> list[Kept]:
        """Entries, the newest first."""
        return list(islice((k for k in reversed(self.entries) if wanted.takes(k)), wanted.limit))

    def ruling(self, name: str) -> Ruling | None:
        """One decision of the gate."""
        return next((one for one in self.rulings.all if one.id == name), None)

    # What was read, taken in where the questions are answered

    def _take_in(self, batch: "_Batch") -> bool:
        """Whether there may be more."""
        if batch.run != self.run:
            self._begin(batch.run)
        before = len(self.rulings.all)
        for seq, record in batch.decisions:
            self.rulings.take(seq, record)
            if isinstance(record, Break):
                self.breaks.append(record)
        self._gone.extend(batch.gone)
        ruled = len(self.rulings.all) > before
        for name in self._gone if ruled else batch.gone:
            self.rulings.left(name)  # one journal may be a step ahead of the other
        for kept in batch.kept:
            self._take(kept)
        self.caught_up = self.caught_up or not batch.more
        if batch.damage and batch.damage != self.damage:
            self.damage = batch.damage
            log.error("a journal cannot be read", why=batch.damage)
        if ruled:
            self.ruled()
        return batch.more

    def _begin(self, run: Path | None) -> None:
        """Another run: nothing of the old one is kept."""
        self.run, self.rulings, self.accounts = run, Rulings(), {}
        for kept in (self.trades, self.entries, self.breaks, self._gone):
            kept.clear()
        self.total, self.forgotten, self.caught_up, self.damage = 0, False, False, ""

    def _take(self, kept: Kept) -> None:
        record = kept.record
        if isinstance(record, Entered):
            self.entries.append(kept)
            return
        self.forgotten = self.forgotten or len(self.trades) == TRADES_MAX
        self.trades.append(kept)
        self.total += 1
        account = self.accounts.get(record.variant)
        if account is None and len(self.accounts) < ACCOUNTS_MAX:
            account = self.accounts[record.variant] = Account()
        if account is not None:
            account.trades += 1
            account.wins += (record.net or 0.0) > 0.0
            account.net += record.net or 0.0
            account.roi += record.roi or 0.0
        if self.caught_up:
            self.heard(record)


@dataclass(slots=True)
class _Batch:
    """What one look brought."""

    run: Path | None
    decisions: list[tuple[int, object]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    more: bool = False
    damage: str = ""


@dataclass(slots=True)
class _Follower:
    """Reads on, in a thread of its own: nobody else touches it."""

    state: Path
    run: Path | None = None
    _readers: dict[Journal, Reader] = field(default_factory=dict)

    def read(self) -> _Batch:
        """A little further."""
        run = latest(self.state)
        if run != self.run:
            self.run = run
            names: tuple[Journal, ...] = (DECISIONS, *JOURNALS) if run else ()
            self._readers = {name: Reader(run, name) for name in names} if run else {}
        batch = _Batch(run)
        parts: list[list[Kept]] = []
        for name, reader in self._readers.items():
            parts.append(self._some(batch, name, reader))
        batch.kept = list(heapq.merge(*parts, key=lambda kept: kept.place))
        return batch

    def _some(self, batch: _Batch, name: Journal, reader: Reader) -> list[Kept]:
        found: list[Kept] = []
        lines = 0
        for line in islice(reader, SLICE):
            lines += 1
            if reader.own:
                continue
            record = read_record(line.content)
            if name == DECISIONS:
                batch.decisions.append((line.seq, record))
            elif isinstance(record, Trade | Entered):
                found.append(Kept(Place(record.at_ns, name, line.seq), _shared(record)))
            elif isinstance(record, VariantStopped):
                batch.gone.append(record.variant)
        batch.more = batch.more or lines >= SLICE
        if reader.damage is not None and reader.damage.final:
            batch.damage = str(reader.damage)  # half a line at the end is one that is being written
        return found


def _shared(record: Trade | Entered) -> Trade | Entered:
    """The same words once in memory, however many trades say them."""
    if isinstance(record, Entered):
        return msgspec.structs.replace(
            record, variant=intern(record.variant), symbol=intern(record.symbol)
        )
    return msgspec.structs.replace(
        record,
        variant=intern(record.variant),
        symbol=intern(record.symbol),
        strategy=intern(record.strategy),
        parameters_hash=intern(record.parameters_hash),
        reason=intern(record.reason),
    )


def _scan(run: Path, wanted: Wanted) -> list[Kept]:
    """The same from the files: the newest of those that are wanted."""
    merged = heapq.merge(*(_trades(run, name) for name in JOURNALS), key=lambda kept: kept.place)
    newest: deque[Kept] = deque(maxlen=wanted.limit)
    for kept in merged:
        if wanted.before is not None and kept.place.at_ns > wanted.before.at_ns:
            break
        if wanted.takes(kept):
            newest.append(kept)
    return list(reversed(newest))


def _trades(run: Path, name: Journal) -> Iterator[Kept]:
    reader = Reader(run, name)
    for line in islice(reader, SCANNED_MAX):
        if not reader.own and b'"type":"Trade"' in line.content:
            record = read_record(line.content)
            assert isinstance(record, Trade)
            yield Kept(Place(record.at_ns, name, line.seq), record)


def share(kept: Iterable[Kept]) -> tuple[int, int, float]:
    """How many, how many of them gained, and the sum of their returns."""
    found = [k.record for k in kept if isinstance(k.record, Trade)]
    wins = sum((trade.net or 0.0) > 0.0 for trade in found)
    return len(found), wins, sum(trade.roi or 0.0 for trade in found)
