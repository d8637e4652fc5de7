"""A search under way: it asks for candidates and is told their fitness, which it maximises.

    search = begin(space, "de", seed=7)
    while search.evaluated < 10_000 and len(batch := search.ask(500)):
        search.tell(batch, fitness_of(batch))

One place for what all algorithms share: nothing is evaluated twice, NaN is worst, the best is kept,
the generator is seeded, the whole of it can be saved at any moment and taken up again.
"""

import difflib
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np

from liveopt.search.algorithm import Algorithm, Ground, Method, Unfit
from liveopt.search.algorithms import load
from liveopt.search.archive import Archive
from liveopt.search.fronts import best
from liveopt.search.space import Array, Candidates, Places, Space

BARREN_MAX: Final = 20
"""Generations in a row without a new candidate, after which the algorithm begins afresh."""
AFRESH_MAX: Final = 20
"""Beginnings in a row without a new candidate, after which the space counts as searched."""


class Untold(RuntimeError):
    """Candidates are asked for that depend on others whose fitness has not been told."""


class Search:
    """One search. `ask` and `tell` in portions of any size; their sizes change nothing."""

    def __init__(self, space: Space, method: Method, terms: Any, ground: Ground) -> None:
        self.space = space
        self.method = method
        self.evaluated = 0
        """Candidates whose fitness was told."""
        self.best: Candidates | None = None
        """The best so far, the first of equals; of several objectives see `front`."""
        self.fitness = -np.inf
        """The best one's."""
        self._terms = terms
        self._ground = ground
        self._algorithm: Algorithm = method.begin(ground, terms)
        self._archive = Archive()
        self._generation: list[bytes] = []
        self._ready: list[bytes] = []
        self._out: dict[bytes, None] = {}
        """Asked for and not told."""
        self._over = False

    @property
    def over(self) -> bool:
        """Whether everything has been tried."""
        return self._over

    def ask(self, count: int) -> Candidates:
        """Up to so many candidates that have never been asked for; none when all were.

        Fewer come at the end of a generation. Those of the next depend on their fitness: asking for
        more before it is told is refused.
        """
        assert count > 0, "at least one"
        while len(self._ready) < count and not self._over:
            if not self.method.blind and (self._ready or self._out):
                break
            self._breed()
        if not self._ready and self._out and not self.method.blind:
            raise Untold(f"{len(self._out)} candidates are out; tell their fitness first")
        batch, self._ready = self._ready[:count], self._ready[count:]
        self._out.update(dict.fromkeys(batch))
        return self.space.decode(batch)

    def tell(self, candidates: Candidates, fitness: Array) -> None:
        """Their fitness, a number each or a row of several; NaN is worst.

        In any order and any portions; candidates that were never asked for are welcome too.
        """
        values = np.asarray(fitness, np.float64)
        assert values.ndim == 1 + self.method.several, "one number each, or a row of several"
        assert len(values) == len(candidates), "one for each candidate"
        rows = values.reshape(len(values), -1)
        rows = np.where(np.isnan(rows).any(axis=1, keepdims=True), -np.inf, rows)
        keys = self.space.encode(candidates)
        for at, (key, row) in enumerate(zip(keys, rows.tolist(), strict=True)):
            if key in self._archive:
                continue
            if key in self._out:
                del self._out[key]
            elif key in self._ready:
                self._ready.remove(key)
            self._archive.add(key, tuple(row))
            self.evaluated += 1
            if not self.method.several and (self.best is None or row[0] > self.fitness):
                self.best, self.fitness = candidates[at].copy(), row[0]
        if not self._ready and not self._out:
            self._learn()

    def front(self) -> tuple[Candidates, Array]:
        """What nothing told so far dominates, with its fitness."""
        keys = self._archive.keys()
        fitness = self._archive.fitness(keys)
        chosen = np.flatnonzero(best(fitness)) if keys else np.empty(0, int)
        return self.space.decode([keys[i] for i in chosen]), fitness[chosen]

    def _breed(self) -> None:
        """Breed until there is something new, or nothing more."""
        for _ in range(AFRESH_MAX):
            for _ in range(BARREN_MAX):
                if len(self._archive) + len(self._out) + len(self._ready) >= self.space.size:
                    self._over = True
                    return
                places = self._algorithm.breed()
                if not len(places):
                    self._over = True
                    return
                self._generation = self.space.encode(self.space.settle(places))
                self._archive.touch(self._generation)
                fresh = self._new(self._generation)
                self._ready += fresh
                if fresh:
                    return
                self._learn()
            self._algorithm = self.method.begin(self._ground, self._terms)
        self._over = True

    def _new(self, keys: list[bytes]) -> list[bytes]:
        taken = {*self._ready, *self._out} if self._ready or self._out else set()
        return [k for k in dict.fromkeys(keys) if k not in self._archive and k not in taken]

    def _learn(self) -> None:
        if self._generation and not self.method.blind:
            fitness = self._archive.fitness(self._generation)
            self._algorithm.learn(fitness if self.method.several else fitness[:, 0])
        self._generation = []


def begin(
    space: Space,
    name: str,
    seed: int,
    terms: Mapping[str, Any] | None = None,
    first: Candidates | None = None,
) -> Search:
    """A search by the algorithm of that name.

    `first` are candidates to begin with, as many as its first generation has room for.
    """
    method = find(name)
    if method.spaces and not isinstance(space, method.spaces):
        kinds = " or ".join(kind.__name__.lower() for kind in method.spaces)
        raise Unfit(f"{name} searches {kinds}, not {type(space).__name__.lower()}")
    given: Places = space.locate(first) if first is not None else space.locate(space.decode([]))
    ground = Ground(space, np.random.default_rng(seed), given)
    return Search(space, method, terms_of(method, terms or {}), ground)


def find(name: str) -> Method:
    """The algorithm of that name."""
    methods = load()
    if name not in methods:
        near = difflib.get_close_matches(name, methods, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(methods)}"
        raise Unfit(f"there is no algorithm {name!r}; {hint}")
    return methods[name]


def terms_of(method: Method, given: Mapping[str, Any]) -> Any:
    """The method's terms, some of them as given; `Unfit` says what does not fit."""
    known = {field.name for field in fields(method.terms)}
    if odd := sorted(given.keys() - known):
        raise Unfit(f"{method.name} has no term {odd[0]!r}; it has {', '.join(sorted(known))}")
    for name, value in given.items():
        kind = type(getattr(method.terms, name))
        good = isinstance(value, kind if kind is not float else int | float)
        if not good or isinstance(value, bool) != (kind is bool):
            raise Unfit(f"{name} is of kind {kind.__name__}, and {value!r} is not")
        if kind is not bool and not 0 < value < np.inf:
            raise Unfit(f"{name} is a number above 0, not {value!r}")
    return replace(method.terms, **given)
