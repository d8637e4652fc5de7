"""The one writer of a run's journals: a thread that takes what waits, syncs it, and tells.

The first journal (the inputs) is on the disk before the others are written: so no output is ever
there without the input that caused it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Final, Literal

import structlog

from liveopt.journal import ballast
from liveopt.journal.appender import Appender, Ground
from liveopt.journal.codec import check_content
from liveopt.journal.disk import FULL
from liveopt.journal.lock import Lock
from liveopt.journal.places import Position
from liveopt.journal.recovery import Recovery

log = structlog.get_logger()

Save = Callable[[dict[str, Position]], object]
Trouble = Literal["disk_full", "broken"]
OnTrouble = Callable[[Trouble, BaseException], None]
LOCK: Final = "lock"
"""In the run's folder: held as long as somebody writes there."""


class JournalBroken(Exception):
    """Nothing is written any more, and nothing that waits will be; only a new start can mend it."""


class Writer:
    """Appends from one thread (the event loop), writes in another; never drops, rather breaks."""

    def __init__(
        self, ground: Ground, starts: Mapping[str, Recovery], on_trouble: OnTrouble
    ) -> None:
        """Go on with each journal where it was recovered; the first is synced before the others.

        Raises what the disk says: a writer that cannot begin is none. `on_trouble` is called at
        once and from the writer's thread (or from here): the disk is full, so stop what makes
        records; or the writer is broken, so stop.
        """
        self.failed: BaseException | None = None
        self.durable: Mapping[str, int] = {}
        """The last number of each journal that is surely on the disk."""
        self._limits = ground.limits
        self._ground = ground
        self._on_trouble = on_trouble
        self._told: tuple[Callable[[Mapping[str, int]], None], ...] = ()
        self._waiting: deque[tuple[str, bytes] | Save | None] = deque()
        self._wake = threading.Event()
        self._bytes_in = self._bytes_out = self._taken = self._appended = 0
        self._unsealed: dict[str, float] = {}  # and when each is to be sealed
        self._ended = False
        self._lock = Lock(ground.folder / LOCK)
        self._appenders: dict[str, Appender] = {}
        try:
            self._hold_ballast()
            for name, start in starts.items():
                self._appenders[name] = Appender(ground, name, start, self._full)
        except BaseException:
            self._let_go()
            raise
        self._seqs = {name: one.position.seq for name, one in self._appenders.items()}
        self.durable = dict(self._seqs)
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def append(self, name: str, content: bytes) -> int:
        """Put a record in line and say its number; it counts once `durable` has reached that."""
        if self.failed is not None or self._ended:
            raise JournalBroken(str(self.failed or "closed"))
        check_content(content)
        if self._bytes_in - self._bytes_out > self._limits.backlog_bytes:
            self._fail(TimeoutError("the disk is too slow: too much waits for it"))
            raise JournalBroken(str(self.failed))
        seq = self._seqs[name] + 1
        self._seqs[name] = seq
        self._appended += 1
        self._bytes_in += len(content)
        self._put((name, content))
        return seq

    def mark(self, save: Save) -> None:
        """When all that was appended before is durable, call this with the ends of the journals.

        It runs in the writer's thread, before anything later is written: for snapshots.
        """
        if self.failed is not None or self._ended:
            raise JournalBroken(str(self.failed or "closed"))
        self._put(save)

    def when_durable(self, tell: Callable[[Mapping[str, int]], None]) -> None:
        """From now on call this with `durable` when it has grown, in the writer's thread."""
        self._told = (*self._told, tell)

    @property
    def backlog(self) -> int:
        """Records that wait or are being written."""
        return self._appended - self._taken

    def close(self, wait_s: float = 10.0) -> None:
        """Write what waits and a record of silence, and end. A politeness: a kill does as well."""
        if not self._ended:
            self._ended = True
            self._put(None)
        self._thread.join(wait_s)
        if self._thread.is_alive():
            self._fail(TimeoutError(f"the disk did not answer for {wait_s:g} s"))

    def _put(self, item: tuple[str, bytes] | Save | None) -> None:
        self._waiting.append(item)
        if not self._wake.is_set():
            self._wake.set()

    def _work(self) -> None:
        """The thread: one round after the other until it is closed or broken."""
        going = True
        try:
            while going and self.failed is None:
                going = self._round()
        except OSError as error:
            self._fail(error)
        finally:
            if going and self.failed is None:  # a bug of ours, which ends the thread with a trace
                self._fail(JournalBroken("the writer's thread ended"))
            self._let_go()

    def _round(self) -> bool:
        """Write what waits, or silence; whether to go on."""
        self._wait()
        self._still(time.monotonic())
        batches, count, size, then = self._take()
        if count:
            self._write(batches)
            if self.failed is not None:
                return True
            self._taken += count
            self._bytes_out += size
            self._acknowledge()
        if then is None:
            self._still(inf)
            return False
        if then is not _NOTHING:
            self._save(then)
        return True

    def _wait(self) -> None:
        """Until something waits, or a journal is to be sealed."""
        self._wake.clear()
        if self._waiting:
            return
        at = min(self._unsealed.values(), default=None)
        self._wake.wait(None if at is None else max(0.0, at - time.monotonic()))

    def _take(self) -> tuple[dict[str, list[bytes]], int, int, Save | None]:
        """The next batch of each journal, and what comes after it: it ends at a mark."""
        batches: dict[str, list[bytes]] = {name: [] for name in self._appenders}
        count = size = 0
        waiting, limits = self._waiting, self._limits
        while waiting and count < limits.batch_records and size < limits.batch_bytes:
            item = waiting.popleft()
            if not isinstance(item, tuple):
                return batches, count, size, item
            batches[item[0]].append(item[1])
            count += 1
            size += len(item[1])
        return batches, count, size, _NOTHING

    def _write(self, batches: Mapping[str, list[bytes]]) -> None:
        """The inputs, their sync, and who waits for them; then the others, and their sync."""
        busy = [(self._appenders[name], batch) for name, batch in batches.items() if batch]
        inputs = next(iter(self._appenders.values()))
        for appender, batch in busy:
            appender.put(batch)
            if appender is inputs:
                appender.sync()
                if len(busy) > 1:  # whoever waits for an input need not wait for an output's sync
                    self._acknowledge()
        for appender, _ in busy:
            appender.sync()
        still_at = time.monotonic() + self._limits.still_s
        self._unsealed.update((appender.name, still_at) for appender, _ in busy)

    def _acknowledge(self) -> None:
        if self.failed is not None:  # by the other thread: nobody is told any more
            return
        self.durable = {name: one.position.seq for name, one in self._appenders.items()}
        for tell in self._told:
            tell(self.durable)

    def _still(self, now: float) -> None:
        """Seal what was said with a record of silence: damage before it is no tear any more."""
        for name in [name for name, at in self._unsealed.items() if at <= now]:
            del self._unsealed[name]
            self._appenders[name].put_own("Still")
            self._appenders[name].sync()

    def _save(self, save: Save) -> None:
        """A snapshot that fails costs time at the next start, and nothing else."""
        try:
            save({name: one.position for name, one in self._appenders.items()})
        except OSError as error:
            if error.errno in FULL:
                self._full(error)
            _say(log.warning, "snapshot_failed", error)

    def _hold_ballast(self) -> None:
        try:
            ballast.hold(self._ground.folder, self._limits.ballast_bytes, self._ground.disk)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._full(error)

    def _full(self, error: OSError) -> None:
        self._on_trouble("disk_full", error)
        _say(log.error, "disk_full", error)

    def _fail(self, error: BaseException) -> None:
        """Stop for good. What was not acknowledged never will be."""
        if self.failed is None:
            self.failed = error
            self._on_trouble("broken", error)
            _say(log.error, "journal_broken", error)

    def _let_go(self) -> None:
        for appender in self._appenders.values():
            appender.close()
        self._lock.release()


def _say(tell: Callable[..., object], event: str, error: BaseException) -> None:
    """After whoever must act has been told: the log may be on the same full disk."""
    with suppress(OSError, ValueError):
        tell(event, error=str(error))


def _nothing(_: dict[str, Position]) -> None:
    """What comes after a batch that no mark ends."""


_NOTHING: Final[Save] = _nothing
