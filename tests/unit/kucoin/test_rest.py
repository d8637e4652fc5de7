"""Calls over a real socket to a scripted exchange: what goes out, comes back, is retried."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from liveopt.core.bars import HOUR_NS, MINUTE_NS, SECOND_NS
from liveopt.core.events import Bar
from liveopt.kucoin.budget import Answer, Budget, Priority
from liveopt.kucoin.replies import Fees
from liveopt.kucoin.rest import (
    BODY_BYTES_MAX,
    Bullet,
    Denied,
    EdgeBlocked,
    Garbled,
    Overloaded,
    RateLimited,
    Rest,
    Unreachable,
    open_http,
)
from liveopt.kucoin.sign import Credentials, signature
from liveopt.kucoin.words import Venue

NOW_MS = 1_729_260_030_774
KEY = Credentials("key", "secret", "pass")


def fine(data: Any, **headers: str) -> web.Response:
    return web.json_response({"code": "200000", "data": data}, headers=headers)


def quota(remaining: int, reset_ms: int) -> dict[str, str]:
    return {
        "gw-ratelimit-limit": "2000",
        "gw-ratelimit-remaining": str(remaining),
        "gw-ratelimit-reset": str(reset_ms),
    }


def too_many(**headers: str) -> web.Response:
    body = {"code": "429000", "msg": "Too Many Requests"}
    return web.json_response(body, status=429, headers=headers)


Step = web.Response | Callable[[web.Request], Any]


class Exchange:
    """Answers each path with what the test wrote down for it; the last answer stays."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.under_way = self.most_under_way = 0
        self.steps: dict[str, list[Step]] = {"/api/v1/timestamp": [lambda _: fine(NOW_MS)]}

    def says(self, path: str, *steps: Step) -> None:
        self.steps[path] = list(steps)

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.asked)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            steps = self.steps[request.path]
            step = steps.pop(0) if len(steps) > 1 else steps[0]
            if isinstance(step, web.Response):  # which can be sent only once
                return web.Response(status=step.status, body=step.body, headers=step.headers)
            said = step(request)
            response: web.StreamResponse = await said if asyncio.iscoroutine(said) else said
            return response
        finally:
            self.under_way -= 1


@pytest.fixture
async def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
async def url(exchange: Exchange) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", exchange.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


