"""One symbol that trades by itself: a book, an order flow, the tape and the candles it leaves."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Final
from zlib import crc32

from liveopt.exchange_sim.book import Book
from liveopt.exchange_sim.candles import Candles
from liveopt.exchange_sim.edge import Edge
from liveopt.exchange_sim.events import Event, Side, Traded
from liveopt.exchange_sim.fair import Fair
from liveopt.exchange_sim.flow import Flow, Source
from liveopt.exchange_sim.history import minutes
from liveopt.exchange_sim.specs import Spec

TAPE: Final = 1_000
FUNDING_NS: Final = 8 * 3_600_000_000_000
INTEREST: Final = 0.0001
FUNDING_MAX: Final = 0.003
LEAD_S: Final = 300.0
"""Seconds traded before the start, so that there is a tape; less when busier."""

Candle = tuple[int, int, int, int, int, int, float]


class Market:
    """A book that its source and the clients trade in.

    Time goes forward only through `advance`. What clients do (`submit`, `cancel`) happens at
    `now_ns`. Every method that changes something returns what happened, in order.
    """

    def __init__(self, spec: Spec, source: Source, start_ns: int, candles: Candles) -> None:
        self.spec = spec
        self.now_ns = start_ns
        self.tape: deque[Traded] = deque(maxlen=TAPE)
        self._source = source
        self._candles = candles
        self._book = Book(spec.symbol, *_numbers(spec))
        source.open(self._book, start_ns)
        self._book.drain()

    @property
    def book_sequence(self) -> int:
        """The number of the last change of a level."""
        return self._book.sequence

    @property
    def regime(self) -> str:
        """The mood the market is in."""
        return self._source.regime(self.now_ns)

    def force(self, regime: str | None) -> None:
        """From now on only this mood; None lets them follow each other."""
        self._source.force(regime, self.now_ns)

    def advance(self, to_ns: int) -> list[Event]:
        """Lets the others trade up to and including that moment."""
        assert to_ns >= self.now_ns
        source, book = self._source, self._book
        while source.next_ns <= to_ns:
            source.act(book)
        self.now_ns = to_ns
        return self._happened()

    def submit(
        self,
        order_id: str,
        side: Side,
        lots: int,
        limit_ticks: int | None,
        *,
        rest: bool = True,
        post_only: bool = False,
    ) -> list[Event]:
        """A client's order meets the book; what it traded are the `Traded` with its id in them.

        No limit is a market order, of which nothing rests. What is left of a limit order rests
        unless `rest` is False (IOC). A post-only order that would trade does nothing at all.
        """
        assert lots > 0
        book = self._book
        book.now_ns = self.now_ns
        if post_only and book.crosses(side, limit_ticks):
            return []
        left = book.take(order_id, side, lots, limit_ticks)
        if left and rest and limit_ticks is not None:
            book.add(order_id, side, limit_ticks, left)
        return self._happened()

    def cancel(self, order_id: str, lots: int | None = None) -> tuple[int, list[Event]]:
        """Takes (part of) a resting order out: the lots removed, 0 when it rests no more."""
        self._book.now_ns = self.now_ns
        return self._book.cancel(order_id, lots), self._happened()

    def resting(self, order_id: str) -> int:
        """Lots of an order that still rest in the book."""
        return self._book.resting(order_id)

    def fillable(self, side: Side, limit_ticks: int | None) -> int:
        """Lots that an order of this side would find now, up to its limit (for fill-or-kill)."""
        return self._book.fillable(side, limit_ticks)

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        """The best `depth` levels as (ticks, lots); bids highest first, asks lowest first."""
        return self._book.levels(side, depth)

    def last_ticks(self) -> int:
        """The price of the last trade; the index where there is none yet."""
        return self.tape[-1].ticks if self.tape else self.spec.ticks(self.index_price())

    def index_price(self) -> float:
        """The price of the underlying coin."""
        return self._source.index(self.now_ns)

    def mark_price(self) -> float:
        """The middle one of the index with funding, the middle of the book, and the last trade."""
        left = (self.next_funding_ns() - self.now_ns) / FUNDING_NS
        index = self.index_price() * (1.0 + self.funding_rate() * left)
        last = self.spec.price(self.last_ticks())
        bid, ask = self._book.bids.best(), self._book.asks.best()
        middle = last if bid is None or ask is None else float((bid + ask) * self.spec.tick / 2)
        return median((index, middle, last))

    def funding_rate(self) -> float:
        """The rate that would settle now, per funding interval (8 h)."""
        premium = self._source.premium()
        rate = premium + min(5e-4, max(-5e-4, INTEREST - premium))
        return min(FUNDING_MAX, max(-FUNDING_MAX, rate))

    def next_funding_ns(self) -> int:
        """When funding settles next: at 0, 8 and 16 o'clock UTC."""
        return self.now_ns // FUNDING_NS * FUNDING_NS + FUNDING_NS

    def candles(self, interval_s: int, from_s: int, to_s: int) -> list[Candle]:
        """Candles with trades opening in [from_s, to_s), oldest first, the open one included.

        (open_s, open, close, high, low in ticks, volume in lots, turnover in quote).
        """
        turnover = self.spec.turnover
        return [
            (*row[:6], turnover(row[6], row[5]))
            for row in self._candles.rows(interval_s, from_s, to_s)
        ]

    def _happened(self) -> list[Event]:
        events = self._book.drain()
        for event in events:
            if type(event) is Traded:
                self.tape.append(event)
                self._candles.add(event.at_ns, event.ticks, event.lots)
        return events


@dataclass(frozen=True, slots=True)
class Conditions:
    """How markets behave that trade by themselves."""

    activity: float = 1.0
    """How busy they are, as a multiple of what their specs say."""
    regime: str | None = None
    """The only mood; None lets the moods follow each other."""
    edge: Edge | None = None
    history_s: int = 7 * 86_400
    """How far back candles go."""
    volatility: float = 1.0
    """How far prices move, as a multiple of what the specs say."""


def open_market(spec: Spec, seed: int, start_ns: int, conditions: Conditions) -> Market:
    """A market with a past: candles, then some minutes traded tick by tick up to `start_ns`."""
    lead_ns = start_ns - int(LEAD_S / conditions.activity * 1e9)
    edge = conditions.edge
    wild = replace(spec, volatility=spec.volatility * conditions.volatility)
    fair = Fair(wild, seed, lead_ns, edge)
    if conditions.regime is not None:
        fair.force(conditions.regime, lead_ns)
    flow = Flow(wild, seed, lead_ns, fair, conditions.activity)
    history = minutes(wild, seed, lead_ns, conditions.history_s, edge)
    market = Market(spec, flow, lead_ns, Candles(history))
    market.advance(start_ns)
    return market


def _numbers(spec: Spec) -> tuple[tuple[int, int], Callable[[int], str]]:
    """Where the sequences of a market begin, and how it names orders, as KuCoin's do."""
    mark = crc32(spec.symbol.encode())
    if spec.venue == "spot":
        first = (mark << 32) + (1 << 94)
        return (mark, (10 << 50) + mark), lambda n: f"{first + n:024x}"
    first = 100_000_000_000_000_000 + mark * 10_000_000
    return ((1_700_000_000_000 + mark), (1_730_000_000_000 + mark)), lambda n: str(first + n)
