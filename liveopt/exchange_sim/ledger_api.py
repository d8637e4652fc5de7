"""REST of what has come and gone: ledgers, transfers, and the sum of a futures account."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from liveopt.exchange_sim.accounts import Kind, Transfer
from liveopt.exchange_sim.amounts import ZERO, text
from liveopt.exchange_sim.api import Call, Method, Pool, Route
from liveopt.exchange_sim.bodies import typed
from liveopt.exchange_sim.futures_orders import FuturesDesk
from liveopt.exchange_sim.futures_rows import overview
from liveopt.exchange_sim.orders import Fill
from liveopt.exchange_sim.pages import after_cursor, page, whole_number
from liveopt.exchange_sim.spot_orders import SpotDesk
from liveopt.exchange_sim.transfers import move


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a balance, and what the balance was after it."""

    id: int
    at_ms: int
    kind: Kind
    currency: str
    amount: Decimal
    fee: Decimal
    balance: Decimal
    business: str
    context: dict[str, str]


@dataclass(slots=True)
class LedgerApi:
    """Each method answers one endpoint."""

    futures: FuturesDesk
    spot: SpotDesk

    def spot_routes(self) -> Iterable[Route]:
        """Those of the spot host."""
        yield _route("GET", "/api/v1/accounts/ledgers", self._ledgers, 2, "management")
        yield _route("GET", "/api/v1/hf/accounts/ledgers", self._trade_ledgers, 2, "spot")
        yield _route("GET", "/api/v1/accounts/transferable", self._transferable, 20, "management")

    def futures_routes(self) -> Iterable[Route]:
        """Those of the futures host."""
        yield _route("GET", "/api/v1/transaction-history", self._history, 2, "futures")
        yield _route("GET", "/api/v1/account-overview-all", self._overviews, 6, "futures")
        yield _route("GET", "/api/v1/transfer-list", self._transfers, 20, "management")
        for version in ("v2", "v3"):  # some clients still call the older one
            path = f"/api/{version}/transfer-out"
            yield _route("POST", path, self._out, 20, "management")
        yield _route("POST", "/api/v1/transfer-in", self._in, 20, "management")

    def _entries(self, call: Call) -> Iterator[Entry]:
        """What the query asks for, newest first; balances are reckoned back from now."""
        account = self.spot.accounts[call.user]
        left: dict[tuple[Kind, str], Decimal] = {}
        changes = [
            change for one in self.spot.blotter.fills_of(call.user) for change in _dealt(one)
        ]
        changes += [change for one in account.transfers for change in _moved(one)]
        start, end = whole_number(call, "startAt", 0), whole_number(call, "endAt", 2**53)
        currencies = set(filter(None, call.query.get("currency", "").split(",")))
        direction = call.query.get("direction", "")
        for one in sorted(changes, key=lambda change: -change.id):
            key = (one.kind, one.currency)
            after = left.setdefault(key, account.balance(one.currency, one.kind).total)
            left[key] -= one.amount
            said = "in" if one.amount > 0 else "out"
            wanted = direction in {"", said} and (not currencies or one.currency in currencies)
            if wanted and start <= one.at_ms <= end:
                yield replace(one, balance=after)

    def _ledgers(self, call: Call) -> Any:
        return page(call, self._entries(call), _row, 500)

    def _trade_ledgers(self, call: Call) -> Any:
        entries = (one for one in self._entries(call) if one.kind == "trade")
        items, _ = after_cursor(call, entries, lambda one: one.id, 200)
        names = {"Exchange": "TRADE_EXCHANGE", "Transfer": "TRANSFER"}
        return [
            _row(one)
            | {"accountType": "TRADE_HF", "bizType": names[one.business], "tax": "0"}
            | {"createdAt": str(one.at_ms)}
            for one in items
        ]

    def _transferable(self, call: Call) -> Any:
        currency, kind = call.need("currency"), call.need("type")
        balance = self.spot.accounts[call.user].balance(
            currency, "main" if kind.upper() == "MAIN" else "trade"
        )
        return {
            "currency": currency,
            "balance": text(balance.total),
            "available": text(balance.available),
            "holds": text(balance.held),
            "transferable": text(balance.available),
        }

    # -- futures ---------------------------------------------------------------------------------

    def _contract_transfers(self, call: Call) -> list[Transfer]:
        wanted = call.query.get("currency", "")
        return [
            one
            for one in reversed(self.futures.accounts[call.user].transfers)
            if "contract" in {one.source, one.target} and wanted in {"", one.wallet}
        ]

    def _history(self, call: Call) -> Any:
        """Transfers, and what closed positions have earned."""
        rows = [(one.number, one.wallet, one.at_ms, one.into_contract, one.kind, one.remark)
                for one in self._contract_transfers(call)]  # fmt: skip
        for one in self.futures.closed:
            spec, earned = one.position.spec, one.profit - one.fees + one.funding
            if one.position.user == call.user and call.query.get("currency", "") in {
                "", spec.settle,
            }:  # fmt: skip
                at_ms = one.closed_ns // 1_000_000
                rows.append((one.id, spec.settle, at_ms, earned, "RealisedPNL", spec.symbol))
        kind, start = call.query.get("type", ""), whole_number(call, "startAt", 0)
        end, most = whole_number(call, "endAt", 2**53), whole_number(call, "maxCount", 50, 1_000)
        listed, left = [], dict[str, Decimal]()
        for number, currency, at_ms, amount, name, remark in sorted(rows, reverse=True):
            wallet = self.futures.accounts[call.user].wallet(currency)
            after = left.setdefault(currency, wallet.total)
            left[currency] -= amount
            if kind.lower() in {"", name.lower()} and start <= at_ms <= end:
                listed.append({
                    "time": at_ms, "type": name, "amount": float(amount), "fee": 0.0,
                    "accountEquity": float(after), "status": "Completed", "remark": remark,
                    "offset": number, "currency": currency,
                })  # fmt: skip
        return {"dataList": listed[:most], "hasMore": len(listed) > most}

    def _overviews(self, call: Call) -> Any:
        currency = call.query.get("currency") or "XBT"
        row = overview(self.futures, call.user, currency)
        names = ("accountEquity", "unrealisedPNL", "marginBalance", "positionMargin",
                 "orderMargin", "frozenFunds", "availableBalance")  # fmt: skip
        account = {name: row[name] for name in names} | {"currency": currency}
        total = {f"{name}Total": row[name] for name in names} | {"currency": currency}
        return {"summary": total, "accounts": [{"accountName": "main"} | account]}

    def _transfers(self, call: Call) -> Any:
        rows = [one for one in self._contract_transfers(call) if one.source == "contract"]
        return page(call, rows, lambda one: {
            "applyId": one.id, "currency": one.wallet, "recRemark": "", "recSystem": "KUCOIN",
            "status": "SUCCESS", "amount": text(one.amount), "reason": "", "offset": one.number,
            "createdAt": one.at_ms, "remark": "",
        })  # fmt: skip

    def _out(self, call: Call) -> Any:
        target = str(call.body.get("recAccountType") or "MAIN")
        what = (call.body.get("currency"), call.body.get("amount"))
        one = move(self.futures, call.user, what, ("contract", target))
        return {
            "applyId": one.id, "bizNo": str(one.number), "payAccountType": "CONTRACT",
            "payTag": "DEFAULT", "remark": "", "recAccountType": target, "recTag": "DEFAULT",
            "recRemark": "", "recSystem": "KUCOIN", "status": "PROCESSING",
            "currency": one.wallet, "amount": text(one.amount), "fee": "0", "sn": one.number,
            "reason": "", "createdAt": one.at_ms, "updatedAt": one.at_ms,
        }  # fmt: skip

    def _in(self, call: Call) -> Any:
        source = str(call.body.get("payAccountType") or "MAIN")
        what = (call.body.get("currency"), call.body.get("amount"))
        move(self.futures, call.user, what, (source, "contract"))


