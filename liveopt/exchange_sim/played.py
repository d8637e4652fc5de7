"""A market whose trades come from a file; clients meet them in a book built around the price."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from liveopt.core.bars import MINUTE_NS, Bars
from liveopt.data.candles import read_candles
from liveopt.data.pushes import read_pushed_trades
from liveopt.data.trades import Trades, read_trades
from liveopt.exchange_sim.book import Book, Half
from liveopt.exchange_sim.candles import Candles
from liveopt.exchange_sim.events import Side
from liveopt.exchange_sim.fair import NEVER_NS, stream
from liveopt.exchange_sim.fitted import check_tick, fitted_spec
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.specs import Spec

LADDER: Final = 60
"""Levels a side next to the price that are always populated; twice as many at most."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of trades or candles, or a folder of raw frames, and how to play it."""

    path: Path
    content: Literal["trades", "candles", "frames"] = "trades"
    loop: bool = False
    """Begin again at its end; otherwise the market then stands still."""
    lead_s: int = 0
    """How much of it has already happened when the exchange starts: a past with candles."""


@dataclass(frozen=True, slots=True)
class Prints:
    """Trades in whole ticks and lots, oldest first."""

    at_ns: NDArray[np.int64]
    ticks: NDArray[np.int64]
    lots: NDArray[np.int64]


def open_played(wanted: Spec | str, recording: Recording, seed: int, start_ns: int) -> Market:
    """A market that plays a file, whose first trade is at the start (earlier by the lead).

    With only a symbol given, the file's own prices and sizes say what a tick and a lot are.
    """
    if recording.content == "candles":
        bars = read_candles(recording.path)
        spec = _fitting(wanted, bars.close, bars.volume)
        prints = prints_of_candles(spec, bars, seed)
    else:
        trades = _trades(wanted, recording)
        spec = _fitting(wanted, trades.price, trades.size)
        prints = prints_of_trades(spec, trades)
    if not len(prints.at_ns):
        raise ValueError(f"{recording.path} has no trade of a lot ({spec.lot}) or more to play")
    from_ns = start_ns - recording.lead_s * 1_000_000_000
    market = Market(spec, Played(spec, prints, from_ns, recording.loop), from_ns, Candles())
    market.advance(start_ns)
    return market


def _trades(wanted: Spec | str, recording: Recording) -> Trades:
    if recording.content == "trades":
        return read_trades(recording.path)
    symbol = wanted if isinstance(wanted, str) else wanted.symbol
    found = read_pushed_trades(recording.path)
    if symbol not in found:
        there = ", ".join(found) or "none"
        raise ValueError(f"{recording.path} has no trades of {symbol}; it has some of: {there}")
    return found[symbol]


def _fitting(wanted: Spec | str, price: NDArray[np.float64], size: NDArray[np.float64]) -> Spec:
    if isinstance(wanted, str):
        return fitted_spec(wanted, price, size)
    check_tick(wanted, price)
    return wanted


def prints_of_trades(spec: Spec, trades: Trades) -> Prints:
    """Sizes are read as the venue states them: base currency on spot, contracts on futures."""
    lots = np.rint(trades.size / float(spec.lot)).astype(np.int64)
    seen = lots > 0
    return Prints(trades.at_ns[seen], _ticks(spec, trades.price[seen]), lots[seen])


