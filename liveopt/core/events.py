"""What happened in the market, as frozen messages: ticks come in, bars go out."""

import msgspec


class Tick(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One public trade; the feed has already refused a price or size that is no number."""

    at_ns: int
    price: float
    size: float


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
