"""The client at the simulated exchange, which knows nothing of its code, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
import pytest

from liveopt.core.bars import HOUR_NS, MINUTE_NS, SECOND_NS
from liveopt.exchange_sim.server import Setup, Simulator
from liveopt.kucoin.budget import Budget, Priority
from liveopt.kucoin.replies import Fees
from liveopt.kucoin.rest import Denied, RateLimited, Rest, RestError, Unreachable, open_http
from liveopt.kucoin.sign import Credentials
from liveopt.kucoin.words import Venue
from tests.virtual import EPOCH_NS, World, run

SYMBOLS: dict[Venue, str] = {"spot": "BTC-USDT", "futures": "XBTUSDTM"}
VENUES = pytest.mark.parametrize("venue", ["spot", "futures"])


@dataclass
class There:
    """Clients of one venue in one simulated exchange."""

    sim: Simulator
    http: aiohttp.ClientSession
    budget: Budget
    venue: Venue

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.venue]

    def rest(self, priority: Priority = Priority.RECONCILE, *, signed: bool = False) -> Rest:
        url = self.sim.spot_url if self.venue == "spot" else self.sim.futures_url
        one = self.sim.credential
        who = Credentials(one.key, one.secret, one.passphrase) if signed else None
        return Rest(self.venue, url, self.http, self.budget, who, priority)


def at(venue: Venue, act: Callable[[There], Awaitable[None]], seed: int = 1) -> None:
    async def main(_: World) -> None:
        setup = Setup(EPOCH_NS, markets=tuple(SYMBOLS.values()))
        async with Simulator(setup) as sim, open_http(sim.spot_url) as http:
            await act(There(sim, http, Budget(np.random.default_rng(seed)), venue))
            await asyncio.sleep(60)  # until the exchange gives up answers nobody waits for

    run(main, seed)


@VENUES
def test_a_closed_candle_is_the_trades_of_its_minute(venue: Venue) -> None:
    async def act(there: There) -> None:
        rest = there.rest()
        seen = {}
        for _ in range(90):
            for tick in await rest.trades(there.symbol):
                seen[tick.sequence] = tick
            await asyncio.sleep(2)
        now_ns = await rest.server_now_ns()
        assert abs(now_ns - there.sim.exchange.now_ns) < SECOND_NS
        minute_ns = now_ns // MINUTE_NS * MINUTE_NS
        bars = await rest.candles(
            there.symbol, MINUTE_NS, minute_ns - MINUTE_NS, minute_ns + MINUTE_NS
        )
        assert [bar.at_ns for bar in bars] == [minute_ns - MINUTE_NS]
        ticks = sorted(
            (t for t in seen.values() if minute_ns - MINUTE_NS <= t.at_ns < minute_ns),
            key=lambda t: t.sequence,
        )
        prices = [tick.price for tick in ticks]
        (bar,) = bars
        assert len(ticks) > 20
        assert (bar.open, bar.high) == (prices[0], max(prices))
        assert (bar.low, bar.close) == (min(prices), prices[-1])
        assert bar.volume == pytest.approx(sum(tick.size for tick in ticks))
        assert all(tick.side in {1, -1} and tick.symbol == there.symbol for tick in ticks)

    at(venue, act)


@VENUES
def test_pages_of_history_fit_together(venue: Venue) -> None:
    async def act(there: There) -> None:
        rest = there.rest()
        to_ns = (await rest.server_now_ns()) // HOUR_NS * HOUR_NS
        asked = [to_ns - i * 100 * MINUTE_NS for i in range(5)]
        one = await rest.candles(there.symbol, MINUTE_NS, asked[1], asked[0])
        two = await rest.candles(there.symbol, MINUTE_NS, asked[2], asked[1])
        both = await rest.candles(there.symbol, MINUTE_NS, asked[2], asked[0])
        assert two + one == both
        assert len(both) > 190
        hours = await rest.candles(there.symbol, HOUR_NS, to_ns - HOUR_NS, to_ns)
        minutes = await rest.candles(there.symbol, MINUTE_NS, to_ns - HOUR_NS, to_ns)
        assert hours[0].high == max(bar.high for bar in minutes)
        assert hours[0].close == minutes[-1].close

    at(venue, act)


@VENUES
def test_the_book_surrounds_the_price_and_the_listing_knows_its_steps(venue: Venue) -> None:
    async def act(there: There) -> None:
        rest = there.rest()
        book = await rest.book(there.symbol)
        listing = (await rest.symbols())[there.symbol]
        assert listing.open
        assert listing.instrument is not None
        assert book.bids[0][0] < book.asks[0][0]
        assert book.bids == sorted(book.bids, reverse=True)
        assert book.asks == sorted(book.asks)
        steps = book.asks[0][0] / listing.instrument.tick
        assert abs(steps - round(steps)) < 1e-6
        assert await rest.fees(there.symbol) == Fees(
            listing.instrument.maker_fee, listing.instrument.taker_fee
        )

    at(venue, act)


@VENUES
def test_signed_calls_are_let_in(venue: Venue) -> None:
    async def act(there: There) -> None:
        rest = there.rest(signed=True)
        public, private = await rest.bullet(), await rest.bullet(private=True)
        assert public.token != private.token
        assert private.endpoint.startswith("ws://")
        assert (private.ping_interval_ns, private.ping_timeout_ns) == (
            18 * SECOND_NS, 10 * SECOND_NS,
        )  # fmt: skip
        fees = await rest.fees(there.symbol)
        assert 0.0 < fees.maker <= fees.taker < 0.01

    at(venue, act)


def test_a_server_clock_that_is_set_anew_costs_one_refusal() -> None:
    async def act(there: There) -> None:
        rest = there.rest(signed=True)
        calls = []
        for skew_ms in (0, 9_000, 9_000):
            there.sim.faults.turn_on("clock-skew", {"ms": skew_ms})
            await rest.fees(there.symbol)
            calls.append(there.budget.counts().calls)
        # Time and fees; refused, time and fees; fees.
        assert calls == [2, 5, 6]

    at("futures", act)


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("rest-429", {"count": 2, "reset": 2_000}),
        ("rest-429", {"count": 2, "headers": 0}),
        ("rest-1015", {"count": 1}),
        ("rest-html", {"count": 2, "status": 503}),
        ("rest-slow", {"count": 1, "seconds": 8}),
        ("rest-timeout", {"count": 1}),
        ("rest-reset", {"count": 2}),
        ("rest-code", {"count": 2, "code": "429000"}),
    ],
)
def test_what_passes_is_waited_out(fault: str, params: dict[str, float | str]) -> None:
    async def act(there: There) -> None:
        rest = there.rest(Priority.BACKGROUND)
        there.sim.faults.turn_on(fault, params)
        assert (await rest.book(there.symbol)).sequence > 0

    at("spot", act)


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("rest-code", {"code": "400100"}),
        ("rest-bad-json", {}),
        ("rest-1015", {}),
        ("rest-429", {}),
        ("rest-timeout", {}),
    ],
)
def test_what_stays_is_an_error_in_the_end(fault: str, params: dict[str, float | str]) -> None:
    async def act(there: There) -> None:
        there.sim.faults.turn_on(fault, params)
        with pytest.raises(RestError):
            await there.rest(Priority.BACKGROUND).book(there.symbol)
        assert there.budget.counts().calls <= 3

    at("futures", act)


def test_between_two_attempts_at_a_broken_exchange_there_is_a_pause() -> None:
    async def act(there: There) -> None:
        there.sim.faults.turn_on("rest-html", {"status": 502})
        began_s = asyncio.get_running_loop().time()
        with pytest.raises(Unreachable, match="HTTP 502"):
            await there.rest().book(there.symbol)
        assert asyncio.get_running_loop().time() - began_s > 0.2

    at("spot", act)


def test_patience_is_for_the_turn_and_not_for_the_answer() -> None:
    async def act(there: There) -> None:
        there.sim.faults.turn_on("rest-429", {"count": 1, "reset": 6_000})
        there.sim.faults.turn_on("rest-slow", {"seconds": 8})
        assert (await there.rest(Priority.EXIT).book(there.symbol)).sequence > 0

    at("spot", act)


def test_a_crowd_is_turned_away_at_the_door() -> None:
    async def act(there: There) -> None:
        rest = there.rest(Priority.BACKGROUND)
        crowd = [rest.trades(there.symbol) for _ in range(510)]
        came = await asyncio.gather(*crowd, return_exceptions=True)
        away = [one for one in came if isinstance(one, RateLimited)]
        assert len(away) == 10
        assert all("500 calls wait already" in str(one) for one in away)

    at("futures", act)


def test_an_old_measure_of_the_clock_is_renewed() -> None:
    async def act(there: There) -> None:
        rest = there.rest()
        await rest.server_now_ns()
        there.sim.faults.turn_on("clock-skew", {"ms": 3_000})
        await asyncio.sleep(300)
        assert abs(await rest.server_now_ns() - there.sim.exchange.now_ns) < SECOND_NS // 2
        await asyncio.sleep(301)
        late_ns = await rest.server_now_ns() - there.sim.exchange.now_ns
        assert abs(late_ns - 3 * SECOND_NS) < SECOND_NS // 2
        assert there.budget.counts().calls == 2

    at("spot", act)


def test_an_unknown_symbol_is_denied() -> None:
    async def act(there: There) -> None:
        with pytest.raises(Denied):
            await there.rest().book("NOPEUSDTM")

    at("futures", act)


async def ask_without_end(rest: Rest, symbol: str) -> None:
    while True:
        try:
            await rest.trades(symbol)
        except RateLimited:  # others went first for as long as it may wait
            await asyncio.sleep(1)


async def ask_now_and_then(rest: Rest, symbol: str, took_s: list[float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(7)
        began_s = loop.time()
        for _ in range(6):
            await rest.book(symbol)
        took_s.append(loop.time() - began_s)


async def together(seconds: float, *tasks: Coroutine[Any, Any, None]) -> None:
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(task) for task in tasks]
        await asyncio.sleep(seconds)
        for task in running:
            task.cancel()


@pytest.mark.parametrize("seed", range(3))
def test_who_asks_without_end_is_never_refused_and_the_urgent_do_not_wait(seed: int) -> None:
    """Through everything: turnstile, client, connection, the exchange's own count of weights."""

    async def act(there: There) -> None:
        took_s: list[float] = []
        greedy = [
            ask_without_end(there.rest(priority), there.symbol)
            for priority in (Priority.BACKGROUND, Priority.RECONCILE, Priority.EXIT)
            for _ in range(12)
        ]
        urgent = ask_now_and_then(there.rest(Priority.EMERGENCY), there.symbol, took_s)
        await together(100, *greedy, urgent)
        counts = there.budget.counts()
        assert counts.quota_429 == counts.overloads == counts.edge_blocks == 0
        use = there.budget.use(int(asyncio.get_running_loop().time() * 1e9))["public"]
        assert not use.alarm
        assert 1_200 < use.used <= 1_800
        assert counts.calls > 900
        assert max(took_s) < 0.1

    at("futures", act, seed)


def test_a_second_process_on_the_same_address_is_noticed_and_made_room_for() -> None:
    async def act(there: There) -> None:
        other = There(there.sim, there.http, Budget(np.random.default_rng(9)), there.venue)
        greedy = [
            ask_without_end(one.rest(Priority.BACKGROUND), one.symbol)
            for one in (there, other)
            for _ in range(4)
        ]
        await together(20, *greedy)
        now_ns = int(asyncio.get_running_loop().time() * 1e9)
        for one in (there, other):
            assert one.budget.use(now_ns)["public"].alarm
            assert one.budget.counts().quota_429 == 0

    at("futures", act)