@pytest.fixture
async def http(url: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http(url) as session:
        yield session


@pytest.fixture
def budget() -> Budget:
    return Budget(Quick())


class Quick(np.random.Generator):
    """Luck that makes every wait after a failure as short as it may be."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(1))

    def integers(self, *args: Any, **kwargs: Any) -> Any:
        return 1


Make = Callable[..., Rest]


@pytest.fixture
def make(url: str, http: aiohttp.ClientSession, budget: Budget) -> Make:
    def rest(venue: Venue = "spot", **options: Any) -> Rest:
        return Rest(venue, url, http, budget, **options)

    return rest


HISTORIES = "/api/v1/market/histories"
TRADE = {"sequence": "7", "price": "100", "size": "2", "side": "buy", "time": 1729260030000000000}


async def test_trades_are_asked_for_by_symbol(exchange: Exchange, make: Make) -> None:
    exchange.says(HISTORIES, fine([TRADE]))
    ticks = await make().trades("BTC-USDT")
    assert [(tick.symbol, tick.price, tick.side) for tick in ticks] == [("BTC-USDT", 100.0, 1)]
    assert exchange.asked[0].query_string == "symbol=BTC-USDT"
    assert exchange.asked[0].method == "GET"


async def test_a_token_is_asked_for_with_a_post_and_without_a_signature(
    exchange: Exchange, make: Make
) -> None:
    server = {"endpoint": "wss://x/", "pingInterval": 18000, "pingTimeout": 10000}
    exchange.says("/api/v1/bullet-public", fine({"token": "t", "instanceServers": [server]}))
    bullet = await make("futures").bullet()
    assert bullet == Bullet("t", "wss://x/", 18 * SECOND_NS, 10 * SECOND_NS)
    assert exchange.asked[0].method == "POST"
    assert "KC-API-SIGN" not in exchange.asked[0].headers


async def test_a_private_token_is_signed_with_the_exchanges_time(
    exchange: Exchange, make: Make
) -> None:
    server = {"endpoint": "wss://x/", "pingInterval": 18000, "pingTimeout": 10000}
    exchange.says("/api/v1/bullet-private", fine({"token": "t", "instanceServers": [server]}))
    await make("futures", credentials=KEY).bullet(private=True)
    headers = exchange.asked[-1].headers
    stamp = headers["KC-API-TIMESTAMP"]
    assert 0 <= int(stamp) - NOW_MS < 1_000
    assert headers["KC-API-SIGN"] == signature("secret", f"{stamp}POST/api/v1/bullet-private")


async def test_without_a_key_a_private_call_is_denied_and_not_sent(
    exchange: Exchange, make: Make
) -> None:
    with pytest.raises(Denied, match="needs an API key"):
        await make().bullet(private=True)
    assert exchange.count("/api/v1/bullet-private") == 0


async def test_a_wrong_clock_is_set_and_the_call_repeated_once(
    exchange: Exchange, make: Make
) -> None:
    late = web.json_response({"code": "400002", "msg": "Invalid KC-API-TIMESTAMP"}, status=400)
    said = {"symbol": "XBTUSDTM", "takerFeeRate": "0.0004", "makerFeeRate": "0.0001"}
    exchange.says("/api/v1/timestamp", fine(NOW_MS), fine(NOW_MS + 60_000))
    exchange.says("/api/v1/trade-fees", late, fine(said))
    rest = make("futures", credentials=KEY)
    assert await rest.fees("XBTUSDTM") == Fees(0.0001, 0.0004)
    first, second = (
        int(request.headers["KC-API-TIMESTAMP"])
        for request in exchange.asked
        if request.path == "/api/v1/trade-fees"
    )
    assert 59_000 < second - first < 62_000
    exchange.says("/api/v1/trade-fees", late)
    with pytest.raises(Denied, match="400002"):
        await rest.fees("XBTUSDTM")
    assert exchange.count("/api/v1/trade-fees") == 4


async def test_the_exchanges_clock_is_measured_with_half_the_way(
    exchange: Exchange, make: Make
) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        response = fine(NOW_MS)
        await asyncio.sleep(0.1)
        return response

    exchange.says("/api/v1/timestamp", slow)
    rest = make()
    began_s = asyncio.get_running_loop().time()
    assert await rest.server_time_ms() == NOW_MS
    assert rest.offset_ns is not None
    at_ms = (int((began_s + 0.1) * SECOND_NS) + rest.offset_ns) / 1_000_000
    assert abs(at_ms - NOW_MS) < 30
    passed_ms = (await rest.server_now_ns()) / 1_000_000 - NOW_MS
    assert 90 <= passed_ms < 1_000
    assert exchange.count("/api/v1/timestamp") == 1


async def test_without_a_key_fees_are_those_of_the_listing(exchange: Exchange, make: Make) -> None:
    row = {
        "symbol": "BTC-USDT", "baseCurrency": "BTC", "quoteCurrency": "USDT",
        "baseMinSize": "0.00001", "baseMaxSize": "1", "baseIncrement": "0.00000001",
        "priceIncrement": "0.1", "enableTrading": True, "feeCategory": 1,
    }  # fmt: skip
    exchange.says("/api/v2/symbols", lambda _: fine([row]))
    rest = make()
    assert list(await rest.symbols()) == ["BTC-USDT"]
    assert await rest.fees("BTC-USDT") == Fees(0.001, 0.001)
    with pytest.raises(Denied, match="ETH-USDT is not listed"):
        await rest.fees("ETH-USDT")


async def test_candles_are_a_page_without_the_one_that_is_still_open(
    exchange: Exchange, make: Make
) -> None:
    hour_s = NOW_MS // 1000 // 3600 * 3600
    rows = [[str(hour_s - 3600 * i), "10", "11", "12", "9", "5", "55"] for i in range(5)]
    exchange.says("/api/v1/market/candles", fine(rows))
    from_ns, to_ns = (hour_s - 3 * 3600) * SECOND_NS, (hour_s + 3600) * SECOND_NS
    bars = await make().candles("BTC-USDT", HOUR_NS, from_ns, to_ns)
    assert bars == [
        Bar((hour_s - 3600 * i) * SECOND_NS, 10.0, 12.0, 9.0, 11.0, 5.0) for i in (3, 2, 1)
    ]


async def test_a_candle_is_closed_the_moment_its_interval_is_over(
    exchange: Exchange, make: Make
) -> None:
    minute_ms = NOW_MS // 60_000 * 60_000
    exchange.says("/api/v1/timestamp", fine(minute_ms))
    row = [minute_ms - 60_000, 10, 12, 9, 11, 5]
    exchange.says("/api/v1/kline/query", fine([row, [minute_ms, *row[1:]]]))
    from_ns = (minute_ms - 600_000) * 1_000_000
    bars = await make("futures").candles("XBTUSDTM", MINUTE_NS, from_ns, from_ns + HOUR_NS)
    assert [bar.at_ns for bar in bars] == [row[0] * 1_000_000]


async def test_the_book_is_the_public_one(exchange: Exchange, make: Make) -> None:
    exchange.says(
        "/api/v1/market/orderbook/level2_100",
        fine({"time": NOW_MS, "sequence": "9", "bids": [["1", "2"]], "asks": [["3", "4"]]}),
    )
    book = await make().book("BTC-USDT")
    assert (book.symbol, book.sequence, book.bids, book.asks) == (
        "BTC-USDT", 9, [(1.0, 2.0)], [(3.0, 4.0)],
    )  # fmt: skip


async def test_a_used_up_quota_is_waited_out_and_the_call_repeated(
    exchange: Exchange, make: Make, budget: Budget
) -> None:
    exchange.says(HISTORIES, too_many(**quota(0, 150)), fine([TRADE]))
    began_s = asyncio.get_running_loop().time()
    assert len(await make().trades("BTC-USDT")) == 1
    assert asyncio.get_running_loop().time() - began_s >= 0.15
    assert budget.counts()[:3] == (2, 1, 1)


async def test_a_wait_longer_than_its_patience_is_refused_at_once(
    exchange: Exchange, make: Make, budget: Budget
) -> None:
    exchange.says(HISTORIES, too_many(**quota(0, 59_000)))
    rest = make(priority=Priority.EXIT)
    with pytest.raises(RateLimited) as caught:
        await rest.trades("BTC-USDT")
    assert 58 * SECOND_NS < caught.value.wait_ns <= 59 * SECOND_NS
    assert exchange.count(HISTORIES) == 1
    with pytest.raises(RateLimited):
        await rest.trades("BTC-USDT")
    assert exchange.count(HISTORIES) == 1
    assert budget.counts().retries == 1  # the second call was not even tried


async def test_an_overload_is_tried_three_times(
    exchange: Exchange, make: Make, budget: Budget
) -> None:
    exchange.says(HISTORIES, lambda _: too_many())
    with pytest.raises(Overloaded):
        await make().trades("BTC-USDT")
    assert exchange.count(HISTORIES) == 3
    assert budget.counts().overloads == 3


async def test_a_block_by_the_edge_is_not_answered_with_more_calls(
    exchange: Exchange, make: Make, budget: Budget
) -> None:
    page = web.Response(status=429, text="<html>error code: 1015</html>", content_type="text/html")
    exchange.says(HISTORIES, page)
    rest = make(priority=Priority.EXIT)
    with pytest.raises((EdgeBlocked, RateLimited)):
        await rest.trades("BTC-USDT")
    with pytest.raises(RateLimited):
        await make("futures", priority=Priority.EXIT).trades("XBTUSDTM")
    assert len(exchange.asked) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_an_error_of_the_exchange_is_retried(
    status: int, exchange: Exchange, make: Make
) -> None:
    broken = web.Response(status=status, text="<html>bad gateway</html>")
    exchange.says(HISTORIES, broken, fine([TRADE]))
    assert len(await make().trades("BTC-USDT")) == 1


async def test_an_answer_cut_short_is_retried(exchange: Exchange, make: Make) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"code":"200000","data":[')
        assert request.transport is not None
        request.transport.close()
        return response

    exchange.says(HISTORIES, cut, fine([TRADE]))
    assert len(await make().trades("BTC-USDT")) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"code": "400100", "msg": "symbol not exists"},  # with HTTP 200
        {"code": "200003", "msg": "Invalid symbol."},
    ],
)
async def test_a_no_is_final(answer: dict[str, str], exchange: Exchange, make: Make) -> None:
    exchange.says(HISTORIES, web.json_response(answer))
    with pytest.raises(Denied) as caught:
        await make().trades("NO-SUCH")
    assert (caught.value.code, caught.value.text) == (answer["code"], answer["msg"])
    assert exchange.count(HISTORIES) == 1


async def test_garbage_is_final_and_so_is_an_answer_without_end(
    exchange: Exchange, make: Make
) -> None:
    endless = json.dumps({"code": "200000", "data": "x" * BODY_BYTES_MAX})
    exchange.says(HISTORIES, web.Response(text=endless), web.Response(text='{"code": '))
    rest = make()
    with pytest.raises(Garbled, match="more than 8 MiB"):
        await rest.trades("BTC-USDT")
    with pytest.raises(Garbled, match="no JSON"):
        await rest.trades("BTC-USDT")
    assert exchange.count(HISTORIES) == 2


async def test_a_redirection_is_not_followed(exchange: Exchange, make: Make) -> None:
    away = web.Response(status=302, headers={"Location": "/api/v1/timestamp"})
    exchange.says(HISTORIES, away)
    with pytest.raises(Garbled):
        await make().trades("BTC-USDT")
    assert len(exchange.asked) == 1


async def test_an_exchange_that_is_not_there_is_unreachable(budget: Budget) -> None:
    async with open_http("http://127.0.0.1:1") as http:
        rest = Rest("spot", "http://127.0.0.1:1", http, budget)
        with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1 cannot be reached"):
            await rest.trades("BTC-USDT")
    assert budget.counts().calls == 3


async def test_an_answer_that_does_not_come_is_unreachable_and_is_not_under_way_forever(
    exchange: Exchange, url: str, budget: Budget
) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return fine([])

    exchange.says(HISTORIES, never)
    impatient = aiohttp.ClientTimeout(total=0.05)
    async with aiohttp.ClientSession(timeout=impatient) as http:
        with pytest.raises(Unreachable):
            await Rest("spot", url, http, budget).trades("BTC-USDT")
    # Had the budget kept them as under way, this answer would leave too little for the background.
    at_ns = 10**18
    assert budget.ask("public", 2, Priority.EXIT, at_ns) == 0
    budget.learned("public", Answer(quota(480, 20_000), 2), at_ns)
    assert budget.ask("public", 60, Priority.BACKGROUND, at_ns + SECOND_NS) == 0


async def test_retries_end_when_their_budget_does(exchange: Exchange, make: Make) -> None:
    exchange.says(HISTORIES, lambda _: web.Response(status=502))
    rest = make()
    for _ in range(4):
        with pytest.raises(Unreachable):
            await rest.trades("BTC-USDT")
    assert exchange.count(HISTORIES) <= 4 + 3 + 1


async def test_only_so_many_calls_are_under_way_at_once(exchange: Exchange, make: Make) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.02)
        return fine([TRADE])

    exchange.says(HISTORIES, slow)
    rest = make(priority=Priority.BACKGROUND)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(rest.trades("BTC-USDT"))
    assert exchange.count(HISTORIES) == 20
    assert exchange.most_under_way == 4


async def test_the_urgent_pass_those_who_wait(exchange: Exchange, make: Make) -> None:
    """Background calls have used what is theirs up; a stop does not stand behind them."""
    exchange.says(HISTORIES, lambda _: fine([TRADE]))
    background, exits = make(priority=Priority.BACKGROUND), make(priority=Priority.EXIT)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(background.trades("BTC-USDT")) for _ in range(60)]
        await asyncio.sleep(0.1)
        began_s = asyncio.get_running_loop().time()
        await exits.trades("BTC-USDT")
        took_s = asyncio.get_running_loop().time() - began_s
        still = sum(not task.done() for task in waiting)
        for task in waiting:
            task.cancel()
    assert took_s < 0.1
    assert still > 10


async def test_a_cancelled_call_leaves_its_place_to_the_next(
    exchange: Exchange, make: Make
) -> None:
    exchange.says(HISTORIES, too_many(**quota(0, 300)), fine([TRADE]))
    rest = make()
    first = asyncio.ensure_future(rest.trades("BTC-USDT"))
    await asyncio.sleep(0.1)
    first.cancel()
    assert len(await rest.trades("BTC-USDT")) == 1
    assert first.cancelled()


async def test_only_an_exchange_on_this_machine_may_go_without_https(
    http: aiohttp.ClientSession, budget: Budget
) -> None:
    with pytest.raises(ValueError, match="neither https nor on this machine"):
        Rest("spot", "http://api.kucoin.com", http, budget)


async def test_a_proxy_is_used_for_the_exchange_and_not_for_this_machine() -> None:
    for base_url, proxied in (
        ("https://api.kucoin.com", True),
        ("http://127.0.0.1:9", False),
        ("http://localhost:9", False),
    ):
        async with open_http(base_url) as http:
            assert http.trust_env == proxied


async def test_the_next_funding_is_asked_for_by_symbol(exchange: Exchange, make: Make) -> None:
    row = {"granularity": 28800000, "timePoint": 1731441600000, "value": 6.41e-4}
    exchange.says("/api/v1/funding-rate/XBTUSDTM/current", lambda _: fine(row))
    assert await make("futures").funding("XBTUSDTM") == (1731470400 * 10**9, 6.41e-4)
