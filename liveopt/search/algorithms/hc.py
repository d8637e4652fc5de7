"""Hill climbing by pattern search (Hooke & Jeeves 1961), kicked off its hill when that is climbed.

A sweep tries a step forth in one cell after the other, else back, else to the top of the parabola
through the three, and keeps what is better. What a sweep has won is tried once more as a whole, and
the next sweep begins there: so it gathers speed along a bent valley. A sweep without a whole step
halves the step. A climb ends when its step is finest or when, at the pace it has, it will not reach
the best; the next begins a kick away from the best.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from liveopt.search.algorithm import Ground, Method
from liveopt.search.space import Array, Places


@dataclass(frozen=True, slots=True)
class Terms:
    """How it goes about it."""

    climbers: int = 1
    """Climbs at a time, each of which evaluates one candidate after the other."""
    initial: int = 20
    """Draws, of whom the best is where a climb begins."""
    patience: int = 10
    """Kicks in a row that led to nothing better, after which a climber begins elsewhere."""
    kick: float = 0.2
    """Share of the cells that a kick changes; one at least."""
    coarsest: float = 0.25
    """First size of a step, as a share of a number's range."""
    kicked: float = 0.1
    """First size after a kick."""
    finest: float = 1e-10
    """Smallest."""


KICKS: Final = (0.01, 1.0)
"""Scales of a kick, drawn evenly by powers."""
VARIED: Final = 2.0
"""Steps of one sweep differ by up to this factor, so that no lattice is searched."""
HOPE: Final = 100.0
"""A climb may fall short of the best by so many times what its last size of step has won."""


FORTH: Final = 0
BACK: Final = 1
BETWEEN: Final = 2


@dataclass(slots=True)
class Top:
    """The best place of all climbs."""

    place: Places
    fitness: float = -np.inf


