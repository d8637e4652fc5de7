"""The public pushes of one contract."""

from collections.abc import Sequence
from typing import Any, Final

from liveopt.exchange_sim.events import Changed, Side, Traded
from liveopt.exchange_sim.frames import message
from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.market import Candle, Market
from liveopt.exchange_sim.topics import PREFIX
from liveopt.exchange_sim.view import SECOND_NS, Quote, View

SNAPSHOT_S: Final = 5


class FuturesFeed:
    """One contract: what happens becomes pushes at once or at the next beat."""

    def __init__(self, market: Market, view: View, hub: Hub) -> None:
        self.market = market
        self.view = view
        self.hub = hub
        symbol = market.spec.symbol
        self.topic = {k: f"{p}:{symbol}" for (v, k), p in PREFIX.items() if v == "futures"}
        self._moved = True
        self._quoted: Quote | None = None

    def traded(self, trade: Traded) -> None:
        """A match; the ticker follows with the next change of the book."""
        topic = self.topic["match"]
        if topic not in self.hub.topics:
            return
        number = self.view.trade_sequence(trade.symbol, trade.sequence)
        data = {
            "symbol": trade.symbol,
            "sequence": number,
            "side": trade.side,
            "size": trade.lots,
            "price": self.market.spec.price_text(trade.ticks),
            "takerOrderId": trade.taker_id,
            "makerOrderId": trade.maker_id,
            "tradeId": str(number),
            "ts": trade.at_ns,
        }
        self.hub.publish(topic, message(topic, "match", data, number))

    def changed(self, changes: Sequence[Changed]) -> None:
        """Levels changed: one push each, then the quotes as they are now."""
        topic, spec = self.topic["level2"], self.market.spec
        if topic in self.hub.topics:
            for one in changes:
                number = self.view.book_sequence(spec.symbol, one.sequence)
                change = f"{spec.price_text(one.ticks)},{one.side},{one.lots}"
                data = {"sequence": number, "change": change, "timestamp": one.at_ns // 1_000_000}
                self.hub.publish(topic, message(topic, "level2", data, number))
        self._quotes(changes[-1].at_ns)

    def every_10_ms(self) -> None:
        """Nothing of futures comes so often."""

    def every_100_ms(self) -> None:
        """Depth, also when nothing changed."""
        for depth, topic in ((5, self.topic["depth5"]), (50, self.topic["depth50"])):
            if topic not in self.hub.topics:
                continue
            now_ms = self.market.now_ns // 1_000_000
            data = {
                "bids": self.levels("buy", depth),
                "sequence": self._book_number(),
                "timestamp": now_ms,
                "ts": now_ms,
                "asks": self.levels("sell", depth),
            }
            self.hub.publish(topic, message(topic, "level2", data, now_ms))

    def every_second(self) -> None:
        """Mark and index price; each minute the funding rate; every five seconds 24 hours."""
        second = self.market.now_ns // SECOND_NS
        topic = self.topic["instrument"]
        if topic in self.hub.topics:
            data = {
                "markPrice": round(self.market.mark_price(), 2),
                "indexPrice": round(self.market.index_price(), 2),
                "granularity": 1000,
                "timestamp": second * 1000,
            }
            self.hub.publish(topic, message(topic, "mark.index.price", data))
            if second % 60 == 0:
                self._funding_rate(topic, second * 1000)
        if second % SNAPSHOT_S == 0:
            self._snapshot()

    def every_2_s(self) -> None:
        """Nothing of futures comes every two seconds."""

    def candle(self, topic: str, row: Candle, subject: str) -> None:  # noqa: ARG002 - spot's word
        """A bar as it is now: open, close, high, low, and twice the lots."""
        spec = self.market.spec
        prices = [spec.price_text(ticks) for ticks in row[1:5]]
        data = {
            "symbol": spec.symbol,
            "candles": [str(row[0]), *prices, f"{row[5]}.0", str(row[5])],
            "time": self.market.now_ns // 1_000_000,
        }
        self.hub.publish(topic, message(topic, "candle.stick", data))

    def ticker(self) -> dict[str, Any]:
        """Last trade and best quotes."""
        market, spec = self.market, self.market.spec
        last = market.tape[-1] if market.tape else None
        side: Side = "buy" if last is None else last.side
        number = 0 if last is None else self.view.trade_sequence(spec.symbol, last.sequence)
        return {
            "symbol": spec.symbol,
            "sequence": self._book_number(),
            "side": side,
            "size": 0 if last is None else last.lots,
            "price": spec.price_text(market.last_ticks()),
            "tradeId": str(number),
            **self._best(self.view.quote(market)),
            "ts": market.now_ns if last is None else last.at_ns,
        }

    def levels(self, side: Side, depth: int) -> list[list[str | int]]:
        """Levels with prices as texts."""
        spec = self.market.spec
        return [
            [spec.price_text(ticks), lots]
            for ticks, lots in self.view.levels(self.market, side, depth)
        ]

    def _quotes(self, at_ns: int) -> None:
        first, second = self.topic["ticker"], self.topic["quotes"]
        number = self._book_number()
        if second in self.hub.topics:
            data = {
                "symbol": self.market.spec.symbol,
                "sequence": number,
                **self._best(self.view.quote(self.market)),
                "ts": at_ns,
            }
            self.hub.publish(second, message(second, "tickerV2", data, number))
        if first in self.hub.topics:
            self.hub.publish(first, message(first, "ticker", self.ticker(), number))

    def _best(self, quote: Quote) -> dict[str, Any]:
        spec = self.market.spec
        return {
            "bestBidSize": quote.bid_lots,
            "bestBidPrice": spec.price_text(quote.bid),
            "bestAskPrice": spec.price_text(quote.ask),
            "bestAskSize": quote.ask_lots,
        }

    def _funding_rate(self, topic: str, now_ms: int) -> None:
        data = {
            "granularity": 60_000,
            "fundingRate": round(self.market.funding_rate(), 6),
            "timestamp": now_ms,
        }
        self.hub.publish(topic, message(topic, "funding.rate", data))

    def _snapshot(self) -> None:
        topic = self.topic["snapshot"]
        if topic not in self.hub.topics:
            return
        spec, day = self.market.spec, self.view.day(self.market)
        data = {
            "highPrice": spec.price(day.high),
            "lastPrice": spec.price(day.last),
            "lowPrice": spec.price(day.low),
            "price24HoursBefore": spec.price(day.first),
            "priceChg": spec.price(day.last - day.first),
            "priceChgPct": round(day.change_rate, 4),
            "symbol": spec.symbol,
            "ts": self.market.now_ns,
            "turnover": day.turnover,
            "volume": base_volume(self.market, day.lots),
        }
        self.hub.publish(topic, message(topic, "snapshot.24h", data))

    def announce(self, subject: str, data: dict[str, Any]) -> None:
        """A funding begins or ends."""
        for topic in (self.topic["announcement"], "/contract/announcement"):
            if topic in self.hub.topics:
                self.hub.publish(topic, message(topic, subject, data))

    def _book_number(self) -> int:
        return self.view.book_sequence(self.market.spec.symbol, self.market.book_sequence)


def base_volume(market: Market, lots: int) -> float:
    """Lots in base currency, or as they are on inverse contracts."""
    spec = market.spec
    return float(lots) if spec.inverse else round(lots * float(spec.multiplier), 8)
