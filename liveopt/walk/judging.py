"""What a look has shown: who leads, who has passed, and what stops each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.engine.batch import Array
from liveopt.promotion.conditions import Condition, confidence, judge, stopped_by
from liveopt.promotion.epoch import AGE, COUNT, SQUARES, TOTAL, TRACKS, Epoch, Outcome
from liveopt.promotion.ladder import LONE
from liveopt.walk.contest import Contest
from liveopt.walk.events import Terms
from liveopt.walk.group import Group
from liveopt.walk.verdicts import Evidence, Leader, Looked, Verdict

LEADERS: Final = 3
WORST: Final = 3
ANY_YEAR: Final = 1.0
"""Periods a year: no metric that is judged depends on it."""


@dataclass(slots=True)
class Bench:
    """Everybody who takes part, found by slot; metrics of a group are made once, if at all."""

    contest: Contest
    terms: Terms
    groups: Sequence[Group]
    there: npt.NDArray[np.int64] = field(init=False)
    """Slots of those who still run, in order."""
    _seats: dict[int, tuple[Group, int]] = field(init=False)
    _metrics: dict[int, dict[str, Array]] = field(default_factory=dict)
    _sure: dict[int, float | None] = field(default_factory=dict)
    _conditions: dict[int, tuple[Condition, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seats = {
            slot: (group, place)
            for group in self.groups
            for place, slot in enumerate(group.slots.tolist())
            if slot >= 0 and not group.gone[place]
        }
        self.there = np.array(sorted(self._seats), np.int64)

    def seat(self, slot: int) -> tuple[Group, int]:
        """Who has this slot."""
        return self._seats[slot]

    def active(self, slot: int) -> bool:
        """Whether it could take the champion's place now."""
        group, place = self.seat(slot)
        return group.seats[place].status == "active"

    def metrics(self, group: Group, place: int) -> dict[str, float]:
        """One variant's numbers."""
        key = id(group)
        if key not in self._metrics:
            self._metrics[key] = group.batch.metrics(ANY_YEAR)
        return {name: float(values[place]) for name, values in self._metrics[key].items()}

    def sure(self, slot: int) -> float | None:
        """The bootstrap's word on its newest trades."""
        if slot not in self._sure:
            group, place = self.seat(slot)
            returns = group.returns_of(place)
            self._sure[slot] = confidence(returns, self.contest.terms.seed)
        return self._sure[slot]

    def conditions(self, slot: int) -> tuple[Condition, ...]:
        """All that it takes besides evidence."""
        if slot not in self._conditions:
            self._conditions[slot] = self._judged(slot)
        return self._conditions[slot]

    def _judged(self, slot: int) -> tuple[Condition, ...]:
        group, place = self.seat(slot)
        own = group.seats[place].variant.parameters
        numbers = {n: v for n, v in own.items() if isinstance(v, float)}
        crash = self.contest.scale.crash(
            numbers.get("fraction", 1.0), numbers.get("leverage", 1.0), numbers.get("stop")
        )
        epoch = self.contest.epoch
        return judge(
            self.contest.terms,
            self.metrics(group, place),
            self.sure(slot),
            float(epoch.sums[TOTAL, slot]),
            (crash, self.terms.drawdown_limit),
        )

    def leader(self, slot: int, evidence: float) -> Leader:
        """A line about one of the best."""
        group, place = self.seat(slot)
        epoch = self.contest.epoch
        return Leader(
            group.seats[place].id,
            evidence,
            float(epoch.sums[AGE, slot]),
            int(group.batch.cell("a_trades")[place]),
            self.sure(slot),
            missing(epoch, slot, evidence, self.conditions(slot)),
        )


def missing(
    epoch: Epoch, slot: int, evidence: float, conditions: Sequence[Condition]
) -> tuple[str, ...]:
    """Everything that stops a variant, in the order in which it is usually overcome."""
    codes = list(stopped_by(conditions))
    if not epoch.passed[slot]:
        codes.append("low_evidence")
    elif evidence < LONE:
        codes.append("evidence_faded")
    return tuple(codes)


