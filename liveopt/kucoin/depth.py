"""The order book kept up to date: a snapshot, then every change after it without a hole."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Quote
from liveopt.kucoin.wire import Delta

WAITING_MAX: Final = 10_000
"""Changes kept while a snapshot is on its way; more means that it will never come."""
BACKWARDS_NS: Final = 2 * SECOND_NS
"""A number already had, with a time this much later, is of a new count."""


class BookSnapshot(NamedTuple):
    """A book as REST tells it, best levels first."""

    symbol: str
    sequence: int
    at_ns: int
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]


@dataclass(slots=True)
class Depth:
    """One symbol's book. `wants` says that a snapshot has to be fetched and handed to `start`.

    Changes are buffered until the snapshot; the snapshot is asked for only after a first change
    has come, or changes between the two would be lost.
    """

    symbol: str
    sequence: int = 0
    """The newest change that is in the book; 0 while there is no book."""
    gaps: int = 0
    at_ns: int = 0
    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)
    _waiting: deque[Delta] = field(default_factory=lambda: deque(maxlen=WAITING_MAX))

    @property
    def wants(self) -> bool:
        """A snapshot is missing, and the stream has begun."""
        return not self.sequence and bool(self._waiting)

    def change(self, delta: Delta) -> bool:
        """Takes a change; true if the book is one, and moved."""
        if not self.sequence:
            self._waiting.append(delta)
            return False
        anew = delta.last <= self.sequence and delta.at_ns > self.at_ns + BACKWARDS_NS
        if delta.last <= self.sequence and not anew:
            return False
        if delta.first > self.sequence + 1 or anew:
            self.gaps += 1
            self.drop()
            self._waiting.append(delta)
            return False
        self._apply(delta)
        return True

    def start(self, snapshot: BookSnapshot) -> bool:
        """The snapshot has come; false if it is older than the changes, so that one more is due."""
        if self.sequence and snapshot.sequence <= self.sequence:
            return True  # asked twice
        waiting = [delta for delta in self._waiting if delta.last > snapshot.sequence]
        if waiting and waiting[0].first > snapshot.sequence + 1:
            return False
        self.bids, self.asks = dict(snapshot.bids), dict(snapshot.asks)
        self.sequence, self.at_ns = snapshot.sequence, snapshot.at_ns
        self._waiting.clear()
        for delta in waiting:
            self.change(delta)
        return bool(self.sequence)

    def drop(self) -> None:
        """The book can no longer be trusted: start anew."""
        self.sequence = 0
        self.bids.clear()
        self.asks.clear()
        self._waiting.clear()

    def top(self) -> Quote | None:
        """The best bid and ask; None while one side is empty, they cross, or there is no book."""
        if not self.bids or not self.asks:
            return None
        bid, ask = max(self.bids), min(self.asks)
        if bid > ask:
            return None
        return Quote(
            self.at_ns, self.symbol, self.sequence, bid, self.bids[bid], ask, self.asks[ask]
        )

    def levels(self, count: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
        """The best bids and asks."""
        bids = sorted(self.bids.items(), reverse=True)[:count]
        return bids, sorted(self.asks.items())[:count]

    def _apply(self, delta: Delta) -> None:
        _put(self.bids, self.asks, delta.changes, self.sequence)
        self.sequence = delta.last
        self.at_ns = max(self.at_ns, delta.at_ns)


def _put(
    bids: dict[float, float],
    asks: dict[float, float],
    changes: Iterable[tuple[bool, float, float, int]],
    after: int,
) -> None:
    for is_bid, price, size, sequence in changes:
        if sequence <= after or not price:
            continue  # already in the snapshot; or a number without a change
        side = bids if is_bid else asks
        if size:
            side[price] = size
        else:
            side.pop(price, None)
