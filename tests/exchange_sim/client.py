"""A plain client of the simulated exchange: REST and one socket, as little as tests need."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from liveopt.exchange_sim.auth import sign
from liveopt.exchange_sim.server import Setup, Simulator
from liveopt.exchange_sim.specs import Venue

START_NS = 1_704_103_195_000_000_000
"""2024-01-01 09:59:55 UTC: a minute and an hour end soon."""
SPOT, FUTURES = "BTC-USDT", "XBTUSDTM"
PATIENCE_S = 10.0

Message = dict[str, Any]


@asynccontextmanager
async def simulated(**changes: Any) -> AsyncIterator["Client"]:
    """A small exchange that starts at START_NS, and a client of it."""
    given: dict[str, Any] = {"start_ns": START_NS, "markets": [SPOT, FUTURES]}
    async with Simulator(Setup(**(given | changes))) as sim, aiohttp.ClientSession() as http:
        yield Client(sim, http)


@dataclass
class Client:
    """REST calls and sockets."""

    sim: Simulator
    http: aiohttp.ClientSession

    def url(self, venue: Venue) -> str:
        return self.sim.spot_url if venue == "spot" else self.sim.futures_url

    async def ask(
        self, venue: Venue, path: str, method: str = "GET", **query: object
    ) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        params = {name: str(value) for name, value in query.items()}
        async with self.http.request(method, self.url(venue) + path, params=params) as answer:
            return answer.status, json.loads(await answer.read())

    async def data(self, venue: Venue, path: str, **query: object) -> Any:
        """The data of an answer that must be fine."""
        status, said = await self.ask(venue, path, "GET", **query)
        assert (status, said["code"]) == (200, "200000"), said
        return said["data"]

    async def signed(
        self, venue: Venue, method: str, path: str, body: Message | None = None
    ) -> tuple[int, Any]:
        """The same, signed by the paper account; the path has its query."""
        own = self.sim.credential
        text = json.dumps(body) if body is not None else ""
        stamp = str(self.sim.view.server_ms())
        headers = {
            "KC-API-KEY": own.key,
            "KC-API-SIGN": sign(own.secret, f"{stamp}{method}{path}{text}".encode()),
            "KC-API-TIMESTAMP": stamp,
            "KC-API-PASSPHRASE": sign(own.secret, own.passphrase.encode()),
            "KC-API-KEY-VERSION": "2",
        }
        url = self.url(venue) + path
        async with self.http.request(method, url, headers=headers, data=text) as answer:
            return answer.status, json.loads(await answer.read())

    async def bullet(self, venue: Venue, *, private: bool = False) -> Message:
        """The data of a bullet."""
        if private:
            status, said = await self.signed(venue, "POST", "/api/v1/bullet-private")
        else:
            status, said = await self.ask(venue, "/api/v1/bullet-public", "POST")
        assert status == 200, said
        found: Message = said["data"]
        return found

    async def dial(self, venue: Venue, bullet: Message) -> aiohttp.ClientWebSocketResponse:
        """A socket, not yet welcomed."""
        server = bullet["instanceServers"][0]
        url = f"{server['endpoint']}?token={quote(bullet['token'])}&connectId=mine"
        return await self.http.ws_connect(url, autoclose=False)

    @asynccontextmanager
    async def socket(self, venue: Venue, *, private: bool = False) -> AsyncIterator["Wire"]:
        """A socket after its welcome."""
        bullet = await self.bullet(venue, private=private)
        async with Wire(await self.dial(venue, bullet)) as wire:
            assert await wire.next() == {"id": "mine", "type": "welcome"}
            yield wire

    def fault(self, name: str, **params: float | str) -> None:
        """Switch a fault on."""
        self.sim.faults.turn_on(name, params)


class Wire:
    """A socket whose messages are awaited one by one."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[Message] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.socket.close()

    async def say(self, **message: object) -> None:
        await self.socket.send_str(json.dumps(message))

    async def subscribe(self, topic: str, message_id: object = "1", **more: object) -> Message:
        """Subscribe and wait for the answer: an ack or an error."""
        await self.say(id=message_id, type="subscribe", topic=topic, response=True, **more)
        return await self.until(lambda m: m["type"] in {"ack", "error"})

    async def next(self) -> Message:
        """The next message, which must be text."""
        received = await asyncio.wait_for(self.socket.receive(), PATIENCE_S)
        assert received.type is aiohttp.WSMsgType.TEXT, received
        message: Message = json.loads(received.data)
        self.seen.append(message)
        return message

    async def until(self, fits: Callable[[Message], bool]) -> Message:
        """The next message that fits; others are passed over."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self.next()
                if fits(message):
                    return message

    async def push(self, subject: str) -> Message:
        """The next push with this subject."""
        return await self.until(lambda m: m.get("subject") == subject)

    async def end(self) -> int | None:
        """Reads to the end: the close code, None without a close frame."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                received = await self.socket.receive()
                if received.type is aiohttp.WSMsgType.CLOSE:
                    return int(received.data)
                if received.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}:
                    return None
                if received.type is aiohttp.WSMsgType.TEXT:
                    self.seen.append(json.loads(received.data))

    async def silent(self, seconds: float) -> bool:
        """Whether no push comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.until(lambda m: m["type"] == "message")
        except TimeoutError:
            return True
        return False
