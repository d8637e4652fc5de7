"""What the exchange lists: each symbol's steps, costs and limits, and the market they make."""

from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from liveopt.core.instrument import Instrument
from liveopt.kucoin.replies import Garbled, decode
from liveopt.kucoin.words import Venue

SPOT_FEE_RATES: Final = {1: 0.001, 2: 0.002, 3: 0.003}
"""Taker and maker alike, of the lowest account level, by the symbol's fee category."""
PERPETUAL: Final = "FFWCSX"


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol as the exchange describes it."""

    symbol: str
    base: str
    quote: str
    settle: str
    open: bool
    """Whether it is traded now."""
    kind: Literal["spot", "perpetual", "inverse", "dated"]
    instrument: Instrument | None
    """As the engine trades it; None for inverse and dated contracts, which it does not."""
    multiplier: float
    """Base currency in one lot of a contract (inverse: quote currency, below 0); 1 on spot."""
    size_min: float
    size_max: float
    """In base currency on spot, in lots of a contract."""
    leverage_max: float
    funding_interval_ns: int
    """0 where there is no funding."""


class _SpotRow(msgspec.Struct):
    symbol: str
    base: str = msgspec.field(name="baseCurrency")
    quote: str = msgspec.field(name="quoteCurrency")
    lot: float = msgspec.field(name="baseIncrement")
    tick: float = msgspec.field(name="priceIncrement")
    size_min: float = msgspec.field(name="baseMinSize")
    size_max: float = msgspec.field(name="baseMaxSize")
    open: bool = msgspec.field(name="enableTrading")
    category: int = msgspec.field(name="feeCategory", default=1)
    maker: float = msgspec.field(name="makerFeeCoefficient", default=1.0)
    taker: float = msgspec.field(name="takerFeeCoefficient", default=1.0)

    def listing(self) -> Listing:
        rate = SPOT_FEE_RATES[self.category]
        instrument = Instrument(
            "spot", self.tick, self.lot, taker_fee=rate * self.taker, maker_fee=rate * self.maker
        )
        return Listing(
            self.symbol, self.base, self.quote, self.quote, self.open, "spot", instrument,
            1.0, self.size_min, self.size_max, 1.0, 0,
        )  # fmt: skip


class _Contract(msgspec.Struct):
    symbol: str
    type: str
    base: str = msgspec.field(name="baseCurrency")
    quote: str = msgspec.field(name="quoteCurrency")
    settle: str = msgspec.field(name="settleCurrency")
    status: str
    multiplier: float
    lot: float = msgspec.field(name="lotSize")
    tick: float = msgspec.field(name="tickSize")
    maker: float = msgspec.field(name="makerFeeRate")
    taker: float = msgspec.field(name="takerFeeRate")
    maintenance: float = msgspec.field(name="maintainMargin")
    size_max: float = msgspec.field(name="maxOrderQty")
    leverage_max: float = msgspec.field(name="maxLeverage")
    inverse: bool = msgspec.field(name="isInverse", default=False)
    funding_ms: int | None = msgspec.field(name="fundingRateGranularity", default=None)

    def listing(self) -> Listing:
        kind: Literal["perpetual", "inverse", "dated"] = "perpetual"
        if self.inverse or self.multiplier <= 0.0:
            kind = "inverse"
        elif self.type != PERPETUAL:
            kind = "dated"
        instrument = None
        if kind == "perpetual":
            instrument = Instrument(
                "perpetual", self.tick, self.lot * self.multiplier, taker_fee=self.taker,
                maker_fee=self.maker, maintenance=self.maintenance,
            )  # fmt: skip
        return Listing(
            self.symbol, self.base, self.quote, self.settle, self.status == "Open", kind,
            instrument, self.multiplier, self.lot, self.size_max, self.leverage_max,
            (self.funding_ms or 0) * 1_000_000,
        )  # fmt: skip


def read_listings(venue: Venue, data: msgspec.Raw) -> dict[str, Listing]:
    """Every symbol that can be used, by its name.

    A row that makes no sense (fields have become null before) is left out, as if it were not
    listed; of a symbol that comes twice the last row counts.
    """
    rows = decode(data, list[msgspec.Raw])
    found = {}
    for row in rows:
        try:
            listing = _row(venue, row).listing()
        except (Garbled, ValueError, KeyError):
            continue
        found[listing.symbol] = listing
    if rows and not found:
        raise Garbled(f"none of {len(rows)} symbols can be read")
    return found


def _row(venue: Venue, data: msgspec.Raw) -> _SpotRow | _Contract:
    return decode(data, _SpotRow) if venue == "spot" else decode(data, _Contract)
