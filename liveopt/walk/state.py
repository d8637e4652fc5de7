"""What a run is at one moment: markets, who trades there, who waits, is it halted?"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from liveopt.core.bars import BarBuilder
from liveopt.core.events import Bar, Tick
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Strategy
from liveopt.walk.events import Halt, Terms
from liveopt.walk.group import Group, Seat
from liveopt.walk.variant import Variant


@dataclass(slots=True)
class Market:
    """One symbol: its bars and everybody who trades it."""

    symbol: str
    instrument: Instrument
    builder: BarBuilder
    past: deque[Bar]
    """The newest signal bars, for those who join later."""
    groups: list[Group] = field(default_factory=list)
    origin_ns: int | None = None
    """The first tick: the engine counts seconds from here."""
    last: Tick | None = None
    """Where a new connection has to go on."""
    funding: float = 0.0
    """A rate that is settled with the next tick."""
    funded_ns: int = 0
    """The newest settlement that was taken."""
    bars: int = 0
    ticks: int = 0
    trades: int = 0
    """Closed by variants, whether they are still there or not."""


@dataclass(slots=True)
class State:
    """The whole of a run. `walk` is the only one who changes it."""

    strategies: Mapping[str, Strategy]
    run: str = ""
    terms: Terms | None = None
    markets: dict[str, Market] = field(default_factory=dict)
    joining: list[Variant] = field(default_factory=list)
    """Added, and to begin together with the next event of the market."""
    waiting: deque[Variant] = field(default_factory=deque)
    """More are wanted than fit."""
    halt: Halt | None = None
    at_ns: int = 0
    events: int = 0
    begun: bool = False
    """Whether all who were to be there from the start have been added."""

    def groups(self) -> Iterator[tuple[Market, Group]]:
        """Every group with its market, in order."""
        for market in self.markets.values():
            for group in market.groups:
                yield market, group

    def running(self) -> int:
        """How many places are taken, the champions' not counted."""
        return sum(group.count() for _, group in self.groups() if not group.champion)

    def positions(self) -> int:
        """How many paper positions are open."""
        return sum(group.positions() for _, group in self.groups())

    def find(self, variant: str) -> tuple[Market, Group, int, Seat] | None:
        """Where a variant sits."""
        for market, group in self.groups():
            for place, seat in enumerate(group.seats):
                if seat.variant.id == variant:
                    return market, group, place, seat
        return None