def prints_of_candles(spec: Spec, bars: Bars, seed: int) -> Prints:
    """Four trades a bar: its open, its extremes in a drawn order, its close.

    They share the bar's volume; only where it has fewer lots than trades does each take one lot
    all the same. A bar without volume has no trades.
    """
    volume = np.rint(bars.volume / float(spec.lot)).astype(np.int64)
    width_ns = int(np.diff(bars.at_ns).min()) if len(bars) > 1 else MINUTE_NS
    up_first = stream(seed, spec.symbol, "played").random(len(bars)) < 0.5
    second = np.where(up_first, bars.high, bars.low)
    third = np.where(up_first, bars.low, bars.high)
    prices = np.stack([bars.open, second, third, bars.close], axis=1)
    lots = np.repeat(volume[:, None] // 4, 4, axis=1)
    lots[:, 3] += volume % 4
    lots[volume < 4] = 1
    at_ns = bars.at_ns[:, None] + width_ns * np.arange(4) // 4
    seen = volume > 0
    return Prints(at_ns[seen].ravel(), _ticks(spec, prices[seen].ravel()), lots[seen].ravel())


def _ticks(spec: Spec, price: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.maximum(np.rint(price / float(spec.tick)).astype(np.int64), 1)


class Played:
    """Each trade of the file happens at its time, its price and its size, as far as clients allow.

    Who takes is told by the price: a trade above the last one was bought, below it sold, at the
    same price by the same side. Clients in its way are filled by it, in the order of the queue;
    the anonymous orders make up what is missing.
    """

    def __init__(self, spec: Spec, prints: Prints, start_ns: int, loop: bool) -> None:
        self._prints = prints
        self._row = 0
        self._shift_ns = start_ns - int(prints.at_ns[0])
        span_ns = int(prints.at_ns[-1] - prints.at_ns[0])
        self._lap_ns = (span_ns + max(1, span_ns // len(prints.at_ns))) if loop else 0
        self.next_ns = start_ns
        self._order_lots = spec.order_lots
        self._tick = float(spec.tick)
        self._last = int(prints.ticks[0])
        self._side: Side = "buy"
        self._ids = count(1)

    def open(self, book: Book, at_ns: int) -> None:
        """A ladder around the first price."""
        book.now_ns = at_ns
        self._ladder(book, book.asks, -self._last)
        self._ladder(book, book.bids, self._last - 1)

    def act(self, book: Book) -> None:
        """The next trade."""
        book.now_ns = self.next_ns
        ticks, lots = int(self._prints.ticks[self._row]), int(self._prints.lots[self._row])
        if ticks != self._last:
            self._side = "buy" if ticks > self._last else "sell"
        self._last = ticks
        self._print(book, ticks, lots)
        buying = self._side == "buy"
        self._ladder(book, book.asks, -ticks if buying else -ticks - 1)
        self._ladder(book, book.bids, ticks - 1 if buying else ticks)
        self._go_on()

    def index(self, at_ns: int) -> float:
        """The price last played."""
        assert at_ns < self.next_ns
        return self._last * self._tick

    def premium(self) -> float:
        """A file knows of no index to be above."""
        return 0.0

    def regime(self, at_ns: int) -> str:
        """A file has no moods."""
        assert at_ns < self.next_ns
        return "played"

    def force(self, regime: str | None, at_ns: int) -> None:
        """Refused: what happens is in the file."""
        raise ValueError(f"a market played from a file cannot be forced to be {regime} at {at_ns}")

    def _go_on(self) -> None:
        self._row += 1
        if self._row == len(self._prints.at_ns):
            if not self._lap_ns:
                self.next_ns = NEVER_NS
                return
            self._row = 0
            self._shift_ns += self._lap_ns
        self.next_ns = int(self._prints.at_ns[self._row]) + self._shift_ns

    def _print(self, book: Book, ticks: int, lots: int) -> None:
        """One trade of the file: so many lots change hands at this price or, with clients, better.

        Anonymous orders that it would have passed were not there. A client who stands on the
        taker's own side at this price or better is first in line to trade with the maker.
        """
        side: Side = self._side
        maker, beside = (book.asks, book.bids) if side == "buy" else (book.bids, book.asks)
        _clear(book, maker, ticks * maker.sign + 1)
        _clear(book, beside, ticks * beside.sign)
        left = book.take(next(self._ids), maker.side, lots, ticks)
        if not left:
            return
        missing = left - book.fillable(side, ticks)
        if missing > 0:
            book.add(next(self._ids), maker.side, ticks, missing)
        book.take(next(self._ids), side, left, ticks)

    def _ladder(self, book: Book, half: Half, top: int) -> None:
        """Populates the levels from this rank on, and gives up those far away."""
        other = book.asks if half is book.bids else book.bids
        for rank in range(top, top - LADDER, -1):
            ticks = rank * half.sign
            if ticks < 1:
                break
            if ticks not in half.levels and (not other.ranks or rank < -other.ranks[-1]):
                key = next(self._ids)
                book.add(key, half.side, ticks, 1 + self._order_lots * (25 + key * 37 % 100) // 50)
        for rank in half.ranks[: max(0, len(half.ranks) - 2 * LADDER)]:
            book.withdraw(half, rank * half.sign)


def _clear(book: Book, half: Half, floor: int) -> None:
    """Takes anonymous orders out that are at this rank or better."""
    for rank in [rank for rank in reversed(half.ranks) if rank >= floor]:
        book.withdraw(half, rank * half.sign)
