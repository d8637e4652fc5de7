"""What a variant lacks, in figures that follow from its evidence and in words that are true."""

from math import exp, isfinite, log
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.promotion.epoch import TOTAL
from liveopt.promotion.ladder import LONE
from liveopt.stats.evidence import log_mixture
from liveopt.walk.events import Add, Demote, Halt, Pause, Promote, Resume, Retire
from liveopt.walk.explain import FOREVER, HALTED, Explanation, bars_to_go, e_value, explain
from liveopt.walk.verdicts import Looked, Promoted
from tests.contest import GATE, TICKS_A_BAR, opening, waves
from tests.run import SYMBOL, Folded, folded, variant

MARKET = waves(500)
RHO = GATE.rho
replaced = msgspec.structs.replace


def run_to(bars: int, **gate: Any) -> Folded:
    """A run of three rivals up to a bar, with nobody promoted by itself unless told."""
    terms = replaced(GATE, **{"auto": False} | gate)
    return folded([*opening(terms), *MARKET[: bars * TICKS_A_BAR]])


def finite(value: Any) -> bool:
    match value:
        case float():
            return isfinite(value)
        case dict():
            return all(map(finite, value.values()))
        case list():
            return all(map(finite, value))
        case _:
            return True


@given(
    total=st.floats(0.01, 100.0), spread=st.floats(0.5, 500.0), needed=st.floats(LONE, 20.0),
    age=st.floats(1.0, 500.0),
)  # fmt: skip
def test_the_bars_to_go_are_the_fewest_that_suffice(
    total: float, spread: float, needed: float, age: float
) -> None:
    to_go = bars_to_go(total, spread, RHO, needed, age)
    if not isfinite(to_go):
        assert log_mixture(FOREVER * total, FOREVER * spread, RHO) < needed
        return
    factor = 1.0 + to_go / age

    def then(f: float) -> float:
        return float(log_mixture(f * total, f * spread, RHO))

    assert then(factor) >= needed - 1e-9
    if to_go > 0.0:
        fewer = [1.0 + (factor - 1.0) * share for share in (0.0, 0.3, 0.9, 0.999)]
        assert all(then(f) < needed for f in fewer)


@pytest.mark.parametrize("total", [0.0, -3.0])
def test_whoever_is_not_ahead_is_never_there_at_this_rate(total: float) -> None:
    assert bars_to_go(total, 20.0, RHO, LONE, 30.0) == float("inf")


def test_what_is_told_is_what_the_evidence_says() -> None:
    run = run_to(100)
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    epoch, found = contest.epoch, explain(run.state, "quick")
    slot = epoch.names.index("quick")
    total, spread = float(epoch.sums[TOTAL, slot]), epoch.spread(slot)
    assert found.evidence == pytest.approx(exp(log_mixture(total, spread, RHO)))
    assert found.needed_alone == pytest.approx(exp(-log(GATE.alpha_each) - epoch.log_weight[slot]))
    assert (found.edge, found.low, found.high) == epoch.interval(slot)
    assert (found.p_value, found.confidence) == (
        epoch.p_value(slot),
        1.0 - epoch.p_value(slot),
    )
    assert found.trades == 2
    assert (found.rank, found.champion, found.symbol) == (1, "main", SYMBOL)
    by_code = {one.code: one for one in found.conditions}
    assert by_code["insufficient_samples"].has == found.trades
    assert by_code["not_better_than_champion"].has == total
    assert found.stopped_by == ("insufficient_samples", "low_evidence")
    assert found.evidence is not None
    assert found.needed_alone is not None
    alone = f"evidence {found.evidence:.3g} of {found.needed_alone:.3g} alone"
    assert found.text.startswith(f"2 of 5 trades, {alone}")


def test_the_later_of_trades_and_evidence_decides_how_long_it_takes() -> None:
    run = run_to(120)
    found = explain(run.state, "quick")
    seen = run.state.find("quick")
    assert seen is not None
    since = seen[1].batch.signals - seen[1].batch.before
    assert found.outlook == "bars"
    assert found.bars_to_go == pytest.approx(3 * since / 2), (
        "three trades are missing, two are made"
    )
    easy = explain(run_to(120, trades_min=2).state, "quick")
    assert 0.0 < easy.bars_to_go < found.bars_to_go  # type: ignore[operator]
    assert f"about {found.bars_to_go:,.0f} bars to go at this rate" in found.text


