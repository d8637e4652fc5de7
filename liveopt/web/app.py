"""The service as a whole: everything is made here, wired, begun and ended."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import numpy as np
import structlog
from aiohttp import web

from liveopt import __version__
from liveopt.config import Settings, Web
from liveopt.guard.clock import WALL, Wall
from liveopt.guard.latch import NAME as LATCH
from liveopt.guard.latch import Latch
from liveopt.live.frames import NAME as TELEMETRY
from liveopt.strategies import load
from liveopt.walk.records import Trade
from liveopt.web import openapi, static
from liveopt.web.alerts import Alert, Alerts, Sight
from liveopt.web.answering import Answering
from liveopt.web.call import Counts, Service
from liveopt.web.connections import Caps
from liveopt.web.door import Door
from liveopt.web.hooks import Hooks
from liveopt.web.jobs import Job, Jobs
from liveopt.web.keys import Key, Keys
from liveopt.web.limits import BODY_MAX, Limits, Rates
from liveopt.web.link import Link
from liveopt.web.logbook import Logbook
from liveopt.web.messages import About, Mode
from liveopt.web.picture import Picture
from liveopt.web.routes import ROUTES
from liveopt.web.security import Fence, Gatekeeper, dress, local_hosts
from liveopt.web.sessions import Sessions
from liveopt.web.static import PAGES, Static
from liveopt.web.stream import Stream
from liveopt.web.tail import Tail

log = structlog.get_logger()

LOOK_S: Final = 1.0
DEFAULT_PORTS: Final = frozenset({"80", "443"})
"""A browser leaves them out of Host and Origin."""
LAG_S: Final = 0.1
LAG_MEMORY: Final = 0.9
SECOND_NS: Final = 1_000_000_000
SERVICE: Final = web.AppKey("service", Service)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the command line and the settings say."""

    state: Path
    run: Path
    settings: Settings
    mode: str
    speed: str
    config_hash: str
    port: int
    token: str | None = None
    """The one-time word of the address that was printed."""
    rates: Rates | None = None
    """As the settings say if not given."""
    webhooks: tuple[str, ...] = ()
    data: Path | None = None
    """Where candles for searches lie; `data` in the state folder if not given."""
    wall: Wall = WALL

    @property
    def hosts(self) -> frozenset[str]:
        """The names that this service answers to."""
        wanted = self.settings.web
        host = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
        own = {f"{host}:{self.port}"}
        for name in wanted.names:
            bare, _, port = name.partition(":")
            own |= {name} if port else {name, f"{name}:{self.port}"}
            own |= {bare} if port in DEFAULT_PORTS else set()
        return self.here | own

    @property
    def here(self) -> frozenset[str]:
        """Its names on this machine."""
        return local_hosts(self.port)


def make_app(setup: Setup) -> web.Application:
    """Ready to be run; nothing is begun before its loop runs."""
    service = _service(setup)
    answering = Answering(service, secure=bool(setup.settings.web.certificate))
    scheme = "https" if setup.settings.web.certificate else "http"
    fence = Fence(setup.hosts, scheme, setup.here)
    keeper = Gatekeeper(fence, partial(_count, service.counts))
    app = web.Application(middlewares=[keeper.middleware()], client_max_size=BODY_MAX)
    app[SERVICE] = service
    app.on_response_prepare.append(_dressed)
    _describe(service)
    for route in ROUTES:
        handler = partial(answering.answer, route)
        app.router.add_route(route.method, route.path, handler)
    _pages(app, static.load())
    app.cleanup_ctx.append(partial(_life, setup, service))
    return app


def _service(setup: Setup) -> Service:
    picture = Picture()
    mode = cast(Mode, setup.mode if setup.mode in {"paper", "demo", "replay"} else "paper")
    speed = float(setup.speed) if setup.speed.replace(".", "", 1).isdigit() else 0.0
    about = About(
        boot_id=f"{setup.wall():x}", config_hash=setup.config_hash, mode=mode, speed=speed,
        version=__version__,
    )  # fmt: skip
    stream = Stream(picture, about, Latch(setup.state / LATCH), setup.wall)
    sessions = Sessions(setup.state)
    if setup.token is not None:
        sessions.admit(setup.token, setup.wall() / SECOND_NS)
    service = Service(
        state=setup.state,
        version=__version__,
        wall=setup.wall,
        mode=mode,
        picture=picture,
        stream=stream,
        door=Door(setup.state),
        tail=Tail(setup.state),
        jobs=Jobs(setup.state, setup.data or setup.state / "data", setup.wall),
        alerts=Alerts(setup.wall),
        hooks=Hooks(setup.webhooks),
        keys=Keys(setup.state, _key_changed),
        sessions=sessions,
        limits=Limits(setup.rates or rates_of(setup.settings.web)),
        caps=Caps(),
        logbook=Logbook(),
        strategies=load(),
    )
    service.tail.heard = lambda trade: stream.traded([_plain(trade)])
    service.jobs.changed = partial(_job_changed, stream)
    service.alerts.changed = partial(_alert_changed, service)
    return service


