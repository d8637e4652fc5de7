"""Bars built from our ticks against the exchange's own candles; a difference is an event."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isclose
from typing import Final

import structlog

from liveopt.core.bars import MINUTE_NS, SECOND_NS, BarBuilder, floor_ns
from liveopt.core.events import Bar, Disagreement, Hole, Tick
from liveopt.kucoin.rest import Rest, RestError

log = structlog.get_logger()

GRACE_NS: Final = 5 * SECOND_NS
"""A candle may still change a few seconds after its end."""
SECOND_LOOK_NS: Final = 20 * SECOND_NS
"""A difference that is still there by then is one."""
WAITING_MAX: Final = 60


@dataclass(slots=True)
class _Book:
    """What one symbol's ticks have built and not yet been compared."""

    builder: BarBuilder = field(default_factory=lambda: BarBuilder(MINUTE_NS))
    bars: dict[int, Bar] = field(default_factory=dict)
    blind_ns: int = 0
    """Minutes that open before this are not known whole: the feed began or had a hole in them."""


class Audit:
    """Collects closed minutes of all symbols and compares them now and then."""

    def __init__(self, rest: Rest, symbols: Iterable[str]) -> None:
        self._rest = rest
        self._books = {symbol: _Book() for symbol in symbols}
        self.compared = 0
        self.differed = 0

    def tick(self, tick: Tick) -> None:
        """A tick as it is handed on."""
        book = self._books[tick.symbol]
        if not book.blind_ns:
            book.blind_ns = floor_ns(tick.at_ns, MINUTE_NS) + MINUTE_NS
        for bar in book.builder.add(tick).bars:
            if bar.at_ns >= book.blind_ns and len(book.bars) < WAITING_MAX:
                book.bars[bar.at_ns] = bar

    def hole(self, hole: Hole) -> None:
        """Minutes with a hole are not compared."""
        book = self._books[hole.symbol]
        for at_ns in [at for at in book.bars if hole.from_ns < at + MINUTE_NS and at < hole.to_ns]:
            del book.bars[at_ns]
        book.blind_ns = max(book.blind_ns, floor_ns(hole.to_ns, MINUTE_NS) + MINUTE_NS)

    async def compare(self) -> list[Disagreement]:
        """Compares what is old enough with the exchange; a difference is looked at twice."""
        found: list[Disagreement] = []
        for symbol, book in self._books.items():
            if not book.bars:
                continue
            try:
                now_ns = await self._rest.server_now_ns()
                due = [at for at in book.bars if at + MINUTE_NS + GRACE_NS <= now_ns]
                if due:
                    found += await self._compare(symbol, book, due, now_ns)
            except RestError as error:
                log.warning("no candles to compare with", symbol=symbol, why=str(error))
        return found

    async def _compare(
        self, symbol: str, book: _Book, due: list[int], now_ns: int
    ) -> list[Disagreement]:
        bars = await self._rest.candles(symbol, MINUTE_NS, min(due), max(due) + MINUTE_NS)
        theirs = {bar.at_ns: bar for bar in bars}
        found: list[Disagreement] = []
        for at_ns in due:
            ours = book.bars.get(at_ns)
            if ours is None:  # a hole was told meanwhile
                continue
            if not _same(ours, theirs.get(at_ns)):
                if now_ns < at_ns + MINUTE_NS + SECOND_LOOK_NS:
                    continue
                self.differed += 1
                found.append(Disagreement(symbol, MINUTE_NS, ours, theirs.get(at_ns)))
            self.compared += 1
            del book.bars[at_ns]
        return found


def _same(ours: Bar, theirs: Bar | None) -> bool:
    if theirs is None:
        return ours.volume == 0.0  # the exchange has no row where nothing traded
    prices = (ours.open, ours.high, ours.low, ours.close)
    return prices == (theirs.open, theirs.high, theirs.low, theirs.close) and isclose(
        ours.volume, theirs.volume, rel_tol=1e-9
    )
