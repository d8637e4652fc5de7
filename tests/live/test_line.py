"""What a connection must survive: frames of no size, and an exchange that does not talk."""

import asyncio
import base64
import hashlib
import struct
from pathlib import Path

import pytest

from liveopt.kucoin.replies import Bullet
from liveopt.kucoin.wire import Frame
from liveopt.live.clock import Clock
from liveopt.live.line import Line, address

SECOND_NS = 1_000_000_000
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Ear:
    """Takes what a line brings."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.bad: list[str] = []
        self.full = False
        self.heard = asyncio.Event()

    def raw(self, frame: str | bytes, now_ns: int) -> None:
        pass

    def pushed(self, line: Line, frame: Frame, now_ns: int) -> None:
        self.frames.append(frame)
        self.heard.set()

    def refused(self, line: Line, raw: str | bytes, topic: str, why: str, now_ns: int) -> None:
        self.bad.append(why)

    async def room(self) -> None:
        pass


def bullet(port: int, token: str = "t") -> Bullet:
    return Bullet(token, f"ws://127.0.0.1:{port}/endpoint", 18 * SECOND_NS, 10 * SECOND_NS)


async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    request = await reader.readuntil(b"\r\n\r\n")
    key = next(
        line.split(b":", 1)[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
    accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
    writer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    writer.write(b"\x81\x1f" + b'{"id":"hello","type":"welcome"}')


def resident_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.parametrize("size", [1 << 20 | 1, 1 << 30, 1 << 32, (1 << 63) - 1])
async def test_a_frame_that_announces_a_gibibyte_ends_the_line_and_costs_no_memory(
    size: int,
) -> None:
    closed = asyncio.Event()

    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        writer.write(b"\x81\x7f" + struct.pack(">Q", size))
        block = b" " * 65_536
        try:
            for _ in range(256):  # 16 MiB, should anybody want to read them
                writer.write(block)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
            closed.set()

    server = await asyncio.start_server(exchange, "127.0.0.1", 0)
    async with server:
        ear = Ear()
        line = Line(bullet(server.sockets[0].getsockname()[1]), ("/a:b",), ear, Clock(), 1)
        before_kib = resident_kib()
        async with asyncio.timeout(20):
            await line.run()
            await closed.wait()
        assert not line.open
        assert line.ended.startswith("closed by us: 1009"), line.ended
        assert resident_kib() - before_kib < 4 * 1024
        assert ear.frames == []


async def test_frames_that_are_no_json_are_refused_one_by_one_and_the_line_lives() -> None:
    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake_hands(reader, writer)
        for payload in (b"not json", b"\x00\x01", b"[" * 100, b"{}", b'{"type":5}'):
            writer.write(b"\x82" + bytes([len(payload)]) + payload)
        push = b'{"type":"message","topic":"/a:b","subject":"s","data":{}}'
        writer.write(b"\x81" + bytes([len(push)]) + push)
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(exchange, "127.0.0.1", 0)
    async with server:
        ear = Ear()
        line = Line(bullet(server.sockets[0].getsockname()[1]), ("/a:b",), ear, Clock(), 1)
        running = asyncio.create_task(line.run())
        async with asyncio.timeout(10):
            await ear.heard.wait()
        assert len(ear.bad) == 5
        assert line.open
        line.close("enough")
        async with asyncio.timeout(10):
            await running
        assert line.ended == "enough"


def test_a_token_is_escaped_and_an_endpoint_may_have_a_path_or_a_query() -> None:
    token = "2neA/i+u?Y&=v_0.=="
    escaped = "2neA%2Fi%2Bu%3FY%26%3Dv_0.%3D%3D"
    plain = Bullet(token, "wss://h/endpoint", 1, 1)
    asked = Bullet(token, "wss://h/?a=b", 1, 1)
    assert address(plain, "x") == f"wss://h/endpoint?token={escaped}&connectId=x"
    assert address(asked, "x") == f"wss://h/?a=b&token={escaped}&connectId=x"
