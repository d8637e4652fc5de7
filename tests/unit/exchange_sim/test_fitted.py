"""What a file tells about its market."""

from decimal import Decimal

import numpy as np
import pytest

from liveopt.exchange_sim.fitted import check_tick, fitted_spec, is_symbol
from liveopt.exchange_sim.specs import spec_named


def array(*values: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.array(values, np.float64)


@pytest.mark.parametrize("text", ["XRP-USDT", "1INCH-BTC", "XRPUSDTM"])
def test_symbols_are_pairs_or_contracts_in_usdt(text: str) -> None:
    assert is_symbol(text)
    assert not is_symbol(text.lower())


@pytest.mark.parametrize("text", ["", "NOPE", "A-B-C", "USDTM", "XRP/USDT", "-USDT"])
def test_anything_else_is_no_symbol(text: str) -> None:
    assert not is_symbol(text)


@pytest.mark.parametrize(
    ("price", "size", "tick", "lot"),
    [
        ((0.52, 0.5213), (10.0, 0.25), "0.00001", "0.01"),  # finer than the file
        ((0.00213411, 0.0021), (5.0,), "0.00000001", "1"),
        ((1.117e-07, 1.119e-07), (81.8814,), "1E-11", "0.0001"),
        ((60_000.0, 61_000.0), (1.0,), "1", "1"),
        ((5.0, 6.0), (1e9, 3.5), "0.0001", "0.1"),  # whole numbers would be too coarse
        ((100 / 3, 100 / 7), (1 / 3,), "0.00001", "1E-12"),  # no end of decimals
    ],
)
def test_tick_and_lot_are_the_decimals_of_the_file_within_bounds(
    price: tuple[float, ...], size: tuple[float, ...], tick: str, lot: str
) -> None:
    spec = fitted_spec("XRP-USDT", array(*price), array(*size))
    assert (spec.tick, spec.lot) == (Decimal(tick), Decimal(lot))
    assert spec.start_price == price[0]


def test_a_pair_trades_its_base_and_a_contract_is_settled_in_usdt() -> None:
    pair = fitted_spec("XRP-ETH", array(0.002), array(3.0, 5.0, 40.0))
    assert (pair.venue, pair.base, pair.quote, pair.order_lots) == ("spot", "XRP", "ETH", 5)
    contract = fitted_spec("XRPUSDTM", array(0.5), array(2.0))
    assert (contract.venue, contract.base, contract.settle) == ("futures", "XRP", "USDT")
    assert contract.lot == 1
    assert contract.leverage_max * contract.maintenance <= 1


def test_a_file_without_sizes_has_a_market_all_the_same() -> None:
    assert fitted_spec("XRP-USDT", array(0.5), array(0.0)).lot == 1


def test_a_tick_that_is_coarse_for_the_prices_is_refused_with_the_remedy() -> None:
    bitcoin = spec_named("BTC-USDT")
    check_tick(bitcoin, array(1_001.0))
    with pytest.raises(ValueError, match="FILE:XRP-USDT"):
        check_tick(bitcoin, array(999.0))
