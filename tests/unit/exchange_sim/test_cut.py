"""How a connection ends that was cut."""

import asyncio
import contextlib
import socket

import aiohttp
import pytest

from liveopt.exchange_sim.cut import cut
from liveopt.exchange_sim.server import Setup, Simulator
from tests.unit.exchange_sim.outlet import START_NS


async def test_the_other_side_of_a_cut_connection_sees_a_reset() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(writer.transport, asyncio.Transport)
        cut(writer.transport)
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async with asyncio.timeout(10), await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with socket.socket() as client:
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, server.sockets[0].getsockname())
            with pytest.raises(ConnectionResetError):
                await loop.sock_recv(client, 1)


async def test_a_reset_answer_is_a_reset_on_the_wire() -> None:
    setup = Setup(START_NS, markets=["BTC-USDT"], faults=[("rest-reset", {})])
    async with asyncio.timeout(10), Simulator(setup) as sim:
        host, port = sim.spot_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /api/v1/timestamp HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_socket_that_is_reset_sees_so_on_the_wire() -> None:
    setup = Setup(START_NS, markets=["BTC-USDT"], faults=[("ws-reset", {"every": 0.3})])
    async with asyncio.timeout(10), Simulator(setup) as sim, aiohttp.ClientSession() as http:
        async with http.post(sim.spot_url + "/api/v1/bullet-public") as answer:
            token = (await answer.json())["data"]["token"]
        host, port = sim.spot_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"GET /endpoint?token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
