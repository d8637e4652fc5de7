"""A run's rounds on the disk, a folder each: its task, its market, its result, its outcome."""

from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec

from liveopt.optimize.rounds.task import Result, Searched, Task

FOLDER: Final = "rounds"
TASK: Final = "task.json"
RESULT: Final = "result.json"
OUTCOME: Final = "outcome.json"
LASTING: Final = frozenset({TASK, RESULT, OUTCOME})
MARKETS: Final = 16
"""Of so many rounds, the newest, the market is kept: their studies can be done again."""
T = TypeVar("T")


class Outcome(msgspec.Struct, frozen=True):
    """What became of a round in the run."""

    phase: Literal["ended", "given up", "unreadable"]
    number: int = 0
    why: str = ""
    by: str = ""
    """Who asked for it; empty where nobody did."""
    done: int = 0
    wanted: int = 0
    """Trials."""
    deaths: int = 0
    """Of its process."""
    proposed: int = 0
    admitted: int = 0
    replaced: int = 0
    """Who had to go for those."""
    trouble: str = ""
    """Why it was given up, where it is not its process that died; or cannot be read."""


class Round(msgspec.Struct, frozen=True):
    """One round, all of it."""

    number: int
    why: str | None
    """every, regime or asked; null where its task cannot be read."""
    by: str
    """Who asked for it; empty where nobody did."""
    outcome: Outcome | None
    """Null while it is open."""
    searched: tuple[Searched, ...] | None
    """Null until its search is done."""


class Symbol(msgspec.Struct, frozen=True):
    """What came of one symbol, in numbers."""

    symbol: str
    bars: int
    trials: int
    """With those of earlier rounds."""
    tested: int
    proposed: int
    skipped: str
    """Why nothing was searched; empty where it was."""


class Brief(msgspec.Struct, frozen=True):
    """One round in a list of them."""

    number: int
    why: str | None
    by: str
    outcome: Outcome | None
    symbols: tuple[Symbol, ...] | None


class Unreadable(Exception):
    """A file of a round was damaged, or written by another version."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.told = f"{file.name}: {why}"
        """Without the folder, which is nobody's business."""


class _Some(msgspec.Struct, frozen=True):
    """Only counted."""


class _TaskHead(msgspec.Struct, frozen=True):
    why: str
    by: str = ""


class _SearchedHead(msgspec.Struct, frozen=True):
    symbol: str
    bars: int
    trials: int
    proposals: tuple[_Some, ...]
    finalists: tuple[_Some, ...]
    skipped: str = ""


class _ResultHead(msgspec.Struct, frozen=True):
    searched: tuple[_SearchedHead, ...]


def numbers_of(run: Path) -> list[int]:
    """The rounds that were begun, in order."""
    found = (one.parent.name for one in (run / FOLDER).glob(f"*/{TASK}"))
    return sorted(int(name) for name in found if name.isdecimal())


def place(run: Path, number: int) -> Path:
    """Where a round is kept."""
    return run / FOLDER / f"{number:04d}"


def task_of(run: Path, number: int) -> Task:
    """What a round was told."""
    return _read(place(run, number) / TASK, Task)


def result_of(run: Path, number: int) -> Result | None:
    """What its search came to; None if it has not come to an end."""
    return _read_if_there(place(run, number) / RESULT, Result)


def outcome_of(run: Path, number: int) -> Outcome | None:
    """What became of it in the run; None while that is open."""
    return _read_if_there(place(run, number) / OUTCOME, Outcome)


def round_of(run: Path, number: int) -> Round:
    """All of a round; of one that is damaged, what can be read."""
    found: dict[str, Any] = {"why": None, "by": "", "outcome": None, "searched": None}
    try:
        task = task_of(run, number)
        found |= {"why": task.why, "by": task.by}
        if (result := result_of(run, number)) is not None:
            found["searched"] = result.searched
        found["outcome"] = outcome_of(run, number)
    except Unreadable as error:
        found["outcome"] = _unreadable(number, error)
    return Round(number, **found)


def brief_of(run: Path, number: int) -> Brief:
    """The same for a list: of what is long only the length is looked at."""
    found: dict[str, Any] = {"why": None, "by": "", "outcome": None, "symbols": None}
    there = place(run, number)
    try:
        task = _read(there / TASK, _TaskHead)
        found |= {"why": task.why, "by": task.by}
        if (result := _read_if_there(there / RESULT, _ResultHead)) is not None:
            found["symbols"] = tuple(map(_symbol, result.searched))
        found["outcome"] = outcome_of(run, number)
    except Unreadable as error:
        found["outcome"] = _unreadable(number, error)
    return Brief(number, **found)


def thin_out(run: Path) -> None:
    """The markets of older rounds go; what they were told, found and came to stays."""
    for number in numbers_of(run)[:-MARKETS]:
        for file in place(run, number).iterdir():
            if file.name not in LASTING and file.is_file():
                file.unlink(missing_ok=True)


def _symbol(one: _SearchedHead) -> Symbol:
    tested, proposed = len(one.finalists), len(one.proposals)
    return Symbol(one.symbol, one.bars, one.trials, tested, proposed, one.skipped)


def _unreadable(number: int, error: Unreadable) -> Outcome:
    return Outcome("unreadable", number, trouble=error.told)


def _read_if_there(file: Path, kind: type[T]) -> T | None:
    return _read(file, kind) if file.exists() else None


def _read(file: Path, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except OSError as error:
        raise Unreadable(file, error.strerror or "cannot be read") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreadable(file, str(error)) from error
