"""Where studies are kept: SQLite beside the journals, one short transaction a generation.

A generation's row has the fitness of its candidates, not the candidates: the search, begun anew
with its seed and told the same, asks for the same ones, and a checksum sees to it. So a checkpoint
is as small as the generation, and a study that is killed loses the generation under way.
"""

import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from liveopt.optimize.studies.plan import Plan, decode, encode
from liveopt.optimize.studies.tally import Tally

Array = npt.NDArray[np.float64]
Status = Literal["running", "completed", "cancelled", "interrupted", "failed"]
FILE: Final = "studies.sqlite"
WAIT_S: Final = 30.0
ROUND: Final = "round_"
"""What the names of studies begin with that belong to a search beside a run."""
TABLES: Final = """
CREATE TABLE IF NOT EXISTS studies (
  id TEXT PRIMARY KEY, plan TEXT NOT NULL, key TEXT NOT NULL, data TEXT NOT NULL,
  strategy TEXT NOT NULL, status TEXT NOT NULL, pid INTEGER NOT NULL, born TEXT NOT NULL,
  cancel INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL, result TEXT);
CREATE TABLE IF NOT EXISTS generations (
  study TEXT NOT NULL, fold INTEGER NOT NULL, number INTEGER NOT NULL, objectives INTEGER NOT NULL,
  checksum INTEGER NOT NULL, fitness BLOB NOT NULL, sharpe BLOB NOT NULL, elapsed_s REAL NOT NULL,
  PRIMARY KEY (study, fold, number)) WITHOUT ROWID;
"""

INSERT: Final = "INSERT INTO generations VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
Row = tuple[str, int, int, int, int, bytes, bytes, float]
"""One generation, as it is kept."""
EVALUATED: Final = (
    "(SELECT coalesce(sum(length(sharpe)), 0) / 8 FROM generations WHERE study = studies.id)"
)
"""Counted when it is asked for: a count beside the plan would write that anew each generation."""


