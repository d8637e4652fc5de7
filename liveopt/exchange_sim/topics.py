"""Which topics there are, which pushes they carry, and what is wrong with the ones that are not."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from liveopt.exchange_sim.specs import Venue

Kind = Literal[
    "ticker", "match", "candles", "level2", "depth5", "depth50", "level1", "snapshot",
    "quotes", "instrument", "announcement", "private",
]  # fmt: skip

PUBLIC: Final[Mapping[Venue, Mapping[str, Kind]]] = {
    "spot": {
        "/market/ticker": "ticker",
        "/market/match": "match",
        "/market/candles": "candles",
        "/market/level2": "level2",
        "/spotMarket/level2Depth5": "depth5",
        "/spotMarket/level2Depth50": "depth50",
        "/spotMarket/level1": "level1",
        "/market/snapshot": "snapshot",
    },
    "futures": {
        "/contractMarket/tickerV2": "quotes",
        "/contractMarket/ticker": "ticker",
        "/contractMarket/execution": "match",
        "/contractMarket/limitCandle": "candles",
        "/contractMarket/level2": "level2",
        "/contractMarket/level2Depth5": "depth5",
        "/contractMarket/level2Depth50": "depth50",
        "/contract/instrument": "instrument",
        "/contract/announcement": "announcement",
        "/contractMarket/snapshot": "snapshot",
    },
}
PREFIX: Final[Mapping[tuple[Venue, Kind], str]] = {
    (venue, kind): prefix for venue, kinds in PUBLIC.items() for prefix, kind in kinds.items()
}
PRIVATE: Final[Mapping[Venue, frozenset[str]]] = {
    "spot": frozenset(
        {
            "/spotMarket/tradeOrders",
            "/spotMarket/tradeOrdersV2",
            "/spotMarket/advancedOrders",
            "/account/balance",
        }
    ),
    "futures": frozenset(
        {
            "/contractMarket/tradeOrders",
            "/contractMarket/advancedOrders",
            "/contract/position",
            "/contract/positionAll",
            "/contractAccount/wallet",
            "/contract/marginMode",
            "/contract/crossLeverage",
        }
    ),
}
WITHOUT_ITEMS: Final = frozenset({"/contract/announcement"})
"""Public topics that also stand alone, without a colon."""

INTERVALS_S: Final[Mapping[str, int]] = {
    "1min": 60,
    "3min": 180,
    "5min": 300,
    "15min": 900,
    "30min": 1_800,
    "1hour": 3_600,
    "2hour": 7_200,
    "4hour": 14_400,
    "6hour": 21_600,
    "8hour": 28_800,
    "12hour": 43_200,
    "1day": 86_400,
    "1week": 604_800,
}

TEXTS: Final[Mapping[int, str]] = {
    400: "topic is invalid",
    401: "token is invalid",
    403: "login is required",
    404: "topic does not exist",
    406: "topic is required",
    415: "type is not supported",
    500: "system error",
    509: "exceed max permits per 10 seconds",
}
ITEMS_MAX: Final = 100
"""Symbols in one subscribe message."""


class Refused(Exception):
    """A subscription that cannot be: the code and the text of the error frame."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(text or TEXTS[code])
        self.code = code
        self.text = text or TEXTS[code]


class Topics(NamedTuple):
    """The topics of one subscribe message, one name a symbol, as pushes will name them."""

    kind: Kind
    names: list[str]


def parse_topics(venue: Venue, text: object) -> Topics:
    """The topics in `/market/match:BTC-USDT,ETH-USDT`; `Refused` says what is wrong with it."""
    if not text or not isinstance(text, str):
        raise Refused(406)
    prefix, colon, rest = text.partition(":")
    items = list(dict.fromkeys(filter(None, rest.split(","))))
    if len(items) > ITEMS_MAX:
        raise Refused(509, f"exceed max subscription count limitation of {ITEMS_MAX} per time")
    kind = PUBLIC[venue].get(prefix)
    if kind is None and prefix in PRIVATE[venue]:
        return Topics("private", [f"{prefix}:{item}" for item in items] or [prefix])
    if kind is None:
        raise Refused(404 if prefix.startswith("/") else 400)
    if not items:
        if colon or prefix not in WITHOUT_ITEMS:
            raise Refused(400)
        return Topics(kind, [prefix])
    if kind == "candles" and any(interval_s(item) is None for item in items):
        raise Refused(400)
    return Topics(kind, [f"{prefix}:{item}" for item in items])


def interval_s(item: str) -> int | None:
    """The seconds of a candle in `BTC-USDT_1min`."""
    return INTERVALS_S.get(item.rpartition("_")[2]) if "_" in item else None


def symbol_of(topic: str) -> str:
    """The symbol in a topic's name; what else stands there for topics without one."""
    return topic.partition(":")[2].partition("_")[0]
