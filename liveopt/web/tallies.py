"""What the variants' closed trades came to: of the whole run, or of those that are asked for."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final

from liveopt.walk.records import Trade
from liveopt.web.kept import Kept, Wanted

ACCOUNTS_MAX: Final = 100_000
SLICE: Final = 4_096
"""Trades or accounts between two times that the loop is given to others."""


@dataclass(slots=True)
class Account:
    """What closed trades came to."""

    trades: int = 0
    wins: int = 0
    net: float = 0.0
    roi: float = 0.0
    """Sum of the trades' returns on margin, a fraction."""

    def add(self, trade: Trade) -> None:
        """One more."""
        self.trades += 1
        self.wins += (trade.net or 0.0) > 0.0
        self.net += trade.net or 0.0
        self.roi += trade.roi or 0.0


@dataclass(slots=True)
class Tally:
    """Trades of variants while they were no champion: all together, and by variant."""

    all: Account = field(default_factory=Account)
    by: dict[str, Account] = field(default_factory=dict)
    complete: bool = True
    """Whether everything is in `by`, and whatever was asked for in `all`."""

    def add(self, trade: Trade) -> None:
        """A champion's is not counted; of more variants than there may be, only in all."""
        if not trade.experimental:
            return
        self.all.add(trade)
        own = self.by.get(trade.variant)
        if own is None:
            if len(self.by) == ACCOUNTS_MAX:
                self.complete = False
                return
            own = self.by[trade.variant] = Account()
        own.add(trade)

    async def most(self, count: int) -> list[tuple[str, Account]]:
        """Those with the most trades, the most first; the loop is not held up by it."""
        there, by = list(self.by), self.by
        found: list[str] = []
        for first in range(0, len(there), SLICE):
            some = [*found, *there[first : first + SLICE]]
            found = nlargest(count, some, key=lambda name: by[name].trades)
            await asyncio.sleep(0)
        return [(name, by[name]) for name in found]


async def tallied(trades: Sequence[Kept], wanted: Wanted) -> Tally:
    """Of those of these that are wanted."""
    found = Tally()
    for first in range(0, len(trades), SLICE):
        for kept in trades[first : first + SLICE]:
            if isinstance(kept.record, Trade) and wanted.takes(kept):
                found.add(kept.record)
        await asyncio.sleep(0)
    return found