def looked(bench: Bench, at_ns: int, symbol: str, outcome: Outcome) -> Looked:
    """The record of a look."""
    epoch = bench.contest.epoch
    step = outcome.steps[0] if outcome.steps else None
    return Looked(
        at_ns, symbol, epoch.number, outcome.bar, len(bench.there), epoch.admitted, epoch.fill,
        step.allowed if step else 0, step.crossed if step else 0,
        step.threshold if step and isfinite(step.threshold) else None,
        _lines(bench, outcome, leaders(bench, outcome)[:LEADERS]),
    )  # fmt: skip


def leaders(bench: Bench, outcome: Outcome) -> list[int]:
    """Slots of those with the most evidence, one more than are shown; equals in their order."""
    there = bench.there[outcome.spread[bench.there] > 0.0]
    order = np.argsort(-outcome.evidence[there], kind="stable")
    found: list[int] = there[order[: LEADERS + 1]].tolist()
    return found


def _lines(bench: Bench, outcome: Outcome, slots: Sequence[int]) -> tuple[Leader, ...]:
    return tuple(bench.leader(slot, float(outcome.evidence[slot])) for slot in slots)


def verdicts(bench: Bench, at_ns: int, symbol: str, outcome: Outcome) -> list[Verdict]:
    """A verdict on each of those who have passed, where it is another than the last one."""
    contest, epoch = bench.contest, bench.contest.epoch
    champion = next(group.seats[0].id for group in bench.groups if group.champion)
    found: list[Verdict] = []
    there = [slot for slot in bench.there.tolist() if epoch.passed[slot] and bench.active(slot)]
    best = leaders(bench, outcome) if there else []
    names = {epoch.names[slot] for slot in there}
    contest.found = {n: v for n, v in contest.found.items() if n in names}
    contest.short = {n: v for n, v in contest.short.items() if n in names}
    for slot in there:
        name, evidence = epoch.names[slot], float(outcome.evidence[slot])
        conditions = bench.conditions(slot)
        codes = missing(epoch, slot, evidence, conditions)
        before = () if name in contest.found else contest.short.get(name)
        if codes == before:
            continue
        contest.verdicts += 1
        number = f"{symbol}-{epoch.number}-{contest.verdicts}"
        contest.found.pop(name, None)
        contest.short.pop(name, None)
        if codes:
            contest.short[name] = codes
        else:
            contest.found[name] = number
        rivals = _lines(bench, outcome, [one for one in best if one != slot][:LEADERS])
        head = (at_ns, number, symbol, champion)
        found.append(_verdict(bench, head, slot, outcome, (conditions, codes, rivals)))
    return found


def _verdict(
    bench: Bench,
    head: tuple[int, str, str, str],
    slot: int,
    outcome: Outcome,
    judged: tuple[tuple[Condition, ...], tuple[str, ...], tuple[Leader, ...]],
) -> Verdict:
    contest, epoch, terms = bench.contest, bench.contest.epoch, bench.contest.terms
    at_ns, number, symbol, champion = head
    conditions, codes, rivals = judged
    group, place = bench.seat(slot)
    step = outcome.steps[0] if outcome.steps else None
    name = epoch.names[slot]
    worst = np.sort(group.returns_of(place))[:WORST]
    return Verdict(
        at_ns, number, symbol, epoch.number, outcome.bar, name, champion,
        TRACKS[epoch.passed[slot]], name in contest.found,
        evidence_of(epoch, slot, float(outcome.evidence[slot]), float(outcome.spread[slot])),
        conditions, codes, tuple(float(x) for x in worst), terms.rho, terms.alpha_each,
        terms.alpha_worlds, step.threshold if step and isfinite(step.threshold) else None,
        step.allowed if step else 0, step.crossed if step else 0, epoch.fill, epoch.admitted,
        rivals,
    )  # fmt: skip


def evidence_of(epoch: Epoch, slot: int, evidence: float, spread: float) -> Evidence:
    """What a slot had gathered at a look."""
    edge, low, high = epoch.interval(slot)
    weight = float(epoch.log_weight[slot])
    return Evidence(
        epoch.names[slot], float(epoch.sums[TOTAL, slot]), float(epoch.sums[SQUARES, slot]),
        float(epoch.sums[COUNT, slot]), spread, evidence, weight if isfinite(weight) else None,
        epoch.p_value(slot), edge, low if isfinite(low) else None, high if isfinite(high) else None,
        epoch.unit(slot) or 0.0,
    )  # fmt: skip
