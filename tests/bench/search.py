"""Our search algorithms beside those of pymoo and SciPy, at equal evaluations.

    python -m tests.bench.search --seeds 20
    python -m tests.bench.search --only de pso --on functions --seeds 5

On six functions: how far the best lies below the optimum, the median over seeds; what is nearer
than 1e-8 is there. On three back-tests, whose optimum nobody knows: the best fitness, the median
over seeds, and how far it lies below the best that anybody ever found. Then what each algorithm is
worth beside its counterparts and beside chance, the hypervolume of NSGA-II, and how long a
generation takes.
"""

import argparse
import math
import statistics
import time
from collections.abc import Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from liveopt.search.fronts import hypervolume
from liveopt.search.search import begin
from liveopt.search.spaces.coordinates import Number
from liveopt.search.spaces.parameters import Parameters
from tests.bench.backtests import BACKTESTS, Backtest
from tests.bench.counterparts import COUNTERPARTS, nsga2
from tests.bench.landscapes import LANDSCAPES, REFERENCE, ZDT_WIDTH, Landscape, Mixed, zdt

Array = npt.NDArray[np.float64]
Ground = Landscape | Mixed | Backtest
Found = dict[str, dict[str, list[float]]]
"""Best fitness [who][landscape][seed]."""
THERE = 1e-8
CHEAP = ("random", "ga", "pso", "de", "sa", "hc", "aco")
DEAR = ("random", "bo", "tpe")
"""For few evaluations."""


def ours(name: str, ground: Ground, evaluations: int, seeds: range) -> list[float]:
    """The best fitness that our algorithm finds; the seeds in turns, so that batches are full."""
    space = ground.space()
    searches = [begin(space, name, seed) for seed in seeds]
    left = searches
    while left := [one for one in left if one.evaluated < evaluations and not one.over]:
        batches = [one.ask(evaluations - one.evaluated) for one in left]
        fitness = ground.fitness(np.concatenate(batches))
        ends = np.cumsum([len(batch) for batch in batches])[:-1]
        for one, batch, told in zip(left, batches, np.split(fitness, ends), strict=True):
            if len(batch):
                one.tell(batch, told)
    return [one.fitness for one in searches]


def run_all(
    names: tuple[str, ...], grounds: Mapping[str, Ground], evaluations: int, seeds: range
) -> Found:
    """Each of ours, then its counterparts, on every ground."""
    found: Found = {}
    for name in names:
        found[name] = {title: ours(name, one, evaluations, seeds) for title, one in grounds.items()}
        for other, run in COUNTERPARTS.get(name, {}).items():
            found[other] = {
                title: [run(one.seen, one.bounds(), evaluations, seed) for seed in seeds]
                for title, one in grounds.items()
            }
    return found


def off(best: float) -> float:
    """How far below the optimum of a function."""
    return THERE if math.isnan(best) else max(-best, THERE)


def score(title: str, found: list[float]) -> float:
    """Of a landscape, more is better: the median, no nearer to a known optimum than `THERE`."""
    if title in LANDSCAPES:
        return -statistics.median(map(off, found))
    return statistics.median(found)


def table(found: Found) -> list[str]:
    """A line for each, a column for each landscape; the back-tests also with their gap."""
    titles = list(next(iter(found.values())))
    best = {t: max(max(one[t]) for one in found.values()) for t in titles}
    lines = [f"{'':22}" + "".join(f"{title:>16}" for title in titles)]
    for who, one in found.items():
        cells = [
            f"{-score(t, one[t]):.2e}"
            if t in LANDSCAPES
            else f"{score(t, one[t]):.4f} ({best[t] - score(t, one[t]):.4f})"
            for t in titles
        ]
        lines.append(f"{who:22}" + "".join(f"{cell:>16}" for cell in cells))
    return lines


