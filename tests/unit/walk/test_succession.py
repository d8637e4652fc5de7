"""Who becomes champion and who goes back, on markets where it is known who is better."""

from typing import Any

import pytest
from msgspec.structs import replace

from liveopt.promotion.epoch import AGE, TOTAL
from liveopt.stats.evidence import log_mixture
from liveopt.walk.events import Add, Demote, Halt, Input, Pause, Promote, Reopen, Retire
from liveopt.walk.image import image, restored
from liveopt.walk.lines import read_record, written
from liveopt.walk.records import (
    DECISIONS,
    EXPERIMENTAL,
    TRADES,
    Entered,
    Refusal,
    Trade,
    VariantStopped,
)
from liveopt.walk.verdicts import Demoted, Looked, Promoted, SeasonEnded, Verdict, Warned
from tests.contest import GATE, QUICK, RIVALS, TICKS_A_BAR, opening, turned, waves
from tests.run import SYMBOL, Folded, folded, strategies, variant

CONSENT = replace(GATE, auto=False)
EVENTS = [*opening(), *waves(400)]
RUN = folded(EVENTS)


def champion(run: Folded) -> str:
    """Who trades as the main strategy."""
    (own,) = [g.seats[0].id for g in run.state.markets[SYMBOL].groups if g.champion]
    return own


def phase(run: Folded) -> str:
    """Where the contest stands."""
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    return contest.phase


def only(found: list[Any]) -> Any:
    """There is one."""
    (one,) = found
    return one


def test_the_better_variant_is_promoted_and_its_predecessor_runs_on() -> None:
    promoted = only(RUN.of(Promoted))
    assert (promoted.variant, promoted.predecessor) == ("quick", "main")
    assert promoted.earned
    assert champion(RUN) == "quick"
    market = RUN.state.markets[SYMBOL]
    assert market.predecessor == "main"
    assert market.running() == 3
    assert promoted.epoch == 2
    assert [v.id for v in RUN.of(Verdict) if v.holds] == [promoted.verdict]  # type: ignore[attr-defined]


def test_no_look_promotes_before_the_conditions_hold_and_each_says_what_is_missing() -> None:
    first, last = RUN.of(Verdict)[0], RUN.of(Verdict)[-1]
    assert isinstance(first, Verdict)
    assert isinstance(last, Verdict)
    assert not first.holds
    assert [c.code for c in first.conditions if not c.ok] == ["insufficient_samples"]
    assert all(c.ok for c in last.conditions)


@pytest.mark.parametrize("verdict", RUN.of(Verdict))
def test_a_verdict_can_be_computed_again_from_its_own_record(verdict: Verdict) -> None:
    again = read_record(written(verdict))
    assert again == verdict
    e = verdict.evidence
    assert e.spread == max(e.squares, (e.squares + 2.0 * e.count) / 3.0)
    assert log_mixture(e.total, e.spread, verdict.rho) == e.log_evidence
    assert e.edge == e.total / e.count
    before = [t for t in RUN.of(Trade) if t.variant == e.variant and t.at_ns <= verdict.at_ns]  # type: ignore[attr-defined]
    samples = next(c for c in verdict.conditions if c.code == "insufficient_samples")
    assert samples.has == len(before)


def test_a_promotion_changes_nobodys_trading() -> None:
    alone = folded([*opening(gate=CONSENT), *waves(400)])
    assert alone.of(Promoted) == []

    def trading(run: Folded) -> list[Any]:
        return [replace(t, experimental=True) for t in run.of(Trade)]  # type: ignore[type-var]

    assert trading(alone) == trading(RUN)


def test_a_position_is_journalled_where_it_was_opened() -> None:
    held: dict[str, str] = {}
    for journal, record in RUN.outs:
        if isinstance(record, Entered):
            assert record.variant not in held
            held[record.variant] = journal
        elif isinstance(record, Trade):
            assert held.pop(record.variant) == journal
            assert record.experimental == (journal == EXPERIMENTAL)
    journals = [j for j, r in RUN.outs if isinstance(r, Entered) and r.variant == "quick"]
    assert journals == sorted(journals)  # experimental-trades, then trades
    assert {EXPERIMENTAL, TRADES} == set(journals)


