"""Records as rows of a table: columns found, cells made safe for spreadsheets, CSV and JSON."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import msgspec

from liveopt.journal.reader import Record

Kind = Literal["bool", "int", "float", "text"]
JOURNAL: Final = "~journal"
SEQ: Final = "~n"
"""Columns of the journal; its keys begin with ~, so no record's key is one of them."""
TYPE: Final = "type"
NS: Final = "_ns"
TIME_NS_MIN: Final = 10**17
"""What ends with `_ns` is a time from 1973 on, and below that a length."""
TIME_NS_MAX: Final = 253_402_300_800 * 10**9

_FORMULA: Final = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WHOLE_MAX: Final = 2**63
_objects = msgspec.json.Decoder(dict[str, Any])

Row = Mapping[str, Any]


class BadRecord(ValueError):
    """A record that is no JSON object."""


def rows(journal: str, records: Iterable[Record]) -> Iterator[Row]:
    """Records with the name of their journal and their number; keys of the first level."""
    for record in records:
        try:
            yield {JOURNAL: journal, SEQ: record.seq, **_objects.decode(record.content)}
        except msgspec.DecodeError as error:
            raise BadRecord(f"{journal}: record {record.seq} is no JSON: {error}") from error


def kind_of(record: Record) -> str:
    """Which record it is; empty where it does not say."""
    try:
        return str(_objects.decode(record.content).get(TYPE, ""))
    except msgspec.DecodeError as error:
        raise BadRecord(f"record {record.seq} is no JSON: {error}") from error


def plain(row: Row) -> Row:
    """Without what is the journal's: where all are of one kind."""
    return {key: value for key, value in row.items() if key not in {JOURNAL, SEQ, TYPE}}


def dated(row: Row) -> Row:
    """Beside each time in nanoseconds the same in UTC, as people and spreadsheets read it."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        found[key] = value
        if key.endswith(NS) and type(value) is int and TIME_NS_MIN <= value < TIME_NS_MAX:
            second = datetime.fromtimestamp(value // 10**9, UTC).replace(tzinfo=None)
            name = f"{key.removesuffix(NS)}_utc"
            found[name] = f"{second.isoformat()}.{value % 10**9 // 10**6:03d}Z"
    return found


def columns(table: Iterable[Row]) -> dict[str, Kind]:
    """Each key that occurs, in order of appearance, and what can hold all its values."""
    found: dict[str, set[Kind]] = {}
    for row in table:
        for key, value in row.items():
            kinds = found.setdefault(key, set())
            if value is not None:
                kinds.add(_kind(value))
    return {key: _widest(kinds) for key, kinds in found.items()}


def cell(value: Any, kind: Kind) -> Any:
    """A value as its column holds it; text that is none is JSON."""
    if value is None:
        return None
    if kind == "text":
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return float(value) if kind == "float" else value


def harmless(text: str) -> str:
    """Text that a spreadsheet would take for a formula, with a mark before it; numbers as is."""
    if text[:1] in _FORMULA and _NUMBER.fullmatch(text) is None:
        return "'" + text
    return text


def write_csv(file: TextIO, kinds: Mapping[str, Kind], table: Iterable[Row]) -> int:
    """A line of names and a line for each row; how many."""
    lines = csv.writer(file)  # lines end with CR LF, so that a CR inside a cell is quoted too
    lines.writerow([harmless(name) for name in kinds])
    count = 0
    for row in table:
        lines.writerow([_csv_cell(cell(row.get(name), kind)) for name, kind in kinds.items()])
        count += 1
    return count


def write_json(file: TextIO, journal_records: Iterable[tuple[str, Record]]) -> int:
    """One array, one record a line: its journal, its number, and the very bytes of it."""
    count = 0
    for journal, record in journal_records:
        file.write(",\n" if count else "[\n")
        content = record.content.decode()
        file.write(f'{{"{JOURNAL}":"{journal}","{SEQ}":{record.seq},"record":{content}}}')
        count += 1
    file.write("\n]\n" if count else "[]\n")
    return count


def open_new(path: Path) -> TextIO:
    """A file for text that nobody has; a journal is no place to write to."""
    return path.open("x", encoding="utf-8", newline="")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return harmless(value)
    return repr(value) if isinstance(value, float) else value


def _kind(value: Any) -> Kind:
    match value:
        case bool():
            return "bool"
        case int() if -_WHOLE_MAX <= value < _WHOLE_MAX:
            return "int"
        case float():
            return "float"
        case _:
            return "text"


def _widest(kinds: set[Kind]) -> Kind:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "float" if kinds == {"int", "float"} else "text"
