"""Our search algorithms beside those of pymoo and SciPy, at equal evaluations.

    python -m tests.bench.search --seeds 20
    python -m tests.bench.search --only de pso --seeds 5

Prints how far the best lies below the optimum, the median over seeds. What is nearer than 1e-8 is
there. Then the hypervolume of NSGA-II, and how long a generation takes.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from liveopt.search.fronts import hypervolume
from liveopt.search.search import begin
from liveopt.search.spaces.coordinates import Number
from liveopt.search.spaces.parameters import Parameters
from tests.bench.counterparts import COUNTERPARTS, nsga2
from tests.bench.landscapes import LANDSCAPES, REFERENCE, ZDT_WIDTH, Landscape, Mixed, zdt

Array = npt.NDArray[np.float64]
THERE = 1e-8
CHEAP = ("random", "ga", "pso", "de", "sa", "hc", "aco")
DEAR = ("random", "bo", "tpe")
"""For few evaluations."""


def ours(name: str, landscape: Landscape | Mixed, evaluations: int, seed: int) -> float:
    """The best fitness that our algorithm finds."""
    search = begin(landscape.space(), name, seed)
    while search.evaluated < evaluations:
        batch = search.ask(evaluations - search.evaluated)
        if not len(batch):
            break
        search.tell(batch, landscape.fitness(batch))
    return search.fitness


def off(best: float) -> float:
    """How far below the optimum."""
    return THERE if math.isnan(best) else max(-best, THERE)


def row(name: str, found: dict[str, float], width: int = 22) -> str:
    """A line of the table."""
    return f"{name:<{width}}" + "".join(f"{value:>12.2e}" for value in found.values())


def compare(name: str, evaluations: int, seeds: range) -> list[str]:
    """The table of one algorithm and its counterparts; a star where we are no worse than any."""
    runs: dict[str, Callable[[Landscape | Mixed, int], float]] = {
        name: lambda land, seed: ours(name, land, evaluations, seed)
    }
    for other, run in COUNTERPARTS.get(name, {}).items():
        runs[other] = lambda land, seed, run=run: run(  # type: ignore[misc]
            land.fitness, land.bounds(), evaluations, seed
        )
    table = {
        who: {
            title: statistics.median(off(run(land, seed)) for seed in seeds)
            for title, land in LANDSCAPES.items()
        }
        for who, run in runs.items()
    }
    lines = [row(who, found) for who, found in table.items()]
    if len(table) > 1:
        others = [found for who, found in table.items() if who != name]
        no_worse = [
            "*" if all(table[name][t] <= other[t] for other in others) else "worse"
            for t in LANDSCAPES
        ]
        lines.append(" " * 22 + "".join(f"{each:>12}" for each in no_worse))
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
    parser.add_argument("--evaluations", type=int, default=5_000)
    parser.add_argument("--dear", type=int, default=100, help="evaluations of bo and tpe")
    parser.add_argument("--only", nargs="*", default=[*CHEAP, *DEAR, "fronts", "speed"])
    wanted = parser.parse_args()
    seeds = range(1, wanted.seeds + 1)
    print(f"{'':22}" + "".join(f"{title:>12}" for title in LANDSCAPES), flush=True)
    for names, evaluations in ((CHEAP, wanted.evaluations), (DEAR, wanted.dear)):
        if chosen := [name for name in names if name in wanted.only]:
            print(f"{evaluations} evaluations, {wanted.seeds} seeds", flush=True)
            for name in chosen:
                print("\n".join(compare(name, evaluations, seeds)), flush=True)
    if "fronts" in wanted.only:
        print("\n".join(fronts(2 * wanted.evaluations, seeds)), flush=True)
    if "speed" in wanted.only:
        for name, size in (("de", "population"), ("ga", "population"), ("pso", "swarm")):
            print(f"{name}: {generation_ms(name, {size: 1_000}):.2f} ms a generation of 1,000")


if __name__ == "__main__":
    main()
