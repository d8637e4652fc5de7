"""From cells to a panel of one source: text told from numbers, bad cells refused, rows sorted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from liveopt.data.panel.about import Source
from liveopt.data.panel.columns import Form, Scale
from liveopt.data.panel.dates import BadCells, DateForm, dates_of, minutes_of
from liveopt.data.panel.panel import Float64, Sessions, Words
from liveopt.data.panel.raw import SHOWN, BadCell, Raw, Texts, numbers_of
from liveopt.data.tables import DataError

MEND: Final = (
    "write numbers with digits and a decimal point (no thousands separators), leave a cell empty"
    " where there is none, or have such cells taken as 0 (--bad-cells zero)"
)
ROWS_AT_ONCE: Final = 4_096
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """One source, whole and in order of time."""

    source: Source
    names: Sequence[str]
    pnl: Float64
    sessions: Sessions


def finish(raw: Raw, form: Form, dates: DateForm) -> Part:
    """Make the panel of one source, or say what is wrong with it."""
    kept, skipped = _strategies(raw)
    bad = _bad_cells(raw, kept, form)
    sessions, scales = _sessions(raw, form, dates)
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
        confidence=scales.get("confidence"),
        transition=scales.get("transition"),
        missing=int((rows - raw.tally.given[kept]).sum()),
        bad=bad,
        blank=sum(text is None for texts in raw.words.values() for text in texts),
        in_order=in_order,
        skipped=dict(raw.columns.skipped) | skipped,
    )
    names = [raw.columns.names[raw.columns.candidates[i]] for i in kept]
    return Part(source, names, pnl, sessions)


def _strategies(raw: Raw) -> tuple[npt.NDArray[np.int64], dict[str, str]]:
    """Candidates whose cells are mostly numbers; why the others are none."""
    given, bad = raw.tally.given, raw.tally.bad
    empty, text = given == 0, (given > 0) & (2 * bad >= given)
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
    more = "" if count <= len(found) else f"\n  and {count - len(found)} more"
    why = (
        f"{count} {'cell is no number' if count == 1 else 'cells are no numbers'}:\n  "
        + "\n  ".join(lines)
        + f"{more}\n{MEND}"
    )
    raise DataError(raw.path, None, None, why)


def _shown(raw: Raw, name: str, cell: BadCell) -> str:
    line = f", line {raw.lines[cell.row]} of the file" if raw.lines else ""
    return f"row {cell.row + 1}{line}, column {name!r}: {cell.text[:40]!r}"


def _sessions(raw: Raw, form: Form, dates: DateForm) -> tuple[Sessions, Mapping[str, str]]:
    """The sessions' own columns as dates, times, words and numbers; the scales that were found."""
    words, scales = raw.words, {}

    def read(word: str, how: Callable[[Texts], T]) -> T | None:
        return _read(raw, word, how) if word in words else None

    confidence, transition = read("confidence", _numbers), read("transition", _numbers)
    if confidence is not None:
        confidence, scales["confidence"] = _scaled(raw, "confidence", confidence, form.confidence)
    if transition is not None:
        transition, scales["transition"] = _scaled(raw, "transition", transition, "auto")
    return Sessions(
        date=_read(raw, "date", lambda texts: dates_of(texts, dates)),
        zone=read("zone", _words),
        day=read("day", _words),
        start_min=read("start_min", minutes_of),
        end_min=read("end_min", minutes_of),
        regime=read("regime", _words),
        confidence=confidence,
        transition=transition,
        capital=read("capital", _numbers),
    ), scales


def _read(raw: Raw, word: str, how: Callable[[Texts], T]) -> T:
    try:
        return how(raw.words[word])
    except BadCells as error:
        raise _refused(raw, error.row, word, str(error)) from error


def _refused(raw: Raw, row: int, word: str, why: str) -> DataError:
    column = raw.columns.names[raw.columns.session[word]]
    return DataError(raw.path, row + 1, column, why)


def _words(texts: Texts) -> Words:
    return np.array([(text or "").strip() for text in texts], np.str_)


def _numbers(texts: Texts) -> Float64:
    found = numbers_of(pa.array(texts, pa.string()))
    if found.bad is not None and found.bad.any():
        row = int(np.flatnonzero(found.bad)[0])
        raise BadCells(row, texts[row] or "", "write it with digits and a decimal point")
    return np.where(found.given, found.values, np.nan)


def _scaled(raw: Raw, word: str, values: Float64, wanted: Scale) -> tuple[Float64, str]:
    """Fractions of 1, and what the scale was taken for: a value above 1 can only be percent."""
    above = values > 1.0
    percent = bool(above.any()) if wanted == "auto" else wanted == "percent"
    top = 100.0 if percent else 1.0
    outside = np.flatnonzero((values < 0.0) | (values > top))
    if len(outside):
        row = int(outside[0])
        why = f"{values[row]:g} is not between 0 and {top:g}"
        raise _refused(raw, row, word, why)
    if wanted != "auto":
        why = f"{wanted}, as told"
    elif percent:
        why = f"percent, as {values[above][0]:g} shows"
    else:
        why = "fraction, as no value is above 1"
    return (values / 100.0 if percent else values), why


def _order(sessions: Sessions) -> npt.NDArray[np.int64]:
    """By date, then by start; else as they stand in the file."""
    start = np.zeros(len(sessions), np.int64) if sessions.start_min is None else sessions.start_min
    return np.lexsort((start, sessions.date)).astype(np.int64)
