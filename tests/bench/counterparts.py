"""The algorithms of pymoo and SciPy on our landscapes, at so many evaluations."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.algorithms.soo.nonconvex.de import DE
from pymoo.algorithms.soo.nonconvex.ga import GA
from pymoo.algorithms.soo.nonconvex.pattern import PatternSearch
from pymoo.algorithms.soo.nonconvex.pso import PSO
from pymoo.core.problem import Problem
from pymoo.optimize import minimize
from scipy.optimize import differential_evolution, dual_annealing

Array = npt.NDArray[np.float64]
Fitness = Callable[[Array], Array]


class Spent(Exception):
    """As many evaluations as were given."""


class Purse:
    """Evaluations that are counted; it keeps the best."""

    def __init__(self, fitness: Fitness, evaluations: int) -> None:
        self._fitness = fitness
        self.left = evaluations
        self.best = -np.inf

    def losses(self, x: Array) -> Array:
        """What is to be minimised; beyond the budget nothing is found any more."""
        values = self._fitness(x)
        if len(counted := values[: self.left]):
            self.best = max(self.best, float(counted.max()))
        self.left -= len(counted)
        return -values

    def loss(self, x: Array) -> float:
        """Of one; raises `Spent`."""
        if self.left <= 0:
            raise Spent
        return float(self.losses(x[None])[0])


def _problem(purse: Purse, bounds: Array) -> Any:
    class Landscape(Problem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(n_var=len(bounds), n_obj=1, xl=bounds[:, 0], xu=bounds[:, 1])

        def _evaluate(self, x: Array, out: dict[str, Array], *_: Any, **__: Any) -> None:
            out["F"] = purse.losses(x)[:, None]

    return Landscape()


def _pymoo(make: Callable[[], Any]) -> Callable[[Fitness, Array, int, int], float]:
    """Begun anew, with another seed, where it thinks it has finished."""

    def run(fitness: Fitness, bounds: Array, evaluations: int, seed: int) -> float:
        purse, begun = Purse(fitness, evaluations), 0
        while purse.left > 0 and begun < 1000:
            problem = _problem(purse, bounds)
            minimize(problem, make(), ("n_eval", purse.left), seed=seed + 1000 * begun)
            begun += 1
        return purse.best

    return run


def _annealing(fitness: Fitness, bounds: Array, evaluations: int, seed: int) -> float:
    purse = Purse(fitness, evaluations)
    with contextlib.suppress(Spent):
        dual_annealing(
            purse.loss, bounds, maxiter=10**6, maxfun=10**7, no_local_search=True, rng=seed
        )
    return purse.best


def _evolution(fitness: Fitness, bounds: Array, evaluations: int, seed: int) -> float:
    purse = Purse(fitness, evaluations)
    with contextlib.suppress(Spent):
        differential_evolution(purse.loss, bounds, maxiter=10**6, tol=0.0, polish=False, rng=seed)
    return purse.best


COUNTERPARTS: dict[str, dict[str, Callable[[Fitness, Array, int, int], float]]] = {
    "ga": {"pymoo GA": _pymoo(GA), "pymoo GA 30": _pymoo(lambda: GA(pop_size=30))},
    "pso": {"pymoo PSO": _pymoo(PSO)},
    "de": {
        "pymoo DE": _pymoo(DE),
        "pymoo DE 30": _pymoo(lambda: DE(pop_size=30)),
        "scipy DE": _evolution,
    },
    "sa": {"scipy dual annealing": _annealing},
    "hc": {"pymoo pattern search": _pymoo(PatternSearch)},
}
"""As they come, and with our population; annealing and evolution without their local search."""


def nsga2(objectives: Fitness, width: int, spent: tuple[int, int], seed: int) -> Array:
    """The objectives of what pymoo's NSGA-II ends with, after (evaluations, with a population)."""
    evaluations, population = spent

    class Front(Problem):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(n_var=width, n_obj=2, xl=0.0, xu=1.0)

        def _evaluate(self, x: Array, out: dict[str, Array], *_: Any, **__: Any) -> None:
            out["F"] = -objectives(x)

    found = minimize(Front(), NSGA2(pop_size=population), ("n_eval", evaluations), seed=seed)
    front: Array = -found.F
    return front
