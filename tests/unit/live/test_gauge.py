"""Durations are counted in constant room, and read back to within a hundredth."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.live.gauge import EDGES, Market, Times


@given(st.lists(st.integers(1_000, EDGES[-1]), min_size=1, max_size=200))
def test_a_quantile_is_at_most_a_hundredth_too_high_and_never_too_low(ns: list[int]) -> None:
    times = Times()
    for one in ns:
        times.add(one)
    ordered = sorted(ns)
    for share in (0.5, 0.99, 1.0):
        least = next(one for n, one in enumerate(ordered, 1) if n >= share * len(ns))
        assert least <= times.quantile_ms(share) * 1e6 + 1e-3
        assert times.quantile_ms(share) * 1e6 <= least * 1.0101 + 1.0
    assert times.said()["max"] == pytest.approx(max(ns) / 1e6, abs=1e-3)


def test_room_does_not_grow_with_what_is_counted() -> None:
    times = Times()
    size = len(times.counts)
    for one in range(0, 10**12, 10**8):
        times.add(one)
    assert len(times.counts) == size
    assert times.said()["count"] == 10_000


def test_nothing_counted_is_nothing_late() -> None:
    assert Times().said() == {"p50": 0.0, "p99": 0.0, "p999": 0.0, "max": 0.0, "count": 0.0}


def test_a_trade_of_a_fast_market_tells_when_it_was_sent() -> None:
    market = msgspec.json.decode(b'{"origin_ns":1000,"speed":6.0}', type=Market)
    assert market.wall_ns(1_000 + 6 * 50) == 1_050