class NoStudy(Exception):
    """There is no such study, or it cannot be done with it what was asked."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What was told of one batch of candidates."""

    checksum: int
    fitness: Array
    """[N, objective]"""
    sharpe: Array
    elapsed_s: float
    """Of the whole study so far."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One study in the list."""

    id: str
    plan: Plan
    status: Status
    evaluated: int
    created: str
    result: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How one study stands: two that are equal and still are the same study, unchanged."""

    id: str
    status: Status
    born: str
    """Of the process that worked at it last."""

    @property
    def still(self) -> bool:
        """Whether nobody works at it."""
        return self.status != "running"


class Store:
    """The file of all studies."""

    def __init__(self, folder: Path, patience_s: float = 0.0) -> None:
        """Open it, or make it.

        With patience, generations are kept together after so long, and the disk is not waited for:
        somebody else's journal is on it too. A kill then loses what is younger.
        """
        self._patience_s, self._kept_s = patience_s, time.monotonic()
        self._waiting: list[Row] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / FILE, timeout=WAIT_S, isolation_level=None)
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")  # a kill loses nothing; a power cut may
            self._db.executescript(TABLES)
            if patience_s:
                self._db.execute("PRAGMA wal_autocheckpoint=0")
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise NoStudy(
                f"{folder / FILE} cannot be used ({error}); if it is damaged, move it away:"
                " studies and the count of trials then begin anew"
            ) from error

    def close(self) -> None:
        """Done."""
        self._keep()
        self._db.close()

    def add(self, plan: Plan, created: str) -> str:
        """A new study of this process; its name."""
        name = f"opt_{secrets.token_hex(4)}"
        with self._write():
            self._db.execute(
                "INSERT INTO studies (id, plan, key, data, strategy, status, pid, born, created)"
                " VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?)",
                (name, encode(plan), plan.key, plan.data.hash, plan.strategy, os.getpid(),
                 _born(os.getpid()), created),
            )  # fmt: skip
        return name

    def begin(self, name: str, plan: Plan, created: str) -> None:
        """The study of this name, new or taken up; of another plan or program it begins anew."""
        with self._write():
            row = self._db.execute("SELECT key FROM studies WHERE id = ?", (name,)).fetchone()
            if row is not None and row[0] != plan.key:
                for table, column in (("generations", "study"), ("studies", "id")):
                    self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))  # noqa: S608
            self._db.execute(
                "INSERT OR IGNORE INTO studies (id, plan, key, data, strategy, status, pid, born,"
                " created) VALUES (?, ?, ?, ?, ?, 'running', 0, '', ?)",
                (name, encode(plan), plan.key, plan.data.hash, plan.strategy, created),
            )
            me = (os.getpid(), _born(os.getpid()))
            self._db.execute(  # a cancel since this process took it is not forgotten
                "UPDATE studies SET status = 'running', cancel = cancel AND pid = ? AND born = ?,"
                " pid = ?, born = ? WHERE id = ?", (*me, *me, name),
            )  # fmt: skip

    def take(self, name: str) -> Plan:
        """Go on with a study that nobody works at."""
        _refuse_a_rounds(name)
        with self._write():
            row = self._db.execute(
                "SELECT plan, status, pid, born FROM studies WHERE id = ?", (name,)
            ).fetchone()
            if row is None:
                raise NoStudy(f"there is no study {name!r}; `liveopt opt list` has those there are")
            if row[1] == "running" and row[3] == _born(row[2]) and row[2] != os.getpid():
                raise NoStudy(f"{name} is at work already, as process {row[2]}")
            if row[1] == "completed":
                raise NoStudy(f"{name} is completed; see `liveopt opt show {name}`")
            self._db.execute(
                "UPDATE studies SET status = 'running', cancel = 0, pid = ?, born = ? WHERE id = ?",
                (os.getpid(), _born(os.getpid()), name),
            )
        return decode(row[0])

    def append(self, name: str, at: tuple[int, int], told: Generation) -> bool:
        """Keep what was told of a generation (fold, number); says whether to go on."""
        self._waiting.append(
            (name, *at, told.fitness.shape[1], told.checksum, told.fitness.tobytes(),
             told.sharpe.tobytes(), told.elapsed_s)
        )  # fmt: skip
        if time.monotonic() - self._kept_s < self._patience_s:
            return True
        self._keep()
        row = self._db.execute("SELECT cancel FROM studies WHERE id = ?", (name,)).fetchone()
        return not row[0]

    @property
    def waiting(self) -> bool:
        """Whether something was appended that is not kept yet."""
        return bool(self._waiting)

    def _keep(self) -> None:
        """What waits is kept: all of it or nothing."""
        if self._waiting:
            with self._write():
                self._db.executemany(INSERT, self._waiting)
        self._waiting, self._kept_s = [], time.monotonic()

    def generations(self, name: str, fold: int) -> Iterator[Generation]:
        """What was told in one fold, in order."""
        self._keep()
        rows = self._db.execute(
            "SELECT objectives, checksum, fitness, sharpe, elapsed_s FROM generations"
            " WHERE study = ? AND fold = ? ORDER BY number", (name, fold),
        ).fetchall()  # fmt: skip
        for objectives, checksum, fitness, sharpe, elapsed_s in rows:
            table = np.frombuffer(fitness).reshape(-1, objectives)
            yield Generation(checksum, table, np.frombuffer(sharpe), elapsed_s)

    def finish(self, name: str, status: Status, result: str | None = None) -> None:
        """A study has ended, or is left."""
        self._keep()
        with self._write():
            self._db.execute(
                "UPDATE studies SET status = ?, result = coalesce(?, result) WHERE id = ?",
                (status, result, name),
            )

    def cancel(self, name: str) -> Status:
        """Ask a study to end after its generation; one that nobody works at is cancelled now."""
        _refuse_a_rounds(name)
        entry = self.entry(name)
        if entry.status == "completed":
            raise NoStudy(f"{name} is completed: there is nothing to cancel")
        with self._write():
            self._db.execute("UPDATE studies SET cancel = 1 WHERE id = ?", (name,))
            if entry.status != "running":
                self._db.execute("UPDATE studies SET status = 'cancelled' WHERE id = ?", (name,))
        return entry.status

    def entry(self, name: str) -> Entry:
        """One study."""
        for found in self._entries("WHERE id = ?", name):
            return found
        raise NoStudy(f"there is no study {name!r}; `liveopt opt list` has those there are")

    def entries(self) -> list[Entry]:
        """All studies, the newest first; one whose process is gone is interrupted."""
        return self._entries("ORDER BY rowid DESC")

    def standings(self) -> list[Standing]:
        """The same list without what is kept of them, so that many cost little."""
        rows = self._db.execute("SELECT id, status, pid, born FROM studies ORDER BY rowid DESC")
        return [
            Standing(name, _status(status, pid, born), born) for name, status, pid, born in rows
        ]

    def _entries(self, which: str, *values: str) -> list[Entry]:
        columns = f"id, plan, status, pid, born, {EVALUATED}, created, result"
        rows = self._db.execute(f"SELECT {columns} FROM studies {which}", values).fetchall()  # noqa: S608
        return [
            Entry(name, decode(plan), _status(status, pid, born), evaluated, created, result)
            for name, plan, status, pid, born, evaluated, created, result in rows
        ]

    def before(self, plan: Plan) -> Tally:
        """Trials of other studies on these data; equal studies count once."""
        rows = self._db.execute(
            f"SELECT id, max({EVALUATED}) FROM studies WHERE data = ? AND key != ? GROUP BY key",  # noqa: S608
            (plan.data.hash, plan.key),
        ).fetchall()
        return self._tally([row[0] for row in rows])

    def tally(self, pattern: str) -> Tally:
        """Trials of all studies with such names (`*` is anything)."""
        rows = self._db.execute("SELECT id FROM studies WHERE id GLOB ?", (pattern,)).fetchall()
        return self._tally([row[0] for row in rows])

    def _tally(self, names: Sequence[str]) -> Tally:
        found = Tally()
        for name in names:
            rows = self._db.execute("SELECT sharpe FROM generations WHERE study = ?", (name,))
            found.add(np.frombuffer(b"".join(row[0] for row in rows)))
        return found

    @contextmanager
    def _write(self) -> Iterator[None]:
        """All of it or nothing; another writer is waited for."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield


def _refuse_a_rounds(name: str) -> None:
    if name.startswith(ROUND):
        raise NoStudy(
            f"{name} is part of a search beside a run, which begins and ends it;"
            " see `liveopt reoptimize --list`"
        )


def _status(kept: Status, pid: int, born: str) -> Status:
    return "interrupted" if kept == "running" and born != _born(pid) else kept


def _born(pid: int) -> str:
    """When a process began, in the system's ticks; '' where there is none: numbers come again."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
