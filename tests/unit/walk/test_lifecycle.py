"""Who may do what, when, and what is said of it."""

from typing import Any

import msgspec
import pytest

from liveopt.core.bars import MINUTE_NS
from liveopt.core.instrument import Instrument
from liveopt.core.strategy import BadKnobs
from liveopt.walk.events import (
    Add,
    Begun,
    Halt,
    Listed,
    Pause,
    Reopen,
    Resume,
    Retire,
    Strayed,
    Target,
)
from liveopt.walk.group import unfit
from liveopt.walk.image import image, restored
from liveopt.walk.records import (
    Entered,
    Halted,
    Refusal,
    Reopened,
    Standing,
    Trade,
    VariantPaused,
    VariantResumed,
    VariantStarted,
    VariantStopped,
)
from liveopt.walk.variant import Variant
from tests.run import (
    INSTRUMENT,
    START_NS,
    SYMBOL,
    TERMS,
    Folded,
    begin,
    folded,
    opening,
    strategies,
    ticks,
    variant,
    variants,
)

MARKET = ticks(500, step_s=20.0)
CALM = [variant(f"c{n}", fraction=0.01, leverage=2.0, stop=0.5, take=0.5) for n in range(6)]
IDS = [v.id for v in CALM]


def running(more: int = 60, terms: Any = TERMS) -> Folded:
    return folded([*opening(CALM, terms), *MARKET[:more]])


def entries(run: Folded, name: str) -> list[Any]:
    return [e for e in run.of(Entered) if e.variant == name]  # type: ignore[attr-defined]


def said(run: Folded, since: int) -> list[Any]:
    return [record for _, record in run.outs[since:]]


def test_who_is_paused_opens_nothing_keeps_its_exits_and_goes_on_when_resumed() -> None:
    run = running()
    while not run.state.positions():
        run.take([MARKET[run.state.events - 3]])
    run.take([Pause(1, ("c0",), "me", "lunch")])
    assert said(run, -1) == [VariantPaused(run.state.at_ns, "c0", "me", "lunch")]
    before = len(entries(run, "c0"))
    run.take(MARKET[120:320])
    assert len(entries(run, "c0")) == before < len(entries(run, "c1"))
    found = run.state.find("c0")
    assert found is not None
    assert found[1].batch.cell("a_side")[found[2]] == 0.0
    run.take([Resume(1, ("c0",), "me")])
    assert said(run, -1) == [VariantResumed(run.state.at_ns, "c0", "me", "")]
    run.take(MARKET[320:])
    assert len(entries(run, "c0")) > before


def test_who_is_retired_is_closed_with_the_next_tick_and_gives_its_place() -> None:
    terms = msgspec.structs.replace(TERMS, variants_max=6)
    run, at = running(60, terms), 60
    run.take([Add(1, (variant("next"),), "me"), MARKET[at]])
    at += 1
    while not run.state.positions() or run.state.find("c0")[1].positions() < 6:  # type: ignore[index]
        run.take([MARKET[at]])
        at += 1
    since = len(run.outs)
    run.take([Retire(1, ("c0",), "me", "enough")])
    (stopped,) = said(run, since)
    assert (stopped.variant, stopped.reason, stopped.by) == ("c0", "enough", "me")
    run.take([MARKET[at]])
    (trade,) = [t for t in said(run, since) if isinstance(t, Trade) and t.variant == "c0"]
    assert trade.reason == "enough"
    assert run.state.running() == 5
    run.take(MARKET[at + 1 : at + 8])
    assert [s.variant for s in said(run, since) if isinstance(s, VariantStarted)] == ["next"]
    assert run.state.running() == 6


