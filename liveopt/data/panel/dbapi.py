"""A table of a database as the source of a panel, through any module of PEP 249."""

import importlib
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from liveopt.data.panel.cells import Outside, without_missing
from liveopt.data.panel.columns import Columns, Form, columns_of
from liveopt.data.panel.panel import Panel
from liveopt.data.panel.raw import Numbers, Raw, Tally, Texts, numbers_of
from liveopt.data.tables import DataError

COLUMNS_AT_ONCE: Final = 500
"""Of one query: databases bound how many a result may have."""
ROWS_AT_ONCE: Final = 2_000
SUM_TOLERANCE: Final = 1e-9
"""Of the sum of magnitudes: a database may add in any order, and in its own precision."""
PASSWORD: Final = re.compile(r"(?i)(password|passwd|pwd)\s*=\s*(?!env:)|://[^/@]*:[^/@]*@")
"""One that is written out, by name or within an address."""
HOW: Final = (
    "give it as module:argument,name=value ..., such as sqlite3:desk.db or"
    " heavydb:user=admin,password=env:HEAVYDB_PASSWORD,host=localhost,dbname=desk"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table, and the connection it is reached by."""

    connection: Any
    errors: type[Exception]
    """What the module raises."""
    name: str

    @property
    def path(self) -> Path:
        """What errors call it, and the group of its strategies."""
        return Path(self.name.rpartition(".")[2])

    def query(self, words: str, order: str = "") -> Iterator[Sequence[Any]]:
        """The rows of `SELECT words FROM` the table, fetched some at a time."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(f"SELECT {words} FROM {_table(self.name)} {order}")  # noqa: S608 - quoted
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield from rows
        except self.errors as error:
            raise DataError(self.path, None, None, f"the database says: {error}") from error
        finally:
            cursor.close()

    def header(self) -> list[str]:
        """The names of all columns."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(f"SELECT * FROM {_table(self.name)} WHERE 1 = 0")  # noqa: S608 - quoted
            return [column[0] for column in cursor.description]
        except self.errors as error:
            raise DataError(self.path, None, None, f"the database says: {error}") from error
        finally:
            cursor.close()


def open_table(spec: str, name: str) -> Table:
    """Import the module, connect as it says; what cannot be is a `DataError`."""
    module_name, colon, text = spec.partition(":")
    if not colon:  # not repeated here: there may be a password in it
        raise DataError(Path("database"), None, None, f"is not given as module:arguments; {HOW}")
    place = Path(module_name)
    if PASSWORD.search(text):
        why = "a password does not belong in a command line; put it into the environment, and give"
        raise DataError(place, None, None, f"{why} password=env:NAME")
    try:
        module = importlib.import_module(module_name)
        connect: Callable[..., Any] = module.connect
        errors: type[Exception] = module.Error
    except (ImportError, ValueError) as error:
        why = f"there is no such Python module ({error}); install it, and {HOW}"
        raise DataError(place, None, None, why) from error
    except AttributeError as error:
        raise DataError(place, None, None, f"is no module of PEP 249 ({error}); {HOW}") from error
    plain, named = _arguments(text)
    try:
        return Table(connect(*plain, **named), errors, name)
    except (errors, TypeError, OSError) as error:
        raise DataError(place, None, None, f"cannot connect: {error}; {HOW}") from error


def _arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    plain: list[Any] = []
    named: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if equals:
            named[name.strip()] = _argument(value)
        else:
            plain.append(_argument(name))
    return plain, named


def _argument(text: str) -> Any:
    if text.startswith("env:"):
        value = os.environ.get(text[4:])
        if value is None:
            raise DataError(Path(text), None, None, "there is no such environment variable")
        return value
    return int(text) if re.fullmatch(r"\d+", text) else text


def read_table(table: Table, form: Form) -> Raw:
    """Read a table some columns at a time; its rows must not change meanwhile."""
    columns = columns_of(table.path, table.header(), form)
    rows = count(table)
    if not rows:
        raise DataError(table.path, None, None, "the table has no rows")
    keys = list(columns.session.values())
    candidates = columns.candidates
    pnl = np.zeros((len(candidates), rows))
    tally = Tally(np.zeros(len(candidates), np.int64), np.zeros(len(candidates), np.int64))
    at_once = max(1, min(COLUMNS_AT_ONCE, (4 << 20) // rows))
    seen: list[tuple[Any, ...]] | None = None
    for first in range(0, max(1, len(candidates)), at_once):
        some = candidates[first : first + at_once]
        found = list(zip(*_select(table, columns, [*keys, *some]), strict=True))
        heads = list(zip(*found[: len(keys)], strict=True))
        if len(heads) != rows or (seen is not None and heads != seen):
            raise DataError(table.path, None, None, "the table changed while it was read; again")
        if len(some) < len(candidates) and len(set(heads)) < rows:
            why = (
                f"has more than {at_once} columns and several rows of one session: which"
                " row is which cannot be told; dump it to a CSV and import that"
            )
            raise DataError(table.path, None, None, why)
        seen = heads
        for place, values in enumerate(found[len(keys) :], first):
            pnl[place] = _numbers(values, place, tally)
    words: Mapping[str, Texts] = {
        word: [_text(head[i]) for head in seen or []] for i, word in enumerate(columns.session)
    }
    return Raw(table.path, Outside(rows, 0, ""), columns, words, pnl, tally, ())


def count(table: Table) -> int:
    """How many rows the database says there are."""
    return int(next(table.query("COUNT(*)"))[0])


def check_sums(table: Table, panel: Panel, columns: Columns) -> None:
    """Compare each strategy's sum with what the database adds up itself."""
    header = table.header()
    places = {columns.names[i]: i for i in columns.candidates}
    for first in range(0, len(panel.names), COLUMNS_AT_ONCE):
        some = range(first, min(first + COLUMNS_AT_ONCE, len(panel.names)))
        columns_here = (_quoted(header[places[panel.names[i]]]) for i in some)
        (theirs,) = table.query(
            ", ".join(f"SUM(CAST({name} AS DOUBLE PRECISION))" for name in columns_here)
        )
        for i, value in zip(some, theirs, strict=True):
            ours, size = math.fsum(panel.pnl[i]), math.fsum(abs(panel.pnl[i]))
            if not abs(float(value or 0.0) - ours) <= SUM_TOLERANCE * size:
                why = f"the database sums it to {value}, the store to {ours}; nothing was kept"
                raise DataError(table.path, None, panel.names[i], why)


def _select(table: Table, columns: Columns, places: Sequence[int]) -> Iterator[Sequence[Any]]:
    header = table.header()
    names = ", ".join(_quoted(header[i]) for i in places)
    order = ", ".join(_quoted(header[i]) for i in columns.session.values())
    return table.query(names, f"ORDER BY {order}")


def _numbers(values: Sequence[Any], place: int, tally: Tally) -> Any:
    found = _column(values)
    tally.given[place] += int(found.given.sum())
    if found.bad is not None:
        rows = np.flatnonzero(found.bad)
        if len(rows):
            tally.note(
                place, rows, pa.array([str(values[row]) for row in rows.tolist()], pa.string())
            )
    return found.values


def _column(values: Sequence[Any]) -> Numbers:
    if all(value is None or isinstance(value, int | float | Decimal) for value in values):
        numbers = np.array([np.nan if value is None else float(value) for value in values])
        given = ~np.isnan(numbers)
        fine = np.isfinite(numbers)
        return Numbers(np.where(fine, numbers, 0.0), given, given & ~fine)
    texts = pa.array([_text(value) for value in values], pa.string())
    return numbers_of(without_missing(texts))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _table(name: str) -> str:
    return ".".join(map(_quoted, name.split(".")))
