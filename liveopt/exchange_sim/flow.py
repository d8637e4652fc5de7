"""The orders of everybody else: quotes, cancels and takers around a fair price that moves."""

from itertools import count
from math import sqrt
from typing import Final, Protocol

from liveopt.exchange_sim.book import Book, Half
from liveopt.exchange_sim.events import Side
from liveopt.exchange_sim.fair import BLOCK, NEWS_PER_S, YEAR_S, Fair, stream
from liveopt.exchange_sim.specs import Spec

LEVELS: Final = 100
"""Populated levels a side towards which quotes and cancels balance."""
LEVELS_MIN: Final = 55
"""Populated levels a side that are always there, within the reach of quotes."""
QUEUE_MAX: Final = 8
"""Orders in one level's queue beyond which nobody joins it."""
ACTIONS_PER_TRADE: Final = 16.0
ACTIONS_PER_S_MIN: Final = 24.0
TAKERS_PER_TRADE: Final = 0.25
"""Takers out of the blue for each trade that the spec promises; others follow, and news trade."""
FOLLOWERS: Final = 0.4
"""How often the action after a taker is another one of the same side: trades come in bursts."""
HURRY: Final = 0.1
"""What is left of the usual time until that action."""
TOUCH: Final = 0.45
"""Share of quotes and cancels within a few ticks of the fair price; the others are spread wide."""
TOUCH_TICKS: Final = 1.5
WIDE_TICKS: Final = 40.0


class Source(Protocol):
    """What makes a market trade by itself: the seeded flow, or trades played from a file."""

    next_ns: int
    """When it acts next."""

    def open(self, book: Book, at_ns: int) -> None:
        """Fills the empty book."""
        ...

    def act(self, book: Book) -> None:
        """Does what is due at `next_ns`, and moves `next_ns` on."""
        ...

    def index(self, at_ns: int) -> float:
        """The price of the underlying coin."""
        ...

    def premium(self) -> float:
        """How far a contract has lately been above its index, as a fraction."""
        ...

    def regime(self, at_ns: int) -> str:
        """The mood the market is in."""
        ...

    def force(self, regime: str | None, at_ns: int) -> None:
        """From now on only this mood; None lets them follow each other."""
        ...


