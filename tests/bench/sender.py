"""The other process of the feed's bench: says what a feed needs to begin, then sends trades."""

import asyncio
import contextlib
import json
import time
from multiprocessing.connection import Connection

from aiohttp import WSMsgType, web

FIRST = 1_794_100_000_000
PORTION = 64
"""Frames written at once by the flood; the paced sender writes them one by one."""
# The official documentation's example of a futures execution, with other numbers.
FRAME = (
    '{{"topic":"/contractMarket/execution:XBTUSDTM","type":"message","subject":"match","sn":{n},'
    '"data":{{"symbol":"XBTUSDTM","sequence":{n},"side":"buy","size":2,"price":"{p:.1f}",'
    '"takerOrderId":"247822202957807616","makerOrderId":"247822167163555840","tradeId":"{n}",'
    '"ts":{t}}}}}'
)


def frame(number: int, at_ns: int) -> str:
    """One trade, whose price moves a little with its number."""
    return FRAME.format(n=FIRST + 3 * number, p=90_000 + number % 997 / 10, t=at_ns)


def now_ns() -> int:
    """The machine's clock, which both processes share."""
    return time.time_ns()  # noqa: TID251  a latency between processes is what is measured


class Exchange:
    """Sends `count` trades to whoever subscribes; `per_s` 0 is as fast as they are read."""

    def __init__(self, count: int, per_s: float) -> None:
        """Nothing listens yet."""
        self.count = count
        self.per_s = per_s
        self.address = ""

    async def serve(self, pipe: Connection) -> None:
        """Tells its address, and goes on until something comes back."""
        app = web.Application()
        app.router.add_post("/api/v1/bullet-public", self._bullet)
        app.router.add_get("/api/v1/timestamp", self._timestamp)
        app.router.add_get("/endpoint", self._endpoint)
        for path in ("/api/v1/trade/history", "/api/v1/kline/query"):
            app.router.add_get(path, self._empty)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.address = "{}:{}".format(*runner.addresses[0][:2])
        pipe.send(self.address)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), stop.set)
        await stop.wait()
        await runner.cleanup()

    async def _bullet(self, _: web.Request) -> web.Response:
        place = {
            "endpoint": f"ws://{self.address}/endpoint",
            "encrypt": False,
            "protocol": "websocket",
            "pingInterval": 18000,
            "pingTimeout": 10000,
        }
        return _reply({"token": "t", "instanceServers": [place]})

    async def _timestamp(self, _: web.Request) -> web.Response:
        return _reply(now_ns() // 1_000_000)

    async def _empty(self, _: web.Request) -> web.Response:
        return _reply([])

    async def _endpoint(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        await socket.send_json({"id": "1", "type": "welcome"})
        async with asyncio.TaskGroup() as group:
            sending: asyncio.Task[None] | None = None
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                said = json.loads(message.data)
                answer = {"ping": "pong", "subscribe": "ack"}[said["type"]]
                await socket.send_json({"id": said["id"], "type": answer})
                if answer == "ack":
                    send = self._paced if self.per_s else self._flood
                    sending = group.create_task(send(request.transport))
            if sending is not None:
                sending.cancel()
        return socket

    async def _flood(self, transport: asyncio.Transport) -> None:
        for start in range(0, self.count, PORTION):
            at_ns, portion = now_ns(), bytearray()
            for number in range(start, min(start + PORTION, self.count)):
                portion += _framed(frame(number, at_ns).encode())
            transport.write(bytes(portion))
            await asyncio.sleep(0)
            while transport.get_write_buffer_size() > 1 << 16:  # noqa: ASYNC110  no drain here
                await asyncio.sleep(0.001)

    async def _paced(self, transport: asyncio.Transport) -> None:
        began_s = time.perf_counter()
        for number in range(self.count):
            wait_s = began_s + number / self.per_s - time.perf_counter()
            if wait_s > 0.0:
                await asyncio.sleep(wait_s)
            transport.write(_framed(frame(number, now_ns()).encode()))


def _reply(data: object) -> web.Response:
    return web.json_response({"code": "200000", "data": data})


def _framed(payload: bytes) -> bytes:
    """A text frame as a server sends it: not masked."""
    assert 126 <= len(payload) < 65_536
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


def main(pipe: Connection, count: int, per_s: float) -> None:
    """The process."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Exchange(count, per_s).serve(pipe))
