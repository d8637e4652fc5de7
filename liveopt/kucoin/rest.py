"""KuCoin over REST: market data, tokens for sockets, fees; every call within the budget and a time.

The errors are drawn in `liveopt.kucoin.replies`. Nothing here reads a clock of the wall: what time
it is at the exchange is measured, and carried on by the event loop's clock.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from liveopt.core.bars import SECOND_NS
from liveopt.core.events import Bar, Tick
from liveopt.kucoin import words
from liveopt.kucoin.budget import Answer, Budget, Priority, trouble_of
from liveopt.kucoin.depth import BookSnapshot
from liveopt.kucoin.listings import Listing, read_listings
from liveopt.kucoin.replies import (
    BAD_TIME,
    Bullet,
    Denied,
    EdgeBlocked,
    Fees,
    Garbled,
    Overloaded,
    RateLimited,
    RestError,
    Unreachable,
    data_of,
    read_book,
    read_bullet,
    read_candles,
    read_fees,
    read_funding,
    read_reply,
    read_time_ms,
    read_trades,
)
from liveopt.kucoin.sign import Credentials, signed_headers
from liveopt.kucoin.words import Endpoint, PoolName, Venue

__all__ = [
    "Bullet", "Denied", "EdgeBlocked", "Fees", "Garbled", "Overloaded", "RateLimited", "Rest",
    "RestError", "Unreachable", "open_http",
]  # fmt: skip

BODY_BYTES_MAX: Final = 8 << 20
ATTEMPTS: Final = 3
ANSWER_S_MAX: Final = 10.0
CONNECT_S_MAX: Final = 5.0
IN_FLIGHT_MAX: Final = (8, 8, 6, 4)
"""Calls under way at once in one pool, by priority."""
WAITING_MAX: Final = 500
PATIENCE_NS: Final = (5 * SECOND_NS, 10 * SECOND_NS, 60 * SECOND_NS, 360 * SECOND_NS)
"""How long a call may wait for its turn, by priority; longer than background work can be off."""
CLOCK_NS_MAX: Final = 600 * SECOND_NS
"""How long a measured time of the exchange is trusted."""


def open_http(base_url: str) -> aiohttp.ClientSession:
    """A session for one exchange: bounded, without cookies, through the proxy that is set.

    A proxy is never asked for an exchange on this machine.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=16),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=ANSWER_S_MAX, sock_connect=CONNECT_S_MAX),
        headers={"User-Agent": "liveopt"},
        trust_env=not _is_local(base_url),
    )


