"""From cells to a panel of one source: text told from numbers, bad cells refused, rows sorted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from liveopt.data.panel.about import Source
from liveopt.data.panel.columns import Form, Scale
from liveopt.data.panel.dates import BadCells, DateForm, dates_of, minutes_of
from liveopt.data.panel.panel import KEYS, Float64, Sessions, Words
from liveopt.data.panel.raw import SHOWN, BadCell, Raw, Texts, numbers_of
from liveopt.data.tables import DataError

MEND: Final = (
    "write numbers with digits and a decimal point (no thousands separators), leave a cell empty"
    " where there is none, or have such cells taken as 0 (--bad-cells zero); a column that is no"
    " strategy is left out with --exclude"
)
NO_NUMBERS_MEND: Final = (
    "write numbers with digits and a decimal point: no decimal commas, thousands separators,"
    " brackets, signs of money or percent; a column that is no strategy is left out with --exclude"
)
ROWS_AT_ONCE: Final = 4_096
T = TypeVar("T")


SCALED: Final = ("confidence", "transition")
PERCENT_FROM: Final = 1.5
"""A value above this is no fraction, whatever its rounding."""
ROUNDING: Final = 1e-9
SETTLE: Final = "`liveopt data import --confidence percent` (or fraction) settles it"


@dataclass(frozen=True, slots=True)
class ScaleForm:
    """How a number between nothing and all is written."""

    percent: bool
    why: str
    """Said in the summary."""


@dataclass(frozen=True, slots=True)
class Part:
    """One source, whole and in order of time."""

    source: Source
    names: Sequence[str]
    pnl: Float64
    sessions: Sessions


def finish(raw: Raw, form: Form, dates: DateForm, scales: Mapping[str, ScaleForm]) -> Part:
    """Make the panel of one source, or say what is wrong with it."""
    kept, skipped = _strategies(raw)
    bad = _bad_cells(raw, kept, form)
    sessions = _sessions(raw, dates, scales)
    pnl = raw.pnl if len(kept) == len(raw.pnl) else raw.pnl[kept]
    order = _order(sessions)
    in_order = bool((np.diff(order) > 0).all())
    if not in_order:
        sessions = sessions.take(order)
        for first in range(0, len(pnl), ROWS_AT_ONCE):  # in place: a copy would double the memory
            pnl[first : first + ROWS_AT_ONCE] = pnl[first : first + ROWS_AT_ONCE, order]
    rows = len(order)
    source = Source(
        name=str(raw.path),
        bytes=raw.outside.bytes,
        sha256=raw.outside.sha256,
        rows=rows,
        strategies=len(kept),
        dates=dates.why,
        confidence=scales["confidence"].why if "confidence" in raw.words else None,
        transition=scales["transition"].why if "transition" in raw.words else None,
        missing=int((rows - raw.tally.given[kept]).sum()),
        bad=bad,
        blank=sum(text is None for texts in raw.words.values() for text in texts),
        in_order=in_order,
        skipped=dict(raw.columns.skipped) | skipped,
        repeated=rows - len(set(_keys(raw.words))),
    )
    names = [raw.columns.names[raw.columns.candidates[i]] for i in kept]
    return Part(source, names, pnl, sessions)


def _keys(words: Mapping[str, Texts]) -> Iterator[tuple[str | None, ...]]:
    """What each row's session is known by."""
    return zip(*(words[key] for key in KEYS if key in words), strict=True)


def _strategies(raw: Raw) -> tuple[npt.NDArray[np.int64], dict[str, str]]:
    """Candidates with a number in them; why the others are none.

    A column all of whose cells are amounts that cannot be read (1,5 or (100)) is no text: to pass
    it over would lose strategies unseen, and often those that lose.
    """
    given, bad = raw.tally.given, raw.tally.bad
    empty, text = given == 0, (given > 0) & (bad == given)
    amounts = [place for place in raw.tally.amounts if text[place]]
    if amounts:
        raise _no_numbers(raw, amounts)
    names, places = raw.columns.names, raw.columns.candidates
    skipped = {names[places[i]]: "empty" for i in np.flatnonzero(empty).tolist()}
    skipped |= {names[places[i]]: "text" for i in np.flatnonzero(text).tolist()}
    kept = np.flatnonzero(~empty & ~text)
    if not len(kept):
        why = "no column is a strategy: none but those of the session has numbers in it"
        raise DataError(raw.path, None, None, why)
    return kept, skipped


def _bad_cells(raw: Raw, kept: npt.NDArray[np.int64], form: Form) -> int:
    """How many cells of strategies are no numbers; unless asked for as 0, they are refused."""
    count = int(raw.tally.bad[kept].sum())
    if not count or form.bad_cells == "zero":
        return count
    names, places = raw.columns.names, raw.columns.candidates
    among = set(kept.tolist())
    found = sorted(
        (cell.row, place, cell)
        for place, cells in raw.tally.examples.items()
        if place in among
        for cell in cells
    )[:SHOWN]
    lines = [_shown(raw, names[places[place]], cell) for _, place, cell in found]
    what = "cell is no number" if count == 1 else "cells are no numbers"
    raise DataError(raw.path, None, None, _listed(count, what, lines, MEND))


