"""What is traded: symbols and contracts, whose prices and sizes are whole ticks and lots."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

Venue = Literal["spot", "futures"]


@dataclass(frozen=True, slots=True)
class Spec:
    """One market. Everywhere inside the simulator a price is a count of ticks, a size of lots."""

    symbol: str
    venue: Venue
    base: str
    quote: str
    settle: str
    tick: Decimal
    """Price of one tick in the quote currency."""
    lot: Decimal
    """Size of one lot as the wire says it: base currency on spot, 1 (contract) on futures."""
    start_price: float
    multiplier: Decimal = Decimal(1)
    """Base currency in one contract; -1 on inverse contracts, where a lot is worth 1 USD."""
    maker_fee: Decimal = Decimal("0.001")
    taker_fee: Decimal = Decimal("0.001")
    leverage_max: int = 1
    maintenance: Decimal = Decimal(0)
    trades_per_s: float = 4.0
    """How busy the symbol is in a normal regime."""
    volatility: float = 0.6
    """Yearly standard deviation of the logarithm of the price in a normal regime."""
    order_lots: int = 100
    """Size of an ordinary order of the others."""

    @property
    def inverse(self) -> bool:
        """Margined and settled in the base coin."""
        return self.multiplier < 0

    @property
    def underlying(self) -> str:
        """The coin whose price moves it; KuCoin's contracts say XBT for BTC."""
        return "BTC" if self.base == "XBT" else self.base

    def turnover(self, tick_lots: int, lots: int) -> float:
        """Quote currency that changed hands, from the sums of ticks x lots and of lots."""
        if self.inverse:
            return float(lots)
        return float(tick_lots * (self.tick * self.lot * self.multiplier))

    def price_text(self, ticks: int) -> str:
        """A price as the wire spells it: no exponent, no trailing zeros."""
        return _text(ticks * self.tick)

    def size_text(self, lots: int) -> str:
        """A size as the wire spells it."""
        return _text(lots * self.lot)

    def price(self, ticks: int) -> float:
        """A price in the quote currency."""
        return float(ticks * self.tick)

    def ticks(self, price: float) -> int:
        """The tick nearest to a price, 1 at least."""
        return max(1, round(price / float(self.tick)))


def _text(value: Decimal) -> str:
    text = f"{value.normalize():f}"
    return "0" if text == "-0" else text


@dataclass(frozen=True, slots=True)
class _Coin:
    """What the spot pair and the contracts of a coin have in common."""

    price: float
    volatility: float


_BTC: Final = _Coin(60_000.0, 0.55)
_ETH: Final = _Coin(3_000.0, 0.7)
_SOL: Final = _Coin(150.0, 0.9)
_KCS: Final = _Coin(10.0, 0.6)


def _spot(base: str, coin: _Coin, units: tuple[str, str], order_lots: int, pace: float) -> Spec:
    """A pair with USDT; units are (tick, lot)."""
    return Spec(
        f"{base}-USDT",
        "spot",
        base,
        "USDT",
        "USDT",
        tick=Decimal(units[0]),
        lot=Decimal(units[1]),
        start_price=coin.price,
        trades_per_s=pace,
        volatility=coin.volatility,
        order_lots=order_lots,
    )


def _contract(
    symbol: str, base: str, coin: _Coin, terms: tuple[str, str, int], order: tuple[int, float]
) -> Spec:
    """A perpetual contract; terms are (tick, multiplier, highest leverage), order (lots, pace)."""
    tick, multiplier, leverage_max = terms
    inverse = multiplier.startswith("-")
    quote = "USD" if inverse else "USDT"
    return Spec(
        symbol,
        "futures",
        base,
        quote,
        base if inverse else quote,
        tick=Decimal(tick),
        lot=Decimal(1),
        start_price=coin.price,
        multiplier=Decimal(multiplier),
        maker_fee=Decimal("0.0002"),
        taker_fee=Decimal("0.0006"),
        leverage_max=leverage_max,
        maintenance=Decimal(1) / (2 * leverage_max),
        trades_per_s=order[1],
        volatility=coin.volatility,
        order_lots=order[0],
    )


SPECS: Final[tuple[Spec, ...]] = (
    _spot("BTC", _BTC, ("0.1", "0.00000001"), 3_000_000, 4.0),
    _spot("ETH", _ETH, ("0.01", "0.0000001"), 5_000_000, 3.0),
    _spot("SOL", _SOL, ("0.01", "0.0001"), 60_000, 2.0),
    _spot("KCS", _KCS, ("0.001", "0.0001"), 400_000, 1.0),
    _contract("XBTUSDTM", "XBT", _BTC, ("0.1", "0.001", 125), (40, 5.0)),
    _contract("ETHUSDTM", "ETH", _ETH, ("0.01", "0.01", 100), (60, 4.0)),
    _contract("SOLUSDTM", "SOL", _SOL, ("0.01", "0.1", 75), (100, 2.0)),
    _contract("XBTUSDM", "XBT", _BTC, ("0.1", "-1", 125), (2_000, 1.0)),
)
BY_SYMBOL: Final[Mapping[str, Spec]] = {spec.symbol: spec for spec in SPECS}


def spec_named(symbol: str) -> Spec:
    """The market with this symbol."""
    if symbol not in BY_SYMBOL:
        raise ValueError(f"no market {symbol!r}; there are {', '.join(BY_SYMBOL)}")
    return BY_SYMBOL[symbol]
