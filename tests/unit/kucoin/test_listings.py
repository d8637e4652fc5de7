"""What is listed becomes markets that the engine can trade, and nothing is guessed."""

import json
from typing import Any

import msgspec
import pytest

from liveopt.core.bars import HOUR_NS
from liveopt.core.instrument import Instrument
from liveopt.kucoin.listings import read_listings
from liveopt.kucoin.replies import Garbled

# From the examples of the official documents, less what nobody reads here.
SPOT = {
    "symbol": "BTC-USDT", "baseCurrency": "BTC", "quoteCurrency": "USDT", "baseMinSize": "0.00001",
    "baseMaxSize": "10000000000", "baseIncrement": "0.00000001", "quoteIncrement": "0.000001",
    "priceIncrement": "0.1", "enableTrading": True, "feeCategory": 1,
    "makerFeeCoefficient": "1.00", "takerFeeCoefficient": "1.00",
}  # fmt: skip
CONTRACT = {
    "symbol": "XBTUSDTM", "type": "FFWCSX", "baseCurrency": "XBT", "quoteCurrency": "USDT",
    "settleCurrency": "USDT", "maxOrderQty": 1000000, "lotSize": 1, "tickSize": 0.1,
    "multiplier": 0.001, "maintainMargin": 0.004, "makerFeeRate": 0.0002, "takerFeeRate": 0.0006,
    "isInverse": False, "status": "Open", "fundingRateGranularity": 28800000, "maxLeverage": 125,
}  # fmt: skip


def raw(*rows: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(rows).encode())


def test_a_spot_symbol_has_its_steps_and_the_fees_of_its_category() -> None:
    listing = read_listings("spot", raw(SPOT))["BTC-USDT"]
    assert (listing.base, listing.quote, listing.kind) == ("BTC", "USDT", "spot")
    assert listing.open
    assert listing.instrument == Instrument(
        "spot", tick=0.1, lot=1e-8, taker_fee=0.001, maker_fee=0.001
    )
    assert (listing.size_min, listing.multiplier, listing.leverage_max) == (0.00001, 1.0, 1.0)


def test_a_category_and_its_coefficients_change_the_fees() -> None:
    row = SPOT | {"feeCategory": 3, "makerFeeCoefficient": "0.5"}
    instrument = read_listings("spot", raw(row))["BTC-USDT"].instrument
    assert instrument is not None
    assert instrument.taker_fee == 0.003
    assert instrument.maker_fee == 0.0015


def test_a_linear_contract_has_lots_in_base_currency() -> None:
    listing = read_listings("futures", raw(CONTRACT))["XBTUSDTM"]
    assert listing.kind == "perpetual"
    assert listing.instrument == Instrument(
        "perpetual", tick=0.1, lot=0.001, taker_fee=0.0006, maker_fee=0.0002, maintenance=0.004
    )
    assert (listing.multiplier, listing.leverage_max) == (0.001, 125.0)
    assert listing.funding_interval_ns == 8 * HOUR_NS


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"isInverse": True, "multiplier": -1.0}, "inverse"),
        ({"multiplier": -1.0}, "inverse"),
        ({"type": "FFICSX", "fundingRateGranularity": None}, "dated"),
    ],
)
def test_contracts_that_the_engine_cannot_trade_are_listed_without_a_market(
    change: dict[str, Any], kind: str
) -> None:
    listing = read_listings("futures", raw(CONTRACT | change))["XBTUSDTM"]
    assert listing.kind == kind
    assert listing.instrument is None


def test_of_a_contract_that_comes_twice_the_last_row_counts() -> None:
    listings = read_listings("futures", raw(CONTRACT, CONTRACT | {"status": "Paused"}))
    assert len(listings) == 1
    assert not listings["XBTUSDTM"].open


@pytest.mark.parametrize(
    "change",
    [{"multiplier": None}, {"tickSize": "wide"}, {"takerFeeRate": 6}, {"tickSize": -1}],
)
def test_a_row_that_makes_no_sense_hides_its_symbol_and_no_other(change: dict[str, Any]) -> None:
    listings = read_listings("futures", raw(CONTRACT | change, CONTRACT | {"symbol": "ETHUSDTM"}))
    assert list(listings) == ["ETHUSDTM"]


def test_a_list_of_which_nothing_can_be_read_is_refused() -> None:
    with pytest.raises(Garbled, match="none of 2 symbols"):
        read_listings("spot", raw({"symbol": "A-B"}, {"symbol": "C-D"}))
    assert read_listings("spot", raw()) == {}
