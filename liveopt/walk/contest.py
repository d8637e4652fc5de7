"""One symbol's contest: variants against the champion, in evidence bars.

When an evidence bar is over, the look under way ends and is judged, who left makes room for who
came, and what every pessimistic account did beside the champion's is added up. A look that begins
here ends with the next evidence bar, so that another thread may do it meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np

from liveopt.engine.batch import Array
from liveopt.promotion.epoch import Epoch
from liveopt.promotion.scale import Scale
from liveopt.promotion.states import NEXT, Cause, Phase
from liveopt.promotion.terms import GateTerms
from liveopt.promotion.watch import Watch
from liveopt.stats.normal import logs
from liveopt.walk.group import Group

PESSIMISTIC: Final = "q_equity"
"""The cell of the account with twice the slippage and late orders: evidence is what survives it."""


@dataclass(slots=True)
class Contest:
    """Where it stands. Which slot of the epoch a variant has, its group knows (`Group.slots`)."""

    terms: GateTerms
    epoch: Epoch
    phase: Phase = "gathering"
    scale: Scale = field(default_factory=Scale)
    close: float = 0.0
    """The market's price at the last evidence bar."""
    last: Array = field(default_factory=lambda: np.zeros(0))
    """Equity of each slot at the last evidence bar; 0 of those who are not in the next one."""
    champion_last: float = 0.0
    watch: Watch | None = None
    """The champion beside its predecessor, since it was promoted."""
    since: int = 0
    """Evidence bars since the champion changed."""
    verdicts: int = 0
    found: dict[str, str] = field(default_factory=dict)
    """By variant, the verdict that holds: it may be promoted."""
    short: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Whose evidence has passed, and what stops it all the same."""
    threshold: float | None = None
    """Log evidence that passed by the worlds' track at the last look."""

    def turn(self, cause: Cause) -> None:
        """What the table says."""
        self.phase = NEXT[self.phase, cause]


def open_contest(terms: GateTerms, market: int) -> Contest:
    """The first epoch; each market of a run, by its number, has shadow worlds of its own."""
    own = msgspec.structs.replace(terms, seed=terms.seed + market)
    return Contest(own, Epoch(own, 1))


def learn(contest: Contest, closes: Sequence[float]) -> None:
    """How the market moved before the run, in moves as long as an evidence bar."""
    ends = closes[:: contest.terms.bars]
    for before, after in pairwise(ends):
        contest.scale.see(float(logs(after / before)))


def begin_epoch(contest: Contest, groups: Sequence[Group]) -> None:
    """All evidence so far was about another champion, or of a season that is over."""
    contest.epoch = Epoch(contest.terms, contest.epoch.number + 1)
    contest.last, contest.champion_last = np.zeros(0), 0.0
    contest.found, contest.short, contest.threshold = {}, {}, None
    for group in groups:
        group.slots[:] = -1


def exchange(contest: Contest, groups: Sequence[Group]) -> None:
    """Slots of those who left are freed, and those who came get one."""
    epoch = contest.epoch
    rivals = [group for group in groups if not group.champion]
    taken = np.zeros(len(epoch.names), bool)
    for group in rivals:
        taken[group.slots[(group.slots >= 0) & ~group.gone]] = True
    left = [slot for slot, name in enumerate(epoch.names) if name and not taken[slot]]
    epoch.dismiss(left)
    for group in groups:
        group.slots[np.isin(group.slots, left)] = -1
    came = [
        (group, place)
        for group in rivals
        for place in np.flatnonzero((group.slots < 0) & group.ready()).tolist()
    ]
    names = [group.seats[place].id for group, place in came]
    slots = epoch.admit(names, _sizes(groups, came), sum(group.count() for group in rivals))
    contest.last = np.append(contest.last, np.zeros(len(epoch.names) - len(contest.last)))
    contest.last[left] = 0.0
    for (group, place), slot in zip(came, slots, strict=True):
        group.slots[place] = slot


def _sizes(groups: Sequence[Group], came: Sequence[tuple[Group, int]]) -> Array:
    """Position value over equity, the champion's and one's own: what makes the two differ."""
    champion = next(group for group in groups if group.champion).seats[0].exposure
    own = np.array([group.seats[place].exposure for group, place in came])
    sizes: Array = np.sqrt(champion * champion + own * own)
    return sizes


def measure(contest: Contest, groups: Sequence[Group], price: float) -> None:
    """One evidence bar: everybody's log return less the champion's goes into the evidence.

    Whether a bar counts is settled when it begins: who trades freely then, or holds something, is
    in it to its end. So nobody's bad bar is left out by pausing or halting in it, and what follows
    such a word of the operator's is nobody's merit.
    """
    before, champion_before = contest.last, contest.champion_last
    ratio = contest.scale.ratio
    if contest.close > 0.0:
        contest.scale.see(float(logs(price / contest.close)))
    contest.close = price
    now, champion = np.zeros(len(before)), 0.0
    contest.last, contest.champion_last = np.zeros(len(before)), 0.0
    for group in groups:
        equity, within = group.batch.cell(PESSIMISTIC), group.within()
        if group.champion:
            champion = float(equity[0])
            # one that was stopped is as good as money in the bank
            contest.champion_last = champion if within[0] or group.gone[0] else 0.0
            continue
        there = group.slots >= 0
        now[group.slots[there]] = equity[there]
        contest.last[group.slots[there & within]] = equity[there & within]
    if champion_before <= 0.0:
        return
    own = float(logs(champion / champion_before))
    there = (now > 0.0) & (before > 0.0)
    ahead = np.where(there, logs(np.where(there, now / np.where(there, before, 1.0), 1.0)) - own, 0)
    contest.epoch.tally(ahead, there, ratio)
    contest.since += 1
    watch = contest.watch
    if watch is not None and watch.predecessor in contest.epoch.names:
        slot = contest.epoch.names.index(watch.predecessor)
        if there[slot]:
            watch.see(-float(ahead[slot]), ratio)
