"""Rounds of search beside the run: what there were, what came of each, and one more now."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec

from liveopt.optimize.rounds.folder import (
    LASTING,
    TASK,
    Brief,
    Outcome,
    Round,
    Symbol,
    brief_of,
    numbers_of,
    place,
    round_of,
)
from liveopt.web.api.words import Page
from liveopt.web.call import Call
from liveopt.web.errors import missing

BRIEFS_MAX: Final = 4_096
WHOLE_MAX: Final = 8
"""Each of up to a megabyte."""
DIGITS_MAX: Final = 9
T = TypeVar("T")
F = TypeVar("F", Brief, Round)
Phase = Literal["open", "searching", "proposing", "ended", "given up", "unreadable"]
Stamp = tuple[tuple[int, int, int] | None, ...]
"""Of the files of a round: which file, when it was written, how long it is."""
_POOL: Final = ThreadPoolExecutor(1, "rounds")
"""However many ask, one reads: the next finds what was read."""


class Told(msgspec.Struct, frozen=True):
    """One round in the list. Who goes on with an open one tells how far it is."""

    number: int
    why: str | None
    """every, regime or asked; null where it cannot be read."""
    by: str
    """Who asked for it; empty where nobody did."""
    phase: Phase
    done: int
    """Trials; 0 before anything is told of them."""
    wanted: int
    outcome: Outcome | None
    """Null while it is open."""
    symbols: tuple[Symbol, ...] | None
    """Null until its search is done."""


class Rounds(msgspec.Struct, frozen=True):
    """The newest first."""

    rounds: list[Told]
    total: int


class Began(msgspec.Struct, frozen=True):
    """The number of the round; `began` is false where an earlier one still goes on."""

    number: int
    began: bool


async def rounds(call: Call) -> Rounds:
    """The rounds of the run whose trades are shown."""
    limit = call.asked(Page).limit
    briefs, total = await _off_the_loop(partial(_briefs, call.service.tail.run, limit))
    picture = call.service.picture
    search = picture.report.get("search") if picture.connected else None
    return Rounds([_told(one, search or {}) for one in briefs], total)


async def one(call: Call) -> bytes:
    """All of a round, as `liveopt reoptimize --show --json` says it."""
    name = call.path["id"]
    found = None
    if name.isascii() and name.isdecimal() and len(name) <= DIGITS_MAX:
        found = await _off_the_loop(partial(_whole, call.service.tail.run, int(name)))
    if found is None:
        raise missing(f"there is no round {name}", "ROUND_NOT_FOUND")
    return found


async def begin(call: Call) -> Began:
    """A round as soon as one can begin."""
    asked = {"kind": "reoptimize", "by": call.subject.name}
    said = await call.service.door.command(asked)
    return Began(said["number"], said["began"])


def _told(brief: Brief, search: Mapping[str, Any]) -> Told:
    ended = brief.outcome
    own = search if search.get("number") == brief.number else {}
    phase: Phase = "open"
    done = wanted = 0
    if ended is not None:
        phase, done, wanted = ended.phase, ended.done, ended.wanted
    elif own.get("phase") in {"searching", "proposing"}:
        phase, done, wanted = own["phase"], own["done"], own["wanted"]
    return Told(brief.number, brief.why, brief.by, phase, done, wanted, ended, brief.symbols)


async def _off_the_loop(read: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_POOL, read)


def _briefs(run: Path | None, limit: int) -> tuple[list[Brief], int]:
    numbers = [] if run is None else numbers_of(run)
    newest = numbers[: -limit - 1 : -1]
    return [_brief(run, n, _stamp(run, n)) for n in newest if run is not None], len(numbers)


def _whole(run: Path | None, number: int) -> bytes | None:
    if run is None or not (place(run, number) / TASK).exists():
        return None
    return _encoded(run, number, _stamp(run, number))


class _Odd(Exception):
    """What cannot be read now may be read the next time, without another file: it is not kept."""

    def __init__(self, found: Any) -> None:
        super().__init__()
        self.found = found


def _brief(run: Path, number: int, stamp: Stamp) -> Brief:
    """Read once for as long as its files are those."""
    try:
        return _read_brief(run, number, stamp)
    except _Odd as odd:
        brief: Brief = odd.found
        return brief


def _encoded(run: Path, number: int, stamp: Stamp) -> bytes:
    try:
        return _read_whole(run, number, stamp)
    except _Odd as odd:
        return msgspec.json.encode(odd.found)


@lru_cache(BRIEFS_MAX)
def _read_brief(run: Path, number: int, _: Stamp) -> Brief:
    return _sound(brief_of(run, number))


@lru_cache(WHOLE_MAX)
def _read_whole(run: Path, number: int, _: Stamp) -> bytes:
    return msgspec.json.encode(_sound(round_of(run, number)))


def _sound(found: F) -> F:
    if found.outcome is not None and found.outcome.phase == "unreadable":
        raise _Odd(found)
    return found


def _stamp(run: Path, number: int) -> Stamp:
    return tuple(_written(place(run, number) / name) for name in sorted(LASTING))


def _written(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
