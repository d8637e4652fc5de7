"""The exchange as a whole, as those see it who embed it."""

import pytest

from liveopt.exchange_sim.kinds import BadFault
from liveopt.exchange_sim.plan import Entry
from liveopt.exchange_sim.server import Setup, Simulator
from tests.unit.exchange_sim.outlet import START_NS
from tests.virtual import World, run


def test_it_listens_inside_and_nobody_is_left_outside() -> None:
    async def main(_: World) -> None:
        async with Simulator(Setup(START_NS, markets=["BTC-USDT"])) as sim:
            assert sim.spot_url != sim.futures_url
            assert sim.status()["symbols"] == ["BTC-USDT"]

    run(main)  # which looks for listeners, connections and tasks that are left


def test_what_fails_inside_comes_out_and_the_ports_are_free_again() -> None:
    async def main(_: World) -> None:
        setup = Setup(START_NS, markets=["BTC-USDT"], ports=(7001, 7002))
        for _attempt in range(2):
            with pytest.raises(ZeroDivisionError):
                async with Simulator(setup):
                    raise ZeroDivisionError

    run(main)


def test_a_taken_port_is_an_os_error_and_leaves_no_listener() -> None:
    async def main(_: World) -> None:
        setup = Setup(START_NS, markets=["BTC-USDT"], ports=(7001, 7001))
        with pytest.raises(OSError, match="in use"):
            async with Simulator(setup):
                pass

    run(main)


async def test_faults_it_does_not_know_are_refused_before_it_starts() -> None:
    with pytest.raises(BadFault):
        Simulator(Setup(START_NS, markets=["BTC-USDT"], faults=[("gab", {})]))
    with pytest.raises(BadFault):
        Simulator(Setup(START_NS, markets=["BTC-USDT"], plan=[Entry(1.0, True, "gab")]))


async def test_the_desk_asks_the_same_board_of_faults() -> None:
    sim = Simulator(Setup(START_NS, markets=["XBTUSDTM"], faults=[("liquidate", {"count": 1})]))
    floor = sim.desk.floor
    assert [floor.strikes("liquidate", "XBTUSDTM") for _ in range(2)] == [True, False]
    sim.faults.turn_on("liquidate", {"count": 1})  # armed again with the same parameters
    assert floor.strikes("liquidate", "XBTUSDTM")
    assert sim.faults.struck["liquidate"] == 2
