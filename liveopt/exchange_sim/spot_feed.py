"""The public pushes of one spot market."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from liveopt.exchange_sim.events import Changed, Traded
from liveopt.exchange_sim.frames import message
from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.market import Candle, Market
from liveopt.exchange_sim.topics import PREFIX
from liveopt.exchange_sim.view import Day, View

MARKET: Final = "USDS"
"""The part of the site that all simulated pairs are listed in."""
ALL: Final = "/market/ticker:all"
BOARD: Final = f"/market/snapshot:{MARKET}"

_AT_NS = attrgetter("at_ns")


class SpotFeed:
    """One pair: what happens becomes pushes at once or at the next beat."""

    def __init__(self, market: Market, view: View, hub: Hub) -> None:
        self.market = market
        self.view = view
        self.hub = hub
        symbol = market.spec.symbol
        self.topic = {k: f"{p}:{symbol}" for (v, k), p in PREFIX.items() if v == "spot"}
        self._changed = {"level1": True, "depth5": True, "depth50": True, "ticker": True}
        self._last: dict[str, Any] = {}

    def traded(self, trade: Traded) -> None:
        """A match; its price may be a lie."""
        self._changed["ticker"] = True
        topic = self.topic["match"]
        if topic not in self.hub.topics:
            return
        spec, number = self.market.spec, str(self._trade_number(trade.sequence))
        data = {
            "makerOrderId": trade.maker_id,
            "price": spec.price_text(trade.ticks),
            "sequence": number,
            "side": trade.side,
            "size": spec.size_text(trade.lots),
            "symbol": trade.symbol,
            "takerOrderId": trade.taker_id,
            "time": str(trade.at_ns),
            "tradeId": number,
            "type": "match",
        }
        self.hub.publish(topic, message(topic, "trade.l3match", data))

    def changed(self, changes: Sequence[Changed]) -> None:
        """Levels changed: one push for those of one moment."""
        self._changed = dict.fromkeys(self._changed, True)
        topic = self.topic["level2"]
        if topic not in self.hub.topics:
            return
        for at_ns, group in groupby(changes, _AT_NS):
            data = self._increment(at_ns, list(group))
            self.hub.publish(topic, message(topic, "trade.l2update", data))

    def every_10_ms(self) -> None:
        """The best of both sides, when it changed."""
        if self._stale("level1"):
            market, spec, quote = self.market, self.market.spec, self.view.quote(self.market)
            data: dict[str, Any] = {
                "asks": [spec.price_text(quote.ask), spec.size_text(quote.ask_lots)],
                "bids": [spec.price_text(quote.bid), spec.size_text(quote.bid_lots)],
            }
            self._say_new("level1", data, market.now_ns)

    def every_100_ms(self) -> None:
        """Depth and ticker, when they changed."""
        for kind, depth in (("depth5", 5), ("depth50", 50)):
            if self._stale(kind):
                data = {
                    "asks": self.levels("sell", depth),
                    "bids": self.levels("buy", depth),
                }
                self._say_new(kind, data, self.market.now_ns)
        if self._changed["ticker"] and (ALL in self.hub.topics or self._wanted("ticker")):
            self._changed["ticker"] = False
            data = self.ticker()
            topic = self.topic["ticker"]
            if self._wanted("ticker"):
                self.hub.publish(topic, message(topic, "trade.ticker", data))
            if ALL in self.hub.topics:
                self.hub.publish(ALL, message(ALL, self.market.spec.symbol, data))

    def every_2_s(self) -> None:
        """The last 24 hours."""
        topics = (self.topic["snapshot"], BOARD)
        if any(topic in self.hub.topics for topic in topics):
            data = {"sequence": str(self._book_number()), "data": self.snapshot()}
            for topic in topics:
                self.hub.publish(topic, message(topic, "trade.snapshot", data))

    def every_second(self) -> None:
        """Nothing of spot comes every second."""

    def candle(self, topic: str, row: Candle, subject: str) -> None:
        """A bar as it is now."""
        spec = self.market.spec
        data = {
            "symbol": spec.symbol,
            "candles": candle_texts(self.market, row),
            "time": self.market.now_ns,
        }
        self.hub.publish(topic, message(topic, subject, data))

    def ticker(self) -> dict[str, Any]:
        """Last trade and best quotes."""
        market, spec = self.market, self.market.spec
        quote = self.view.quote(market)
        return {
            "bestAsk": spec.price_text(quote.ask),
            "bestAskSize": spec.size_text(quote.ask_lots),
            "bestBid": spec.price_text(quote.bid),
            "bestBidSize": spec.size_text(quote.bid_lots),
            "price": spec.price_text(market.last_ticks()),
            "sequence": str(self._book_number()),
            "size": spec.size_text(market.tape[-1].lots if market.tape else 0),
            "time": market.now_ns // 1_000_000,
        }

    def snapshot(self) -> dict[str, Any]:
        """What the site shows of a pair: numbers, not texts."""
        market, spec = self.market, self.market.spec
        quote, day = self.view.quote(market), self.view.day(market)
        last, lot = spec.price(day.last), float(spec.lot)
        spans = {f"marketChange{n}h": _span(market, self.view.day(market, n)) for n in (1, 4, 24)}
        return {
            "askSize": quote.ask_lots * lot,
            "averagePrice": average(market, day),
            "baseCurrency": spec.base,
            "bidSize": quote.bid_lots * lot,
            "board": 1,
            "buy": spec.price(quote.bid),
            "changePrice": spec.price(day.last - day.first),
            "changeRate": round(day.change_rate, 4),
            "close": last,
            "datetime": market.now_ns // 1_000_000,
            "high": spec.price(day.high),
            "lastTradedPrice": last,
            "low": spec.price(day.low),
            "makerCoefficient": 1.0,
            "makerFeeRate": float(spec.maker_fee),
            "marginTrade": True,
            "mark": 0,
            "market": MARKET,
            **spans,
            "markets": [MARKET],
            "open": spec.price(day.first),
            "quoteCurrency": spec.quote,
            "sell": spec.price(quote.ask),
            "siteTypes": ["global"],
            "sort": 100,
            "symbol": spec.symbol,
            "symbolCode": spec.symbol,
            "takerCoefficient": 1.0,
            "takerFeeRate": float(spec.taker_fee),
            "trading": True,
            "vol": day.lots * lot,
            "volValue": day.turnover,
        }

    def levels(self, side: Any, depth: int) -> list[list[str]]:
        """Levels as texts."""
        spec = self.market.spec
        return [
            [spec.price_text(ticks), spec.size_text(lots)]
            for ticks, lots in self.view.levels(self.market, side, depth)
        ]

    def _increment(self, at_ns: int, changes: list[Changed]) -> dict[str, Any]:
        spec = self.market.spec
        fills = self.view.fills(spec.symbol)
        sides: dict[str, list[list[str]]] = {"asks": [], "bids": []}
        numbers = [self.view.book_sequence(spec.symbol, one.sequence) for one in changes]
        for one, number in zip(changes, numbers, strict=True):
            side = sides["bids" if one.side == "buy" else "asks"]
            if fills:
                side.append(["0", "0", str(number - 1)])
            side.append([spec.price_text(one.ticks), spec.size_text(one.lots), str(number)])
        return {
            "changes": sides,
            "sequenceEnd": numbers[-1],
            "sequenceStart": numbers[0] - fills,
            "symbol": spec.symbol,
            "time": at_ns // 1_000_000,
        }

    def _say_new(self, kind: str, data: dict[str, Any], now_ns: int) -> None:
        """A push, unless the last one said the same."""
        self._changed[kind] = False
        if self._last.get(kind) == data:
            return
        self._last[kind] = data
        topic = self.topic[kind]  # type: ignore[index]
        said = data | {"timestamp": now_ns // 1_000_000}
        self.hub.publish(topic, message(topic, "level1" if kind == "level1" else "level2", said))

    def _stale(self, kind: str) -> bool:
        return self._changed[kind] and self._wanted(kind)

    def _wanted(self, kind: str) -> bool:
        return self.topic[kind] in self.hub.topics  # type: ignore[index]

    def _book_number(self) -> int:
        return self.view.book_sequence(self.market.spec.symbol, self.market.book_sequence)

    def _trade_number(self, number: int) -> int:
        return self.view.trade_sequence(self.market.spec.symbol, number)


def candle_texts(market: Market, row: Candle) -> list[str]:
    """A bar in spot's order: open, close, high, low, volume, turnover."""
    spec = market.spec
    prices = [spec.price_text(ticks) for ticks in row[1:5]]
    return [str(row[0]), *prices, spec.size_text(row[5]), amount_text(row[6])]


def amount_text(value: float) -> str:
    """An amount of quote currency: no exponent, no trailing zeros."""
    return f"{value:.9f}".rstrip("0").rstrip(".")


def average(market: Market, day: Day) -> float:
    """The average price of what was traded."""
    volume = day.lots * float(market.spec.lot)
    return round(day.turnover / volume, 8) if volume else market.spec.price(day.last)


def _span(market: Market, day: Day) -> dict[str, float]:
    spec = market.spec
    return {
        "changePrice": spec.price(day.last - day.first),
        "changeRate": round(day.change_rate, 4),
        "high": spec.price(day.high),
        "low": spec.price(day.low),
        "open": spec.price(day.first),
        "vol": day.lots * float(spec.lot),
        "volValue": day.turnover,
    }
