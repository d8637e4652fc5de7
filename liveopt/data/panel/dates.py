"""Dates and times of day as files write them; day or month first is decided once."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

import numpy as np

from liveopt.data.panel.columns import Order
from liveopt.data.panel.panel import Dates, Ints

YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?:[T ].*)?")
YEAR_LAST: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})(?:[T ].*)?")
TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d*)?)?")
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EPOCH: Final = 3
"""1970-01-01 was a Thursday."""
ADVICE: Final = "write 2024-01-31, 31-01-2024 or 01/31/2024"


class BadCells(ValueError):
    """Cells of a session that cannot be read: which row (from 0), what stands there, the mend."""

    def __init__(self, row: int, text: str, advice: str) -> None:
        self.row = row
        super().__init__(f"cannot read {text!r}; {advice}" if text else f"is empty; {advice}")


@dataclass(frozen=True, slots=True)
class DateForm:
    """How the dates of one or more files are written."""

    day_first: bool
    why: str
    """Said in the summary."""


def date_form(
    texts: Iterable[str | None], wanted: Order, days: Iterable[str | None] = ()
) -> DateForm:
    """Decide over all dates whose year stands last.

    A number above 12 settles it, or else the days of the week. Where neither does, nothing in the
    file can: 03-04-2024 is taken as the third of April, 03/04/2024 as March the fourth, as those
    who write them so mostly mean it.
    """
    pairs = [
        (match, (day or "").strip()[:3].lower())
        for text, day in dict.fromkeys(zip_longest(texts, days))
        if text and (match := YEAR_LAST.fullmatch(text.strip()))
    ]
    found = [match for match, _ in pairs]
    if not found:
        return DateForm(day_first=True, why="year first")
    if wanted != "auto":
        return DateForm(wanted == "day", f"{wanted} first, as told")
    day = next((m[0] for m in found if int(m[1]) > 12), None)
    month = next((m[0] for m in found if int(m[3]) > 12), None)
    if day is not None and month is not None:
        raise ValueError(
            f"{day} has the day first and {month} the month; write all dates in one order"
        )
    if day is not None or month is not None:
        shown = day or month
        return DateForm(day is not None, f"{'day' if day else 'month'} first, as {shown} shows")
    right = {day_first: _weekdays_agree(pairs, day_first) for day_first in (True, False)}
    if right[True] != right[False]:
        order = "day" if right[True] else "month"
        return DateForm(right[True], f"{order} first, as the days of the week show")
    slash = found[0][2] == "/"
    assumed = "month first, as with slashes" if slash else "day first, as with dashes or dots"
    return DateForm(
        not slash, f"{assumed} (assumed: no day is above 12, so the file cannot tell; --date-order)"
    )


def _weekdays_agree(pairs: Sequence[tuple[re.Match[str], str]], day_first: bool) -> bool:
    """Whether some dates read so have their day of the week beside them, and none another."""
    known = [(match[0], day) for match, day in pairs if day in WEEKDAYS]
    try:
        dates = dates_of([text for text, _ in known], DateForm(day_first, ""))
    except BadCells:  # it is told with its row when all are read
        return False
    found = (dates.astype(np.int64) + EPOCH) % 7
    return bool(known) and [WEEKDAYS[i] for i in found] == [day for _, day in known]


def dates_of(texts: Sequence[str | None], form: DateForm) -> Dates:
    """Dates, or `BadCells` of the first that is none."""
    known: dict[str | None, np.datetime64] = {}
    for row, text in enumerate(texts):
        if text not in known:
            known[text] = _date(row, (text or "").strip(), form)
    return np.array([known[text] for text in texts], "datetime64[D]")


def _date(row: int, text: str, form: DateForm) -> np.datetime64:
    if match := YEAR_FIRST.fullmatch(text):
        year, month, day = match[1], match[2], match[3]
    elif match := YEAR_LAST.fullmatch(text):
        year = match[4]
        day, month = (match[1], match[3]) if form.day_first else (match[3], match[1])
    else:
        raise BadCells(row, text, ADVICE)
    try:
        return np.datetime64(f"{year}-{int(month):02}-{int(day):02}", "D")
    except ValueError:
        raise BadCells(row, text, f"there is no such day; {ADVICE}") from None


def minutes_of(texts: Sequence[str | None]) -> Ints:
    """Minutes since midnight, -1 where the cell is empty."""
    known: dict[str | None, int] = {}
    for row, text in enumerate(texts):
        if text not in known:
            known[text] = _minutes(row, text)
    return np.array([known[text] for text in texts], np.int64)


def _minutes(row: int, text: str | None) -> int:
    if text is None or not text.strip():
        return -1
    match = TIME.fullmatch(text.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise BadCells(row, text, "write a time of day such as 09:15")
    return int(match[1]) * 60 + int(match[2])
