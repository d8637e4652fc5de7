"""How fast a study is, what of it is not the engine, and how fast it is one candidate at a time.

python -m tests.bench.optimize --evals 20000
"""

import argparse
import json
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from liveopt.engine.cpu import Cpu
from liveopt.optimize.objective import enriched, fitness, parse_objective
from liveopt.optimize.studies.crew import Crew, measure
from liveopt.optimize.studies.plan import Plan, Span
from liveopt.optimize.studies.space import groups, usual_ranges
from liveopt.optimize.studies.store import Store
from liveopt.optimize.studies.study import Study
from liveopt.optimize.studies.verdict import report
from liveopt.optimize.walkforward import folds
from liveopt.strategies import load
from tests.studies import YEAR, candles, plan_of, run_of

CHOSEN = load()["ma_crossover"]
EMBARGO = 601


def plan(population: int, evals: int) -> Plan:
    """One fold whose train is two thirds of the candles.

    The fraction is searched too: the windows alone have no more than 100,000 combinations.
    """
    fixed: dict[str, float | str] = {"kind": "ema"}
    ranges = usual_ranges(CHOSEN, fixed) | {"fraction": Span(0.1, 1.0)}
    return plan_of(
        fixed=fixed, ranges=ranges, evals=evals, folds=1, embargo=EMBARGO,
        terms={"population": population}, objectives=["bar_sharpe"],
    )  # fmt: skip


def ours(crew: Crew, wanted: Plan) -> dict[str, float]:
    """The whole study: search, engine, store, test, verdict."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        study = Study(wanted, crew, store, store.add(wanted, "now"))
        begun_s = time.perf_counter()
        report(study, study.run())
        elapsed_s = time.perf_counter() - begun_s
        store.close()
    return {
        "evaluations": study.tally.count,
        "elapsed_s": elapsed_s,
        "engine_s": study.engine_s,
        "generations": len(study.history),
        "overhead_share": 1.0 - study.engine_s / elapsed_s,
        "evaluations_per_s": study.tally.count / elapsed_s,
        "elapsed_s_of_100000": elapsed_s / study.tally.count * 100_000,
    }


def theirs(crew: Crew, wanted: Plan, trials: int) -> dict[str, float]:
    """The same objective with the same engine, one candidate at a time, through Optuna."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    run, device = crew.run, Cpu()
    (fold,) = folds(len(run.rows), 1, "anchored", EMBARGO)
    years = (fold.last - fold.first) / YEAR
    study = Study(wanted, crew, Store(Path(tempfile.mkdtemp())), "reference")
    space, goal = study.space(), (parse_objective("bar_sharpe"),)

    def value(trial: Any) -> float:
        slow = trial.suggest_int("slow", 3, 600)
        fast = trial.suggest_int("fast", 2, min(200, slow - 1))
        fraction = trial.suggest_float("fraction", 0.1, 1.0)
        batch = space.candidates([{"fast": fast, "slow": slow, "fraction": fraction}])
        (_, variants), *_ = groups(space, batch, CHOSEN, wanted.fixed)
        accounts = measure(run, variants, (fold.first, fold.last), device, 1 << 30)
        found = float(fitness(goal, (), [enriched(m, years) for m in accounts])[0, 0])
        return found if np.isfinite(found) else -1e9

    sampler = optuna.samplers.RandomSampler(seed=1)
    reference = optuna.create_study(direction="maximize", sampler=sampler)
    reference.optimize(value, n_trials=1)
    begun_s = time.perf_counter()
    reference.optimize(value, n_trials=trials)
    elapsed_s = time.perf_counter() - begun_s
    return {"evaluations_per_s": trials / elapsed_s, "elapsed_s": elapsed_s}


def main() -> None:
    """Both, one after the other, in one process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=100_000, help="of the train")
    parser.add_argument("--evals", type=int, default=100_000)
    parser.add_argument("--population", type=int, default=1_000)
    parser.add_argument("--reference", type=int, default=100, help="trials through Optuna")
    wanted = parser.parse_args()
    run = run_of(candles((wanted.bars + EMBARGO) * 3 // 2, seed=1))
    crew = Crew(run, Cpu(), 1 << 30, None, 0)
    study = plan(wanted.population, wanted.evals)
    ours(crew, plan(wanted.population, wanted.population))  # compile
    found: dict[str, Any] = {"bars": wanted.bars, "population": wanted.population}
    found["study"] = ours(crew, study)
    if wanted.reference and find_spec("optuna"):
        found["reference"] = theirs(crew, study, wanted.reference)
        rates = [found[who]["evaluations_per_s"] for who in ("study", "reference")]
        found["ratio"] = rates[0] / rates[1]
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
