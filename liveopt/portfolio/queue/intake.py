"""What may be begun: jobs whose file and table are whole, and tables that want a job."""

import hashlib
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from liveopt.portfolio.queue import files, inputs
from liveopt.portfolio.queue.books import Tables, table_key
from liveopt.portfolio.queue.inputs import INPUT, Missing, Refused
from liveopt.portfolio.queue.job import (
    BYTES_MAX,
    SIZE_MAX,
    SIZE_MIN,
    Document,
    NotADocument,
    content_of,
    document_of,
)
from liveopt.portfolio.queue.looks import Looks
from liveopt.portfolio.queue.places import Places
from liveopt.portfolio.queue.settings import Clock, Settings

SIZE_IN_NAME: Final = re.compile(r"_ps(\d{1,3})(?!\d)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """A table in input/ that is whole."""

    path: Path
    size: int
    mtime_ns: int

    @property
    def key(self) -> str:
        """By which it is known that it has had its job."""
        return table_key(self.path.name, self.size, self.mtime_ns)

    @property
    def job_id(self) -> str:
        """The same for whoever finds it, so that no table has two."""
        at = datetime.fromtimestamp(self.mtime_ns // 1_000_000_000, UTC)
        digest = hashlib.sha256(self.key.encode("utf-8", "surrogatepass")).hexdigest()
        return f"job_{at:%Y%m%d_%H%M%S}_{digest[:8]}"


@dataclass(slots=True)
class Intake:
    """Remembers what was seen, from look to look."""

    places: Places
    settings: Settings
    clock: Clock
    waits: dict[str, str] = field(default_factory=dict)
    """Why a job of the queue cannot begin yet."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Why a table of input/ cannot become a job."""
    _looks: Looks = field(init=False)
    _kept: set[Path] = field(default_factory=set)
    _md5: dict[Table, str] = field(default_factory=dict)
    _named_at_s: dict[str, float] = field(default_factory=dict)
    """When a table was last seen to be a job's."""

    def __post_init__(self) -> None:
        """The looks are this intake's own."""
        self._looks = Looks(self.settings.poll_s, self.settings.held_s)

    def ready(self) -> list[str]:
        """Files of the queue that may be claimed, the oldest first."""
        now_s, found = self.clock.steady(), []
        self.waits.clear()
        self._kept = {self.places.input / name for name in self._tables()}
        for name in files.names(self.places.queue, ".json"):
            path = self.places.queue / name
            self._kept.add(path)
            with files.noting(self.waits, name):
                why = self._waits_for(path, now_s)
                if why:
                    self.waits[name] = why
                else:
                    found.append((path.lstat().st_mtime_ns, name))
        self._looks.forget(self._kept)
        return [name for _, name in sorted(found)]

    def tables(self, had: set[str]) -> list[Table]:
        """Tables that no job has named for a while; `had` is what had its job before."""
        now_s, found = self.clock.steady(), list[Table]()
        self.skipped.clear()
        for name in self._tables():
            with files.noting(self.skipped, f"{INPUT}/{name}"):
                table = self._table(self.places.input / name, had, now_s)
                if table is not None:
                    found.append(table)
        return found

    def digests(self, tables: list[Table]) -> dict[Table, str]:
        """The MD5 of each that can be read; none is reckoned twice."""
        known, self._md5 = self._md5, {}
        for table in tables:
            with files.noting(self.skipped, f"{INPUT}/{table.path.name}"):
                self._md5[table] = known.get(table) or md5_of(table.path)
        return self._md5

    def enqueue(self, table: Table, md5: str) -> bool:
        """Drops the job of a table, unless it is somewhere already."""
        name = f"{table.job_id}.json"
        folders = (self.places.queue, self.places.processing, self.places.completed,
                   self.places.failed)  # fmt: skip
        if any((folder / name).exists() for folder in folders):
            return False
        document: Document = {
            "job_id": table.job_id, "input_file": table.path.name,
            "portfolio_size": size_in(table.path.stem, self.settings.size),
            "job_type": "csv_optimization", "timestamp": self.clock.stamp(),
            "source": "input_folder", "file_size": table.size, "md5": md5,
            "input_format": "csv_only",
        }  # fmt: skip
        files.write(self.places.queue / name, content_of(document))
        return True

    def claimed(self) -> set[str]:
        """Names of tables that a job in the queue or at work means."""
        found = set()
        for folder in (self.places.queue, self.places.processing):
            for name in files.names(folder, ".json"):
                try:
                    document = document_of(files.read(folder / name, BYTES_MAX))
                    path = inputs.find(self.places, str(document.get("input_file")))
                except (Refused, files.NotPlain, OSError):
                    continue
                found.add(path.name)
        return found

    def named(self, name: str) -> None:
        """A job somewhere means that table."""
        self._named_at_s[name] = self.clock.steady()

    def _tables(self) -> list[str]:
        return files.names(self.places.input, ".csv") if self.settings.auto else []

    def _table(self, path: Path, had: set[str], now_s: float) -> Table | None:
        """None if it is no table, is not whole, or has or may yet have a job."""
        look, wait_s = self._looks.look(path, now_s), self.settings.auto_wait_s
        if look is None or path.is_symlink() or not files.is_printable(path.name):
            return None
        if now_s - self._named_at_s.get(path.name, -math.inf) < wait_s:
            return None
        table = Table(path, look.size, look.mtime_ns)
        if table.key in had or look.age_s < wait_s:
            return None
        return table if self._looks.is_whole(path, now_s) else None

    def _waits_for(self, path: Path, now_s: float) -> str:
        """Empty if nothing: it may be begun, be it only to be refused."""
        look = self._looks.look(path, now_s)
        if look is None:  # no regular file: told when it is claimed
            return "" if path.is_symlink() else "it is no file"
        if not self._looks.is_whole(path, now_s):
            return "it is being written"
        patient = look.age_s < self.settings.input_wait_s
        try:
            document = document_of(files.read(path, BYTES_MAX))
            table = inputs.find(self.places, str(document.get("input_file")))
        except (NotADocument, Missing) as error:
            return str(error) if patient else ""
        except (Refused, files.NotPlain, FileNotFoundError):
            return ""
        self._named_at_s[table.name] = now_s
        self._kept.add(table)
        if not self._looks.is_whole(table, now_s):
            return f"{table.name} is being written"
        return ""


def size_in(stem: str, usual: int) -> int:
    """`prices_ps50` wants 50; a size that is out of bounds is none."""
    found = SIZE_IN_NAME.search(stem)
    size = int(found[1]) if found else usual
    return size if SIZE_MIN <= size <= SIZE_MAX else usual


def md5_of(path: Path) -> str:
    """As other systems tell it; not to prove anything."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def new_jobs(intake: Intake, had: Tables, found: dict[Table, str]) -> Tables:
    """Under the books: drops a job for each table that nobody has thought of since."""
    taken = intake.claimed()
    made: Tables = {}
    for table, md5 in found.items():
        if table.path.name in taken:
            intake.named(table.path.name)
        elif table.key not in had:
            intake.enqueue(table, md5)
            made[table.key] = table.job_id
    return made