def _dealt(fill: Fill) -> Iterator[Entry]:
    """What a trade did to both currencies; the fee is part of the amount of the quote."""
    order, at_ms = fill.order, fill.at_ns // 1_000_000
    sign = 1 if order.side == "buy" else -1
    context = {"symbol": order.spec.symbol, "orderId": order.id, "tradeId": str(fill.trade_id)}
    goods, paid = sign * fill.lots * order.spec.lot, -sign * fill.value - fill.fee
    yield Entry(fill.id, at_ms, "trade", order.spec.base, goods, ZERO, ZERO, "Exchange", context)
    yield Entry(
        fill.id, at_ms, "trade", order.spec.quote, paid, fill.fee, ZERO, "Exchange", context
    )


def _moved(transfer: Transfer) -> Iterator[Entry]:
    context = {"orderId": transfer.id}
    for name, amount in ((transfer.source, -transfer.amount), (transfer.target, transfer.amount)):
        if name != "contract":
            kind: Kind = "main" if name == "main" else "trade"
            yield Entry(
                transfer.number, transfer.at_ms, kind, transfer.currency, amount, ZERO, ZERO,
                "Transfer", context,
            )  # fmt: skip


def _row(one: Entry) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "currency": one.currency,
        "amount": text(abs(one.amount)),
        "fee": text(one.fee),
        "balance": text(one.balance),
        "accountType": one.kind.upper(),
        "bizType": one.business,
        "direction": "in" if one.amount > 0 else "out",
        "createdAt": one.at_ms,
        "context": json.dumps(one.context),
    }


def _route(
    method: Method, path: str, answer: Callable[[Call], Any], weight: int, pool: Pool
) -> Route:
    return Route(method, path, typed(method, answer), weight, pool, signed=True)