def _no_numbers(raw: Raw, which: Sequence[int]) -> DataError:
    """Columns with amounts and not one number."""
    names, places = raw.columns.names, raw.columns.candidates
    lines = [_shown(raw, names[places[i]], raw.tally.amounts[i]) for i in sorted(which)[:SHOWN]]
    what = "column has amounts" if len(which) == 1 else "columns have amounts"
    why = _listed(len(which), f"{what} that cannot be read", lines, NO_NUMBERS_MEND)
    return DataError(raw.path, None, None, why)


def _listed(count: int, what: str, lines: Sequence[str], mend: str) -> str:
    more = "" if count <= len(lines) else f"\n  and {count - len(lines)} more"
    return f"{count} {what}:\n  " + "\n  ".join(lines) + f"{more}\n{mend}"


def _shown(raw: Raw, name: str, cell: BadCell) -> str:
    return f"{_where(raw, cell.row)}, column {name!r}: {cell.text[:40]!r}"


def _where(raw: Raw, row: int) -> str:
    return f"row {row + 1}" + (f", line {raw.lines[row]} of the file" if raw.lines else "")


def scale_of(raws: Sequence[Raw], word: str, wanted: Scale) -> ScaleForm:
    """Decide over all files: a value well above 1 can only be percent.

    One of 1.2 may be either, and so may files of which one has 90 and another 0.9.
    """
    if wanted != "auto":
        return ScaleForm(wanted == "percent", f"{wanted}, as told")
    having = [(raw, _read(raw, word, _numbers)) for raw in raws if word in raw.words]
    settle = SETTLE if word == "confidence" else "write 0.7 or 70 for seven in ten"
    above = [(raw, int(row)) for raw, values in having for row in np.flatnonzero(values > 1.0)]
    first = next((v[v > PERCENT_FROM][0] for _, v in having if (v > PERCENT_FROM).any()), None)
    if first is None and above:
        raw, row = above[0]
        value = raw.words[word][row]
        raise _refused(raw, row, word, f"{value} may be a fraction or percent; {settle}")
    if first is None:
        return ScaleForm(percent=False, why="fraction, as no value is above 1")
    for raw, values in having:
        parts = np.flatnonzero((values > 0.0) & (values < 1.0))
        if len(parts) and not (values > 1.0).any():
            value = raw.words[word][parts[0]]
            why = f"{value} is a fraction, and another file has percent ({first:g}); write one"
            raise _refused(raw, int(parts[0]), word, why)
    return ScaleForm(percent=True, why=f"percent, as {first:g} shows")


def _sessions(raw: Raw, dates: DateForm, scales: Mapping[str, ScaleForm]) -> Sessions:
    """The sessions' own columns as dates, times, words and numbers."""

    def read(word: str, how: Callable[[Texts], T]) -> T | None:
        return _read(raw, word, how) if word in raw.words else None

    def scaled(word: str) -> Float64 | None:
        values = read(word, _numbers)
        return None if values is None else _scaled(raw, word, values, scales[word])

    return Sessions(
        date=_read(raw, "date", lambda texts: dates_of(texts, dates)),
        zone=read("zone", _words),
        day=read("day", _words),
        start_min=read("start_min", minutes_of),
        end_min=read("end_min", minutes_of),
        regime=read("regime", _words),
        confidence=scaled("confidence"),
        transition=scaled("transition"),
        capital=read("capital", _numbers),
    )


def _read(raw: Raw, word: str, how: Callable[[Texts], T]) -> T:
    try:
        return how(raw.words[word])
    except BadCells as error:
        raise _refused(raw, error.row, word, str(error)) from error


def _refused(raw: Raw, row: int, word: str, why: str) -> DataError:
    column = raw.columns.names[raw.columns.session[word]]
    return DataError(raw.path, None, None, f"{_where(raw, row)}, column {column!r}: {why}")


def _words(texts: Texts) -> Words:
    return np.array([(text or "").strip() for text in texts], np.str_)


def _numbers(texts: Texts) -> Float64:
    found = numbers_of(pa.array(texts, pa.string()))
    if found.bad is not None and found.bad.any():
        row = int(np.flatnonzero(found.bad)[0])
        raise BadCells(row, texts[row] or "", "write it with digits and a decimal point")
    return np.where(found.given, found.values, np.nan)


def _scaled(raw: Raw, word: str, values: Float64, scale: ScaleForm) -> Float64:
    """Fractions of 1; a hair above the top is rounding."""
    top = 100.0 if scale.percent else 1.0
    outside = np.flatnonzero((values < 0.0) | (values > top * (1.0 + ROUNDING)))
    if len(outside):
        row = int(outside[0])
        raise _refused(raw, row, word, f"{raw.words[word][row]} is not between 0 and {top:g}")
    return np.minimum(values, top) / top


def _order(sessions: Sessions) -> npt.NDArray[np.int64]:
    """By date, then by start; else as they stand in the file."""
    start = np.zeros(len(sessions), np.int64) if sessions.start_min is None else sessions.start_min
    return np.lexsort((start, sessions.date)).astype(np.int64)
