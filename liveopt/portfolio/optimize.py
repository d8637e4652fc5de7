"""One set of sessions, from its panel to a portfolio: ULTA, correlation, algorithms; no other way.

What is chosen is the best of all algorithms and sizes and of what they elect together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Dates, Float64, Panel
from liveopt.engine.gpu import Gpu
from liveopt.portfolio import regimes, ulta
from liveopt.portfolio.aim import Aim, balance_of
from liveopt.portfolio.analysis import allocation, close, shares, shocks
from liveopt.portfolio.correlation import Cache, Correlations, correlate
from liveopt.portfolio.correlation_gpu import correlate as correlate_there
from liveopt.portfolio.ensemble import elected, vote
from liveopt.portfolio.figures import Basic, Money
from liveopt.portfolio.gather import CpuGather, Gather
from liveopt.portfolio.likeness import Likeness, likeness, matrix
from liveopt.portfolio.race import Heard, laid_out, race, seed_of
from liveopt.portfolio.refused import Refused
from liveopt.portfolio.result import ENSEMBLE, Chosen, Outcome, Tried, Vote
from liveopt.portfolio.seat import Task
from liveopt.portfolio.steps import Steps
from liveopt.search.algorithm import Unfit
from liveopt.search.search import find, terms_of

DEAR: Final = {"bo": 250}
"""Algorithms that think so many times as long about a portfolio, and try as many fewer."""
DEAR_LEAST: Final = 50
USUAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "ga": {"population": 100, "mutation": 0.03, "crossover": 0.8},
    "pso": {"swarm": 50},
    "sa": {"chains": 8, "share": 0.01},
    "de": {"population": 60},
    "aco": {"ants": 30, "trail": 50, "greed": 0.2, "spread": 0.05},
    "hc": {"climbers": 5},
    "bo": {"initial": 60, "batch": 4, "pool": 256},
}
"""Terms that suit large sets better than the algorithms' own: `python -m tests.bench.subsets`."""
MERIT_LEAST: Final = 1e-3
MERIT_SHARE: Final = 0.999
"""A strategy's merit is its own ratio, but no more than that of so many: one whose fall happens to
be next to nothing is not worth a thousand others."""
CAPITAL: Final = 100_000.0
ALONE_BLOCK: Final = 8192


class TooFew(Refused):
    """There is nothing to choose from."""


@dataclass(frozen=True, slots=True)
class Means:
    """With what a run is done."""

    device: str
    cache: Path | None
    """Where correlations are kept; None keeps none."""
    correlations: bool = True
    """Whether those of all pairs are wanted; the search itself does not need them."""


@dataclass(slots=True)
class _Ready:
    """What the search goes on."""

    panel: Panel
    turned: ulta.Ulta
    regime: regimes.Regimes
    likeness: Likeness
    money: Money
    gather: Gather

    def aim(self, terms: Portfolio, size: int) -> Aim:
        """The fitness of portfolios of this size."""
        balance = balance_of(terms, list(self.panel.groups), self.panel.group, size)
        return Aim(terms, self.money, self.regime.confidence, balance)


def optimize(panel: Panel, terms: Portfolio, means: Means, steps: Steps) -> Outcome:
    """The whole way."""
    steps.begin("ulta", "turning losing strategies round")
    refuse_size(panel, terms)
    ready = _prepared(panel, terms)
    correlations = _correlations(ready.likeness, terms, means, steps)
    alone = _alone(ready)
    tried = _raced(ready, terms, means, alone, steps)
    steps.begin("select", "choosing the best")
    leaders, votes = _leaders(ready, terms, tried, alone)
    best = leaders[0]
    steps.begin("metrics", "measuring the best")
    aim = ready.aim(terms, len(best.members))
    near = close(best.members, ready.panel.pnl, ready.likeness, aim)
    parts = shares(near)
    return Outcome(
        names=ready.panel.names, sessions=ready.panel.sessions, ulta=ready.turned,
        regimes=ready.regime, correlations=correlations, tried=tried,
        vote=votes[len(best.members)], leaders=leaders, best=best, shares=parts,
        shocks=shocks(near), money=ready.money,
        allocation=allocation(parts, ready.money.capital, ready.regime.confidence),
        matrix=matrix(near.likeness),
    )  # fmt: skip


def refuse_size(panel: Panel, terms: Portfolio) -> None:
    """A portfolio has no more members than there are strategies."""
    if len(panel.names) < terms.size:
        raise TooFew(
            f"a portfolio of {terms.size} needs as many strategies, and there are"
            f" {len(panel.names)}; take a smaller --size, or more strategies"
        )


def _prepared(panel: Panel, terms: Portfolio) -> _Ready:
    gates = ulta.Gates(
        terms.ulta_roi_below, terms.ulta_negative_sessions, terms.ulta_negative_share
    )
    weighed, regime = regimes.apply(panel, terms.regime_confidence, terms.regime_transition)
    found, turned = ulta.apply(weighed, terms.ulta, gates)
    like = likeness(found.pnl, terms.correlation)
    money = money_of(found, terms)
    return _Ready(found, turned, regime, like, money, CpuGather(found.pnl, like))


def money_of(panel: Panel, terms: Portfolio) -> Money:
    """The capital of the file, on the mean, or of the settings.

    Where nobody knows it, returns are of a usual one, and no risk-free return, which only the true
    capital would earn, is held against them.
    """
    known, yearly = panel.sessions.capital, periods_of(panel.sessions.date, terms)
    if known is not None and (known > 0.0).any():
        return Money(float(known[known > 0.0].mean()), yearly, terms.risk_free)
    if terms.capital > 0.0:
        return Money(terms.capital, yearly, terms.risk_free)
    return Money(CAPITAL, yearly, 0.0)


