"""One number from many metrics, to rank by; higher is better, undefined is last."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from liveopt.core.metrics import METRICS

Metrics = Mapping[str, Any]
"""Columns by name, as `core.metrics.summarise` makes them: rates are fractions."""
YEARLY: Final = 252.0**0.5
"""What `classic` takes a trade's Sharpe times, as if there were one trade a trading day."""


@dataclass(frozen=True, slots=True)
class Score:
    """A way to score."""

    text: str
    of: Callable[[Metrics, Any], Any]
    """Metrics and the array library they live in; NaN where a metric it rests on is undefined."""


def _share(value: Any, full: float, xp: Any) -> Any:
    """How much of a full mark a value is worth, from 0 to 1."""
    return xp.clip(value / full, 0.0, 1.0)


def _classic(m: Metrics, xp: Any) -> Any:
    calm = 1.0 - xp.where(xp.isnan(m["max_drawdown"]), 0.0, m["max_drawdown"]) / 0.20
    return (
        0.30 * _share(m["roi"], 0.20, xp)
        + 0.35 * _share(m["trade_sharpe"] * YEARLY, 3.0, xp)
        + 0.20 * _share(m["win_rate"], 1.0, xp)
        + 0.15 * _share(calm, 1.0, xp)
    )


def _metric(name: str, m: Metrics, xp: Any) -> Any:
    return xp.asarray(m[name])


def _least(name: str, m: Metrics, xp: Any) -> Any:
    return -xp.asarray(m[name])


LOW_IS_GOOD: Final = frozenset({"max_drawdown", "avg_loss", "fees", "longest_losing", "refused"})
"""Metrics of which less is better: their score is the metric with its sign turned."""

SCORES: Final[Mapping[str, Score]] = {
    "classic": Score(
        ".30 of return / 20 %, .35 of trade Sharpe * sqrt(252) / 3, .20 of win rate, .15 of 1 -"
        " drawdown / 20 %; each part from 0 to 1",
        _classic,
    )
} | {
    name: Score(f"{text}; the least is best", partial(_least, name))
    if name in LOW_IS_GOOD
    else Score(text, partial(_metric, name))
    for name, text in METRICS.items()
}
"""Every score by its name; a metric is one by itself."""


def ranking(scores: Any, xp: Any) -> Any:
    """Places from the best to the worst; equals stay in order, undefined ones come last."""
    return xp.argsort(-scores, kind="stable")  # NaN is sorted behind everything, infinities too
