"""A sweep: many variants over the same bars, ranked by one score."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from liveopt.core.score import SCORES, ranking
from liveopt.engine.device import Device, Run, evaluate
from liveopt.optimize.assurance import Trials
from liveopt.optimize.parameters import Variants

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranked:
    """One variant of a sweep."""

    parameters: dict[str, float | str]
    metrics: dict[str, float]
    score: float
    """What it is ranked by."""


@dataclass(slots=True)
class Sweep:
    """What came of a sweep."""

    invalid: int = 0
    top: list[Ranked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trials: Trials = field(default_factory=lambda: Trials(0, 0.0))
    """All that was evaluated."""


def sweep(
    run: Run,
    batches: Iterable[Variants],
    choice: tuple[Device, int],
    by: tuple[str, int],
    progress: Callable[[int], None] = lambda _: None,
) -> Sweep:
    """Evaluate every batch and keep the best `by` (a score, how many)."""
    name, keep = by
    found, ratios = Sweep(), [np.empty(0)]
    for variants in batches:
        found.invalid += variants.invalid
        if not len(variants):
            continue
        one = replace(run, setup=replace(run.setup, choices=variants.choices))
        result = evaluate(one, (variants.knobs, variants.risk), choice, progress)
        found.notes += result.notes
        ratios.append(result.metrics["bar_sharpe"])
        scores = SCORES[name].of(result.metrics, np)
        found.top += [
            Ranked(
                variants.parameters(int(i)),
                {n: float(v[i]) for n, v in result.metrics.items()},
                float(scores[i]),
            )
            for i in ranking(scores, np)[:keep]
        ]
    order = ranking(np.array([r.score for r in found.top], float), np)[:keep]
    found.top = [found.top[i] for i in order]
    found.trials = _trials(np.concatenate(ratios))
    return found


def _trials(ratios: Array) -> Trials:
    """How many there were, and how far their Sharpe ratios lie apart, where they have one."""
    defined = ratios[~np.isnan(ratios)]
    return Trials(len(ratios), float(defined.std(ddof=1)) if len(defined) > 1 else 0.0)
