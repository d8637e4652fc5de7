"""REST of spot accounts: balances, fees, who one is, and moving money between accounts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from liveopt.exchange_sim.amounts import text
from liveopt.exchange_sim.api import Call, Method, Pool, Route
from liveopt.exchange_sim.bodies import typed
from liveopt.exchange_sim.floor import refuse
from liveopt.exchange_sim.futures_orders import FuturesDesk
from liveopt.exchange_sim.spot_push import account_id
from liveopt.exchange_sim.transfers import move


@dataclass(slots=True)
class AccountsApi:
    """Each method answers one endpoint."""

    futures: FuturesDesk
    keys: Mapping[str, str]
    """The API key of each account that has one."""

    def routes(self) -> Iterable[Route]:
        """All on the spot host."""
        yield _route("GET", "/api/v1/accounts/{accountId}", self._account, 5)
        yield _route("GET", "/api/v1/accounts", self._accounts, 5)
        yield _route("GET", "/api/v1/hf/accounts/opened", lambda _: True, 2, "spot")
        yield _route("GET", "/api/v1/base-fee", self._base_fee, 3, "spot")
        yield _route("GET", "/api/v1/trade-fees", self._trade_fees, 3, "spot")
        yield _route("GET", "/api/v2/user-info", self._user_info, 20)
        yield _route("GET", "/api/v1/user/api-key", self._api_key, 20)
        # a client with keys asks what can be margined before it trades: nothing here
        yield _route("GET", "/api/v3/margin/symbols", self._margin_symbols, 3, "spot")
        yield _route("GET", "/api/v1/isolated/symbols", lambda _: [], 3, "spot")
        yield Route("GET", "/api/v3/announcements", _no_news, 20)
        yield _route("POST", "/api/v3/accounts/universal-transfer", self._transfer, 4)
        yield _route("POST", "/api/v2/accounts/inner-transfer", self._inner_transfer, 10)

    def _rows(self, user: str) -> list[dict[str, Any]]:
        account = self.futures.accounts[user]
        return [
            {
                "id": account_id(user, currency, kind),
                "currency": currency,
                "type": kind,
                "balance": text(balance.total),
                "available": text(balance.available),
                "holds": text(balance.held),
            }
            for kind, balances in (("trade", account.trade), ("main", account.main))
            for currency, balance in balances.items()
        ]

    def _accounts(self, call: Call) -> Any:
        kind = call.query.get("type", "").removesuffix("_hf")
        currency = call.query.get("currency", "")
        return [
            row
            for row in self._rows(call.user)
            if kind in {"", row["type"]} and currency in {"", row["currency"]}
        ]

    def _account(self, call: Call) -> Any:
        for row in self._rows(call.user):
            if row.pop("id") == call.path["accountId"]:
                row.pop("type")
                return row
        raise refuse("400100", "account not exist")

    def _base_fee(self, _: Call) -> Any:
        return {"takerFeeRate": "0.001", "makerFeeRate": "0.001"}

    def _trade_fees(self, call: Call) -> Any:
        rows = []
        for symbol in call.need("symbols").split(",")[:10]:
            market = self.futures.floor.market("spot", symbol)
            if market is None:
                raise refuse("400600", "validation.createOrder.symbolNotAvailable")
            rows.append({
                "symbol": symbol,
                "takerFeeRate": text(market.spec.taker_fee),
                "makerFeeRate": text(market.spec.maker_fee),
            })  # fmt: skip
        return rows

    def _user_info(self, _: Call) -> Any:
        kinds = ["sub", "maxSub", "maxDefaultSub"]
        for kind in ("spot", "margin", "futures", "option"):
            kinds += [f"{kind}Sub", f"max{kind.title()}Sub"]
        return {"level": 0} | {f"{kind}Quantity": 0 for kind in kinds}

    def _api_key(self, call: Call) -> Any:
        return {
            "remark": "liveopt sim",
            "apiKey": self.keys.get(call.user, ""),
            "apiVersion": 3,
            "permission": "General,Futures,Spot,InnerTransfer,Transfer",
            "createdAt": self.futures.floor.now_ms,
            "uid": int(call.user[:8], 16),
            "isMaster": True,
        }

    def _margin_symbols(self, _: Call) -> Any:
        return {"timestamp": self.futures.floor.now_ms, "items": []}

    def _transfer(self, call: Call) -> Any:
        return self._moved(call, ("fromAccountType", "toAccountType"))

    def _inner_transfer(self, call: Call) -> Any:
        return self._moved(call, ("from", "to"))

    def _moved(self, call: Call, names: tuple[str, str]) -> Any:
        what = (call.body.get("currency"), call.body.get("amount"))
        way = (str(call.body.get(names[0])), str(call.body.get(names[1])))
        return {"orderId": move(self.futures, call.user, what, way).id}


def _no_news(_: Call) -> Any:
    return {"totalNum": 0, "totalPage": 0, "currentPage": 1, "pageSize": 50, "items": []}


def _route(
    method: Method, path: str, answer: Callable[[Call], Any], weight: int, pool: Pool = "management"
) -> Route:
    return Route(method, path, typed(method, answer), weight, pool, signed=True)
