"""A market is its events: the same however time is cut, and always what its views show."""

import random
from hashlib import sha256
from itertools import pairwise
from math import log, sqrt
from statistics import fmean, stdev

import msgspec
import pytest

from liveopt.exchange_sim.book import Book
from liveopt.exchange_sim.candles import Candles
from liveopt.exchange_sim.edge import parse_edge
from liveopt.exchange_sim.events import Changed, Event, Side, Traded
from liveopt.exchange_sim.market import Candle, Conditions, Market, open_market
from liveopt.exchange_sim.specs import SPECS, Spec, spec_named

T0 = 1_760_000_000_123_456_789
SECOND_NS = 1_000_000_000
SHORT = Conditions(history_s=3600)


def market(symbol: str = "BTC-USDT", seed: int = 1, conditions: Conditions = SHORT) -> Market:
    return open_market(spec_named(symbol), seed, T0, conditions)


def bytes_of(events: list[Event]) -> str:
    return sha256(msgspec.json.encode(events)).hexdigest()


@pytest.mark.parametrize("symbol", ["BTC-USDT", "XBTUSDM"])
@pytest.mark.parametrize("cuts", range(4))
def test_any_cutting_of_time_gives_the_same_bytes(symbol: str, cuts: int) -> None:
    conditions = Conditions(history_s=3600, edge=parse_edge("momentum:1m:0.0005"))
    end_ns = T0 + 200 * SECOND_NS
    whole = market(symbol, conditions=conditions).advance(end_ns)
    luck = random.Random(cuts)
    times = sorted(T0 + luck.randrange(200 * SECOND_NS) for _ in range(10**cuts))
    pieces = market(symbol, conditions=conditions)
    events: list[Event] = []
    for at_ns in [*times, end_ns, end_ns]:
        events += pieces.advance(at_ns)
        if luck.random() < 0.1:  # looking does not touch
            pieces.mark_price()
            pieces.candles(300, 0, 2**40)
            pieces.funding_rate()
    assert len(whole) > 3_000
    assert bytes_of(events) == bytes_of(whole)


def test_seeds_make_different_markets_and_the_same_seed_the_same() -> None:
    hashes = [bytes_of(market(seed=seed).advance(T0 + 20 * SECOND_NS)) for seed in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.symbol)
def test_a_market_opens_with_a_tape_a_full_book_and_a_past(spec: Spec) -> None:
    opened = open_market(spec, 7, T0, Conditions())
    assert len(opened.tape) >= 100
    assert opened.now_ns == T0
    assert len(opened.levels("buy", 100)) >= 50
    assert len(opened.levels("sell", 100)) >= 50
    rows = opened.candles(60, 0, 2**40)
    assert rows[0][0] <= T0 // SECOND_NS - 7 * 86_400 + 60
    assert rows[-1][0] >= T0 // SECOND_NS - 120
    for before, after in pairwise(rows):
        assert abs(after[1] / before[2] - 1.0) < 0.003  # no jump where the past meets the present
    assert opened.candles(604_800, 0, 2**40)


def test_the_events_rebuild_the_book_and_its_sequence_has_no_holes() -> None:
    opened = market()
    shown: dict[tuple[str, int], int] = {}
    for side in ("buy", "sell"):
        whole: Side = "buy" if side == "buy" else "sell"
        shown.update({(side, ticks): lots for ticks, lots in opened.levels(whole, 10_000)})
    last = opened.book_sequence
    for event in opened.advance(T0 + 60 * SECOND_NS):
        if isinstance(event, Changed):
            assert event.sequence == last + 1
            last = event.sequence
            shown[event.side, event.ticks] = event.lots
    assert opened.book_sequence == last
    rebuilt = {key: lots for key, lots in shown.items() if lots}
    assert rebuilt == {
        **{("buy", ticks): lots for ticks, lots in opened.levels("buy", 10_000)},
        **{("sell", ticks): lots for ticks, lots in opened.levels("sell", 10_000)},
    }


def test_trade_numbers_look_like_those_of_the_venue_and_grow() -> None:
    for symbol, low in (("BTC-USDT", 2**53), ("XBTUSDTM", 1_730_000_000_000)):
        tape = market(symbol).tape
        numbers = [trade.sequence for trade in tape]
        assert numbers == sorted(set(numbers))
        assert numbers[0] > low
        assert numbers != list(range(numbers[0], numbers[0] + len(numbers)))
    assert {len(trade.taker_id) for trade in market("BTC-USDT").tape} == {24}
    assert {len(trade.maker_id) for trade in market("XBTUSDTM").tape} == {18}


