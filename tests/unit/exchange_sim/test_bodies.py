"""Bodies of requests: ill-typed ones are refused, and never break anything."""

import random
from contextlib import suppress
from typing import Any

import pytest

from liveopt.exchange_sim.api import ApiError, Call
from liveopt.exchange_sim.bodies import FLAGS, LISTS, NUMBERS, TEXTS, check_body, typed
from liveopt.exchange_sim.specs import Venue
from tests.unit.exchange_sim.trader import FUTURES, SPOT, Trader

LISTED = LISTS | {"orderIdsList", "symbols"}
NAMES = sorted(FLAGS | NUMBERS | TEXTS | LISTED)
JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 7, 1.5, 10**30, -(10**400), 1e308, 1e-300, "", "x", "buy",
    "market", "limit", "true", "1", "0.001", "1e999999999", "1e-999999999", "NaN",
    "-inf", "9" * 5_000,
    "9" * 19 + ".5", SPOT, FUTURES, "USDT", "CROSS", "TRADE", "CONTRACT", [], {}, [[]], [{}],
    ["x"], [1], [None], [{"symbol": []}], {"a": 1}, [{"clientOid": {}}],
]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        {"symbol": ["BTC-USDT"]}, {"size": {}}, {"size": True}, {"remark": 1}, {"hidden": "yes"},
        {"postOnly": 1}, {"orderList": [1]}, {"orderList": {}}, {"clientOidsList": ["x"]},
        {"orderIdsList": [{}]}, {"list": [{"side": []}]}, {"symbols": [1]},
    ],
)  # fmt: skip
def test_a_field_of_another_type_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        check_body(body)
    assert refused.value.code == "400100"


def test_what_fits_passes_and_null_says_nothing() -> None:
    check_body({"symbol": SPOT, "size": 1, "price": "1.5", "postOnly": "true", "remark": None,
                "symbols": ["A", "B"], "orderList": [{"hidden": False}], "new": []})  # fmt: skip


def test_only_calls_that_change_something_have_their_bodies_checked() -> None:
    call = Call(body={"symbol": []})
    assert typed("GET", lambda _: 1)(call) == 1
    for answer in (typed("POST", lambda _: 1), typed("DELETE", lambda _: 1)):
        with pytest.raises(ApiError):
            answer(call)


def junk_body(rng: random.Random, usual: dict[str, Any]) -> dict[str, Any]:
    """Mostly an order, with some fields replaced and some added."""
    body = dict(usual) if rng.random() < 0.8 else {}
    for name in rng.sample(NAMES, rng.randint(0, 3)):
        body[name] = rng.choice(JUNK)
    if rng.random() < 0.3:
        batch = [junk_body(rng, usual) for _ in range(2)] if rng.random() < 0.5 else [usual, 1]
        body[rng.choice(sorted(LISTED))] = batch
    return body


@pytest.mark.parametrize("venue", ["spot", "futures"])
def test_no_private_call_ends_in_anything_but_an_answer_or_a_refusal(venue: Venue) -> None:
    trader, rng = Trader(SPOT, FUTURES), random.Random(11)
    spot = {"type": "limit", "price": "50000", "newPrice": "49000", "newSize": "0.002",
            "amount": "1", "fromAccountType": "TRADE", "toAccountType": "MAIN"}  # fmt: skip
    futures = {"type": "limit", "price": "50000", "margin": 1, "withdrawAmount": "1", "level": 1,
               "status": True, "marginMode": "ISOLATED"}  # fmt: skip
    answered = 0
    for route in trader.desk.routes(venue):
        for _ in range(60):
            usual = trader.spot_body(**spot) if venue == "spot" else trader.futures_body(**futures)
            query = {name: str(rng.choice(JUNK))[:40] for name in
                     ("symbol", "orderId", "clientOid", "pageSize", "lastId", "startAt", "price",
                      "leverage", "cancelSize", "currency", "totalMargin")
                     if rng.random() < 0.4}  # fmt: skip
            names = {"orderId": "1", "clientOid": "oid-1", "accountId": "1", "symbol": "x"}
            with suppress(ApiError):
                route.answer(Call(names, query, junk_body(rng, usual), trader.user))
                answered += 1
    assert answered > 100
