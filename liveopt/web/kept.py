"""Trades and entries as the web process has them: where each stands, and which are asked for."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from liveopt.walk.records import EXPERIMENTAL, TRADES, Entered, Journal, Trade

JOURNALS: Final[tuple[Journal, ...]] = (EXPERIMENTAL, TRADES)


class Place(NamedTuple):
    """Where a record stands among all: by time, then by journal and number."""

    at_ns: int
    journal: str
    seq: int

    def __str__(self) -> str:
        return f"{self.at_ns}.{JOURNALS.index(self.journal)}.{self.seq}"


def place_of(text: str) -> Place | None:
    """A place as it was told; None for anything else."""
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    at_ns, journal, seq = (int(part[:20]) for part in parts)
    return Place(at_ns, JOURNALS[journal], seq) if journal < len(JOURNALS) else None


def before_all(at_ns: int) -> Place:
    """Before every record of that time."""
    return Place(at_ns, JOURNALS[0], 0)


class Kept(NamedTuple):
    """One record, and where it stands."""

    place: Place
    record: Trade | Entered


class Found(NamedTuple):
    """The newest that were asked for, and before which place to go on; None where that is all."""

    kept: list[Kept]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which trades are asked for; empty is any."""

    limit: int = 100
    variant: str = ""
    side: str = ""
    reason: str = ""
    experimental: bool | None = None
    before: Place | None = None
    since_ns: int = 0
    until_ns: int = 1 << 63

    def takes(self, kept: Kept) -> bool:
        """Whether this is one of them."""
        record = kept.record
        return (
            (not self.variant or record.variant == self.variant)
            and (not self.side or record.side == self.side)
            and self.since_ns <= record.at_ns <= self.until_ns
            and (self.before is None or kept.place < self.before)
            and (not isinstance(record, Trade) or self._takes_trade(record))
        )

    def _takes_trade(self, trade: Trade) -> bool:
        return (not self.reason or trade.reason == self.reason) and (
            self.experimental is None or trade.experimental is self.experimental
        )
