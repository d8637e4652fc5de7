"""REST of futures positions and wallets: margins, leverage, risk, funding, history."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from liveopt.exchange_sim.amounts import ZERO, parse, text
from liveopt.exchange_sim.api import ApiError, Call, Method, Route
from liveopt.exchange_sim.bodies import typed
from liveopt.exchange_sim.floor import refuse
from liveopt.exchange_sim.futures_orders import FuturesDesk
from liveopt.exchange_sim.futures_push import position_row
from liveopt.exchange_sim.futures_rows import closed_row, level_row, overview
from liveopt.exchange_sim.futures_terms import mark_of
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.pages import page, whole_number
from liveopt.exchange_sim.positions import Position, margin_for, notional, risk_levels, value_at
from liveopt.exchange_sim.settlement import Settlement


@dataclass(slots=True)
class PositionsApi:
    """Each method answers one endpoint."""

    desk: FuturesDesk
    settlement: Settlement

    def routes(self) -> list[Route]:
        """Literal paths stand before those with names in them."""
        return [*self._showing(), *self._setting()]

    def _showing(self) -> Iterable[Route]:
        yield _route("GET", "/api/v1/position", self._position, 2)
        yield _route("GET", "/api/v2/position", lambda call: [self._position(call)], 2)
        yield _route("GET", "/api/v1/positions", self._positions, 2)
        yield _route("GET", "/api/v1/history-positions", self._history, 2)
        yield _route("GET", "/api/v1/account-overview", self._overview, 5)
        yield _route("GET", "/api/v1/trade-fees", self._fees, 3)
        yield _route("GET", "/api/v1/funding-history", self._funding, 5)
        yield _route("GET", "/api/v1/margin/maxWithdrawMargin", self._most_margin, 10)
        yield _route("GET", "/api/v2/getMaxOpenSize", self._most_size, 2)
        yield _route("GET", "/api/v2/batchGetCrossOrderLimit", self._cross_limits, 2)
        yield _route("GET", "/api/v2/getCrossUserLeverage", self._cross_leverage, 2)
        yield _route("GET", "/api/v2/position/getMarginMode", self._margin_mode, 2)
        yield _route("GET", "/api/v2/position/getPositionMode", lambda _: {"positionMode": 0}, 2)
        risk = "/api/v1/contracts/risk-limit/{symbol}"
        yield Route("GET", risk, self._risk_levels, 5, "public", signed=True)
        volume = "/api/v1/trade-statistics"
        yield Route("GET", volume, self._turnover, 3, "futures", signed=False)

    def _setting(self) -> Iterable[Route]:
        margin = "/api/v1/position/margin"
        yield _route("POST", f"{margin}/deposit-margin", self._deposit_margin, 4)
        yield _route("POST", "/api/v1/margin/withdrawMargin", self._withdraw_margin, 10)
        yield _route("POST", f"{margin}/auto-deposit-status", self._auto_deposit, 4)
        yield _route("POST", "/api/v1/position/risk-limit-level/change", self._set_level, 5)
        yield _route("POST", "/api/v2/changeCrossUserLeverage", self._set_cross_leverage, 2)
        yield _route("POST", "/api/v2/position/changeMarginMode", self._set_mode, 2)
        yield _route("POST", "/api/v2/position/batchChangeMarginMode", self._set_modes, 2)

    # -- showing ---------------------------------------------------------------------------------

    def _market(self, symbol: object) -> Market:
        market = self.desk.floor.market("futures", symbol)
        if market is None:
            raise refuse("200003", "Invalid symbol.")
        return market

    def _row(self, position: Position) -> dict[str, Any]:
        if not position.lots:
            position.cross = self._mode(position.user, position.spec.symbol) == "CROSS"
        mark = self.desk.mark(position.spec.symbol)
        return position_row(position, mark, self.desk.floor.now_ms)

    def _position(self, call: Call) -> Any:
        symbol = self._market(call.need("symbol")).spec.symbol
        return self._row(self.desk.position(call.user, symbol))

    def _positions(self, call: Call) -> Any:
        currency = call.query.get("currency", "")
        return [
            self._row(position)
            for position in self.desk.open_positions(call.user)
            if currency in {"", position.spec.settle}
        ]

    def _history(self, call: Call) -> Any:
        symbol = call.query.get("symbol", "")
        rows = [
            closed
            for closed in reversed(self.desk.closed)
            if closed.position.user == call.user and symbol in {"", closed.position.spec.symbol}
        ]
        paged = Call(query={"pageSize": str(whole_number(call, "limit", 10, 200)),
                            "currentPage": str(whole_number(call, "pageId", 1))})  # fmt: skip
        return page(paged, rows, closed_row)

    def _overview(self, call: Call) -> Any:
        return overview(self.desk, call.user, call.query.get("currency") or "XBT")

    def _fees(self, call: Call) -> Any:
        spec = self._market(call.need("symbol")).spec
        return {
            "symbol": spec.symbol,
            "takerFeeRate": text(spec.taker_fee),
            "makerFeeRate": text(spec.maker_fee),
        }

    def _funding(self, call: Call) -> Any:
        symbol, most = call.need("symbol"), whole_number(call, "maxCount", 10, 1_000)
        start, end = whole_number(call, "startAt", 0), whole_number(call, "endAt", 2**53)
        rows = [
            {name: value for name, value in row.items() if name not in {"user", "paid"}}
            for row in reversed(self.settlement.funding)
            if row["user"] == call.user
            and row["symbol"] == symbol
            and start <= row["timePoint"] <= end
        ]
        return {"dataList": rows[:most], "hasMore": len(rows) > most}

    def _free_margin(self, position: Position) -> Decimal:
        """Isolated margin beyond what the leverage asks for; losses eat it first."""
        if not position.lots or position.cross:
            return ZERO
        loss = min(ZERO, position.unrealised(self.desk.mark(position.spec.symbol)))
        return max(ZERO, position.margin + loss - position.initial - position.reserve)

    def _most_margin(self, call: Call) -> Any:
        symbol = self._market(call.need("symbol")).spec.symbol
        return text(self._free_margin(self.desk.position(call.user, symbol)))

    def _most_size(self, call: Call) -> Any:
        market = self._market(call.need("symbol"))
        price = parse(call.need("price")) or mark_of(market)
        leverage = parse(call.need("leverage")) or Decimal(1)
        if price <= 0 or not 0 < leverage <= market.spec.leverage_max:
            raise refuse(
                "300016", f"The leverage cannot be greater than {market.spec.leverage_max}."
            )
        value = abs(value_at(market.spec, 1, price))
        one = margin_for(market.spec, value, leverage) + value * market.spec.taker_fee
        available = max(ZERO, self.desk.available(call.user, market.spec.settle))
        lots = int(available / one)
        return {"symbol": market.spec.symbol, "maxBuyOpenSize": lots, "maxSellOpenSize": lots}

    def _cross_limits(self, call: Call) -> Any:
        rows = []
        for symbol in call.need("symbol").split(",")[:50]:
            spec = self._market(symbol).spec
            leverage = parse(call.query.get("leverage")) or self.desk.cross_leverage(
                call.user, spec.symbol
            )
            margin = parse(call.query.get("totalMargin"))
            if margin is None:
                margin = max(ZERO, self.desk.available(call.user, spec.settle))
            price = self.desk.mark(spec.symbol)
            lots = int(margin / margin_for(spec, value_at(spec, 1, price), leverage))
            rows.append({
                "symbol": spec.symbol,
                "maxOpenSize": lots,
                "maxOpenValue": text(abs(value_at(spec, lots, price))),
                "totalMargin": text(margin),
                "price": text(price),
                "leverage": f"{leverage:.2f}",
                "mmr": text(spec.maintenance.quantize(Decimal("1e-8"))),
                "imr": text((1 / leverage).quantize(Decimal("1e-8"))),
                "currency": spec.settle,
            })  # fmt: skip
        return rows

    def _cross_leverage(self, call: Call) -> Any:
        symbol = self._market(call.need("symbol")).spec.symbol
        return {"symbol": symbol, "leverage": text(self.desk.cross_leverage(call.user, symbol))}

    def _mode(self, user: str, symbol: str) -> str:
        return self.desk.accounts[user].mode_of(symbol)

    def _margin_mode(self, call: Call) -> Any:
        symbol = self._market(call.need("symbol")).spec.symbol
        return {"symbol": symbol, "marginMode": self._mode(call.user, symbol)}

    def _risk_levels(self, call: Call) -> Any:
        spec = self._market(call.path["symbol"]).spec
        return [level_row(spec.symbol, level) for level in risk_levels(spec)]

    def _turnover(self, _: Call) -> Any:
        now_s = self.desk.floor.now_ns // 10**9
        start = (now_s - 86_400) // 3_600 * 3_600
        return {
            "turnoverOf24h": sum(
                row[6]
                for market in self.desk.floor.exchange.markets.values()
                if market.spec.venue == "futures" and not market.spec.inverse
                for row in market.candles(3_600, start, now_s + 1)
            )
        }

    # -- setting ---------------------------------------------------------------------------------

    def _isolated(self, call: Call) -> Position:
        symbol = self._market(call.body.get("symbol")).spec.symbol
        position = self.desk.position(call.user, symbol)
        if not position.lots or position.cross:
            raise refuse("300009", "No open positions to close.")
        return position

    def _deposit_margin(self, call: Call) -> Any:
        position, amount = self._isolated(call), _amount(call, "margin")
        if amount > self.desk.available(call.user, position.spec.settle):
            raise refuse("200005", "Balance insufficient.")
        position.margin += amount
        self.desk.tell_account(position, "marginChange")
        return self._row(position) | {"userId": int(call.user[:8], 16)}

    def _withdraw_margin(self, call: Call) -> Any:
        position, amount = self._isolated(call), _amount(call, "withdrawAmount")
        if amount > self._free_margin(position):
            raise refuse("200005", "The margin that can be withdrawn is insufficient.")
        position.margin -= amount
        self.desk.tell_account(position, "marginChange")
        return text(amount)

    def _auto_deposit(self, call: Call) -> Any:
        symbol = self._market(call.body.get("symbol")).spec.symbol
        position = self.desk.position(call.user, symbol)
        position.auto_deposit = call.body.get("status") in (True, "true")
        self.desk.tell_account(position, "autoAppendMarginStatusChange")
        return True

    def _set_level(self, call: Call) -> Any:
        spec = self._market(call.body.get("symbol")).spec
        level = parse(call.body.get("level"))
        if level is None or level != int(level) or not 1 <= level <= len(risk_levels(spec)):
            raise refuse("100005", "contractRiskLimitNotExist")
        position = self.desk.position(call.user, spec.symbol)
        wanted = risk_levels(spec)[int(level) - 1]
        size = notional(spec, position.lots, self.desk.mark(spec.symbol))
        if size > wanted.most or (position.lots and position.leverage > wanted.leverage):
            raise refuse("300005", "The position exceeds the risk limit of that level.")
        position.level = int(level)
        data = {"success": True, "riskLimitLevel": int(level), "msg": ""}
        topic = f"/contract/position:{spec.symbol}"
        self.desk.floor.push(call.user, topic, "position.adjustRiskLimit", data)
        return True

    def _set_cross_leverage(self, call: Call) -> Any:
        spec = self._market(call.body.get("symbol")).spec
        leverage = parse(call.body.get("leverage"))
        if leverage is None or not 0 < leverage <= spec.leverage_max:
            raise refuse("300016", f"The leverage cannot be greater than {spec.leverage_max}.")
        self.desk.accounts[call.user].cross_leverage[spec.symbol] = leverage
        position = self.desk.position(call.user, spec.symbol)
        if position.cross:
            position.leverage = leverage
        data = {spec.symbol: {"leverage": text(leverage)}}
        self.desk.floor.push(call.user, "/contract/crossLeverage", "user.config", data)
        return True

    def _set_mode(self, call: Call) -> Any:
        symbol = self._market(call.body.get("symbol")).spec.symbol
        self._change_mode(call.user, symbol, str(call.body.get("marginMode")))
        return {"symbol": symbol, "marginMode": self._mode(call.user, symbol)}

    def _set_modes(self, call: Call) -> Any:
        modes: dict[str, str] = {}
        errors: list[dict[str, str]] = []
        for name in call.body.get("symbols") or []:
            symbol = self._market(name).spec.symbol
            try:
                self._change_mode(call.user, symbol, str(call.body.get("marginMode")))
            except ApiError as refusal:
                errors.append({"code": refusal.code, "msg": refusal.text, "symbol": symbol})
            modes[symbol] = self._mode(call.user, symbol)
        return {"marginMode": modes, "errors": errors}

    def _change_mode(self, user: str, symbol: str, mode: str) -> None:
        if mode not in {"ISOLATED", "CROSS"}:
            raise refuse("300000", "marginMode is invalid")
        if mode == self._mode(user, symbol):
            return
        position = self.desk.position(user, symbol)
        if position.lots or list(self.desk.blotter.open_of(user, symbol)):
            raise refuse("50002", "exist.order.or.position")
        self.desk.accounts[user].margin_mode[symbol] = mode
        self.desk.floor.push(user, "/contract/marginMode", "user.config", {symbol: mode})


def _amount(call: Call, name: str) -> Decimal:
    amount = parse(call.body.get(name))
    if amount is None or amount <= 0:
        raise refuse("300000", f"{name} is invalid")
    return amount


def _route(method: Method, path: str, answer: Callable[[Call], Any], weight: int) -> Route:
    return Route(method, path, typed(method, answer), weight, "futures", signed=True)
