"""Public REST of the futures host."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from liveopt.exchange_sim.api import ApiError, Call, Route
from liveopt.exchange_sim.futures_feed import FuturesFeed, base_volume
from liveopt.exchange_sim.market import FUNDING_MAX, FUNDING_NS, INTEREST, Candle, Market
from liveopt.exchange_sim.spot_rest import whole
from liveopt.exchange_sim.view import View

ROWS_MAX: Final = 500
TRADES: Final = 100
FULL: Final = 1000
GRANULARITIES: Final = (1, 5, 15, 30, 60, 120, 240, 480, 720, 1440, 10080)
FUNDING_MS: Final = FUNDING_NS // 1_000_000
FIRST_OPEN_MS: Final = 1_585_555_200_000
BAND: Final = 0.05
"""How far from the mark price a limit order may be."""
FUNDINGS_MAX: Final = 100
MINUTE_MS: Final = 60_000


class FuturesRest:
    """Each method answers one endpoint."""

    def __init__(self, view: View, feeds: Mapping[str, FuturesFeed]) -> None:
        self._view = view
        self._feeds = feeds

    def routes(self) -> list[Route]:
        """Everything a client may ask without an account."""
        return [
            _get("/api/v1/timestamp", lambda _: self._view.server_ms(), 2),
            _get("/api/v1/status", lambda _: {"msg": "", "status": "open"}, 4),
            _get("/api/v1/contracts/active", self._contracts, 3),
            _get("/api/v1/contracts/{symbol}", self._contract, 3),
            _get("/api/v1/ticker", self._ticker, 2),
            _get("/api/v1/allTickers", self._all_tickers, 5),
            _get("/api/v1/level2/snapshot", lambda call: self._book(call, FULL), 3),
            _get("/api/v1/level2/depth20", lambda call: self._book(call, 20), 5),
            _get("/api/v1/level2/depth100", lambda call: self._book(call, 100), 5),
            _get("/api/v1/trade/history", self._trades, 5),
            _get("/api/v1/kline/query", self._klines, 3),
            _get("/api/v1/mark-price/{symbol}/current", self._mark_price, 3),
            _get("/api/v1/funding-rate/{symbol}/current", self._funding_rate, 2),
            _get("/api/v1/contract/funding-rates", self._funding_rates, 5),
            _get("/api/v1/index/query", self._index, 2),
            _get("/api/v1/premium/query", self._premium, 3),
            _get("/api/v1/interest/query", self._interest, 5),
        ]

    def _market(self, call: Call) -> Market:
        return self._view.market("futures", call.need("symbol"))

    def _contracts(self, _: Call) -> list[dict[str, Any]]:
        rows = [self._contract_row(market) for market in self._view.markets("futures")]
        twice = bool(rows) and self._view.faults.strike("contract-duplicate") is not None
        return rows[:1] + rows if twice else rows

    def _contract(self, call: Call) -> dict[str, Any]:
        market = self._view.exchange.markets.get(call.path["symbol"])
        if market is None or market.spec.venue != "futures":
            raise ApiError("404000", "The contract information you requested does not exist.")
        return self._contract_row(market)

    def _ticker(self, call: Call) -> dict[str, Any]:
        return self._feeds[self._market(call).spec.symbol].ticker()

    def _all_tickers(self, _: Call) -> list[dict[str, Any]]:
        return [feed.ticker() for feed in self._feeds.values()]

    def _book(self, call: Call, depth: int) -> dict[str, Any]:
        market = self._market(call)
        spec = market.spec
        return {
            "sequence": self._view.book_sequence(spec.symbol, market.book_sequence),
            "symbol": spec.symbol,
            "bids": [[spec.price(t), n] for t, n in self._view.levels(market, "buy", depth)],
            "asks": [[spec.price(t), n] for t, n in self._view.levels(market, "sell", depth)],
            "ts": self._view.now_ns,
        }

    def _trades(self, call: Call) -> list[dict[str, Any]]:
        """Newest first."""
        market = self._market(call)
        spec = market.spec
        number = list(self._view.exchange.markets).index(spec.symbol) + 1
        rows = []
        for trade in reversed(self._view.tape(market)[-TRADES:]):
            sequence = self._view.trade_sequence(spec.symbol, trade.sequence)
            rows.append(
                {
                    "sequence": sequence,
                    "contractId": number,
                    "tradeId": str(sequence),
                    "makerOrderId": trade.maker_id,
                    "takerOrderId": trade.taker_id,
                    "ts": trade.at_ns,
                    "size": trade.lots,
                    "price": spec.price_text(trade.ticks),
                    "side": trade.side,
                }
            )
        return rows

    def _klines(self, call: Call) -> list[list[Any]]:
        """Oldest first; of a window that is too long the oldest part."""
        market, granularity = self._market(call), whole(call, "granularity")
        if granularity not in GRANULARITIES:
            raise ApiError("400100", "granularity is invalid")
        start_ms, end_ms = whole(call, "from"), whole(call, "to")
        to_s = self._view.now_ms // 1000 + 1 if end_ms is None else end_ms // 1000 + 1
        from_s = 0 if start_ms is None else -(-start_ms // 1000)
        rows = self._view.candles(market, granularity * 60, from_s, to_s)
        part = rows[-ROWS_MAX:] if start_ms is None else rows[:ROWS_MAX]
        return [_kline(market, row) for row in part]

    def _mark_price(self, call: Call) -> dict[str, Any]:
        market = self._view.market("futures", call.path["symbol"])
        return {
            "symbol": market.spec.symbol,
            "granularity": 1000,
            "timePoint": self._view.now_ms // 1000 * 1000,
            "value": round(market.mark_price(), 2),
            "indexPrice": round(market.index_price(), 2),
        }

    def _funding_rate(self, call: Call) -> dict[str, Any]:
        market = self._view.market("futures", call.path["symbol"])
        next_ms = market.next_funding_ns() // 1_000_000
        rate = round(market.funding_rate(), 6)
        return {
            "symbol": f".{market.spec.symbol}FPI8H",
            "granularity": FUNDING_MS,
            "timePoint": next_ms - FUNDING_MS,
            "value": rate,
            "predictedValue": rate,
            "fundingRateCap": FUNDING_MAX,
            "fundingRateFloor": -FUNDING_MAX,
            "period": 0,
            "fundingTime": next_ms,
        }

    def _funding_rates(self, call: Call) -> list[dict[str, Any]]:
        """Newest first; from before the exchange opened there is only the interest."""
        market = self._market(call)
        from_ms, to_ms = whole(call, "from"), whole(call, "to")
        if from_ms is None or to_ms is None:
            raise ApiError("400100", "from and to are required")
        symbol = market.spec.symbol
        newest = min(to_ms, self._view.now_ms) // FUNDING_MS * FUNDING_MS
        times = range(newest, max(from_ms, FIRST_OPEN_MS) - 1, -FUNDING_MS)[:FUNDINGS_MAX]
        return [
            {
                "symbol": symbol,
                "fundingRate": self._view.fundings.get((symbol, time_ms), INTEREST),
                "timepoint": time_ms,
            }
            for time_ms in times
        ]

    def _index(self, call: Call) -> dict[str, Any]:
        """The closes of the minutes stand for the index of the past."""
        symbol = call.need("symbol")
        for market in self._view.markets("futures"):
            if index_symbol(market) == symbol:
                spec, now_s = market.spec, self._view.now_ms // 1000
                closes = {
                    row[0] * 1000: spec.price(row[2])
                    for row in market.candles(60, now_s - 24 * 3600, now_s)
                }
                return self._series(call, symbol, closes, _parts)
        raise ApiError("200003", "Invalid symbol.")

    def _premium(self, call: Call) -> dict[str, Any]:
        symbol = call.need("symbol")
        for market in self._view.markets("futures"):
            if symbol in {f".{market.spec.symbol}PI", f".{market.spec.symbol}PI8H"}:
                minute = self._view.now_ms // MINUTE_MS * MINUTE_MS
                premium = market.mark_price() / market.index_price() - 1.0
                return self._series(call, symbol, {minute: round(premium, 6)}, None)
        raise ApiError("200003", "Invalid symbol.")

    def _interest(self, call: Call) -> dict[str, Any]:
        symbol = call.need("symbol")
        last = self._view.now_ms // MINUTE_MS * MINUTE_MS
        values = {last - n * MINUTE_MS: INTEREST for n in range(FULL)}
        return self._series(call, symbol, values, None)

    def _series(
        self,
        call: Call,
        symbol: str,
        values: Mapping[int, float],
        more: Callable[[float], dict[str, Any]] | None,
    ) -> dict[str, Any]:
        start, end = whole(call, "startAt"), whole(call, "endAt")
        most = min(100, max(1, whole(call, "maxCount") or 10))
        times = [
            time
            for time in sorted(values, reverse=call.query.get("reverse", "true") != "false")
            if (start is None or time >= start) and (end is None or time <= end)
        ]
        rows = [
            {"symbol": symbol, "granularity": MINUTE_MS, "timePoint": t, "value": values[t]}
            | (more(values[t]) if more else {})
            for t in times[:most]
        ]
        return {"hasMore": len(times) > most, "dataList": rows}

    def _contract_row(self, market: Market) -> dict[str, Any]:
        spec, day, now_ns = market.spec, self._view.day(market), self._view.now_ns
        mark, symbol = market.mark_price(), spec.symbol
        next_ns = market.next_funding_ns()
        return {
            **_terms(market),
            "status": "Open",
            "fundingFeeRate": round(market.funding_rate(), 6),
            "predictedFundingFeeRate": None,
            "fundingRateGranularity": FUNDING_MS,
            "openInterest": str(day.lots // 2),
            "turnoverOf24h": day.turnover,
            "volumeOf24h": base_volume(market, day.lots),
            "markPrice": round(mark, 2),
            "indexPrice": round(market.index_price(), 2),
            "lastTradePrice": spec.price(market.last_ticks()),
            "nextFundingRateTime": (next_ns - now_ns) // 1_000_000,
            "nextFundingRateDateTime": next_ns // 1_000_000,
            "maxLeverage": spec.leverage_max,
            "sourceExchanges": ["kucoin"],
            "premiumsSymbol1M": f".{symbol}PI",
            "premiumsSymbol8H": f".{symbol}PI8H",
            "fundingBaseSymbol1M": f".{spec.base}INT",
            "fundingQuoteSymbol1M": f".{spec.quote}INT",
            "lowPrice": spec.price(day.low),
            "highPrice": spec.price(day.high),
            "priceChgPct": round(day.change_rate, 4),
            "priceChg": spec.price(day.last - day.first),
            "k": 490.0,
            "m": 300.0,
            "f": 1.3,
            "mmrLimit": 0.3,
            "mmrLevConstant": float(spec.leverage_max),
            "supportCross": True,
            "buyLimit": round(mark * (1.0 + BAND), 4),
            "sellLimit": round(mark * (1.0 - BAND), 4),
        }


def index_symbol(market: Market) -> str:
    """The index behind a contract."""
    return f".K{market.spec.base}{market.spec.quote}"


def _terms(market: Market) -> dict[str, Any]:
    """What never changes about a contract."""
    spec = market.spec
    return {
        "symbol": spec.symbol,
        "rootSymbol": spec.settle if not spec.inverse else spec.base,
        "type": "FFWCSX",
        "firstOpenDate": FIRST_OPEN_MS,
        "expireDate": None,
        "settleDate": None,
        "baseCurrency": spec.base,
        "quoteCurrency": spec.quote,
        "settleCurrency": spec.settle,
        "maxOrderQty": 1_000_000,
        "maxPrice": 1_000_000.0,
        "lotSize": int(spec.lot),
        "tickSize": float(spec.tick),
        "indexPriceTickSize": 0.01,
        "multiplier": float(spec.multiplier),
        "initialMargin": round(1 / spec.leverage_max, 6),
        "maintainMargin": round(float(spec.maintenance), 6),
        "maxRiskLimit": 100_000,
        "minRiskLimit": 100_000,
        "riskStep": 50_000,
        "makerFeeRate": float(spec.maker_fee),
        "takerFeeRate": float(spec.taker_fee),
        "takerFixFee": 0.0,
        "makerFixFee": 0.0,
        "settlementFee": None,
        "isDeleverage": True,
        "isQuanto": not spec.inverse,
        "isInverse": spec.inverse,
        "markMethod": "FairPrice",
        "fairMethod": "FundingRate",
        "fundingBaseSymbol": f".{spec.base}INT8H",
        "fundingQuoteSymbol": f".{spec.quote}INT8H",
        "fundingRateSymbol": f".{spec.symbol}FPI8H",
        "indexSymbol": index_symbol(market),
        "settlementSymbol": "",
    }


def _kline(market: Market, row: Candle) -> list[Any]:
    """Open, high, low, close - not spot's order - then lots and turnover."""
    price = market.spec.price
    return [
        row[0] * 1000,
        price(row[1]),
        price(row[3]),
        price(row[4]),
        price(row[2]),
        row[5],
        round(row[6], 8),
    ]


def _parts(value: float) -> dict[str, Any]:
    return {"decomposionList": [{"exchange": "kucoin", "price": value, "weight": 1.0}]}


def _get(path: str, answer: Callable[[Call], Any], weight: int) -> Route:
    return Route("GET", path, answer, weight)
