"""What a run is at one moment: markets, who trades there, who waits, is it halted?"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from liveopt.core.bars import BarBuilder
from liveopt.core.events import Bar, Tick
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import Strategy
from liveopt.walk.contest import Contest
from liveopt.walk.events import Halt, Terms
from liveopt.walk.group import Group
from liveopt.walk.seat import Seat


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
    funding: deque[float] = field(default_factory=deque)
    """Rates to be settled, one a tick."""
    funded_ns: int = 0
    """The newest settlement that was taken."""
    bars: int = 0
    ticks: int = 0
    trades: int = 0
    """Closed by variants, whether they are still there or not."""
    waiting: deque[Seat] = field(default_factory=deque)
    """More are wanted than fit."""
    contest: Contest | None = None
    """Who may become champion; None where the run has no gate."""
    predecessor: str = ""
    """Who was champion before, and may be again."""

    def running(self) -> int:
        """How many places are taken, the champion's not counted."""
        return sum(group.count() for group in self.groups if not group.champion)


@dataclass(slots=True)
class State:
    """The whole of a run. `walk` is the only one who changes it."""

    strategies: Mapping[str, Strategy]
    run: str = ""
    terms: Terms | None = None
    markets: dict[str, Market] = field(default_factory=dict)
    joining: list[Seat] = field(default_factory=list)
    """Added, and to begin together with the next event of the market."""
    used: set[str] = field(default_factory=set)
    """Every name there ever was: who reads the journals must not take two for one."""
    halt: Halt | None = None
    at_ns: int = 0
    events: int = 0
    begun: bool = False
    """Whether all who were to be there from the start have been added."""
    _slow: dict[str, tuple[Group, int]] | None = None

    @property
    def waiting(self) -> list[Seat]:
        """Those for whom there is no place yet."""
        return [seat for market in self.markets.values() for seat in market.waiting]

    def groups(self) -> Iterator[tuple[Market, Group]]:
        """Every group with its market, in order."""
        for market in self.markets.values():
            for group in market.groups:
                yield market, group

    def running(self) -> int:
        """How many places are taken, the champions' not counted."""
        return sum(market.running() for market in self.markets.values())

    def positions(self) -> int:
        """How many paper positions are open."""
        return sum(group.positions() for _, group in self.groups())

    def find(self, variant: str) -> tuple[Market, Group, int, Seat] | None:
        """Where a variant sits."""
        for market, group in self.groups():
            for place, seat in enumerate(group.seats):
                if seat.id == variant:
                    return market, group, place, seat
        return None

    def slow(self, variant: str) -> tuple[Group, int] | None:
        """Where a variant of the slow lane sits."""
        if self._slow is None:
            self._slow = {
                seat.id: (group, place)
                for _, group in self.groups()
                if group.slow
                for place, seat in enumerate(group.seats)
            }
        return self._slow.get(variant)

    def moved(self) -> None:
        """Somebody has another seat than before."""
        self._slow = None
