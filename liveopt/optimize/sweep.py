"""A sweep: many variants over the same bars, ranked by one metric."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from liveopt.engine.device import Device, Run, evaluate
from liveopt.optimize.parameters import Variants

Array = npt.NDArray[np.float64]
LOW_IS_GOOD = frozenset({"max_drawdown", "avg_loss", "fees", "longest_losing", "refused"})


@dataclass(frozen=True, slots=True)
class Ranked:
    """One variant of a sweep."""

    parameters: dict[str, float | str]
    metrics: dict[str, float]


@dataclass(slots=True)
class Sweep:
    """What came of a sweep."""

    evaluated: int = 0
    invalid: int = 0
    top: list[Ranked] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def ranking(values: Array, metric: str) -> npt.NDArray[np.int64]:
    """Best first; what is undefined comes last; equals keep their order."""
    signed = values if metric in LOW_IS_GOOD else -values
    return np.argsort(np.where(np.isnan(signed), np.inf, signed), kind="stable")


def sweep(
    run: Run,
    batches: Iterable[Variants],
    choice: tuple[Device, int],
    by: tuple[str, int],
    progress: Callable[[int], None] = lambda _: None,
) -> Sweep:
    """Evaluate every batch and keep the best `by` (a metric, how many)."""
    metric, keep = by
    found = Sweep()
    for variants in batches:
        found.invalid += variants.invalid
        if not len(variants):
            continue
        one = replace(run, setup=replace(run.setup, choices=variants.choices))
        result = evaluate(one, (variants.knobs, variants.risk), choice, progress)
        found.evaluated += len(variants)
        found.notes += result.notes
        best = ranking(result.metrics[metric], metric)[:keep]
        found.top += [
            Ranked(variants.parameters(int(i)), {n: float(v[i]) for n, v in result.metrics.items()})
            for i in best
        ]
    order = ranking(np.array([r.metrics[metric] for r in found.top], float), metric)[:keep]
    found.top = [found.top[i] for i in order]
    return found
