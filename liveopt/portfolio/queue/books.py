"""What is told of all jobs together: the history, and which tables have had their job.

Several workers may write these files, so who writes has the claim `books`; what cannot be written
now is kept and written later.
"""

import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from liveopt.portfolio.queue import claims, files
from liveopt.portfolio.queue.job import content_of
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.processes import Owner

HISTORY: Final = "job_history.json"
PROCESSED: Final = "processed_files.json"
KEY: Final = "books"
ENTRIES_MAX: Final = 1_000
TABLES_MAX: Final = 20_000
BYTES_MAX: Final = 64 << 20
MS: Final = 1_000_000
PAUSES_S: Final = (0.1, 0.3, 1.0)

log = structlog.get_logger()

Tables = dict[str, Any]
"""By `table_key`: the job that it had."""


def table_key(name: str, size: int, mtime_ns: int) -> str:
    """Milliseconds: a mounted share and the server's own disk tell times to different digits."""
    return f"{name}|{size}|{mtime_ns // MS}"


@dataclass(slots=True)
class Books:
    """Entries wait here until they are written."""

    places: Places
    owner: Owner
    stamp: Callable[[], str]
    _entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=ENTRIES_MAX))
    _tables: Tables = field(default_factory=dict)

    def note(self, job_id: str, status: str, **details: Any) -> None:
        """Something has become of a job."""
        one = {"job_id": job_id, "status": status, "timestamp": self.stamp(), "details": details}
        self._entries.append(one)

    def mark(self, key: str, job_id: str) -> None:
        """That table has had its job."""
        self._tables[key] = job_id

    def had(self) -> set[str]:
        """Keys of the tables that have had their job, as far as is written."""
        found, _ = _look(self.places.status / PROCESSED, dict)
        return set(found or ())

    def write(self, more: Callable[[Tables], Tables] | None = None) -> bool:
        """False if another writes just now. `more` is asked for jobs that the tables still want."""
        claim = claims.take(self.places.status, KEY, self.owner)
        if claim is None:
            return False
        try:
            self._write_tables(more)
            self._write_history()
        finally:
            claims.release(self.places.status, KEY, claim)
        return True

    def _write_tables(self, more: Callable[[Tables], Tables] | None) -> None:
        path = self.places.status / PROCESSED
        new = dict(self._tables)
        if more is None and not new:
            return
        found = _read(path, dict)
        if more is not None:
            new |= more(found | new)
        if not new.items() <= found.items():
            kept = list((found | new).items())[-TABLES_MAX:]
            files.write(path, content_of(dict(kept)))
        for key in new:
            self._tables.pop(key, None)

    def _write_history(self) -> None:
        if not self._entries:
            return
        path, new = self.places.status / HISTORY, list(self._entries)
        files.write(path, _lines([*_read(path, list), *new][-ENTRIES_MAX:]))
        for _ in new:
            self._entries.popleft()


def history(places: Places) -> list[dict[str, Any]]:
    """What became of the last jobs, the newest last."""
    found, _ = _look(places.status / HISTORY, list)
    return [one for one in found or () if isinstance(one, dict)]


def _lines(entries: list[Any]) -> bytes:
    """An entry a line, so that a person can read it."""
    return b"[\n" + b",\n".join(json.dumps(one).encode() for one in entries) + b"\n]\n"


def _read(path: Path, kind: type[Any]) -> Any:
    """Under the claim: what cannot be read is set aside, not written over."""
    found, why = _look(path, kind)
    if found is not None:
        return found
    aside = path.with_suffix(".bad")
    files.patiently(lambda: path.replace(aside))
    log.warning("a file of the queue is set aside", file=path.name, aside=aside.name, why=why)
    return kind()


def _look(path: Path, kind: type[Any]) -> tuple[Any, str]:
    """Empty where there is none yet; None where it cannot be read, and why.

    A mounted share may show the new file with the old one's length for a moment.
    """
    why = ""
    for pause_s in (*PAUSES_S, 0.0):
        try:
            found = json.loads(files.read(path, BYTES_MAX))
        except FileNotFoundError:
            return kind(), ""
        except (ValueError, RecursionError, files.NotPlain) as error:
            why = str(error)
        else:
            if isinstance(found, kind):
                return found, ""
            why = "it holds something else"
        time.sleep(pause_s)
    return None, why
