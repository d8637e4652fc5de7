"""Faults of trading that do not belong to one venue, and how often they strike."""

import pytest

from liveopt.exchange_sim.floor import TRADING_FAULTS, Floor
from liveopt.exchange_sim.specs import Venue
from tests.unit.exchange_sim.trader import FUTURES, SPOT, Trader


@pytest.fixture
def trader() -> Trader:
    return Trader(SPOT, FUTURES)


@pytest.fixture
def floor(trader: Trader) -> Floor:
    return trader.desk.floor


def test_a_young_order_is_invisible_for_a_while(trader: Trader) -> None:
    trader.desk.faults["order_invisible"] = {"seconds": 2}
    spot = trader.spot(price="50000")["orderId"]
    body = trader.futures_body(type="limit", price="50000")
    futures = trader.call("futures", "POST", "/api/v1/orders", body)["orderId"]
    asked: tuple[tuple[Venue, str], ...] = (
        ("spot", f"/api/v1/hf/orders/{spot}"),
        ("futures", f"/api/v1/orders/{futures}"),
    )
    for venue, path in asked:
        for method in ("GET", "DELETE"):
            assert trader.refused(venue, method, path, symbol=SPOT)[0] in {"400100", "100001"}
    assert trader.call("spot", "GET", "/api/v1/hf/orders/active", symbol=SPOT) == []
    assert trader.call("futures", "GET", "/api/v1/orders", status="active")["items"] == []
    trader.wait(2)
    for venue, path in asked:
        assert trader.call(venue, "GET", path, symbol=SPOT)["id"] in path


def test_pushes_are_sent_again(trader: Trader) -> None:
    trader.desk.faults["duplicate_pushes"] = {"copies": 3.0}
    trader.spot(price="50000")
    assert [push["type"] for push in trader.heard("/spotMarket/tradeOrdersV2")] == (
        ["received"] * 3 + ["open"] * 3
    )


def test_pushes_of_a_topic_are_lost(trader: Trader) -> None:
    trader.desk.faults["lost_pushes"] = {"topic": "/spotMarket"}
    trader.spot(price="50000")
    assert {push.topic for push in trader.pushes} == {"/account/balance"}


def test_a_fault_with_a_count_wears_off_and_one_without_does_not(floor: Floor) -> None:
    floor.faults["reject_async"] = {"count": 2.0}
    assert [floor.strikes("reject_async", SPOT) for _ in range(3)] == [True, True, False]
    floor.faults["reject_async"] = {}
    assert all(floor.strikes("reject_async", SPOT) for _ in range(9))


def test_a_fault_of_one_symbol_spares_the_others(floor: Floor) -> None:
    floor.faults["suspended"] = {"symbol": SPOT}
    assert floor.strikes("suspended", SPOT)
    assert not floor.strikes("suspended", FUTURES)


def test_every_fault_says_what_it_does() -> None:
    assert all(name.isidentifier() and text for name, text in TRADING_FAULTS.items())


def test_markets_are_found_on_their_own_host_only(floor: Floor) -> None:
    assert floor.market("spot", SPOT) is floor.exchange.markets[SPOT]
    assert floor.market("futures", SPOT) is None
    assert floor.market("spot", None) is None
