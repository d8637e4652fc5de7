"""A round: every study of it, then the test of the best of them out of sample, all side by side."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from liveopt.core.bars import Bars
from liveopt.core.strategy import Strategy
from liveopt.data.candle_file import write_candles
from liveopt.data.candles import read_candles
from liveopt.engine.device import Run
from liveopt.optimize.objective import FORBIDDEN
from liveopt.optimize.parameters import BadParameter, Variants, features
from liveopt.optimize.rounds.choice import Candidate, choose, distinct
from liveopt.optimize.rounds.market import recent
from liveopt.optimize.rounds.plans import Draft, plans
from liveopt.optimize.rounds.task import Searched, Sought, Task
from liveopt.optimize.studies.around import write_around
from liveopt.optimize.studies.plan import Data, hash_of
from liveopt.optimize.studies.space import groups
from liveopt.optimize.studies.study import Outcome, Study
from liveopt.optimize.studies.tally import Tally, luck
from liveopt.optimize.walkforward import Fold, Tested, ends, examine, folds
from liveopt.walk.variant import Variant, new_id

Array = npt.NDArray[np.float64]
FINALISTS: Final = 16
"""Of each study: the best in sample that are not alike."""
LEAST_BARS: Final = 150
"""Fewer leave nothing to test on."""


@dataclass(frozen=True, slots=True)
class Done:
    """One study of a round, with what it was done with."""

    draft: Draft
    run: Run
    study: Study
    outcome: Outcome


Do = Callable[[Draft], Done]
"""Does a study, or goes on with it."""


def search(
    task: Task, sought: Sought, strategies: Mapping[str, Strategy], folder: Path, do: Do
) -> Searched:
    """One symbol: what is proposed, and how everything else was judged."""
    file = folder / f"{sought.symbol}.parquet"
    bars = _market(task, sought, file)
    if len(bars) < LEAST_BARS:
        few = f"{len(bars)} signal bars are known, and {LEAST_BARS} are needed"
        return _skipped(sought, len(bars), few)
    data = Data(str(file), None, None, None, hash_of(bars))
    try:
        drafts = list(plans(task, sought, strategies, data, len(bars)))
        _keep_living(drafts)
        done = [do(draft) for draft in drafts]
    except BadParameter as error:
        return _skipped(sought, len(bars), str(error))
    tally = Tally()
    for one in done:
        tally.merge(one.study.tally)
    trials = sought.trials_before + tally.count
    rng = np.random.default_rng([task.seed, task.number, crc32(sought.symbol.encode())])
    candidates = [found for one in done for found in _finalists(one, sought, rng)]
    living = [found for one in done[::2] for found in _living(one, sought)]
    deviation, known = luck(tally, sought.trials_before, sought.deviation_before)
    deviation /= math.sqrt(done[0].run.periods_per_year)
    proposals, finalists = choose(task, candidates, living, (trials, deviation, known))
    return Searched(
        sought.symbol, len(bars), trials, tuple(one.draft.name for one in done), proposals,
        finalists,
    )  # fmt: skip


def _market(task: Task, sought: Sought, file: Path) -> Bars:
    """As the round has begun with it, whatever has become of the record since."""
    if file.exists():
        return read_candles(file)
    known = file.parent.with_name(f"{sought.symbol}.json")
    bars = recent(Path(task.run), sought.symbol, task.effort.bars, task.at_ns, known)
    if len(bars) >= LEAST_BARS:
        write_candles(file, bars, {"run": task.run, "round": str(task.number)})
    return bars


def _keep_living(drafts: Sequence[Draft]) -> None:
    """As files, for the commands that give the studies again."""
    for one in drafts:
        if one.plan.around_file:
            write_around(Path(one.plan.around_file), one.plan.around)


def _skipped(sought: Sought, bars: int, why: str) -> Searched:
    return Searched(sought.symbol, bars, sought.trials_before, (), (), (), why)


def _finalists(done: Done, sought: Sought, rng: np.random.Generator) -> Iterator[Candidate]:
    """The best of a study in sample that are not alike, each tested."""
    pool, strategy = done.outcome.pool, done.draft.strategy
    space, fixed = done.study.space(), done.draft.plan.fixed
    kept = pool.fitness > FORBIDDEN
    ranked, fitness = pool.candidates[kept], pool.fitness[kept]
    chosen = distinct(space.locate(ranked), FINALISTS)
    names = [new_id(rng) for _ in range(FINALISTS)]
    for places, found in groups(space, ranked[chosen], strategy, fixed):
        for n, tested in zip(places.tolist(), _tested(done, found), strict=True):
            parameters = found.parameters(int(np.flatnonzero(places == n)[0]))
            if sought.instrument.market == "spot":
                parameters["leverage"] = 1.0
            variant = Variant(
                names[n], strategy.name, sought.symbol, parameters,
                f"search {done.draft.name.rpartition('_')[2]}",
            )  # fmt: skip
            a_bar = float(fitness[chosen[n]]) / math.sqrt(done.run.periods_per_year)
            yield Candidate(variant, strategy, a_bar, tested)


def _living(done: Done, sought: Sought) -> Iterator[Candidate]:
    """Those who live, over the same test: what is found must be something else."""
    strategy = done.draft.strategy
    own = [v for v in sought.living if v.strategy == strategy.name]
    together: dict[Any, list[Variant]] = {}
    for variant in own:
        together.setdefault(_kind(variant), []).append(variant)
    for members in together.values():
        setup = done.run.setup  # the champion and those of a person may risk money in other ways
        rule = features(setup.rule, {*members[0].parameters})
        run = replace(done.run, setup=replace(setup, rule=rule))
        tests = examine(run, _columns(members, strategy), fold_of(done))
        for variant, tested in zip(members, tests, strict=True):
            yield Candidate(variant, strategy, float("nan"), tested)


def _kind(variant: Variant) -> tuple[tuple[str, str], ...]:
    words = {n: v if isinstance(v, str) else "" for n, v in variant.parameters.items()}
    return tuple(sorted(words.items()))


def _columns(members: Sequence[Variant], strategy: Strategy) -> Variants:
    first = members[0].parameters
    columns = {
        n: np.array([float(v.parameters[n]) for v in members])
        for n, value in first.items()
        if not isinstance(value, str)
    }
    return Variants(
        {n: str(v) for n, v in first.items() if isinstance(v, str)},
        {n: columns[n] for n in strategy.knobs},
        {n: v for n, v in columns.items() if n not in strategy.knobs},
        0,
    )


def _tested(done: Done, variants: Variants) -> list[Tested]:
    return examine(done.run, variants, fold_of(done))


def fold_of(done: Done) -> Fold:
    """The one fold of a round's study."""
    plan = done.draft.plan
    (found,) = folds(len(ends(done.run.rows)) - 1, plan.folds, plan.kind, plan.embargo)
    return found
