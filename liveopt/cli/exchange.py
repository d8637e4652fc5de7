"""Where a command finds its market: KuCoin, a simulated exchange in this process, or an address."""

import asyncio
import difflib
import re
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from math import inf
from typing import TypeVar

import numpy as np

from liveopt.cli.show import Failure
from liveopt.config import Settings
from liveopt.exchange_sim.clock import Speed
from liveopt.exchange_sim.server import Setup, Simulator
from liveopt.exchange_sim.specs import BY_SYMBOL
from liveopt.kucoin.budget import Budget, Priority
from liveopt.kucoin.listings import Listing
from liveopt.kucoin.rest import Denied, Rest, RestError, Unreachable, open_http
from liveopt.kucoin.words import Venue, venue_of
from liveopt.live.clock import Clock
from liveopt.optimize.parameters import BadParameter

T = TypeVar("T")
NAMES = ("kucoin", "sim")
SPEED_MAX = 10_000.0


@dataclass(frozen=True, slots=True)
class There:
    """An exchange within reach; both REST clients spend from one budget."""

    rest: Rest
    """For what somebody waits for."""
    background: Rest
    budget: Budget


def is_file(source: str) -> bool:
    """Neither a name nor an address."""
    if re.fullmatch(r"[\w.-]+:\d+", source):
        raise BadParameter(f"--feed {source}: write the address as http://{source}")
    return source not in NAMES and not source.startswith(("http://", "https://"))


def speed_of(text: str) -> float:
    """How fast something is played; `max` is as fast as it is read."""
    try:
        speed = inf if text == "max" else float(text)
    except ValueError:
        speed = 0.0
    if not (0.01 <= speed <= SPEED_MAX or speed == inf):
        raise BadParameter(f"--speed {text}: give a number from 0.01 to {SPEED_MAX:.0f}, or max")
    return speed


def venue_for(symbols: Sequence[str]) -> Venue:
    """Where the symbols trade; a feed has either spot or futures."""
    try:
        venues = {venue_of(symbol) for symbol in symbols}
    except ValueError as error:
        raise BadParameter(f"--symbol: {error}") from error
    if len(venues) != 1:
        raise BadParameter("--symbol: spot and futures symbols together; run one feed for each")
    return venues.pop()


@asynccontextmanager
async def reach(
    source: str, symbols: Sequence[str], settings: Settings, speed: float = 1.0
) -> AsyncIterator[There]:
    """The exchange that lists the symbols; a simulated one lives as long as this."""
    venue = venue_for(symbols)
    if source != "sim":
        known = settings.kucoin
        usual = known.spot_url if venue == "spot" else known.futures_url
        async with _clients(venue, usual if source == "kucoin" else source) as there:
            yield there
        return
    unknown = [symbol for symbol in symbols if symbol not in BY_SYMBOL]
    if unknown:
        raise BadParameter(
            f"--symbol {unknown[0]}: the simulated exchange has {', '.join(BY_SYMBOL)}"
        )
    wall = Clock().wall
    pace: Speed = "max" if speed == inf else speed
    setup = Setup(wall(), speed=pace, markets=tuple(symbols), wall_ns=wall)
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(Simulator(setup))
        base_url = sim.spot_url if venue == "spot" else sim.futures_url
        yield await stack.enter_async_context(_clients(venue, base_url))


@asynccontextmanager
async def _clients(venue: Venue, base_url: str) -> AsyncIterator[There]:
    budget = Budget(np.random.default_rng())
    async with open_http(base_url) as http:
        try:
            rest = Rest(venue, base_url, http, budget)
            background = Rest(venue, base_url, http, budget, None, Priority.BACKGROUND)
        except ValueError as error:
            raise BadParameter(f"--feed: {error}") from error
        yield There(rest, background, budget)


def run(main: Coroutine[object, object, T]) -> T:
    """Runs it to its end, or to SIGTERM, which ends it in order.

    A task's failure is raised as what it is, not as a group of one.
    """

    async def stoppable() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await main

    try:
        return asyncio.run(stoppable())
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGTERM) from None
    except ExceptionGroup as group:
        error: Exception = group
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        raise error from None


async def check_listed(rest: Rest, symbols: Sequence[str]) -> None:
    """Refuses what the exchange does not list, before anything begins."""
    try:
        await listed(rest, symbols)
    except Denied as error:
        raise Failure(
            f"{rest.base_url} does not answer as KuCoin {rest.venue} ({error}); {symbols[0]} is a"
            f" {rest.venue} symbol, so give the address of {rest.venue}"
        ) from error
    except RestError as error:
        raise Failure(unreachable(error)) from error


async def listed(rest: Rest, symbols: Sequence[str]) -> dict[str, Listing]:
    """All that the exchange lists, the symbols among it; a `RestError` if it does not answer."""
    found = await rest.symbols()
    for symbol in symbols:
        if symbol not in found:
            near = difflib.get_close_matches(symbol.upper(), found, 3, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"it lists {len(found)} others"
            raise BadParameter(f"--symbol {symbol}: KuCoin {rest.venue} does not list it; {hint}")
    return found


def unreachable(error: RestError) -> str:
    """What a person can do when the exchange does not answer."""
    if isinstance(error, Unreachable):
        if "127.0.0.1" in str(error) or "localhost" in str(error):
            return f"{error}; is `liveopt sim` running there?"
        return (
            f"{error}; check the network and its proxy, or use the simulated"
            " exchange with --feed sim"
        )
    if isinstance(error, Denied):
        return f"the exchange refused: {error}"
    return str(error)