def test_without_automatic_promotion_a_verdict_waits_for_consent() -> None:
    run = folded([*opening(gate=CONSENT), *waves(400)])
    assert phase(run) == "found"
    assert champion(run) == "main"
    run.take([Promote(run.state.at_ns, "quick", "ann", "looks right")])
    promoted = only(run.of(Promoted))
    assert promoted.earned
    assert (promoted.by, promoted.why) == ("ann", "looks right")
    assert phase(run) == "cooling"


def test_a_promotion_by_hand_is_marked_as_not_earned() -> None:
    run = folded([*opening(), *waves(20), Promote(1, "late", "ann", "I like it")])
    promoted = only(run.of(Promoted))
    assert not promoted.earned
    assert promoted.verdict == ""
    assert champion(run) == "late"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nobody", "there is no such variant"),
        ("main", "it is the champion"),
        ("bold", "it is retired"),
    ],
)
def test_who_cannot_be_champion_is_refused(name: str, why: str) -> None:
    run = folded([*opening(), *waves(10), Retire(1, ("bold",), "ann"), Promote(1, name, "ann", "")])
    assert only(run.of(Refusal)).why == why
    assert champion(run) == "main"


def test_a_champion_that_proves_the_worse_makes_room_for_its_predecessor() -> None:
    run = folded([*opening(), *turned(400, 500)])
    demoted = run.of(Demoted)[0]
    assert isinstance(demoted, Demoted)
    assert (demoted.variant, demoted.restored) == ("quick", "main")
    assert demoted.earned
    assert demoted.evidence >= 1_000.0
    assert isinstance(run.of(Warned)[0], Warned)
    kinds = [type(r) for j, r in run.outs if isinstance(r, Promoted | Warned | Demoted)]
    assert kinds[:3] == [Promoted, Warned, Demoted]


def test_nobody_is_demoted_while_the_edge_holds() -> None:
    run = folded([*opening(), *waves(1_500)])
    assert run.of(Demoted) == []
    assert run.of(Warned) == []


def test_a_person_may_roll_back() -> None:
    run = folded([*EVENTS, Demote(1, SYMBOL, "ann", "too soon")])
    demoted = only(run.of(Demoted))
    assert not demoted.earned
    assert champion(run) == "main"
    assert run.state.markets[SYMBOL].predecessor == "quick"


@pytest.mark.parametrize(
    ("events", "symbol", "why"),
    [
        ([], SYMBOL, "its champion has no predecessor"),
        ([], "ETHUSDTM", "there is no such market"),
        (
            [Promote(1, "late", "a", ""), Retire(1, ("main",), "a")],
            SYMBOL,
            "it is no longer running",
        ),
    ],
)
def test_a_way_back_that_is_not_there_is_refused(
    events: list[Input], symbol: str, why: str
) -> None:
    run = folded([*opening(), *waves(10), *events, Demote(1, symbol, "ann", "")])
    assert only(run.of(Refusal)).why == why


def test_the_predecessor_is_not_rotated_away() -> None:
    waiting = [variant(f"w{n}", **QUICK) for n in range(8)]
    start = opening(variants_max=3, rotate_bars=7)
    run = folded([*start, Add(1, tuple(waiting), "start"), *waves(5)])
    run.take([Promote(1, "late", "ann", ""), *waves(200, first=5)])
    assert run.of(VariantStopped)
    assert "main" not in {r.variant for r in run.of(VariantStopped)}  # type: ignore[attr-defined]


def test_nobody_is_promoted_during_a_halt_and_what_happens_in_it_is_no_evidence() -> None:
    cut = 100 * TICKS_A_BAR
    market = waves(400)
    halted = folded([*opening(), *market[:cut], Halt(1, 1, "halt_and_flatten"), *market[cut:]])
    contest = halted.state.markets[SYMBOL].contest
    assert contest is not None
    assert contest.epoch.bar <= 100 // GATE.bars
    assert halted.of(Promoted) == []
    halted.take([Reopen(2, 2), *waves(600, seed=5, first=400)])
    assert only(halted.of(Promoted)).variant == "quick"