class Rest:
    """One venue of the exchange, for calls of one priority.

    Whoever uses the same IP or account shares the `budget`; whose priority is higher goes first,
    because the budget keeps something back from the others.
    """

    def __init__(
        self,
        venue: Venue,
        base_url: str,
        http: aiohttp.ClientSession,
        budget: Budget,
        credentials: Credentials | None = None,
        priority: Priority = Priority.RECONCILE,
    ) -> None:
        """Nothing is sent yet."""
        if not base_url.startswith("https://") and not _is_local(base_url):
            raise ValueError(f"{base_url} is neither https nor on this machine")
        self.venue: Final = venue
        self.base_url: Final = base_url.rstrip("/")
        self.offset_ns: int | None = None
        """The exchange's time since 1970 less the event loop's; None until it was measured."""
        self._http = http
        self._budget = budget
        self._credentials = credentials
        self._measured_ns = 0
        self._turnstiles = {name: _Turnstile(budget, name, priority) for name in budget.pools}

    async def bullet(self, *, private: bool = False) -> Bullet:
        """A fresh permit for one socket."""
        endpoint = words.PRIVATE_BULLET[self.venue] if private else words.PUBLIC_BULLET
        return read_bullet((await self._call(endpoint)).data)

    async def server_time_ms(self) -> int:
        """What time it is at the exchange; measures `offset_ns`, taking half the way for each."""
        got = await self._call(words.TIMESTAMP[self.venue])
        at_ms = read_time_ms(got.data)
        self.offset_ns = at_ms * 1_000_000 - (got.began_ns + got.ended_ns) // 2
        self._measured_ns = got.ended_ns
        return at_ms

    async def server_now_ns(self) -> int:
        """The exchange's time, measured again where the last measure is old."""
        if self.offset_ns is None or _loop_ns() - self._measured_ns > CLOCK_NS_MAX:
            await self.server_time_ms()
        assert self.offset_ns is not None
        return _loop_ns() + self.offset_ns

    async def trades(self, symbol: str) -> list[Tick]:
        """The newest hundred trades, oldest first; the sizes of a contract are lots."""
        got = await self._call(words.TRADES[self.venue], {"symbol": symbol})
        return read_trades(self.venue, symbol, got.data)

    async def candles(self, symbol: str, interval_ns: int, from_ns: int, to_ns: int) -> list[Bar]:
        """The closed candles that open within `[from_ns, to_ns)`, oldest first.

        One page: ask for no more than `words.ROWS_MAX` intervals. Intervals without trades are
        left out by the exchange. The volume of a contract is in lots.
        """
        query = words.candle_query(self.venue, symbol, interval_ns, from_ns, to_ns)
        now_ns = await self.server_now_ns()
        got = await self._call(words.CANDLES[self.venue], query)
        stop_ns = min(to_ns, now_ns - interval_ns + 1)
        bars = read_candles(self.venue, got.data, interval_ns)
        return [bar for bar in bars if from_ns <= bar.at_ns < stop_ns]

    async def book(self, symbol: str) -> BookSnapshot:
        """The order book: 100 levels a side on spot, up to 1,000 of a contract."""
        got = await self._call(words.BOOK[self.venue], {"symbol": symbol})
        return read_book(self.venue, symbol, got.data)

    async def symbols(self) -> dict[str, Listing]:
        """All that is listed."""
        got = await self._call(words.SYMBOLS[self.venue])
        return read_listings(self.venue, got.data)

    async def funding(self, symbol: str) -> tuple[int, float]:
        """When a contract's funding is settled next, and the rate as it stands now."""
        endpoint = words.FUNDING._replace(path=words.FUNDING.path.format(symbol=symbol))
        return read_funding((await self._call(endpoint)).data)

    async def fees(self, symbol: str) -> Fees:
        """What this account pays; without credentials, what the lowest level pays."""
        if self._credentials is not None:
            name = "symbols" if self.venue == "spot" else "symbol"
            got = await self._call(words.FEES[self.venue], {name: symbol})
            return read_fees(self.venue, got.data, symbol)
        listing = (await self.symbols()).get(symbol)
        if listing is None or listing.instrument is None:
            raise Denied("404", f"{symbol} is not listed, or not for us")
        return Fees(listing.instrument.maker_fee, listing.instrument.taker_fee)

    async def _call(self, endpoint: Endpoint, query: Mapping[str, str] | None = None) -> "_Got":
        """One read; where our clock was wrong it is set and the read repeated, once."""
        try:
            return await self._patiently(endpoint, query or {})
        except Denied as error:
            if error.code != BAD_TIME or not endpoint.signed:
                raise
        await self.server_time_ms()
        return await self._patiently(endpoint, query or {})

    async def _patiently(self, endpoint: Endpoint, query: Mapping[str, str]) -> "_Got":
        """One read, repeated where that may help and the retries' budget has one left."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._once(endpoint, query)
            except _NotItsTurn:
                raise
            except (Overloaded, RateLimited, EdgeBlocked):  # the budget makes the next one wait
                if not self._budget.may_retry():
                    raise
            except Unreachable:
                if not self._budget.may_retry():
                    raise
                await asyncio.sleep(self._budget.backoff_ns(attempt) / SECOND_NS)
        return await self._once(endpoint, query)

    async def _once(self, endpoint: Endpoint, query: Mapping[str, str]) -> "_Got":
        if endpoint.signed:
            await self.server_now_ns()
        turnstile = self._turnstiles[endpoint.pool]
        return await turnstile.run(endpoint.weight, lambda: self._send(endpoint, query))

    async def _send(self, endpoint: Endpoint, query: Mapping[str, str]) -> "_Got":
        """One request that the budget let pass, and what its answer teaches the budget."""
        target = endpoint.path
        if query:
            target += "?" + "&".join(f"{name}={value}" for name, value in query.items())
        began_ns = _loop_ns()
        answered = False
        try:
            async with self._http.request(
                endpoint.method,
                self.base_url + target,
                headers=self._headers(endpoint, target, began_ns),
                allow_redirects=False,
            ) as response:
                body = await _body(response)
            ended_ns = _loop_ns()
            reply = read_reply(body)
            code = None if reply is None else reply.code
            trouble = trouble_of(self.venue, response.status, code, response.headers)
            answer = Answer(response.headers, endpoint.weight, trouble)
            answered = True
            wait_ns = self._budget.learned(endpoint.pool, answer, ended_ns)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = _why(error)
            raise Unreachable(f"{self.base_url} cannot be reached: {why}") from error
        finally:
            if not answered:
                self._budget.lost(endpoint.pool, endpoint.weight)
        data = data_of(response.status, reply, trouble, wait_ns)
        return _Got(data, began_ns, ended_ns)

    def _headers(self, endpoint: Endpoint, target: str, now_ns: int) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if endpoint.signed:
            if self._credentials is None:
                raise Denied("400003", "this call needs an API key, and there is none")
            assert self.offset_ns is not None
            at_ms = (now_ns + self.offset_ns) // 1_000_000
            headers |= signed_headers(self._credentials, at_ms, endpoint.method, target)
        return headers


class _Got(NamedTuple):
    data: msgspec.Raw
    began_ns: int
    ended_ns: int


Result = TypeVar("Result")


class _NotItsTurn(RateLimited):
    """We sent nothing: it would have had to wait longer than it may."""


class _Turnstile:
    """Callers of one pool, one after the other: each as soon as the budget lets it."""

    def __init__(self, budget: Budget, name: PoolName, priority: Priority) -> None:
        self._budget = budget
        self._name: PoolName = name
        self._priority = priority
        self._patience_ns = PATIENCE_NS[priority]
        self._turn = asyncio.Lock()
        self._lines = asyncio.Semaphore(IN_FLIGHT_MAX[priority])
        self._callers = 0

    async def run(self, weight: int, send: Callable[[], Awaitable[Result]]) -> Result:
        """What `send` returns, once it was its turn."""
        if self._callers >= WAITING_MAX:
            raise _NotItsTurn(f"{WAITING_MAX} calls wait already", self._patience_ns)
        until_ns = _loop_ns() + self._patience_ns
        self._callers += 1
        try:
            async with asyncio.timeout(self._patience_ns / SECOND_NS) as limit, self._lines:
                async with self._turn:
                    await self._wait(weight, until_ns)
                limit.reschedule(None)
                return await send()
        except TimeoutError as error:
            raise _NotItsTurn("its turn did not come", self._patience_ns) from error
        finally:
            self._callers -= 1

    async def _wait(self, weight: int, until_ns: int) -> None:
        while wait_ns := self._budget.ask(self._name, weight, self._priority, _loop_ns()):
            if _loop_ns() + wait_ns > until_ns:
                raise _NotItsTurn("its turn would come too late", wait_ns)
            await asyncio.sleep(wait_ns / SECOND_NS)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(1 << 16):
        body += piece
        if len(body) > BODY_BYTES_MAX:
            raise Garbled(f"an answer of more than {BODY_BYTES_MAX >> 20} MiB")
    return bytes(body)


def _loop_ns() -> int:
    return int(asyncio.get_running_loop().time() * 1e9)


def _is_local(base_url: str) -> bool:
    return urlsplit(base_url).hostname in {"127.0.0.1", "localhost", "::1"}


def _why(error: Exception) -> str:
    """What the library says names the host again, and TLS where there is none."""
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        return cause.strerror or str(cause)
    return str(error) or type(error).__name__
