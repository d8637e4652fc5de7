"""Finding routes, and the time signatures are checked with."""

from liveopt.exchange_sim.api import Call, Route
from liveopt.exchange_sim.rest import Directory, ServerTime


def _name(call: Call) -> str:
    return call.path.get("symbol", "")


def test_literal_paths_win_over_those_with_names() -> None:
    active = Route("GET", "/contracts/active", _name)
    one = Route("GET", "/contracts/{symbol}", _name)
    directory = Directory([one, active])
    assert directory.find("GET", "/contracts/active") == (active, {})
    assert directory.find("GET", "/contracts/XBTUSDTM") == (one, {"symbol": "XBTUSDTM"})
    assert directory.find("POST", "/contracts/XBTUSDTM") is None
    assert directory.find("GET", "/contracts/X/Y") is None
    assert directory.find("GET", "/contracts/") is None


def test_signatures_are_checked_by_the_market_s_clock() -> None:
    time = ServerTime(lambda: 1_000_000, None)
    assert time.for_stamp("999999") == 1_000_000
    assert time.for_stamp("nonsense") == 1_000_000


def test_on_a_market_of_its_own_time_old_offsets_and_the_clients_clock_are_taken() -> None:
    now = [1_000_000]
    time = ServerTime(lambda: now[0], lambda: 50_000_000)
    now[0] = 2_000_000
    assert time.for_stamp("50004000") == 50_000_000
    assert time.for_stamp("50006000") == 2_000_000
    assert time.for_stamp("1500000") == 1_500_000
    assert time.for_stamp("900000") == 2_000_000
    assert time.for_stamp("2000001") == 2_000_000


def test_a_skewed_server_refuses_those_who_sign_by_clocks_that_are_right() -> None:
    now = [1_000_000]
    time = ServerTime(lambda: now[0], lambda: 1_000_000, lambda: 6_000)
    now[0] = 2_000_000  # the market is faster, so that the wall's time is in its past
    assert time.for_stamp("1000000") == 1_006_000
    assert time.for_stamp("1006000") == 1_006_000
    assert time.for_stamp("1500000") == 1_500_000
    assert time.for_stamp("2006000") == 2_006_000
    assert ServerTime(lambda: 5, None, lambda: 6_000).for_stamp("5") == 6_005
