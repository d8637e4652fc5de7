"""Market time behind the loop's clock."""

import asyncio

import pytest

from liveopt.exchange_sim.clock import Speed
from liveopt.exchange_sim.server import Setup, Simulator
from tests.unit.exchange_sim.outlet import FUTURES, START_NS, Ear
from tests.virtual import World, run


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
            sim.hub.join(ear, f"/contractMarket/execution:{FUTURES}")
            await asyncio.sleep(0.05)
            fast_ns = sim.exchange.now_ns - START_NS
            ear.waiting = 1_000_000
            await asyncio.sleep(0.05)
            stopped_ns = sim.exchange.now_ns
            await asyncio.sleep(1.0)
            waited_ns = sim.exchange.now_ns - stopped_ns
            sim.hub.forget(ear)
            return fast_ns / 1e9, waited_ns / 1e9

    fast_s, waited_s = run(main)
    assert fast_s > 50.0
    assert waited_s == 0.0
