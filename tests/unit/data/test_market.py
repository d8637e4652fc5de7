"""The made market looks like one, and a seed always makes the same."""

import numpy as np
import pytest

from liveopt.core.bars import MINUTE_NS, Bars, check, infer_interval_ns
from liveopt.data.market import synthetic_bars

START_NS = 1_704_067_200 * 10**9


@pytest.fixture(scope="module")
def market() -> Bars:
    return synthetic_bars(100_000, 7, MINUTE_NS, START_NS)


def test_the_bars_pass_the_door(market: Bars) -> None:
    check(market)
    assert len(market) == 100_000
    assert market.at_ns[0] == START_NS
    assert infer_interval_ns(market) == MINUTE_NS


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_the_shortest_markets_pass_too(rows: int) -> None:
    bars = synthetic_bars(rows, 7, MINUTE_NS, START_NS)
    check(bars)
    assert len(bars) == rows


def test_a_seed_always_makes_the_same_market(market: Bars) -> None:
    again = synthetic_bars(100_000, 7, MINUTE_NS, START_NS)
    for ours, theirs in zip(market.floats(), again.floats(), strict=True):
        assert np.array_equal(ours, theirs)


def test_another_seed_makes_another_market(market: Bars) -> None:
    other = synthetic_bars(100_000, 8, MINUTE_NS, START_NS)
    assert not np.allclose(market.close, other.close, rtol=0.001)


def test_a_longer_market_begins_with_the_shorter(market: Bars) -> None:
    short = synthetic_bars(1_234, 7, MINUTE_NS, START_NS)
    for ours, theirs in zip(market.part(0, 1_234).floats(), short.floats(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_bar_opens_at_the_previous_close_but_for_small_gaps(market: Bars) -> None:
    jump = market.open[1:] / market.close[:-1] - 1.0
    assert 0.005 < np.mean(jump != 0.0) < 0.02
    assert np.abs(jump).max() < 0.05


def test_returns_have_heavy_tails_and_volatility_comes_in_clusters(market: Bars) -> None:
    moves = np.diff(np.log(market.close))
    size = np.abs(moves)
    assert np.mean(moves**4) / np.mean(moves**2) ** 2 > 6.0
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1
    assert abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.05


def test_volume_follows_volatility(market: Bars) -> None:
    moves = np.abs(np.diff(np.log(market.close)))
    assert np.corrcoef(moves, market.volume[1:])[0, 1] > 0.3


def test_longer_bars_move_more() -> None:
    hours = synthetic_bars(20_000, 7, 60 * MINUTE_NS, START_NS)
    minutes = synthetic_bars(20_000, 7, MINUTE_NS, START_NS)
    ratio = np.diff(np.log(hours.close)).std() / np.diff(np.log(minutes.close)).std()
    assert ratio == pytest.approx(60**0.5, rel=0.1)
