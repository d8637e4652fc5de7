"""The service as a whole: everything is made here, wired, begun and ended."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, cast

import msgspec
import numpy as np
import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware

from liveopt import __version__
from liveopt.config import Settings, Web
from liveopt.guard.clock import WALL, Wall
from liveopt.guard.latch import NAME as LATCH
from liveopt.guard.latch import Latch
from liveopt.live.frames import NAME as TELEMETRY
from liveopt.strategies import load
from liveopt.web import openapi, static
from liveopt.web.acts import Acts
from liveopt.web.alerts import Alert, Alerts
from liveopt.web.answering import Answering
from liveopt.web.api.run import told
from liveopt.web.call import Counts, Service
from liveopt.web.connections import Caps
from liveopt.web.demo import Demo
from liveopt.web.door import Door
from liveopt.web.histogram import Histogram
from liveopt.web.hooks import Hooks
from liveopt.web.inbox import Inbox
from liveopt.web.job import OPEN, Job
from liveopt.web.jobs import Jobs
from liveopt.web.keys import Key, Keys
from liveopt.web.limits import BODY_MAX, Limits, Rates
from liveopt.web.link import Link
from liveopt.web.logbook import Logbook
from liveopt.web.messages import About, Mode
from liveopt.web.parts import Run
from liveopt.web.picture import Picture
from liveopt.web.routes import ROUTES
from liveopt.web.security import Fence, Gatekeeper, Handle, dress, local_hosts
from liveopt.web.sessions import Sessions
from liveopt.web.share import Share
from liveopt.web.static import PAGES, Static
from liveopt.web.stream import Stream
from liveopt.web.tail import Tail
from liveopt.web.uses import KEPT_EVERY_S, Uses
from liveopt.web.watch import Watch

log = structlog.get_logger()

SCHEME: Final = "://"
DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
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
            if SCHEME in name:
                continue
            bare, _, port = name.partition(":")
            own |= {name} if port else {name, f"{name}:{self.port}"}
            own |= {bare} if port in DEFAULT_PORTS.values() else set()
        return self.here | own | self.origins.keys()

    @property
    def origins(self) -> dict[str, str]:
        """By name, what a browser calls its page there, for names that say it."""
        found: dict[str, str] = {}
        for name in self.settings.web.names:
            scheme, is_whole, host = name.partition(SCHEME)
            if not is_whole:
                continue
            bare, _, port = host.partition(":")
            usual = DEFAULT_PORTS[scheme]
            if port in {"", usual}:
                found[bare] = found[f"{bare}:{usual}"] = f"{scheme}{SCHEME}{bare}"
            else:
                found[host] = name
        return found

    @property
    def encrypted(self) -> frozenset[str]:
        """The names at which a browser speaks TLS, with us or with a proxy before us."""
        if self.settings.web.certificate:
            return self.hosts
        return frozenset(name for name, page in self.origins.items() if page.startswith("https:"))

    @property
    def here(self) -> frozenset[str]:
        """Its names on this machine."""
        return local_hosts(self.port)


def make_app(setup: Setup) -> web.Application:
    """Ready to be run; nothing is begun before its loop runs."""
    service = _service(setup)
    answering = Answering(service, setup.port, setup.encrypted)
    scheme = "https" if setup.settings.web.certificate else "http"
    fence = Fence(setup.hosts, scheme, setup.here, setup.origins)
    keeper = Gatekeeper(fence, partial(_count, service.counts))
    files = static.load()
    chain = [keeper.middleware(), _found(files)]
    app = web.Application(middlewares=chain, client_max_size=BODY_MAX)
    app[SERVICE] = service
    app.on_response_prepare.append(_dressed)
    app.on_shutdown.append(partial(_send_away, service.stream))
    _describe(service)
    for route in ROUTES:
        handler = partial(answering.answer, route)
        app.router.add_route(route.method, route.path, handler)
    _pages(app, files)
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
    door = Door(setup.state)
    acts = Acts(door, setup.wall)
    service = Service(
        state=setup.state,
        version=__version__,
        wall=setup.wall,
        mode=mode,
        picture=picture,
        stream=stream,
        door=door,
        acts=acts,
        tail=Tail(setup.state, wanted=setup.run),
        jobs=Jobs(
            setup.state,
            setup.data or setup.state / "data",
            setup.wall,
            queue_max=setup.settings.web.searches_waiting,
        ),
        demo=Demo(setup.state),
        share=Share(setup.settings.portfolio.share, setup.wall),
        alerts=Alerts(setup.wall),
        hooks=Hooks(setup.webhooks),
        keys=Keys(setup.state, partial(_key_changed, acts)),
        sessions=sessions,
        limits=Limits(setup.rates or rates_of(setup.settings.web)),
        caps=Caps(),
        logbook=Logbook(),
        strategies=load(),
    )
    stream.alive = service.alive
    service.tail.heard = lambda kept: stream.traded([told(kept)])
    service.jobs.changed = partial(_job_changed, service, {})
    service.alerts.changed = partial(_alert_changed, stream)
    service.alerts.turned = service.hooks.tell
    service.parts.troubles["jobs"] = lambda: service.jobs.trouble
    return service


def rates_of(wanted: Web) -> Rates:
    """What a key may ask an hour; a person at the dashboard asks far more often."""
    return Rates(
        general=wanted.requests_an_hour,
        optimization=wanted.searches_an_hour,
        data=wanted.data_an_hour,
        export=wanted.exports_an_hour,
    )


def _key_changed(acts: Acts, key: Key) -> None:
    """Who is let in or shut out is in the log of the process that heeds it, and in the journal."""
    acts.key_changed(key)
    status = "revoked" if key.revoked_ns else "valid"
    log.info("an API key", status=status, id=key.id, name=key.name, scopes=list(key.scopes))


def _job_changed(service: Service, began_s: dict[str, float], job: Job) -> None:
    now_s = asyncio.get_running_loop().time()
    if job.status == "running":
        began_s.setdefault(job.id, now_s)
    elif job.id in began_s and job.status not in OPEN:
        service.counts.jobs.add(now_s - began_s.pop(job.id))
    service.stream.publish({"type": "job"} | msgspec.structs.asdict(job))


def _alert_changed(stream: Stream, alert: Alert) -> None:
    stream.publish({"type": "alert"} | msgspec.structs.asdict(alert))


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


def _found(files: Static) -> Middleware:
    """A person who comes to an address of nothing sees a page, with the status of nothing."""

    @web.middleware
    async def found(request: web.Request, handler: Handle) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            page = files.lost(request)
            if page is None:
                raise
            return page

    return found


async def _send_away(stream: Stream, _: web.Application) -> None:
    """Sockets hear why they end, before their connections do."""
    await stream.close()


async def _dressed(_: web.Request, answer: web.StreamResponse) -> None:
    dress(answer)


def _count(counts: Counts, what: tuple[str, str, int], took_s: float) -> None:
    counts.requests[what] += 1
    took = counts.took.get(what[:2])
    if took is None:
        took = counts.took[what[:2]] = Histogram()
    took.add(took_s)


async def _life(setup: Setup, service: Service, _: web.Application) -> AsyncIterator[None]:
    """All that goes on beside the answers: parts that are started again, and those that end all."""
    service.logbook.open()
    rng = np.random.default_rng()
    link = Link(setup.state / TELEMETRY, service.picture, rng, setup.wall)
    watch = Watch(service, setup.settings.engine.device)
    inbox = Inbox(setup.state, lambda: service.alerts.lines)
    service.alerts.recall(inbox.read())
    essential: dict[str, Run] = {
        "link": link.run,
        "stream": service.stream.run,
        "look": watch.run,
    }
    parts: dict[str, Run] = {
        "tail": service.tail.follow,
        "jobs": service.jobs.run,
        "hooks": service.hooks.run,
        "inbox": inbox.run,
        "acts": service.acts.run,
        "card": watch.card,
        "lag": partial(_lag, service),
        "uses": partial(_keep_uses, service.keys.uses),
    }
    async with AsyncExitStack() as stack:
        await service.door.open()
        stack.push_async_callback(service.door.close)
        stack.push_async_callback(service.acts.close)
        stack.callback(service.logbook.close)
        stack.callback(inbox.close)
        stack.callback(lambda: service.keys.uses.keep(service.keys.uses.taken()))
        stack.callback(service.tail.close)
        stack.callback(service.jobs.close)
        stack.push_async_callback(service.demo.close)
        kept = {name: partial(service.parts.keep, name, run, rng) for name, run in parts.items()}
        both = essential | kept
        tasks = [asyncio.create_task(run(), name=name) for name, run in both.items()]
        for task in tasks:
            task.add_done_callback(_ended)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _keep_uses(uses: Uses) -> None:
    """Once a minute: a use costs a request nothing."""
    while True:
        await asyncio.sleep(KEPT_EVERY_S)
        await asyncio.to_thread(uses.keep, uses.taken())


def _ended(task: "asyncio.Task[None]") -> None:
    """Without this one, what is shown would not be true: the guard starts the process again."""
    if not task.cancelled():
        log.error(
            "a part of the web process failed", part=task.get_name(), exc_info=task.exception()
        )
        asyncio.get_running_loop().call_soon(sys.exit, 1)


async def _lag(service: Service) -> None:
    """How late a timer rings; the worst of lately counts longest."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + LAG_S
        await asyncio.sleep(LAG_S)
        late_ms = 1e3 * (loop.time() - due_s)
        service.lag_ms = round(max(late_ms, service.lag_ms * LAG_MEMORY), 2)