@dataclass(slots=True)
class Climb:
    """One climber: where it stands, and where its sweep has got to."""

    terms: Terms
    stage: Literal["begin", "kick", "onward", "sweep"] = "begin"
    failed: int = 0
    """Kicks in a row that led to nothing better."""
    mark: float = -np.inf
    """The best fitness of all when this climb began."""
    base: Places = field(default_factory=lambda: np.empty((0, 0)))
    value: float = -np.inf
    here: Places = field(default_factory=lambda: np.empty((0, 0)))
    """What the sweep has reached from the base, or from where the way led on."""
    height: float = -np.inf
    size: float = 0.0
    gained: float = np.inf
    """Fitness gained since the size was last halved; without end before the first gain."""
    signs: Array = field(default_factory=lambda: np.empty(0))
    """Which way a step in each cell succeeded last."""
    cells: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    """Those that the sweep has still to try."""
    step: float = 0.0
    """In the first of these cells."""
    turn: int = FORTH
    """What that step is."""
    failed_by: tuple[float, ...] = ()
    """How much lower it was forth and back."""
    strode: bool = False
    """Whether this sweep has won a whole step, forth or back."""
    known: set[bytes] = field(default_factory=set)
    """Tried from this base and no better: in a space of few values the same come again."""

    def propose(self, ground: Ground, top: Top) -> Places:
        """What to evaluate next; several to begin with, else one."""
        space, rng = ground.space, ground.rng
        while self.stage == "sweep":
            tried = space.step(self.here, self.cells[:1], np.array([self._step(rng)]), rng)
            (key,) = space.encode(space.settle(tried))
            if key not in self.known:
                self.known.add(key)
                return tried
            self._passed(ground, top)
        if self.stage == "onward":
            return space.mix([(self.here, np.array(2.0)), (self.base, np.array(-1.0))], rng)
        self.mark = top.fitness
        if self.stage == "kick":
            low, high = KICKS
            scale = high * (low / high) ** rng.random()
            return space.mutate(top.place, self.terms.kick, scale, rng)
        return ground.fresh(self.terms.initial)

    def hear(self, place: Places, fitness: float, ground: Ground, top: Top) -> None:
        """How good that was."""
        if self.stage == "sweep":
            if fitness > self.height:
                self._won(place, fitness)
            else:
                self.failed_by = (*self.failed_by, self.height - fitness)
            self._passed(ground, top)
            return
        if self.stage == "onward":
            self.base, self.value = self.here, self.height
        else:
            self.base, self.value = place, fitness
            self.size = self.terms.coarsest if self.stage == "begin" else self.terms.kicked
            self.gained, self.signs = np.inf, np.ones(place.shape[1])
        self._sweep(place, fitness, ground)

    def _won(self, place: Places, fitness: float) -> None:
        """A better place; this cell is done."""
        if self.turn != BETWEEN:
            self.signs[self.cells[0]] = np.sign(self.step)
            self.strode = True
        self.here, self.height, self.turn = place, fitness, BETWEEN

    def _sweep(self, place: Places, fitness: float, ground: Ground) -> None:
        """A sweep from here."""
        if self.stage != "sweep" or self.height != fitness or not np.array_equal(self.here, place):
            self.known = set(ground.space.encode(ground.space.settle(place)))
        self.stage, self.here, self.height = "sweep", place, fitness
        self.cells, self.turn = ground.rng.permutation(place.shape[1]), FORTH
        self.failed_by, self.strode = (), False

    def _step(self, rng: np.random.Generator) -> float:
        """The step in the cell whose turn it is."""
        if self.turn == FORTH:
            varied = VARIED ** rng.uniform(-1.0, 1.0)
            self.step = float(self.signs[self.cells[0]]) * self.size * varied
        elif self.turn == BACK:
            self.step = -self.step
        else:
            forth, back = self.failed_by
            self.step *= 0.5 * (forth - back) / (forth + back)
        return self.step

    def _passed(self, ground: Ground, top: Top) -> None:
        """The next try; at the end of the sweep on, or finer, or to another climb."""
        if self.turn == FORTH:
            self.turn = BACK
            return
        if self.turn == BACK and len(self.failed_by) == 2 and 0.0 < sum(self.failed_by) < np.inf:
            self.turn = BETWEEN
            return
        self.cells, self.turn, self.failed_by = self.cells[1:], FORTH, ()
        if len(self.cells):
            return
        if self.height > self.value:
            gain = self.height - self.value
            self.gained = gain if np.isinf(self.gained) else self.gained + gain
            self.stage = "onward"
            self.size *= 1.0 if self.strode else 0.5
            return
        slow = self.value < top.fitness and self.value + HOPE * self.gained < top.fitness
        self.gained = 0.0 if np.isfinite(self.gained) else self.gained
        self.size *= 0.5
        if slow or self.size < self.terms.finest:
            self._over()
        else:
            self._sweep(self.base, self.value, ground)

    def _over(self) -> None:
        self.failed = 0 if self.value > self.mark else self.failed + 1
        self.stage = "kick"
        if self.failed > self.terms.patience:
            self.stage, self.failed = "begin", 0


class Climbers:
    """Climbs side by side, that kick off from the best of all."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground = ground
        self._climbs = [Climb(terms) for _ in range(terms.climbers)]
        self._tried: list[Places] = []
        self._top: Top | None = None

    def breed(self) -> Places:
        """What each climber wants to know."""
        top = self._top or Top(np.empty((0, 0)))
        self._tried = [one.propose(self._ground, top) for one in self._climbs]
        return np.concatenate(self._tried)

    def learn(self, fitness: Array) -> None:
        """Each hears the best of what it wanted to know."""
        ends = np.cumsum([len(tried) for tried in self._tried])[:-1]
        heard = []
        for tried, values in zip(self._tried, np.split(fitness, ends), strict=True):
            best = int(np.argmax(values))
            place, value = tried[best : best + 1], float(values[best])
            if self._top is None or value > self._top.fitness:
                self._top = Top(place, value)
            heard.append((place, value))
        assert self._top is not None
        for climb, (place, value) in zip(self._climbs, heard, strict=True):
            climb.hear(place, value, self._ground, self._top)


METHOD = Method(
    "climbs the nearest hill, then another; for smooth landscapes and valleys", Terms(), Climbers
)