def test_a_change_is_followed_by_a_time_in_which_there_is_no_other() -> None:
    run = folded(opening())
    bars = waves(400)
    number = 0
    while not run.of(Promoted):
        run.take([bars[number]])
        number += 1
    assert phase(run) == "cooling"
    left = bars[number:]
    run.take(left[: GATE.cooldown * GATE.bars * TICKS_A_BAR - TICKS_A_BAR])
    assert phase(run) == "cooling"
    run.take(left[GATE.cooldown * GATE.bars * TICKS_A_BAR :][: 4 * GATE.bars * TICKS_A_BAR])
    assert phase(run) == "gathering"


@pytest.mark.parametrize("renewed", [False, True])
def test_a_season_ends_and_another_begins_if_the_terms_say_so(renewed: bool) -> None:
    gate = replace(GATE, season=20, new_seasons=renewed, trades_min=1_000)
    run = folded([*opening(gate=gate), *waves(260)])
    ended = run.of(SeasonEnded)
    assert len(ended) == (4 if renewed else 1)
    assert all(one.renewed == renewed for one in ended)  # type: ignore[attr-defined]
    assert [r.epoch for r in run.of(Looked)][-1] == (5 if renewed else 1)  # type: ignore[attr-defined]


def test_the_evidence_against_the_old_champion_ends_with_it() -> None:
    looks = [r for r in RUN.of(Looked) if isinstance(r, Looked)]
    first = next(r for r in looks if r.epoch == 2)
    assert first.bar == GATE.look_every
    assert max(r.log_evidence for look in looks if look.epoch == 2 for r in look.leaders) < 3.0


def test_those_who_come_and_go_are_counted() -> None:
    late = [variant(f"w{n}", **QUICK) for n in range(2)]
    gate = replace(GATE, trades_min=1_000)
    market = waves(200)
    run = folded([*opening(gate=gate), *market[:320], Retire(1, ("late", "bold"), "ann")])
    run.take([*market[320:400], Add(1, tuple(late), "ann"), *market[400:]])
    last = run.of(Looked)[-1]
    assert isinstance(last, Looked)
    assert (last.variants, last.admitted) == (3, 5)
    assert last.fill == pytest.approx(3 / 5)


def test_a_variant_that_is_held_back_gathers_nothing() -> None:
    gate = replace(GATE, trades_min=1_000)
    run = folded([*opening(gate=gate), *waves(60)])
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    slot = contest.epoch.names.index("quick")
    run.take([Pause(1, ("quick",), "ann"), *waves(70, first=60, seed=8)])  # and goes flat
    held = contest.epoch.sums[:, slot].copy()
    run.take(waves(40, first=130, seed=9))
    assert (contest.epoch.sums[:, slot] == held).all()
    assert held[AGE] > 0


def test_a_run_without_a_gate_has_no_looks_but_can_be_led_by_hand() -> None:
    run = folded([*opening(gate=None), *waves(50), Promote(1, "quick", "ann", "")])
    assert run.of(Looked) == []
    assert only(run.of(Promoted)).variant == "quick"
    run.take([Demote(1, SYMBOL, "ann", "")])
    assert only(run.of(Demoted)).restored == "main"


@pytest.mark.parametrize("step", [37, 101])
def test_a_run_that_is_put_down_and_taken_up_decides_the_same(step: int) -> None:
    events = [*opening(), *turned(300, 300)]
    whole = folded(events)
    cut = Folded()
    for n in range(0, len(events), step):
        cut.take(events[n : n + step])
        cut.state = restored(image(cut.state), strategies())
    assert [written(r) for _, r in cut.outs] == [written(r) for _, r in whole.outs]
    assert image(cut.state) == image(whole.state)
    assert whole.of(Promoted)


def test_decisions_are_all_in_their_journal() -> None:
    kinds = Looked | Verdict | Promoted | Demoted | Warned | SeasonEnded
    assert {j for j, r in RUN.outs if isinstance(r, kinds)} == {DECISIONS}


# What a person does is nobody's merit, and hides nobody's loss.


def evidence_bars(run: Folded, name: str) -> float:
    """For how many evidence bars one has been in the contest."""
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    return float(contest.epoch.sums[AGE, contest.epoch.names.index(name)])


