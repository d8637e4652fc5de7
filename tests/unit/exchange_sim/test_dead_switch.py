"""The dead man's switch of spot."""

import pytest

from tests.unit.exchange_sim.trader import SPOT, START_NS, Trader

PATH = "/api/v1/hf/orders/dead-cancel-all"
NOW_S = START_NS // 10**9


@pytest.fixture
def trader() -> Trader:
    return Trader(SPOT, "ETH-USDT")


def waiting(trader: Trader) -> int:
    return len(list(trader.desk.spot.blotter.open_of(trader.user)))


def test_not_renewed_it_cancels_what_it_guards(trader: Trader) -> None:
    trader.spot(price="50000")
    trader.spot(symbol="ETH-USDT", price="2500", size="0.1")
    armed = trader.call("spot", "POST", PATH, {"timeout": 5, "symbols": SPOT})
    assert armed == {"currentTime": NOW_S, "triggerTime": NOW_S + 5}
    trader.wait(4)
    assert waiting(trader) == 2
    assert trader.call("spot", "GET", f"{PATH}/query") == {
        "timeout": 5, "symbols": SPOT, "currentTime": NOW_S + 4, "triggerTime": NOW_S + 5,
    }  # fmt: skip
    trader.wait(2)
    assert [o.spec.symbol for o in trader.desk.spot.blotter.working.values()] == ["ETH-USDT"]
    assert trader.call("spot", "GET", f"{PATH}/query") is None


def test_renewed_or_disarmed_it_cancels_nothing(trader: Trader) -> None:
    trader.spot(price="50000")
    trader.call("spot", "POST", PATH, {"timeout": 5, "symbols": ""})
    trader.wait(4)
    trader.call("spot", "POST", PATH, {"timeout": 5, "symbols": ""})
    trader.wait(4)
    trader.call("spot", "POST", PATH, {"timeout": -1})
    trader.wait(10)
    assert waiting(trader) == 1


@pytest.mark.parametrize("timeout", [None, 4, 86_401, "soon"])
def test_it_takes_five_seconds_to_a_day(trader: Trader, timeout: object) -> None:
    assert trader.refused("spot", "POST", PATH, {"timeout": timeout})[0] == "400100"