class Flow:
    """Seeded actions, one after the other; each uses one row of numbers drawn in advance.

    A quote more than the fair price allows is impossible, so what rests on the wrong side of it,
    after news or from a client, is stale: it is taken, or pulled by who placed it.
    """

    def __init__(self, spec: Spec, seed: int, start_ns: int, fair: Fair, activity: float) -> None:
        if not activity > 0.0:
            raise ValueError(f"an activity of {activity:g} is not above 0")
        self.next_ns = start_ns + 1
        self._fair = fair
        self._luck = stream(seed, spec.symbol, "flow")
        self._per_tick = 1.0 / float(spec.tick)
        self._order_lots = float(spec.order_lots)
        actions_per_s = max(ACTIONS_PER_S_MIN, spec.trades_per_s * ACTIONS_PER_TRADE)
        self._gap_ns = 1e9 / (actions_per_s * activity)
        self._takers = TAKERS_PER_TRADE * spec.trades_per_s / actions_per_s
        self._takers_now = self._takers
        self._taking: Side = "buy"
        jump = spec.start_price * self._per_tick * spec.volatility / sqrt(YEAR_S * NEWS_PER_S)
        self._wide = max(WIDE_TICKS, 4.0 * jump)
        self._step = max(1, int(self._wide / 50.0))
        self._reach = int(8.0 * self._wide)
        self._ids = count(1)
        self._row = BLOCK
        self._draws: list[tuple[float, float, float, float, float]] = []

    def open(self, book: Book, at_ns: int) -> None:
        """Quotes up to the usual number of levels on both sides."""
        book.now_ns = at_ns
        fair = int(self._fair.at(at_ns) * self._per_tick)
        self._deepen(book, book.bids, fair, LEVELS)
        self._deepen(book, book.asks, -fair - 1, LEVELS)

    def act(self, book: Book) -> None:
        """One action: somebody quotes, cancels, takes, or picks up what has become stale."""
        at_ns = book.now_ns = self.next_ns
        if self._row == BLOCK:
            self._draw()
        gap, kind, where, far, size = self._draws[self._row]
        self._row += 1
        fair = int(self._fair.at(at_ns) * self._per_tick)
        lots = 1 + int(size * self._order_lots)
        bids, asks = book.bids.ranks, book.asks.ranks
        if asks and -asks[-1] <= fair:
            self._reprice(book, "buy", fair, (far, lots))
        elif bids and bids[-1] > fair:
            self._reprice(book, "sell", fair + 1, (far, lots))
        elif kind < self._takers_now:
            if self._takers_now != FOLLOWERS:
                self._taking = "buy" if where < 0.5 else "sell"
            self._take(book, fair, lots)
            self._takers_now = FOLLOWERS
            gap *= HURRY
        else:
            chance = (kind - self._takers_now) / (1.0 - self._takers_now)
            self._takers_now = self._takers
            self._quote(book, chance, where, (fair, far, lots))
        self._deepen(book, book.bids, fair, LEVELS_MIN)
        self._deepen(book, book.asks, -fair - 1, LEVELS_MIN)
        self.next_ns = at_ns + 1 + int(gap * self._gap_ns / self._fair.regime.pace)

    def index(self, at_ns: int) -> float:
        """The fair price of the coin, without the basis."""
        self._fair.at(at_ns)
        return self._fair.index

    def premium(self) -> float:
        """The basis, averaged over about an hour."""
        return self._fair.premium

    def regime(self, at_ns: int) -> str:
        """The mood the market is in."""
        self._fair.at(at_ns)
        return self._fair.regime.name

    def force(self, regime: str | None, at_ns: int) -> None:
        """From now on only this mood; None lets them follow each other."""
        self._fair.force(regime, at_ns)

    def _draw(self) -> None:
        luck = self._luck
        columns = (
            luck.exponential(1.0, BLOCK),
            luck.random(BLOCK),
            luck.random(BLOCK),
            luck.exponential(1.0, BLOCK),
            luck.lognormal(-0.5, 1.0, BLOCK),
        )
        self._draws = list(zip(*(column.tolist() for column in columns), strict=True))
        self._row = 0

    def _reprice(self, book: Book, side: Side, limit_ticks: int, order: tuple[float, int]) -> None:
        """News: one taker sweeps stale levels, the rest of them is pulled, new quotes follow."""
        far, lots = order
        book.take(next(self._ids), side, 2 * lots, limit_ticks)
        half, behind = (book.asks, book.bids) if side == "buy" else (book.bids, book.asks)
        floor = limit_ticks * half.sign
        while half.ranks and half.ranks[-1] >= floor:
            if book.withdraw(half, half.ranks[-1] * half.sign):
                return  # a client's order stands in the way; the next action meets it again
        book.add(next(self._ids), behind.side, limit_ticks, lots)
        away = 1 + int(far * TOUCH_TICKS)
        book.add(next(self._ids), half.side, limit_ticks - away * half.sign, lots)

    def _take(self, book: Book, fair: int, lots: int) -> None:
        """A market order that stops at what nobody would pay."""
        reach = int(self._wide)
        limit = fair + 1 + reach if self._taking == "buy" else max(1, fair - reach)
        book.take(next(self._ids), self._taking, lots, limit)

    def _quote(
        self, book: Book, chance: float, where: float, order: tuple[int, float, int]
    ) -> None:
        """Somebody joins the book, or leaves it; the fuller the side, the more leave."""
        fair, far, lots = order
        half, place = (book.bids, where * 2.0) if where < 0.5 else (book.asks, where * 2.0 - 1.0)
        near = place < TOUCH
        away = int(far * (TOUCH_TICKS if near else self._wide))
        ticks = fair - away if half.sign > 0 else fair + 1 + away
        levels = len(half.ranks)
        level = half.levels.get(ticks)
        if level is not None and len(level.queue) >= QUEUE_MAX:
            self._leave(book, half, ticks)
        elif chance * 2 * LEVELS > levels:
            if ticks > 0:
                book.add(next(self._ids), half.side, ticks, lots)
        elif near:
            self._leave(book, half, half.ranks[-1 - min(away, levels - 1)] * half.sign)
        else:
            index = int((place - TOUCH) / (1.0 - TOUCH) * levels)
            self._leave(book, half, half.ranks[index] * half.sign)

    def _leave(self, book: Book, half: Half, ticks: int) -> None:
        """The newest order of a level goes, unless it is a client's."""
        key = next(reversed(half.levels[ticks].queue))
        if isinstance(key, int):
            book.cancel(key)

    def _deepen(self, book: Book, half: Half, fair_rank: int, levels: int) -> None:
        """Adds levels, going away from the fair price, until there are enough within reach."""
        ranks, floor, rank = half.ranks, fair_rank - self._reach, fair_rank + 1
        while len(ranks) < levels or ranks[-levels] < floor:
            key = next(self._ids)
            rank -= 1 + key * 7 % self._step
            ticks = rank * half.sign
            if rank < floor or ticks < 1:
                break
            if ticks not in half.levels and self._free(book, half, rank):
                lots = int(self._order_lots * (0.5 + key * 37 % 100 / 50.0)) + 1
                book.add(key, half.side, ticks, lots)

    def _free(self, book: Book, half: Half, rank: int) -> bool:
        """Whether a quote there would not cross a client's order that is still stale."""
        other = book.asks if half is book.bids else book.bids
        return not other.ranks or rank < -other.ranks[-1]
