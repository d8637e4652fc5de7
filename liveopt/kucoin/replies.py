"""What REST answers, read strictly, and the errors, sorted by what one does next.

RestError
+-- Unreachable   no answer, or none of the exchange's: try again later
+-- Overloaded    the exchange has too much to do: try again soon
+-- RateLimited   our quota is used up: wait until it resets
+-- EdgeBlocked   the house in front of the exchange shut this IP out: send nothing for a while
+-- Denied        the exchange understood and said no: ask for something else
+-- Garbled       an answer that cannot be used: tell a person
"""

from collections.abc import Iterable
from math import inf
from typing import Final, NamedTuple, TypeVar

import msgspec

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Bar, Tick
from liveopt.kucoin.budget import Trouble
from liveopt.kucoin.depth import BookSnapshot
from liveopt.kucoin.wire import (
    MS_NS,
    SEQUENCE_MAX,
    YEAR_2010_NS,
    YEAR_2100_NS,
    BadFrame,
    bar_of,
)
from liveopt.kucoin.words import Venue

FINE: Final = "200000"
BAD_TIME: Final = "400002"
TEXT_SHOWN: Final = 200
PING_MS: Final = (1_000, 600_000)
"""Keep-alive periods outside of this are no KuCoin's."""


class RestError(Exception):
    """A call that brought nothing."""


class Unreachable(RestError):
    """No answer, or none of the exchange's own."""


class _Wait(RestError):
    def __init__(self, why: str, wait_ns: int) -> None:
        super().__init__(f"{why}; again in {wait_ns / SECOND_NS:.1f} s")
        self.wait_ns = wait_ns


class Overloaded(_Wait):
    """The exchange has too much to do; it does not count against our quota."""


class RateLimited(_Wait):
    """Our quota is used up, or would be."""


class EdgeBlocked(_Wait):
    """Too many requests from this IP, says the house in front of the exchange."""


class Denied(RestError):
    """The exchange understood and said no."""

    def __init__(self, code: str, text: str, status: int = 200) -> None:
        super().__init__(f"{text} (code {code}, HTTP {status})")
        self.code = code
        self.text = text
        self.status = status


class Garbled(RestError):
    """An answer that cannot be used."""


class Bullet(NamedTuple):
    """The permit for one socket: good for 24 hours and one connection, and how to keep it alive."""

    token: str
    endpoint: str
    ping_interval_ns: int
    ping_timeout_ns: int


class Fees(NamedTuple):
    """What a trade costs this account, as fractions; below 0 is a rebate."""

    maker: float
    taker: float


class Reply(msgspec.Struct):
    """`{"code":"200000","data":{}}`, or `{"code":"400100","msg":"symbol is required"}`."""

    code: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    msg: str = ""


class _Server(msgspec.Struct):
    endpoint: str
    interval_ms: int = msgspec.field(name="pingInterval")
    timeout_ms: int = msgspec.field(name="pingTimeout")


class _Bullet(msgspec.Struct):
    token: str
    servers: list[_Server] = msgspec.field(name="instanceServers")


class _Trade(msgspec.Struct):
    sequence: int
    price: float
    size: float
    side: str
    time: int = 0
    ts: int = 0


class _Book(msgspec.Struct):
    sequence: int
    bids: list[list[float]] | None
    asks: list[list[float]] | None
    time: int = 0
    ts: int = 0


class _Fees(msgspec.Struct):
    symbol: str
    maker: float = msgspec.field(name="makerFeeRate")
    taker: float = msgspec.field(name="takerFeeRate")


Kind = TypeVar("Kind")
_reply = msgspec.json.Decoder(Reply, strict=False).decode