def test_candles_are_the_fold_of_the_tape() -> None:
    opened = market("KCS-USDT", conditions=Conditions(history_s=0))
    trades = list(opened.tape)
    assert len(trades) < 1_000, "the tape still holds all of them"
    for step in range(1, 7):
        trades += [
            event
            for event in opened.advance(T0 + step * 150 * SECOND_NS)
            if isinstance(event, Traded)
        ]
        for interval_s in (60, 300, 900, 86_400):
            assert opened.candles(interval_s, 0, 2**40) == brute(opened.spec, trades, interval_s)
    assert len(opened.tape) == 1_000
    assert list(opened.tape) == trades[-1_000:]


def brute(spec: Spec, trades: list[Traded], interval_s: int) -> list[Candle]:
    groups: dict[int, list[Traded]] = {}
    for trade in trades:
        at_s = trade.at_ns // SECOND_NS
        groups.setdefault(at_s - at_s % interval_s, []).append(trade)
    rows: list[Candle] = []
    for start_s, inside in groups.items():
        prices = [trade.ticks for trade in inside]
        lots = sum(trade.lots for trade in inside)
        turnover = spec.turnover(sum(trade.ticks * trade.lots for trade in inside), lots)
        rows.append((start_s, prices[0], prices[-1], max(prices), min(prices), lots, turnover))
    return rows


