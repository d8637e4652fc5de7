"""A study at work: fold by fold, generation by generation, each kept before the next begins.

To resume is to begin anew with what was told before: the search is seeded, so it asks for the same
candidates and goes on where the last generation that was kept ended.
"""

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liveopt.optimize.objective import (
    Constraint,
    Objective,
    enriched,
    fitness,
    parse_constraint,
    parse_objective,
)
from liveopt.optimize.studies.crew import Crew, Metrics
from liveopt.optimize.studies.plan import Parameter, Plan
from liveopt.optimize.studies.space import groups, space_of
from liveopt.optimize.studies.store import Generation, Store
from liveopt.optimize.studies.tally import Tally
from liveopt.optimize.walkforward import Fold, Tested, ends, examine, folds
from liveopt.search.search import Search
from liveopt.search.search import begin as begin_search
from liveopt.search.spaces.coordinates import Coordinate, Number, Word
from liveopt.search.spaces.parameters import Parameters

Array = npt.NDArray[np.float64]
ASKED_MOST: Final = 4_096
"""Candidates of a batch where the algorithm has no generations of its own."""
POOL_MOST: Final = 1_024
"""Candidates of a search that are remembered with their fitness."""
FRONT_MOST: Final = 50
"""Members of a front that are tested out of sample."""


class Cancelled(Exception):
    """Somebody has asked for the end."""


class Diverged(Exception):
    """The search does not ask for what it asked before: the program or the data is another."""