@pytest.mark.parametrize(
    ("first", "then", "why"),
    [
        (None, Pause(1, ("nobody",), "me"), "there is no such variant"),
        (None, Retire(1, ("nobody",), "me"), "there is no such variant"),
        (None, Resume(1, ("c0",), "me"), "it is active"),
        (Pause(1, ("c0",), "me"), Pause(1, ("c0",), "me"), "it is paused"),
        (Retire(1, ("c0",), "me"), Pause(1, ("c0",), "me"), "it is retired"),
        (Retire(1, ("c0",), "me"), Resume(1, ("c0",), "me"), "it is retired"),
        (Retire(1, ("c0",), "me"), Retire(1, ("c0",), "me"), "it is retired"),
        (Strayed(1, "c0", "slow_hang"), Retire(1, ("c0",), "me"), "it is stopped"),
        (Strayed(1, "c0", "slow_hang"), Strayed(1, "c0", "slow_hang"), "it is stopped"),
        (None, Retire(1, ("main",), "me"), "the champion is replaced, not retired"),
        (Add(1, (variant("late"),), "me"), Pause(1, ("late",), "me"), "it waits"),
        (None, Add(1, (CALM[0],), "me"), "there is or was one of this name"),
        (None, Add(1, (variant("main"),), "me"), "there is or was one of this name"),
        (Add(1, (variant("late"),), "me"), Add(1, (variant("late"),), "me"), "one of this name"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    first: Any, then: Any, why: str
) -> None:
    run = running()
    run.take([first] if first else [])
    since = len(run.outs)
    run.take([then])
    (refusal,) = said(run, since)
    assert isinstance(refusal, Refusal)
    assert why in refusal.why
    counted = run.state.running()
    run.take(MARKET[60:80])
    assert run.state.running() == counted + (first is not None and isinstance(first, Add))


def test_a_command_does_to_each_what_it_can() -> None:
    run = running()
    since = len(run.outs)
    run.take([Retire(1, ("c0", "nobody", "c0", "c1"), "me")])
    kinds = [(type(r), r.variant) for r in said(run, since)]
    assert kinds == [
        (VariantStopped, "c0"), (Refusal, "nobody"), (Refusal, "c0"), (VariantStopped, "c1"),
    ]  # fmt: skip


# the door -------------------------------------------------------------------------------------


def wrong(**changed: float | str) -> Variant:
    plain = variant("wrong")
    return msgspec.structs.replace(plain, parameters=plain.parameters | changed)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (msgspec.structs.replace(variant("wrong"), symbol="ETHUSDTM"), "no market ETHUSDTM"),
        (msgspec.structs.replace(variant("wrong"), strategy="sparkle"), "no strategy sparkle"),
        (wrong(fast=30.0), "fast < slow"),
        (wrong(sparkle=1.0), "no parameter sparkle"),
        (wrong(leverage=99.0, maintenance=0.0), "no parameter maintenance"),
        (Variant("wrong", "ma_crossover", SYMBOL, {"fast": 2.0}), "lacks"),
        (Variant("wrong", "mine", SYMBOL, {"stop": "wide"}, lane="slow"), "stop is a number"),
    ],
)
def test_who_could_not_begin_is_refused_at_the_door(bad: Variant, why: str) -> None:
    """Or the fold would end there, at every start anew: the event is in the journal for good."""
    run = running()
    since = len(run.outs)
    run.take([Add(1, (variant("a"), bad, variant("b")), "me"), *MARKET[60:62]])
    refusals = [r for r in said(run, since) if isinstance(r, Refusal)]
    assert [r.variant for r in refusals] == ["wrong"]
    assert why in refusals[0].why
    assert [r.variant for r in said(run, since) if isinstance(r, VariantStarted)] == ["a", "b"]


def test_what_a_market_does_not_offer_is_refused_at_the_door() -> None:
    spot = Instrument("spot", tick=0.1, lot=0.001)
    levered = variant("levered", leverage=10.0)
    plain = variant("plain", leverage=1.0)
    found = unfit([levered, plain], strategies(), spot, TERMS)
    assert found.keys() == {"levered"}
    assert "no leverage" in found["levered"]
    tight = Instrument("perpetual", maintenance=0.05)
    assert unfit([variant("v", leverage=25.0)], strategies(), tight, TERMS).keys() == {"v"}
    with pytest.raises(BadKnobs):
        folded([begin(instrument=spot)])


# waiting --------------------------------------------------------------------------------------


