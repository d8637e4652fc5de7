"""Connections: a cap on all and on one address, and no time for those who dawdle."""

import asyncio
import os
import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import ClientSession, WSMsgType, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from liveopt.web.connections import LISTEN_S, TURN_S, Caps, Line, serving
from tests.unit.web.house import House, house


async def dial(home: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", home.port)


async def hung_up(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(5):
            return await reader.read() == b""
    except ConnectionError:
        return True


async def test_of_one_address_there_are_so_many_and_the_next_finds_nobody(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.address_max = 5
        home.service.caps.head_s = 60.0
        await home.until(lambda: len(home.service.caps) == 0)
        kept = [await dial(home) for _ in range(5)]
        await home.until(lambda: len(home.service.caps) == 5)
        reader, writer = await dial(home)
        assert await hung_up(reader)
        assert home.service.caps.refused == 1
        for _, one in [*kept, (reader, writer)]:
            one.close()
        await home.until(lambda: len(home.service.caps) == 0)
        assert (await home.ask("GET", "/status")).status == 200


async def test_a_head_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.head_s = 0.3
        silent, trickling = await dial(home), await dial(home)
        trickling[1].write(b"GET /status HTTP/1.1\r\nHost: ")
        readers = (silent[0], trickling[0])
        assert await asyncio.gather(*map(hung_up, readers)) == [True, True]
        assert home.service.caps.cut == 2
        for _, writer in (silent, trickling):
            writer.close()


async def test_a_body_that_does_not_come_costs_its_sender_the_connection(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.whole_s = 0.3
        reader, writer = await dial(home)
        head = (
            f"POST /api/optimizer/promote HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n"
            f"X-API-Key: {home.key('admin')}\r\nContent-Length: 100\r\n\r\n{{"
        )
        writer.write(head.encode())
        assert await hung_up(reader)
        writer.close()


async def test_a_stop_whose_words_do_not_come_halts_all_the_same(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        reader, writer = await dial(home)
        head = (
            f"POST /api/optimizer/stop HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n"
            f"X-API-Key: {home.key('stop')}\r\nContent-Length: 100\r\n\r\n{{"
        )
        writer.write(head.encode())
        async with asyncio.timeout(5):
            line = await reader.readline()
        assert line.split()[1] in {b"200", b"207"}
        assert home.live.latch.read().halted
        writer.close()


async def test_what_is_no_http_is_told_so_in_our_own_words(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        reader, writer = await dial(home)
        writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 secret-bytes\r\n\r\n")
        async with asyncio.timeout(5):
            said = await reader.read()
        assert b'"error_code":"BAD_REQUEST"' in said
        assert b"secret-bytes" not in said
        assert b"Content-Security-Policy" in said
        writer.close()


async def test_a_socket_of_the_stream_may_stay_and_takes_nobodys_place(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        caps = home.service.caps
        caps.whole_s = 0.3  # once it was cut after this time, as if it were a request
        headers = {"X-API-Key": home.key("read")}
        async with home.http.ws_connect(f"{home.url}/ws", headers=headers) as ws:
            assert len(caps) == 0
            began_s = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() < began_s + 1.5:
                assert (await ws.receive(timeout=5)).type is WSMsgType.TEXT
            assert caps.cut == 0


async def test_who_trickles_a_body_is_cut_long_before_its_time_is_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.head_s = 0.5
        reader, writer = await dial(home)
        writer.write(_searches(home, 100_000))
        lost = asyncio.create_task(hung_up(reader))
        while not lost.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        assert await lost
        assert home.service.caps.cut == 1
        writer.close()


async def test_a_body_that_comes_steadily_has_its_time(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.head_s = 0.2
        reader, writer = await dial(home)
        body = b'{"variant": "%s"}' % (b"x" * 130_000)
        writer.write(_searches(home, len(body)))
        for at in range(0, len(body), 10_000):  # in 1.3 seconds, 100 kB each
            writer.write(body[at : at + 10_000])
            await asyncio.sleep(0.1)
        async with asyncio.timeout(5):
            assert b" 4" in await reader.readline()
        assert home.service.caps.cut == 0
        writer.close()


async def test_who_does_not_take_his_answers_is_cut(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.head_s = 0.3
        _, writer = await dial(home)
        transport = writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        one = (
            f"GET /api/openapi.json HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n"
            f"X-API-Key: {home.key('read')}\r\n\r\n"
        ).encode()
        for _ in range(400):
            writer.write(one)
        await home.until(lambda: home.service.caps.cut == 1 or len(home.service.caps) == 0)
        assert home.service.caps.cut == 1
        writer.close()


async def test_who_asks_gets_the_place_of_one_who_does_not(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.service.caps.address_max = 5
        idle = [await dial(home) for _ in range(5)]
        await home.until(lambda: len(home.service.caps) == 5)
        for _ in range(20):
            assert await _alive(home)
        assert home.service.caps.cut > 0
        assert len(home.service.caps) <= 5
        for _, writer in idle:
            writer.close()


async def test_whose_words_come_a_little_later_than_he_is_heard_all_the_same(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        home.service.caps.address_max = 5
        for _ in range(10):
            idle = [await dial(home) for _ in range(5)]
            assert await _alive(home, after_s=LISTEN_S / 2)
            for _, writer in idle:
                writer.close()


async def _alive(home: House, after_s: float = 0.0) -> bool:
    """Whether one who asks after so long is answered."""
    with socket.create_connection(("127.0.0.1", home.port)) as end:
        await asyncio.sleep(after_s)
        end.sendall(
            f"GET /api/v1/health/live HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n\r\n".encode()
        )
        end.setblocking(False)
        async with asyncio.timeout(5):
            return b"200 OK" in await asyncio.get_running_loop().sock_recv(end, 4_096)


def _searches(home: House, length: int) -> bytes:
    """A request that may be long."""
    return (
        f"POST /api/v1/optimize/batch HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n"
        f"X-API-Key: {home.key('admin')}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


# When the machine has no more files.


async def test_who_came_when_there_were_no_files_is_taken_in_when_there_are_again(
    tmp_path: Path,
) -> None:
    app = web.Application()
    app.router.add_get("/", _pleased)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    async with serving(app, Caps(), listening):
        ends = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        for end in ends:
            end.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with _no_files():
            await asyncio.sleep(0.1)
        for end in ends:
            end.setblocking(False)
            async with asyncio.timeout(5):
                said = await asyncio.get_running_loop().sock_recv(end, 4_096)
            assert said.endswith(b"yes")
            end.close()


async def test_that_nobody_can_be_taken_in_is_written_down_once_a_second() -> None:
    app = web.Application()
    listening = socket.create_server(("127.0.0.1", 0))
    async with serving(app, Caps(), listening):
        where = listening.getsockname()
        with capture_logs() as lines, socket.create_connection(where), _no_files():
            await asyncio.sleep(2.2)
    told = [line["times"] for line in lines if line["event"] == "no connection can be taken in"]
    assert 2 <= len(told) <= 3
    assert told[0] == 1
    assert sum(told) > len(told), "it failed more often than it is said"


@contextmanager
def _no_files() -> Iterator[None]:
    """As if this process had as many as it may."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare: list[int] = []
    most = max(int(name.name) for name in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (most + 1, usual[1]))
    try:
        with suppress(OSError):
            while True:
                spare.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)
        for file in spare:
            os.close(file)


# Behind TLS.


async def test_over_tls_the_same_holds_and_a_handshake_that_does_not_come_keeps_no_place(
    tmp_path: Path,
) -> None:
    caps = Caps(address_max=3)
    app = web.Application()
    app.router.add_get("/", _pleased)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    async with serving(app, caps, listening, _own(tmp_path)), ClientSession() as http:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        plain = await asyncio.open_connection("127.0.0.1", port)
        plain[1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await hung_up(plain[0])
        for _ in range(3):
            async with http.get(f"https://127.0.0.1:{port}/", ssl=False) as answer:
                assert await answer.text() == "yes"
        assert caps.cut >= 1
        for _, writer in (*silent, plain):
            writer.close()
    assert len(caps) == 0


async def test_a_flood_of_half_handshakes_has_no_more_places_than_anybody_and_goes(
    tmp_path: Path,
) -> None:
    caps = Caps(address_max=20, head_s=1.0)
    app = web.Application()
    app.router.add_get("/", _pleased)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    async with serving(app, caps, listening, _own(tmp_path)), ClientSession() as http:
        before, ends, most = _files(), list[socket.socket](), 0
        for _ in range(300):
            ends.append(socket.create_connection(("127.0.0.1", port)))
            ends[-1].sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # and no more of it comes
            await asyncio.sleep(0)
            most = max(most, len(caps))
        async with asyncio.timeout(5):
            while caps.cut + caps.refused < 280:
                most = max(most, len(caps))
                await asyncio.sleep(0.01)
        assert most <= 20
        assert _files() - before <= 300 + 20 + 5, "the ends of the others, and the few of ours"
        async with http.get(f"https://127.0.0.1:{port}/", ssl=False) as answer:
            assert await answer.text() == "yes"
        async with asyncio.timeout(5):
            while len(caps) > 1:  # noqa: ASYNC110  the last are cut when their time is over
                await asyncio.sleep(0.05)
        for end in ends:
            end.close()
    assert len(caps) == 0


def _files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def _pleased(_: web.Request) -> web.Response:
    return web.Response(text="yes")


def _own(folder: Path) -> ssl.SSLContext:
    """With a key and a certificate that nobody else believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)  # noqa: TID251  a certificate is of now
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    own = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none)
    file = folder / "own.pem"
    file.write_bytes(own + made.public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


# Whose place it is.


class Stay(Line):
    """A connection of which only the place is looked at."""

    __slots__ = ("busy",)

    def __init__(self, caps: Caps, came_s: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(web.Server(_nobody, loop=loop), caps)
        self.came_s, self.busy = came_s, False

    @property
    def idles(self) -> bool:
        return not self.busy


async def _nobody(_: web.BaseRequest) -> web.StreamResponse:
    raise AssertionError


async def test_a_crowd_of_one_address_keeps_nobody_else_out() -> None:
    caps = Caps(all_max=8, address_max=8)
    crowd = [Stay(caps) for _ in range(8)]
    for line in crowd:
        caps.enter(line, "10.0.0.1")
    assert not caps.room("10.0.0.1", asks=False, now_s=0.1)
    for number in range(2, 6):
        assert caps.room(f"10.0.0.{number}", asks=False, now_s=0.1)
        caps.enter(Stay(caps), f"10.0.0.{number}")
        assert len(caps) == 8
    assert list(caps._of["10.0.0.1"]) == crowd[4:]  # those who came first went first
    assert caps.room("10.0.0.2", asks=False, now_s=0.1)  # up to a fair share
    caps.enter(Stay(caps), "10.0.0.2")
    caps.enter(Stay(caps), "10.0.0.2")
    assert not caps.room("10.0.0.2", asks=True, now_s=9.0)


async def test_who_is_being_answered_keeps_his_place() -> None:
    caps = Caps(all_max=8, address_max=2)
    lines = [Stay(caps), Stay(caps)]
    for line in lines:
        line.busy = True
        caps.enter(line, "a")
    assert not caps.room("a", asks=True, now_s=99.0)
    lines[1].busy = False
    assert caps.room("a", asks=True, now_s=99.0)
    assert list(caps._of["a"]) == lines[:1]


async def test_who_asks_nothing_waits_his_turn() -> None:
    caps = Caps(all_max=8, address_max=1)
    caps.enter(Stay(caps, came_s=5.0), "a")
    assert not caps.room("a", asks=False, now_s=5.0 + TURN_S / 2)
    assert caps.room("a", asks=False, now_s=5.0 + TURN_S * 2)
    assert len(caps) == 0
    assert caps.cut == 1
