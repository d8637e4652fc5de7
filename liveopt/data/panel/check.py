"""Whether a store holds what its source holds: rows, the sum of every column, a hash of all cells.

The source is read once more for it, and by other means: a dump by Python's own reader, a table by
a second query and the sums that the database adds up itself.
"""

import csv
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from liveopt.data.panel.cells import MISSING, Cells
from liveopt.data.panel.columns import Form, columns_of
from liveopt.data.panel.dates import date_form, dates_of
from liveopt.data.panel.panel import Dates, Float64, Panel
from liveopt.data.tables import DataError

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a source and its store must have in common, in whatever order their rows are."""

    rows: int
    sums: Mapping[str, float]
    """Of each strategy, added exactly and rounded once."""
    sha256: str
    """Of all dates and numbers."""


def fingerprint(dates: Dates, names: Sequence[str], pnl: Float64) -> Fingerprint:
    """Of numbers [strategy, session]."""
    digests = []
    for i, day in enumerate(np.datetime_as_string(dates).tolist()):
        digests.append(hashlib.sha256(day.encode() + pnl[:, i].tobytes()).digest())
    whole = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    sums = {name: math.fsum(row.tolist()) for name, row in zip(names, pnl, strict=True)}
    return Fingerprint(len(dates), sums, whole)


def fingerprint_of(panel: Panel) -> Fingerprint:
    """Of a panel."""
    return fingerprint(panel.sessions.date, panel.names, panel.pnl)


def fingerprint_of_csv(path: Path, names: Sequence[str], form: Form) -> Fingerprint:
    """Of some columns of a file, by Python's own reader and its own numbers."""
    with path.open("rb") as file:
        head = Cells(path, file)
    columns = columns_of(path, head.header, form)
    places = {columns.names[i]: i for i in columns.candidates}
    wanted = [places[name] for name in names]
    texts: list[str | None] = []
    days: list[str | None] = []
    rows: list[Float64] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=head.delimiter.decode())
        next(reader)
        for row in reader:
            if any(row):
                texts.append(row[columns.session["date"]])
                days.append(row[columns.session["day"]] if "day" in columns.session else None)
                rows.append(np.array([_number(row[i]) for i in wanted]))
    dates = dates_of(texts, date_form(texts, form.date_order, days))
    return fingerprint(dates, names, np.ascontiguousarray(np.array(rows).T))


def _number(text: str) -> float:
    """A cell as a number; 0 where it is none."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and "_" not in text and text not in MISSING else 0.0


def compare(source: Path, expected: Fingerprint, found: Fingerprint) -> str:
    """What was compared, for people to read; `DataError` if anything differs."""
    if found.rows != expected.rows:
        why = f"the store has {found.rows} rows and the source {expected.rows}"
        raise DataError(source, None, None, f"{why}; nothing was kept")
    differing = [name for name, value in expected.sums.items() if found.sums.get(name) != value]
    if differing or len(found.sums) != len(expected.sums):
        shown = ", ".join(
            f"{name!r}: {found.sums.get(name)} for {expected.sums[name]}"
            for name in differing[:SHOWN]
        )
        why = f"the sums of {len(differing)} columns differ ({shown}); nothing was kept"
        raise DataError(source, None, None, why)
    if found.sha256 != expected.sha256:
        raise DataError(source, None, None, "cells differ from the source; nothing was kept")
    return (
        f"{found.rows} rows, the sums of {len(found.sums)} columns and the hash of all cells"
        f" ({found.sha256[:16]}) are the source's"
    )
