"""Faults of trading that do not belong to one venue, and how often they strike."""

import pytest

from liveopt.exchange_sim.floor import Floor
from liveopt.exchange_sim.specs import Venue
from tests.unit.exchange_sim.trader import FUTURES, SPOT, Trader


@pytest.fixture
def trader() -> Trader:
    return Trader(SPOT, FUTURES)


@pytest.fixture
def floor(trader: Trader) -> Floor:
    return trader.desk.floor


def test_a_young_order_is_invisible_for_a_while(trader: Trader) -> None:
    trader.desk.faults.turn_on("order_invisible", {"seconds": 2})
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
    trader.desk.faults.turn_on("duplicate_pushes", {"copies": 3.0})
    trader.spot(price="50000")
    assert [push["type"] for push in trader.heard("/spotMarket/tradeOrdersV2")] == (
        ["received"] * 3 + ["open"] * 3
    )


def test_pushes_of_a_topic_are_lost(trader: Trader) -> None:
    trader.desk.faults.turn_on("lost_pushes", {"topic": "/spotMarket"})
    trader.spot(price="50000")
    assert {push.topic for push in trader.pushes} == {"/account/balance"}


def test_a_fault_with_a_count_wears_off_and_one_without_does_not(floor: Floor) -> None:
    floor.faults.turn_on("reject_async", {"count": 2.0})
    assert [floor.strikes("reject_async", SPOT) for _ in range(3)] == [True, True, False]
    floor.faults.turn_on("reject_async", {})
    assert all(floor.strikes("reject_async", SPOT) for _ in range(9))


def test_a_fault_of_one_symbol_spares_the_others(floor: Floor) -> None:
    floor.faults.turn_on("suspended", {"symbol": SPOT})
    assert floor.strikes("suspended", SPOT)
    assert not floor.strikes("suspended", FUTURES)


def test_a_fault_wears_off_with_its_time(trader: Trader, floor: Floor) -> None:
    floor.faults.turn_on("suspended", {"for": 5.0})
    trader.wait(4)
    assert floor.strikes("suspended", SPOT)
    trader.wait(2)
    assert not floor.strikes("suspended", SPOT)


def test_a_fault_strikes_by_its_chance(floor: Floor) -> None:
    floor.faults.turn_on("suspended", {"chance": 0.5})
    assert 20 < sum(floor.strikes("suspended", SPOT) for _ in range(80)) < 60


def test_a_fault_of_one_venue_spares_the_other(floor: Floor) -> None:
    floor.faults.turn_on("suspended", {"venue": "futures"})
    assert floor.strikes("suspended", FUTURES)
    assert not floor.strikes("suspended", SPOT)


def test_a_fault_may_be_on_at_several_symbols(floor: Floor) -> None:
    for symbol in (SPOT, FUTURES):
        floor.faults.turn_on("suspended", {"symbol": symbol, "count": 1})
    assert floor.strikes("suspended", SPOT)
    assert floor.strikes("suspended", FUTURES)
    assert floor.faults.now() == []


def test_only_young_orders_use_up_the_count_of_invisibility(trader: Trader) -> None:
    trader.desk.faults.turn_on("order-invisible", {"seconds": 2, "count": 1})
    path = f"/api/v1/hf/orders/{trader.spot(price='50000')['orderId']}"
    trader.refused("spot", "GET", path, symbol=SPOT)
    assert trader.call("spot", "GET", path, symbol=SPOT)["id"] in path


def test_pushes_of_one_symbol_are_lost_and_those_without_one_are_not(trader: Trader) -> None:
    trader.desk.faults.turn_on("lost-pushes", {"symbol": SPOT, "venue": "spot"})
    trader.spot(price="50000")
    assert {push.topic for push in trader.pushes} == {"/account/balance"}


def test_markets_are_found_on_their_own_host_only(floor: Floor) -> None:
    assert floor.market("spot", SPOT) is floor.exchange.markets[SPOT]
    assert floor.market("futures", SPOT) is None
    assert floor.market("spot", None) is None
