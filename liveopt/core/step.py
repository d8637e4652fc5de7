"""One row of the market for one variant, in the order things happen: the engine on one page.

A row is a fine bar, the close of a signal bar, or both (the fine bar first):

    fine bar     due? -> act (fills, stops, closes) -> mark (equity, drawdown)
    signal bar   observe (shared columns) -> signal (strategy -> order) -> sample (return)

The engine compiles these functions; `engine.reference` calls them as they stand.
"""

from typing import Any

from liveopt.core.account import Account, Term
from liveopt.core.market import Market
from liveopt.core.metrics import Path, sample
from liveopt.core.strategy import Strategy


def signal(bar: Market, term: Term, strategy: Strategy, k: Any, x: Any, m: Any) -> float:
    """The side the strategy wants after this signal bar, within what the run allows."""
    target = strategy.step(bar, k, x, m)
    if term.rule.sides == "long":
        target = target if target > 0.0 else 0.0
    if term.rule.sides == "short":
        target = target if target < 0.0 else 0.0
    return target if bar.n >= k.warmup else 0.0


def order(term: Term, target: float, m: Any, a: Account) -> None:
    """A change of the target is an order for the next fine bar (the one after, when late)."""
    changed = target != m.target
    if term.rule.late:
        a.queue = target if changed else a.queue
    else:
        a.want = target if changed else a.want


def close_signal(term: Term, target: float, m: Any, a: Account, path: Path) -> None:
    """What a closed signal bar means for one account."""
    order(term, target, m, a)
    sample(a, path)
