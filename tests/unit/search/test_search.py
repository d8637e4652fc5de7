"""What the shell does for every algorithm. That they all keep to it is in tests/contracts."""

import sys

import numpy as np
import pytest

from liveopt.search.algorithm import Unfit
from liveopt.search.search import Search, Untold, begin
from liveopt.search.space import Candidates
from liveopt.search.spaces.coordinates import Number
from liveopt.search.spaces.parameters import Parameters
from liveopt.search.spaces.subsets import Subsets


def line() -> Parameters:
    return Parameters({"x": Number(0.0, 1.0)})


def test_it_maximises() -> None:
    search = begin(line(), "de", 1)
    while search.evaluated < 400:
        batch = search.ask(20)
        search.tell(batch, -np.abs(batch[:, 0] - 0.7))
    assert search.best is not None
    assert search.best[0] == pytest.approx(0.7, abs=1e-3)
    assert search.fitness == -abs(search.best[0] - 0.7)


def test_what_depends_on_untold_fitness_is_refused() -> None:
    search = begin(line(), "de", 1, {"population": 8})
    batch = search.ask(100)
    assert len(batch) == 8
    with pytest.raises(Untold, match="8 candidates are out"):
        search.ask(1)
    search.tell(batch[:7], np.zeros(7))
    with pytest.raises(Untold, match="1 candidates are out"):
        search.ask(1)
    search.tell(batch[7:], np.zeros(1))
    assert len(search.ask(100)) == 8


def test_the_order_of_telling_changes_nothing() -> None:
    def run(turned: bool) -> Candidates:
        search = begin(line(), "pso", 1)
        for _ in range(5):
            batch = search.ask(100)
            batch = batch[::-1] if turned else batch
            search.tell(batch, -((batch[:, 0] - 0.3) ** 2))
        return search.ask(100)

    np.testing.assert_array_equal(run(turned=False), run(turned=True))


def test_chance_does_not_wait_for_fitness() -> None:
    search = begin(line(), "random", 1)
    assert len(search.ask(1000)) == 1000
    assert len(search.ask(1000)) == 1000


def test_a_candidate_told_unasked_is_known_and_not_asked_for() -> None:
    space = Parameters({"n": Number(0.0, 3.0, 1.0)})
    search = begin(space, "random", 1)
    search.tell(np.array([[2.0]]), np.array([5.0]))
    assert search.evaluated == 1
    assert search.fitness == 5.0
    assert sorted(search.ask(9)[:, 0].tolist()) == [0.0, 1.0, 3.0]


def test_one_told_unasked_that_was_ready_is_not_asked_for() -> None:
    space = Parameters({"n": Number(0.0, 3.0, 1.0)})
    search = begin(space, "grid", 1)
    first = search.ask(1)[0, 0]
    rest = next(n for n in (0.0, 1.0, 2.0, 3.0) if n != first)
    search.tell(np.array([[rest]]), np.zeros(1))
    assert rest not in search.ask(9)[:, 0]


def test_the_first_word_on_a_candidate_counts() -> None:
    search = begin(line(), "random", 1)
    batch = search.ask(1)
    search.tell(batch, np.array([1.0]))
    search.tell(batch, np.array([9.0]))
    assert search.evaluated == 1
    assert search.fitness == 1.0


def test_an_algorithm_that_has_converged_begins_afresh() -> None:
    """A population of whole numbers is soon one point; all of them are found all the same."""
    space = Parameters({"n": Number(0.0, 30.0, 1.0)})
    search = begin(space, "ga", 1, {"population": 4, "finest": 1e-9, "coarsest": 1e-9})
    seen = _all(search)
    assert seen == set(range(31))


def _all(search: Search) -> set[float]:
    seen: set[float] = set()
    while len(batch := search.ask(4)):
        seen |= set(batch[:, 0].tolist())
        search.tell(batch, batch[:, 0])
    return seen


def test_the_front_is_what_nothing_dominates() -> None:
    search = begin(line(), "nsga2", 1)
    candidates = np.array([[0.1], [0.2], [0.3], [0.4]])
    search.tell(candidates, np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 2.0], [np.nan, 9.0]]))
    found, fitness = search.front()
    assert found[:, 0].tolist() == [0.1, 0.2]
    assert fitness.tolist() == [[1.0, 3.0], [2.0, 2.0]]


def test_without_optuna_tpe_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(Unfit, match=r"pip install 'liveopt\[tpe\]'"):
        begin(line(), "tpe", 1)


def test_names_terms_and_spaces_that_do_not_fit_are_refused_with_a_hint() -> None:
    with pytest.raises(Unfit, match="did you mean nsga2"):
        begin(line(), "nsga", 1)
    with pytest.raises(Unfit, match="there are aco, bo"):
        begin(line(), "xyz", 1)
    with pytest.raises(Unfit, match="de has no term 'swarm'; it has crossover, factor"):
        begin(line(), "de", 1, {"swarm": 3})
    for wrong in (0, -3, 2.5, "ten", True):
        with pytest.raises(Unfit, match="population is"):
            begin(line(), "de", 1, {"population": wrong})
    with pytest.raises(Unfit, match="greed is a number above 0"):
        begin(line(), "de", 1, {"greed": np.nan})
    assert begin(line(), "de", 1, {"greed": 1}).ask(3).shape == (3, 1)
    with pytest.raises(Unfit, match="tpe searches parameters, not subsets"):
        begin(Subsets(5, 2), "tpe", 1)
