"""Symbols, and how their prices and sizes are spelled."""

from decimal import Decimal

import pytest

from liveopt.exchange_sim.specs import SPECS, Spec, spec_named


def test_symbols_are_unique_and_found_by_name() -> None:
    assert len({spec.symbol for spec in SPECS}) == len(SPECS)
    assert all(spec_named(spec.symbol) is spec for spec in SPECS)
    with pytest.raises(ValueError, match="no market 'DOGE-USDT'; there are BTC-USDT"):
        spec_named("DOGE-USDT")


@pytest.mark.parametrize(
    ("symbol", "ticks", "price", "lots", "size"),
    [
        ("BTC-USDT", 600_000, "60000", 12_345, "0.00012345"),
        ("BTC-USDT", 600_001, "60000.1", 100_000_000, "1"),
        ("ETH-USDT", 1, "0.01", 0, "0"),
        ("XBTUSDTM", 1_000_000, "100000", 7, "7"),
    ],
)
def test_prices_and_sizes_are_spelled_without_exponent_or_trailing_zeros(
    symbol: str, ticks: int, price: str, lots: int, size: str
) -> None:
    spec = spec_named(symbol)
    assert spec.price_text(ticks) == price
    assert spec.size_text(lots) == size
    assert spec.ticks(spec.price(ticks)) == ticks


def test_turnover_is_in_the_quote_currency() -> None:
    assert spec_named("BTC-USDT").turnover(600_000 * 50_000_000, 50_000_000) == 30_000.0
    assert spec_named("XBTUSDTM").turnover(600_000 * 10, 10) == 600.0
    assert spec_named("XBTUSDM").turnover(600_000 * 10, 10) == 10.0


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.symbol)
def test_terms_are_those_of_the_venue(spec: Spec) -> None:
    if spec.venue == "spot":
        assert (spec.maker_fee, spec.taker_fee) == (Decimal("0.001"), Decimal("0.001"))
        assert spec.symbol == f"{spec.base}-{spec.quote}"
    else:
        assert (spec.maker_fee, spec.taker_fee) == (Decimal("0.0002"), Decimal("0.0006"))
        assert spec.lot == 1
        assert spec.maintenance < Decimal(1) / spec.leverage_max
        assert spec.settle == (spec.base if spec.inverse else "USDT")


def test_a_pair_and_the_contracts_on_its_coin_have_one_underlying() -> None:
    coins = {spec.symbol: spec.underlying for spec in SPECS}
    assert coins["BTC-USDT"] == coins["XBTUSDTM"] == coins["XBTUSDM"] == "BTC"
    assert coins["ETH-USDT"] == coins["ETHUSDTM"] == "ETH"