def test_more_than_fit_wait_and_nobody_overtakes_them() -> None:
    terms = msgspec.structs.replace(TERMS, variants_max=4)
    run = running(30, terms)
    assert run.state.running() == 4
    assert [v.id for v in run.state.waiting] == ["c4", "c5"]
    run.take([Retire(1, ("c0", "c1"), "me"), Add(1, (variant("late"),), "me"), *MARKET[30:40]])
    assert run.state.running() == 4
    assert [s.variant for s in run.of(VariantStarted)][1:] == [*IDS]  # type: ignore[attr-defined]
    assert [v.id for v in run.state.waiting] == ["late"]


def test_the_weakest_who_hold_nothing_make_room_in_turn() -> None:
    terms = msgspec.structs.replace(TERMS, variants_max=10, rotate_bars=10)
    people = variants(14, reckless=0.0)
    run = folded([*opening(people, terms), *MARKET[:3]])
    at = 3
    rotated: list[Any] = []
    equity: dict[str, float] = {}
    while not rotated:
        equity = {
            seat.variant.id: float(group.batch.cell("p_equity")[place])
            for _, group in run.state.groups()
            if not group.champion
            for place, seat in enumerate(group.seats)
            if group.batch.cell("a_side")[place] == 0.0
        }
        since = len(run.outs)
        run.take([MARKET[at]])
        at += 1
        rotated = [r for r in said(run, since) if isinstance(r, VariantStopped)]
    assert [r.reason for r in rotated] == ["rotated"]
    assert rotated[0].by == "rotation"
    assert rotated[0].equity == min(equity.values())
    assert run.state.markets[SYMBOL].bars == 10
    run.take(MARKET[at : at + 1])
    assert run.state.running() == 10
    assert len(run.state.waiting) == 3
    run.take(MARKET[at + 1 :])
    assert len(run.of(VariantStarted)) == 1 + len(people)
    assert run.state.running() <= 10


def two_markets(terms: Any) -> tuple[list[Any], list[Any]]:
    """The first events of a run of two symbols, and both their markets, tick by tick."""
    other = "ETHUSDTM"
    champion = msgspec.structs.replace(variant("main2"), symbol=other)
    first = begin(terms)
    listed = (*first.listed, Listed(other, INSTRUMENT, champion))
    theirs = [msgspec.structs.replace(tick, symbol=other) for tick in MARKET]
    both = [tick for pair in zip(MARKET, theirs, strict=True) for tick in pair]
    return [msgspec.structs.replace(first, listed=listed)], both


def test_each_market_has_places_of_its_own() -> None:
    """Whoever waits for one market takes no place of the other, and is evicted for nobody there."""
    terms = msgspec.structs.replace(TERMS, variants_max=6, rotate_bars=10)
    opening_events, market = two_markets(terms)
    mine = variants(6, reckless=0.0)
    theirs = [
        msgspec.structs.replace(v, id=f"e{v.id}", symbol="ETHUSDTM")
        for v in variants(9, reckless=0.0)
    ]
    run = folded([*opening_events, Add(1, (*theirs, *mine), "me"), *market[:2]])
    assert [m.running() for m in run.state.markets.values()] == [6, 6]
    assert [s.id for s in run.state.waiting] == ["ev006", "ev007", "ev008"]
    run.take(market[2:])
    stopped: list[Any] = [s for s in run.of(VariantStopped) if s.reason == "rotated"]  # type: ignore[attr-defined]
    assert stopped
    assert all(s.variant.startswith("e") for s in stopped)
    assert run.state.markets[SYMBOL].running() == 6
    late = variant("late")
    run.take([Retire(1, ("v000",), "me"), Add(1, (late,), "me"), market[-2]])
    assert run.state.find("late") is not None


def test_a_name_is_used_once_whoever_else_has_left() -> None:
    """The books are kept by name: what a dead one has earned is not a newcomer's."""
    many = variants(160, seed=5, reckless=0.0)
    gone = tuple(v.id for v in many[10:])
    run = folded([*opening(many), *MARKET[:60], Retire(1, gone, "me"), *MARKET[60:80]])
    assert run.state.find(gone[0]) is None
    for again in (run, Folded(restored(image(run.state), strategies()))):
        since = len(again.outs)
        again.take([Add(1, (many[10],), "me")])
        (refusal,) = said(again, since)
        assert "was one of this name" in refusal.why


