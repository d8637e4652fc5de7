"""Market time behind the loop's clock."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import quote

import aiohttp
import pytest
import websockets

from liveopt.exchange_sim.clock import SLICE_NS, SLOW_S, Speed
from liveopt.exchange_sim.hub import Hub
from liveopt.exchange_sim.server import Setup, Simulator
from tests.unit.exchange_sim.outlet import FUTURES, START_NS, Ear
from tests.virtual import BEGIN_S, World, run

EXECUTION = f"/contractMarket/execution:{FUTURES}"
SUBSCRIBE = json.dumps({"id": 1, "type": "subscribe", "topic": EXECUTION})
SLICE_S = SLICE_NS / 1e9


@pytest.mark.parametrize("speed", [0.5, 1.0, 20.0])
def test_market_time_is_so_many_times_the_loop_s(speed: Speed) -> None:
    async def main(_: World) -> float:
        async with Simulator(Setup(START_NS, markets=[FUTURES], speed=speed)) as sim:
            await asyncio.sleep(10.0)
            assert sim.status()["behind_s"] <= 0.02 * float(speed)
            return (sim.exchange.now_ns - START_NS) / 1e9

    assert run(main) == pytest.approx(10.0 * float(speed), rel=0.01)


def test_full_speed_waits_for_a_client_that_does_not_read() -> None:
    async def main(_: World) -> tuple[float, float]:
        async with Simulator(Setup(START_NS, markets=[FUTURES], speed="max")) as sim:
            ear = Ear()
            sim.hub.sockets[ear] = None
            sim.hub.join(ear, EXECUTION)
            await asyncio.sleep(0.05)
            fast_ns = sim.exchange.now_ns - START_NS
            ear.waiting = 1_000_000
            await asyncio.sleep(0.05)
            stopped_ns = sim.exchange.now_ns
            await asyncio.sleep(1.0)
            waited_ns = sim.exchange.now_ns - stopped_ns
            ear.waiting = 0
            sim.hub.forget(ear)
            return fast_ns / 1e9, waited_ns / 1e9

    fast_s, waited_s = run(main)
    assert fast_s > 50.0
    assert waited_s == 0.0


def test_at_full_speed_a_client_that_never_reads_is_cut_off_and_cuts_come_meanwhile() -> None:
    class Deaf(Ear):
        def __init__(self, hub: Hub) -> None:
            super().__init__()
            self.hub = hub

        def probe(self) -> asyncio.Future[None]:
            self.asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            return self.asked

        def check(self, now_s: float) -> None:
            self.checked = now_s

        def reset(self) -> None:
            self.hub.forget(self)
            self.cut_s = asyncio.get_running_loop().time()

    async def main(world: World) -> tuple[float, float]:
        async with Simulator(Setup(START_NS, markets=[FUTURES], speed="max")) as sim:
            deaf = Deaf(sim.hub)
            sim.hub.sockets[deaf] = None
            sim.hub.join(deaf, EXECUTION)
            await asyncio.sleep(SLOW_S + 1.0)
            return deaf.cut_s - BEGIN_S, deaf.checked - BEGIN_S

    cut_s, checked_s = run(main)
    assert cut_s == pytest.approx(SLOW_S, abs=0.5)
    assert checked_s > SLOW_S - 0.5


@contextlib.asynccontextmanager
async def at_full_speed() -> AsyncIterator[tuple[Simulator, str]]:
    """On a real network, whose buffers take megabytes."""
    setup = Setup(START_NS, markets=[FUTURES], speed="max")
    async with Simulator(setup) as sim, aiohttp.ClientSession() as http:
        async with http.post(sim.futures_url + "/api/v1/bullet-public") as answer:
            data = (await answer.json())["data"]
        token = quote(data["token"])
        yield sim, f"{data['instanceServers'][0]['endpoint']}?token={token}&connectId=x"


async def lag_s(sim: Simulator, receive: Callable[[], Awaitable[str | bytes]]) -> float:
    """How far a client that takes 5 ms a frame is behind at worst, in market seconds."""
    worst_ns = 0
    for _ in range(200):
        said = json.loads(await asyncio.wait_for(receive(), 10.0))
        if said["type"] == "message":
            worst_ns = max(worst_ns, sim.exchange.now_ns - said["data"]["ts"])
            await asyncio.sleep(0.005)
    return worst_ns / 1e9


async def test_a_slow_client_of_aiohttp_is_followed() -> None:
    async with (
        at_full_speed() as (sim, url),
        aiohttp.ClientSession() as http,
        http.ws_connect(url) as socket,
    ):
        await socket.send_str(SUBSCRIBE)
        assert await lag_s(sim, socket.receive_str) <= 2 * SLICE_S


async def test_a_slow_client_of_websockets_is_followed_as_far_as_its_queue_allows() -> None:
    async with (
        at_full_speed() as (sim, url),
        websockets.connect(url, ping_interval=None, close_timeout=0.2) as socket,
    ):
        await socket.send(SUBSCRIBE)
        assert await lag_s(sim, socket.recv) <= 15 * SLICE_S
