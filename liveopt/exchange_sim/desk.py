"""Private trading on the simulated exchange: accounts, orders, positions, and their REST."""

from collections.abc import Iterable
from typing import Any

from liveopt.core.bars import SECOND_NS
from liveopt.exchange_sim.accounts import Account, paper_account
from liveopt.exchange_sim.accounts_api import AccountsApi
from liveopt.exchange_sim.api import Route
from liveopt.exchange_sim.auth import Credential, paper_credential
from liveopt.exchange_sim.dead_switch import DeadSwitch
from liveopt.exchange_sim.events import Event, Traded
from liveopt.exchange_sim.exchange import Exchange
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.floor import Floor
from liveopt.exchange_sim.futures_api import FuturesApi
from liveopt.exchange_sim.futures_orders import FuturesDesk
from liveopt.exchange_sim.ledger_api import LedgerApi
from liveopt.exchange_sim.positions_api import PositionsApi
from liveopt.exchange_sim.settlement import Settlement
from liveopt.exchange_sim.specs import Venue
from liveopt.exchange_sim.spot_api import SpotApi
from liveopt.exchange_sim.spot_orders import SpotDesk
from liveopt.exchange_sim.stops import FuturesStops, SpotStops


class Desk:
    """Where signed calls are answered; it hears of every trade and of time going by.

    With no accounts named there is one, with paper money, whose key is `credential`.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        seed: int = 0,
        accounts: Iterable[Account] | None = None,
        faults: Faults | None = None,
    ) -> None:
        """Without a board of faults it has one of its own, whose seconds are the market's."""
        self.credential: Credential = paper_credential(seed)
        if accounts is None:
            accounts = [paper_account(self.credential.user)]
        self.accounts = {account.user: account for account in accounts}
        self.faults = faults or Faults(seed, lambda: exchange.now_ns / SECOND_NS)
        self.floor = Floor(exchange, seed, self.faults)
        self.spot = SpotDesk(self.floor, self.accounts)
        self.futures = FuturesDesk(self.floor, self.accounts)
        self.spot_stops = SpotStops(self.spot)
        self.futures_stops = FuturesStops(self.futures)
        self.settlement = Settlement(self.futures)
        self.switch = DeadSwitch(self.spot)
        self.floor.fill = self._fill
        exchange.listeners.append(self.listen)

    def routes(self, venue: Venue) -> list[Route]:
        """The signed endpoints of one host, literal paths before those with names in them."""
        ledger = LedgerApi(self.futures, self.spot)
        if venue == "spot":
            accounts = AccountsApi(
                self.futures, {self.credential.user: self.credential.key}
            ).routes()
            return [
                *SpotApi(self.spot, self.spot_stops, self.switch).routes(),
                *ledger.spot_routes(),
                *accounts,
            ]
        positions = PositionsApi(self.futures, self.settlement).routes()
        return [*FuturesApi(self.futures).routes(), *positions, *ledger.futures_routes()]

    def funding_rows(self) -> list[tuple[str, dict[str, Any]]]:
        """What /contract/announcement has to say since the last call, as (subject, data)."""
        rows = list(self.settlement.announcements)
        self.settlement.announcements.clear()
        return rows

    def listen(self, events: list[Event]) -> None:
        """What happened on the markets: fills first, then stops, then what time brings."""
        self.floor.listen(events)
        for event in events:
            if isinstance(event, Traded):
                self.spot_stops.watch(event)
        self.futures_stops.watch(events)
        self.spot.expire()
        self.switch.step()
        self.settlement.step()

    def _fill(self, trade: Traded) -> None:
        """Books a trade for its maker, then for its taker, where they are clients."""
        for order_id, maker in ((trade.maker_id, True), (trade.taker_id, False)):
            if (spot := self.spot.blotter.working.get(order_id)) is not None:
                self.spot.book(spot, trade, maker)
            elif (futures := self.futures.blotter.working.get(order_id)) is not None:
                self.futures.book(futures, trade, maker)
