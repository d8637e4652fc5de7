"""The order book of one market: price first, then time; everybody waits in the same queues."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from liveopt.exchange_sim.events import Changed, Event, Side, Traded

Key = int | str
"""Who an order is: the anonymous ones of the flow have numbers, those of clients have names."""


class Level:
    """Orders at one price in the order they came, and the sum of their lots."""

    __slots__ = ("lots", "queue")

    def __init__(self) -> None:
        self.queue: OrderedDict[Key, int] = OrderedDict()
        self.lots = 0


class Half:
    """One side of the book. `ranks` are the populated prices, worst first, so the best is last.

    A rank is the price in ticks times `sign`: asks count downwards, so that on both sides the
    highest rank is the best price.
    """

    __slots__ = ("levels", "ranks", "side", "sign")

    def __init__(self, side: Side) -> None:
        self.side: Final[Side] = side
        self.sign: Final = 1 if side == "buy" else -1
        self.ranks: list[int] = []
        self.levels: dict[int, Level] = {}

    def best(self) -> int | None:
        """The best price in ticks, None when nobody is there."""
        return self.ranks[-1] * self.sign if self.ranks else None


class Book:
    """Both sides. Everything that happens is appended to `events`, stamped with `now_ns`.

    The sides never cross: who would cross is matched first. `sequence` counts changes of levels;
    a trade is numbered by the changes and trades before it, so its numbers grow with holes, as
    those of an exchange do whose trades share a counter with other things.
    """

    def __init__(self, symbol: str, sequences: tuple[int, int], name: Callable[[int], str]) -> None:
        """`sequences` are the numbers before the first change and before the first trade."""
        self.symbol = symbol
        self.now_ns = 0
        self.sequence, self._trade_base = sequences
        self._trade_base -= self.sequence
        self._trades = 0
        self._name = name
        self.bids = Half("buy")
        self.asks = Half("sell")
        self.orders: dict[Key, tuple[Half, int]] = {}
        self.events: list[Event] = []

    def drain(self) -> list[Event]:
        """What happened since the last call, in order."""
        events, self.events = self.events, []
        return events

    def half(self, side: Side) -> Half:
        """Where orders of this side rest."""
        return self.bids if side == "buy" else self.asks

    def add(self, key: Key, side: Side, ticks: int, lots: int) -> None:
        """Queues an order behind those at its price; it must not cross."""
        half = self.bids if side == "buy" else self.asks
        assert lots > 0
        assert ticks > 0
        assert key not in self.orders
        level = half.levels.get(ticks)
        if level is None:
            level = half.levels[ticks] = Level()
            insort(half.ranks, ticks * half.sign)
        level.queue[key] = lots
        level.lots += lots
        self.orders[key] = (half, ticks)
        self._changed(half, ticks, level.lots)

    def take(self, key: Key, side: Side, lots: int, limit_ticks: int | None) -> int:
        """Matches an incoming order as far as its limit allows; the lots left over."""
        half = self.asks if side == "buy" else self.bids
        ranks = half.ranks
        floor = None if limit_ticks is None else limit_ticks * half.sign
        while lots and ranks and (floor is None or ranks[-1] >= floor):
            ticks = ranks[-1] * half.sign
            level = half.levels[ticks]
            lots = self._match(level, ticks, lots, (key, side))
            if not level.lots:
                ranks.pop()
                del half.levels[ticks]
            self._changed(half, ticks, level.lots)
        return lots

    def cancel(self, key: Key, lots: int | None = None) -> int:
        """Takes an order, or so many of its lots, out; how many it were, 0 when it rests no more.

        What stays keeps its place in the queue.
        """
        half, ticks = self.orders.get(key, (None, 0))
        if half is None:
            return 0
        level = half.levels[ticks]
        resting = level.queue[key]
        if lots is None or lots >= resting:
            lots = resting
            del level.queue[key]
            del self.orders[key]
        else:
            assert lots >= 0
            level.queue[key] = resting - lots
        if not lots:
            return 0
        level.lots -= lots
        if not level.lots:
            self._vacate(half, ticks)
        self._changed(half, ticks, level.lots)
        return lots

    def withdraw(self, half: Half, ticks: int) -> int:
        """Takes all anonymous orders of a level out at once; the lots that stay there."""
        level = half.levels[ticks]
        before = level.lots
        for key in [key for key in level.queue if isinstance(key, int)]:
            level.lots -= level.queue.pop(key)
            del self.orders[key]
        if not level.lots:
            self._vacate(half, ticks)
        if level.lots != before:
            self._changed(half, ticks, level.lots)
        return level.lots

    def resting(self, key: Key) -> int:
        """Lots of an order that are still in the book."""
        half, ticks = self.orders.get(key, (None, 0))
        return 0 if half is None else half.levels[ticks].queue[key]

    def crosses(self, side: Side, limit_ticks: int | None) -> bool:
        """Whether an incoming order would trade at once."""
        half = self.asks if side == "buy" else self.bids
        if not half.ranks:
            return False
        return limit_ticks is None or half.ranks[-1] >= limit_ticks * half.sign

    def fillable(self, side: Side, limit_ticks: int | None) -> int:
        """Lots that an incoming order would find up to its limit."""
        half = self.asks if side == "buy" else self.bids
        first = 0 if limit_ticks is None else bisect_left(half.ranks, limit_ticks * half.sign)
        return sum(half.levels[rank * half.sign].lots for rank in half.ranks[first:])

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        """The best levels as (ticks, lots), best first."""
        half = self.half(side)
        ranks = half.ranks[: -depth - 1 : -1] if depth > 0 else []
        return [(rank * half.sign, half.levels[rank * half.sign].lots) for rank in ranks]

    def _match(self, level: Level, ticks: int, lots: int, taker: tuple[Key, Side]) -> int:
        """Trades with a level's orders, oldest first; the lots left over."""
        queue = level.queue
        taker_id = self._spelled(taker[0])
        while lots and queue:
            key = next(iter(queue))
            resting = queue[key]
            if resting <= lots:
                filled = resting
                del queue[key]
                del self.orders[key]
            else:
                filled = lots
                queue[key] = resting - lots
            lots -= filled
            level.lots -= filled
            self._trades += 1
            self.events.append(
                Traded(
                    self.symbol,
                    self._trade_base + self.sequence + self._trades,
                    self.now_ns,
                    ticks,
                    filled,
                    taker[1],
                    taker_id,
                    self._spelled(key),
                )
            )
        return lots

    def _vacate(self, half: Half, ticks: int) -> None:
        """Removes a level that has become empty."""
        del half.levels[ticks]
        rank = ticks * half.sign
        del half.ranks[bisect_left(half.ranks, rank)]

    def _changed(self, half: Half, ticks: int, lots: int) -> None:
        self.sequence += 1
        self.events.append(Changed(self.symbol, self.sequence, self.now_ns, half.side, ticks, lots))

    def _spelled(self, key: Key) -> str:
        return key if isinstance(key, str) else self._name(key)
