"""Spot's answers where they are computed."""

import pytest

from liveopt.exchange_sim.api import ApiError, Call
from liveopt.exchange_sim.market import Candle
from liveopt.exchange_sim.specs import spec_named
from liveopt.exchange_sim.spot_rest import SpotRest, months, symbol_row, whole
from tests.unit.exchange_sim.outlet import SPOT, Station

DAY_S = 86_400
JANUARY_S = 1_704_067_200  # 2024-01-01


def test_days_are_folded_into_months_of_their_own_lengths() -> None:
    days: list[Candle] = [
        (JANUARY_S + n * DAY_S, 100 + n, 101 + n, 110 + n, 90 + n, 10, 5.0) for n in range(33)
    ]
    january, february = months(days)
    assert january == (JANUARY_S, 100, 131, 140, 90, 310, 155.0)
    assert february == (JANUARY_S + 31 * DAY_S, 131, 133, 142, 121, 20, 10.0)


def test_a_whole_number_in_a_query_may_be_missing_but_not_be_words() -> None:
    call = Call(query={"startAt": "1700000000", "endAt": "now"})
    assert whole(call, "startAt") == 1_700_000_000
    assert whole(call, "from") is None
    with pytest.raises(ApiError, match="endAt"):
        whole(call, "endAt")


def test_a_symbol_tells_its_steps_without_exponents() -> None:
    row = symbol_row(spec_named("BTC-USDT"))
    assert row["priceIncrement"] == "0.1"
    assert row["baseIncrement"] == "0.00000001"
    assert row["baseMinSize"] == "0.00001"


def test_a_pair_without_an_auction_has_an_empty_book_of_it() -> None:
    station = Station()
    routes = {one.template: one for one in SpotRest(station.view, station.publisher.spot).routes()}
    call = Call(query={"symbol": SPOT})
    row = routes["/api/v1/market/callauctionData"].answer(call)
    assert (row["symbol"], row["estimatedSize"], row["buyOrderRangeLowPrice"]) == (SPOT, "0", "0")
    for depth in (20, 100):
        book = routes[f"/api/v1/market/orderbook/callauction/level2_{depth}"].answer(call)
        assert (book["bids"], book["asks"]) == ([], [])
        assert int(book["sequence"]) > 0
