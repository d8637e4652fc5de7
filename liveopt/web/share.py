"""What is known of the folder of portfolio jobs, which may be a share that hangs for minutes.

So there is one look at a time, in a thread that nobody else needs and that holds up no end of this
process. Whoever asks meanwhile hears what was known last, and how old that is.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from threading import Thread
from typing import Final

import msgspec
import structlog

from liveopt.core.bars import SECOND_NS
from liveopt.guard.clock import Wall
from liveopt.portfolio.queue.settings import Clock
from liveopt.portfolio.queue.status import Status, read_status
from liveopt.web.past import Entry, Past
from liveopt.web.plain import plain

FRESH_S: Final = 1.0
WAIT_S: Final = 1.0
"""For a look that was begun so long ago nobody waits any more."""
STALE_S: Final = 10.0
"""What is older is not told as if it were so now."""
LISTED_MAX: Final = 100
"""Of jobs at work and of files that wait: more than a person reads."""
SILENT: Final = "the share does not answer"
DAMAGE: Final = (OSError, ValueError, TypeError, ArithmeticError, msgspec.MsgspecError)
"""What comes of a folder that is gone, or of files in it that are none of the queue's."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Seen:
    """One look."""

    status: Status
    history: tuple[Entry, ...]
    """The newest first."""
    at_s: float
    """When it was begun, by the loop's clock: it is not younger than that."""
    at_ms: int


@dataclass(slots=True)
class Share:
    """The share of the settings; without one there is nothing to look at."""

    named: str
    wall: Wall
    seen: Seen | None = None
    """The last look that came to something."""
    _why: str = ""
    _looking: "asyncio.Future[None] | None" = None
    _began_s: float = -inf
    _ended_s: float = -inf
    _past: Past = field(default_factory=Past)

    @property
    def is_set(self) -> bool:
        """Whether the settings name one."""
        return bool(self.named)

    async def look(self) -> None:
        """Not older than it may be, as far as the share answers in time."""
        if not self.is_set:
            return
        now_s = asyncio.get_running_loop().time()
        if self._looking is None and now_s - self._ended_s >= FRESH_S:
            self._looking = self._begin(now_s)
        left_s = self._began_s + WAIT_S - now_s
        if self._looking is not None and left_s > 0.0:
            await asyncio.wait([self._looking], timeout=left_s)

    def age_s(self) -> float:
        """Of what is known; endless where nothing is."""
        now_s = asyncio.get_running_loop().time()
        return inf if self.seen is None else now_s - self.seen.at_s

    def away(self) -> str:
        """Why nothing newer is known; empty where nothing is in the way."""
        waited_s = asyncio.get_running_loop().time() - self._began_s
        return SILENT if self._looking is not None and waited_s >= WAIT_S else self._why

    def is_stale(self) -> bool:
        """Whether it may not be so any more."""
        return bool(self._why) or self.age_s() > STALE_S

    def at_work(self) -> Status | None:
        """The queue while it is at a job, as far as that is known now."""
        if self.seen is None or self.is_stale() or self.seen.status.status != "running":
            return None
        return self.seen.status

    def _begin(self, now_s: float) -> "asyncio.Future[None]":
        """In a daemon's thread: one of a pool would be waited for at the end of this process."""
        loop, ended = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        self._began_s = now_s

        def hear(found: Seen | str) -> None:
            self._looking, self._ended_s = None, loop.time()
            if isinstance(found, Seen):
                self.seen, self._why = found, ""
            else:
                if found != self._why:
                    log.warning("the share of portfolio jobs cannot be read", why=found)
                self._why = found
            if not ended.done():
                ended.set_result(None)

        def work() -> None:
            found: Seen | str = "it cannot be read"
            try:
                found = self._read(now_s)
            except DAMAGE as error:
                said = error.strerror if isinstance(error, OSError) else None
                found = plain(said or str(error) or type(error).__name__, self._root())
            finally:
                with suppress(RuntimeError):  # the loop is closed: nobody asks any more
                    loop.call_soon_threadsafe(hear, found)

        Thread(target=work, name="share", daemon=True).start()
        return ended

    def _root(self) -> Path:
        return Path(self.named).absolute()

    def _read(self, at_s: float) -> Seen:
        """All of it, in the thread."""
        root, at_ns = self._root(), self.wall()
        found = read_status(root, Clock(wall=lambda: at_ns / SECOND_NS))
        history, damage = self._past.read(root)
        return Seen(
            _told(found, root, damage), history, at_s, at_ns // (SECOND_NS // 1_000)
        )  # fmt: skip


def _told(found: Status, root: Path, damage: str) -> Status:
    """Anybody may write on a share: with an end to everything, and nothing of this machine."""
    jobs = tuple(
        msgspec.structs.replace(
            one,
            job_id=plain(one.job_id, root),
            file=plain(one.file, root),
            input_file=plain(one.input_file, root),
            started=plain(one.started, root),
            worker=plain(one.worker, root),
            progress=_percent(one.progress),
            current_step=plain(one.current_step, root),
        )
        for one in found.jobs[:LISTED_MAX]
    )
    waits = list(found.waits.items())[:LISTED_MAX]
    return msgspec.structs.replace(
        found,
        progress=_percent(found.progress),
        current_step=plain(found.current_step, root),
        jobs=jobs,
        waits={plain(name, root): plain(why, root) for name, why in waits},
        trouble=plain(found.trouble or damage, root),
        last={},
        worker=plain(found.worker, root),
        timestamp=plain(found.timestamp, root),
    )


def _percent(value: int) -> int:
    return min(100, max(0, value))
