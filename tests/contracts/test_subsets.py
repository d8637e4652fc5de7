"""What the eight algorithms promise among portfolios: the optimum of small cases, more than chance.

The short version; `python -m tests.bench.subsets` is the long one.
"""

import numpy as np
import pytest

from tests.bench.subsets import CHEAP, TERMS, best_of, markets, needed

SEEDS = range(20)
BUDGET = 2_000
"""Evaluations; there are 15,504 sets of 5 out of 20."""
DEAR_BUDGET = 150
CLEAR = 2.0
"""How many times the best of chance is a clear margin."""


@pytest.mark.parametrize("kind", ["natural", "planted"])
@pytest.mark.parametrize("name", CHEAP)
def test_it_finds_the_best_of_all_sets_where_all_are_known(name: str, kind: str) -> None:
    """In 19 of 20 seeds; where the best set is made of members poor alone, too."""
    need = needed(name, kind, SEEDS, BUDGET)
    assert (need <= BUDGET).mean() >= 0.95, need


def test_the_process_finds_a_planted_best_set_with_few_evaluations() -> None:
    need = needed("bo", "planted", range(4), DEAR_BUDGET)
    assert (need <= DEAR_BUDGET).all(), need


def test_chance_does_not_find_the_best_of_all_sets() -> None:
    """So the budget is one that only those who learn can do with."""
    need = needed("random", "natural", SEEDS, BUDGET)
    assert (need <= BUDGET).mean() < 0.5, need


@pytest.mark.parametrize("name", sorted(TERMS.keys() - {"random"}))
def test_it_is_clearly_better_than_chance_among_many(name: str) -> None:
    """The median of three markets of 2,000 strategies, 20 of them a set, at equal evaluations."""
    evaluations = 120 if name == "bo" else 3_000
    cases = markets(2_000, 82, range(3))
    ours = [best_of(name, m, 20, evaluations, s) for s, m in enumerate(cases)]
    chance = [best_of("random", m, 20, evaluations, s) for s, m in enumerate(cases)]
    assert np.median(ours) > CLEAR * np.median(chance), (ours, chance)
