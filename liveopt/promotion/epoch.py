"""All evidence against one champion: what each variant has gathered, and what chance would have.

A variant passes by its own evidence alone (track `each`), or because no more of the shadow worlds,
which have the same variants and no edge, came so far than the budget allows (track `worlds`). Both
may be looked at for ever. Facts and figures: docs/prompts/14-promotion-gate.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import ceil, exp, inf, sqrt
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from liveopt.promotion.compiled import kernels
from liveopt.promotion.ladder import Array, Ladder, Step
from liveopt.promotion.signs import signs
from liveopt.promotion.terms import SEASON_MAX, GateTerms, spent
from liveopt.promotion.units import BURN
from liveopt.stats.evidence import confidence_sequence, log_mixture
from liveopt.stats.normal import logs

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Track = Literal["", "each", "worlds"]
TRACKS: Final[tuple[Track, ...]] = ("", "each", "worlds")
TOTAL, SQUARES, COUNT, MET, HEAT, AGE, SIZE = range(7)
"""The rows of `sums`."""
CALMER: Final = 0.75
"""The share of the others that differ by less than a slot's unit is at the least."""
RESERVE: Final = 0.1
"""Share of the first track's error kept for slots that are added later."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One look: for every slot the evidence, and what the worlds allow."""

    bar: int
    evidence: Array
    """Its logarithm."""
    spread: Array
    steps: tuple[Step, ...]
    """Of the ladder; the first decides."""
    crossed: npt.NDArray[np.bool_]
    """[level, slot]: whose evidence is above the level's threshold."""


