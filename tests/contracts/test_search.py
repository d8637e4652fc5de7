"""What every search algorithm promises, in every space where it works."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from liveopt.search.algorithms import load
from liveopt.search.kept import resume, save
from liveopt.search.search import Search, begin
from liveopt.search.space import Array, Candidates, Space
from liveopt.search.spaces.coordinates import Number, Shares, Word, ascending
from liveopt.search.spaces.parameters import Parameters
from liveopt.search.spaces.subsets import Subsets

DEAR = {"bo", "tpe"}
TERMS: dict[str, dict[str, Any]] = {"bo": {"pool": 64, "batch": 3}, "tpe": {"batch": 3}}
"""Small where an algorithm thinks long: contracts are not about quality."""


def mixed() -> Parameters:
    return Parameters(
        {
            "fast": Number(2.0, 50.0, 1.0),
            "slow": Number(5.0, 200.0, 1.0, log=True),
            "stop": Number(0.01, 0.2),
            "share": Number(0.001, 1.0, log=True),
            "kind": Word(("ema", "sma", "wma")),
            "weights": Shares(("a", "b", "c")),
        },
        ascending("fast", "slow"),
    )


def mixed_fitness(candidates: Candidates) -> Array:
    target = np.array([12.0, 80.0, 0.05, 0.1, 1.0, 0.6, 0.3, 0.1])
    found: Array = -(np.abs(candidates - target) / (np.abs(target) + 1.0)).sum(axis=1)
    return found


MERIT = np.random.default_rng(5).normal(size=300)


def subset_fitness(candidates: Candidates) -> Array:
    found: Array = MERIT[candidates].sum(axis=1)
    return found


@dataclass(frozen=True)
class Case:
    name: str
    space: Callable[[], Space]
    fitness: Callable[[Candidates], Array]

    def begin(self, seed: int = 1, space: Space | None = None) -> Search:
        return begin(space or self.space(), self.name, seed, TERMS.get(self.name))

    def told(self, candidates: Candidates) -> Array:
        """One objective, or two that pull apart."""
        fitness = self.fitness(candidates)
        if not load()[self.name].several:
            return fitness
        return np.stack([fitness, -np.abs(fitness - candidates[:, 0])], axis=1)

    @property
    def budget(self) -> int:
        return 40 if self.name in DEAR else 300


SPACES: dict[str, tuple[Callable[[], Space], Callable[[Candidates], Array]]] = {
    "parameters": (mixed, mixed_fitness),
    "subsets": (lambda: Subsets(300, 8), subset_fitness),
}
FOUND = [
    (f"{name}-{kind}", Case(name, space, fitness))
    for name, method in load().items()
    for kind, (space, fitness) in SPACES.items()
    if not method.spaces or isinstance(space(), method.spaces)
]
CHANCE = {"random", "grid"}


def each(wanted: Callable[[Case], bool]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=title) for title, case in FOUND if wanted(case)]
    )


def several(case: Case) -> bool:
    return load()[case.name].several


every = each(lambda case: True)
every_of_one_objective = each(lambda case: not several(case))
every_that_learns = each(lambda case: not several(case) and case.name not in CHANCE)


def drive(search: Search, case: Case, budget: int, portion: int = 16) -> list[bytes]:
    """Ask and tell until so many are evaluated; the keys in their order."""
    keys: list[bytes] = []
    while search.evaluated < budget:
        batch = search.ask(min(portion, budget - search.evaluated))
        if not len(batch):
            break
        keys += search.space.encode(batch)
        search.tell(batch, case.told(batch))
    return keys


@every
def test_candidates_lie_in_the_space(case: Case) -> None:
    space = case.space()
    found = space.decode(drive(case.begin(space=space), case, case.budget))
    if isinstance(space, Parameters):
        assert space.allowed(found).all()
        assert (found >= space.table.low).all()
        assert (found <= space.table.high).all()
        whole = found[:, space.table.levels > 0]
        assert (whole == np.floor(whole)).all()
        np.testing.assert_allclose(found[:, -3:].sum(axis=1), 1.0, rtol=1e-12)
    else:
        assert (np.diff(found, axis=1) > 0).all()
        assert found.min() >= 0
        assert found.max() < 300


@every
def test_no_candidate_is_evaluated_twice(case: Case) -> None:
    keys = drive(case.begin(), case, case.budget)
    assert len(keys) == len(set(keys)) == case.budget


@every
def test_the_same_seed_gives_the_same_search(case: Case) -> None:
    ones, others = (drive(case.begin(seed=3), case, case.budget) for _ in range(2))
    assert ones == others


@every
def test_another_seed_gives_another_search(case: Case) -> None:
    assert drive(case.begin(seed=3), case, 20) != drive(case.begin(seed=4), case, 20)


@every
@pytest.mark.parametrize("portion", [1, 7, 1000])
def test_how_many_are_asked_for_at_a_time_changes_nothing(case: Case, portion: int) -> None:
    whole = drive(case.begin(), case, case.budget)
    assert drive(case.begin(), case, case.budget, portion) == whole


@every
def test_a_search_cut_anywhere_goes_on_as_if_it_had_not_been(case: Case) -> None:
    whole = drive(case.begin(), case, case.budget)
    for cut in (1, 11, case.budget // 2, case.budget - 3):
        search = case.begin()
        keys = drive(search, case, cut, 3)
        again = resume(case.space(), save(search))
        assert again.evaluated == search.evaluated
        assert again.fitness == search.fitness
        assert keys + drive(again, case, case.budget, 3) == whole


@every
def test_it_may_be_cut_between_asking_and_telling(case: Case) -> None:
    whole = drive(case.begin(), case, case.budget)
    search = case.begin()
    keys = drive(search, case, 13, 3)
    batch = search.ask(4)
    keys += search.space.encode(batch)
    again = resume(case.space(), save(search))
    again.tell(batch, case.told(batch))
    assert keys + drive(again, case, case.budget) == whole


@every
def test_a_search_that_was_pickled_whole_goes_on_too(case: Case) -> None:
    space = case.space()
    if isinstance(space, Parameters):
        space = Parameters(space.coordinates)  # a rule is a function, which pickle refuses
    whole = drive(case.begin(space=space), case, 40)
    search = case.begin(space=space)
    keys = drive(search, case, 17)
    assert keys + drive(pickle.loads(pickle.dumps(search)), case, 40) == whole


@every
def test_undefined_fitness_is_worst_and_no_error(case: Case) -> None:
    search = case.begin()
    rng = np.random.default_rng(1)
    best = -np.inf
    while search.evaluated < case.budget:
        batch = search.ask(16)
        told = case.told(batch)
        told[rng.random(len(batch)) < 0.3] = np.nan
        search.tell(batch, told)
        best = max(best, np.nanmax(np.append(told.reshape(len(batch), -1)[:, 0], best)))
    if several(case):
        assert np.isfinite(search.front()[1]).all()
    else:
        assert search.fitness == best


@every
@pytest.mark.parametrize("value", [np.nan, -np.inf, 0.0, np.inf])
def test_a_landscape_without_any_difference_is_no_error(case: Case, value: float) -> None:
    search = case.begin()
    while search.evaluated < min(case.budget, 120):
        batch = search.ask(16)
        search.tell(batch, np.full_like(case.told(batch), value))


@every_of_one_objective
def test_the_first_of_equals_is_the_best(case: Case) -> None:
    search = case.begin()
    first = search.ask(1)
    search.tell(first, np.zeros(1))
    for _ in range(5):
        batch = search.ask(16)
        search.tell(batch, np.zeros(len(batch)))
    assert search.best is not None
    np.testing.assert_array_equal(search.best, first[0])


@every
def test_one_evaluation_is_enough_to_have_a_best(case: Case) -> None:
    search = case.begin()
    batch = search.ask(1)
    search.tell(batch, case.told(batch))
    assert len(batch) == search.evaluated == 1
    if several(case):
        np.testing.assert_array_equal(search.front()[0], batch)
    else:
        assert search.best is not None
        np.testing.assert_array_equal(search.best, batch[0])


@every
def test_a_space_of_one_point_is_searched_with_one_evaluation(case: Case) -> None:
    space: Space = Subsets(4, 4)
    if isinstance(case.space(), Parameters):
        space = Parameters({"x": Number(3.0, 3.0), "n": Number(2.0, 2.0, 1.0), "w": Word(("a",))})
    search = case.begin(space=space)
    values: npt.NDArray[Any] = search.ask(5)
    assert len(values) == 1
    search.tell(values, np.zeros((1, 2)) if several(case) else np.zeros(1))
    assert len(search.ask(5)) == 0
    assert search.over


@every
def test_a_small_space_is_searched_and_then_it_is_over(case: Case) -> None:
    space: Space = Subsets(5, 2)
    if isinstance(case.space(), Parameters):
        space = Parameters({"n": Number(0.0, 4.0, 1.0), "w": Word(("a", "b"))})
    assert space.size == 10.0
    search = case.begin(space=space)
    keys: list[bytes] = []
    while len(batch := search.ask(3)):
        keys += space.encode(batch)
        fitness = batch.sum(axis=1).astype(float)
        search.tell(batch, np.stack([fitness, -fitness], axis=1) if several(case) else fitness)
    assert search.over
    assert len(set(keys)) == len(keys) == 10


@every
def test_the_smallest_populations_are_no_error(case: Case) -> None:
    terms = load()[case.name].terms
    names = [field.name for field in fields(terms) if type(getattr(terms, field.name)) is int]
    search = begin(case.space(), case.name, 1, dict.fromkeys(names, 1))
    drive(search, case, 12)


@every
def test_it_begins_with_the_candidates_it_is_given(case: Case) -> None:
    space = case.space()
    first = space.settle(space.sample(3, np.random.default_rng(9)))
    first = space.settle(space.locate(first))
    search = begin(space, case.name, 1, TERMS.get(case.name), first)
    batch = search.ask(3)
    np.testing.assert_allclose(batch, first, rtol=1e-12)


@every_that_learns
def test_it_does_better_than_chance(case: Case) -> None:
    """Medians of seeds, on a round hill among numbers and on a sum over members."""
    space = case.space()
    fitness = case.fitness
    if isinstance(space, Parameters):
        space = Parameters({f"x{i}": Number(-5.0, 5.0) for i in range(10)})

        def fitness(candidates: Candidates) -> Array:
            found: Array = -((candidates - 1.3) ** 2).sum(axis=1)
            return found

    budget, seeds = (60, 3) if case.name in DEAR else (1000, 5)
    hill = Case(case.name, case.space, fitness)
    chance = Case("random", case.space, fitness)
    ours: list[float] = []
    theirs: list[float] = []
    for seed in range(seeds):
        for one, found in ((hill, ours), (chance, theirs)):
            search = one.begin(seed, space)
            drive(search, one, budget, 256)
            found.append(search.fitness)
    assert np.median(ours) > np.median(theirs)


def _several(case: Case) -> bool:
    return load()[case.name].several
