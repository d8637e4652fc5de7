"""The futures' answers where they are computed."""

from typing import Any

import pytest

from liveopt.exchange_sim.api import ApiError, Call
from liveopt.exchange_sim.futures_rest import FUNDING_MS, FuturesRest
from liveopt.exchange_sim.market import INTEREST
from tests.unit.exchange_sim.outlet import FUTURES, START_NS, Station

NOW_MS = START_NS // 10**6


@pytest.fixture(scope="module")
def station() -> Station:
    return Station()


def ask(station: Station, path: str, **query: object) -> Any:
    rest = FuturesRest(station.view, station.publisher.futures)
    route = next(route for route in rest.routes() if route.template == path)
    names = {"symbol": str(query.pop("named", FUTURES))}
    return route.answer(Call(names, {name: str(value) for name, value in query.items()}))


def test_a_contract_counts_down_to_its_funding(station: Station) -> None:
    row = ask(station, "/api/v1/contracts/{symbol}")
    assert row["nextFundingRateTime"] + NOW_MS == row["nextFundingRateDateTime"]
    assert row["nextFundingRateDateTime"] % FUNDING_MS == 0
    assert (row["multiplier"], row["lotSize"], row["tickSize"]) == (0.001, 1, 0.1)
    assert row["sellLimit"] < row["markPrice"] < row["buyLimit"]
    assert isinstance(row["openInterest"], str)


def test_fundings_are_the_settled_ones_and_before_them_the_interest(station: Station) -> None:
    last = NOW_MS // FUNDING_MS * FUNDING_MS
    station.view.fundings[FUTURES, last] = 0.00042
    rows = ask(station, "/api/v1/contract/funding-rates", symbol=FUTURES,
               **{"from": last - 2 * FUNDING_MS, "to": NOW_MS})  # fmt: skip
    assert [row["timepoint"] for row in rows] == [last - n * FUNDING_MS for n in range(3)]
    assert [row["fundingRate"] for row in rows] == [0.00042, INTEREST, INTEREST]


def test_a_window_with_only_one_end_is_filled_from_it(station: Station) -> None:
    asked = {"symbol": FUTURES, "granularity": 5}
    start_ms = (NOW_MS // 300_000 - 1000) * 300_000
    after = ask(station, "/api/v1/kline/query", **asked, **{"from": start_ms})
    before = ask(station, "/api/v1/kline/query", **asked, to=start_ms)
    both = ask(station, "/api/v1/kline/query", **asked, **{"from": start_ms, "to": start_ms})
    assert after[0][0] == before[-1][0] == both[0][0] == start_ms
    assert len(after) == len(before) == 500
    assert len(both) == 1


def test_series_page_and_say_whether_there_is_more(station: Station) -> None:
    asked = {"symbol": ".XBTINT8H", "maxCount": 5}
    newest = ask(station, "/api/v1/interest/query", **asked)
    assert newest["hasMore"] is True
    times = [row["timePoint"] for row in newest["dataList"]]
    assert times == sorted(times, reverse=True)
    assert len(times) == 5
    oldest = ask(station, "/api/v1/interest/query", **asked, reverse="false")
    assert oldest["dataList"][0]["timePoint"] < times[-1]
    exact = ask(station, "/api/v1/interest/query", **asked, startAt=times[2], endAt=times[1])
    assert [row["timePoint"] for row in exact["dataList"]] == times[1:3]
    assert exact["hasMore"] is False


def test_unknown_indexes_are_refused(station: Station) -> None:
    for path in ("/api/v1/index/query", "/api/v1/premium/query"):
        with pytest.raises(ApiError, match="200003"):
            ask(station, path, symbol=".KNOPE")


def test_an_index_is_made_of_its_parts(station: Station) -> None:
    rows = ask(station, "/api/v1/index/query", symbol=".KXBTUSDT")["dataList"]
    assert len(rows) == 10
    assert all(row["decomposionList"][0]["price"] == row["value"] for row in rows)