@dataclass(slots=True)
class Epoch:
    """One champion's time, or a season of it. Slots come and go only where a look has ended."""

    terms: GateTerms
    number: int
    names: list[str] = field(default_factory=list)
    """Who sits in a slot; nobody: an empty word."""
    bar: int = 0
    admitted: int = 0
    fill: float = 1.0
    """Slots over variants ever admitted: the worlds' budget shrinks with every exchange."""
    sums: Array = field(default_factory=lambda: np.zeros((7, 0)))
    log_weight: Array = field(default_factory=lambda: np.zeros(0))
    top: Array = field(default_factory=lambda: np.zeros(0))
    """The most that evidence and weight came to, as a logarithm."""
    level: Array = field(default_factory=lambda: np.ones(0))
    """The smallest level of the ladder at which a slot would have passed."""
    passed: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    """By which track, once it has: that stays true whatever comes after."""
    worlds: Floats = field(init=False)
    retired: Array = field(init=False)
    """The best evidence in each world of those who left."""
    ladder: Ladder = field(init=False)
    recent: list[Floats] = field(default_factory=list)
    """Evidence bars since the last look."""
    left: list[tuple[float, int]] = field(default_factory=list)
    """Weights of slots that are added later, and how many may still have each."""
    work: Callable[[], Outcome] | None = None
    """The look under way. Another thread may do it: put its result's getter here instead."""

    def __post_init__(self) -> None:
        assert 0 < self.terms.season <= SEASON_MAX, "the worlds' sums must stay exact"
        assert self.terms.season % self.terms.look_every == 0, "the last look is at the end"
        self.worlds = np.zeros((len(self.names), self.terms.worlds), np.float32)
        self.retired = np.full(self.terms.worlds, -inf)
        self.ladder = Ladder(self.terms.alpha_worlds, self.terms.worlds)

    # Who takes part.

    def admit(
        self, names: Sequence[str], sizes: Array | None = None, expected: int = 0
    ) -> list[int]:
        """Give each of these a slot: those of others who left first, then new ones.

        `sizes` say how large a stake is, beside the others': who stakes twice as much may be
        expected to differ by twice as much. `expected` is how many there will soon be: who is
        first does not take the weight of those who are still warming up.
        """
        assert self.work is None
        assert not self.recent
        free = [slot for slot, name in enumerate(self.names) if not name]
        places = free[: len(names)]
        if fresh := len(names) - len(places):
            places += range(len(self.names), len(self.names) + fresh)
            self._grow(fresh, max(expected, fresh))
        for name, slot in zip(names, places, strict=True):
            self.names[slot] = name
        self.sums[SIZE, places] = np.ones(len(places)) if sizes is None else sizes
        self.admitted += len(names)
        if self.admitted:
            self.fill = min(self.fill, len(self.names) / self.admitted)
        return places

    def _grow(self, count: int, expected: int) -> None:
        if not self.names:
            self.left = [((1.0 - RESERVE) / expected, expected), (RESERVE / expected, expected)]
        weights = np.zeros(count)
        given = 0
        for n, (weight, many) in enumerate(self.left):
            heirs = min(count - given, many)
            weights[given : given + heirs] = weight
            self.left[n] = (weight, many - heirs)
            given += heirs
        self.names += [""] * count
        self.sums = np.hstack([self.sums, np.zeros((7, count))])
        self.log_weight = np.append(self.log_weight, logs(weights))
        self.top = np.append(self.top, np.full(count, -inf))
        self.level = np.append(self.level, np.ones(count))
        self.passed = np.append(self.passed, np.zeros(count, np.uint8))
        rows = np.zeros((count, self.terms.worlds), np.float32)
        self.worlds = np.vstack([self.worlds, rows])

    def dismiss(self, slots: Sequence[int]) -> None:
        """Free the slots of those who left.

        The shadow worlds keep the best of what they had, and whoever comes after inherits no more
        of the error than is left of it.
        """
        assert self.work is None
        assert not self.recent
        if not len(slots):
            return
        rows = np.asarray(slots, np.int64)
        spread = self.spreads()[rows]
        best = np.empty(self.terms.worlds)
        nothing = np.zeros((0, self.terms.worlds), np.float32)
        kernels().turn(
            self.worlds[rows], nothing, np.zeros((0, len(rows)), np.float32), spread,
            self.terms.rho, best,
        )  # fmt: skip
        self.retired = np.maximum(self.retired, best)
        ended = log_mixture(self.sums[TOTAL][rows], spread, self.terms.rho)
        self.log_weight[rows] += np.minimum(ended, 0.0)
        self.sums[:, rows] = 0.0
        self.worlds[rows] = 0.0
        self.top[rows], self.level[rows], self.passed[rows] = -inf, 1.0, 0
        for slot in slots:
            self.names[slot] = ""

    # Evidence.

    def tally(self, differences: Array, present: Flags, ratio: float = 1.0) -> None:
        """One evidence bar; `ratio` is how wild the market is now, known before the bar."""
        assert self.work is None
        seen = np.empty(len(self.names))
        kernels().tally(differences, present, ratio, self._least(), self.sums, seen)
        self.bar += 1
        if self.bar <= self.terms.season:
            self.recent.append(seen.astype(np.float32))
        if self.bar % self.terms.look_every == 0:
            self._look()

    def _least(self) -> Array:
        """What a slot's unit is at the least: what most others of its size differ by.

        Who wins a little every bar until it crashes shows no risk of its own before. Three
        quarters of those who are known differ by less than this, so that a few wild ones do not
        make everybody's evidence small.
        """
        sums = self.sums
        known = np.flatnonzero((sums[MET] >= BURN) & (sums[SIZE] > 0.0))
        size = sums[SIZE, known]
        swings = sums[HEAT, known] / (sums[MET, known] * size * size)
        order = np.argsort(swings, kind="stable")
        count, ranked = len(known), np.append(swings[order], [0.0, 0.0])
        found = np.full(len(self.names), ranked[max(0, ceil(CALMER * count) - 1)])
        place = max(0, ceil(CALMER * (count - 1)) - 1)  # of those who are known, oneself left out
        rank = np.empty(count, np.int64)
        rank[order] = np.arange(count)
        found[known] = np.where(rank > place, ranked[place], ranked[place + 1])
        least: Array = sums[SIZE] * np.sqrt(found)
        return least

    def unit(self, slot: int) -> float | None:
        """One standard deviation of a slot's differences, as far as is known; None of too few."""
        met = float(self.sums[MET, slot])
        if met < BURN:
            return None
        return max(sqrt(float(self.sums[HEAT, slot]) / met), float(self._least()[slot]))

    def spread(self, slot: int) -> float:
        """The variance of one total."""
        return float(self.spreads()[slot])

    def spreads(self) -> Array:
        """The variance of the totals: their squares, or what they should be if those are small."""
        squares = self.sums[SQUARES]
        found: Array = np.maximum(squares, (squares + 2.0 * self.sums[COUNT]) / 3.0)
        return found

    def _look(self) -> None:
        """Begin a look at what there is now; `settle` ends it."""
        recent, self.recent = self.recent, []
        width = len(self.names)
        bars = np.stack(recent) if recent else np.zeros((0, width), np.float32)
        first = self.bar - len(bars)
        shadows = signs((self.terms.seed, self.number), first, len(bars), self.terms.worlds)
        self.work = partial(
            _looked, self.terms, (self.worlds, self.retired, self.ladder),
            (bars, shadows), (self.sums[TOTAL].copy(), self.spreads()), (self.bar, self.fill),
        )  # fmt: skip

    def settle(self) -> Outcome | None:
        """The end of the look under way: who has passed by now is known."""
        if self.work is None:
            return None
        outcome, self.work = self.work(), None
        weighed = outcome.evidence + self.log_weight
        np.maximum(self.top, weighed, out=self.top)
        for level, crossed in zip(self.ladder.levels, outcome.crossed, strict=True):
            self.level[crossed & (self.level > level)] = level
        old = self.sums[AGE] >= self.terms.bars_min
        unpassed = self.passed == 0
        self.passed[unpassed & (outcome.crossed[0] & old)] = TRACKS.index("worlds")
        each = weighed >= logs(1.0 / self.terms.alpha_each)
        self.passed[unpassed & each] = TRACKS.index("each")
        return outcome

    # What is shown.

    def p_value(self, slot: int) -> float:
        """Valid at any time; it never rises again. To be shown: nothing is decided by it."""
        terms = self.terms
        each = exp(-max(0.0, float(self.top[slot]))) * terms.alpha / terms.alpha_each
        worlds = float(self.level[slot]) * terms.alpha / terms.alpha_worlds
        return round(min(1.0, each, worlds), 6)

    def interval(self, slot: int) -> tuple[float, float, float]:
        """The edge per evidence bar in standard deviations: mean, 95 % interval at any time."""
        count = float(self.sums[COUNT, slot])
        if count == 0.0:
            return 0.0, -inf, inf
        total, spread = float(self.sums[TOTAL, slot]), float(self.spreads()[slot])
        low, high = confidence_sequence(total, spread, count, self.terms.rho, 0.05)
        return total / count, float(low), float(high)


def _looked(
    terms: GateTerms,
    worlds: tuple[Floats, Array, Ladder],
    seen: tuple[Floats, Floats],
    totals: tuple[Array, Array],
    when: tuple[int, float],
) -> Outcome:
    """The look itself: changes the worlds and the ladder, which are nobody else's meanwhile."""
    compiled: Any = kernels()
    rows, retired, ladder = worlds
    bars, shadows = seen
    total, spread = totals
    bar, fill = when
    evidence = log_mixture(total, spread, terms.rho)
    best = np.empty(terms.worlds)
    compiled.turn(rows, shadows, bars, spread, terms.rho, best)
    np.maximum(best, retired, out=best)
    open_ = bar <= terms.season
    steps = ladder.climb(best, spent(terms, bar) * fill) if open_ else []
    crossed = np.zeros((len(ladder.levels), len(total)), np.bool_)
    for n, step in enumerate(steps):
        crossed[n] = evidence > step.threshold
    return Outcome(bar, evidence, spread, tuple(steps), crossed)
