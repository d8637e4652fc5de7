"""Functions with a known best, 0, to be maximised; none has it in the middle or at a bound.

    sphere      one round hill
    rosenbrock  a bent valley
    rastrigin   a hill of many hills
    ackley      a needle in waves
    griewank    a wide hill with a fine grain
    mixed       four numbers, three whole numbers and three words that change what is best

The fronts ZDT1 to ZDT3 are those of Zitzler, Deb & Thiele 2000, negated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from liveopt.search.spaces.coordinates import Coordinate, Number, Word
from liveopt.search.spaces.parameters import Parameters

Array = npt.NDArray[np.float64]
WIDTH = 10
SHIFT = np.array([0.13, -0.21, 0.34, -0.08, 0.27, -0.31, 0.05, -0.17, 0.22, -0.26])
"""Where the best lies, as a share of half the range from its middle."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """A function, and where it is looked at."""

    half: float
    """Numbers go from minus to plus this."""
    fitness: Callable[[Array], Array]

    def space(self) -> Parameters:
        """As we search it."""
        return Parameters({f"x{i}": Number(-self.half, self.half) for i in range(WIDTH)})

    def bounds(self) -> Array:
        """As others do."""
        return np.tile([-self.half, self.half], (WIDTH, 1))

    def seen(self, x: Array) -> Array:
        """What others are told: the same."""
        return self.fitness(x)


@dataclass(frozen=True, slots=True)
class Mixed:
    """Others see numbers, of which the fitness takes the whole part."""

    def space(self) -> Parameters:
        """As we search it."""
        found: dict[str, Coordinate] = {f"x{i}": Number(-5.0, 5.0) for i in range(4)}
        found |= {f"n{i}": Number(0.0, 40.0, 1.0) for i in range(3)}
        found |= {f"w{i}": Word(("a", "b", "c", "d", "e")) for i in range(3)}
        return Parameters(found)

    def bounds(self) -> Array:
        """As others do."""
        return np.array([[-5.0, 5.0]] * 4 + [[0.0, 40.999]] * 3 + [[0.0, 4.999]] * 3)

    def seen(self, x: Array) -> Array:
        """What others are told: the same."""
        return self.fitness(x)

    def fitness(self, x: Array) -> Array:
        """Words choose where the best numbers lie, and cost something themselves."""
        whole, words = np.floor(x[:, 4:7]), np.floor(x[:, 7:10])
        cost = np.array([0.7, 0.0, 0.9, 0.4, 1.2])[words.astype(int)].sum(axis=1)
        best = 5.0 * SHIFT[:4] + 0.3 * (words.sum(axis=1, keepdims=True) - 3.0)
        waves = 1.0 - np.cos(2.0 * np.pi * (x[:, :4] - best))
        near = ((x[:, :4] - best) ** 2 + 0.2 * waves).sum(axis=1)
        found: Array = -(near + 0.02 * ((whole - [7, 31, 18]) ** 2).sum(axis=1) + cost)
        return found


def _sphere(x: Array) -> Array:
    found: Array = -(_moved(x, 5.0) ** 2).sum(axis=1)
    return found


def _rosenbrock(x: Array) -> Array:
    z = _moved(x, 5.0) + 1.0
    found: Array = -(100.0 * (z[:, 1:] - z[:, :-1] ** 2) ** 2 + (1.0 - z[:, :-1]) ** 2).sum(axis=1)
    return found


def _rastrigin(x: Array) -> Array:
    z = _moved(x, 5.12)
    found: Array = -(10.0 * WIDTH + (z**2 - 10.0 * np.cos(2.0 * np.pi * z)).sum(axis=1))
    return found


def _ackley(x: Array) -> Array:
    z = _moved(x, 32.0)
    near = 20.0 - 20.0 * np.exp(-0.2 * np.sqrt((z**2).mean(axis=1)))
    found: Array = -(near + np.e - np.exp(np.cos(2.0 * np.pi * z).mean(axis=1)))
    return found


def _griewank(x: Array) -> Array:
    z = _moved(x, 600.0)
    waves = np.cos(z / np.sqrt(np.arange(1, WIDTH + 1))).prod(axis=1)
    found: Array = -((z**2).sum(axis=1) / 4000.0 - waves + 1.0)
    return found


def _moved(x: Array, half: float) -> Array:
    return x - SHIFT * half


LANDSCAPES: dict[str, Landscape | Mixed] = {
    "sphere": Landscape(5.0, _sphere),
    "rosenbrock": Landscape(5.0, _rosenbrock),
    "rastrigin": Landscape(5.12, _rastrigin),
    "ackley": Landscape(32.0, _ackley),
    "griewank": Landscape(600.0, _griewank),
    "mixed": Mixed(),
}

ZDT_WIDTH = 30
REFERENCE = np.array([-1.1, -6.0])
"""Below all that a population begins with and finds."""


def zdt(number: int, x: Array) -> Array:
    """ZDT1 to ZDT3, negated."""
    first, g = x[:, 0], 1.0 + 9.0 * x[:, 1:].mean(axis=1)
    share = first / g
    match number:
        case 1:
            height = 1.0 - np.sqrt(share)
        case 2:
            height = 1.0 - share**2
        case _:
            height = 1.0 - np.sqrt(share) - share * np.sin(10.0 * np.pi * first)
    return -np.stack([first, g * height], axis=1)
