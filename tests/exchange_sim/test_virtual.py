"""The whole exchange in virtual time: hours in moments, and the same every time."""

import asyncio
import hashlib
import json
from typing import Any

import aiohttp
import pytest

from liveopt.exchange_sim.limits import Limits
from liveopt.exchange_sim.plan import Entry
from tests.exchange_sim.client import FUTURES, Client, simulated
from tests.virtual import World, run

CANDLES = f"/contractMarket/limitCandle:{FUTURES}_1min"


def test_a_client_too_slow_to_read_is_cut_off() -> None:
    async def main(world: World) -> float:
        limits = Limits(outbox_bytes=50_000)
        async with simulated(limits=limits, markets=[FUTURES], activity=20.0) as client:
            bullet = await client.bullet("futures")
            wire = await client.dial("futures", bullet)
            topic = f"/contractMarket/level2:{FUTURES}"
            await wire.send_str(json.dumps({"id": 1, "type": "subscribe", "topic": topic}))
            await asyncio.sleep(0.1)
            [connection] = world.network.find(websocket=True)
            connection.down.stall()
            begun_s = world.elapsed_s
            await client.sim.hub.deserted()
            await wire.close()
            return world.elapsed_s - begun_s

    assert run(main) < 55.0


def test_the_silent_are_closed_after_60_seconds_and_the_lively_when_they_are_old() -> None:
    async def life(client: Client, ping_s: float | None) -> float:
        loop = asyncio.get_running_loop()
        socket = await client.dial("futures", await client.bullet("futures"))
        begun_s = loop.time()
        while not socket.closed:
            try:
                async with asyncio.timeout(ping_s):
                    await socket.receive()
            except TimeoutError:
                await socket.send_str(json.dumps({"id": "1", "type": "ping"}))
        await socket.close()
        return loop.time() - begun_s

    async def main(_: World) -> tuple[float, float]:
        limits = Limits(session_s=600.0)  # a day on the real one
        async with simulated(markets=[FUTURES], activity=0.1, limits=limits) as client:
            return await life(client, None), await life(client, 50.0)

    silent_s, lively_s = run(main)
    assert silent_s == pytest.approx(60.0, abs=0.5)
    assert lively_s == pytest.approx(600.0, abs=1.0)


async def _hour(speed: Any, plan: list[Entry]) -> list[str]:
    """The candle and trade pushes of some market minutes, as text."""
    async with simulated(markets=[FUTURES], speed=speed, plan=plan) as client:
        socket = await client.dial("futures", await client.bullet("futures"))
        for topic in (CANDLES, f"/contractMarket/execution:{FUTURES}"):
            await socket.send_str(json.dumps({"id": 1, "type": "subscribe", "topic": topic}))
        seen: list[str] = []
        async with asyncio.timeout(600):
            while len(seen) < 500:
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT and '"message"' in message.data:
                    seen.append(str(message.data))
        await socket.close()
        return seen


def _digest(plan: list[Entry], seed: int) -> str:
    async def main(_: World) -> str:
        return hashlib.sha256("\n".join(await _hour(10.0, plan)).encode()).hexdigest()

    return run(main, seed)


def test_the_same_world_sees_the_same_bytes_also_when_faults_strike() -> None:
    plan = [Entry(5.0, True, "gap", params={"chance": 0.3}), Entry(20.0, True, off="all")]
    assert _digest(plan, 3) == _digest(plan, 3)
    assert _digest(plan, 3) != _digest([], 3)


def test_at_full_speed_market_time_outruns_the_clock_and_no_trade_is_lost() -> None:
    async def main(world: World) -> tuple[float, list[str]]:
        begun_s = world.elapsed_s
        return (await _hour("max", []), world.elapsed_s - begun_s)[::-1]

    took_s, seen = run(main)
    trades = [m["sn"] for m in map(json.loads, seen) if m["subject"] == "match"]
    assert took_s < 5.0
    assert len(trades) > 300
    assert trades == sorted(set(trades))


def test_nobody_listens_so_full_speed_waits() -> None:
    async def main(_: World) -> int:
        async with simulated(markets=[FUTURES], speed="max") as client:
            before_ns = client.sim.exchange.now_ns
            await asyncio.sleep(5.0)
            return client.sim.exchange.now_ns - before_ns

    assert run(main) == pytest.approx(5e9, rel=0.01)
