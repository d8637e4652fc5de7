"""What several reports say of a run, calculated once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from liveopt.data.panel.panel import Float64
from liveopt.portfolio.reports.words import number, plural
from liveopt.portfolio.result import (
    ENSEMBLE,
    Chosen,
    Outcome,
    Report,
    Status,
    Tried,
    leader_of,
)  # fmt: skip

NO_FALL = "the largest fall of the best is"
UNWEIGHTED = "unweighted,"
"""How the run's notes begin that stand beside the figures they are about."""
FULL = {
    "ga": "genetic algorithm",
    "pso": "particle swarm",
    "sa": "simulated annealing",
    "de": "differential evolution",
    "aco": "ant colony",
    "hc": "hill climbing",
    "bo": "Bayesian optimization",
    "random": "random search",
    ENSEMBLE: "the vote of all algorithms",
}


@dataclass(frozen=True, slots=True)
class Algorithm:
    """All that one did."""

    name: str
    best: Tried
    """Of its sizes; where it found nothing, what it last failed with."""
    tried: Sequence[Tried]

    @property
    def status(self) -> Status:
        """Of all its sizes together: something that failed or was late is said."""
        found = {one.status for one in self.tried}
        if not self.best.members:
            return "failed"
        return "done" if found == {"done"} else "late"

    @property
    def seconds(self) -> float:
        """Of all its sizes."""
        return sum(one.seconds for one in self.tried)

    @property
    def evaluations(self) -> int:
        """Of all its sizes."""
        return sum(one.evaluations for one in self.tried)


def algorithms(tried: Sequence[Tried]) -> list[Algorithm]:
    """The best first; who found nothing last."""
    found: dict[str, list[Tried]] = {}
    for one in tried:
        found.setdefault(one.algorithm, []).append(one)
    told = [Algorithm(name, leader_of(own) or own[-1], own) for name, own in found.items()]
    return sorted(told, key=lambda one: (not one.best.members, -one.best.fitness, one.name))


def distinct(leaders: Sequence[Chosen], most: int) -> list[tuple[str, Chosen]]:
    """So many portfolios that differ, the best first, each with all who found it."""
    found: dict[frozenset[int], tuple[list[str], Chosen]] = {}
    for one in leaders:
        found.setdefault(frozenset(one.members), ([], one))[0].append(one.origin)
    return [(" = ".join(origins), one) for origins, one in found.values()][:most]


def outcomes(report: Report) -> list[Outcome]:
    """All searches of a run: of the sessions as a whole, or of each zone."""
    zones = report.zoning.zones if report.zoning else ()
    found = [one.outcome for one in zones if one.outcome is not None]
    if not any(one is report.outcome for one in found):
        found.insert(0, report.outcome)
    return found


def efficiency(report: Report) -> float:
    """Seconds of all searches over what the workers had.

    NaN where nobody took the time, or it is not known how many there were.
    """
    spent = sum(one.seconds for found in outcomes(report) for one in found.tried)
    had = report.workers * report.steps.get("algorithms", 0.0)
    return spent / had if had > 0.0 else float("nan")


def workers(report: Report) -> str:
    """How many there were."""
    return plural(report.workers, "worker") if report.workers else "a worker for each core"


def full_name(origin: str) -> str:
    """An algorithm as people call it."""
    return f"{FULL[origin]} ({origin})" if origin in FULL else origin


def stamp(report: Report) -> str:
    """The moment in the names of files."""
    return report.run.removeprefix("run_")


def equity(series: Float64) -> Float64:
    """What was earned by the end of each session."""
    return np.cumsum(series)


def falls(series: Float64) -> Float64:
    """How far the equity is below its highest so far, the end of the first session being one."""
    found = np.cumsum(series)
    with np.errstate(invalid="ignore"):  # of what is infinite there is no fall
        return np.maximum.accumulate(found) - found if len(found) else found


@dataclass(frozen=True, slots=True)
class OfRegime:
    """What the portfolio did in one regime."""

    name: str
    sessions: int
    weight: float
    """Of its sessions, on the mean."""
    profit: float
    win_rate: float


def by_regime(outcome: Outcome) -> list[OfRegime]:
    """In order of name; nothing where the file has no regimes."""
    regime = outcome.sessions.regime
    if regime is None:
        return []
    series, found = outcome.best.series, []
    for name in sorted(set(regime.tolist())):
        at = regime == name
        found.append(
            OfRegime(
                name, int(at.sum()), float(outcome.regimes.weight[at].mean()),
                float(series[at].sum()), float((series[at] > 0.0).mean()),
            )
        )  # fmt: skip
    return found


def capital_from(report: Report) -> str:
    """Who stated the capital; empty where nobody did and it is a usual one."""
    known = report.outcome.sessions.capital
    if known is not None and (known > 0.0).any():
        return "the mean of the file's column"
    return "portfolio.capital" if report.terms.capital > 0.0 else ""


def caution(report: Report, beginning: str) -> str:
    """The note of the run that begins so, as a sentence; empty where there is none."""
    for one in report.source.notes:
        if one.startswith(beginning):
            return f"{one[0].upper()}{one[1:]}."
    return ""


def other_notes(notes: Sequence[str]) -> list[str]:
    """The other notes."""
    return [one for one in notes if not one.startswith((NO_FALL, UNWEIGHTED))]


def versus(best: float, other: float) -> str:
    """By how much another fitness is less."""
    gap = best - other
    if gap == 0.0:
        return "the same"
    whole = f" ({gap / abs(best):.2%})" if best and np.isfinite(gap / best) else ""
    return f"{number(gap)} less{whole}"
