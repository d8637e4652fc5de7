"""A client of the desk without HTTP: it calls endpoints by path, and keeps what it is pushed."""

import json
import re
from typing import Any

from liveopt.exchange_sim.accounts import Account, paper_account
from liveopt.exchange_sim.api import ApiError, Call, Route
from liveopt.exchange_sim.desk import Desk
from liveopt.exchange_sim.events import Push, Side
from liveopt.exchange_sim.exchange import Exchange
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.specs import Venue

SECOND_NS = 10**9
START_NS = 1_800_000_000 * SECOND_NS
SPOT, FUTURES, INVERSE = "BTC-USDT", "XBTUSDTM", "XBTUSDM"
USER, OTHER = "633559791e1cbc0001f319bc", "66f12e8befb04d0001882b49"


class Trader:
    """One account at a desk on a fresh exchange with real markets."""

    def __init__(self, *symbols: str, seed: int = 3, start_ns: int = START_NS) -> None:
        markets = symbols or (SPOT, FUTURES)
        self.exchange = Exchange(seed, start_ns, markets)
        self.desk = Desk(
            self.exchange, seed=seed, accounts=[paper_account(USER), paper_account(OTHER)]
        )
        self.user = USER
        self.pushes: list[Push] = []
        self.exchange.private.append(self.pushes.append)
        self._count = 0

    @property
    def account(self) -> Account:
        return self.desk.accounts[self.user]

    def market(self, symbol: str) -> Market:
        return self.exchange.markets[symbol]

    def call(self, venue: Venue, method: str, path: str, body: Any = None, **query: object) -> Any:
        """The answer of an endpoint, as JSON would bring it."""
        for route in self.desk.routes(venue):
            found = _names(route, method, path)
            if found is not None:
                said = {name: str(value) for name, value in query.items()}
                body = {"list": body} if isinstance(body, list) else body or {}
                answer = route.answer(Call(found, said, body, self.user))
                return json.loads(json.dumps(answer))
        raise AssertionError(f"no endpoint {method} {path}")

    def refused(
        self, venue: Venue, method: str, path: str, body: Any = None, **query: object
    ) -> tuple[str, str]:
        """Code and text of the refusal of a call that must be refused."""
        try:
            answer = self.call(venue, method, path, body, **query)
        except ApiError as refusal:
            return refusal.code, refusal.text
        raise AssertionError(f"not refused: {answer}")

    def spot(self, **fields: object) -> Any:
        """A spot order, placed synchronously; a limit buy of 0.001 BTC unless said otherwise."""
        return self.call("spot", "POST", "/api/v1/hf/orders/sync", self.spot_body(**fields))

    def spot_body(self, **fields: object) -> dict[str, object]:
        usual = {"symbol": SPOT, "side": "buy", "type": "limit", "size": "0.001"}
        return {"clientOid": self.client_oid(), **usual, **fields}

    def futures(self, **fields: object) -> Any:
        """A futures order as REST shows it after it was placed."""
        placed = self.call("futures", "POST", "/api/v1/orders", self.futures_body(**fields))
        return self.call("futures", "GET", f"/api/v1/orders/{placed['orderId']}")

    def futures_body(self, **fields: object) -> dict[str, object]:
        usual = {"symbol": FUTURES, "side": "buy", "type": "market", "leverage": 5, "size": 10}
        return {"clientOid": self.client_oid(), **usual, **fields}

    def client_oid(self) -> str:
        self._count += 1
        return f"oid-{self._count}"

    def position(self, symbol: str = FUTURES) -> Any:
        return self.call("futures", "GET", "/api/v1/position", symbol=symbol)

    def price(self, symbol: str, side: Side, levels: int = 1) -> str:
        """The price that so many levels of a side of the book reach."""
        market = self.market(symbol)
        return market.spec.price_text(market.levels(side, levels)[-1][0])

    def far(self, symbol: str, side: Side) -> str:
        """A price that rests: far below the market for a buy, above for a sell."""
        market = self.market(symbol)
        ticks = market.last_ticks()
        return market.spec.price_text(ticks * 95 // 100 if side == "buy" else ticks * 105 // 100)

    def whale(self, symbol: str, side: Side, ticks: int) -> None:
        """Somebody else trades the market up or down to a price, where many others wait."""
        self._count += 1
        market = self.market(symbol)
        other: Side = "buy" if side == "sell" else "sell"
        lots = market.fillable(side, ticks) + 1
        self.exchange.tell(market.submit(f"deep-{self._count}", other, 10**10, ticks))
        self.exchange.tell(market.submit(f"whale-{self._count}", side, lots, ticks))

    def crash(self, symbol: str, share: float) -> int:
        """The market falls by a share of its price; where it is then."""
        ticks = int(self.market(symbol).last_ticks() * (1 - share))
        self.whale(symbol, "sell", ticks)
        return ticks

    def wait(self, seconds: float) -> None:
        self.exchange.advance(self.exchange.now_ns + int(seconds * SECOND_NS))

    def heard(self, topic: str, kind: str = "") -> list[dict[str, Any]]:
        """What was pushed on a topic, all or of one type, oldest first."""
        return [
            push.data
            for push in self.pushes
            if push.topic == topic and kind in {"", push.data.get("type")}
        ]


def _names(route: Route, method: str, path: str) -> dict[str, str] | None:
    """The names in a path, when the route is the one for it."""
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.template)
    found = re.fullmatch(pattern, path)
    return found.groupdict() if found and route.method == method else None
