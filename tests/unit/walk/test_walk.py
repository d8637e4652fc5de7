"""One short function per event: what each of them does to the market and the run."""

from typing import Any

import msgspec
import pytest

from liveopt.core.bars import MINUTE_NS, SECOND_NS
from liveopt.core.events import Bar, Candle, Disagreement, FeedState, Hole, Late, Refused, Tick
from liveopt.walk.events import Deed, Explained, Funding, Noted, Time
from liveopt.walk.image import image
from liveopt.walk.records import (
    DECISIONS,
    Act,
    Break,
    Entered,
    GateExplained,
    Refusal,
    Standing,
    Trade,
)
from liveopt.walk.walk import walk
from tests.run import START_NS, SYMBOL, Folded, begin, folded, opening, ticks, variant

ONE = [variant("one")]
MARKET = ticks(400, step_s=20.0)


def test_a_tick_of_another_market_is_nothing() -> None:
    run = folded([*opening(ONE), *MARKET[:30]])
    before = (run.state.at_ns, run.state.markets[SYMBOL].ticks)
    run.take([Tick(MARKET[40].at_ns, 1.0, 1.0, "ETHUSDTM"), Hole("ETHUSDTM", 1, 2, "lost")])
    run.take([Candle("ETHUSDTM", MINUTE_NS, Bar(START_NS, 1.0, 1.0, 1.0, 1.0, 1.0))])
    run.take([Funding(1, "ETHUSDTM", 0.1)])
    assert (run.state.at_ns, run.state.markets[SYMBOL].ticks) == before


def test_a_signal_bar_that_a_tick_ends_is_read_before_the_tick_fills() -> None:
    """Who orders at the close is filled at the price after it."""
    run = folded([*opening(ONE), *MARKET])
    entered: list[Any] = run.of(Entered)
    assert len(entered) > 5
    prices = {tick.at_ns: tick.price for tick in MARKET}
    for entry in entered:
        assert entry.at_ns % MINUTE_NS < 20 * SECOND_NS
        assert entry.price == pytest.approx(prices[entry.at_ns], rel=3e-4)


def test_a_late_tick_trades_nothing_and_changes_no_bar() -> None:
    run = folded([*opening(ONE), *MARKET[:300]])
    same = folded([*opening(ONE), *MARKET[:150]])
    late = msgspec.structs.replace(MARKET[100], price=1.0)
    same.take([late, Late(late), *MARKET[150:300]])
    assert same.outs == run.outs
    assert same.state.markets[SYMBOL].builder.late == 1


def test_time_closes_bars_where_nothing_trades() -> None:
    run = folded([*opening(ONE), *MARKET[:30]])
    bars = run.state.markets[SYMBOL].bars
    now_ns = MARKET[29].at_ns + 5 * MINUTE_NS
    run.take([Time(now_ns, SYMBOL)])
    assert run.state.markets[SYMBOL].bars == bars + 5
    assert run.state.at_ns == now_ns
    assert [s.at_ns for s in run.of(Standing)][-1] <= now_ns  # type: ignore[attr-defined]
    since = len(run.outs)
    run.take([Time(now_ns - MINUTE_NS, SYMBOL)])
    assert run.state.at_ns == now_ns
    assert len(run.outs) == since


def test_a_long_silence_is_a_break_and_no_flat_bars() -> None:
    run = folded([*opening(ONE), *MARKET[:30]])
    bars = run.state.markets[SYMBOL].bars
    after = msgspec.structs.replace(MARKET[30], at_ns=MARKET[29].at_ns + 3 * 24 * 60 * MINUTE_NS)
    run.take([after])
    (gap,) = run.of(Break)
    assert run.state.markets[SYMBOL].bars == bars + 1
    assert gap.to_ns - gap.from_ns > 2 * 24 * 60 * MINUTE_NS  # type: ignore[attr-defined]


def test_a_hole_is_told_with_its_reason() -> None:
    run = folded([*opening(ONE), *MARKET[:30], Hole(SYMBOL, 5, 9, "the socket was cut")])
    assert run.of(Break) == [Break(MARKET[29].at_ns, SYMBOL, 5, 9, "the socket was cut")]