def verdicts(names: tuple[str, ...], found: Found) -> list[str]:
    """Of each of ours: where a counterpart is better, and where chance is no worse."""
    lines = []
    for name in names:
        if name == "random":
            continue
        mine = {t: score(t, one) for t, one in found[name].items()}
        others = [who for who in COUNTERPARTS.get(name, {}) if who in found]
        worse = [t for t in mine if any(score(t, found[who][t]) > mine[t] for who in others)]
        lucky = [t for t in mine if "random" in found and score(t, found["random"][t]) >= mine[t]]
        beside = ("no worse" if not worse else f"worse on {', '.join(worse)}") if others else "none"
        chance = "beaten everywhere" if not lucky else f"not beaten on {', '.join(lucky)}"
        lines.append(f"{name:6} counterparts: {beside:36} random: {chance}")
    return lines


def fronts(evaluations: int, seeds: range) -> list[str]:
    """Hypervolume above the reference point."""
    lines = []
    for number in (1, 2, 3):
        mine: list[float] = []
        theirs: list[float] = []
        fewer: list[float] = []
        for seed in seeds:
            space = Parameters({f"x{i}": Number(0.0, 1.0) for i in range(ZDT_WIDTH)})
            search = begin(space, "nsga2", seed)
            while search.evaluated < evaluations:
                batch = search.ask(evaluations - search.evaluated)
                search.tell(batch, zdt(number, batch))
            mine.append(hypervolume(_last(search.front()[1]), REFERENCE))
            objectives = partial(zdt, number)
            for size, found in ((100, theirs), (50, fewer)):
                front = nsga2(objectives, ZDT_WIDTH, (evaluations, size), seed)
                found.append(hypervolume(front, REFERENCE))
        lines.append(
            f"ZDT{number}  nsga2 {statistics.median(mine):.4f}"
            f"  pymoo {statistics.median(theirs):.4f}  pymoo 50 {statistics.median(fewer):.4f}"
        )
    return lines


def _last(front: Array) -> Array:
    """A hundred of the front, evenly: as many as pymoo's population has."""
    order = np.argsort(front[:, 0])
    evenly = np.linspace(0, len(order) - 1, min(100, len(order))).astype(int)
    chosen: Array = front[order[evenly]]
    return chosen


def generation_ms(name: str, terms: dict[str, int]) -> float:
    """Asking and telling a generation of 1,000 of 10 numbers: the median of 50."""
    search = begin(LANDSCAPES["sphere"].space(), name, 1, terms)
    took = []
    for _ in range(50):
        began = time.perf_counter()
        batch = search.ask(1_000)
        asked = time.perf_counter() - began
        fitness = -(batch**2).sum(axis=1)
        began = time.perf_counter()
        search.tell(batch, fitness)
        took.append(1e3 * (asked + time.perf_counter() - began))
    return statistics.median(took)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=5_000, help="on a function")
    parser.add_argument("--tests", type=int, default=500, help="evaluations on a back-test")
    parser.add_argument("--dear", type=int, default=60, help="evaluations of bo and tpe")
    parser.add_argument("--only", nargs="*", default=[*CHEAP, *DEAR, "fronts", "speed"])
    parser.add_argument("--on", nargs="*", default=["functions", "backtests"])
    wanted = parser.parse_args()
    seeds = range(1, wanted.seeds + 1)
    sizes = {"functions": wanted.evaluations, "backtests": wanted.tests}
    for title in wanted.on:
        grounds: Mapping[str, Ground] = LANDSCAPES if title == "functions" else BACKTESTS
        for names, evaluations in ((CHEAP, sizes[title]), (DEAR, wanted.dear)):
            if chosen := tuple(name for name in names if name in wanted.only):
                found = run_all(chosen, grounds, evaluations, seeds)
                print(f"\n{title}: {evaluations} evaluations, {wanted.seeds} seeds")
                print("\n".join(table(found) + verdicts(chosen, found)), flush=True)
    if "fronts" in wanted.only:
        print("\n".join(fronts(2 * sizes["functions"], seeds)), flush=True)
    if "speed" in wanted.only:
        for name, size in (("de", "population"), ("ga", "population"), ("pso", "swarm")):
            print(f"{name}: {generation_ms(name, {size: 1_000}):.2f} ms a generation of 1,000")


if __name__ == "__main__":
    main()
