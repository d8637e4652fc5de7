"""Costs, levels and margins of an instrument, by the worked example of the trade sheet."""

import pytest

from liveopt.core.fills import on_lot, quantity, slipped
from liveopt.core.instrument import (
    SPOT_LEVERAGE,
    Instrument,
    bankruptcy_price,
    break_even_price,
    break_even_roi,
    gross_profit,
    liquidation_price,
    liquidation_price_2024,
    margin_for,
    planned_fees,
    roi_level,
)

TAKER, SLIPPAGE, LOT = 0.0006, 0.0002, 1e-6


def test_the_worked_example_of_a_round_trip_comes_out_to_the_cent() -> None:
    """10,000 with 1 % at 10x, long at 50,000, out at 50,500."""
    margin = margin_for(10_000.0, 0.01)
    fill = slipped(50_000.0, 1.0, SLIPPAGE, 0.0)
    size = quantity(10_000.0, 0.01, 10.0, fill, TAKER)
    assert margin == 100.0
    assert fill == pytest.approx(50_010.0, abs=1e-9)
    assert on_lot(size, LOT) == pytest.approx(0.019996, rel=1e-12)

    leave = slipped(50_500.0, -1.0, SLIPPAGE, 0.0)
    gross = gross_profit(fill, leave, size, 1.0)
    fees = planned_fees(margin * 10.0, TAKER, TAKER)
    assert leave == pytest.approx(50_489.9, abs=1e-9)
    assert gross == pytest.approx(9.596081, abs=5e-7)
    assert fees == pytest.approx(1.2)
    assert gross - fees == pytest.approx(8.396081, abs=5e-7)
    assert (gross - fees) / margin == pytest.approx(0.08396, abs=5e-6)


def test_a_short_earns_what_a_long_loses() -> None:
    assert gross_profit(50_000.0, 49_000.0, 2.0, -1.0) == 2_000.0
    assert gross_profit(50_000.0, 49_000.0, 2.0, 1.0) == -2_000.0


def test_break_even_as_a_return_counts_the_fees_on_the_leverage() -> None:
    assert break_even_roi(TAKER, TAKER, 10.0, 0.001) == pytest.approx(0.013)


def test_break_even_as_a_price_earns_both_fees_back_exactly() -> None:
    price = break_even_price(50_010.0, TAKER, TAKER)
    assert price == pytest.approx(50_070.05, abs=5e-3)
    assert price * (1.0 - TAKER) == pytest.approx(50_010.0 * (1.0 + TAKER), rel=1e-15)
    assert price / (1.0 - SLIPPAGE) == pytest.approx(50_080.06, abs=1e-2)


def test_stop_and_target_are_returns_on_margin() -> None:
    assert roi_level(50_000.0, 1.0, -0.005, 10.0) == pytest.approx(49_975.0)
    assert roi_level(50_000.0, 1.0, 0.02, 10.0) == pytest.approx(50_100.0)
    assert roi_level(50_000.0, -1.0, -0.005, 10.0) == pytest.approx(50_025.0)
    assert roi_level(50_000.0, -1.0, 0.02, 10.0) == pytest.approx(49_900.0)


@pytest.mark.parametrize(("side", "price"), [(1.0, 45_226.13), (-1.0, 54_726.37)])
def test_liquidation_by_the_rule_of_may_2025(side: float, price: float) -> None:
    assert liquidation_price(50_000.0, side, 10.0, 0.005, 0.0) == pytest.approx(price, abs=5e-3)


def test_liquidation_by_the_older_rule() -> None:
    assert liquidation_price_2024(50_000.0, 1.0, 10.0, 0.005) == pytest.approx(45_250.0)
    assert liquidation_price_2024(28_000.0, -1.0, 100.0, 0.004) == pytest.approx(28_168.0)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("leverage", [1.0, 2.0, 10.0, 100.0])
def test_liquidation_comes_before_bankruptcy(side: float, leverage: float) -> None:
    broke = bankruptcy_price(50_000.0, side, leverage)
    for fee in (0.0, 0.0006):
        assert side * (liquidation_price(50_000.0, side, leverage, 0.005, fee) - broke) >= 0.0
    assert side * (50_000.0 - broke) == pytest.approx(50_000.0 / leverage)


def test_spot_has_no_leverage_and_an_instrument_has_sensible_costs() -> None:
    assert SPOT_LEVERAGE == 1.0
    assert Instrument() == Instrument("spot", 0.0, 0.0, 0.0006, 0.0002, 0.0002, 0.005, 0.0)
    assert Instrument(maker_fee=-0.0001).maker_fee == -0.0001


@pytest.mark.parametrize("name", ["tick", "lot", "slippage", "maintenance", "liquidation_fee"])
@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_a_step_or_cost_below_zero_or_without_value_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*; it must be a number of at least 0"):
        Instrument(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name", ["taker_fee", "maker_fee", "slippage", "maintenance", "liquidation_fee"]
)
@pytest.mark.parametrize("value", [0.1, 0.2])
def test_a_rate_given_in_percent_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; give a fraction below 0.1"):
        Instrument(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("-inf")])
def test_a_fee_that_is_no_fee_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="taker_fee is"):
        Instrument(taker_fee=value)
