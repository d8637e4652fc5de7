"""A dashboard's process in small: frames made by hand, a picture, real servers and clients."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector, WSMsgType, web

from liveopt.guard.latch import Change, Latch
from liveopt.live.frames import COLUMNS, Frame, Who
from liveopt.web.messages import About
from liveopt.web.picture import Picture
from liveopt.web.stream import Stream

ABOUT = About("web-1", "c0ffee", "demo", 20.0, "0.0.0")
START_NS = 1_700_000_040_000_000_000
SECOND_NS = 1_000_000_000


def people(*names: str) -> tuple[Who, ...]:
    """The first of them is champion."""
    return tuple(
        Who(name, "XBTUSDTM", "ma_crossover", "random", "fast", place == 0)
        for place, name in enumerate(names)
    )


@dataclass
class Engine:
    """Makes frames: change `columns` or `report`, then `frame`."""

    who: tuple[Who, ...] = field(default_factory=lambda: people("main", "a", "b"))
    boot: str = "engine-1"
    run: str = "20231114-221400"
    report: dict[str, Any] = field(default_factory=dict)
    population: int = 1
    seq: int = 0
    at_ns: int = START_NS
    known: bool = False
    """Whether the reader knows these people."""
    columns: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.meet(self.who)
        self.population = 1
        self.report = {"halted": None, "ticks": 0, "markets": {}, "standing": {}} | self.report

    def meet(self, who: tuple[Who, ...]) -> None:
        """Others."""
        self.who, self.known = who, False
        self.population += 1
        self.columns = {name: np.zeros(len(who), kind) for name, kind in COLUMNS.items()}
        self.columns["equity"][:] = 10_000.0

    def frame(self, **changed: Any) -> Frame:
        """How things stand."""
        self.seq += 1
        who = None if self.known else self.who
        self.known = True
        columns = {
            name: np.asarray(column, COLUMNS[name]).tobytes()
            for name, column in self.columns.items()
        }
        found = Frame(
            self.boot, self.seq, self.at_ns, 1_000 + self.seq, self.run, self.population, who,
            columns, dict(self.report),
        )  # fmt: skip
        return msgspec.structs.replace(found, **changed)

    def ticked(self, price: float = 30_000.0) -> None:
        """The market moves on a second."""
        self.at_ns += SECOND_NS
        self.report["ticks"] += 1
        self.report["tick_age_ms"] = 0
        self.report["markets"] = {"XBTUSDTM": {"at_ns": self.at_ns, "price": price, "bars": 1}}


def latch_at(folder: Path) -> Latch:
    """Open, and not halted."""
    latch = Latch(folder / "latch")
    latch.open()
    return latch


def halted(latch: Latch, reason: str = "a test") -> None:
    """As a guard does it."""
    latch.set(Change(reason, "tester", 7))


@dataclass
class Web:
    """A stream behind a real server."""

    stream: Stream
    engine: Engine
    port: int
    session: ClientSession
    joined: list[ClientWebSocketResponse] = field(default_factory=list)

    @property
    def picture(self) -> Picture:
        return self.stream.picture

    def tell(self) -> None:
        """The engine's next frame arrives."""
        now_s = asyncio.get_running_loop().time()
        self.picture.take(self.engine.frame(), now_s, 1_000 + self.engine.seq)

    async def join(self, query: str = "", **options: Any) -> ClientWebSocketResponse:
        """A browser's socket."""
        ws: ClientWebSocketResponse = await self.session.ws_connect(
            f"http://127.0.0.1:{self.port}/ws{query}", protocols=("liveopt",), **options
        )
        self.joined.append(ws)
        return ws


@asynccontextmanager
async def serving(
    folder: Path, engine: Engine | None = None, ear: Callable[[Any], socket.socket] | None = None
) -> AsyncIterator[Web]:
    """Until the end of the block; `ear` makes the clients' sockets."""
    latch = latch_at(folder)
    stream = Stream(Picture(), ABOUT, latch)
    app = web.Application()
    app.router.add_get("/ws", _of_the_query(stream))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    task = asyncio.create_task(stream.run())
    try:
        async with ClientSession(connector=TCPConnector(socket_factory=ear)) as session:
            found = Web(stream, engine or Engine(), port, session)
            yield found
            for ws in found.joined:
                await ws.close()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await stream.close()
        await runner.cleanup()
        latch.close()


def _of_the_query(stream: Stream) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Whoever comes is who he says he is."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await stream.handle(request, request.query.get("who", "somebody"))

    return handle


async def heard(ws: ClientWebSocketResponse, kind: str, seconds: float = 3.0) -> dict[str, Any]:
    """The next message of this type; what comes before it is passed over."""
    async with asyncio.timeout(seconds):
        while True:
            said = await ws.receive()
            assert said.type is WSMsgType.TEXT, said
            message: dict[str, Any] = msgspec.json.decode(said.data)
            if message["type"] == kind:
                return message


async def types(ws: ClientWebSocketResponse, count: int) -> list[str]:
    """The types of the next messages but heartbeats."""
    found: list[str] = []
    async with asyncio.timeout(5.0):
        while len(found) < count:
            kind = msgspec.json.decode((await ws.receive()).data)["type"]
            found += [kind] if kind != "hb" else []
    return found


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits for it."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  no event tells of it
            await asyncio.sleep(0.005)


def names(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The first of each row."""
    return [row[0] for row in rows]
