"""A whole run: what was read goes in, a report comes out. In mode zones each zone is a run.

Zones that are combined keep their own portfolios; a day's profit is the weighted sum of theirs.
"""

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Dates, Float64, Ints, Panel
from liveopt.portfolio.figures import Basic, Figures, Money, measure
from liveopt.portfolio.gather import CpuGather
from liveopt.portfolio.held import cut, look
from liveopt.portfolio.likeness import Likeness, likeness, matrix
from liveopt.portfolio.optimize import Means, TooFew, optimize
from liveopt.portfolio.race import hands
from liveopt.portfolio.refused import Refused
from liveopt.portfolio.regimes import NoSessions
from liveopt.portfolio.result import Outcome, Report, Source, Zone, Zoning
from liveopt.portfolio.steps import Steps
from liveopt.portfolio.zones import OUTSIDE, Zones, zones_of

SESSIONS_USUAL: Final = 50
STRATEGIES_USUAL: Final = 10
"""Fewer are warned of."""
PROFIT_LEAST: Final = 0.01
"""Of a zone in the allocation, whatever it lost; money."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When it was, by whoever knows the time."""

    run: str
    started: str


def run(
    panel: Panel,
    source: Source,
    terms: Portfolio,
    means: Means,
    stamp: Stamp,
    steps: Steps,
) -> Report:
    """All steps but reading and writing."""
    steps.begin("validate", "looking at the data")
    panel, back = cut(panel, terms.holdout)
    notes = [*source.notes, *warnings(panel, terms)]
    zones = zones_of(panel.sessions, terms) if _has_zones(panel, terms) else None
    zoning: Zoning | None = None
    if terms.mode == "zones":
        assert zones is not None
        outcome, zoning = _by_zone(panel, zones, terms, means, steps)
    else:
        outcome = optimize(panel, terms, means, steps)
        if zones is not None and (zones.of[outcome.regimes.kept] != OUTSIDE).any():
            zoning = _looked_at(outcome, zones, terms)
        elif zones is not None:
            notes.append("no session begins in a zone: there is no more to say of them")
    held = None
    if back is not None:
        try:
            held = look(back, outcome, terms)
        except NoSessions as error:
            notes.append(f"of the sessions held back {error}")
    about = Source(source.files, source.data_hash, source.strategies, source.sessions, notes)
    return Report(
        run=stamp.run, started=stamp.started, source=about, terms=terms, device=means.device,
        workers=hands(terms.workers), steps=steps.seconds, outcome=outcome, zoning=zoning,
        memory_peak_mib=_peak_mib(), held=held,
    )  # fmt: skip


def warnings(panel: Panel, terms: Portfolio) -> list[str]:
    """What is unusual, and a search on it to be taken with care."""
    found = []
    if len(panel.sessions) < SESSIONS_USUAL:
        found.append(
            f"{len(panel.sessions)} sessions are few: below {SESSIONS_USUAL} a portfolio is"
            " mostly luck"
        )
    if len(panel.names) > len(panel.sessions) and not terms.holdout:
        found.append(
            f"with {len(panel.names):,} strategies and {len(panel.sessions)} sessions the best"
            " looks better than it is: portfolio.holdout (0.25, say) shows how it does on sessions"
            " that the search has not seen"
        )
    if len(panel.names) < STRATEGIES_USUAL:
        found.append(f"{len(panel.names)} strategies are few to choose from")
    return found


def _has_zones(panel: Panel, terms: Portfolio) -> bool:
    """Whether there are any; in mode zones their lack is an error, which `zones_of` tells."""
    known = panel.sessions.zone if terms.zone_method == "column" else panel.sessions.start_min
    return terms.mode == "zones" or known is not None


def _by_zone(
    panel: Panel, zones: Zones, terms: Portfolio, means: Means, steps: Steps
) -> tuple[Outcome, Zoning]:
    weights = _weights(zones.names, terms)
    found: list[tuple[Outcome | None, str]] = []
    for number, name in enumerate(zones.names):
        steps.lap(number, len(zones.names))
        search = partial(optimize, terms=terms, means=means, steps=steps)
        found.append(_searched(panel, np.flatnonzero(zones.of == number), name, search))
    outcomes = [one for one, _ in found if one is not None]
    if not outcomes:
        raise TooFew("; ".join(why for _, why in found))
    steps.lap(len(zones.names) - 1, len(zones.names))
    best = max(outcomes, key=lambda one: one.best.fitness)
    weights = _combined(weights, found, terms)
    rois = np.array([0.0 if one is None else one.best.figures["roi"] for one, _ in found])
    allocation = _allocation(rois)
    parts = [
        Zone(
            name=zones.names[i], sessions=int((zones.of == i).sum()), weight=weights[i],
            allocation=allocation[i], outcome=one, why=why,
            figures={} if one is None else one.best.figures,
        )
        for i, (one, why) in enumerate(found)
    ]  # fmt: skip
    daily = [(one.sessions.date, one.best.series) if one else None for one, _ in found]
    fitness = sum(w * one.best.fitness for w, (one, _) in zip(weights, found, strict=True) if one)
    together = _Together(weights, fitness, best.money, terms.zone_combine)
    return best, _zoning(parts, daily, zones, together)


