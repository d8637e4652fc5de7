"""The laws of paper trading, whatever clients do: no money from nowhere, one end for each order."""

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from liveopt.exchange_sim.amounts import ZERO
from liveopt.exchange_sim.api import ApiError
from liveopt.exchange_sim.orders import Order
from tests.unit.exchange_sim.trader import FUTURES, INVERSE, SPOT, Trader

Verb = Literal["spot", "futures", "cancel", "wait", "crash", "jump", "stop", "fund"]


@dataclass(frozen=True)
class Step:
    """One thing a client, or the market, does."""

    verb: Verb
    buy: bool
    market: bool
    size: int
    offset: int
    flags: frozenset[str]
    inverse: bool


STEPS = st.lists(
    st.builds(
        Step,
        verb=st.sampled_from(
            ["spot", "spot", "futures", "futures", "futures", "cancel", "wait", "crash", "jump",
             "stop", "fund"]
        ),
        buy=st.booleans(),
        market=st.booleans(),
        size=st.integers(1, 400),
        offset=st.integers(-30, 30),
        flags=st.frozensets(st.sampled_from(
            ["reduce", "close", "ioc", "post", "stp-CN", "stp-CO", "stp-CB", "stp-DC", "hidden",
             "hold", "fok", "high"]
        ), max_size=2),
        inverse=st.booleans(),
    ),
    min_size=3,
    max_size=25,
)  # fmt: skip


def play(trader: Trader, step: Step) -> None:
    """One step; the exchange may refuse it, which changes nothing."""
    with suppress(ApiError):
        if step.verb in {"spot", "futures", "stop"}:
            place(trader, step)
        elif step.verb == "cancel":
            cancel_one(trader, step.size)
        else:
            let_happen(trader, step)


def place(trader: Trader, step: Step) -> None:
    side = "buy" if step.buy else "sell"
    stp = next((flag[4:] for flag in sorted(step.flags) if flag.startswith("stp")), "")
    if step.verb == "spot":
        trader.spot(**spot_fields(trader, step, side, stp))
    else:
        trader.futures(**futures_fields(trader, step, side, stp.replace("DC", "CN")))


