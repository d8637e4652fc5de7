"""What the exchange shows."""

import pytest

from liveopt.exchange_sim.api import ApiError
from tests.unit.exchange_sim.outlet import FUTURES, SPOT, START_NS, Station


@pytest.fixture(scope="module")
def station() -> Station:
    return Station()


def test_a_symbol_belongs_to_its_venue(station: Station) -> None:
    assert station.view.market("spot", SPOT).spec.symbol == SPOT
    with pytest.raises(ApiError, match="900001"):
        station.view.market("spot", FUTURES)
    with pytest.raises(ApiError, match="200003"):
        station.view.market("futures", SPOT)


def test_a_day_is_the_sum_of_its_minutes(station: Station) -> None:
    market = station.exchange.markets[SPOT]
    rows = market.candles(60, START_NS // 10**9 - 86_400, START_NS // 10**9 + 1)
    day = station.view.day(market)
    assert (day.first, day.last) == (rows[0][1], rows[-1][2])
    assert (day.high, day.low) == (max(r[3] for r in rows), min(r[4] for r in rows))
    assert day.lots == sum(r[5] for r in rows)
    assert day.change_rate == pytest.approx(rows[-1][2] / rows[0][1] - 1)
    assert station.view.day(market) is day


def test_a_side_that_is_hidden_has_no_best(station: Station) -> None:
    market = station.exchange.markets[FUTURES]
    station.faults.turn_on("one-sided", {"side": "bids", "symbol": FUTURES})
    quote = station.view.quote(market)
    assert (quote.bid, quote.bid_lots) == (0, 0)
    assert quote.ask > 0
    assert station.view.quote(station.exchange.markets[SPOT]).bid > 0
    station.faults.clear()
    assert station.view.quote(market).bid > 0


def test_sequences_that_start_again_go_on_from_there_and_come_back(station: Station) -> None:
    view = station.view
    assert view.trade_sequence(FUTURES, 500) == 500
    station.faults.turn_on("sequence-reset", {})
    assert [view.trade_sequence(FUTURES, n) for n in (500, 501, 507)] == [1, 2, 8]
    assert view.book_sequence(FUTURES, 90) == 1
    station.faults.clear()
    assert view.trade_sequence(FUTURES, 508) == 508


def test_stale_trades_are_the_older_ones(station: Station) -> None:
    market = station.exchange.markets[FUTURES]
    station.faults.turn_on("trades-stale", {"seconds": 60})
    old = station.view.tape(market)
    station.faults.clear()
    assert old == [t for t in market.tape if t.at_ns <= station.exchange.now_ns - 60 * 10**9]
    assert 0 < len(old) < len(station.view.tape(market))
