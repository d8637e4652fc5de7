"""The past that is drawn at once: it ends where the market begins and has the edge in it."""

from itertools import pairwise
from math import log, sqrt
from statistics import fmean, stdev

import pytest

from liveopt.exchange_sim.edge import Edge, parse_edge
from liveopt.exchange_sim.fair import YEAR_S
from liveopt.exchange_sim.history import minutes
from liveopt.exchange_sim.specs import SPECS, Spec, spec_named

END_NS = 1_760_000_040_123_456_789
WEEK_S = 7 * 86_400


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.symbol)
def test_it_ends_exactly_at_the_start_price_and_its_minutes_join(spec: Spec) -> None:
    rows = minutes(spec, 5, END_NS, WEEK_S)
    assert rows[-1][2] == spec.ticks(spec.start_price)
    assert rows[-1][0] == END_NS // 60_000_000_000 * 60
    assert len(rows) > 10_000
    for before, after in pairwise(rows):
        assert after[0] > before[0]
        assert after[0] % 60 == 0
        if after[0] == before[0] + 60:
            assert after[1] == before[2]
    for _, first, last, high, low, lots, tick_lots in rows:
        assert low <= min(first, last) <= max(first, last) <= high
        assert lots > 0
        assert low * lots <= tick_lots <= high * lots


def test_it_depends_on_seed_coin_and_symbol_only() -> None:
    btc = spec_named("BTC-USDT")
    assert minutes(btc, 5, END_NS, WEEK_S) == minutes(btc, 5, END_NS, WEEK_S)
    assert minutes(btc, 5, END_NS, WEEK_S) != minutes(btc, 6, END_NS, WEEK_S)
    prices = [[row[:5] for row in minutes(spec_named(s), 5, END_NS, WEEK_S)] for s in
              ("BTC-USDT", "XBTUSDTM", "ETH-USDT")]  # fmt: skip
    assert prices[0] == prices[1] != prices[2]


def test_without_a_span_there_is_no_past() -> None:
    assert minutes(SPECS[0], 5, END_NS, 0) == []
    assert len(minutes(SPECS[0], 5, END_NS, 119)) == 1


def signed(edge: Edge | None, window: int) -> tuple[list[float], list[float]]:
    """Returns of whole windows, and those in the direction of the one before."""
    span_s = 20_000 * window * 60 if window == 1 else 4_000 * window * 60
    rows = minutes(spec_named("BTC-USDT"), 5, END_NS, span_s, edge)
    closes = {row[0] + 60: row[2] for row in rows}
    ends = [at_s for at_s in closes if at_s % (window * 60) == 0]
    moves = [log(closes[after] / closes[before]) for before, after in pairwise(ends)]
    return moves, [after if before > 0 else -after for before, after in pairwise(moves)]


@pytest.mark.parametrize(
    ("text", "window", "mean"),
    [
        (None, 1, 0.0),
        ("momentum:1m:0.0004", 1, 0.0004),
        ("reversion:1m:0.0004", 1, -0.0004),
        ("momentum:5m:0.0002", 5, 0.001),
    ],
)
def test_the_past_has_the_edge_and_nothing_else(text: str | None, window: int, mean: float) -> None:
    moves, after = signed(None if text is None else parse_edge(text), window)
    error = stdev(after) / sqrt(len(after))
    assert error < 0.00005
    assert fmean(after) == pytest.approx(mean, abs=4 * error)
    if text is None:
        assert stdev(moves) * sqrt(YEAR_S / 60) == pytest.approx(0.55, rel=0.1)
