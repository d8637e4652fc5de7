"""A client that others wrote, against the exchange: ccxt takes it for KuCoin."""

import asyncio
from typing import Any

import ccxt.pro
import pytest

from tests.exchange_sim.client import Client, simulated

WAIT_S = 20.0
ADDRESSES = ("public", "private", "earn", "uta", "utaV2", "utaPrivate", "webExchange", "broker")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def redirected(kind: Any, client: Client, market_types: list[str]) -> Any:
    """A ccxt exchange of this kind that knows only the simulator."""
    spot, futures = client.sim.spot_url, client.sim.futures_url
    api = dict.fromkeys(ADDRESSES, spot)
    api |= {"futuresPublic": futures, "futuresPrivate": futures}
    own = client.sim.credential
    return kind({
        "urls": {"api": api},
        "apiKey": own.key,
        "secret": own.secret,
        "password": own.passphrase,
        "enableRateLimit": False,
        "newUpdates": True,
        "timeout": int(WAIT_S * 1000),
        "options": {"uta": False, "fetchMarkets": {"types": market_types}},
    })  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "types", "symbol", "amount", "extra"),
    [
        (ccxt.pro.kucoin, ["spot"], "BTC/USDT", 0.001, {"hf": True}),
        (ccxt.pro.kucoinfutures, ["swap"], "BTC/USDT:USDT", 1, {"leverage": 3}),
    ],
)
async def test_ccxt_loads_watches_and_trades(
    kind: Any, types: list[str], symbol: str, amount: float, extra: dict[str, object]
) -> None:
    # Its requests are signed by the machine's clock, so the market is on that clock too.
    now_ns = ccxt.Exchange.milliseconds() * 1_000_000
    async with simulated(start_ns=now_ns, activity=3.0) as client:
        exchange = redirected(kind, client, types)
        try:
            async with asyncio.timeout(WAIT_S):
                await _look(exchange, symbol)
                await _watch(exchange, symbol)
                await _trade(exchange, symbol, amount, extra)
        finally:
            await exchange.close()


async def _look(exchange: Any, symbol: str) -> None:
    market = (await exchange.load_markets())[symbol]
    assert market["active"]
    ticker = await exchange.fetch_ticker(symbol)
    assert 0 < ticker["bid"] <= ticker["ask"]
    now_ms = await exchange.fetch_time()
    bars = await exchange.fetch_ohlcv(symbol, "1m", since=now_ms - 1_800_000, limit=30)
    assert len(bars) >= 25
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in bars)


async def _watch(exchange: Any, symbol: str) -> None:
    trades = await exchange.watch_trades(symbol)
    assert trades[-1]["side"] in {"buy", "sell"}
    assert len(str(trades[-1]["timestamp"])) == 13
    bars = await exchange.watch_ohlcv(symbol, "1m")
    assert bars[-1][3] <= bars[-1][4] <= bars[-1][2]
    book: Any = {"nonce": None}
    while book["nonce"] is None:
        book = await exchange.watch_order_book(symbol)
    assert book["bids"][0][0] < book["asks"][0][0]


async def _trade(exchange: Any, symbol: str, amount: float, extra: dict[str, object]) -> None:
    watching = asyncio.ensure_future(exchange.watch_orders(symbol))
    await asyncio.sleep(0.5)
    placed = await exchange.create_order(symbol, "market", "buy", amount, None, extra)
    told = await watching
    assert {order["id"] for order in told} == {placed["id"]}
