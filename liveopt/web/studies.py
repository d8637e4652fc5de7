"""What the store knows of the studies, read in a thread of its own and kept for whoever asks.

A study that nobody works at does not change: it is read once, and its result not again.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec
import structlog

from liveopt.optimize.studies.plan import Plan, code_version
from liveopt.optimize.studies.store import FILE, Entry, NoStudy, Standing, Status, Store
from liveopt.web.errors import Problem

log = structlog.get_logger()
T = TypeVar("T")
FRESH_S: Final = 0.5
RESULTS_MAX: Final = 64
DAMAGE: Final = (sqlite3.Error, OSError, ValueError, TypeError, LookupError, msgspec.MsgspecError)
"""What comes of a file that is none, or of rows that mean nothing."""
JobVerdict = Literal["passes", "fails"]


class Unreadable(Problem):
    """The store does not say: damaged, locked, on a disk that is full or gone. It may come back."""

    def __init__(self, error: Exception) -> None:
        why = str(error.__cause__ or error)
        super().__init__(
            503,
            "STUDIES_UNREADABLE",
            f"the studies cannot be read ({why}); if {FILE} is damaged, move it away",
            headers={"Retry-After": "60"},
        )


class Glance(msgspec.Struct, frozen=True):
    """What came of a study, as far as a list has room for it."""

    verdict: JobVerdict | None = None
    best: float | None = None
    """The first objective of the best in its last train."""
    out_of_sample: float | None = None
    """The same of the tests of all folds together."""
    deflated_sharpe: float | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """One study, without its result."""

    id: str
    plan: Plan
    status: Status
    evaluated: int
    created: str
    glance: Glance


class _Sample(msgspec.Struct, frozen=True):
    objective: float | None = None


class _Best(msgspec.Struct, frozen=True):
    in_sample: _Sample
    deflated_sharpe: float | None = None


class _Walk(msgspec.Struct, frozen=True):
    out_of_sample: _Sample


class _Result(msgspec.Struct, frozen=True):
    passes: bool
    best: _Best
    walk_forward: _Walk


class _Kept(msgspec.Struct, frozen=True):
    """Of `liveopt.optimize.studies.verdict.report`, what a list shows."""

    result: _Result


@dataclass(slots=True)
class Studies:
    """All studies of one state folder."""

    state: Path
    known: dict[str, Known] = field(default_factory=dict)
    """The newest first, as they were at the last look."""
    _standings: dict[str, Standing] = field(default_factory=dict)
    _fresh_s: float = float("-inf")
    _looking: "asyncio.Task[None] | None" = None
    _results: dict[str, dict[str, Any]] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "studies"))
    _store: Store | None = None

    async def look(self) -> None:
        """Not older than it may be; several who ask share one look."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._fresh_s < FRESH_S:
            return
        if self._looking is None or self._looking.done():
            self._looking = loop.create_task(self._read(), name="studies")
        await asyncio.shield(self._looking)

    def stale(self) -> None:
        """Something was done: the next look is a new one."""
        self._fresh_s = float("-inf")

    async def result(self, name: str) -> dict[str, Any]:
        """What came of a study that is completed."""
        if name not in self._results:
            entry = await self._asked(lambda store: store.entry(name))
            try:
                kept = msgspec.json.decode(entry.result or "{}", type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise Unreadable(error) from error
            while len(self._results) >= RESULTS_MAX:
                del self._results[next(iter(self._results))]
            self._results[name] = kept.get("result", {})
        return self._results[name]

    async def cancel(self, name: str) -> None:
        """`NoStudy` if it cannot be."""
        await self._asked(lambda store: store.cancel(name))
        self.stale()

    async def version(self) -> str:
        """Of the program as it lies on the disk: what a study must have been begun by."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, code_version)
        except OSError as error:
            raise Unreadable(error) from error

    def close(self) -> None:
        """The store is left alone from here on."""
        store, self._store = self._store, None
        if store is not None:
            self._pool.submit(store.close)
        self._pool.shutdown()

    def _opened(self) -> Store:
        if self._store is None:
            try:
                self._store = Store(self.state)
            except (NoStudy, sqlite3.Error, OSError) as error:
                raise Unreadable(error) from error
        return self._store

    async def _read(self) -> None:
        before, known = self._standings, self.known

        def act(store: Store) -> tuple[dict[str, Standing], dict[str, Known]]:
            now = {one.id: one for one in store.standings()}
            found: dict[str, Known] = {}
            for name, one in now.items():
                if one.still and one == before.get(name) and name in known:
                    found[name] = known[name]
                elif (read := _known(store, name)) is not None:
                    found[name] = read
            return now, found

        self._standings, self.known = await self._asked(act)
        self._fresh_s = asyncio.get_running_loop().time()

    async def _asked(self, do: Callable[[Store], T]) -> T:
        """In the one thread that has it open; `Unreadable` where it is not to be had."""

        def act() -> T:
            store = self._opened()
            try:
                return do(store)
            except NoStudy:
                raise
            except DAMAGE as error:  # another file may lie there soon
                self._store = None
                with suppress(sqlite3.Error):
                    store.close()
                raise Unreadable(error) from error

        return await asyncio.get_running_loop().run_in_executor(self._pool, act)


def _known(store: Store, name: str) -> Known | None:
    """None for one of a form of long ago, or of another program, or that is gone by now."""
    try:
        entry = store.entry(name)
    except (NoStudy, msgspec.DecodeError) as error:
        log.warning("a study cannot be read", study=name, error=str(error))
        return None
    return Known(
        name, entry.plan, entry.status, entry.evaluated, entry.created, glance_of(entry)
    )  # fmt: skip


def glance_of(entry: Entry) -> Glance:
    """Empty for a study without a result, or with one of a form of long ago."""
    if entry.status != "completed" or entry.result is None:
        return Glance()
    try:
        found = msgspec.json.decode(entry.result, type=_Kept).result
    except msgspec.DecodeError:
        return Glance()
    return Glance(
        "passes" if found.passes else "fails", found.best.in_sample.objective,
        found.walk_forward.out_of_sample.objective, found.best.deflated_sharpe,
    )  # fmt: skip
