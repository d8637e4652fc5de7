"""Paper money: what each account owns, and what its open orders hold of it."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from liveopt.exchange_sim.amounts import ZERO

Kind = Literal["main", "trade"]
DEFAULT_SPOT: Final = {"USDT": Decimal(100_000), "BTC": Decimal(2), "ETH": Decimal(20)}
DEFAULT_FUTURES: Final = {"USDT": Decimal(100_000), "XBT": Decimal(2)}
TRANSFERS_MAX: Final = 1_000
"""Transfers that are remembered."""


class NotEnough(Exception):
    """More was asked of a balance than is free."""


@dataclass(slots=True)
class Balance:
    """One currency of one account; what orders hold is part of the total."""

    total: Decimal = ZERO
    held: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        """What new orders may use."""
        return self.total - self.held

    def hold(self, amount: Decimal) -> None:
        """Set money aside for an order."""
        if amount > self.available:
            raise NotEnough
        self.held += amount
        assert ZERO <= self.held <= self.total

    def release(self, amount: Decimal) -> None:
        """Give back what an order no longer needs."""
        self.held -= amount
        assert self.held >= 0

    def add(self, amount: Decimal) -> None:
        """Money comes in, or goes out when negative; what is held cannot go."""
        if amount < 0 and -amount > self.available:
            raise NotEnough
        self.total += amount


@dataclass(slots=True)
class Wallet:
    """The futures money in one currency; margins are parts of it and kept with their positions."""

    currency: str
    total: Decimal = ZERO
    version: int = 0


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that went from one account of a user (main, trade, contract) to another."""

    id: str
    number: int
    at_ms: int
    currency: str
    amount: Decimal
    source: str
    target: str

    @property
    def wallet(self) -> str:
        """The currency as futures name it."""
        return {"BTC": "XBT"}.get(self.currency, self.currency)

    @property
    def into_contract(self) -> Decimal:
        """What the futures wallet got, negative where it gave."""
        return self.amount if self.target == "contract" else -self.amount

    @property
    def kind(self) -> str:
        """As the history of the futures wallet calls it."""
        return "TransferIn" if self.target == "contract" else "TransferOut"

    @property
    def remark(self) -> str:
        """The other account, in words."""
        if self.target == "contract":
            return f"Transferred from {self.source.title()} Account"
        return f"Transferred to {self.target.title()} Account"


@dataclass(slots=True)
class Account:
    """One user: spot balances, futures wallets, and how its futures are margined."""

    user: str
    main: dict[str, Balance] = field(default_factory=dict)
    trade: dict[str, Balance] = field(default_factory=dict)
    wallets: dict[str, Wallet] = field(default_factory=dict)
    margin_mode: dict[str, str] = field(default_factory=dict)
    cross_leverage: dict[str, Decimal] = field(default_factory=dict)
    transfers: deque[Transfer] = field(default_factory=lambda: deque(maxlen=TRANSFERS_MAX))

    def balance(self, currency: str, kind: Kind = "trade") -> Balance:
        """The balance of a currency, empty where there never was one."""
        return (self.trade if kind == "trade" else self.main).setdefault(currency, Balance())

    def wallet(self, currency: str) -> Wallet:
        """The futures wallet of a currency, empty where there never was one."""
        return self.wallets.setdefault(currency, Wallet(currency))

    def mode_of(self, symbol: str) -> str:
        """How a contract is margined: ISOLATED unless the user chose CROSS."""
        return self.margin_mode.get(symbol, "ISOLATED")


def paper_account(user: str) -> Account:
    """An account with the money a simulation starts with."""
    return Account(
        user,
        trade={currency: Balance(amount) for currency, amount in DEFAULT_SPOT.items()},
        wallets={name: Wallet(name, amount) for name, amount in DEFAULT_FUTURES.items()},
    )
