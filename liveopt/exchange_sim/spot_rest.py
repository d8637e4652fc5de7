"""Public REST of the spot host."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Final

from liveopt.exchange_sim.api import ApiError, Call, Route
from liveopt.exchange_sim.market import Candle, Market
from liveopt.exchange_sim.specs import Spec
from liveopt.exchange_sim.spot_feed import MARKET, SpotFeed, amount_text, average, candle_texts
from liveopt.exchange_sim.spot_terms import LOTS_MIN
from liveopt.exchange_sim.topics import INTERVALS_S
from liveopt.exchange_sim.view import View

ROWS_MAX: Final = 1500
TRADES: Final = 100
FULL: Final = 1_000_000


class SpotRest:
    """Each method answers one endpoint."""

    def __init__(self, view: View, feeds: Mapping[str, SpotFeed]) -> None:
        self._view = view
        self._feeds = feeds

    def routes(self) -> list[Route]:
        """Everything a client may ask without an account, and the full book."""
        book = "/api/v1/market/orderbook"
        return [
            _get("/api/v1/timestamp", self._timestamp, 3),
            _get("/api/v1/status", self._status, 3),
            _get("/api/v1/symbols", self._symbols, 4),
            _get("/api/v2/symbols", self._symbols, 4),
            _get("/api/v2/symbols/{symbol}", self._symbol, 4),
            _get("/api/v3/currencies", self._currencies, 3),
            _get("/api/v3/currencies/{currency}", self._currency, 3),
            _get("/api/v1/markets", lambda _: [MARKET], 3),
            _get("/api/v1/prices", self._prices, 3),
            _get("/api/v1/my-ip", lambda _: "127.0.0.1", 0),
            _get("/api/v1/market/allTickers", self._all_tickers, 15),
            _get("/api/v1/market/stats", self._stats, 15),
            _get(f"{book}/level1", self._level1, 2),
            _get(f"{book}/level2_20", lambda call: self._book(call, 20), 2),
            _get(f"{book}/level2_100", lambda call: self._book(call, 100), 2),
            Route(
                "GET",
                "/api/v3/market/orderbook/level2",
                lambda call: self._book(call, FULL),
                3,
                "spot",
                signed=True,
            ),
            _get("/api/v1/market/callauctionData", self._auction, 2),
            _get(f"{book}/callauction/level2_20", self._auction_book, 2),
            _get(f"{book}/callauction/level2_100", self._auction_book, 2),
            _get("/api/v1/market/histories", self._histories, 3),
            _get("/api/v1/market/candles", self._candles, 3),
        ]

    def _market(self, call: Call) -> Market:
        return self._view.market("spot", call.need("symbol"))

    def _timestamp(self, _: Call) -> int:
        return self._view.server_ms()

    def _status(self, _: Call) -> dict[str, str]:
        return {"status": "open", "msg": ""}

    def _symbols(self, call: Call) -> list[dict[str, Any]]:
        wanted = call.query.get("market", "")
        if wanted not in {"", MARKET}:
            return []
        return [symbol_row(market.spec) for market in self._view.markets("spot")]

    def _symbol(self, call: Call) -> dict[str, Any]:
        return symbol_row(self._view.market("spot", call.path["symbol"]).spec)

    def _currencies(self, _: Call) -> list[dict[str, Any]]:
        coins = {c: None for m in self._view.markets("spot") for c in (m.spec.base, m.spec.quote)}
        for market in self._view.markets("futures"):
            coins.setdefault(market.spec.underlying)
        coins.setdefault("USDT")
        return [currency_row(coin) for coin in coins]

    def _currency(self, call: Call) -> dict[str, Any]:
        for row in self._currencies(call):
            if row["currency"] == call.path["currency"]:
                return row
        raise ApiError("900005", "currency not exists")

    def _prices(self, call: Call) -> dict[str, str]:
        wanted = set(filter(None, call.query.get("currencies", "").split(",")))
        prices = {
            market.spec.base: market.spec.price_text(market.last_ticks())
            for market in self._view.markets("spot")
        }
        return {coin: price for coin, price in prices.items() if not wanted or coin in wanted}

    def _all_tickers(self, _: Call) -> dict[str, Any]:
        rows = []
        for market in self._view.markets("spot"):
            row = self._day(market)
            quote = self._view.quote(market)
            name = market.spec.symbol
            rows.append(
                {
                    "symbol": name,
                    "symbolName": name,
                    **row,
                    "bestBidSize": market.spec.size_text(quote.bid_lots),
                    "bestAskSize": market.spec.size_text(quote.ask_lots),
                }
            )
        return {"time": self._view.now_ms, "ticker": rows}

    def _stats(self, call: Call) -> dict[str, Any]:
        market = self._market(call)
        return {
            "time": self._view.now_ms,
            "symbol": market.spec.symbol,
            **self._day(market),
        }

    def _day(self, market: Market) -> dict[str, str]:
        spec, day, quote = market.spec, self._view.day(market), self._view.quote(market)
        return {
            "buy": spec.price_text(quote.bid),
            "sell": spec.price_text(quote.ask),
            "changeRate": f"{day.change_rate:.4f}",
            "changePrice": spec.price_text(day.last - day.first),
            "high": spec.price_text(day.high),
            "low": spec.price_text(day.low),
            "vol": spec.size_text(day.lots),
            "volValue": amount_text(day.turnover),
            "last": spec.price_text(day.last),
            "averagePrice": amount_text(average(market, day)),
            "takerFeeRate": str(spec.taker_fee),
            "makerFeeRate": str(spec.maker_fee),
            "takerCoefficient": "1",
            "makerCoefficient": "1",
        }

    def _level1(self, call: Call) -> dict[str, Any]:
        return self._feeds[self._market(call).spec.symbol].ticker()

    def _book(self, call: Call, depth: int) -> dict[str, Any]:
        market = self._market(call)
        feed = self._feeds[market.spec.symbol]
        number = self._view.book_sequence(market.spec.symbol, market.book_sequence)
        return {
            "time": self._view.now_ms,
            "sequence": str(number),
            "bids": feed.levels("buy", depth),
            "asks": feed.levels("sell", depth),
        }

    def _auction(self, call: Call) -> dict[str, Any]:
        """No pair here opens with an auction: there is nothing to estimate."""
        names = ["estimatedPrice", "estimatedSize"]
        names += [f"{s}OrderRange{end}Price" for s in ("sell", "buy") for end in ("Low", "High")]
        symbol = self._market(call).spec.symbol
        return {"symbol": symbol} | dict.fromkeys(names, "0") | {"time": self._view.now_ms}

    def _auction_book(self, call: Call) -> dict[str, Any]:
        return self._book(call, 0) | {"bids": [], "asks": []}

    def _histories(self, call: Call) -> list[dict[str, Any]]:
        market = self._market(call)
        spec = market.spec
        return [
            {
                "sequence": str(self._view.trade_sequence(spec.symbol, trade.sequence)),
                "price": spec.price_text(trade.ticks),
                "size": spec.size_text(trade.lots),
                "side": trade.side,
                "time": trade.at_ns,
            }
            for trade in self._view.tape(market)[-TRADES:]
        ]

    def _candles(self, call: Call) -> list[list[str]]:
        """Newest first; with only one end of the window there is nothing."""
        market, kind = self._market(call), call.need("type")
        if kind not in INTERVALS_S and kind != "1month":
            raise ApiError("400100", "type is invalid")
        start, end = (whole(call, name) for name in ("startAt", "endAt"))
        if start is None or end is None:
            return []
        if kind == "1month":
            days = self._view.candles(market, INTERVALS_S["1day"], 0, end)
            rows = [row for row in months(days) if start <= row[0]]
        else:
            rows = self._view.candles(market, INTERVALS_S[kind], start, end)
        return [candle_texts(market, row) for row in rows[: -ROWS_MAX - 1 : -1]]


def whole(call: Call, name: str) -> int | None:
    """A whole number in the query, None where it is not given."""
    text = call.query.get(name, "")
    if not text:
        return None
    try:
        return int(float(text))
    except (ValueError, OverflowError) as error:
        raise ApiError("400100", f"{name} is invalid") from error


def months(days: list[Candle]) -> list[Candle]:
    """Days folded into the months of UTC."""
    found = []
    for (year, month), group in groupby(days, _month_of):
        rows = list(group)
        start_s = int(datetime(year, month, 1, tzinfo=UTC).timestamp())
        high, low = max(row[3] for row in rows), min(row[4] for row in rows)
        volume, turnover = sum(row[5] for row in rows), sum(row[6] for row in rows)
        found.append((start_s, rows[0][1], rows[-1][2], high, low, volume, turnover))
    return found


def _month_of(row: Candle) -> tuple[int, int]:
    day = datetime.fromtimestamp(row[0], UTC)
    return day.year, day.month


def symbol_row(spec: Spec) -> dict[str, Any]:
    """A pair as the list of symbols has it."""
    return {
        "symbol": spec.symbol,
        "name": spec.symbol,
        "baseCurrency": spec.base,
        "quoteCurrency": spec.quote,
        "feeCurrency": spec.quote,
        "market": MARKET,
        "baseMinSize": spec.size_text(LOTS_MIN),
        "quoteMinSize": "0.1",
        "baseMaxSize": "10000000000",
        "quoteMaxSize": "99999999",
        "baseIncrement": spec.size_text(1),
        "quoteIncrement": "0.000001",
        "priceIncrement": spec.price_text(1),
        "priceLimitRate": "0.1",
        "minFunds": "0.1",
        "isMarginEnabled": True,
        "enableTrading": True,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
        "callauctionIsEnabled": False,
        "callauctionPriceFloor": None,
        "callauctionPriceCeiling": None,
        "callauctionFirstStageStartTime": None,
        "callauctionSecondStageStartTime": None,
        "callauctionThirdStageStartTime": None,
        "tradingStartTime": None,
    }


def currency_row(coin: str) -> dict[str, Any]:
    """A currency on a chain of its own."""
    chain = {
        "chainName": coin,
        "withdrawalMinSize": "0.001",
        "depositMinSize": "0.0002",
        "withdrawFeeRate": "0",
        "withdrawalMinFee": "0.0005",
        "isWithdrawEnabled": True,
        "isDepositEnabled": True,
        "confirms": 3,
        "preConfirms": 1,
        "contractAddress": "",
        "withdrawPrecision": 8,
        "maxWithdraw": None,
        "maxDeposit": None,
        "needTag": False,
        "chainId": coin.lower(),
    }
    return {
        "currency": coin,
        "name": coin,
        "fullName": coin,
        "precision": 8,
        "confirms": None,
        "contractAddress": None,
        "isMarginEnabled": True,
        "isDebitEnabled": True,
        "chains": [chain],
    }


def _get(path: str, answer: Callable[[Call], Any], weight: int) -> Route:
    return Route("GET", path, answer, weight)