@dataclass(frozen=True, slots=True)
class Member:
    """One candidate of a fold: its parameters, and how it did in both samples."""

    parameters: dict[str, Parameter]
    trained: list[dict[str, float]]
    """In-sample metrics of the main and of the pessimistic account."""
    tested: Tested


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a fold."""

    fold: Fold
    best: Member
    front: list[Member]
    """With several objectives: what nothing dominates in sample."""
    evaluated: int
    pool: "Pool"


@dataclass(slots=True)
class Pool:
    """The best candidates of a search in sample, the best first; equals in their order."""

    candidates: Array = field(default_factory=lambda: np.zeros((0, 0)))
    fitness: Array = field(default_factory=lambda: np.zeros(0))

    def add(self, batch: Array, fitness: Array) -> None:
        """Some more."""
        both = np.concatenate([self.candidates.reshape(-1, batch.shape[1]), batch])
        values = np.concatenate([self.fitness, fitness])
        order = np.argsort(-values, kind="stable")[:POOL_MOST]
        self.candidates, self.fitness = both[order], values[order]


@dataclass(slots=True)
class Heard:
    """What whoever waits is told after each generation."""

    fold: int
    evaluated: int
    best: float
    bars: int
    """Variant-bars of the generation."""
    kept: bool
    """Whether it was done before this process took the study up."""


@dataclass(slots=True)
class Study:
    """A plan, those who evaluate, and where it is kept."""

    plan: Plan
    crew: Crew
    store: Store
    name: str
    hear: Callable[[Heard], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    history: list[dict[str, float]] = field(default_factory=list)
    engine_s: float = 0.0
    """Seconds of this process in the engine."""
    elapsed_s: float = 0.0
    short: bool = False
    """Whether the time was out before all was evaluated."""
    _since_s: float = 0.0

    def run(self) -> list[Outcome]:
        """Every fold."""
        self._since_s = time.perf_counter()
        plan, run = self.plan, self.crew.run
        bars = len(ends(run.rows)) - 1
        outcomes: list[Outcome] = []
        for number, fold in enumerate(folds(bars, plan.folds, plan.kind, plan.embargo)):
            outcomes.append(self._fold(number, fold, [one.best.parameters for one in outcomes]))
        return outcomes

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What it is after."""
        return tuple(map(parse_objective, self.plan.objectives))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What must hold."""
        return tuple(map(parse_constraint, self.plan.constraints))

    def space(self) -> Parameters:
        """What is searched."""
        return space_of(self.crew.run.setup.strategy, self.plan.ranges, self.plan.fixed)

    def _fold(self, number: int, fold: Fold, before: list[dict[str, Parameter]]) -> Outcome:
        plan, space = self.plan, self.space()
        at = ends(self.crew.run.rows)
        span = int(at[fold.first]), int(at[fold.last])
        first = beginnings(space, before[::-1] + plan.around)
        pool = Pool()
        search = begin_search(space, plan.algorithm, plan.fold_seed(number), plan.terms, first)
        kept = self.store.generations(self.name, number)
        generation = 0
        told = next(kept, None)
        while search.evaluated < plan.budget(number):
            batch = search.ask(min(plan.budget(number) - search.evaluated, ASKED_MOST))
            if not len(batch):
                break
            checksum = zlib.crc32(b"".join(space.encode(batch)))
            new = told is None
            if told is None:
                values, sharpe = self._evaluate(space, batch, span)
                told = Generation(checksum, values, sharpe, self._elapsed())
                if not self.store.append(self.name, (number, generation), told):
                    raise Cancelled(self.name)
            elif told.checksum != checksum or len(told.fitness) != len(batch):
                raise Diverged(f"{self.name} asks for other candidates than before; begin it anew")
            self._learn(search, batch, told)
            pool.add(batch, told.fitness[:, 0])
            self._say(search, number, (len(batch) * (span[1] - span[0]), not new))
            generation, told = generation + 1, next(kept, None)
            if told is None and self._late(number):
                break
        return self._outcome(search, fold, span, pool)

    def _elapsed(self) -> float:
        """Seconds of the study, those before it was resumed too."""
        now_s = time.perf_counter()
        self.elapsed_s += now_s - self._since_s
        self._since_s = now_s
        return self.elapsed_s

    def _late(self, number: int) -> bool:
        """Whether the folds so far have used up their share of the time."""
        share = self.plan.timeout_s * (number + 1) / self.plan.folds
        late = self.plan.timeout_s > 0.0 and self._elapsed() >= share
        self.short = self.short or late
        return late

    def _learn(self, search: Search, batch: Array, told: Generation) -> None:
        several = search.method.several
        search.tell(batch, told.fitness if several else told.fitness[:, 0])
        self.tally.add(told.sharpe)
        self.elapsed_s = max(self.elapsed_s, told.elapsed_s)

    def _say(self, search: Search, number: int, done: tuple[int, bool]) -> None:
        best = float(search.front()[1][:, 0].max()) if search.method.several else search.fitness
        self.history.append({"fold": number, "evaluated": search.evaluated, "best": best})
        self.hear(Heard(number, self.tally.count, best, *done))

    def _evaluate(
        self, space: Parameters, batch: Array, span: tuple[int, int]
    ) -> tuple[Array, Array]:
        """Fitness and Sharpe ratio of each candidate."""
        objectives, constraints = self.objectives, self.constraints
        values = np.full((len(batch), len(objectives)), np.nan)
        sharpe = np.full(len(batch), np.nan)
        strategy = self.crew.run.setup.strategy
        years = self._years(span)
        for places, variants in groups(space, batch, strategy, self.plan.fixed):
            begun_s = time.perf_counter()
            found: list[Metrics] = self.crew.metrics(variants, span)
            self.engine_s += time.perf_counter() - begun_s
            accounts = [enriched(m, years) for m in found]
            values[places] = fitness(objectives, constraints, list(accounts))
            sharpe[places] = found[0]["bar_sharpe"]
        return np.where(np.isnan(values), -np.inf, values), sharpe

    def _years(self, span: tuple[int, int]) -> float:
        at = ends(self.crew.run.rows)
        first, last = np.searchsorted(at, span)
        return float(last - first) / self.crew.run.periods_per_year

    def _outcome(self, search: Search, fold: Fold, span: tuple[int, int], pool: Pool) -> Outcome:
        if not search.method.several:
            assert search.best is not None, "one candidate at least was evaluated"
            best = self._member(search.space, search.best, fold, span)
            return Outcome(fold, best, [], search.evaluated, pool)
        candidates, values = search.front()
        order = np.argsort(-values[:, 0], kind="stable")[:FRONT_MOST]
        middle = balanced_member(values[order])
        front = [self._member(search.space, candidates[i], fold, span) for i in order]
        return Outcome(fold, front[middle], front, search.evaluated, pool)

    def _member(self, space: Any, candidate: Array, fold: Fold, span: tuple[int, int]) -> Member:
        run, plan = self.crew.run, self.plan
        (_, variants), *_ = groups(space, candidate[None, :], run.setup.strategy, plan.fixed)
        begun_s = time.perf_counter()
        trained = [enriched(m, self._years(span)) for m in self.crew.metrics(variants, span)]
        (tested,) = examine(run, variants, fold)
        self.engine_s += time.perf_counter() - begun_s
        return Member(
            variants.parameters(0),
            [{n: float(v[0]) for n, v in m.items()} for m in trained],
            tested,
        )


def beginnings(space: Parameters, records: Sequence[Mapping[str, Parameter]]) -> Array:
    """Parameters to begin with as candidates; what lies outside the space is left out."""
    inside = [
        {n: one[n] for n in space.coordinates}
        for one in records
        if all(n in one and _within(c, one[n]) for n, c in space.coordinates.items())
    ]
    return space.candidates(inside)


def _within(coordinate: Coordinate, value: Parameter) -> bool:
    match coordinate:
        case Word():
            return value in coordinate.options
        case Number():
            return not isinstance(value, str) and coordinate.low <= value <= coordinate.high
        case _:
            return False


def balanced_member(values: Array) -> int:
    """The member of a front whose places in the single objectives add up to least."""
    places = np.argsort(np.argsort(-values, axis=0, kind="stable"), axis=0)
    return int(np.argmin(places.sum(axis=1)))