def test_what_the_feed_says_of_itself_changes_nothing() -> None:
    run = folded([*opening(ONE), *MARKET[:30]])
    before = len(run.outs)
    run.take([
        FeedState(1, "t", "stale", 5), Disagreement(SYMBOL, MINUTE_NS, None, None),
        Refused(1, "t", "no"), Late(MARKET[0]),
    ])  # fmt: skip
    assert len(run.outs) == before


def test_who_moved_the_gate_is_told() -> None:
    run = folded([*opening(ONE), Explained(1, 4, "the market is mad", "ann")])
    assert run.of(GateExplained) == [GateExplained(START_NS, 4, "the market is mad", "ann")]


def test_acts_are_told_in_their_order_and_nothing_follows_from_them() -> None:
    acts = (Deed("POST /api/session", "nobody", "", 5), Deed("keys create", "cli", "key 1a", 4))
    run = folded([*opening(ONE), *MARKET[:200], Noted(7, acts), *MARKET[200:]])
    plain = folded([*opening(ONE), *MARKET])
    at_ns = MARKET[199].at_ns
    told = [
        (DECISIONS, Act(at_ns, "POST /api/session", "nobody", "", 5)),
        (DECISIONS, Act(at_ns, "keys create", "cli", "key 1a", 4)),
    ]
    place = run.outs.index(told[0])
    assert run.outs[place : place + 2] == told
    assert [*run.outs[:place], *run.outs[place + 2 :]] == plain.outs
    plain.state.events += 1
    assert image(run.state) == image(plain.state)


def test_funding_is_settled_once_with_the_next_tick() -> None:
    def paid(*extra: Funding) -> list[Any]:
        run = folded([*opening(ONE), *MARKET[:100]])
        assert run.state.positions()
        return run.take([*extra, *MARKET[100:]]).of(Trade)

    plain = paid()
    once = paid(Funding(1, SYMBOL, 1e-3))
    twice = paid(Funding(1, SYMBOL, 4e-4), Funding(2, SYMBOL, 6e-4))
    assert {t.funding for t in plain} == {0.0}
    owed = [t for t in once if t.funding]
    assert owed
    for trade in owed:
        assert abs(trade.funding) == pytest.approx(1e-3 * trade.size * trade.entry_price, rel=0.05)
        assert (trade.funding > 0.0) == (trade.side == "long")
    assert [t.funding for t in twice] == pytest.approx([t.funding for t in once], rel=0.01)


def test_settlements_that_wait_are_settled_one_a_tick() -> None:
    """Each is a rate that a tick takes; their sum need not be."""
    run = folded([*opening(ONE), *MARKET[:100]])
    run.take([Funding(n, SYMBOL, 0.06) for n in (1, 2, 3)])
    for left in (2, 1, 0, 0):
        run.take([MARKET[100 + 3 - left]] if left else [MARKET[103]])
        assert len(run.state.markets[SYMBOL].funding) == left


@pytest.mark.parametrize("rate", [0.1, -0.1, 7.0, float("inf"), float("nan")])
def test_a_rate_that_no_tick_could_take_is_refused(rate: float) -> None:
    run = folded([*opening(ONE), *MARKET[:100]])
    since = len(run.outs)
    run.take([Funding(1, SYMBOL, rate), MARKET[100]])
    refused = [r for _, r in run.outs[since:] if isinstance(r, Refusal)]
    assert [r.variant for r in refused] == [SYMBOL]
    assert run.state.markets[SYMBOL].ticks == 101


def test_a_run_begins_once() -> None:
    run = Folded().take([begin()])
    with pytest.raises(AssertionError, match="begins once"):
        walk(run.state, begin())


def test_a_late_candle_is_nothing() -> None:
    bar = Bar(START_NS, 5.0, 6.0, 4.0, 5.5, 1.0)
    first = Candle(SYMBOL, MINUTE_NS, bar)
    run = folded([*opening(ONE), first])
    assert run.state.markets[SYMBOL].bars == 1
    run.take([first])
    market = run.state.markets[SYMBOL]
    assert (market.bars, market.ticks, market.builder.late) == (1, 1, 1)
