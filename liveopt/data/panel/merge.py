"""Panels of several files as one: every session that any of them has, 0 where one has it not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liveopt.data.panel.about import About
from liveopt.data.panel.finish import Part
from liveopt.data.panel.panel import KEYS, Panel, Sessions
from liveopt.data.tables import DataError

EMPTY: Final[Mapping[str, Any]] = {"U": "", "i": -1, "f": np.nan}
Key = tuple[Any, ...]


def merged(parts: Sequence[Part]) -> tuple[Panel, About]:
    """One panel; the stem of each file is the group, and, of several, begins the names."""
    groups = [_stem(part) for part in parts]
    twice = [stem for stem, count in Counter(groups).items() if count > 1]
    if twice:
        where = " and ".join(p.source.name for p in parts if _stem(p) == twice[0])
        raise DataError(Path(twice[0]), None, None, f"{where} have the same name; rename one")
    group = np.repeat(np.arange(len(parts), dtype=np.int32), [len(p.names) for p in parts])
    sources = [part.source for part in parts]
    if len(parts) == 1:
        (part,) = parts
        return Panel(part.names, part.pnl, part.sessions, groups, group), About(sources)
    keys = [key for key in KEYS if all(getattr(p.sessions, key) is not None for p in parts)]
    rows = [_rows(part, keys) for part in parts]
    _refuse_apart(parts, keys, rows)
    order = sorted(set().union(*rows), key=lambda key: key)
    at = {key: i for i, key in enumerate(order)}
    places = [np.array([at[key] for key in found], np.int64) for found in rows]
    pnl = np.zeros((len(group), len(order)))
    absent = first = 0
    for part, place in zip(parts, places, strict=True):
        last = first + len(part.names)
        pnl[first:last, place] = part.pnl
        absent += len(part.names) * (len(order) - len(place))
        first = last
    sessions, differing = _sessions([part.sessions for part in parts], places, len(order))
    names = [f"{g}_{name}" for g, part in zip(groups, parts, strict=True) for name in part.names]
    if len(set(names)) < len(names):
        name = next(name for name, count in Counter(names).items() if count > 1)
        raise DataError(Path(sources[0].name), None, name, "two strategies have this name merged")
    return Panel(names, pnl, sessions, groups, group), About(sources, absent, differing)


def _stem(part: Part) -> str:
    return Path(part.source.name).stem


def _refuse_apart(
    parts: Sequence[Part], keys: Sequence[str], rows: Sequence[Sequence[Key]]
) -> None:
    """A file whose days others have too, but no session, has another word for the zone."""
    if "zone" not in keys:
        return
    at = keys.index("zone")
    bare = [{key[:at] + key[at + 1 :] for key in found} for found in rows]
    for i, part in enumerate(parts):
        others = [j for j in range(len(parts)) if j != i]
        alike = next((j for j in others if bare[i] & bare[j]), None)
        if alike is not None and not any(set(rows[i]) & set(rows[j]) for j in others):
            why = (
                f"no session of it is in another file, though their days are: its zone is"
                f" {rows[i][0][at]!r} where {parts[alike].source.name} has {rows[alike][0][at]!r};"
                " write zones alike in all files, or take the column out of one"
            )
            raise DataError(Path(part.source.name), None, None, why)


def _rows(part: Part, keys: Sequence[str]) -> list[Key]:
    """What each session of a file is known by; two of one kind cannot be merged."""
    columns = [getattr(part.sessions, key).astype(_kind(key)).tolist() for key in keys]
    if "zone" in keys:
        at = keys.index("zone")
        columns[at] = [zone.casefold() for zone in columns[at]]
    rows = list(zip(*columns, strict=True))
    twice = next((row for row, count in Counter(rows).items() if count > 1), None)
    if twice is not None:
        known = ", ".join(f"{key} {value}" for key, value in zip(keys, twice, strict=True))
        why = f"two sessions with {known}; files that are merged need one row for each"
        raise DataError(Path(part.source.name), None, None, why)
    return rows


def _kind(key: str) -> str:
    return "datetime64[D]" if key == "date" else "O"


def _sessions(
    parts: Sequence[Sessions], places: Sequence[npt.NDArray[np.int64]], count: int
) -> tuple[Sessions, int]:
    """Each column from the first file that knows a cell; in how many a later one differs."""
    found: dict[str, Any] = {}
    differing = 0
    for field in fields(Sessions):
        having = [
            (getattr(part, field.name), place)
            for part, place in zip(parts, places, strict=True)
            if getattr(part, field.name) is not None
        ]
        if not having:
            continue
        kind = np.result_type(*(column.dtype for column, _ in having))
        empty = EMPTY.get(kind.kind, np.datetime64("NaT", "D"))
        whole = np.full(count, empty, kind)
        for column, place in having:
            there, unknown = whole[place], _unknown(whole[place])
            differing += int((~unknown & ~_unknown(column) & (there != column)).sum())
            whole[place] = np.where(unknown, column, there)
        found[field.name] = whole
    return replace(Sessions(found["date"]), **found), differing


def _unknown(column: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    match column.dtype.kind:
        case "f":
            return np.asarray(np.isnan(column), np.bool_)
        case "M":
            return np.asarray(np.isnat(column), np.bool_)
        case "U":
            return np.asarray(column == "", np.bool_)
        case _:
            return np.asarray(column == -1, np.bool_)
