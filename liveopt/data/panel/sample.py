"""A desk made from a seed: daily profit and loss of many strategies, for whoever has no CSV yet.

Strategies follow a few common moods, some have an edge, many do not, and a third of all sessions
they rest; so there is something to find, and much that only looks like it.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from liveopt.data.panel.panel import Dates, Float64

MOODS: Final = 6
SPREAD: Final = 100.0
"""Money that a session moves a strategy by, about."""
EDGE: Final = 8.0
"""Its standard deviation over strategies."""
RESTS: Final = 0.35
START: Final = "2024-01-01"
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri")
BLOCK: Final = 2_048


def days(sessions: int) -> Dates:
    """So many weekdays."""
    return np.busday_offset(START, np.arange(sessions), roll="forward")


def names(strategies: int) -> list[str]:
    """Of its strategies."""
    return [f"S{i:06d} SL{20 + i % 31}%TP{40 + i % 47}%" for i in range(strategies)]


def profits(strategies: int, sessions: int, seed: int) -> Float64:
    """[session, strategy], to the hundredth."""
    moods = np.random.default_rng([seed, 0]).standard_normal((sessions, MOODS))
    found = np.empty((sessions, strategies))
    for first in range(0, strategies, BLOCK):
        luck = np.random.default_rng([seed, 1, first])
        count = min(BLOCK, strategies - first)
        own = SPREAD * 0.7 * luck.standard_t(4, (sessions, count))
        own += SPREAD * 0.5 * (moods @ luck.standard_normal((MOODS, count))) / MOODS**0.5
        own += EDGE * luck.standard_normal(count)
        own[luck.random((sessions, count)) < RESTS] = 0.0
        found[:, first : first + count] = np.round(own, 2)
    return found


def lines(strategies: int, sessions: int, seed: int) -> Iterator[str]:
    """The lines of a CSV: Date, Zone, Day and a column for each strategy."""
    yield ",".join(["Date", "Zone", "Day", *names(strategies)]) + "\n"
    table = profits(strategies, sessions, seed)
    for row, day in zip(table, days(sessions), strict=True):
        weekday = DAYS[day.astype(object).weekday()]
        zone = "AB"[int(day.astype(int)) % 2]
        cells = ",".join("0" if cell == 0.0 else f"{cell:.2f}" for cell in row.tolist())
        yield f"{day},{zone},{weekday},{cells}\n"
