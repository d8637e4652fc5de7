"""The blotter: found by either id, finished once, and bounded."""

import pytest

from liveopt.exchange_sim import orders
from liveopt.exchange_sim.api import ApiError
from liveopt.exchange_sim.orders import Blotter, Order, check_client_oid
from liveopt.exchange_sim.specs import spec_named


def order(number: int, user: str = "u") -> Order:
    return Order(
        id=str(number), user=user, spec=spec_named("BTC-USDT"), client_oid=f"c{number}",
        side="buy", kind="limit", lots=5, ticks=100,
    )  # fmt: skip


def finish(blotter: Blotter[Order], one: Order) -> None:
    one.cancelled = one.remaining
    blotter.finish(one, 9)


def test_an_order_is_found_by_both_ids_while_it_works_and_after() -> None:
    blotter: Blotter[Order] = Blotter()
    one = order(1)
    blotter.add(one)
    assert list(blotter.open_of("u", "BTC-USDT")) == [one]
    assert list(blotter.open_of("other")) == []
    finish(blotter, one)
    assert list(blotter.open_of("u")) == []
    assert list(blotter.done_of("u")) == [one]
    assert blotter.by_id["1"] is blotter.by_client["u", "c1"] is one


def test_an_order_ends_once_and_with_nothing_left() -> None:
    blotter: Blotter[Order] = Blotter()
    one = order(1)
    blotter.add(one)
    with pytest.raises(AssertionError):
        blotter.finish(one, 9)
    finish(blotter, one)
    with pytest.raises(AssertionError):
        blotter.finish(one, 9)


def test_the_oldest_finished_orders_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "HISTORY_MAX", 3)
    blotter: Blotter[Order] = Blotter()
    for number in range(5):
        one = order(number)
        blotter.add(one)
        finish(blotter, one)
    assert [one.id for one in blotter.done_of("u")] == ["4", "3", "2"]
    assert set(blotter.by_id) == {"2", "3", "4"}
    assert set(blotter.by_client) == {("u", "c2"), ("u", "c3"), ("u", "c4")}


@pytest.mark.parametrize("text", ["a", "A-1_b", "x" * 40])
def test_client_ids_of_the_exchanges_alphabet_are_taken(text: str) -> None:
    check_client_oid(text)


@pytest.mark.parametrize("text", ["", "x" * 41, "a b", "a.b", "ä", "a\n"])
def test_other_client_ids_are_refused(text: str) -> None:
    with pytest.raises(ApiError, match="400100"):
        check_client_oid(text)