def _searched(
    panel: Panel, rows: Ints, name: str, search: Callable[[Panel], Outcome]
) -> tuple[Outcome | None, str]:
    if not len(rows):
        return None, f"{name} has no session"
    try:
        return search(panel.sessions_of(rows)), ""
    except (TooFew, NoSessions) as error:
        return None, f"{name}: {error}"


def _looked_at(outcome: Outcome, zones: Zones, terms: Portfolio) -> Zoning:
    """The run's own portfolio, zone by zone."""
    of = zones.of[outcome.regimes.kept]
    sessions, series = outcome.sessions, outcome.best.series
    rows = [of == i for i in range(len(zones.names))]
    rois = np.array([float(series[row].sum()) for row in rows])
    allocation = _allocation(rois)
    money = outcome.money
    parts = [
        Zone(
            name=name, sessions=int((zones.of == i).sum()), weight=float(rows[i].mean()),
            allocation=allocation[i], outcome=None, why="",
            figures=figures_of(series[rows[i]], money).row(0) if rows[i].any() else {},
        )
        for i, name in enumerate(zones.names)
    ]  # fmt: skip
    daily = [(sessions.date[row], series[row]) if row.any() else None for row in rows]
    together = _Together([1.0] * len(parts), outcome.best.fitness, money, terms.zone_combine)
    return _zoning(parts, daily, zones, together)


@dataclass(frozen=True, slots=True)
class _Together:
    """How zones are put together."""

    weights: Sequence[float]
    fitness: float
    money: Money
    combine: str


def _zoning(
    parts: Sequence[Zone],
    daily: Sequence[tuple[Dates, Float64] | None],
    zones: Zones,
    together: _Together,
) -> Zoning:
    dates = np.unique(np.concatenate([one[0] for one in daily if one]))
    table = np.zeros((len(parts), len(dates)))
    for i, one in enumerate(daily):
        if one:
            np.add.at(table[i], np.searchsorted(dates, one[0]), one[1])
    series = np.array(together.weights) @ table
    return Zoning(
        zones=parts, outside=int((zones.of == OUTSIDE).sum()), combine=together.combine,
        fitness=together.fitness, figures=figures_of(series, together.money).row(0), dates=dates,
        series=series, matrix=matrix(likeness(table, "pearson")),
    )  # fmt: skip


def figures_of(series: Float64, money: Money) -> Figures:
    """Of one series of profits."""
    rows = np.ascontiguousarray(series[None])
    like: Likeness = likeness(rows, "pearson")
    found, sums = CpuGather(rows, like)(np.zeros((1, 1), np.int32))
    return measure(found, Basic(sums, 1, rows.shape[1]), money)


def _weights(names: Sequence[str], terms: Portfolio) -> list[float]:
    given = terms.zone_weights or (1.0,) * len(names)
    if len(given) != len(names):
        raise Refused(
            f"portfolio.zone_weights has {len(given)} weights, and there are {len(names)} zones: "
            + ", ".join(names)
        )
    return [weight / sum(given) for weight in given]


def _combined(
    weights: Sequence[float], found: Sequence[tuple[Outcome | None, str]], terms: Portfolio
) -> list[float]:
    """Of zones that have a portfolio, by the way of the settings."""
    there = [one is not None for one, _ in found]
    if terms.zone_combine == "best":
        fitness = [one.best.fitness if one else -np.inf for one, _ in found]
        return [float(i == int(np.argmax(fitness))) for i in range(len(found))]
    kept = [
        (1.0 if terms.zone_combine == "equal" else w) * is_there
        for w, is_there in zip(weights, there, strict=True)
    ]
    total = sum(kept)
    return [w / total for w in kept] if total > 0.0 else [float(t) / sum(there) for t in there]


def _allocation(rois: Float64) -> list[float]:
    kept = np.maximum(rois, PROFIT_LEAST)
    return [float(one) for one in kept / kept.sum()]


def _peak_mib() -> float:
    """Of this process and of the largest of those it had."""
    own, children = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return float(own + children) / 1024.0
