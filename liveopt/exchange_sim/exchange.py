"""All markets of both venues on one clock, and those who listen to what happens there."""

from collections import deque
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Final

from liveopt.exchange_sim.edge import Edge
from liveopt.exchange_sim.events import Event, Push
from liveopt.exchange_sim.market import Conditions, Market, open_market
from liveopt.exchange_sim.regimes import regime_named
from liveopt.exchange_sim.specs import SPECS, Spec, spec_named

SLICE_NS: Final = 100_000_000
"""Listeners hear of what happened at least so often in market time, and may act in between."""

_AT_NS = attrgetter("at_ns")


class Exchange:
    """Markets in lockstep. The same seed gives the same events, byte for byte.

    A listener that acts on what it hears (a stop order) does so at the end of a slice of time;
    what comes of it is told after what it was told of.
    """

    def __init__(
        self,
        seed: int,
        start_ns: int,
        markets: Iterable[Spec | str | Market] = SPECS,
        *,
        activity: float = 1.0,
        regime: str | None = None,
        edge: Edge | None = None,
    ) -> None:
        """Markets are opened from specs and symbols; a ready one (played from a file) is taken."""
        conditions = Conditions(activity, regime, edge)
        self.now_ns = start_ns
        self.markets: dict[str, Market] = {}
        for wanted in markets:
            spec = spec_named(wanted) if isinstance(wanted, str) else wanted
            market = (
                spec if isinstance(spec, Market) else open_market(spec, seed, start_ns, conditions)
            )
            symbol = market.spec.symbol
            assert market.now_ns == start_ns
            if symbol in self.markets:
                raise ValueError(f"{symbol} is there twice")
            self.markets[symbol] = market
        self.listeners: list[Callable[[list[Event]], None]] = []
        self.private: list[Callable[[Push], None]] = []
        self._told: deque[list[Event]] = deque()
        self._telling = False

    def advance(self, to_ns: int) -> None:
        """Lets all markets trade up to that moment, in time order, and tells the listeners."""
        assert to_ns >= self.now_ns
        while self.now_ns < to_ns:
            self.now_ns = min(to_ns, self.now_ns - self.now_ns % SLICE_NS + SLICE_NS)
            events: list[Event] = []
            for market in self.markets.values():
                events += market.advance(self.now_ns)
            events.sort(key=_AT_NS)
            self.tell(events)

    def tell(self, events: list[Event]) -> None:
        """What a client's order caused, told to the listeners like everything else.

        Every listener hears everything in the same order, also when one causes more by acting. In
        a slice without events they hear so: orders expire, and funding is due, all the same.
        """
        self._told.append(events)
        if self._telling:
            return
        self._telling = True
        try:
            while self._told:
                batch = self._told.popleft()
                for listener in self.listeners:
                    listener(batch)
        finally:
            self._telling = False

    def push(self, push: Push) -> None:
        """Tells those who serve private sockets."""
        for listener in self.private:
            listener(push)

    def force(self, regime: str | None) -> None:
        """From now on only this mood everywhere; None lets them follow each other.

        Markets that are played from a file have no moods.
        """
        if regime is not None:
            regime_named(regime)
        for market in self.markets.values():
            if market.regime != "played":
                market.force(regime)
