"""The world in memory that live tests run in: real libraries, virtual time, a faulty network."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from io import BytesIO
from itertools import permutations
from typing import Any

import aiohttp
import pytest
import websockets
from aiohttp import web

from tests.virtual import DAY_S, EPOCH_NS, Deadlock, TooLong, Untidy, World, run

HOST, PORT = "api.test", 80
REST, SOCKET = f"http://{HOST}/echo", f"ws://{HOST}/ws"


@asynccontextmanager
async def serving(seen: list[object] | None = None) -> AsyncIterator[None]:
    """An aiohttp server that echoes a query and the text frames of a WebSocket."""

    async def echo(request: web.Request) -> web.Response:
        return web.json_response(dict(request.query))

    async def upload(request: web.Request) -> web.Response:
        return web.json_response({"size": len(await request.read())})

    async def frames(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        if seen is not None:
            seen.append(socket.close_code)
        return socket

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_get("/echo", echo)
    app.router.add_post("/upload", upload)
    app.router.add_get("/ws", frames)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, PORT).start()
    try:
        yield
    finally:
        await runner.cleanup()


def connect(**options: Any) -> websockets.connect:
    return websockets.connect(SOCKET, ping_interval=None, proxy=None, **options)


async def chatter(world: World) -> str:
    """Three clients that talk at once, one over REST and two over WebSockets."""

    async def rest() -> None:
        async with aiohttp.ClientSession() as session:
            for number in range(20):
                async with session.get(REST, params={"q": str(number)}) as answer:
                    assert await answer.json() == {"q": str(number)}

    async def talk(size: int) -> None:
        async with connect() as socket:
            for number in range(20):
                await socket.send(f"{number}" * size)
                assert await socket.recv() == f"{number}" * size
                world.network.say(f"{size} {number}")

    async with serving(), asyncio.TaskGroup() as group:
        group.create_task(rest())
        group.create_task(talk(1))
        group.create_task(talk(5_000))
    return world.network.digest()


def test_aiohttp_and_websockets_talk_unchanged() -> None:
    assert len(run(chatter)) == 64


def test_the_same_seed_gives_the_same_run_and_another_seed_another() -> None:
    digests = [run(chatter, seed) for seed in (1, 2, 1, 2)]
    assert digests[0] == digests[2]
    assert digests[1] == digests[3]
    assert digests[0] != digests[1]


async def trouble(world: World) -> str:
    """A client that reconnects through cuts, stalls, silence and refused connections."""
    network = world.network
    network.chunk = (1, 40)

    async def mischief() -> None:
        for _round in range(20):
            await asyncio.sleep(world.random.uniform(0.0, 5.0))
            for connection in network.find(websocket=True):
                world.random.choice([connection.cut, connection.half_open, connection.up.stall])()
            world.random.choice([network.refuse, network.ignore])(HOST, PORT)
            await asyncio.sleep(world.random.uniform(0.0, 2.0))
            network.admit(HOST, PORT)

    async def talk() -> None:
        while True:
            try:
                async with connect(open_timeout=3.0, close_timeout=1.0) as socket:
                    for number in range(1_000):
                        await socket.send("x" * number)
                        async with asyncio.timeout(3.0):
                            assert await socket.recv() == "x" * number
            except (OSError, websockets.WebSocketException) as error:
                network.say(repr(error))
                await asyncio.sleep(0.1)

    async with serving():
        talker = asyncio.create_task(talk())
        await mischief()
        talker.cancel()
        network.cut_all()
    return network.digest()


@pytest.mark.parametrize("seed", range(5))
def test_trouble_comes_again_with_its_seed(seed: int) -> None:
    assert run(trouble, seed) == run(trouble, seed)


def test_tasks_ready_together_step_in_the_order_of_the_seed() -> None:
    async def race(_: World) -> str:
        order: list[str] = []

        async def mark(name: str) -> None:
            await asyncio.sleep(1.0)
            order.append(name)

        await asyncio.gather(*(mark(name) for name in "abcd"))
        return "".join(order)

    orders = {run(race, seed) for seed in range(300)}
    assert orders == {"".join(order) for order in permutations("abcd")}
    assert {run(race, seed, shuffle=False) for seed in range(5)} == {"abcd"}


def test_callbacks_keep_their_order_whatever_the_seed() -> None:
    async def burst(world: World) -> list[int]:
        order: list[int] = []
        for number in range(10):
            world.loop.call_soon(order.append, number)
        await asyncio.sleep(1.0)
        return order

    assert all(run(burst, seed) == list(range(10)) for seed in range(20))


def test_the_latency_of_each_direction_is_kept() -> None:
    async def main(world: World) -> None:
        world.network.latency_s = {"up": (0.030, 0.030), "down": (0.070, 0.070)}
        async with serving():
            begin_s = world.elapsed_s
            async with connect() as socket:
                assert world.elapsed_s - begin_s == pytest.approx(0.200)  # SYN, then upgrade
                begin_s = world.elapsed_s
                await socket.send("x")
                await socket.recv()
                assert world.elapsed_s - begin_s == pytest.approx(0.100)
                world.network.find(websocket=True)[0].down.latency_s = (0.5, 0.5)
                await socket.send("x")
                await socket.recv()
                assert world.elapsed_s - begin_s == pytest.approx(0.630)

    run(main)


def test_a_cut_is_seen_by_both_sides_and_spares_other_connections() -> None:
    seen: list[object] = []

    async def main(world: World) -> None:
        async with serving(seen), aiohttp.ClientSession() as session, connect() as socket:
            async with session.get(REST) as answer:
                assert answer.status == 200
            assert len(world.network.connections) == 2
            for connection in world.network.find(host=HOST, port=PORT, websocket=True):
                assert connection.request == "GET /ws HTTP/1.1"
                connection.cut()
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await socket.recv()
            assert isinstance(closed.value.__cause__, ConnectionResetError)
            async with session.get(REST) as answer:
                assert answer.status == 200
            assert world.network.opened == 2  # the REST connection was used again

    run(main)
    assert seen == [1006]


def test_a_half_open_connection_tells_nobody() -> None:
    async def main(world: World) -> None:
        async with serving(), connect(close_timeout=5.0) as socket:
            await socket.send("x")
            await socket.recv()
            world.network.find(websocket=True)[0].half_open()
            await socket.send("lost")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(600.0):
                    await socket.recv()
            assert world.elapsed_s == pytest.approx(600.0, abs=1.0)
            with pytest.raises(websockets.ConnectionClosedError) as closed:
                await socket.recv()  # until the kernel gives up
            assert isinstance(closed.value.__cause__, TimeoutError)
            assert world.elapsed_s == pytest.approx(924.0, abs=1.0)
            world.network.cut_all()

    run(main)


def test_a_request_on_a_half_open_connection_runs_into_its_timeout() -> None:
    async def main(world: World) -> None:
        timeout = aiohttp.ClientTimeout(total=5.0)
        async with serving(), aiohttp.ClientSession(timeout=timeout) as session:
            async with session.get(REST) as answer:
                assert answer.status == 200
            world.network.connections[0].half_open()
            with pytest.raises(TimeoutError):
                await session.get(REST)
            async with session.get(REST) as answer:
                assert answer.status == 200
            world.network.cut_all()

    run(main)


def test_a_stall_holds_bytes_back_and_then_brings_them_in_order() -> None:
    async def main(world: World) -> None:
        async with serving(), connect() as socket:
            connection = world.network.connections[0]
            connection.down.stall()
            for number in range(5):
                await socket.send(str(number))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(30.0):
                    await socket.recv()
            connection.down.resume()
            assert [await socket.recv() for _ in range(5)] == ["0", "1", "2", "3", "4"]

    run(main)


def test_a_writer_waits_when_the_way_is_stalled() -> None:
    async def main(world: World) -> None:
        async with serving(), connect(compression=None) as socket:
            world.network.connections[0].up.stall()
            sent = 0

            async def flood() -> None:
                nonlocal sent
                while True:
                    await socket.send("x" * 10_000)
                    sent += 1

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(flood(), 30.0)
            assert 256 <= sent * 10 <= 400  # the window, and the writer's own buffer
            world.network.connections[0].up.resume()
            assert [len(await socket.recv()) for _ in range(sent)] == [10_000] * sent

    run(main)


def test_a_reader_that_does_not_read_stops_the_writer() -> None:
    async def main(world: World) -> None:
        sent_bytes = 0

        async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent_bytes
            while sent_bytes < 10_000_000:
                writer.write(b"x" * 10_000)
                await writer.drain()
                sent_bytes += 10_000
            writer.close()

        server = await asyncio.start_server(flood, HOST, 81)
        theirs, ours = await asyncio.open_connection(HOST, 81, limit=1_000)
        await asyncio.sleep(60.0)
        assert sent_bytes < 1_000_000
        assert len(await theirs.read()) == 10_000_000
        ours.close()
        await ours.wait_closed()
        server.close()

    run(main)


@pytest.mark.parametrize("seed", range(5))
def test_bytes_may_arrive_in_any_pieces(seed: int) -> None:
    async def main(world: World) -> None:
        world.network.chunk = (1, 7)
        async with serving(), aiohttp.ClientSession() as session, connect() as socket:
            async with session.post(f"http://{HOST}/upload", data=b"x" * 10_000) as answer:
                assert await answer.json() == {"size": 10_000}
            await socket.send("€" * 1_000)
            assert await socket.recv() == "€" * 1_000

    run(main, seed)


def test_a_large_body_passes_both_windows() -> None:
    async def main(_: World) -> None:
        body = BytesIO(b"x" * 20_000_000)
        async with (
            serving(),
            aiohttp.ClientSession() as session,
            session.post(f"http://{HOST}/upload", data=body) as answer,
        ):
            assert await answer.json() == {"size": 20_000_000}

    run(main)


def test_doors_refuse_ignore_and_admit() -> None:
    async def main(world: World) -> None:
        timeout = aiohttp.ClientTimeout(total=10.0)
        async with serving(), aiohttp.ClientSession(timeout=timeout) as session:
            world.network.refuse(HOST, PORT)
            with pytest.raises(ConnectionRefusedError):
                await connect()
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(REST)
            world.network.ignore(HOST, PORT)
            begin_s = world.elapsed_s
            with pytest.raises(TimeoutError):
                await session.get(REST)
            assert world.elapsed_s - begin_s == pytest.approx(10.0, abs=1.0)
            world.network.admit(HOST, PORT)
            async with session.get(REST) as answer:
                assert answer.status == 200
            with pytest.raises(aiohttp.ClientConnectorDNSError):
                await session.get("http://nowhere.test/")
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(f"http://{HOST}:81/")

    run(main)


def test_names_of_the_real_exchange_and_encrypted_addresses_lead_to_the_test() -> None:
    async def main(world: World) -> None:
        world.network.alias("api.kucoin.com")
        app = web.Application()
        app.router.add_get("/", _answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 443).start()
        async with aiohttp.ClientSession() as session:
            async with session.get("https://api.kucoin.com/") as answer:
                assert await answer.text() == "here"
            assert world.network.find(host="api.kucoin.com", port=443)
        await runner.cleanup()

    run(main)


def test_a_day_of_pings_takes_seconds() -> None:
    async def main(world: World) -> int:
        pings = 0
        async with serving(), connect() as socket:
            while world.elapsed_s < DAY_S:
                await asyncio.sleep(18.0)
                await socket.send("ping")
                async with asyncio.timeout(10.0):
                    await socket.recv()
                pings += 1
        return pings

    begin_s = time.perf_counter()
    assert run(main) == 4_800
    assert time.perf_counter() - begin_s < 10.0


def test_the_wall_clock_jumps_and_the_loop_does_not() -> None:
    async def main(world: World) -> None:
        assert world.wall_ns() == EPOCH_NS
        await asyncio.sleep(1.5)
        world.jump(-3_600.0)
        assert world.wall_ns() == EPOCH_NS - 3_598_500_000_000
        assert world.monotonic_ns() == 1_001_500_000_000
        assert world.elapsed_s == 1.5

    run(main)


def test_asyncio_keeps_its_word_about_timeouts_groups_and_threads() -> None:
    async def main(world: World) -> None:
        async with asyncio.timeout(3.0), asyncio.TaskGroup() as group:
            slow = group.create_task(asyncio.sleep(2.0, "slow"))
            quick = group.create_task(asyncio.to_thread(str, 7))
        assert (slow.result(), quick.result()) == ("slow", "7")
        assert world.elapsed_s == 2.0
        with pytest.raises(ExceptionGroup):
            await _fail_in_a_group()
        assert world.elapsed_s == 2.0

    run(main)


def test_waiting_for_nothing_is_a_deadlock_that_says_who_waits() -> None:
    async def main(_: World) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"main.*test_virtual\.py"):
        run(main)


def test_a_world_without_an_end_is_ended() -> None:
    async def main(_: World) -> None:
        for _second in range(2_000):
            await asyncio.sleep(1.0)

    with pytest.raises(TooLong):
        run(main, limit_s=1_000.0)


async def _answer(_: web.Request) -> web.Response:
    return web.Response(text="here")


async def _leave_a_task(_: World) -> None:
    _kept.append(asyncio.create_task(asyncio.sleep(1_000.0), name="forgotten"))


async def _leave_a_connection(world: World) -> None:
    server = await asyncio.start_server(_hold, HOST, 81)
    _kept.append(await asyncio.open_connection(HOST, 81))
    server.close()


async def _leave_a_server(_: World) -> None:
    await asyncio.start_server(_hold, HOST, 81)


async def _leave_an_error(world: World) -> None:
    world.loop.call_soon(int, "no number")
    await asyncio.sleep(0.0)


async def _fail_in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(100.0))
        group.create_task(_fail())


async def _fail() -> None:
    raise OSError("as told")


async def _hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


_kept: list[object] = []


@pytest.mark.parametrize(
    ("main", "told"),
    [
        (_leave_a_task, "forgotten"),
        (_leave_a_connection, "open: <connection 1 to api.test:81"),
        (_leave_a_server, "listening: "),
        (_leave_an_error, "ValueError"),
    ],
)
def test_what_is_left_behind_fails_the_test(
    main: Callable[[World], Coroutine[None, None, None]], told: str
) -> None:
    with pytest.raises(Untidy, match=told):
        run(main)
    run(main, tidy=False)
    _kept.clear()
