"""What one row does, in order: the wish of a strategy, the order it becomes, the return it left."""

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest

from liveopt.core.account import ASTRAY, FREE, NO_ENTRIES, OUT, Account, Rule, Term
from liveopt.core.market import Market
from liveopt.core.metrics import Path
from liveopt.core.step import close_signal, is_side, order, said, signal, stray
from liveopt.core.strategy import Strategy


@dataclass(slots=True)
class Memory:
    target: float = 0.0
    seen: float = 0.0


def wish(bar: Market, k: Any, x: Any, m: Memory) -> float:
    """Wants what the input says, and remembers that it was asked."""
    m.seen = m.seen + bar.close * k.weight
    return float(x.wanted)


STRATEGY = Strategy("", wish, Memory, {}, lambda k: np.zeros(1))


def term(rule: Rule) -> Term:
    return Term(rule, 1_000.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def wanted(
    sides: Literal["long", "short", "both"], target: float, n: float = 9.0, steered: bool = False
) -> float:
    bar, m = Market(close=2.0, n=n), Memory()
    k, x = SimpleNamespace(weight=3.0, warmup=5.0), SimpleNamespace(wanted=target)
    word = said(bar, STRATEGY, k, x, m)
    assert m.seen == 6.0
    return signal(bar, term(Rule(sides=sides, steered=steered)), word, k)


@pytest.mark.parametrize(
    ("sides", "long", "flat", "short"),
    [("long", 1.0, 0.0, 0.0), ("short", 0.0, 0.0, -1.0), ("both", 1.0, 0.0, -1.0)],
)
def test_a_run_allows_the_sides_of_its_rule(
    sides: Literal["long", "short", "both"], long: float, flat: float, short: float
) -> None:
    assert [wanted(sides, target) for target in (1.0, 0.0, -1.0)] == [long, flat, short]


@pytest.mark.parametrize(("n", "target"), [(1.0, 0.0), (4.0, 0.0), (5.0, 1.0), (6.0, 1.0)])
def test_nothing_is_wanted_before_the_warm_up_but_the_strategy_steps(
    n: float, target: float
) -> None:
    assert wanted("both", 1.0, n) == target


@pytest.mark.parametrize("word", [math.nan, math.inf, 7.0, 0.5, -2.0, 1.0 + 1e-15])
def test_a_word_that_is_no_target_counts_as_flat_in_a_steered_run(word: float) -> None:
    assert not is_side(word)
    assert wanted("both", word, steered=True) == 0.0
    assert wanted("long", word, steered=True) == 0.0


@pytest.mark.parametrize("word", [1.0, 0.0, -0.0, -1.0])
def test_a_target_means_the_same_in_a_steered_run(word: float) -> None:
    assert is_side(word)
    assert wanted("both", word, steered=True) == wanted("both", word) == word


@pytest.mark.parametrize(
    ("word", "before", "after"),
    [
        (1.0, FREE, FREE),
        (math.nan, FREE, ASTRAY),
        (7.0, NO_ENTRIES, ASTRAY),
        (7.0, OUT, OUT),
        (7.0, ASTRAY, ASTRAY),
        (-1.0, ASTRAY, ASTRAY),
    ],
)
def test_a_word_that_is_no_target_bars_the_account_for_good(
    word: float, before: float, after: float
) -> None:
    a = Account(barred=before)
    stray(term(Rule(steered=True)), word, a)
    assert a.barred == after
    a = Account(barred=before)
    stray(term(Rule()), word, a)
    assert a.barred == before


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("barred", "side", "target", "ordered"),
    [
        (FREE, 0.0, 1.0, 1.0),
        (FREE, 1.0, -1.0, -1.0),
        (NO_ENTRIES, 0.0, 1.0, 0.0),
        (NO_ENTRIES, 1.0, -1.0, 0.0),
        (NO_ENTRIES, 1.0, 1.0, 1.0),
        (NO_ENTRIES, -1.0, 0.0, 0.0),
        (OUT, 0.0, -1.0, 0.0),
        (ASTRAY, 0.0, 1.0, 0.0),
    ],
)
def test_a_barred_account_may_only_be_told_to_keep_its_side_or_go_flat(
    late: bool, barred: float, side: float, target: float, ordered: float
) -> None:
    a = Account(side=side, want=side, queue=side, barred=barred)
    order(term(Rule(steered=True, late=late)), target, SimpleNamespace(target=5.0), a)
    assert (a.queue if late else a.want) == ordered
    assert (a.want if late else a.queue) == side


def test_only_a_change_of_the_target_is_an_order() -> None:
    a = Account(want=0.0)
    order(term(Rule()), 1.0, SimpleNamespace(target=1.0), a)
    assert (a.want, a.queue) == (0.0, 0.0)
    order(term(Rule()), 1.0, SimpleNamespace(target=0.0), a)
    assert (a.want, a.queue) == (1.0, 0.0)


def test_a_late_order_waits_in_the_queue() -> None:
    a = Account()
    order(term(Rule(late=True)), 1.0, SimpleNamespace(target=1.0), a)
    assert (a.want, a.queue) == (0.0, 0.0)
    order(term(Rule(late=True)), -1.0, SimpleNamespace(target=1.0), a)
    assert (a.want, a.queue) == (0.0, -1.0)


def test_the_close_of_a_signal_bar_orders_and_takes_the_return() -> None:
    a, path = Account(side=1.0), Path(1_100.0, 1.0 / 1_100.0, 0.001, 0.001)
    close_signal(term(Rule()), -1.0, SimpleNamespace(target=1.0), a, path)
    assert a.want == -1.0
    assert path.returns == pytest.approx(0.1)
    assert path.inv_last == 1.0 / 1_100.0
    assert path.bars_in == 1.0
