"""An optimizer's proposals join on what they did out of sample, among how many trials."""

from typing import Any, Literal

import pytest
from msgspec.structs import replace

from liveopt.promotion.admission import Backtest
from liveopt.stats.sharpe import Track, deflated
from liveopt.walk.events import Add, Halt, Pause, Proposal, Propose, Reopen
from liveopt.walk.joining import HALTED
from liveopt.walk.lines import read_input, written
from liveopt.walk.records import Refusal, VariantStarted, VariantStopped
from liveopt.walk.variant import Variant
from liveopt.walk.verdicts import Admission
from tests.run import SYMBOL, Folded, folded, opening, ticks, variant, variants

MARKET = ticks(60)
GOOD = Backtest(
    bars=5_000, trades=200, sharpe=0.06, skewness=-0.2, kurtosis=5.0, trials=400,
    trials_deviation=0.012,
)  # fmt: skip
FRESH = variant("fresh", fast=3.0, slow=30.0, leverage=7.0)


def proposed(*found: tuple[Variant, Backtest]) -> Folded:
    """A run in which an optimizer proposes these."""
    proposals = tuple(Proposal(v, b) for v, b in found)
    run = folded([*opening(variants(4)), *MARKET[:10], Propose(1, proposals, "optimizer")])
    return run.take(MARKET[10:12])


def started(run: Folded) -> set[str]:
    """Who has begun."""
    return {r.variant for r in run.of(VariantStarted)}  # type: ignore[attr-defined]


def test_a_proposal_that_is_more_than_luck_joins() -> None:
    run = proposed((FRESH, GOOD))
    (found,) = run.of(Admission)
    assert isinstance(found, Admission)
    assert found.admitted
    assert all(c.ok for c in found.conditions)
    assert found.backtest == GOOD
    assert "fresh" in started(run)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"trades": 29}, "insufficient_samples"),
        ({"trials": 1_000_000_000}, "luck_of_many"),
        ({"sharpe": 0.01}, "luck_of_many"),
        ({"trials_deviation": 0.05}, "luck_of_many"),
        ({"kurtosis": 3_000.0}, "luck_of_many"),
    ],
)
def test_a_proposal_that_may_be_luck_is_not_admitted_and_told_why(
    changed: dict[str, Any], code: str
) -> None:
    run = proposed((FRESH, replace(GOOD, **changed)))
    (found,) = run.of(Admission)
    assert isinstance(found, Admission)
    assert not found.admitted
    assert [c.code for c in found.conditions if not c.ok] == [code]
    assert "fresh" not in started(run)


def test_two_of_a_kind_are_one_too_many() -> None:
    twin = replace(FRESH, id="twin", parameters=FRESH.parameters | {"leverage": 7.01})
    run = proposed((FRESH, GOOD), (twin, GOOD))
    first, second = run.of(Admission)
    assert isinstance(first, Admission)
    assert isinstance(second, Admission)
    assert (first.admitted, second.admitted) == (True, False)
    assert [c.code for c in second.conditions if not c.ok] == ["too_alike"]


def test_what_cannot_trade_here_is_refused_before_it_is_judged() -> None:
    elsewhere = replace(FRESH, id="away", symbol="ETHUSDTM")
    odd = replace(FRESH, id="odd", parameters={"leverage": 2.0})
    known = replace(FRESH, id="v001")
    run = proposed((elsewhere, GOOD), (odd, GOOD), (known, GOOD))
    assert run.of(Admission) == []
    assert {r.variant for r in run.of(Refusal)} == {"away", "odd", "v001"}  # type: ignore[attr-defined]


def test_a_name_given_twice_at_once_is_used_once() -> None:
    other = replace(FRESH, parameters=FRESH.parameters | {"leverage": 2.0})
    run = folded([*opening([]), Add(1, (FRESH, other), "me"), *MARKET[:3]])
    assert [r.variant for r in run.of(Refusal)] == ["fresh"]  # type: ignore[attr-defined]
    assert "fresh" in started(run)


def test_a_proposal_reads_back_from_its_line() -> None:
    event = Propose(1, (Proposal(FRESH, GOOD),), "optimizer")
    assert read_input(written(event)) == event


def test_a_slow_strategy_is_not_proposed() -> None:
    slow = Variant("slow", "mine", SYMBOL, {"fraction": 0.1, "leverage": 2.0}, lane="slow")
    run = folded([*opening([replace(slow, id="there")]), *MARKET[:10]])
    run.take([Propose(1, (Proposal(slow, GOOD),), "optimizer"), *MARKET[10:12]])
    (refused,) = run.of(Refusal)
    assert isinstance(refused, Refusal)
    assert "slow lane" in refused.why


LONG = ticks(700)
"""More than the sixty signal bars after which a newcomer can be judged here."""


