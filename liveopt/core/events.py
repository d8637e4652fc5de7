"""What happened in the market and to the feed, as frozen messages: ticks come in, bars go out."""

from typing import Literal

import msgspec


class Tick(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One public trade; the feed has already refused a price or size that is no number.

    `sequence` tells trades of one symbol apart and only grows; `side` is the taker's: 1 bought, -1
    sold, 0 unknown. Ticks from a file may have none of the three.
    """

    at_ns: int
    price: float
    size: float
    symbol: str = ""
    sequence: int = 0
    side: int = 0


class Quote(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The top of a symbol's book; only the newest counts."""

    at_ns: int
    symbol: str
    sequence: int
    bid: float
    bid_size: float
    ask: float
    ask_size: float


class Bar(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The trades of one clock-aligned interval; `at_ns` is the moment it opens."""

    at_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class LateTick(msgspec.Struct, frozen=True, tag=True):
    """A tick left out, for its interval had already closed and bars are never rewritten."""

    tick: Tick
    open_ns: int


class Gap(msgspec.Struct, frozen=True, tag=True):
    """A silence `[from_ns, to_ns)` too long to fill with empty bars; they start anew after it."""

    from_ns: int
    to_ns: int


class Closed(msgspec.Struct, frozen=True, tag=True):
    """What a tick or the clock did: the bars that closed, and what the journal should know."""

    bars: tuple[Bar, ...] = ()
    late: LateTick | None = None
    gap: Gap | None = None


class Candle(msgspec.Struct, frozen=True, tag=True):
    """The exchange's own bar, as it stands now; it never says whether it is closed."""

    symbol: str
    interval_ns: int
    bar: Bar


class Late(msgspec.Struct, frozen=True, tag=True):
    """A tick that came after later ones had been handed on; order is never undone."""

    tick: Tick


class Hole(msgspec.Struct, frozen=True, tag=True):
    """Ticks of a symbol that are lost for good, somewhere within `[from_ns, to_ns]`.

    `bars` are the exchange's candles of that span, as far as it had any.
    """

    symbol: str
    from_ns: int
    to_ns: int
    why: str
    bars: tuple[Bar, ...] = ()


State = Literal["live", "quiet", "stale", "reconnecting"]


class FeedState(msgspec.Struct, frozen=True, tag=True):
    """How a topic is doing: `age_ns` is how long ago its last data came.

    quiet: no data because nothing trades, checked with the exchange. stale: the exchange has data
    that the socket did not bring.
    """

    at_ns: int
    topic: str
    state: State
    age_ns: int
    why: str = ""


class Disagreement(msgspec.Struct, frozen=True, tag=True):
    """A bar built from ticks differs from the exchange's candle of the same interval."""

    symbol: str
    interval_ns: int
    ours: Bar | None
    theirs: Bar | None


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The exchange or the decoder said no: a topic not granted, or frames that cannot be used."""

    at_ns: int
    topic: str
    why: str
    count: int = 1
    sample: str = ""


FeedEvent = Tick | Quote | Candle | Late | Hole | FeedState | Disagreement | Refused