def test_who_has_passed_waits_for_consent_and_is_told_by_which_verdict() -> None:
    run = run_to(200)
    found = explain(run.state, "quick")
    assert (found.verdict, found.track, found.outlook) == ("XBTUSDTM-1-2", "each", "passed")
    assert found.stopped_by == ()
    assert "it has PASSED by XBTUSDTM-1-2 and waits for your consent" in found.text


def test_ranks_are_those_of_a_look_at_the_same_evidence() -> None:
    run, compared = run_to(100), 0
    ranks: dict[str, int] = {}
    for number in range(100, 200):
        outs = len(run.outs)
        run.take(MARKET[number * TICKS_A_BAR : (number + 1) * TICKS_A_BAR])
        looked = [r for _, r in run.outs[outs:] if isinstance(r, Looked)]
        if looked and len(looked[0].leaders) == 3:
            leaders = [one.variant for one in looked[0].leaders]
            assert sorted(ranks, key=lambda name: ranks[name]) == leaders
            compared += 1
        ranks = {name: explain(run.state, name).rank or 0 for name in ("quick", "late", "bold")}
    assert compared > 10


def test_where_the_worlds_allow_somebody_their_threshold_is_what_it_takes() -> None:
    run = run_to(0, season=40, alpha_worlds=0.5)
    shown = 0
    for number in range(1, 200):
        run.take(MARKET[(number - 1) * TICKS_A_BAR : number * TICKS_A_BAR])
        contest = run.state.markets[SYMBOL].contest
        assert contest is not None
        found = explain(run.state, "late")
        if contest.threshold is None or found.needed_worlds is None:
            continue
        shown += 1
        assert found.needed_worlds == pytest.approx(max(20.0, exp(contest.threshold)))
        least = min(found.needed_worlds, found.needed_alone or 1e300)
        assert found.evidence_needed == (least if not found.track else 20.0)
    assert shown > 5


def test_a_season_that_is_over_leaves_the_variants_own_evidence() -> None:
    found = explain(run_to(150, season=20).state, "late")
    assert found.needed_worlds is None
    assert found.needed_alone is not None
    alone = f"{found.needed_alone:.3g} alone (the season of the shadow worlds is over)"
    assert alone in found.text
    run = run_to(150, season=20)
    contest = run.state.markets[SYMBOL].contest
    assert contest is not None
    contest.epoch.log_weight[contest.epoch.names.index("bold")] = float("-inf")
    gone = explain(run.state, "bold")
    assert (gone.needed_alone, gone.evidence_needed, gone.outlook) == (None, None, "never")
    assert "no amount" in gone.text


def test_a_champion_is_beside_its_predecessor() -> None:
    run = run_to(200)
    assert "nobody was before it" in explain(run.state, "main").text
    run.take([Promote(run.state.at_ns, "quick", "ann", "it passed")])
    assert len(run.of(Promoted)) == 1
    run.take(MARKET[200 * TICKS_A_BAR : 260 * TICKS_A_BAR])
    found = explain(run.state, "quick")
    market = run.state.markets[SYMBOL]
    assert market.contest is not None
    assert market.contest.watch is not None
    assert found.watch is not None
    assert (found.status, found.watch.predecessor) == ("champion", "main")
    assert found.watch.evidence == market.contest.watch.evidence
    assert found.watch.demotes_at == 1_000.0
    assert "worse than main" in found.text
    assert "of 1\u202f000 in" in found.text
    assert explain(run.state, "main").text.endswith("it was champion before")
    market.contest.watch.warned = True
    assert "WARNED" in explain(run.state, "quick").text
    run.take([Demote(run.state.at_ns, SYMBOL, "ann", "enough")])
    assert "quick was before it" in explain(run.state, "main").text


def test_who_does_not_take_part_is_told_so() -> None:
    run = run_to(30)
    assert explain(run.state, "bold").status == "warming"
    assert "warming up" in explain(run.state, "bold").text
    assert explain(run.state, "nobody") == Explanation(
        "nobody", "unknown", "there is no variant nobody in this run"
    )
    run.take([Add(run.state.at_ns, (variant("new"),), "me")])
    assert explain(run.state, "new").status == "waiting"
    run.take([Pause(run.state.at_ns, ("quick",), "me")])
    run.take(MARKET[30 * TICKS_A_BAR : 100 * TICKS_A_BAR])
    assert "it is paused" in explain(run.state, "quick").text
    run.take([Retire(run.state.at_ns, ("late",), "me", "too slow")])
    assert explain(run.state, "late").text == "it is retired (too slow) and comes no more"
    run.take([Halt(run.state.at_ns, 2, "halt")])
    for name in ("bold", "main", "quick"):
        assert explain(run.state, name).text.endswith(f"; {HALTED}")
    assert explain(run.state, "bold").status == "halted"
    assert "nothing counts meanwhile but what it still holds" in explain(run.state, "bold").text