def rates_of(wanted: Web) -> Rates:
    """What a key may ask an hour; a person at the dashboard asks far more often."""
    return Rates(
        general=wanted.requests_an_hour,
        optimization=wanted.searches_an_hour,
        data=wanted.data_an_hour,
        export=wanted.exports_an_hour,
    )


def _key_changed(key: Key) -> None:
    """Who is let in or shut out is in the log of the process that heeds it."""
    status = "revoked" if key.revoked_ns else "valid"
    log.info("an API key", status=status, id=key.id, name=key.name, scopes=list(key.scopes))


def _plain(trade: Trade) -> dict[str, Any]:
    return msgspec.structs.asdict(trade)


def _job_changed(stream: Stream, job: Job) -> None:
    stream.publish({"type": "job"} | msgspec.structs.asdict(job))


def _alert_changed(service: Service, alert: Alert) -> None:
    service.stream.publish({"type": "alert"} | msgspec.structs.asdict(alert))
    if alert.active and alert.acknowledged_by is None:
        service.hooks.tell(alert)


def _describe(service: Service) -> None:
    described = openapi.document(ROUTES, service.version)
    service.fixed[("openapi",)] = msgspec.json.encode(described)
    service.fixed[("docs",)] = openapi.page(described)
    service.fixed[("docs.css",)] = openapi.STYLE


def _pages(app: web.Application, files: Static) -> None:
    """The dashboard: its addresses, and every file that was found by its own path."""
    for page in PAGES:
        app.router.add_get(page, files.page, allow_head=False)
    for path in files.files:
        app.router.add_get(path, files.file, allow_head=False)


async def _dressed(_: web.Request, answer: web.StreamResponse) -> None:
    dress(answer)


def _count(counts: Counts, what: tuple[str, str, int], took_s: float) -> None:
    counts.requests[what] += 1
    counts.seconds[what[:2]] = counts.seconds.get(what[:2], 0.0) + took_s


async def _life(setup: Setup, service: Service, _: web.Application) -> AsyncIterator[None]:
    """All that goes on beside the answers; what fails among it ends the process."""
    service.logbook.open()
    rng = np.random.default_rng()
    link = Link(setup.state / TELEMETRY, service.picture, rng, setup.wall)
    parts: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "link": link.run,
        "stream": service.stream.run,
        "tail": service.tail.follow,
        "jobs": service.jobs.run,
        "hooks": service.hooks.run,
        "look": partial(_look, service),
        "lag": partial(_lag, service),
    }
    async with AsyncExitStack() as stack:
        await service.door.open()
        stack.push_async_callback(service.door.close)
        stack.callback(service.logbook.close)
        stack.callback(service.tail.close)
        stack.callback(service.jobs.close)
        tasks = [asyncio.create_task(run(), name=name) for name, run in parts.items()]
        for task in tasks:
            task.add_done_callback(_ended)
        try:
            yield
        finally:
            await service.stream.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _ended(task: "asyncio.Task[None]") -> None:
    """A part that ends by itself has failed: without it, what is shown would not be true."""
    if not task.cancelled():
        log.error(
            "a part of the web process failed", part=task.get_name(), exc_info=task.exception()
        )
        asyncio.get_running_loop().call_soon(sys.exit, 1)


async def _look(service: Service) -> None:
    """Once a second: what the guard knows, and what somebody should look at."""
    loop = asyncio.get_running_loop()
    while True:
        service.guard = await service.door.status()
        hit_s, now_s = service.counts.limited_s, loop.time()
        service.alerts.look(
            Sight(
                picture=service.picture,
                clocks=service.picture.clocks(now_s),
                guard=service.guard,
                limited_ms=None if hit_s is None else round(1e3 * (now_s - hit_s)),
                damage=service.tail.damage,
                gaps=len(service.tail.breaks),
                live=service.mode == "paper",
            )
        )
        await asyncio.sleep(LOOK_S)


async def _lag(service: Service) -> None:
    """How late a timer rings; the worst of lately counts longest."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + LAG_S
        await asyncio.sleep(LAG_S)
        late_ms = 1e3 * (loop.time() - due_s)
        service.lag_ms = round(max(late_ms, service.lag_ms * LAG_MEMORY), 2)
