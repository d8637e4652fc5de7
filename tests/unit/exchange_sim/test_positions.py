"""Positions in numbers: against KuCoin's own examples, and as laws."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.exchange_sim.positions import Position, margin_for, price_at, risk_levels, value_at
from liveopt.exchange_sim.specs import Spec, spec_named

LINEAR, INVERSE = spec_named("XBTUSDTM"), spec_named("XBTUSDM")


def position(spec: Spec, lots: int, price: str, leverage: int = 5) -> Position:
    one = Position("1", "u", spec, Decimal(leverage))
    one.open(lots, Decimal(price), 0)
    return one


def test_margins_are_those_of_the_documentation() -> None:
    # the private position push of KuCoin's documentation (XBTUSDTM at 91694.5, leverage 5)
    one = position(LINEAR, 1, "91694.5")
    assert one.cost == Decimal("91.6945")
    assert one.initial == Decimal("18.3389")
    assert one.reserve == Decimal("0.06602004")
    assert one.margin == Decimal("18.40492004")
    assert one.bankrupt_price() == Decimal("73355.6")
    assert one.unrealised(Decimal("91839.79")) == Decimal("0.14529")


def test_an_inverse_long_costs_a_negative_value_and_earns_when_the_price_rises() -> None:
    one = position(INVERSE, 1_000, "50000")
    assert one.cost == Decimal("-0.02")
    assert one.unrealised(Decimal(60_000)) == Decimal("-0.0166666667") + Decimal("0.02")
    assert one.entry == Decimal(50_000)


@pytest.mark.parametrize(
    ("spec", "lots", "entry", "exit_", "earned"),
    [
        (LINEAR, 10, "60000", "61000", "10"),
        (LINEAR, -10, "60000", "61000", "-10"),
        (INVERSE, 1_000, "50000", "40000", "-0.005"),
        (INVERSE, -1_000, "50000", "40000", "0.005"),
    ],
)
def test_closing_earns_the_difference_of_the_values(
    spec: Spec, lots: int, entry: str, exit_: str, earned: str
) -> None:
    one = position(spec, lots, entry)
    assert one.close(-lots, Decimal(exit_)) == Decimal(earned)
    assert one.lots == one.cost == one.margin == 0


@given(
    lots=st.integers(1, 1_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))),
    prices=st.tuples(st.integers(1_000, 90_000), st.integers(1_000, 90_000)),
    inverse=st.booleans(),
    short=st.booleans(),
)
def test_closing_in_two_parts_earns_what_closing_at_once_does(
    lots: tuple[int, int], prices: tuple[int, int], inverse: bool, short: bool
) -> None:
    spec, sign = (INVERSE if inverse else LINEAR), (-1 if short else 1)
    every, part = lots
    whole = position(spec, sign * every, str(prices[0]))
    pieces = position(spec, sign * every, str(prices[0]))
    exit_ = Decimal(prices[1])
    at_once = whole.close(-sign * every, exit_)
    in_two = pieces.close(-sign * part, exit_)
    if every > part:
        in_two += pieces.close(-sign * (every - part), exit_)
    assert abs(at_once - in_two) <= Decimal("2e-10")  # an inverse value is cut to ten places
    if not inverse:
        assert at_once == in_two
    assert pieces.lots == pieces.cost == pieces.margin == 0


@given(
    lots=st.integers(-500, 500).filter(bool),
    price=st.integers(1_000, 90_000),
    leverage=st.integers(1, 50),
    inverse=st.booleans(),
)
def test_a_position_is_ruined_beyond_its_liquidation_price_and_not_before(
    lots: int, price: int, leverage: int, inverse: bool
) -> None:
    one = position(INVERSE if inverse else LINEAR, lots * 100, str(price), leverage)
    limit = one.liquidation_price()
    worse, better = (
        (Decimal("0.99"), Decimal("1.01")) if lots > 0 else (Decimal("1.01"), Decimal("0.99"))
    )
    assert not one.ruined(Decimal(price))
    if limit > 1:
        assert one.ruined(limit * worse)
        assert not one.ruined(limit * better)


def test_margin_is_rounded_up_so_that_it_suffices() -> None:
    assert margin_for(LINEAR, Decimal(10), Decimal(3)) > Decimal(10) / 3


def test_no_price_gives_an_empty_position_a_value() -> None:
    assert price_at(LINEAR, 0, Decimal(5)) == 0
    assert price_at(INVERSE, 10, Decimal(0)) == 0
    assert value_at(INVERSE, 10, price_at(INVERSE, 10, Decimal("-0.002"))) == Decimal("-0.002")


@pytest.mark.parametrize("symbol", ["XBTUSDTM", "ETHUSDTM", "SOLUSDTM", "XBTUSDM"])
def test_risk_levels_join_up_and_allow_ever_less_leverage(symbol: str) -> None:
    spec = spec_named(symbol)
    levels = risk_levels(spec)
    assert levels[0].leverage == spec.leverage_max
    assert levels[0].least == 0
    for lower, higher in pairwise(levels):
        assert lower.most == higher.least < higher.most
        assert lower.leverage > higher.leverage
        assert lower.maintenance < higher.maintenance
