"""Frames as the exchange sends them, read strictly: what is not right is refused with a reason.

Unknown fields are passed over. A wrong type, a number that is not finite or out of any sense, a
time outside of this century: the frame is refused whole.
"""

from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Bar, Candle, Quote, Tick
from liveopt.kucoin.topics import Kind, Topic
from liveopt.kucoin.words import Venue

MS_NS: Final = 1_000_000
FRAME_BYTES_MAX: Final = 1 << 20
YEAR_2010_NS: Final = 1_262_304_000 * SECOND_NS
YEAR_2100_NS: Final = 4_102_444_800 * SECOND_NS
SEQUENCE_MAX: Final = 1 << 63
LEAST: Final = 1e-18
MOST: Final = 1e18
"""No market has prices or sizes beyond these; within them products and ratios stay finite."""
WHY_MAX: Final = 200
"""Characters of a reason: what a frame says may be as long as the frame."""


class BadFrame(ValueError):
    """A frame that cannot be used; the message says why."""

    def __init__(self, why: str) -> None:
        super().__init__(why[:WHY_MAX])


class Frame(msgspec.Struct, gc=False):
    """`{"type":"message","topic":"/market/match:BTC-USDT","subject":"trade.l3match","data":{}}`."""

    type: str
    topic: str = ""
    subject: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    id: str | int | None = None
    code: int | str | None = None

    @property
    def text(self) -> str:
        """What an error frame says."""
        return bytes(self.data)[:WHY_MAX].decode("utf-8", "replace").strip('"')


class Delta(msgspec.Struct, frozen=True, gc=False):
    """Changes of the book with sequences `first` to `last`: (is a bid, price, size, sequence)."""

    symbol: str
    at_ns: int
    first: int
    last: int
    changes: tuple[tuple[bool, float, float, int], ...]


Data = Tick | Quote | Candle | Delta
Row = tuple[float, float]
Whole = Annotated[int, msgspec.Meta(ge=0, le=SEQUENCE_MAX - 1)]
"""A sequence or a time. Bounded where it is read: Python cannot even print one too long."""


class _Trade(msgspec.Struct, gc=False):
    sequence: Whole
    price: float
    size: float
    side: Literal["buy", "sell"]


class _Match(_Trade, gc=False):
    time: Whole


class _Execution(_Trade, gc=False):
    ts: Whole


class _SpotTicker(msgspec.Struct, gc=False):
    sequence: Whole
    bid: float | None = msgspec.field(name="bestBid")
    bid_size: float | None = msgspec.field(name="bestBidSize")
    ask: float | None = msgspec.field(name="bestAsk")
    ask_size: float | None = msgspec.field(name="bestAskSize")
    time: Whole | None = None
    time_of_the_docs: Whole | None = msgspec.field(name="Time", default=None)


class _FuturesTicker(msgspec.Struct, gc=False):
    sequence: Whole
    bid: float | None = msgspec.field(name="bestBidPrice")
    bid_size: float | None = msgspec.field(name="bestBidSize")
    ask: float | None = msgspec.field(name="bestAskPrice")
    ask_size: float | None = msgspec.field(name="bestAskSize")
    ts: Whole


class _Candles(msgspec.Struct, gc=False):
    candles: tuple[Whole, float, float, float, float, float, float]


class _Level1(msgspec.Struct, gc=False):
    bids: list[float] | None
    asks: list[float] | None
    timestamp: Whole


class _Depth5(msgspec.Struct, gc=False):
    bids: list[Row] | None
    asks: list[Row] | None
    timestamp: Whole
    sequence: Whole = 0


class _Changes(msgspec.Struct, gc=False):
    asks: list[tuple[float, float, Whole]]
    bids: list[tuple[float, float, Whole]]


class _SpotDelta(msgspec.Struct, gc=False):
    changes: _Changes
    first: Whole = msgspec.field(name="sequenceStart")
    last: Whole = msgspec.field(name="sequenceEnd")
    time: Whole = 0


class _FuturesDelta(msgspec.Struct, gc=False):
    sequence: Whole
    change: str
    timestamp: Whole = 0


