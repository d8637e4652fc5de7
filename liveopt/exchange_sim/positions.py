"""Futures positions: cost, margin, profit and the price of ruin, for linear and inverse contracts.

A value is signed and in the settlement currency: what a position of so many lots is worth at a
price. Linear: lots x multiplier x price. Inverse: lots x multiplier / price, the multiplier being
negative. In both cases profit is the value now less the value at entry.
"""

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from liveopt.exchange_sim.amounts import QUANTUM, ZERO, divided, divided_up, share
from liveopt.exchange_sim.specs import Spec

# Value up to which a level reaches, and its highest leverage: KuCoin's example table. Contracts
# with a lower highest leverage leave out the first rows.
_LEVELS: Final = (
    (100_000, 125), (500_000, 100), (1_000_000, 75), (2_000_000, 50), (3_000_000, 30),
    (5_000_000, 20), (8_000_000, 10), (12_000_000, 5), (20_000_000, 4), (30_000_000, 3),
    (40_000_000, 2), (50_000_000, 1),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RiskLevel:
    """How much leverage a position of some size may have."""

    level: int
    least: int
    most: int
    """Values in the quote currency."""
    leverage: int
    maintenance: Decimal


def risk_levels(spec: Spec) -> list[RiskLevel]:
    """The levels of a contract, smallest positions first."""
    rows = [row for row in _LEVELS if row[1] <= spec.leverage_max]
    if not rows or rows[0][1] != spec.leverage_max:
        rows.insert(0, (rows[0][0] // 2 if rows else 50_000_000, spec.leverage_max))
    levels, least = [], 0
    for number, (most, leverage) in enumerate(rows, 1):
        maintenance = (Decimal(1) / (2 * leverage)).quantize(Decimal("0.0001"))
        levels.append(RiskLevel(number, least, most, leverage, maintenance))
        least = most
    return levels


def value_at(spec: Spec, lots: int, price: Decimal) -> Decimal:
    """What a position of so many lots (negative: short) is worth at a price, signed."""
    value = _exact_value(spec, lots, price)
    return value.quantize(QUANTUM, ROUND_HALF_EVEN) if spec.inverse else value


def _exact_value(spec: Spec, lots: int, price: Decimal) -> Decimal:
    unit = lots * spec.multiplier
    return unit / price if spec.inverse else unit * price


def price_at(spec: Spec, lots: int, value: Decimal) -> Decimal:
    """The price at which so many lots have that value; 0 where no price does that."""
    if not lots or (spec.inverse and not value):
        return ZERO
    unit = lots * spec.multiplier
    return max(ZERO, unit / value if spec.inverse else value / unit)


def notional(spec: Spec, lots: int, price: Decimal) -> Decimal:
    """The size of a position in the quote currency, by which risk levels count."""
    return Decimal(abs(lots)) if spec.inverse else abs(value_at(spec, lots, price))


def close_reserve(spec: Spec, cost: Decimal, leverage: Decimal) -> Decimal:
    """Margin kept for the fee of closing in ruin."""
    return divided_up(abs(cost) * spec.taker_fee * (1 + leverage), leverage)


@dataclass(slots=True)
class Turnover:
    """Lots that changed hands, and their value: the prices of many fills as one."""

    lots: int = 0
    value: Decimal = ZERO

    def add(self, spec: Spec, lots: int, price: Decimal) -> None:
        """More lots at a price."""
        self.lots += lots
        self.value += _exact_value(spec, lots, price)

    def average(self, spec: Spec) -> Decimal:
        """What the lots cost on average, to a tenth of a tick."""
        return price_at(spec, self.lots, self.value).quantize(spec.tick / 10)


@dataclass(slots=True, eq=False)
class Position:
    """One account in one contract, one-way: long when `lots` is positive, short when negative."""

    id: str
    user: str
    spec: Spec
    leverage: Decimal = Decimal(1)
    cross: bool = False
    auto_deposit: bool = False
    """Whether the wallet refills the margin before the exchange liquidates."""
    level: int = 0
    """The risk level its owner chose, which bounds size and leverage; 0: the size decides."""
    lots: int = 0
    cost: Decimal = ZERO
    """The value at entry, signed."""
    margin: Decimal = ZERO
    """Isolated: what of the wallet this position may lose. Cross positions share and have none."""
    opened_ns: int = 0
    opened: Turnover = field(default_factory=Turnover)
    closed: Turnover = field(default_factory=Turnover)
    """All that was added and taken off since it was opened."""
    profit: Decimal = ZERO
    """Realised since it was opened, before fees and funding."""
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def entry(self) -> Decimal:
        """The average price paid."""
        return price_at(self.spec, self.lots, self.cost)

    @property
    def initial(self) -> Decimal:
        """The margin the leverage asks for."""
        return divided_up(abs(self.cost), self.leverage)

    @property
    def reserve(self) -> Decimal:
        """Margin kept for the closing fee."""
        return close_reserve(self.spec, self.cost, self.leverage)

    @property
    def maintenance(self) -> Decimal:
        """Margin below which the position is liquidated."""
        return divided(abs(self.cost) * self.maintenance_rate, Decimal(1)) + self.reserve

    @property
    def maintenance_rate(self) -> Decimal:
        """The part of its value that must stay: that of the contract, or of the level chosen."""
        return self.allowed().maintenance if self.level else self.spec.maintenance

    def unrealised(self, mark: Decimal) -> Decimal:
        """Profit if it were closed at the mark price."""
        return value_at(self.spec, self.lots, mark) - self.cost

    def allowed(self) -> RiskLevel:
        """What it may grow to; without a level chosen, to the last one's size."""
        levels = risk_levels(self.spec)
        if self.level:
            return levels[self.level - 1]
        return replace(levels[-1], leverage=self.spec.leverage_max)

    def ruined(self, mark: Decimal) -> bool:
        """Whether an isolated position has used up its margin."""
        return bool(self.lots) and self.margin + self.unrealised(mark) <= self.maintenance

    def liquidation_price(self) -> Decimal:
        """Where `ruined` becomes true."""
        value = self.cost - self.margin + self.maintenance
        return price_at(self.spec, self.lots, value)

    def bankrupt_price(self) -> Decimal:
        """Where the margin without the reserve is gone."""
        return price_at(self.spec, self.lots, self.cost - self.margin + self.reserve)

    def closable(self, signed: int) -> int:
        """How many of these signed lots would reduce the position."""
        return min(abs(signed), abs(self.lots)) if signed * self.lots < 0 else 0

    def open(self, signed: int, price: Decimal, at_ns: int) -> None:
        """Lots are added at a price; isolated margin with them."""
        if not self.lots:
            self.opened_ns, self.opened, self.closed = at_ns, Turnover(), Turnover()
            self.profit = self.fees = self.funding = ZERO
        added = value_at(self.spec, signed, price)
        self.opened.add(self.spec, signed, price)
        self.lots += signed
        self.cost += added
        if not self.cross:
            self.margin += margin_for(self.spec, added, self.leverage)

    def close(self, signed: int, price: Decimal) -> Decimal:
        """Lots are taken off at a price; the profit. Their part of cost and margin goes."""
        part, of = abs(signed), abs(self.lots)
        assert 0 < part <= of
        cost = share(self.cost, part, of)
        self.cost -= cost
        self.margin -= share(self.margin, part, of)
        self.lots += signed
        self.closed.add(self.spec, -signed, price)
        earned = -value_at(self.spec, signed, price) - cost
        self.profit += earned
        return earned


def margin_for(spec: Spec, value: Decimal, leverage: Decimal) -> Decimal:
    """Initial margin and closing reserve for a value."""
    return divided_up(abs(value), leverage) + close_reserve(spec, value, leverage)
