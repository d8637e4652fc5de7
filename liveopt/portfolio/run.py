"""A whole run: what was read goes in, a report comes out. In mode zones each zone is a run.

Zones that are combined keep their own portfolios; a day's profit is the weighted sum of theirs.
"""

import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Dates, Float64, Ints, Panel
from liveopt.portfolio.aim import balance_of
from liveopt.portfolio.figures import Basic, Figures, Money, measure
from liveopt.portfolio.gather import CpuGather
from liveopt.portfolio.held import as_traded, cut, look
from liveopt.portfolio.likeness import likeness, matrix
from liveopt.portfolio.optimize import Means, TooFew, optimize, periods_of, refuse_size, tasks_of
from liveopt.portfolio.race import hands
from liveopt.portfolio.refused import Refused
from liveopt.portfolio.regimes import NoSessions
from liveopt.portfolio.result import Outcome, Report, Source, Zone, Zoning
from liveopt.portfolio.steps import Steps
from liveopt.portfolio.zones import OUTSIDE, Zones, zones_of

SESSIONS_USUAL: Final = 50
STRATEGIES_USUAL: Final = 10
"""Fewer are warned of."""
SESSIONS_LEAST: Final = 2
DAYS_LEAST: Final = 3
FALL_LITTLE: Final = 0.002
"""A largest fall below this share of the profit."""
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
    zones = examined(panel, terms)
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
    notes += cautions(panel, outcome) if terms.mode == "full" else []
    held, held_why = None, ""
    if back is not None:
        try:
            held = look(back, outcome, terms)
        except NoSessions as error:
            held_why = f"of the sessions held back {error}"
            notes.append(held_why)
    about = Source(source.files, source.data_hash, source.strategies, source.sessions, notes)
    return Report(
        run=stamp.run, started=stamp.started, source=about, terms=terms, device=means.device,
        workers=hands(terms.workers), steps=steps.seconds, outcome=outcome, zoning=zoning,
        memory_peak_mib=_peak_mib(), held=held, held_why=held_why,
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


def examined(panel: Panel, terms: Portfolio) -> Zones | None:
    """What does not go is refused before the work; the zones, if there are any."""
    if len(panel.sessions) < SESSIONS_LEAST:
        raise Refused(f"{len(panel.sessions)} session is too few to search on; give it more days")
    refuse_size(panel, terms)
    tasks_of(terms, terms.size)
    balance_of(terms, list(panel.groups), panel.group, terms.size)
    known = panel.sessions.zone if terms.zone_method == "column" else panel.sessions.start_min
    if terms.mode == "full" and known is None:
        return None
    zones = zones_of(panel.sessions, terms)
    if terms.mode == "zones":
        _weights(zones.names, terms)
    return zones


def cautions(panel: Panel, outcome: Outcome) -> list[str]:
    """What the best one's figures do not say by themselves."""
    best, found = outcome.best, []
    fall, roi = best.figures["max_drawdown"], best.figures["roi"]
    if roi > 0.0 and fall < FALL_LITTLE * roi:
        found.append(
            f"the largest fall of the best is {fall:.6g}, next to nothing beside its profit of"
            f" {roi:.6g}: the ratio of such portfolios ranks luck; what they do on sessions held"
            " back (holdout) tells more, and a larger size may help"
        )
    if not (outcome.regimes.weight == 1.0).all():
        plain = as_traded(panel.pnl[:, outcome.regimes.kept], outcome, best.members).mean(axis=0)
        series = figures_of(plain, outcome.money).row(0)
        found.append(
            f"unweighted, the best earned {series['roi']:.6g} in these sessions with a largest fall"
            f" of {series['max_drawdown']:.6g}; all figures are of profits times the regime's"
            " confidence over its mean, and times a half at a transition"
        )
    return found


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
            name=zones.names[i], sessions=len(one.sessions) if one else 0, weight=weights[i],
            allocation=allocation[i], outcome=one, why=why,
            figures={} if one is None else one.best.figures,
        )
        for i, (one, why) in enumerate(found)
    ]  # fmt: skip
    daily = [(one.sessions.date, one.best.series) if one else None for one, _ in found]
    fitness = sum(w * one.best.fitness for w, (one, _) in zip(weights, found, strict=True) if one)
    together = _Together(weights, fitness, _daily(best, terms), terms.zone_combine)
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
    parts = [
        Zone(
            name=name, sessions=int(rows[i].sum()), weight=float(rows[i].mean()),
            allocation=allocation[i], outcome=None, why="",
            figures=_within(outcome, rows[i], terms) if rows[i].any() else {},
        )
        for i, name in enumerate(zones.names)
    ]  # fmt: skip
    daily = [(sessions.date[row], series[row]) if row.any() else None for row in rows]
    together = _Together(
        [1.0] * len(parts), outcome.best.fitness, _daily(outcome, terms), terms.zone_combine
    )
    return _zoning(parts, daily, zones, together)


def _within(outcome: Outcome, rows: npt.NDArray[np.bool_], terms: Portfolio) -> Mapping[str, float]:
    """The best one's figures in some of the sessions."""
    yearly = periods_of(outcome.sessions.date[rows], terms)
    money = replace(outcome.money, periods_per_year=yearly)
    return figures_of(outcome.best.series[rows], money).row(0)


def _daily(outcome: Outcome, terms: Portfolio) -> Money:
    return replace(outcome.money, periods_per_year=terms.days_per_year)


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
    table, there = np.zeros((len(parts), len(dates))), np.zeros((len(parts), len(dates)), bool)
    for i, one in enumerate(daily):
        if one:
            at = np.searchsorted(dates, one[0])
            np.add.at(table[i], at, one[1])
            there[i, at] = True
    series = np.array(together.weights) @ table
    return Zoning(
        zones=parts, outside=int((zones.of == OUTSIDE).sum()), combine=together.combine,
        fitness=together.fitness, figures=figures_of(series, together.money).row(0), dates=dates,
        series=series, matrix=_matrix(table, there),
    )  # fmt: skip


def _matrix(table: Float64, there: npt.NDArray[np.bool_]) -> Float64:
    """Correlations of zones on the days that both have; NaN where these are too few."""
    found = np.full((len(table), len(table)), np.nan)
    for i in range(len(table)):
        for j in range(len(table)):
            both = there[i] & there[j]
            if both.sum() >= DAYS_LEAST:
                rows = np.ascontiguousarray(table[[i, j]][:, both])
                found[i, j] = matrix(likeness(rows, "pearson"))[0, 1] if i != j else 1.0
    return found


def figures_of(series: Float64, money: Money) -> Figures:
    """Of one series of profits; it has no members whose correlation could be told."""
    rows = np.ascontiguousarray(series[None])
    found, sums = CpuGather(rows, likeness(rows, "pearson"))(np.zeros((1, 1), np.int32))
    figures = measure(found, Basic(sums, 1, rows.shape[1]), money)
    return replace(figures, correlation=np.full(1, np.nan))


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