def test_a_pause_ends_what_counts_only_after_the_bar_in_which_it_falls() -> None:
    gate = replace(GATE, trades_min=1_000)
    market = waves(120)
    bar = 90 * TICKS_A_BAR  # an evidence bar has just begun
    run = folded([*opening(gate=gate), *market[: bar + 1]])
    before = evidence_bars(run, "quick")
    run.take([Pause(1, ("quick",), "ann"), *market[bar + 1 : bar + 2 * TICKS_A_BAR + 1]])
    assert evidence_bars(run, "quick") == before + 1.0


def test_nobody_gains_on_a_champion_that_is_held_back() -> None:
    run = folded([*opening(gate=CONSENT), *waves(100), Pause(1, ("main",), "ann")])
    run.take(waves(70, first=100, seed=5))  # and goes flat
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    held = contest.epoch.bar
    assert held > 0
    run.take(waves(200, first=170, seed=6))
    assert contest.epoch.bar == held


def test_the_contest_begins_when_the_champion_is_warm() -> None:
    run = folded([*opening(), *waves(60)])
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    assert contest.epoch.bar == 0


def test_a_paused_variant_is_not_promoted() -> None:
    promoted = only(RUN.of(Promoted))
    market = waves(400)
    cut = next(n for n, tick in enumerate(market) if tick.at_ns > promoted.at_ns - 90 * 10**9)
    run = folded([*opening(), *market[:cut], Pause(1, ("quick",), "ann"), *market[cut:]])
    assert champion(run) != "quick"


def test_a_paused_predecessor_is_not_made_champion() -> None:
    run = folded([*opening(), *waves(10), Promote(1, "late", "ann", "")])
    run.take([Pause(1, ("main",), "ann"), Demote(1, SYMBOL, "ann", "")])
    assert only(run.of(Refusal)).why == "it is paused"


def test_consent_is_to_a_verdict_that_holds_at_that_moment() -> None:
    run = folded([*opening(gate=CONSENT), *waves(400)])
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    slot = contest.epoch.names.index("quick")
    contest.epoch.sums[TOTAL, slot] = 0.0  # as if it had lost all of its lead since the look
    run.take([Promote(1, "quick", "ann", "")])
    assert not only(run.of(Promoted)).earned


def test_in_a_halt_nobody_is_made_champion() -> None:
    run = folded([*opening(gate=CONSENT), *waves(400), Halt(1, 1, "halt")])
    run.take([Promote(1, "quick", "ann", "")])
    assert only(run.of(Refusal)).why == "the run is halted; resume it first"


def test_of_those_who_hold_the_one_with_the_most_evidence_is_promoted() -> None:
    rivals = [*RIVALS, variant("quicker", **(QUICK | {"fast": 2.0, "slow": 4.0, "leverage": 4.0}))]
    run = folded([*opening(rivals=rivals), *waves(400)])
    promoted = only(run.of(Promoted))
    look = [r for r in run.of(Looked) if isinstance(r, Looked) and r.epoch == 1][-1]
    able = [r.variant for r in look.leaders if not r.stopped_by]
    assert promoted.variant == able[0]
    assert len(able) > 1


def test_a_cool_down_may_be_longer_than_a_season() -> None:
    gate = replace(GATE, season=20, new_seasons=True, cooldown=30, trades_min=1_000)
    run = folded([*opening(gate=gate), *waves(80), Promote(1, "late", "ann", "")])
    run.take(waves(250, first=80, seed=6))
    assert phase(run) == "gathering"


def test_a_watch_ends_with_who_was_replaced() -> None:
    run = folded([*EVENTS, Retire(1, ("main",), "ann"), *waves(10, first=400)])
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    assert contest.watch is None
    assert "runs no more" in run.of(Refusal)[-1].why  # type: ignore[attr-defined]


def test_a_champion_that_was_stopped_is_money_in_the_bank_to_those_who_would_replace_it() -> None:
    run = folded([*opening(), *waves(400)])
    group = next(g for g in run.state.markets[SYMBOL].groups if g.champion)
    group.gone[0] = True
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    before = contest.epoch.bar
    run.take(waves(20, first=400, seed=5))
    assert contest.epoch.bar > before
