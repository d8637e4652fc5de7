"""How KuCoin's two venues differ, as data: hosts, paths, costs, interval words, symbol names."""

from typing import Final, Literal, NamedTuple

from liveopt.core.bars import DAY_NS, HOUR_NS, INTERVALS, MINUTE_NS, SECOND_NS

Venue = Literal["spot", "futures"]
PoolName = Literal["public", "spot", "futures", "management"]

HOSTS: Final[dict[Venue, str]] = {
    "spot": "https://api.kucoin.com",
    "futures": "https://api-futures.kucoin.com",
}

ROWS_MAX: Final[dict[Venue, int]] = {"spot": 1_500, "futures": 200}
"""Candles a call. Futures allow 500 by the documents, but 200 was the rule once, and a window with
more rows than allowed is cut in silence."""


class Endpoint(NamedTuple):
    """One REST call: how it is asked for and what it costs."""

    path: str
    weight: int
    pool: PoolName = "public"
    method: Literal["GET", "POST"] = "GET"
    signed: bool = False


TIMESTAMP: Final[dict[Venue, Endpoint]] = {
    "spot": Endpoint("/api/v1/timestamp", 3),
    "futures": Endpoint("/api/v1/timestamp", 2),
}
PUBLIC_BULLET: Final = Endpoint("/api/v1/bullet-public", 10, method="POST")
PRIVATE_BULLET: Final[dict[Venue, Endpoint]] = {
    "spot": Endpoint("/api/v1/bullet-private", 10, "spot", "POST", signed=True),
    "futures": Endpoint("/api/v1/bullet-private", 10, "futures", "POST", signed=True),
}
TRADES: Final[dict[Venue, Endpoint]] = {
    "spot": Endpoint("/api/v1/market/histories", 3),
    "futures": Endpoint("/api/v1/trade/history", 5),
}
CANDLES: Final[dict[Venue, Endpoint]] = {
    "spot": Endpoint("/api/v1/market/candles", 3),
    "futures": Endpoint("/api/v1/kline/query", 3),
}
BOOK: Final[dict[Venue, Endpoint]] = {
    "spot": Endpoint("/api/v1/market/orderbook/level2_100", 2),
    "futures": Endpoint("/api/v1/level2/snapshot", 3),
}
SYMBOLS: Final[dict[Venue, Endpoint]] = {
    "spot": Endpoint("/api/v2/symbols", 4),
    "futures": Endpoint("/api/v1/contracts/active", 3),
}
FUNDING: Final = Endpoint("/api/v1/funding-rate/{symbol}/current", 2)
"""What will be settled next; futures only."""
FEES: Final[dict[Venue, Endpoint]] = {
    "spot": Endpoint("/api/v1/trade-fees", 3, "spot", signed=True),
    "futures": Endpoint("/api/v1/trade-fees", 3, "futures", signed=True),
}

# Weeks and months are left out: they do not begin at whole multiples since 1970.
_SPOT_WORDS: Final[dict[int, str]] = {
    MINUTE_NS: "1min",
    3 * MINUTE_NS: "3min",
    5 * MINUTE_NS: "5min",
    15 * MINUTE_NS: "15min",
    30 * MINUTE_NS: "30min",
    HOUR_NS: "1hour",
    2 * HOUR_NS: "2hour",
    4 * HOUR_NS: "4hour",
    6 * HOUR_NS: "6hour",
    8 * HOUR_NS: "8hour",
    12 * HOUR_NS: "12hour",
    DAY_NS: "1day",
}
_FUTURES_MINUTES: Final = (1, 5, 15, 30, 60, 120, 240, 480, 720, 1440)

INTERVALS_OF: Final[dict[Venue, tuple[int, ...]]] = {
    "spot": tuple(_SPOT_WORDS),
    "futures": tuple(minutes * MINUTE_NS for minutes in _FUTURES_MINUTES),
}
"""The candles that each venue has over REST, shortest first."""


def venue_of(symbol: str) -> Venue:
    """Where a symbol trades, by its name: BTC-USDT is spot, XBTUSDTM is a futures contract."""
    if "-" in symbol:
        return "spot"
    if symbol.endswith("M") and symbol.isalnum() and symbol.isupper():
        return "futures"
    raise ValueError(
        f"{symbol!r} is no KuCoin symbol; spot ones look like BTC-USDT, futures ones like XBTUSDTM"
    )


def stream_word(interval_ns: int) -> str:
    """The word for a candle's length in topics (both venues) and in spot's REST: `1min`."""
    if interval_ns not in _SPOT_WORDS:
        raise ValueError(f"KuCoin has no candles of {interval_ns // SECOND_NS} s")
    return _SPOT_WORDS[interval_ns]


def candle_query(
    venue: Venue, symbol: str, interval_ns: int, from_ns: int, to_ns: int
) -> dict[str, str]:
    """The parameters that ask for candles opening within `[from_ns, to_ns)`.

    Whether the exchange's end is inclusive is not documented. Candles open at whole intervals, so
    one unit before the first of them that is not wanted says the same either way.
    """
    if interval_ns not in INTERVALS_OF[venue]:
        raise ValueError(no_interval(venue, interval_ns))
    first_ns = -(-from_ns // interval_ns) * interval_ns
    stop_ns = -(-to_ns // interval_ns) * interval_ns
    if venue == "spot":
        return {
            "symbol": symbol,
            "type": _SPOT_WORDS[interval_ns],
            "startAt": str(first_ns // SECOND_NS),
            "endAt": str(stop_ns // SECOND_NS - 1),
        }
    return {
        "symbol": symbol,
        "granularity": str(interval_ns // MINUTE_NS),
        "from": str(first_ns // 1_000_000),
        "to": str(stop_ns // 1_000_000 - 1),
    }


def no_interval(venue: Venue, interval_ns: int) -> str:
    """Why a venue has no such candles, and which it has, in the names that liveopt uses."""
    names = [name for name, ns in INTERVALS.items() if ns in INTERVALS_OF[venue]]
    asked = next((name for name, ns in INTERVALS.items() if ns == interval_ns), None)
    shown = asked or f"{interval_ns // SECOND_NS} s"
    return f"KuCoin {venue} has no {shown} candles; there are {', '.join(names)}"
