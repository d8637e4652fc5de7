"""Self-trade prevention: what becomes of an order that meets one of its own account."""

from typing import Any

import pytest

from tests.unit.exchange_sim.trader import FUTURES, SPOT, Trader


def meet(stp: str, older: str, newer: str) -> tuple[Any, ...]:
    """A resting sell at the top of the book, then a buy that reaches it."""
    trader = Trader(SPOT, FUTURES)
    spec = trader.market(SPOT).spec
    price = spec.price_text(trader.market(SPOT).levels("buy", 1)[0][0] + 1)
    trader.spot(side="sell", price=price, size=older, clientOid="older")
    trader.spot(price=price, size=newer, stp=stp, clientOid="newer")
    rows = [
        trader.call("spot", "GET", f"/api/v1/hf/orders/client-order/{name}", symbol=SPOT)
        for name in ("older", "newer")
    ]
    return tuple((row["active"], row["dealSize"], row["cancelledSize"]) for row in rows)


@pytest.mark.parametrize(
    ("stp", "older", "newer"),
    [
        ("", (False, "0.001", "0"), (False, "0.001", "0")),
        ("CN", (True, "0", "0"), (False, "0", "0.001")),
        ("CO", (False, "0", "0.001"), (True, "0", "0")),
        ("CB", (False, "0", "0.001"), (False, "0", "0.001")),
        ("DC", (False, "0", "0.001"), (False, "0", "0.001")),
    ],
)
def test_two_orders_of_one_account_meet(stp: str, older: object, newer: object) -> None:
    assert meet(stp, "0.001", "0.001") == (older, newer)


def test_the_larger_of_two_that_meet_is_made_smaller() -> None:
    older, newer = meet("DC", "0.003", "0.001")
    assert older == (True, "0", "0.001")
    assert newer == (False, "0", "0.001")
    older, newer = meet("DC", "0.001", "0.003")
    assert older == (False, "0", "0.001")
    assert newer == (True, "0", "0.001")


def test_a_market_order_trades_with_others_first() -> None:
    trader = Trader(SPOT, FUTURES)
    best = trader.market(FUTURES).levels("sell", 1)[0]
    spec = trader.market(FUTURES).spec
    own = trader.futures(
        side="sell", type="limit", price=spec.price_text(best[0] + 1), size=5, reduceOnly=False
    )["id"]
    taker = trader.futures(size=best[1] + 3, stp="CN")
    assert (taker["filledSize"], taker["status"]) == (best[1], "done")
    assert trader.market(FUTURES).resting(own) == 5
