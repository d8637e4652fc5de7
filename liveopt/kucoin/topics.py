"""The names of public topics, and how many of them go into one subscription."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from liveopt.kucoin.words import INTERVALS_OF, Venue, stream_word

Kind = Literal["trades", "ticker", "quotes", "candles", "level1", "depth5", "depth"]

PREFIX: Final[dict[Venue, dict[Kind, str]]] = {
    "spot": {
        "trades": "/market/match",
        "ticker": "/market/ticker",
        "candles": "/market/candles",
        "level1": "/spotMarket/level1",
        "depth5": "/spotMarket/level2Depth5",
        "depth": "/market/level2",
    },
    "futures": {
        "trades": "/contractMarket/execution",
        "ticker": "/contractMarket/ticker",
        "quotes": "/contractMarket/tickerV2",
        "candles": "/contractMarket/limitCandle",
        "depth5": "/contractMarket/level2Depth5",
        "depth": "/contractMarket/level2",
    },
}
"""The first part of a topic. Spot has no `quotes`: its ticker carries the best bid and ask."""

TOPICS_PER_MESSAGE: Final = 100
TOPICS_PER_LINE: Final = 300
"""The limits page says 400 on spot, the error's own text has said 300; fewer never hurts."""


class Topic(NamedTuple):
    """One stream of one symbol; candles have an interval, all else has 0."""

    venue: Venue
    kind: Kind
    symbol: str
    interval_ns: int = 0

    @property
    def prefix(self) -> str:
        """What comes before the colon."""
        return PREFIX[self.venue][self.kind]

    @property
    def item(self) -> str:
        """What comes after the colon."""
        if self.kind == "candles":
            return f"{self.symbol}_{stream_word(self.interval_ns)}"
        return self.symbol

    @property
    def text(self) -> str:
        """The topic as pushes name it: `/market/candles:BTC-USDT_1min`."""
        return f"{self.prefix}:{self.item}"


def joined(texts: Iterable[str], most: int = TOPICS_PER_MESSAGE) -> Iterator[str]:
    """Topics as few subscriptions, each topic once: those of one prefix share a comma list."""
    groups: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        prefix, _, item = text.partition(":")
        groups.setdefault(prefix, []).append(item)
    for prefix, items in groups.items():
        for start in range(0, len(items), most):
            yield f"{prefix}:{','.join(items[start : start + most])}"


def parted(text: str) -> list[str]:
    """A subscription's comma list as topics again."""
    prefix, _, items = text.partition(":")
    return [f"{prefix}:{item}" for item in items.split(",")]


STREAMED: Final = INTERVALS_OF["spot"]
"""The candles that both venues stream, by their length."""
_KINDS: Final = {
    prefix: (venue, kind) for venue, kinds in PREFIX.items() for kind, prefix in kinds.items()
}


def parse(text: str) -> Topic | None:
    """A single topic by the name that pushes give it; None where we have no reader for it."""
    prefix, _, item = text.partition(":")
    if prefix not in _KINDS or not item or item == "all":
        return None
    venue, kind = _KINDS[prefix]
    if kind != "candles":
        return Topic(venue, kind, item)
    symbol, _, word = item.rpartition("_")
    interval_ns = next((ns for ns in STREAMED if stream_word(ns) == word), 0)
    return Topic(venue, kind, symbol, interval_ns) if symbol and interval_ns else None
