"""The vote of the algorithms, by hand and by its definition."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveopt.portfolio.ensemble import elected, vote
from liveopt.portfolio.result import Tried
from tests import portfolio_reference as reference


def tried(name: str, fitness: float, members: Sequence[int]) -> Tried:
    """An algorithm that chose these."""
    return Tried(
        algorithm=name, size=3, status="done" if members else "failed", error="",
        members=tuple(members), fitness=fitness, evaluations=1, seconds=0.0, history=(),
        parameters={}, device="cpu",
    )  # fmt: skip


def test_the_worked_example_with_ties() -> None:
    """Fitness 6, 3 and 1: 0 has 10/10, 1 has 6/10, 2 and 4 have 3/10, 5 and 6 have 1/10."""
    found = vote(
        [tried("ga", 6.0, (0, 1, 3)), tried("sa", 3.0, (0, 2, 4)), tried("hc", 1.0, (0, 5, 6))]
    )
    assert dict(found.weights) == {"ga": 0.6, "sa": 0.3, "hc": 0.1}
    assert found.votes == pytest.approx({0: 1.0, 1: 0.6, 3: 0.6, 2: 0.3, 4: 0.3, 5: 0.1, 6: 0.1})
    assert found.voters == {0: 3, 1: 1, 3: 1, 2: 1, 4: 1, 5: 1, 6: 1}
    alone = np.array([0.0, 1.0, 2.0, 1.0, 5.0, 0.0, 0.0])
    names = ["a", "z", "c", "b", "e", "f", "g"]
    assert elected(found, 1, alone, names) == (0,)
    assert elected(found, 2, alone, names) == (0, 3)  # of 1 and 3, as good alone, b is before z
    assert elected(found, 3, alone, names) == (0, 1, 3)
    assert elected(found, 4, alone, names) == (0, 1, 3, 4)  # of 2 and 4 the better alone
    assert elected(found, 6, alone, names) == (0, 1, 2, 3, 4, 5)


def test_where_no_fitness_is_above_0_all_votes_weigh_the_same() -> None:
    found = vote([tried("ga", -1.0, (0, 1, 2)), tried("sa", -9.0, (1, 2, 3))])
    assert dict(found.weights) == {"ga": 0.5, "sa": 0.5}
    assert found.votes == {0: 0.5, 1: 1.0, 2: 1.0, 3: 0.5}


def test_a_fitness_below_0_has_no_weight_beside_one_above() -> None:
    found = vote([tried("ga", 2.0, (0, 1, 2)), tried("sa", -9.0, (3, 4, 5))])
    assert dict(found.weights) == {"ga": 1.0, "sa": 0.0}
    assert elected(found, 3, np.arange(6.0), list("abcdef")) == (0, 1, 2)


def test_who_failed_has_no_vote() -> None:
    found = vote([tried("ga", 2.0, (0, 1, 2)), tried("sa", float("-inf"), ())])
    assert dict(found.weights) == {"ga": 1.0}
    assert vote([tried("sa", float("-inf"), ())]).votes == {}


MEMBERS = st.sets(st.integers(0, 12), min_size=3, max_size=3).map(sorted)


@given(st.lists(st.tuples(st.integers(-5, 50).map(float), MEMBERS), min_size=1, max_size=8))
def test_votes_are_those_of_the_definition(given_: list[tuple[float, list[int]]]) -> None:
    found = vote([tried(f"a{i}", *one) for i, one in enumerate(given_)])
    weights, votes = reference.votes(given_)
    assert list(found.weights.values()) == pytest.approx(weights)
    assert sum(found.weights.values()) == pytest.approx(1.0)
    assert found.votes == pytest.approx(votes)
    assert sum(found.votes.values()) == pytest.approx(3.0)
    chosen = elected(found, 3, np.zeros(13), [f"s{i:02}" for i in range(13)])
    assert len(set(chosen)) == 3
    assert list(chosen) == sorted(chosen)
    least = min(found.votes[i] for i in chosen)
    assert all(v <= least for i, v in found.votes.items() if i not in chosen)