def test_a_market_order_trades_at_once_and_what_it_cannot_get_is_gone() -> None:
    opened = market()
    best = opened.levels("sell", 1)[0]
    events = opened.submit("me", "buy", best[1] + 1, None)
    mine = [event for event in events if isinstance(event, Traded)]
    assert all(trade.taker_id == "me" and trade.at_ns == T0 for trade in mine)
    assert sum(trade.lots for trade in mine) == best[1] + 1
    assert opened.tape[-1] == mine[-1]
    assert opened.last_ticks() == mine[-1].ticks
    assert opened.candles(60, T0 // SECOND_NS - 60, 2**40)[-1][2] == mine[-1].ticks
    everything = opened.fillable("buy", None)
    events = opened.submit("all", "buy", everything + 5, None)
    assert sum(event.lots for event in events if isinstance(event, Traded)) == everything
    assert opened.resting("all") == 0
    assert opened.levels("sell", 5) == []


@pytest.mark.parametrize(
    ("rest", "post_only", "away", "traded", "rests"),
    [
        (True, False, 0, True, True),
        (False, False, 0, True, False),
        (True, True, 0, False, False),
        (True, True, -1, False, True),
        (True, False, -1, False, True),
        (False, False, -1, False, False),
    ],
)
def test_what_becomes_of_a_limit_order_at_the_touch_or_one_tick_away(
    rest: bool, post_only: bool, away: int, traded: bool, rests: bool
) -> None:
    opened = market()
    ticks, lots = opened.levels("sell", 1)[0]
    events = opened.submit("me", "buy", lots + 10, ticks + away, rest=rest, post_only=post_only)
    assert any(isinstance(event, Traded) for event in events) == traded
    assert opened.resting("me") == (0 if not rests else 10 if traded else lots + 10)
    assert bool(events) == (traded or rests)


def test_a_cancel_takes_out_what_rests_and_says_how_much() -> None:
    opened = market()
    price = opened.levels("buy", 40)[-1][0]
    opened.submit("me", "buy", 100, price)
    removed, events = opened.cancel("me", 30)
    assert (removed, opened.resting("me"), len(events)) == (30, 70, 1)
    assert opened.cancel("me")[0] == 70
    assert opened.cancel("me") == (0, [])


def test_the_flow_fills_a_resting_client_in_turn() -> None:
    opened = market()
    ticks, ahead = opened.levels("buy", 1)[0]
    opened.submit("me", "buy", 1_000_000, ticks)
    filled = 0
    for event in opened.advance(T0 + 300 * SECOND_NS):
        if isinstance(event, Traded) and event.maker_id == "me":
            assert (event.side, event.ticks) == ("sell", ticks)
            filled += event.lots
    assert ahead > 0
    assert filled == 1_000_000
    assert opened.resting("me") == 0


@pytest.mark.parametrize("symbol", ["BTC-USDT", "XBTUSDTM", "XBTUSDM"])
def test_index_mark_and_last_stay_together(symbol: str) -> None:
    opened = market(symbol)
    for step in range(1, 60):
        opened.advance(T0 + step * 10 * SECOND_NS)
        last = opened.spec.price(opened.last_ticks())
        assert opened.mark_price() == pytest.approx(last, rel=0.003)
        assert opened.index_price() == pytest.approx(last, rel=0.003)


class Still:
    """A market in which nothing happens, with a premium of our choice."""

    def __init__(self, premium: float) -> None:
        self.next_ns = 2**63 - 1
        self._premium = premium

    def open(self, book: Book, at_ns: int) -> None:
        book.add(1, "buy", 990, 5)
        book.add(2, "sell", 1_020, 5)

    def act(self, book: Book) -> None:
        raise AssertionError("nothing is due")

    def index(self, at_ns: int) -> float:
        return 100.0

    def premium(self) -> float:
        return self._premium

    def regime(self, at_ns: int) -> str:
        return "still"

    def force(self, regime: str | None, at_ns: int) -> None:
        raise AssertionError("nothing to force")


@pytest.mark.parametrize(
    ("premium", "rate"),
    [
        (0.0, 0.0001),
        (0.0005, 0.0001),
        (0.001, 0.0005),
        (-0.001, -0.0005),
        (0.1, 0.003),
        (-0.1, -0.003),
    ],
)
def test_funding_is_the_interest_near_the_index_and_follows_the_premium_away_from_it(
    premium: float, rate: float
) -> None:
    still = Market(spec_named("XBTUSDTM"), Still(premium), T0, Candles())
    assert still.funding_rate() == pytest.approx(rate)
    assert still.next_funding_ns() % (8 * 3600 * SECOND_NS) == 0
    assert 0 < still.next_funding_ns() - T0 <= 8 * 3600 * SECOND_NS


def test_the_mark_is_the_middle_of_index_book_and_last_trade() -> None:
    still = Market(spec_named("XBTUSDTM"), Still(0.0), T0, Candles())
    assert still.last_ticks() == 1_000
    left = (still.next_funding_ns() - T0) / (8 * 3600 * SECOND_NS)
    assert still.mark_price() == pytest.approx(100.0 * (1 + 0.0001 * left))
    still.submit("me", "buy", 1, None)
    assert still.last_ticks() == 1_020
    assert still.mark_price() == pytest.approx(100.5)
    still.submit("me", "sell", 5, None)
    assert still.mark_price() == pytest.approx(99.0)  # no bid is left, so there is no middle


def test_volatility_scales_the_past_and_the_present() -> None:
    spreads = []
    for factor in (1.0, 4.0):
        opened = market("KCS-USDT", conditions=Conditions(1.0, "normal", None, 86_400, factor))
        opened.advance(T0 + 2 * 3600 * SECOND_NS)
        rows = opened.candles(60, 0, 2**40)
        now_s = T0 // SECOND_NS
        parts = [r for r in rows if r[0] < now_s - 600], [r for r in rows if r[0] > now_s]
        spreads += [stdev([log(row[2] / row[1]) for row in part]) for part in parts]
    assert 3 < spreads[2] / spreads[0] < 5
    assert 3 < spreads[3] / spreads[1] < 5


def test_a_forced_mood_is_shown_and_felt() -> None:
    opened = market("SOL-USDT")
    opened.force("crash")
    before = opened.last_ticks()
    opened.advance(T0 + 1_200 * SECOND_NS)
    assert opened.regime == "crash"
    assert opened.last_ticks() < 0.98 * before
    with pytest.raises(ValueError, match="no regime 'boom'"):
        opened.force("boom")
    assert market(conditions=Conditions(regime="quiet", history_s=0)).regime == "quiet"


@pytest.mark.parametrize(("edge", "mean"), [(None, 0.0), ("momentum:1m:0.001", 0.001)])
def test_the_edge_is_in_the_traded_prices_and_without_it_there_is_none(
    edge: str | None, mean: float
) -> None:
    planted = None if edge is None else parse_edge(edge)
    opened = market("KCS-USDT", conditions=Conditions(1.0, "normal", planted, history_s=0))
    opened.advance(T0 + 6 * 3600 * SECOND_NS)
    closes = [row[2] for row in opened.candles(60, 0, 2**40)]
    moves = [log(after / before) for before, after in pairwise(closes)]
    signed = [after if before > 0 else -after for before, after in pairwise(moves)]
    error = stdev(signed) / sqrt(len(signed))
    assert error < 0.00006
    # A trade of this quiet pair is on average some seconds old: a little of a minute's move is
    # seen in the next one, and the bounce between bid and ask takes a little away.
    assert fmean(signed) == pytest.approx(mean, abs=4 * error + 0.03 * mean)


def test_time_does_not_go_back() -> None:
    with pytest.raises(AssertionError):
        market("KCS-USDT").advance(T0 - 1)