def periods_of(dates: Dates, terms: Portfolio) -> float:
    """Sessions of a year: as many as a day has on the mean, times the days of a year."""
    return terms.days_per_year * len(dates) / max(len(np.unique(dates)), 1)


def _correlations(
    like: Likeness, terms: Portfolio, means: Means, steps: Steps
) -> Correlations | None:
    steps.begin("correlation", "correlating all pairs")
    if not means.correlations:
        return None
    cache = Cache(means.cache) if means.cache else None
    key = cache.key(like, terms.correlation_threshold) if cache else ""
    known = cache.get(key) if cache else None
    if known is not None:
        return known
    words = f"correlating {len(like.mean):,} strategies"
    found = _correlated(means.device, like, terms, lambda share: steps.tell(share, words))
    if cache:
        cache.put(key, found)
    return found


def _correlated(
    device: str, like: Likeness, terms: Portfolio, progress: Callable[[float], None]
) -> Correlations:
    if device == "gpu":
        return correlate_there(Gpu(), like, terms.correlation_threshold, progress)
    return correlate(like, terms.correlation_threshold, progress=progress)


def _alone(ready: _Ready) -> Float64:
    """The ratio of every strategy by itself."""
    count = len(ready.panel.names)
    found = np.empty(count)
    for first in range(0, count, ALONE_BLOCK):
        own = np.arange(first, min(first + ALONE_BLOCK, count), dtype=np.int32)[:, None]
        series, sums = ready.gather(own)
        found[first : first + len(own)] = Basic(sums, 1, series.shape[1]).ratio
    return found


def _raced(
    ready: _Ready, terms: Portfolio, means: Means, alone: Float64, steps: Steps
) -> list[Tried]:
    steps.begin("algorithms", "the algorithms begin")
    tried: list[Tried] = []
    sizes = [size for size in terms.sizes() if size <= len(ready.panel.names)]
    for number, size in enumerate(sizes):
        aim = ready.aim(terms, size)

        def hear(heard: Heard, number: int = number) -> None:
            share = (number + heard.done / max(heard.wanted, 1)) / len(sizes)
            best = f"; best {heard.best:.6g}" if np.isfinite(heard.best) else ""
            steps.tell(share, heard.words + best)

        with laid_out(
            ready.panel.pnl, ready.likeness, aim, means.device, merit_of(alone)
        ) as ground:
            tried += race(ground, tasks_of(terms, size), terms.workers, hear)
    if not any(one.members for one in tried):
        whys = "; ".join(f"{one.algorithm}: {one.error}" for one in tried)
        raise TooFew(f"no algorithm found a portfolio: {whys}")
    return tried


def merit_of(alone: Float64) -> Float64:
    """What is known of a strategy beforehand: its own ratio, within bounds."""
    known = np.nan_to_num(alone, nan=0.0, posinf=0.0, neginf=0.0)
    most = max(float(np.quantile(known, MERIT_SHARE)), MERIT_LEAST)
    return np.clip(known, MERIT_LEAST, most)


def tasks_of(terms: Portfolio, size: int) -> list[Task]:
    """One for each algorithm; those that think long first, for they end last."""
    given: dict[str, dict[str, Any]] = {
        name: dict(USUAL.get(name, {})) for name in terms.algorithms
    }
    for one in terms.terms:
        place, value = one.split("=")
        name, term = place.split(".")
        if name not in given:
            raise Refused(f"terms has {one!r}, and {name} is none of the algorithms asked for")
        given[name][term] = _number(one, value)
    for name, own in given.items():
        try:
            terms_of(find(name), own)
        except Unfit as error:
            raise Refused(f"terms: {error}") from None
    ordered = sorted(given, key=lambda name: name not in DEAR)
    return [
        Task(
            name, size, seed_of(terms.seed, name, size), _evaluations(terms, name),
            terms.time_limit_s, given[name],
        )
        for name in ordered
    ]  # fmt: skip


def _number(term: str, text: str) -> float:
    try:
        return float(text) if {".", "e"} & {*text} else int(text)
    except ValueError:
        raise Refused(f"terms has {term!r}, and {text} is no number") from None


def _evaluations(terms: Portfolio, name: str) -> int:
    return max(terms.evaluations // DEAR.get(name, 1), DEAR_LEAST)


def _leaders(
    ready: _Ready, terms: Portfolio, tried: Sequence[Tried], alone: Float64
) -> tuple[list[Chosen], dict[int, Vote]]:
    """The best of each algorithm and the best ensemble, the best first; and all votes."""
    votes: dict[int, Vote] = {}
    found: dict[str, Chosen] = {}
    for size in sorted({one.size for one in tried}):
        same = [one for one in tried if one.size == size and one.members]
        if not same:
            continue
        votes[size] = vote(same)
        together = elected(votes[size], size, alone, ready.panel.names)
        looks = [(one.algorithm, one.members) for one in same] + [(ENSEMBLE, together)]
        sets = np.array([members for _, members in looks], np.int32)
        aim = ready.aim(terms, size)
        fitness = aim.fitness(sets, ready.gather)
        series, figures = aim.figures(sets, ready.gather)
        for i, (origin, members) in enumerate(looks):
            if origin not in found or fitness[i] > found[origin].fitness:
                found[origin] = Chosen(
                    origin, members, float(fitness[i]), series[i].copy(), figures.row(i)
                )
    # of equals the algorithm comes before the ensemble that only repeats it
    ranked = sorted(found.values(), key=lambda one: (-one.fitness, one.origin == ENSEMBLE))
    return ranked, votes
