"""One row of the market for one variant, in the order things happen: the engine on one page.

A row is a fine bar, the close of a signal bar, or both (the fine bar first):

    fine bar     due? -> act (fills, stops, closes) -> mark (equity, drawdown)
    signal bar   observe (shared columns) -> said (strategy) -> signal -> order -> sample (return)

The engine compiles these functions; `engine.reference` calls them as they stand.
"""

from typing import Any

from liveopt.core.account import ASTRAY, FREE, OUT, Account, Term
from liveopt.core.market import Market
from liveopt.core.metrics import Path, sample
from liveopt.core.strategy import Strategy


def said(bar: Market, strategy: Strategy, k: Any, x: Any, m: Any) -> float:
    """What the strategy says after this signal bar."""
    return strategy.step(bar, k, x, m)


def is_side(word: float) -> bool:
    """Whether a strategy's word is a target at all; NaN is not."""
    return (word == 0.0) | (word == 1.0) | (word == -1.0)


def signal(bar: Market, term: Term, word: float, k: Any) -> float:
    """The side that a strategy's word means, within what the run allows."""
    target = word
    if term.rule.steered:
        target = word if is_side(word) else 0.0
    if term.rule.sides == "long":
        target = target if target > 0.0 else 0.0
    if term.rule.sides == "short":
        target = target if target < 0.0 else 0.0
    return target if bar.n >= k.warmup else 0.0


def order(term: Term, target: float, m: Any, a: Account) -> None:
    """A change of the target is an order for the next fine bar (the one after, when late)."""
    changed = target != m.target
    wanted = target
    if term.rule.steered:
        wanted = target if (a.barred == FREE) | (target == a.side) else 0.0
    if term.rule.late:
        a.queue = wanted if changed else a.queue
    else:
        a.want = wanted if changed else a.want


def stray(term: Term, word: float, a: Account) -> None:
    """A steered account whose strategy says what is no target is out from the next open."""
    if term.rule.steered:
        a.barred = a.barred if is_side(word) | (a.barred >= OUT) else ASTRAY


def close_signal(term: Term, target: float, m: Any, a: Account, path: Path) -> None:
    """What a closed signal bar means for one account."""
    order(term, target, m, a)
    sample(a, path)
