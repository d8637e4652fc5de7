"""The whole service over real sockets: a run by the real pump, a real guard's door, telemetry."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import msgspec
import structlog

from liveopt import logs
from liveopt.config import Settings
from liveopt.guard.clock import WALL
from liveopt.guard.control import NAME as CONTROL
from liveopt.guard.control import Control
from liveopt.guard.door import Check, Door
from liveopt.guard.gate import Gate
from liveopt.guard.halt import Halt
from liveopt.guard.latch import Latch
from liveopt.guard.link import FromEngine, Refused
from liveopt.journal.disk import DISK, Disk
from liveopt.journal.folder import point
from liveopt.live.commands import Commands
from liveopt.live.frames import NAME as TELEMETRY
from liveopt.live.pump import INPUTS
from liveopt.live.report import report
from liveopt.live.telemetry import Telemetry
from liveopt.walk.events import Input
from liveopt.web.app import SERVICE, Setup, make_app
from liveopt.web.call import Service
from liveopt.web.connections import serving
from liveopt.web.limits import Rates
from tests.run import Live, opening, strategies, ticks, variants

TOKEN = "one-time-word-of-the-address"
PLENTY = Rates(1_000_000, 1_000_000, 1_000_000, 1_000_000, 1_000_000, 10_000_000)


@dataclass
class House:
    """One service, and how to ask it."""

    service: Service
    live: Live
    state: Path
    port: int
    guard: "Guard"
    http: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, *scopes: str) -> str:
        """A key with these scopes."""
        name = "+".join(scopes)
        if name not in self.keys:
            self.keys[name] = self.service.keys.create(name, scopes, WALL())
            self.service.keys._looked_s = float("-inf")
        return self.keys[name]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        scope: str = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> "Said":
        """With a key of that scope; without one for an empty scope."""
        own: dict[str, str] = {}
        if scope:
            own["Authorization"] = f"Bearer {self.key(scope)}"
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            own["Content-Type"] = "application/json"
        own |= headers or {}
        async with self.http.request(
            method, self.url + path, data=data, headers=own, allow_redirects=False
        ) as answer:
            raw = await answer.read()
            return Said(answer.status, raw, answer.headers)

    async def person(self, **more: str) -> dict[str, str]:
        """Somebody signs in at the dashboard; the headers of his page."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        said = await self.ask("POST", "/api/session", {"token": TOKEN}, "", headers)
        assert said.status == 201, said.raw
        cookie = said.headers["Set-Cookie"].partition(";")[0]
        return headers | {"Cookie": cookie, "X-Liveopt": said.body["secret"]}

    async def until(self, true: Any) -> None:
        """Until it is so, or long after."""
        async with asyncio.timeout(30):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Everything that the run has written and told is known here."""
        await self.until(lambda: self.service.picture.frames > 1)
        await self.until(lambda: self.service.tail.caught_up)
        await self.until(lambda: self.service.guard is not None)


@dataclass
class Said:
    """An answer."""

    status: int
    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Guard:
    """A real door before a real gate and latch; commands go to the real pump."""

    def __init__(self, live: Live, state: Path) -> None:
        self.live, self.state = live, state
        self.gate = Gate.open(state / "gate")
        self.latch = Latch(state / "latch")
        self.latch.open()
        self.green = True
        self.asked: list[Any] = []
        self.noted: list[Any] = []
        """Acts, which come by themselves."""
        self.halt = Halt(
            gate=self.gate,
            latch=self.latch,
            wall=WALL,
            nudge=lambda _: live.pump.obey(),
            alive=lambda: True,
            kill=lambda: None,
            remove_halt_file=lambda: None,
        )
        self.commands = Commands(live.pump, strategies())
        self.door = Door(self.halt, self.checks, self.status, self.ask, "token-of-the-door")

    def checks(self) -> list[Check]:
        return [Check("engine alive", self.green, "it has a process")]

    def status(self) -> dict[str, Any]:
        latch = msgspec.to_builtins(self.latch.read())
        engine = {"pid": 1, "starts": 1, "last_exit": None}
        halted = self.gate.wanted != 0
        return {"halted": halted, "mode": "halt" if halted else None, "latch": latch,
                "engine": engine, "web": {"pid": 2, "starts": 3, "last_exit": -9, "port": 4},
                "checks": [], "status": {"folder": str(self.state)}}  # fmt: skip

    async def ask(self, command: Mapping[str, Any]) -> FromEngine:
        (self.noted if command.get("kind") == "note" else self.asked).append(command)
        try:
            return FromEngine(answer=1, body=await self.commands.answer(command))
        except Refused as error:
            return FromEngine(answer=1, ok=False, body={"error": str(error)})

    async def open(self) -> None:
        self.halt.warm()
        port = await self.door.open()
        Control(port, "token-of-the-door", 1).write(self.state / CONTROL)

    async def close(self) -> None:
        await self.door.close()
        self.halt.writer.shutdown()
        self.gate.close()
        self.latch.close()


def told(live: Live) -> dict[str, Any]:
    """The engine's own report of a run without a feed."""
    parts: Any = SimpleNamespace(
        state=live.state, pump=live.pump, durable=live.writer.durable[INPUTS], writer=live.writer,
        folder=live.folder, rounds=None, watchdog=SimpleNamespace(standstills=0),
        world=SimpleNamespace(budget=None),
    )  # fmt: skip
    live.pump.board.phase = "running"
    return report(parts, live.pump.board)


@asynccontextmanager
async def house(
    folder: Path,
    rates: Rates = PLENTY,
    lines: io.StringIO | None = None,
    moves: int = 150,
    events: Sequence[Input] = (),
    disk: Disk = DISK,
    **setup: Any,
) -> AsyncIterator[House]:
    """A run of so many variants, and everything around it."""
    logs.setup(level="debug", stream=lines if lines is not None else io.StringIO())
    live = Live(folder, disk=disk)
    live.take(events or [*opening(variants(4)), *ticks(moves)])
    live.pump.board.ticked_s = asyncio.get_running_loop().time()
    point(folder, live.folder)
    await live.pump.written()
    guard = Guard(live, folder)
    await guard.open()
    telemetry = Telemetry(folder / TELEMETRY, live.state)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = make_app(
        Setup(
            state=folder, run=live.folder, mode="paper", speed="1", config_hash="c0ffee",
            port=port, token=TOKEN, rates=rates, **({"settings": Settings()} | setup),
        )
    )  # fmt: skip
    service = app[SERVICE]

    async def tell() -> None:
        while True:
            telemetry.tell(told(live))
            await asyncio.sleep(0.05)

    tasks = [asyncio.create_task(telemetry.run()), asyncio.create_task(tell())]
    try:
        async with (
            serving(app, service.caps, listening),
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        ):
            found = House(service, live, folder, port, guard, http)
            await found.settled()
            yield found
    finally:
        structlog.reset_defaults()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await guard.close()
        live.close()
