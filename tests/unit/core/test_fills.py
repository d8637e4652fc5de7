"""At what price and in what size an order fills."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.core.fills import (
    KELLY_CAP,
    KELLY_TRADES,
    STOP_ATRS,
    WHOLE_LIMIT,
    down,
    kelly_fraction,
    nearest,
    on_lot,
    on_tick,
    quantity,
    slipped,
    volatility_fraction,
)

within = st.floats(-WHOLE_LIMIT, WHOLE_LIMIT, exclude_min=True, exclude_max=True)
prices = st.floats(1e-9, 1e9)
steps = st.sampled_from([1e-8, 1e-6, 0.001, 0.01, 0.05, 0.25, 0.5, 1.0, 10.0])

# rounding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        (0.0, 0.0),
        (0.5, 0.0),
        (1.5, 2.0),
        (2.5, 2.0),
        (-0.5, 0.0),
        (-1.5, -2.0),
        (-2.5, -2.0),
        (0.49999999999999994, 0.0),
        (0.5000000000000001, 1.0),
        (1e-300, 0.0),
        (-5e-324, 0.0),
        (1e15 + 0.5, 1e15),
        (1e15 + 1.5, 1e15 + 2.0),
        (WHOLE_LIMIT - 0.5, WHOLE_LIMIT),
    ],
)
def test_ties_go_to_the_even_number(value: float, whole: float) -> None:
    assert nearest(value) == whole == round(value)


@pytest.mark.parametrize("value", [WHOLE_LIMIT, 1e16, 1.7e308, math.inf])
def test_a_huge_number_is_left_as_it_is(value: float) -> None:
    assert nearest(value) == down(value) == value
    assert nearest(-value) == down(-value) == -value


@given(within)
def test_nearest_is_pythons_round(value: float) -> None:
    assert nearest(value) == round(value)


@given(st.integers(-(2**50), 2**50), st.sampled_from([-0.5, -0.25, 0.0, 0.25, 0.5]))
def test_nearest_is_pythons_round_close_to_whole_numbers(whole: int, off: float) -> None:
    assert nearest(whole + off) == round(whole + off)


@given(within)
def test_down_is_the_whole_number_not_above(value: float) -> None:
    assert down(value) <= value < down(value) + 1.0
    assert down(value) == math.floor(value)


# steps of the exchange ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "tick", "filled"),
    [
        (50_009.996, 0.01, 50_010.0),
        (50_009.994, 0.01, 50_009.99),
        (10.125, 0.25, 10.25),
        (10.375, 0.25, 10.5),
        (10.125, 0.0, 10.125),
        (0.004, 0.01, 0.004),  # the grid has no price above zero there
        (0.006, 0.01, 0.01),
    ],
)
def test_a_price_stands_on_the_grid_but_never_at_zero(
    price: float, tick: float, filled: float
) -> None:
    assert on_tick(price, tick) == pytest.approx(filled, rel=1e-15)


@given(prices, steps)
def test_a_price_moves_by_half_a_tick_at_most(price: float, tick: float) -> None:
    grid = on_tick(price, tick)
    assert grid > 0.0
    assert abs(grid - price) <= tick / 2.0 * (1.0 + 1e-9) + price * 1e-15


@pytest.mark.parametrize(
    ("size", "lot", "rounded"),
    [(0.0199960007, 1e-6, 0.019996), (0.9, 1.0, 0.0), (7.0, 2.0, 6.0), (0.123, 0.0, 0.123)],
)
def test_a_size_is_rounded_down_to_whole_lots(size: float, lot: float, rounded: float) -> None:
    assert on_lot(size, lot) == pytest.approx(rounded, rel=1e-15)


@pytest.mark.parametrize("lots", [1, 3, 43, 51, 59, 118, 119, 1_000_003])
@pytest.mark.parametrize("lot", [0.1, 0.001, 1e-8])
def test_a_whole_number_of_lots_stays_whole(lots: int, lot: float) -> None:
    """0.3 used to be two lots of 0.1, for 0.3 / 0.1 is a little less than 3."""
    assert on_lot(lots * lot, lot) == pytest.approx(lots * lot, rel=1e-12)
    assert on_lot(float(f"{lots * lot:.10g}"), lot) == pytest.approx(lots * lot, rel=1e-9)


@given(st.floats(0.0, 1e6), steps)
def test_lots_never_make_a_size_larger(size: float, lot: float) -> None:
    kept = on_lot(size, lot)
    assert kept <= size * (1.0 + 1e-15)
    assert size - kept <= lot * (1.0 + 1e-9)


@pytest.mark.parametrize(("side", "price"), [(1.0, 50_010.0), (-1.0, 49_990.0)])
def test_a_market_order_pays_the_slippage(side: float, price: float) -> None:
    assert slipped(50_000.0, side, 0.0002, 0.0) == pytest.approx(price)
    assert slipped(50_000.0, side, 0.0002, 7.0) == round(price / 7.0) * 7.0


# sizing -------------------------------------------------------------------------------------


def test_kelly_knows_nothing_before_thirty_trades() -> None:
    assert kelly_fraction(KELLY_TRADES - 1.0, 20.0, 200.0, 9.0, 0.1) == 0.1
    assert kelly_fraction(KELLY_TRADES, 20.0, 200.0, 9.0, 0.1) != 0.1


def test_kelly_without_a_winner_or_a_loser_falls_back() -> None:
    assert kelly_fraction(40.0, 40.0, 200.0, 0.0, 0.1) == 0.1
    assert kelly_fraction(40.0, 0.0, 0.0, 200.0, 0.1) == 0.1
    assert kelly_fraction(0.0, 0.0, 0.0, 0.0, 0.1) == 0.1


def test_kelly_is_the_edge_over_the_odds() -> None:
    # 22 of 40 win 10 each, 18 lose 9 each: p = .55, b = 10/9.
    share = kelly_fraction(40.0, 22.0, 220.0, 162.0, 0.9)
    assert share == pytest.approx(0.55 - 0.45 * 0.9)


def test_kelly_is_capped_at_a_quarter_and_never_below_nothing() -> None:
    assert kelly_fraction(40.0, 36.0, 900.0, 4.0, 0.1) == KELLY_CAP == 0.25
    assert kelly_fraction(40.0, 4.0, 4.0, 900.0, 0.1) == 0.0


@given(st.integers(0, 500), st.integers(0, 500), st.floats(1e-9, 1e9), st.floats(1e-9, 1e9))
def test_kelly_stays_within_its_bounds(wins: int, losses: int, won: float, lost: float) -> None:
    gained, gone = won if wins else 0.0, lost if losses else 0.0
    share = kelly_fraction(float(wins + losses), float(wins), gained, gone, 0.9)
    assert share == 0.9 or 0.0 <= share <= KELLY_CAP


def test_sizing_by_volatility_loses_the_fraction_when_price_moves_by_one_and_a_half_atr() -> None:
    price, atr, leverage, balance = 50_000.0, 250.0, 10.0, 10_000.0
    share = volatility_fraction(0.01, price, atr, leverage)
    size = quantity(balance, share, leverage, price, 0.0)
    assert size * STOP_ATRS * atr == pytest.approx(0.01 * balance)


def test_sizing_by_volatility_is_capped_and_falls_back_on_a_still_market() -> None:
    assert volatility_fraction(0.5, 100.0, 0.01, 1.0) == 1.0
    assert volatility_fraction(0.5, 100.0, 0.0, 1.0) == 0.5


@given(
    st.floats(1e-3, 1e9),
    st.floats(1e-6, 1.0),
    st.floats(1.0, 125.0),
    prices,
    st.floats(-0.001, 0.01),
)
def test_margin_and_entry_fee_never_exceed_the_balance(
    balance: float, share: float, leverage: float, price: float, fee: float
) -> None:
    size = quantity(balance, share, leverage, price, fee)
    cost = size * price / leverage + fee * size * price
    assert size >= 0.0
    assert cost <= balance * (1.0 + 1e-12)
    assert size * price <= balance * share * leverage * (1.0 + 1e-12)


def test_all_of_the_balance_leaves_room_for_the_fee() -> None:
    size = quantity(10_000.0, 1.0, 10.0, 100.0, 0.0006)
    assert size * 100.0 * (0.1 + 0.0006) == pytest.approx(10_000.0)
    assert quantity(10_000.0, 0.5, 10.0, 100.0, 0.0006) == pytest.approx(500.0)