def grown(origin: str = "random", old: bool = True) -> Folded:
    """A run in which the variants have been there for long."""
    made = [replace(v, origin=origin) for v in variants(4, reckless=0.0)]
    return folded([*opening(made), *LONG[: 650 if old else 100]])


def made_room(run: Folded) -> list[VariantStopped]:
    """Who had to go for somebody."""
    stopped = [r for r in run.of(VariantStopped) if isinstance(r, VariantStopped)]
    return [one for one in stopped if one.reason == "replaced"]


def living(run: Folded) -> list[tuple[str, float]]:
    """Who runs, with its equity."""
    return [
        (seat.id, float(group.batch.cell("p_equity")[place]))
        for _, group in run.state.groups()
        if not group.champion
        for place, seat in enumerate(group.seats)
        if seat.status in {"active", "paused"}
    ]


def test_who_is_admitted_replaces_the_weakest_who_is_old_enough() -> None:
    run = grown()
    before, weakest = len(living(run)), min(living(run), key=lambda one: one[1])[0]
    run.take([Propose(1, (Proposal(FRESH, GOOD),), "optimizer")])
    (found,) = run.of(Admission)
    assert isinstance(found, Admission)
    assert found.replaces == weakest
    (gone,) = made_room(run)
    assert (gone.variant, gone.by) == (weakest, "optimizer")
    run.take(LONG[650:652])
    assert "fresh" in started(run)
    assert len(living(run)) == before


def test_the_young_the_paused_and_those_whom_a_person_added_are_not_replaced() -> None:
    for protect in ("young", "paused", "manual"):
        run = grown(origin="manual" if protect == "manual" else "random", old=protect != "young")
        if protect == "paused":
            run.take([Pause(1, tuple(v for v, _ in living(run)), "me")])
        run.take([Propose(1, (Proposal(FRESH, GOOD),), "optimizer"), *LONG[650:652]])
        (found,) = run.of(Admission)
        assert isinstance(found, Admission)
        assert found.admitted
        assert (found.replaces, made_room(run)) == ("", []), protect
        assert "fresh" in started(run)


def test_each_of_several_replaces_another() -> None:
    run = grown()
    other = replace(FRESH, id="other", parameters=FRESH.parameters | {"leverage": 2.0})
    run.take([Propose(1, (Proposal(FRESH, GOOD), Proposal(other, GOOD)), "optimizer")])
    gone = [found.replaces for found in run.of(Admission)]  # type: ignore[attr-defined]
    assert len(set(gone)) == 2
    assert "" not in gone


@pytest.mark.parametrize("mode", ["halt", "halt_and_flatten"])
def test_in_a_halt_nobody_is_let_in_and_nobody_goes_for_it(
    mode: Literal["halt", "halt_and_flatten"],
) -> None:
    run = grown()
    at_ns, before = run.state.at_ns, sorted(living(run))
    told = len(run.outs)
    event = Propose(at_ns, (Proposal(FRESH, GOOD),), "optimizer")
    run.take([Halt(at_ns, 1, mode), event])
    refused = [r for _, r in run.outs[told:] if isinstance(r, Refusal)]
    assert [(one.variant, one.why) for one in refused] == [("fresh", HALTED)]
    assert run.of(Admission) == []
    assert made_room(run) == []
    assert sorted(name for name, _ in living(run)) == [name for name, _ in before]
    run.take([*LONG[650:652], Reopen(LONG[651].at_ns, 2)])
    assert "fresh" not in started(run)
    run.take([replace(event, at_ns=LONG[651].at_ns), *LONG[652:654]])
    (found,) = run.of(Admission)
    assert isinstance(found, Admission)
    assert found.admitted, "its name was not used up by the refusal"
    assert "fresh" in started(run)


def test_where_the_spread_of_its_trials_is_not_known_it_is_that_of_chance() -> None:
    """A deviation of 0 would say that the best of so many trials needed no luck at all."""
    blind = replace(GOOD, trials_deviation=0.0)
    chance = 1.0 / (GOOD.bars - 1) ** 0.5
    for sharpe, joins in ((GOOD.sharpe, False), (0.08, True)):
        run = proposed((FRESH, replace(blind, sharpe=sharpe)))
        (found,) = run.of(Admission)
        assert isinstance(found, Admission)
        assert found.admitted == joins
        (sure,) = (c.has for c in found.conditions if c.code == "luck_of_many")
        seen = Track(sharpe, GOOD.bars, GOOD.skewness, GOOD.kurtosis)
        assert sure == pytest.approx(float(deflated(seen, GOOD.trials, chance)))


def test_who_is_not_admitted_replaces_nobody() -> None:
    run = grown()
    run.take([Propose(1, (Proposal(FRESH, replace(GOOD, trades=3)),), "optimizer")])
    assert made_room(run) == []