_frame = msgspec.json.Decoder(Frame).decode
_match = msgspec.json.Decoder(_Match, strict=False).decode
_execution = msgspec.json.Decoder(_Execution, strict=False).decode
_spot_ticker = msgspec.json.Decoder(_SpotTicker, strict=False).decode
_futures_ticker = msgspec.json.Decoder(_FuturesTicker, strict=False).decode
_candles = msgspec.json.Decoder(_Candles, strict=False).decode
_level1 = msgspec.json.Decoder(_Level1, strict=False).decode
_depth5 = msgspec.json.Decoder(_Depth5, strict=False).decode
_spot_delta = msgspec.json.Decoder(_SpotDelta, strict=False).decode
_futures_delta = msgspec.json.Decoder(_FuturesDelta, strict=False).decode


def read_frame(raw: str | bytes) -> Frame:
    """The envelope of a frame; what is inside stays as it came."""
    if len(raw) > FRAME_BYTES_MAX:
        raise BadFrame(f"{len(raw)} bytes are more than a frame has")
    try:
        return _frame(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadFrame(str(error)) from error


def read_data(topic: Topic, frame: Frame) -> Data | None:
    """What a push of that topic says; None where it says nothing, such as an empty book."""
    try:
        return _READERS[topic.venue, topic.kind](topic, frame.data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadFrame(str(error)) from error


def _read_match(topic: Topic, raw: msgspec.Raw) -> Tick:
    """`{"sequence":"1106","side":"buy","price":"67523","size":"0.003","time":"17298432229210"}`."""
    said = _match(raw)
    return _tick(topic, said, said.time)


def _read_execution(topic: Topic, raw: msgspec.Raw) -> Tick:
    """`{"sequence":1794,"side":"buy","size":2,"price":"90503.9","ts":1731898619520000000}`."""
    said = _execution(raw)
    return _tick(topic, said, said.ts)


def _tick(topic: Topic, said: _Trade, at_ns: int) -> Tick:
    price, size, sequence = said.price, said.size, said.sequence
    # Written so that NaN fails.
    if not LEAST <= price <= MOST:
        raise BadFrame(f"the price is {price}")
    if not LEAST <= size <= MOST:
        raise BadFrame(f"the size is {size}")
    if not sequence:
        raise BadFrame("the sequence is 0")
    if not YEAR_2010_NS < at_ns < YEAR_2100_NS:
        raise BadFrame(f"the time is {at_ns} ns")
    return Tick(at_ns, price, size, topic.symbol, sequence, 1 if said.side == "buy" else -1)


def _read_spot_ticker(topic: Topic, raw: msgspec.Raw) -> Quote | None:
    """`{"sequence":"1545","bestAsk":"67.1","bestBid":"67","bestAskSize":"1","time":17298}`."""
    said = _spot_ticker(raw)
    at_ms = said.time if said.time is not None else said.time_of_the_docs
    if at_ms is None:
        raise BadFrame("no time")
    return _top(topic, at_ms * MS_NS, said)


def _read_futures_ticker(topic: Topic, raw: msgspec.Raw) -> Quote | None:
    """`{"sequence":1,"bestBidPrice":"1.1","bestBidSize":5,"bestAskPrice":"1.2","ts":17298}`."""
    said = _futures_ticker(raw)
    return _top(topic, said.ts, said)


def _top(topic: Topic, at_ns: int, said: _SpotTicker | _FuturesTicker) -> Quote | None:
    if not said.bid or not said.ask:
        return None  # a side of the book is empty
    bid, ask = (said.bid, said.bid_size or 0.0), (said.ask, said.ask_size or 0.0)
    return _quote(topic, at_ns, said.sequence, bid, ask)


def _read_level1(topic: Topic, raw: msgspec.Raw) -> Quote | None:
    """`{"asks":["68145.8","0.51987471"],"bids":["68145.7","1.29267802"],"timestamp":17298}`."""
    said = _level1(raw)
    if not said.bids or not said.asks:
        return None
    if len(said.bids) != 2 or len(said.asks) != 2:
        raise BadFrame("a side is a price and a size")
    bid, ask = (said.bids[0], said.bids[1]), (said.asks[0], said.asks[1])
    return _quote(topic, said.timestamp * MS_NS, 0, bid, ask)


def _read_depth5(topic: Topic, raw: msgspec.Raw) -> Quote | None:
    """`{"bids":[["67523","0.003"]],"asks":[["67524","1"]],"timestamp":1729843222921}`."""
    said = _depth5(raw)
    if not said.bids or not said.asks:
        return None
    return _quote(topic, said.timestamp * MS_NS, said.sequence, said.bids[0], said.asks[0])


def _quote(topic: Topic, at_ns: int, sequence: int, bid: Row, ask: Row) -> Quote | None:
    for price, size in (bid, ask):
        if not (LEAST <= price <= MOST and 0.0 <= size <= MOST):
            raise BadFrame(f"the quote is {size} at {price}")
    if not YEAR_2010_NS < at_ns < YEAR_2100_NS:
        raise BadFrame(f"the time is {at_ns} ns")
    if bid[0] > ask[0]:
        return None  # caught halfway; the next one is due in a moment
    return Quote(at_ns, topic.symbol, sequence, *bid, *ask)


def _read_candle(topic: Topic, raw: msgspec.Raw) -> Candle:
    """`{"candles":["1729839600","67644.9","67437.6","67724.8","67243.8","44.88","3027558.9"]}`.

    The order is time, open, close, high, low, volume, turnover; futures say the lots in the last.
    """
    opened_s, first, last, high, low, volume, lots = _candles(raw).candles
    amount = volume if topic.venue == "spot" else lots
    return Candle(
        topic.symbol,
        topic.interval_ns,
        bar_of(opened_s * SECOND_NS, (first, high, low, last), amount),
    )


def bar_of(at_ns: int, prices: tuple[float, float, float, float], volume: float) -> Bar:
    """A bar that can have come from a market, out of open, high, low and close."""
    first, high, low, last = prices
    # Written without min and max, which lose a NaN.
    if not (LEAST <= low <= first <= high <= MOST and low <= last <= high):
        raise BadFrame(f"no candle has open {first}, high {high}, low {low}, close {last}")
    if not 0.0 <= volume <= MOST:
        raise BadFrame(f"the volume is {volume}")
    if not YEAR_2010_NS < at_ns < YEAR_2100_NS:
        raise BadFrame(f"the time is {at_ns} ns")
    return Bar(at_ns, first, high, low, last, volume)


def _read_spot_delta(topic: Topic, raw: msgspec.Raw) -> Delta:
    """`{"changes":{"asks":[["18906","0.1","14610502970"]],"bids":[]},"sequenceStart":1461}`."""
    said = _spot_delta(raw)
    changes = [(False, *change) for change in said.changes.asks]
    changes += [(True, *change) for change in said.changes.bids]
    changes.sort(key=lambda change: change[3])
    return _delta(topic, said.time * MS_NS, (said.first, said.last), tuple(changes))


def _read_futures_delta(topic: Topic, raw: msgspec.Raw) -> Delta:
    """`{"sequence":1709400450243,"change":"90631.2,sell,2","timestamp":1731897467182}`."""
    said = _futures_delta(raw)
    price, side, size = (*said.change.split(","), "", "")[:3]
    if side not in ("buy", "sell"):
        raise BadFrame(f"the change is {said.change[:60]!r}")
    change = (side == "buy", _number(price), _number(size), said.sequence)
    return _delta(topic, said.timestamp * MS_NS, (said.sequence, said.sequence), (change,))


def _number(text: str) -> float:
    return float(msgspec.convert(text, float, strict=False))


def _delta(
    topic: Topic,
    at_ns: int,
    span: tuple[int, int],
    changes: tuple[tuple[bool, float, float, int], ...],
) -> Delta:
    first, last = span
    if not 0 < first <= last:
        raise BadFrame(f"the sequences are {first} to {last}")
    if at_ns and not YEAR_2010_NS < at_ns < YEAR_2100_NS:
        raise BadFrame(f"the time is {at_ns} ns")
    for _, price, size, sequence in changes:
        # A price of 0 carries no change but moves the sequence.
        if not ((price == 0.0 or LEAST <= price <= MOST) and 0.0 <= size <= MOST):
            raise BadFrame(f"the change is {size} at {price}")
        if not first <= sequence <= last:
            raise BadFrame(f"the sequence {sequence} is not within {first} to {last}")
    return Delta(topic.symbol, at_ns, first, last, changes)


_READERS: Final[dict[tuple[Venue, Kind], Callable[[Topic, msgspec.Raw], Data | None]]] = {
    ("spot", "trades"): _read_match,
    ("spot", "ticker"): _read_spot_ticker,
    ("spot", "candles"): _read_candle,
    ("spot", "level1"): _read_level1,
    ("spot", "depth5"): _read_depth5,
    ("spot", "depth"): _read_spot_delta,
    ("futures", "trades"): _read_execution,
    ("futures", "ticker"): _read_futures_ticker,
    ("futures", "quotes"): _read_futures_ticker,
    ("futures", "candles"): _read_candle,
    ("futures", "depth5"): _read_depth5,
    ("futures", "depth"): _read_futures_delta,
}
