"""Zones: parts of the day by the time a session begins, or what the file calls one."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Ints, Sessions
from liveopt.portfolio.refused import Refused

OUTSIDE: Final = -1
"""Of a session that lies in no zone: it is left out."""


class NoZones(Refused):
    """The file does not say what zones are made of."""


@dataclass(frozen=True, slots=True)
class Zones:
    """Their names, and which of them each session is in."""

    names: Sequence[str]
    of: Ints


def zones_of(sessions: Sessions, terms: Portfolio) -> Zones:
    """By the method of the settings. A zone begins at its start and ends before its end."""
    if terms.zone_method == "column":
        if sessions.zone is None:
            raise NoZones(
                "the file has no column Zone; `--set zone_method=equal` cuts the day by start_time"
            )
        names = list(dict.fromkeys(sessions.zone.tolist()))
        at = {name: i for i, name in enumerate(names)}
        return Zones(names, np.array([at[name] for name in sessions.zone.tolist()], np.int64))
    if sessions.start_min is None:
        raise NoZones(
            "the file has no column start_time, by which zones are cut;"
            " `--set zone_method=column` takes its Zone"
        )
    windows = windows_of(terms)
    of = np.full(len(sessions), OUTSIDE, np.int64)
    for i, (begin, end) in enumerate(windows):
        inside = (sessions.start_min >= begin) & (sessions.start_min < end) & (of == OUTSIDE)
        of[inside] = i
    word = "Custom Zone" if terms.zone_method == "custom" else "Zone"
    names = [
        f"{word} {i + 1} ({_clock(begin)}-{_clock(end)})" for i, (begin, end) in enumerate(windows)
    ]
    return Zones(names, of)


def windows_of(terms: Portfolio) -> list[tuple[float, float]]:
    """Minutes since midnight: of each zone its begin and its end."""
    if terms.zone_method == "freeform":
        bounds = [_minutes(one) for one in terms.zone_bounds]
        return list(itertools.pairwise(bounds))
    given = [tuple(map(_minutes, one.split("-"))) for one in terms.zone_windows]
    spans: list[tuple[float, float]] = [(begin, end) for begin, end in given]
    for begin, end in spans:
        if begin >= end:
            raise NoZones("a window of portfolio.zone_windows ends before it begins")
    if terms.zone_method == "custom":
        return spans
    cut = [np.linspace(begin, end, terms.zone_count + 1).tolist() for begin, end in spans]
    return [pair for edges in cut for pair in itertools.pairwise(edges)]


def _minutes(clock: str) -> float:
    hours, minutes = clock.split(":")
    return 60.0 * int(hours) + int(minutes)


def _clock(minutes: float) -> str:
    whole = round(minutes)
    return f"{whole // 60:02d}:{whole % 60:02d}"