# limits ---------------------------------------------------------------------------------------


def limited(loss: float, drawdown: float) -> list[Any]:
    terms = msgspec.structs.replace(TERMS, loss_limit=loss, drawdown_limit=drawdown)
    people = variants(16, reckless=0.6)
    run = folded([*opening(people, terms), *ticks(1_200, step_s=20.0)])
    for stopped in run.of(VariantStopped):
        name, at_ns = stopped.variant, stopped.at_ns  # type: ignore[attr-defined]
        later = [e for e in entries(run, name) if e.at_ns > at_ns]
        assert later == []
        found = run.state.find(name)
        assert found is None or found[1].batch.cell("a_side")[found[2]] == 0.0
    return run.of(VariantStopped)


def test_a_loss_of_five_percent_stops() -> None:
    found = limited(0.05, 1.0)
    assert {s.reason for s in found} == {"safety_loss_limit"}
    assert len(found) > 2


def test_a_drawdown_of_ten_percent_stops() -> None:
    found = limited(1.0, 0.10)
    assert {s.reason for s in found} == {"safety_drawdown_limit"}
    assert len(found) > 2


@pytest.mark.parametrize("cell", ["a_cash", "p_equity"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_who_is_no_number_any_more_is_stopped_and_does_not_spoil_the_standing(
    cell: str, value: float
) -> None:
    run = running()
    found = run.state.find("c3")
    assert found is not None
    found[1].batch.put("a_cash", found[2], value)
    run.take(MARKET[60:100])
    (stopped,) = run.of(VariantStopped)
    assert (stopped.variant, stopped.reason) == ("c3", "not_finite")  # type: ignore[attr-defined]
    standing: Any = run.of(Standing)[-1]
    assert standing.running == 5
    assert 0.9 * TERMS.capital < standing.mean_equity < 1.1 * TERMS.capital
    assert standing.best in IDS


# the slow lane --------------------------------------------------------------------------------


def test_a_slow_variant_follows_what_it_is_told_and_only_that() -> None:
    own: dict[str, float | str] = {"fraction": 0.1, "leverage": 2.0}
    run = folded([*opening([Variant("s", "mine", SYMBOL, own, lane="slow")]), *MARKET[:30]])

    def side() -> float:
        found = run.state.find("s")
        assert found is not None
        return float(found[1].batch.cell("a_side")[found[2]])

    sides = []
    for number, word in enumerate((0, 1, 1, -1, 5, 0, -1)):
        run.take([Target(1, "s", word), Target(1, "main", -1), *MARKET[30 + 9 * number :][:9]])
        sides.append(side())
    assert sides == [0.0, 1.0, 1.0, -1.0, -1.0, 0.0, -1.0]
    run.take([Strayed(1, "s", "slow_hang"), MARKET[200]])
    assert side() == 0.0
    assert [t.reason for t in run.of(Trade) if t.variant == "s"][-1] == "slow_hang"  # type: ignore[attr-defined]
    before = len(entries(run, "s"))
    run.take([Target(1, "s", 1), *MARKET[201:220]])
    assert len(entries(run, "s")) == before


def test_the_pessimist_follows_a_slow_variants_words_one_tick_later() -> None:
    own: dict[str, float | str] = {"fraction": 0.1, "leverage": 2.0}
    run = folded([*opening([Variant("s", "mine", SYMBOL, own, lane="slow")]), *MARKET[:30]])

    def sides() -> tuple[float, float]:
        found = run.state.find("s")
        assert found is not None
        a, b = (float(found[1].batch.cell(f"{x}_side")[found[2]]) for x in "ab")
        return a, b

    run.take([Target(1, "s", 1), MARKET[30]])
    assert sides() == (1.0, 0.0)
    run.take([MARKET[31]])
    assert sides() == (1.0, 1.0)
    run.take([Target(1, "s", 0), MARKET[32]])
    assert sides() == (0.0, 1.0)
    run.take([MARKET[33]])
    assert sides() == (0.0, 0.0)


def test_a_slow_variant_is_found_again_when_the_places_of_the_dead_are_given_up() -> None:
    own: dict[str, float | str] = {"fraction": 0.1, "leverage": 2.0}
    many = [Variant(f"s{n}", "mine", SYMBOL, own, lane="slow") for n in range(130)]
    run = folded([*opening(many), *MARKET[:10], Target(1, "s129", 1), MARKET[10]])
    run.take([Retire(1, tuple(v.id for v in many[:100]), "me"), *MARKET[11:20]])
    found = run.state.find("s129")
    assert found is not None
    assert found[2] == 29
    run.take([Target(1, "s129", -1), Target(1, "s0", 1), MARKET[20]])
    assert [e.side for e in entries(run, "s129")] == ["long", "short"]
    assert entries(run, "s0") == []


def test_a_slow_variant_on_spot_is_never_short() -> None:
    spot = Instrument("spot", tick=0.1, lot=0.001)
    champion = variant("main", leverage=1.0)
    first = msgspec.structs.replace(begin(), listed=(Listed(SYMBOL, spot, champion),))
    own: dict[str, float | str] = {"fraction": 0.1, "leverage": 1.0}
    slow = Variant("s", "mine", SYMBOL, own, lane="slow")
    run = folded([first, Add(1, (slow,), "me"), Begun(START_NS), *MARKET[:10]])
    run.take([Target(1, "s", -1), *MARKET[10:20]])
    assert entries(run, "s") == []
    run.take([Target(1, "s", 1), *MARKET[20:30]])
    assert [e.side for e in entries(run, "s")] == ["long"]
    run.take([Target(1, "s", -1), *MARKET[30:40]])
    assert run.state.find("s")[1].positions() == 0  # type: ignore[index]


# the stop -------------------------------------------------------------------------------------


def test_a_flattening_halt_closes_all_and_a_reopening_frees_who_was_free() -> None:
    run = running(150)
    run.take([Pause(1, ("c1",), "me"), Halt(1, 5, "halt_and_flatten")])
    held = run.state.positions()
    since = len(run.outs)
    run.take([MARKET[150]])
    assert run.state.positions() == 0
    reasons = [t.reason for t in said(run, since) if isinstance(t, Trade)]
    assert reasons == ["emergency_stop"] * held
    run.take([Halt(1, 6, "halt")])
    assert run.state.halt == Halt(1, 6, "halt_and_flatten")
    run.take(MARKET[151:200])
    run.take([Pause(1, ("c2",), "me"), Resume(1, ("c1",), "me"), *MARKET[200:300]])
    assert not [e for e in said(run, since) if isinstance(e, Entered)]
    run.take([Reopen(1, 7), *MARKET[300:]])
    entered = {e.variant for e in said(run, since) if isinstance(e, Entered)}
    assert entered == {"main", *IDS} - {"c2"}
    assert len(run.of(Reopened)) == 3
    assert [h.running for h in run.of(Halted)] == [6] * 6  # type: ignore[attr-defined]


@pytest.mark.parametrize("kept", [False, True])
def test_who_is_to_be_flat_closes_for_that_reason_though_the_stop_is_over_before(
    kept: bool,
) -> None:
    """Between the stop and the next tick nobody can be closed; a restart changes nothing."""
    run = running(150)
    holding = {n for n in IDS if (f := run.state.find(n)) and f[1].batch.cell("a_side")[f[2]]}
    paused = min(holding)
    since = len(run.outs)
    last = (max(holding),)
    run.take([Halt(1, 5, "halt_and_flatten"), Pause(1, (paused,), "me"), Reopen(1, 6)])
    assert run.state.positions()
    run.take([Pause(1, last, "me"), Resume(1, last, "me")])
    if kept:
        run = Folded(restored(image(run.state), strategies()), run.outs)
    run.take(MARKET[150:151])
    trades = [t for t in said(run, since) if isinstance(t, Trade)]
    assert {t.variant for t in trades} - {"main"} == holding
    assert {t.reason for t in trades} == {"emergency_stop"}
    assert run.state.positions() == 0
    since = len(run.outs)
    run.take(MARKET[151:300])
    assert not [s for s in said(run, since) if isinstance(s, VariantStopped)]
    entered = {e.variant for e in said(run, since) if isinstance(e, Entered)}
    assert entered == {"main", *IDS} - {paused}
    reasons = {t.reason for t in said(run, since) if isinstance(t, Trade)}
    assert "emergency_stop" not in reasons


def test_a_reopening_without_a_halt_is_nothing() -> None:
    run = running()
    since = len(run.outs)
    run.take([Reopen(1, 7)])
    assert said(run, since) == []


def test_who_joins_during_a_halt_waits_like_all_others() -> None:
    run = running(60)
    run.take([Halt(1, 5, "halt"), Add(1, (variant("late"),), "me"), *MARKET[60:200]])
    assert entries(run, "late") == []
    assert run.state.find("late") is not None
    run.take([Reopen(1, 6), *MARKET[200:]])
    assert entries(run, "late")


@pytest.mark.parametrize("mode", ["halt", "halt_and_flatten"])
def test_a_breach_just_before_a_halt_is_still_one_after_it(mode: Any) -> None:
    people = variants(16, reckless=0.6)
    whole = folded([*opening(people), *MARKET])
    first: Any = whole.of(VariantStopped)[0]
    at = next(n for n, tick in enumerate(MARKET) if tick.at_ns >= first.at_ns)
    for cut in range(at - 3, at + 2):
        run = folded([*opening(people), *MARKET[:cut], Halt(1, 5, mode), *MARKET[cut : cut + 30]])
        run.take([Reopen(1, 6), *MARKET[cut + 30 :]])
        stops: Any = [s for s in run.of(VariantStopped) if s.variant == first.variant]  # type: ignore[attr-defined]
        assert len(stops) <= 1
        if cut >= at:
            assert [s.reason for s in stops] == [first.reason]
        for stop in stops:
            assert [e for e in entries(run, first.variant) if e.at_ns > stop.at_ns] == []


# how they stand -------------------------------------------------------------------------------


def test_a_standing_tells_runs_apart_that_differ_in_one_equity_by_one_bit() -> None:
    import numpy as np

    run, other = running(), running()
    found = other.state.find("c5")
    assert found is not None
    cash = float(found[1].batch.cell("a_cash")[found[2]])
    found[1].batch.put("a_cash", found[2], float(np.nextafter(cash, 1e9)))
    same = folded([*opening(CALM), *MARKET[:60]])
    for one in (run, other, same):
        one.take(MARKET[60:64])
    digests: list[Any] = [one.of(Standing)[-1] for one in (run, other, same)]
    assert digests[0].digest != digests[1].digest
    assert digests[0].digest == digests[2].digest
    assert digests[0].at_ns % MINUTE_NS == 0


def test_the_trades_of_those_who_left_stay_counted() -> None:
    many = variants(160, seed=5, reckless=0.0)
    gone = tuple(v.id for v in many[10:])
    run = folded([*opening(many), *MARKET[:300], Retire(1, gone, "me"), *MARKET[300:]])
    standing: Any = run.of(Standing)[-1]
    seats = sum(len(g.seats) for _, g in run.state.groups())
    assert seats < 20
    experimental = [t for t in run.of(Trade) if t.experimental]  # type: ignore[attr-defined]
    late = [t for t in experimental if t.at_ns >= standing.at_ns]  # type: ignore[attr-defined]
    assert standing.trades == len(experimental) - len(late)
    assert standing.running == 10


def test_every_variant_has_its_parameters_once_at_its_start() -> None:
    run = running()
    started: list[Any] = run.of(VariantStarted)
    assert [s.variant for s in started] == ["main", *IDS]
    assert started[1].parameters == CALM[0].parameters
    assert INSTRUMENT.market == "perpetual"
