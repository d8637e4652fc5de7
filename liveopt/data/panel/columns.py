"""What each column of a wide file is, by its name: of the session, a strategy, or neither."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal

from liveopt.data.tables import DataError

Order = Literal["auto", "day", "month"]
Scale = Literal["auto", "percent", "fraction"]
BadCells = Literal["refuse", "zero"]

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("date",),
    "zone": ("zone",),
    "day": ("day",),
    "start_min": ("start_time",),
    "end_min": ("end_time",),
    "regime": ("market_regime",),
    "confidence": ("regime_confidence_%", "regime_confidence"),
    "transition": ("market_regime_transition_threshold",),
    "capital": ("capital",),
}
"""Fields of `Sessions`, and what files call them, in any case, with blanks for underscores."""
_WORD_OF: Final = {name: word for word, names in WORDS.items() for name in names}
IGNORED: Final = ("symbol", "ticker")


@dataclass(frozen=True, slots=True)
class Form:
    """What to make of a file where its own words do not say it."""

    rename: Mapping[str, str] = field(default_factory=dict)
    """Columns of the file -> the names they should have, such as TradeDate -> Date."""
    include: Sequence[str] = ()
    """Names of strategies or patterns (* and ?) that alone are wanted; none: all."""
    exclude: Sequence[str] = ()
    """Names or patterns of strategies that are not."""
    date_order: Order = "auto"
    """Of dates whose year stands last."""
    confidence: Scale = "auto"
    bad_cells: BadCells = "refuse"
    """What is done with a cell that is no number: the file refused, or 0 taken and counted."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where things stand in a row, counted from 0."""

    names: Sequence[str]
    """Of all columns."""
    session: Mapping[str, int]
    """Fields of `Sessions`."""
    candidates: Sequence[int]
    """Strategies, if their cells prove to be numbers."""
    skipped: Mapping[str, str]
    """Columns that are nothing to us, and why."""


def columns_of(path: Path, header: Sequence[str], form: Form) -> Columns:
    """Tell the columns apart; no date, or two columns of one name, is refused."""
    names = [form.rename.get(name.strip(), name.strip()) for name in header]
    session: dict[str, int] = {}
    skipped: dict[str, str] = {}
    candidates: list[int] = []
    for i, name in enumerate(names):
        word = _word(name)
        if word is not None:
            if word in session:
                why = f"columns {session[word] + 1} and {i + 1} are both the {word}; leave one"
                raise DataError(path, None, name, why)
            session[word] = i
        elif (why_not := _unwanted(name, form)) is None:
            candidates.append(i)
        else:
            skipped[name or f"column {i + 1}"] = why_not
    if "date" not in session:
        have = ", ".join(names[:10])[:200]
        raise DataError(path, None, "Date", f"there is no such column (the file begins: {have})")
    _refuse_twins(path, names, candidates)
    return Columns(names, session, candidates, skipped)


def _word(name: str) -> str | None:
    return _WORD_OF.get(name.lower().replace(" ", "_"))


def _unwanted(name: str, form: Form) -> str | None:
    """Why a column that is not of the session is no strategy either; None where it may be one."""
    if not name or name.startswith("Unnamed: "):  # what pandas writes for its index
        return "has no name"
    if name.lower() in IGNORED:
        return "says what was traded"
    if form.include and not any(_is(name, pattern) for pattern in form.include):
        return "not among those to include"
    if any(_is(name, pattern) for pattern in form.exclude):
        return "excluded"
    return None


def refuse_unmet(path: Path, all_columns: Sequence[Columns], form: Form) -> None:
    """A name to include that no strategy of any source has is a mistake."""
    names = {columns.names[i] for columns in all_columns for i in columns.candidates}
    for pattern in form.include:
        if not any(_is(name, pattern) for name in names):
            raise DataError(path, None, pattern, "no strategy to include has this name")


def _is(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def _refuse_twins(path: Path, names: Sequence[str], candidates: Sequence[int]) -> None:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for i in candidates:
        places[names[i]].append(i + 1)
    twins = [(name, found) for name, found in places.items() if len(found) > 1]
    if twins:
        name, found = twins[0]
        where = " and ".join(map(str, found))
        more = f" (and {len(twins) - 1} more names)" if len(twins) > 1 else ""
        raise DataError(path, None, name, f"columns {where} have this name{more}; rename one")
