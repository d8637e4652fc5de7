"""What the exchange shows of its markets: books, quotes, 24 hours, and what faults make of them."""

from dataclasses import dataclass
from typing import Final

from liveopt.exchange_sim.api import ApiError
from liveopt.exchange_sim.events import Side, Traded
from liveopt.exchange_sim.exchange import Exchange
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.market import Candle, Market
from liveopt.exchange_sim.specs import Venue

DAY_S: Final = 86_400
SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Quote:
    """The best of both sides; 0 ticks and lots where a side is empty."""

    bid: int
    bid_lots: int
    ask: int
    ask_lots: int


@dataclass(frozen=True, slots=True)
class Day:
    """Some hours of trading up to now, in ticks, lots and quote currency."""

    first: int
    last: int
    high: int
    low: int
    lots: int
    turnover: float

    @property
    def change_rate(self) -> float:
        """Change of price as a fraction."""
        return (self.last - self.first) / self.first


class View:
    """The exchange as its clients see it."""

    def __init__(self, exchange: Exchange, faults: Faults) -> None:
        self.exchange = exchange
        self.faults = faults
        self.fundings: dict[tuple[str, int], float] = {}
        """Rates that settled, by symbol and millisecond."""
        self._days: dict[tuple[str, int], tuple[int, Day]] = {}
        self._resets: dict[tuple[str, str], int] = {}

    @property
    def now_ns(self) -> int:
        """Market time."""
        return self.exchange.now_ns

    @property
    def now_ms(self) -> int:
        """Market time in milliseconds."""
        return self.exchange.now_ns // 1_000_000

    def server_ms(self) -> int:
        """The clock that the server shows and checks signatures with."""
        return self.now_ms + self.skew_ms()

    def skew_ms(self) -> int:
        """By how much that clock is off."""
        skew = self.faults.holds("clock-skew")
        return 0 if skew is None else int(skew["ms"])

    def markets(self, venue: Venue) -> list[Market]:
        """The markets of a venue."""
        return [one for one in self.exchange.markets.values() if one.spec.venue == venue]

    def market(self, venue: Venue, symbol: str) -> Market:
        """The market of a symbol; the refusal is spelled as each venue does."""
        market = self.exchange.markets.get(symbol)
        if market is not None and market.spec.venue == venue:
            return market
        if venue == "futures":
            raise ApiError("200003", "Invalid symbol.")
        raise ApiError("900001", "symbol not exists")

    def levels(self, market: Market, side: Side, depth: int) -> list[tuple[int, int]]:
        """The best levels of a side."""
        hidden = self.faults.holds("one-sided", symbol=market.spec.symbol)
        if hidden is not None and (hidden["side"] == "bids") == (side == "buy"):
            return []
        return market.levels(side, depth)

    def quote(self, market: Market) -> Quote:
        """The best bid and ask."""
        bid = (self.levels(market, "buy", 1) or [(0, 0)])[0]
        ask = (self.levels(market, "sell", 1) or [(0, 0)])[0]
        return Quote(*bid, *ask)

    def book_sequence(self, symbol: str, number: int) -> int:
        """The number of a book's change, as shown; under price-zero there are twice as many."""
        return self._shown(symbol, "book", number * 2 if self.fills(symbol) else number)

    def fills(self, symbol: str) -> bool:
        """Whether the book of a spot pair has changes of price 0 in between."""
        spot = self.exchange.markets[symbol].spec.venue == "spot"
        return spot and self.faults.holds("price-zero", symbol=symbol) is not None

    def trade_sequence(self, symbol: str, number: int) -> int:
        """The number of a trade, as shown."""
        return self._shown(symbol, "trade", number)

    def tape(self, market: Market) -> list[Traded]:
        """The newest trades, oldest first."""
        stale = self.faults.strike("trades-stale", symbol=market.spec.symbol)
        if stale is None:
            return list(market.tape)
        until_ns = self.now_ns - int(float(stale["seconds"]) * SECOND_NS)
        return [trade for trade in market.tape if trade.at_ns <= until_ns]

    def candles(self, market: Market, interval_s: int, from_s: int, to_s: int) -> list[Candle]:
        """Candles that open in [from_s, to_s), oldest first, as REST shows them."""
        symbol = market.spec.symbol
        if self.faults.strike("candles-empty", symbol=symbol):
            return []
        stale = self.faults.strike("candles-stale", symbol=symbol)
        if stale is not None:
            to_s = min(to_s, self.now_ns // SECOND_NS - int(float(stale["minutes"]) * 60))
        rows = market.candles(interval_s, from_s, to_s)
        short = self.faults.strike("candles-short", symbol=symbol)
        return rows if short is None else rows[len(rows) - min(len(rows), int(short["rows"])) :]

    def day(self, market: Market, hours: int = 24) -> Day:
        """The last hours up to now; at most a second old."""
        second = market.now_ns // SECOND_NS
        key = (market.spec.symbol, hours)
        known = self._days.get(key)
        if known is None or known[0] != second:
            known = self._days[key] = (second, _day(market, hours, second))
        return known[1]

    def _shown(self, symbol: str, what: str, number: int) -> int:
        if self.faults.holds("sequence-reset", symbol=symbol) is None:
            self._resets.pop((symbol, what), None)
            return number
        first = self._resets.setdefault((symbol, what), number)
        return max(0, number - first) + 1


def _day(market: Market, hours: int, second: int) -> Day:
    rows = market.candles(60, second - hours * 3_600, second + 1)
    last = market.last_ticks()
    if not rows:
        return Day(last, last, last, last, 0, 0.0)
    return Day(
        rows[0][1],
        last,
        max(row[3] for row in rows),
        min(row[4] for row in rows),
        sum(row[5] for row in rows),
        sum(row[6] for row in rows),
    )
