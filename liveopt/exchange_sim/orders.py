"""Orders of clients: what spot and futures orders have in common, and where they are kept."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Generic, Literal, TypeVar

from liveopt.exchange_sim.amounts import ZERO
from liveopt.exchange_sim.api import ApiError
from liveopt.exchange_sim.events import Side
from liveopt.exchange_sim.specs import Spec

Kind = Literal["limit", "market"]
HISTORY_MAX: Final = 20_000
"""Finished orders and fills that are remembered; the oldest are forgotten first."""
_CLIENT_OID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """One order. At any time lots = filled + cancelled + remaining, and it ends exactly once."""

    id: str = ""
    user: str
    spec: Spec
    client_oid: str
    side: Side
    kind: Kind
    lots: int
    ticks: int | None
    """The limit; None on market orders."""
    tif: str = "GTC"
    post_only: bool = False
    stp: str = ""
    remark: str | None = None
    tags: str | None = None
    at_ns: int = 0
    updated_ns: int = 0
    filled: int = 0
    cancelled: int = 0
    deal_value: Decimal = ZERO
    fee: Decimal = ZERO
    held: Decimal = ZERO
    """Money set aside: in the currency paid with on spot, margin on futures."""
    resting: bool = False
    done: bool = False

    @property
    def remaining(self) -> int:
        """Lots that may still trade."""
        return self.lots - self.filled - self.cancelled

    @property
    def price(self) -> Decimal:
        """The limit in the quote currency; 0 on market orders."""
        return ZERO if self.ticks is None else self.ticks * self.spec.tick


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of one order, as its owner sees it."""

    id: int
    order: Order
    trade_id: int
    counter_id: str
    at_ns: int
    ticks: int
    lots: int
    maker: bool
    value: Decimal
    fee: Decimal
    fee_rate: Decimal
    closing_fee: Decimal = ZERO
    """The part of the fee that closing a position cost (futures)."""

    @property
    def price(self) -> Decimal:
        """What was paid for one unit."""
        return self.ticks * self.order.spec.tick


AnOrder = TypeVar("AnOrder", bound=Order)


@dataclass(slots=True)
class Blotter(Generic[AnOrder]):
    """The orders and fills of one venue, found by either id."""

    by_id: dict[str, AnOrder] = field(default_factory=dict)
    by_client: dict[tuple[str, str], AnOrder] = field(default_factory=dict)
    working: dict[str, AnOrder] = field(default_factory=dict)
    """Those not done yet, oldest first."""
    finished: deque[AnOrder] = field(default_factory=deque)
    fills: deque[Fill] = field(default_factory=lambda: deque(maxlen=HISTORY_MAX))

    def add(self, order: AnOrder) -> None:
        """A new order; its client id now finds it."""
        self.by_id[order.id] = order
        self.working[order.id] = order
        if order.client_oid:
            self.by_client[order.user, order.client_oid] = order

    def finish(self, order: AnOrder, at_ns: int) -> None:
        """Nothing of the order is left: its one and only end."""
        assert not order.done
        assert order.remaining == 0
        order.done, order.resting, order.updated_ns = True, False, at_ns
        del self.working[order.id]
        self.finished.append(order)
        if len(self.finished) > HISTORY_MAX:
            old = self.finished.popleft()
            del self.by_id[old.id]
            if self.by_client.get((old.user, old.client_oid)) is old:
                del self.by_client[old.user, old.client_oid]

    def open_of(self, user: str, symbol: str = "") -> Iterator[AnOrder]:
        """The working orders of an account, oldest first; of one symbol where it is named."""
        for order in list(self.working.values()):
            if order.user == user and symbol in {"", order.spec.symbol}:
                yield order

    def done_of(self, user: str) -> Iterator[AnOrder]:
        """The finished orders of an account, newest first."""
        return (order for order in reversed(self.finished) if order.user == user)

    def fills_of(self, user: str) -> Iterator[Fill]:
        """The fills of an account, newest first."""
        return (fill for fill in reversed(self.fills) if fill.order.user == user)


def check_client_oid(text: str) -> None:
    """Refuses an id that the exchange would not take."""
    if not _CLIENT_OID.fullmatch(text):
        raise ApiError("400100", "clientOid is invalid: at most 40 of A-Z a-z 0-9 _ -")
