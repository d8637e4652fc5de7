"""The simulated exchange as a whole: two hosts, one market clock, one board of faults."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web

from liveopt.exchange_sim.auth import Auth, Credential
from liveopt.exchange_sim.clock import Drive, Speed
from liveopt.exchange_sim.control import Control
from liveopt.exchange_sim.desk import Desk
from liveopt.exchange_sim.door import PATH, Door
from liveopt.exchange_sim.edge import Edge
from liveopt.exchange_sim.exchange import Exchange
from liveopt.exchange_sim.faults import Faults
from liveopt.exchange_sim.futures_rest import FuturesRest
from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.kinds import Params
from liveopt.exchange_sim.limits import Limits, Visits
from liveopt.exchange_sim.market import Market
from liveopt.exchange_sim.plan import Entry, Plan, check_plan
from liveopt.exchange_sim.push import Publisher
from liveopt.exchange_sim.rest import Host, ServerTime
from liveopt.exchange_sim.session import House
from liveopt.exchange_sim.specs import SPECS, Spec, Venue
from liveopt.exchange_sim.spot_rest import SpotRest
from liveopt.exchange_sim.tokens import Tokens
from liveopt.exchange_sim.view import SECOND_NS, View

VENUES: Final[tuple[Venue, ...]] = ("spot", "futures")
LAST_WORDS_S: Final = 0.5
"""How long clients have to take their leave when the exchange stops."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What is simulated, and where."""

    start_ns: int
    """What the market's clock shows when it starts."""
    seed: int = 1
    speed: Speed = 1.0
    markets: Sequence[Spec | str | Market] = SPECS
    activity: float = 1.0
    regime: str | None = None
    edge: Edge | None = None
    faults: Iterable[tuple[str, Params]] = ()
    plan: Sequence[Entry] = ()
    limits: Limits = field(default_factory=Limits)
    host: str = "127.0.0.1"
    ports: tuple[int, int] = (0, 0)
    """Of spot and futures; 0 takes a free one."""
    wall_ns: Callable[[], int] | None = None
    """The clients' clock, where the market's is another (accelerated, or begun elsewhen)."""
    plain_passphrase: bool = False
    """Whether clients that sign like key version 1 get in."""


class Simulator:
    """`async with Simulator(Setup(start_ns)) as sim:` serves `sim.spot_url`, `sim.futures_url`."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        loop = asyncio.get_running_loop()
        self.exchange = Exchange(
            setup.seed,
            setup.start_ns,
            setup.markets,
            activity=setup.activity,
            regime=setup.regime,
            edge=setup.edge,
        )
        self.faults = Faults(setup.seed, loop.time, lambda: self.exchange.now_ns / SECOND_NS)
        self.desk = Desk(self.exchange, seed=setup.seed, faults=self.faults)
        self.view = View(self.exchange, self.faults)
        self.hub = Hub(self.faults)
        self._ports: dict[Venue, int] = {}
        self._publisher = Publisher(self.view, self.hub, self.desk.funding_rows)
        self.exchange.private.append(self.hub.deliver)
        for name, params in setup.faults:
            self.faults.turn_on(name, params)
        check_plan(list(setup.plan), self.faults)
        self._drive = Drive(
            self.view, self._publisher, self.hub, setup.speed, Plan(list(setup.plan))
        )
        self._stack = AsyncExitStack()

    @property
    def spot_url(self) -> str:
        """Where spot listens."""
        return self._address("http", "spot")

    @property
    def futures_url(self) -> str:
        """Where futures listen."""
        return self._address("http", "futures")

    @property
    def credential(self) -> Credential:
        """The key of the account with paper money."""
        return self.desk.credential

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._open_doors()
            for venue, port in zip(VENUES, self.setup.ports, strict=True):
                await self._listen(stack, venue, port)
            stack.push_async_callback(self._say_goodbye)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            driving = tasks.create_task(self._drive.run())
            stack.callback(driving.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """What was raised inside comes out as it is, not in a group."""
        if isinstance(error, asyncio.CancelledError):
            return await self._stack.__aexit__(kind, error, trace)
        await self._stack.aclose()
        return None

    def status(self) -> dict[str, Any]:
        """How it is doing."""
        return {
            "market_ns": self.exchange.now_ns,
            "speed": self.setup.speed,
            "behind_s": round(self._drive.behind_s, 3),
            "symbols": list(self.exchange.markets),
            "sockets": len(self.hub.sockets),
            "topics": {topic: len(who) for topic, who in self.hub.topics.items()},
            "frames_sent": self.hub.sent,
            "backlog_bytes": self.hub.backlog(),
        }

    def _open_doors(self) -> None:
        setup = self.setup
        house = House(self.hub, self.faults, setup.limits, lambda: self.exchange.now_ns)
        tokens, visits = Tokens(setup.seed), Visits(setup.limits)
        self._doors = {
            venue: Door(venue, house, tokens, visits, self._endpoint(venue)) for venue in VENUES
        }
        wall_ns = setup.wall_ns
        wall_ms = None if wall_ns is None else (lambda: wall_ns() // 1_000_000)
        time = ServerTime(lambda: self.view.now_ms, wall_ms, self.view.skew_ms)
        auth = Auth([self.credential], plain_passphrase=setup.plain_passphrase)
        public = {
            "spot": SpotRest(self.view, self._publisher.spot).routes(),
            "futures": FuturesRest(self.view, self._publisher.futures).routes(),
        }
        self._hosts = {
            venue: Host(
                venue,
                [*self._doors[venue].routes(), *public[venue], *self.desk.routes(venue)],
                auth,
                time,
                self.faults,
            )
            for venue in VENUES
        }
        self._hosts["futures"].quotas = self._hosts["spot"].quotas

    async def _listen(self, stack: AsyncExitStack, venue: Venue, port: int) -> None:
        app = web.Application()
        app.add_routes(Control(self.faults, self.status, self.exchange.force).routes())
        app.router.add_get(PATH, self._doors[venue].open)
        app.router.add_route("*", "/{rest:.*}", self._hosts[venue].answer)
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=LAST_WORDS_S, handler_cancellation=True
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self.setup.host, port).start()
        self._ports[venue] = runner.addresses[0][1]

    async def _say_goodbye(self) -> None:
        """Sockets are closed, and those that cannot hear it are cut."""
        sockets = list(self.hub.sockets)
        for socket in sockets:
            socket.end(1001, "going away")
        with suppress(TimeoutError):
            await asyncio.wait_for(self.hub.deserted(), LAST_WORDS_S)
        for socket in list(self.hub.sockets):
            socket.reset()

    def _endpoint(self, venue: Venue) -> Callable[[], str]:
        return lambda: self._address("ws", venue) + PATH

    def _address(self, scheme: str, venue: Venue) -> str:
        return f"{scheme}://{self.setup.host}:{self._ports[venue]}"
