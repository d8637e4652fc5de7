"""The eight algorithms among portfolios: small cases whose best is known, and large beside chance.

    python -m tests.bench.subsets
    python -m tests.bench.subsets --only sa hc --seeds 20

First the share of seeds that find the best of all sets of 5 out of 20, and the evaluations that
takes: of markets as they come, and of those whose best set is made of members poor alone. Then the
best fitness beside random search's at equal evaluations, and the time that asking and telling take.
"""

import argparse
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from liveopt.portfolio.optimize import USUAL
from liveopt.search.search import Search, begin
from tests.portfolios import Market, drawn, every, planted

Ints = npt.NDArray[np.int64]

TERMS: Mapping[str, Mapping[str, Any]] = {"random": {}, **USUAL}
CHEAP = ("ga", "pso", "sa", "de", "aco", "hc")
LARGE = ((25_544, 82, 35), (25_544, 250, 35), (25_544, 750, 35), (500, 82, 10), (100_000, 82, 35))
"""Strategies, sessions, members."""
GIVEN = 30
"""Sets by merit that a large search begins with; chance gets none."""


@cache
def market(kind: str, seed: int) -> Market:
    """A small one, all of whose sets can be tried."""
    return planted(20, 5, 82, seed)[0] if kind == "planted" else drawn(20, 82, seed, family=4)


@cache
def markets(count: int, sessions: int, seeds: range) -> list[Market]:
    """Large ones."""
    return [drawn(count, sessions, seed) for seed in seeds]


def needed(name: str, kind: str, seeds: range, budget: int) -> Ints:
    """Evaluations until the best of all sets was found, one more than the budget if it was not."""
    found = []
    for seed in seeds:
        one = market(kind, seed)
        best = float(one.fitness(every(20, 5)).max())
        search = begin(one.space(5), name, seed, TERMS[name])
        while search.evaluated < budget and search.fitness < best and not search.over:
            batch = search.ask(min(256, budget - search.evaluated))
            search.tell(batch, one.fitness(batch))
        found.append(search.evaluated if search.fitness >= best else budget + 1)
    return np.array(found)


def best_of(name: str, one: Market, members: int, evaluations: int, seed: int) -> float:
    """The best fitness found with so many evaluations."""
    return _driven(name, one, members, evaluations, seed)[0].fitness


def _driven(
    name: str, one: Market, members: int, evaluations: int, seed: int
) -> tuple[Search, float]:
    """The search, and the processor seconds that it took for itself."""
    space = one.space(members)
    first = None if name == "random" else space.likely(GIVEN, np.random.default_rng(seed))
    began, other = time.process_time(), 0.0
    search = begin(space, name, seed, TERMS[name], first)
    while search.evaluated < evaluations:
        batch = search.ask(min(4_096, evaluations - search.evaluated))
        paused = time.process_time()
        fitness = one.fitness(batch)
        other += time.process_time() - paused
        search.tell(batch, fitness)
    return search, time.process_time() - began - other


def small(names: list[str], seeds: range, budgets: tuple[int, int]) -> None:
    """Shares of seeds."""
    print(f"the best of the 15,504 sets of 5 out of 20, {len(seeds)} seeds")
    for name in names:
        budget = budgets[name == "bo"]
        marks = [budget // 8, budget // 4, budget // 2, budget]
        for kind in ("natural", "planted"):
            need = needed(name, kind, seeds, budget)
            shares = "".join(f"  {m:>5,}: {(need <= m).mean():6.1%}" for m in marks)
            print(f"{name:7}{kind:9}{shares}  median {int(np.median(need)):,}", flush=True)


def large(names: list[str], seeds: range, budgets: tuple[int, int]) -> None:
    """Medians of the best, beside chance's at equal evaluations."""
    for count, sessions, members in LARGE:
        print(f"\n{members} of {count:,} strategies, {sessions} sessions, {len(seeds)} seeds")
        cases = [drawn(count, sessions, 100 + seed) for seed in seeds]
        for name in names:
            evaluations = budgets[name == "bo"]
            ran = [_driven(name, m, members, evaluations, s) for s, m in enumerate(cases)]
            ours = [search.fitness for search, _ in ran]
            chance = [best_of("random", m, members, evaluations, s) for s, m in enumerate(cases)]
            won = sum(a > b for a, b in zip(ours, chance, strict=True))
            each_us = 1e6 * sum(took for _, took in ran) / (len(ran) * evaluations)
            print(
                f"{name:7}{evaluations:>7,}: median {np.median(ours):14,.1f}"
                f"  random {np.median(chance):8,.1f}  better in {won} of {len(ran)}"
                f"  {each_us:9,.1f} us a candidate",
                flush=True,
            )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=100, help="of small cases")
    parser.add_argument("--bo-seeds", type=int, default=20, help="of small cases, for bo")
    parser.add_argument("--large", type=int, default=3, help="seeds of large cases; 0 for none")
    parser.add_argument("--only", nargs="*", default=list(TERMS))
    wanted = parser.parse_args()
    cheap = [name for name in wanted.only if name != "bo"]
    small(cheap, range(wanted.seeds), (2_000, 800))
    if "bo" in wanted.only:
        small(["bo"], range(wanted.bo_seeds), (2_000, 800))
    if wanted.large:
        large(wanted.only, range(wanted.large), (30_000, 200))


if __name__ == "__main__":
    main()
