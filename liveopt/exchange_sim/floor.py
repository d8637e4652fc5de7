"""The trading floor: what spot and futures trading share - markets, names, faults, pushes."""

from collections.abc import Callable, Iterable
from typing import Any

from liveopt.exchange_sim.api import ApiError
from liveopt.exchange_sim.events import Event, Push, Side, Traded
from liveopt.exchange_sim.exchange import Exchange
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.ids import Ids
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.orders import Order
from liveopt.exchange_sim.specs import Venue


class Floor:
    """Orders go through here to the markets, and what happened comes back in order."""

    def __init__(self, exchange: Exchange, seed: int, faults: Faults) -> None:
        self.exchange = exchange
        self.ids = Ids(seed)
        self.faults = faults
        self.fill: Callable[[Traded], None] = _nobody
        """Who books the trades of clients' orders."""
        self._booked: set[tuple[str, int]] = set()

    @property
    def now_ns(self) -> int:
        """The exchange's clock."""
        return self.exchange.now_ns

    @property
    def now_ms(self) -> int:
        """The exchange's clock as most of the wire says it."""
        return self.exchange.now_ns // 1_000_000

    def market(self, venue: Venue, symbol: object) -> Market | None:
        """The market of a symbol, when it is one of this venue."""
        market = self.exchange.markets.get(str(symbol))
        return market if market is not None and market.spec.venue == venue else None

    def strikes(self, name: str, symbol: str) -> bool:
        """Whether a fault of trading strikes at this symbol now."""
        market = self.exchange.markets.get(symbol)
        where = {} if market is None else {"venue": market.spec.venue}
        return self.faults.strike(name.replace("_", "-"), symbol=symbol, **where) is not None

    def visible(self, order: Order) -> bool:
        """Whether queries and cancels find the order yet."""
        where = {"symbol": order.spec.symbol, "venue": order.spec.venue}
        hidden = self.faults.holds("order-invisible", **where)
        if hidden is None or self.now_ns - order.at_ns >= float(hidden["seconds"]) * 1e9:
            return True
        return self.faults.strike("order-invisible", **where) is None

    def push(self, user: str, topic: str, subject: str, data: dict[str, Any]) -> None:
        """A message to the private sockets of an account."""
        venue = "futures" if topic.startswith("/contract") else "spot"
        where = {"topic": topic, "symbol": str(data.get("symbol", "")), "venue": venue}
        if self.faults.strike("lost-pushes", **where) is not None:
            return
        repeated = self.faults.strike("duplicate-pushes", **where)
        for _ in range(1 if repeated is None else int(repeated["copies"])):
            self.exchange.push(Push(user, topic, subject, data))

    def submit(self, order: Order, limit_ticks: int | None, lots: int, rest: bool) -> None:
        """Sends (part of) an order to its market and books what it traded."""
        market = self.exchange.markets[order.spec.symbol]
        self._tell(market.submit(order.id, order.side, lots, limit_ticks, rest=rest))

    def withdraw(self, order: Order, lots: int | None = None) -> int:
        """Takes (part of) a resting order out of its market: how many lots were still there."""
        market = self.exchange.markets[order.spec.symbol]
        removed, events = market.cancel(order.id, lots)
        self._tell(events)
        return removed

    def listen(self, events: Iterable[Event]) -> None:
        """Books the trades that others did with the clients' resting orders."""
        for event in events:
            if isinstance(event, Traded):
                key = event.symbol, event.sequence
                if key in self._booked:
                    self._booked.remove(key)
                else:
                    self.fill(event)

    def _tell(self, events: list[Event]) -> None:
        trades = [event for event in events if isinstance(event, Traded)]
        self._booked.update((trade.symbol, trade.sequence) for trade in trades)
        for trade in trades:
            self.fill(trade)
        if events:
            self.exchange.tell(events)


def reachable(market: Market, side: Side, limit_ticks: int | None) -> list[tuple[int, int]]:
    """The levels an order of this side could take now, best first."""
    other: Side = "sell" if side == "buy" else "buy"
    levels = market.levels(other, 1_000_000)
    if limit_ticks is None:
        return levels
    return [
        (ticks, lots)
        for ticks, lots in levels
        if (ticks <= limit_ticks if side == "buy" else ticks >= limit_ticks)
    ]


def refuse(code: str, text: str) -> ApiError:
    """A trading error: HTTP 200, and the code says it."""
    return ApiError(code, text)


def _nobody(_: Traded) -> None:
    raise AssertionError("a trade before the desk opened")