def test_a_run_that_is_starting_does_not_deny_whom_it_does_not_know_yet() -> None:
    events = opening(GATE)
    for count in range(len(events)):
        found = explain(folded(events[:count]).state, "nobody")
        assert (found.status, "starting" in found.text) == ("starting", True)
    assert explain(folded(events).state, "nobody").status == "unknown"


def test_only_where_nothing_stops_it_the_next_look_decides() -> None:
    harsh, shown = run_to(100, sharpe_min=1e9, trades_min=1), 0
    for number in range(100, 200):
        harsh.take(MARKET[number * TICKS_A_BAR : (number + 1) * TICKS_A_BAR])
        found = explain(harsh.state, "quick")
        assert found.outlook != "passed"
        assert "the next look decides" not in found.text
        if found.outlook == "conditions":
            shown += 1
            assert found.bars_to_go is None
            end = "trades and evidence suffice, and it waits for its conditions: low_sharpe"
            assert found.text.endswith(end)
    assert shown > 5


def test_a_pause_comes_before_the_verdict_that_holds() -> None:
    run = run_to(200)
    run.take([Pause(run.state.at_ns, ("quick",), "me")])
    found = explain(run.state, "quick")
    assert found.verdict == "XBTUSDTM-1-2"
    assert "consent" not in found.text
    assert "PASSED" not in found.text
    assert "it is paused" in found.text


def test_in_a_halt_nobody_waits_for_consent() -> None:
    run = run_to(200)
    run.take([Halt(run.state.at_ns, 2, "halt")])
    text = explain(run.state, "quick").text
    assert "it has PASSED by XBTUSDTM-1-2; the run is halted" in text
    assert "consent" not in text


def test_in_the_cool_down_the_gate_waits_and_a_person_need_not() -> None:
    run = run_to(200)
    market = run.state.markets[SYMBOL]
    assert market.contest is not None
    market.contest.phase = "cooling"
    text = explain(run.state, "quick").text
    assert "the gate itself waits, but you may promote it by hand" in text


def test_a_verdict_that_would_not_hold_at_this_moment_is_told_so() -> None:
    run = run_to(200)
    found = run.state.find("quick")
    assert found is not None
    _, group, place, _ = found
    group.returns[place] = -1.0
    text = explain(run.state, "quick").text
    assert "it has PASSED by XBTUSDTM-1-2, but now it is stopped by low_confidence" in text
    assert "consent" not in text


def test_a_champion_that_is_paused_or_stopped_is_said_to_be() -> None:
    run = run_to(100)
    run.take([Pause(run.state.at_ns, ("main",), "me")])
    found = explain(run.state, "main")
    assert (found.status, found.champion) == ("paused", "main")
    assert found.text.startswith("it is the champion, but paused: it opens nothing")
    run.take([Resume(run.state.at_ns, ("main",), "me")])
    assert explain(run.state, "main").status == "champion"
    seat = run.state.find("main")
    assert seat is not None
    seat[3].status, seat[3].why = "stopped", "safety_loss_limit"
    found = explain(run.state, "main")
    assert found.status == "stopped"
    assert "but stopped (safety_loss_limit): it trades no more" in found.text


def test_a_run_without_a_gate_says_so() -> None:
    run = folded([*opening(None), *MARKET[:200]])
    assert "no gate" in explain(run.state, "quick").text
    assert explain(run.state, "main").status == "champion"


def test_every_number_is_finite_or_none_at_any_time() -> None:
    run = run_to(0)
    for number in range(1, 260):
        run.take(MARKET[(number - 1) * TICKS_A_BAR : number * TICKS_A_BAR])
        for name in ("main", "quick", "late", "bold"):
            assert finite(msgspec.to_builtins(explain(run.state, name)))
    assert isfinite(e_value(1e6))
