"""Barring from outside: levels only rise, freeing ends them all, and both accounts are told."""

from dataclasses import replace

import numpy as np
import pytest

from liveopt.core.account import ASTRAY, FREE, INF, NO_ENTRIES, OUT, Account, Rule, Term, restrain
from liveopt.engine.batch import Batch, Setup, open_batch
from liveopt.engine.steer import bar, unbar
from liveopt.strategies import load

RULE = Rule("perpetual", "both", min_hold=True, late=True, steered=True)
SETUP = Setup(load()["macd"], RULE, pessimistic=True)
LEVELS = (FREE, NO_ENTRIES, OUT, ASTRAY)


def batch(size: int = 70, setup: Setup = SETUP) -> Batch:
    knobs = {n: np.full(size, knob.default) for n, knob in setup.strategy.knobs.items()}
    return open_batch(setup, knobs, {"min_hold": np.full(size, 60.0)})


def test_only_a_steered_run_can_be_barred() -> None:
    plain = batch(setup=replace(SETUP, rule=replace(RULE, steered=False)))
    with pytest.raises(AssertionError, match="only a steered run"):
        bar(plain, [0], OUT)
    with pytest.raises(AssertionError, match="only a steered run"):
        unbar(plain, [0])


@pytest.mark.parametrize("variant", [-1, 70])
def test_there_must_be_such_a_variant(variant: int) -> None:
    with pytest.raises(AssertionError, match="no such variant"):
        bar(batch(), [variant], OUT)


@pytest.mark.parametrize("first", LEVELS[1:])
@pytest.mark.parametrize("second", LEVELS[1:])
def test_a_level_only_rises_until_it_is_lifted(first: float, second: float) -> None:
    found = batch()
    bar(found, [3, 69], first)
    bar(found, [69], second)
    for a in ("a", "b"):
        assert found.cell(f"{a}_barred")[[3, 69]].tolist() == [first, max(first, second)]
        assert found.cell(f"{a}_barred").sum() == first + max(first, second)
    unbar(found, range(70))
    assert not found.cell("a_barred").any()
    assert not found.cell("b_barred").any()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("side", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("want", [-1.0, 0.0, 1.0])
def test_what_is_left_of_an_order_is_what_the_step_would_leave(
    level: float, side: float, want: float
) -> None:
    found, term = batch(), Term(RULE, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for a in ("a", "b"):
        for name, value in (("side", side), ("want", want), ("queue", -want), ("free_s", 99.0)):
            found.put(f"{a}_{name}", 5, value)
    alone = Account(side=side, want=want, queue=-want, free_s=99.0, barred=level)
    restrain(term, alone)
    if level == FREE:
        unbar(found, [5])
    else:
        bar(found, [5], level)
    for a in ("a", "b"):
        for name in ("want", "queue", "free_s", "barred"):
            assert found.cell(f"{a}_{name}")[5] == getattr(alone, name)
    assert alone.free_s == (-INF if level >= OUT else 99.0)


def test_an_order_that_came_up_while_barred_is_forgotten_when_freed() -> None:
    """A late order for the side that the account has left meanwhile is such a one."""
    found = batch()
    bar(found, [5], NO_ENTRIES)
    for name in ("a_want", "a_queue", "b_queue"):
        found.put(name, 5, 1.0)
    unbar(found, [5])
    assert [found.cell(n)[5] for n in ("a_want", "a_queue", "b_queue")] == [0.0] * 3
