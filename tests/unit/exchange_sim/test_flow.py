"""What the order flow promises about the book, whatever the mood."""

from itertools import pairwise
from statistics import fmean, median

import pytest

from liveopt.exchange_sim.book import Book
from liveopt.exchange_sim.events import Traded
from liveopt.exchange_sim.fair import Fair
from liveopt.exchange_sim.flow import LEVELS, LEVELS_MIN, Flow
from liveopt.exchange_sim.regimes import REGIMES
from liveopt.exchange_sim.specs import spec_named

T0 = 1_760_000_000_000_000_000
SECOND_NS = 1_000_000_000


class Run:
    """A flow over a bare book."""

    def __init__(self, symbol: str, mood: str | None = None, activity: float = 1.0) -> None:
        self.spec = spec_named(symbol)
        self.fair = Fair(self.spec, 1, T0, None)
        if mood is not None:
            self.fair.force(mood, T0)
        self.flow = Flow(self.spec, 1, T0, self.fair, activity)
        self.book = Book(symbol, (0, 0), str)
        self.flow.open(self.book, T0)

    def until(self, to_ns: int) -> None:
        while self.flow.next_ns <= to_ns:
            self.flow.act(self.book)

    def trades(self) -> list[Traded]:
        return [event for event in self.book.drain() if isinstance(event, Traded)]


def test_the_book_opens_around_the_fair_price() -> None:
    run = Run("BTC-USDT")
    bid, ask = run.book.bids.best(), run.book.asks.best()
    assert bid is not None
    assert ask is not None
    assert bid <= 600_000 < ask <= bid + 12
    assert len(run.book.bids.ranks) == len(run.book.asks.ranks) == LEVELS


@pytest.mark.parametrize("mood", REGIMES)
@pytest.mark.parametrize("symbol", ["BTC-USDT", "KCS-USDT"])
def test_both_sides_are_always_deep_and_fairly_priced(symbol: str, mood: str) -> None:
    run = Run(symbol, mood)
    for step in range(1, 600):
        run.until(T0 + step * SECOND_NS // 2)
        fair = run.fair.at(run.book.now_ns) / float(run.spec.tick)
        bid, ask = run.book.bids.best(), run.book.asks.best()
        assert bid is not None
        assert ask is not None
        assert bid <= fair < ask
        assert min(len(run.book.bids.ranks), len(run.book.asks.ranks)) >= LEVELS_MIN
        depth = [run.book.levels(side, LEVELS_MIN) for side in ("buy", "sell")]
        assert fair - depth[0][-1][0] < 0.01 * fair + 400
        assert depth[1][-1][0] - fair < 0.01 * fair + 400
    assert len(run.book.orders) < 2_000


def test_the_spread_is_one_to_a_few_ticks() -> None:
    run = Run("BTC-USDT", "normal")
    spreads = []
    for step in range(1, 3_000):
        run.until(T0 + step * SECOND_NS // 10)
        spreads.append(-run.book.asks.ranks[-1] - run.book.bids.ranks[-1])
    assert median(spreads) <= 3
    assert fmean(spreads) < 12


@pytest.mark.parametrize("symbol", ["BTC-USDT", "SOL-USDT", "XBTUSDTM"])
def test_trades_come_about_as_often_as_the_spec_says_and_activity_scales_them(symbol: str) -> None:
    promised = spec_named(symbol).trades_per_s
    run = Run(symbol, "normal")
    run.until(T0 + 600 * SECOND_NS)
    assert promised / 2 < len(run.trades()) / 600 < promised * 2
    busy = Run(symbol, "normal", activity=500.0)
    busy.until(T0 + 3 * SECOND_NS)
    assert 250 * promised < len(busy.trades()) / 3 < 1_000 * promised


def test_one_taker_sweeps_several_orders_at_one_moment() -> None:
    run = Run("BTC-USDT")
    run.until(T0 + 600 * SECOND_NS)
    takers: dict[str, list[Traded]] = {}
    for trade in run.trades():
        takers.setdefault(trade.taker_id, []).append(trade)
    swept = [trades for trades in takers.values() if len({t.ticks for t in trades}) >= 3]
    assert len(swept) > 20
    assert all(len({(t.at_ns, t.side) for t in trades}) == 1 for trades in takers.values())


def test_trades_come_in_bursts() -> None:
    run = Run("BTC-USDT", "normal")
    run.until(T0 + 1200 * SECOND_NS)
    times = sorted({trade.at_ns for trade in run.trades()})
    gaps = [after - before for before, after in pairwise(times)]
    mean = fmean(gaps)
    assert sum(gap < mean / 10 for gap in gaps) / len(gaps) > 0.2  # 0.095 without memory


def test_a_crash_is_busier_than_normal_and_quiet_is_calmer() -> None:
    counts = {}
    for mood in ("quiet", "normal", "crash"):
        run = Run("ETH-USDT", mood)
        run.until(T0 + 300 * SECOND_NS)
        counts[mood] = len(run.trades())
    assert counts["quiet"] < counts["normal"] < counts["crash"] / 2


def test_a_client_at_a_price_that_is_no_longer_fair_is_taken_in_pieces() -> None:
    run = Run("BTC-USDT", "normal")
    run.book.cancel(next(iter(run.book.orders)))
    wall = 1_000_000_000
    best = run.book.asks.best()
    assert best is not None
    price = best - 10_000
    left = run.book.take("wall", "sell", wall, price)
    run.book.add("wall", "sell", price, left)
    before = run.book.resting("wall")
    run.book.drain()
    run.until(T0 + 5 * SECOND_NS)
    taken = [trade for trade in run.trades() if trade.maker_id == "wall"]
    assert len(taken) > 20
    assert before - run.book.resting("wall") == sum(trade.lots for trade in taken)
    assert {trade.side for trade in taken} == {"buy"}


def test_a_book_emptied_by_a_client_is_filled_again() -> None:
    run = Run("SOL-USDT", "normal")
    run.until(T0 + SECOND_NS)
    assert run.book.take("client", "buy", 10**12, None) > 0
    assert run.book.take("client2", "sell", 10**12, None) > 0
    run.until(T0 + 2 * SECOND_NS)
    assert min(len(run.book.bids.ranks), len(run.book.asks.ranks)) >= LEVELS_MIN


def test_an_activity_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="an activity of 0 is not above 0"):
        Run("SOL-USDT", activity=0.0)