def read_reply(body: bytes) -> Reply | None:
    """The envelope; None where the body is not the exchange's."""
    try:
        return _reply(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def data_of(status: int, reply: Reply | None, trouble: Trouble, wait_ns: int) -> msgspec.Raw:
    """What a fine answer carries; any other becomes its error. The code counts, not the status."""
    if trouble != "none":
        error, why = _TROUBLES[trouble]
        raise error(f"{why} (HTTP {status})", wait_ns)
    if status >= 500:
        raise Unreachable(f"the exchange has an error of its own (HTTP {status})")
    if reply is None and status >= 400:
        raise Denied(str(status), "no reason given", status)
    if reply is None:
        raise Garbled(f"no JSON of KuCoin's (HTTP {status})")
    if reply.code != FINE or status >= 300:
        raise Denied(_shown(reply.code), _shown(reply.msg), status)
    return reply.data


_TROUBLES: Final[dict[Trouble, tuple[type[_Wait], str]]] = {
    "quota": (RateLimited, "our quota is used up"),
    "business": (RateLimited, "too many calls for the futures' business layer"),
    "overload": (Overloaded, "the exchange is overloaded"),
    "edge": (EdgeBlocked, "this address is blocked"),
}


def read_bullet(data: msgspec.Raw) -> Bullet:
    """`{"token":"2neAiu..","instanceServers":[{"endpoint":"wss://..","pingInterval":18000,..}]}`."""
    said = decode(data, _Bullet)
    if not said.token or not said.servers:
        raise Garbled("a bullet without a token or a server")
    server = said.servers[0]
    if not server.endpoint.startswith(("ws://", "wss://")):
        raise Garbled(f"no address of a socket: {_shown(server.endpoint)}")
    for period_ms in (server.interval_ms, server.timeout_ms):
        if not PING_MS[0] <= period_ms <= PING_MS[1]:
            raise Garbled(f"a keep-alive period of {period_ms} ms")
    return Bullet(
        said.token, server.endpoint, server.interval_ms * MS_NS, server.timeout_ms * MS_NS
    )


def read_time_ms(data: msgspec.Raw) -> int:
    """`1729260030774`."""
    at_ms = decode(data, int)
    _check_time(at_ms * MS_NS)
    return at_ms


FUNDING_RATE_MAX: Final = 0.1
"""No settlement takes more than this share of a position's value."""


class _Funding(msgspec.Struct):
    rate: float = msgspec.field(name="value")
    since_ms: int = msgspec.field(name="timePoint")
    every_ms: int = msgspec.field(name="granularity")


def read_funding(data: msgspec.Raw) -> tuple[int, float]:
    """When funding is settled next, and the rate as it stands now.

    `{"symbol":".XBTUSDTMFPI8H","granularity":28800000,"timePoint":1731441600000,"value":0.000641}`
    """
    row = decode(data, _Funding)
    at_ns = (row.since_ms + row.every_ms) * MS_NS
    _check_time(at_ns)
    if not abs(row.rate) < FUNDING_RATE_MAX:  # NaN is not
        raise Garbled(f"a funding rate of {row.rate}")
    return at_ns, row.rate


def read_trades(venue: Venue, symbol: str, data: msgspec.Raw) -> list[Tick]:
    """The newest trades, oldest first; of a contract the sizes are lots.

    `[{"sequence":"7613805866401793","price":"67347.4","size":"0.0045","side":"sell","time":17098}]`
    """
    ticks = []
    for said in decode(data, list[_Trade]):
        at_ns = said.time if venue == "spot" else said.ts
        _check_time(at_ns)
        # Written so that NaN fails.
        if not (0.0 < said.price < inf and 0.0 < said.size < inf):
            raise Garbled(f"a trade of {said.size} at {said.price}")
        if not 0 < said.sequence < SEQUENCE_MAX:
            raise Garbled(f"a trade with sequence {said.sequence}")
        if said.side not in {"buy", "sell"}:
            raise Garbled(f"a trade whose side is {_shown(said.side)}")
        side = 1 if said.side == "buy" else -1
        ticks.append(Tick(at_ns, said.price, said.size, symbol, said.sequence, side))
    ticks.sort(key=lambda tick: tick.sequence)
    return ticks


def read_candles(venue: Venue, data: msgspec.Raw, interval_ns: int) -> list[Bar]:
    """Candles, oldest first. Of a contract the volumes are lots; a seventh column is turnover.

    Spot `["1706637600","43396.4","43369.4","43491.9","43285.2","135.02","5859577.9"]` is seconds,
    open, close, high, low; futures `[1706630400000,43375.2,43514.2,43219,43492,354348]` is
    milliseconds, open, high, low, close.
    """
    bars: dict[int, Bar] = {}
    unit_ns = SECOND_NS if venue == "spot" else MS_NS
    for row in decode(data, list[list[float]]):
        if len(row) < 6:
            raise Garbled(f"a candle of {len(row)} columns")
        opened, second, third, fourth, volume = row[1:6]
        prices = (opened, second, third, fourth)
        if venue == "spot":
            prices = (opened, third, fourth, second)
        _check_time(row[0] * unit_ns)
        at_ns = int(row[0]) * unit_ns
        if at_ns % interval_ns:
            raise Garbled(f"a candle that opens at {at_ns} ns, between two intervals")
        try:
            bars[at_ns] = bar_of(at_ns, prices, volume)
        except BadFrame as error:
            raise Garbled(str(error)) from error
    return [bars[at_ns] for at_ns in sorted(bars)]


def read_book(venue: Venue, symbol: str, data: msgspec.Raw) -> BookSnapshot:
    """`{"sequence":1697,"bids":[[66968,2]],"asks":[[66968.1,13501]],"ts":1729168101216000000}`."""
    said = decode(data, _Book)
    at_ns = said.time * MS_NS if venue == "spot" else said.ts
    _check_time(at_ns)
    if not 0 < said.sequence < SEQUENCE_MAX:
        raise Garbled(f"a book with sequence {said.sequence}")
    bids = sorted(_levels(said.bids or ()), reverse=True)
    return BookSnapshot(symbol, said.sequence, at_ns, bids, sorted(_levels(said.asks or ())))


def read_fees(venue: Venue, data: msgspec.Raw, symbol: str) -> Fees:
    """`{"symbol":"XBTUSDTM","takerFeeRate":"0.0006","makerFeeRate":"0.0002"}`; on spot a list."""
    rows = decode(data, list[_Fees]) if venue == "spot" else [decode(data, _Fees)]
    for row in rows:
        if row.symbol == symbol:
            if not (abs(row.maker) < 0.1 and abs(row.taker) < 0.1):
                raise Garbled(f"fees of {row.maker} and {row.taker}")
            return Fees(row.maker, row.taker)
    raise Garbled(f"no fees of {symbol}")


def decode(data: msgspec.Raw, kind: type[Kind]) -> Kind:
    """A part of an answer as its type; numbers may come as text."""
    try:
        return msgspec.json.decode(data, type=kind, strict=False)
    except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError) as error:
        raise Garbled(f"not what was asked for: {error}") from error


def _levels(rows: Iterable[list[float]]) -> Iterable[tuple[float, float]]:
    for row in rows:
        if len(row) < 2 or not (0.0 < row[0] < inf and 0.0 <= row[1] < inf):
            raise Garbled(f"a level of the book is {row[:4]}")
        if row[1] > 0.0:
            yield row[0], row[1]


def _check_time(at_ns: float) -> None:
    if not YEAR_2010_NS < at_ns < YEAR_2100_NS:
        raise Garbled(f"a time of {at_ns} ns")


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:TEXT_SHOWN])