def let_happen(trader: Trader, step: Step) -> None:
    if step.verb == "wait":
        trader.wait(step.size / 100)
    elif step.verb == "crash":
        trader.crash(INVERSE if step.inverse else FUTURES, step.size / 2000)
    elif step.verb == "jump":
        ticks = trader.market(SPOT).last_ticks()
        trader.whale(SPOT, "buy", ticks + step.size * 20)
    else:
        trader.desk.settlement.settle(trader.exchange.now_ns // 10**6)


def spot_fields(trader: Trader, step: Step, side: Any, stp: str) -> dict[str, object]:
    fields: dict[str, object] = {"side": side, "stp": stp, "size": f"{step.size / 100:.2f}"}
    tif = "IOC" if "ioc" in step.flags else "FOK" if "fok" in step.flags else "GTC"
    if step.market:
        fields["type"] = "market"
        if step.buy and "reduce" in step.flags:
            fields |= {"size": None, "funds": str(step.size * 7)}
        return fields
    ticks = trader.market(SPOT).last_ticks() + step.offset * 3
    post = "post" in step.flags and tif == "GTC"
    return fields | {"price": trader.market(SPOT).spec.price_text(ticks), "timeInForce": tif,
                     "postOnly": post}  # fmt: skip


def futures_fields(trader: Trader, step: Step, side: Any, stp: str) -> dict[str, object]:
    symbol = INVERSE if step.inverse else FUTURES
    spec = trader.market(symbol).spec
    ticks = trader.market(symbol).last_ticks() + step.offset * 3
    fields: dict[str, object] = {
        "symbol": symbol, "side": side, "stp": stp, "size": step.size,
        "leverage": 50 if "high" in step.flags else 5, "reduceOnly": "reduce" in step.flags,
        "closeOrder": "close" in step.flags, "forceHold": "hold" in step.flags,
        "hidden": "hidden" in step.flags,
    }  # fmt: skip
    if not step.market:
        fields |= {"type": "limit", "price": spec.price_text(ticks)}
        fields["timeInForce"] = "IOC" if "ioc" in step.flags else "GTC"
    if step.verb == "stop":
        fields |= {"stop": "up" if step.buy else "down", "stopPrice": spec.price_text(ticks),
                   "stopPriceType": ("TP", "MP", "IP")[step.size % 3]}  # fmt: skip
    return fields


def cancel_one(trader: Trader, number: int) -> None:
    desk = trader.desk
    if (spot := list(desk.spot.blotter.working.values())) and number % 2:
        desk.spot.cancel_on_request(spot[number % len(spot)])
    elif futures := list(desk.futures.blotter.working.values()):
        desk.futures.cancel_on_request(futures[number % len(futures)])


def check_money(trader: Trader) -> None:
    """Balances are what came in, less what trades took, to the last digit."""
    desk, account = trader.desk, trader.account
    spot = {name: balance.total for name, balance in account.trade.items()}
    for fill in desk.spot.blotter.fills:
        sign = 1 if fill.order.side == "buy" else -1
        spot["BTC"] -= sign * fill.lots * fill.order.spec.lot
        spot["USDT"] += sign * fill.value + fill.fee
    assert spot == {"USDT": 100_000, "BTC": 2, "ETH": 20}
    for currency, start in (("USDT", Decimal(100_000)), ("XBT", Decimal(2))):
        total = account.wallet(currency).total
        positions = [p for p in desk.futures.positions.values() if p.spec.settle == currency]
        # closed ones have left their result in the history, the open parts carry their own
        results = sum((c.profit - c.fees + c.funding for c in desk.futures.closed
                       if c.position.spec.settle == currency), ZERO)  # fmt: skip
        results += sum((p.profit - p.fees + p.funding for p in positions if p.lots), ZERO)
        assert total == start + results
        fees = sum((f.fee for f in desk.futures.blotter.fills
                    if f.order.spec.settle == currency), ZERO)  # fmt: skip
        said = sum((c.fees for c in desk.futures.closed
                    if c.position.spec.settle == currency), ZERO)  # fmt: skip
        assert fees == said + sum((p.fees for p in positions if p.lots), ZERO)


def check_orders(trader: Trader) -> None:
    """Lots add up, holds belong to working orders, and what rests is in the book."""
    desk = trader.desk
    every: list[Order] = [*desk.spot.blotter.by_id.values(), *desk.futures.blotter.by_id.values()]
    for order in every:
        assert order.lots == order.filled + order.cancelled + order.remaining
        assert order.remaining >= 0
        assert order.held >= 0
        assert order.remaining == 0 if order.done else order.remaining or not order.lots
        assert not (order.done and order.held)
        if order.resting:
            assert trader.market(order.spec.symbol).resting(order.id) == order.remaining
    for currency, balance in trader.account.trade.items():
        held = sum(
            (o.held for o in desk.spot.blotter.working.values()
             if currency == (o.spec.quote if o.side == "buy" else o.spec.base)), ZERO,
        )  # fmt: skip
        assert balance.held == held
        assert ZERO <= balance.held <= balance.total


def check_positions(trader: Trader) -> None:
    """A position is the sum of its fills, and an empty one has no cost and no margin."""
    lots: Counter[str] = Counter()
    for fill in trader.desk.futures.blotter.fills:
        lots[fill.order.spec.symbol] += fill.lots * (1 if fill.order.side == "buy" else -1)
    for (_, symbol), position in trader.desk.futures.positions.items():
        assert position.lots == lots[symbol]
        assert position.margin >= 0
        if not position.lots:
            assert position.cost == position.margin == 0


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a program is too slow to shrink
)
@given(steps=STEPS, seed=st.integers(0, 3))
def test_money_lots_and_positions_add_up_whatever_is_done(steps: list[Step], seed: int) -> None:
    trader = Trader(SPOT, FUTURES, INVERSE, seed=seed)
    for step in steps:
        before = {s: p.lots for (_, s), p in trader.desk.futures.positions.items()}
        fills = len(trader.desk.futures.blotter.fills)
        play(trader, step)
        check_money(trader)
        check_orders(trader)
        check_positions(trader)
        check_reducing(trader, before, fills)
    ends = Counter(
        push.data["orderId"]
        for push in trader.pushes
        if push.topic in {"/spotMarket/tradeOrdersV2", "/contractMarket/tradeOrders"}
        and push.data["status"] == "done"
    )
    stopped = Counter(
        push.data["orderId"]
        for push in trader.pushes
        if push.topic == "/contractMarket/advancedOrders" and push.data["type"] == "cancel"
    )
    for blotter in (trader.desk.spot.blotter, trader.desk.futures.blotter):
        for order in blotter.by_id.values():
            assert ends[order.id] + stopped[order.id] == order.done


def check_reducing(trader: Trader, before: dict[str, int], fills: int) -> None:
    """No fill of a reducing order makes a position grow or change its side."""
    lots = dict(before)
    for fill in list(trader.desk.futures.blotter.fills)[fills:]:
        order, symbol = fill.order, fill.order.spec.symbol
        old = lots.get(symbol, 0)
        new = old + fill.lots * (1 if order.side == "buy" else -1)
        lots[symbol] = new
        if getattr(order, "reducing", False):
            assert abs(new) < abs(old)
            assert new * old >= 0


@settings(max_examples=4, deadline=None, phases=[Phase.generate])
@given(steps=STEPS)
def test_the_same_seed_and_calls_give_the_same_bytes(steps: list[Step]) -> None:
    told: list[str] = []
    for _ in range(2):
        trader = Trader(SPOT, FUTURES, INVERSE, seed=5)
        for step in steps:
            play(trader, step)
        told.append(json.dumps([(p.user, p.topic, p.subject, p.data) for p in trader.pushes]))
    assert told[0] == told[1]
