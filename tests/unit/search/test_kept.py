"""Saved searches: what comes back, and what is refused."""

import pickle

import numpy as np
import pytest

from liveopt.search.kept import FORM, BadState, resume, save
from liveopt.search.search import begin
from liveopt.search.spaces.coordinates import Number, ascending
from liveopt.search.spaces.parameters import Parameters


def space() -> Parameters:
    return Parameters({"a": Number(0.0, 1.0), "b": Number(0.0, 1.0)}, ascending("a", "b"))


def test_a_search_comes_back_with_the_space_it_is_given() -> None:
    search = begin(space(), "ga", 1)
    batch = search.ask(20)
    search.tell(batch, batch.sum(axis=1))
    own = space()
    again = resume(own, save(search))
    assert again.space is own
    assert again.fitness == search.fitness
    np.testing.assert_array_equal(again.ask(9), search.ask(9))


def test_saving_changes_nothing() -> None:
    search = begin(space(), "pso", 1)
    assert save(search) == save(search)


def test_a_search_of_another_space_is_refused() -> None:
    state = save(begin(space(), "ga", 1))
    with pytest.raises(BadState, match="it searches parameters"):
        resume(Parameters({"a": Number(0.0, 2.0)}), state)


def test_what_is_no_saved_search_is_refused() -> None:
    state = save(begin(space(), "ga", 1))
    for wrong in (b"", b"other", FORM, state[:-9]):
        with pytest.raises(BadState):
            resume(space(), wrong)


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("taken over",)


def test_bytes_that_would_run_something_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadState, match=r"a saved search has no builtins\.print"):
        resume(space(), FORM + pickle.dumps(Evil()))
    assert capsys.readouterr().out == ""
