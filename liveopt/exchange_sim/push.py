"""When public pushes are due: at once for what happens, on market time for the rest."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from liveopt.exchange_sim.events import Changed, Event, Traded
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.futures_feed import FuturesFeed
from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.market import Candle
from liveopt.exchange_sim.spot_feed import SpotFeed
from liveopt.exchange_sim.topics import PREFIX, PUBLIC, interval_s, symbol_of
from liveopt.exchange_sim.view import SECOND_NS, View

FINE_NS: Final = 10_000_000
COARSE_NS: Final = 100_000_000
LEVEL1: Final = PREFIX["spot", "level1"]
CANDLES: Final = tuple(
    prefix for kinds in PUBLIC.values() for prefix, kind in kinds.items() if kind == "candles"
)

Feed = SpotFeed | FuturesFeed
Funding = tuple[str, dict[str, Any]]
"""Subject and data of an announcement."""


class Bars:
    """The candles of one subscribed topic: which bar was pushed last, and how it stood."""

    def __init__(self, feed: Feed, topic: str, seconds: int, faults: Faults) -> None:
        self._feed = feed
        self._topic = topic
        self._seconds = seconds
        self._faults = faults
        self._where = {"topic": topic, "symbol": feed.market.spec.symbol}
        open_s = feed.market.now_ns // SECOND_NS // seconds * seconds
        self._last: Candle = (open_s, 0, 0, 0, 0, 0, 0.0)

    def push(self) -> None:
        """The bars that changed since the last push, the oldest first, the open one last."""
        market = self._feed.market
        now_s = market.now_ns // SECOND_NS
        rows = market.candles(self._seconds, self._last[0], now_s + 1)
        repeats = market.spec.venue == "futures"
        for row in rows:
            if row == self._last and not (repeats and row is rows[-1]):
                continue
            if row[0] != self._last[0]:
                self._fill(row[0])
            new = row[0] != self._last[0]
            self._last = row
            self._say(row, new)

    def _fill(self, until_s: int) -> None:
        """What the exchange has been seen to do: the bars skipped in silence come late and flat."""
        if self._faults.strike("zero-bars", **self._where) is None:
            return
        close = self._last[2] or self._feed.market.last_ticks()
        for open_s in range(self._last[0] + self._seconds, until_s, self._seconds):
            self._say((open_s, close, close, close, close, 0, 0.0), new=True)

    def _say(self, row: Candle, new: bool) -> None:
        strike = self._faults.strike
        skip = self._faults.holds("skip-bars", **self._where)
        if skip is not None and row[0] // self._seconds % int(skip["nth"]) == 0:
            return
        add = new and strike("candle-add", **self._where) is not None
        subject = "trade.candles.add" if add else "trade.candles.update"
        late = strike("late-bars", **self._where)
        if late is None:
            self._feed.candle(self._topic, row, subject)
        else:
            loop = asyncio.get_running_loop()
            loop.call_later(float(late["seconds"]), self._feed.candle, self._topic, row, subject)


class Publisher:
    """Moves the exchange forward and tells the hub's subscribers what they asked for."""

    def __init__(self, view: View, hub: Hub, fundings: Callable[[], list[Funding]]) -> None:
        self._view = view
        self._hub = hub
        self._faults = view.faults
        self._fundings = fundings
        self.spot = {m.spec.symbol: SpotFeed(m, view, hub) for m in view.markets("spot")}
        self.futures = {m.spec.symbol: FuturesFeed(m, view, hub) for m in view.markets("futures")}
        self._feeds: dict[str, Feed] = {**self.spot, **self.futures}
        self._bars: dict[str, Bars] = {}
        view.exchange.listeners.append(self.hear)
        self._beats: tuple[tuple[int, Callable[[], None]], ...] = (
            (COARSE_NS, self._every_100_ms),
            (SECOND_NS, self._every_second),
            (2 * SECOND_NS, self._every_2_s),
        )

    def hear(self, events: list[Event]) -> None:
        """What just happened: trades one by one, then what became of the books."""
        changes: dict[str, list[Changed]] = {}
        feeds, faults = self._feeds, self._faults
        for event in events:
            if type(event) is Traded:
                trade = event
                spike = faults.strike("price-spike", symbol=trade.symbol)
                if spike is not None:
                    trade = _dearer(trade, float(spike["factor"]))
                feeds[trade.symbol].traded(trade)
            elif type(event) is Changed:
                changes.setdefault(event.symbol, []).append(event)
        for symbol, those in changes.items():
            feeds[symbol].changed(those)

    def step(self, to_ns: int) -> None:
        """Let the exchange trade up to the next beat, no further than `to_ns`."""
        exchange = self._view.exchange
        before_ns = exchange.now_ns
        grain = FINE_NS if self._fine() else COARSE_NS
        exchange.advance(min(to_ns, before_ns - before_ns % grain + grain))
        if self._fine():
            for feed in self._feeds.values():
                feed.every_10_ms()
        now_ns = exchange.now_ns
        for span_ns, beat in self._beats:
            if now_ns // span_ns != before_ns // span_ns:
                beat()

    def _fine(self) -> bool:
        return any(topic.startswith(LEVEL1) for topic in self._hub.topics)

    def _every_100_ms(self) -> None:
        for feed in self._feeds.values():
            feed.every_100_ms()

    def _every_second(self) -> None:
        for feed in self._feeds.values():
            feed.every_second()
        for subject, data in self._fundings():
            self._view.fundings[data["symbol"], data["fundingTime"]] = data["fundingRate"]
            self.futures[data["symbol"]].announce(subject, data)
        wanted = {topic for topic in self._hub.topics if topic.startswith(CANDLES)}
        for topic in self._bars.keys() - wanted:
            del self._bars[topic]
        for topic in sorted(wanted):
            bars = self._bars.get(topic) or self._open(topic)
            if bars is not None:
                bars.push()

    def _every_2_s(self) -> None:
        for feed in self._feeds.values():
            feed.every_2_s()

    def _open(self, topic: str) -> Bars | None:
        feed, seconds = self._feeds.get(symbol_of(topic)), interval_s(topic)
        venue_prefix = None if feed is None else PREFIX[feed.market.spec.venue, "candles"]
        if feed is None or seconds is None or topic.partition(":")[0] != venue_prefix:
            return None
        bars = self._bars[topic] = Bars(feed, topic, seconds, self._faults)
        return bars


def _dearer(trade: Traded, factor: float) -> Traded:
    return Traded(
        trade.symbol,
        trade.sequence,
        trade.at_ns,
        max(1, round(trade.ticks * factor)),
        trade.lots,
        trade.side,
        trade.taker_id,
        trade.maker_id,
    )
