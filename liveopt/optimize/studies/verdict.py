"""What a study found, in both samples, and why it passes or fails."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from liveopt.core.account import RISK
from liveopt.core.strategy import Strategy
from liveopt.optimize.objective import Constraint, Objective
from liveopt.optimize.studies.plan import Parameter
from liveopt.optimize.studies.study import Member, Outcome, Study
from liveopt.optimize.studies.tally import luck
from liveopt.optimize.walkforward import Fold, Tested, returns, stitched
from liveopt.stats import sharpe

Array = npt.NDArray[np.float64]
DEFLATED_MIN: Final = 0.95
TRADES_MIN: Final = 30
DECAY_MIN: Final = 0.5
"""Out of sample over in sample: with less than half left, what was found was mostly luck."""
ACCOUNTS: Final = ("main", "pessimistic")


def report(study: Study, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The result as plain data."""
    run, trials = study.crew.run, study.tally
    capital, year = run.setup.capital, run.periods_per_year
    tests = [one.best.tested for one in outcomes]
    out = [stitched(tests, account, capital, year) for account in (0, 1)]
    inside = [_mean([o.best.trained[account] for o in outcomes]) for account in (0, 1)]
    values = study.objectives
    last = outcomes[-1]
    walk: dict[str, Any] = {
        "kind": study.plan.kind,
        "embargo": study.plan.embargo,
        "folds": [_fold(study, number, one) for number, one in enumerate(outcomes)],
        "in_sample": _in_sample(values, [o.best.trained for o in outcomes], inside),
        "out_of_sample": _sample(values, out),
    }
    walk["decay"] = decay(walk["in_sample"]["objective"], walk["out_of_sample"]["objective"])
    ever = trials.count + study.plan.trials_before
    deviation, known = luck(trials, study.plan.trials_before, study.plan.deviation_before)
    deflated = [_deflated(tests, account, (ever, deviation / math.sqrt(year), known))
                for account in (0, 1)]  # fmt: skip
    found = {
        "best": _member(study, last.best) | {"deflated_sharpe": _least(deflated), "trials": ever},
        "walk_forward": walk | {"deflated_sharpe": dict(zip(ACCOUNTS, deflated, strict=True))},
        "evaluated": trials.count,
        "trials_before": study.plan.trials_before,
        "sharpe_deviation": deviation,
        "stopped_by_timeout": study.short,
    }
    if last.front:
        found["front"] = [_member(study, one) for one in last.front]
    fails = [
        f"nothing in the train of fold {number} holds {constraint.text}"
        for number, one in enumerate(outcomes, start=1)
        for constraint in study.constraints
        if not all(_holds(constraint, m) for m in one.best.trained)
    ]
    fails += failures(walk, out, _least(deflated), study.constraints)
    return found | {"passes": not fails, "fails": fails}


def failures(
    walk: Mapping[str, Any],
    out: Sequence[Mapping[str, float]],
    deflated: float,
    constraints: Sequence[Constraint],
) -> list[str]:
    """What speaks against it, out of sample; nothing: it passes."""
    found = []
    for name, metrics in zip(ACCOUNTS, out, strict=True):
        if not metrics["roi"] > 0.0:
            found.append(f"return out of sample is {metrics['roi']:.4g} on the {name} account")
        found += [
            f"{c.text} does not hold out of sample on the {name} account: {metrics[c.metric]:.4g}"
            for c in constraints
            if not _holds(c, metrics)
        ]
    if out[0]["trades"] < TRADES_MIN:
        found.append(f"{out[0]['trades']:.0f} trades out of sample are fewer than {TRADES_MIN}")
    if not deflated >= DEFLATED_MIN:
        found.append(f"the deflated Sharpe ratio is {deflated:.4g}, below {DEFLATED_MIN}")
    if walk["decay"] < DECAY_MIN:
        found.append(f"of the objective in sample {walk['decay']:.4g} is left, below {DECAY_MIN}")
    return found


def _holds(constraint: Constraint, metrics: Mapping[str, float]) -> bool:
    return bool(constraint.holds({constraint.metric: np.array([metrics[constraint.metric]])})[0])


def decay(inside: float, outside: float) -> float:
    """Out over in; NaN where there was nothing to lose."""
    return outside / inside if inside > 0.0 else math.nan


def _fold(study: Study, number: int, one: Outcome) -> dict[str, Any]:
    fold: Fold = one.fold
    return {
        "fold": number + 1,
        "train": [fold.first, fold.last],
        "test": [fold.begin, fold.end],
        "evaluated": one.evaluated,
        **_member(study, one.best),
    }


def _member(study: Study, member: Member) -> dict[str, Any]:
    run = study.crew.run
    out = [
        stitched([member.tested], account, run.setup.capital, run.periods_per_year)
        for account in (0, 1)
    ]
    inside = _sample(study.objectives, member.trained)
    outside = _sample(study.objectives, out)
    return {
        "parameters": _plain(member.parameters, run.setup.strategy),
        "in_sample": inside,
        "out_of_sample": outside,
        "decay": decay(inside["objective"], outside["objective"]),
    }


def _plain(parameters: Mapping[str, Parameter], strategy: Strategy) -> dict[str, Parameter]:
    """Whole knobs as integers."""
    knobs = {**RISK, **strategy.knobs}
    return {
        n: v if isinstance(v, str) else int(v) if knobs[n].whole else float(v)
        for n, v in parameters.items()
    }


def _sample(
    objectives: Sequence[Objective], accounts: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """The value that the search was after (the worse account's), and what it comes from."""
    values = [_values(objectives, m) for m in accounts]
    least = {n: _least([v[n] for v in values]) for n in values[0]}
    return {
        "objective": next(iter(least.values())),
        "objectives": least,
        "metrics": dict(accounts[0]),
        "pessimistic": dict(accounts[1]),
    }


def _in_sample(
    objectives: Sequence[Objective],
    trained: Sequence[Sequence[Mapping[str, float]]],
    means: Sequence[Mapping[str, float]],
) -> dict[str, Any]:
    """The means over the folds, of the values too."""
    samples = [_sample(objectives, accounts)["objectives"] for accounts in trained]
    least = {n: float(np.mean([s[n] for s in samples])) for n in samples[0]}
    return {
        "objective": next(iter(least.values())),
        "objectives": least,
        "metrics": dict(means[0]),
        "pessimistic": dict(means[1]),
    }


def _values(objectives: Sequence[Objective], metrics: Mapping[str, float]) -> dict[str, float]:
    columns = {n: np.array([v]) for n, v in metrics.items()}
    with np.errstate(all="ignore"):
        return {one.text: float(one.of(columns)[0]) for one in objectives}


def _mean(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in each])) for name in each[0]}


def _deflated(tests: Sequence[Tested], account: int, trials: tuple[int, float, int]) -> float:
    seen, (count, deviation, known) = sharpe.track(returns(tests, account)), trials
    spread = sharpe.spread_of_trials(deviation, known, seen.n)
    return float(sharpe.deflated(seen, count, spread))


def _least(values: Sequence[float]) -> float:
    """The least; NaN if any is."""
    return float(np.min(values))
