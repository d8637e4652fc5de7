"""What came of a run, for whoever shows it: records without arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from liveopt.config.portfolio import Portfolio
from liveopt.data.panel.panel import Float64, Sessions
from liveopt.portfolio.correlation import Correlations
from liveopt.portfolio.figures import Money
from liveopt.portfolio.regimes import Regimes
from liveopt.portfolio.ulta import Ulta

ENSEMBLE: Final = "ensemble"
"""Whose portfolio it is that all algorithms elect together."""
Members = tuple[int, ...]
Status = Literal["done", "late", "failed"]
"""It came to its end; its time was out and what it had counts; it brought nothing."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One algorithm with one size."""

    algorithm: str
    size: int
    status: Status
    error: str
    """Why it failed; empty otherwise."""
    members: Members
    """Places in the names after ULTA; empty if it failed."""
    fitness: float
    evaluations: int
    seconds: float
    history: Sequence[tuple[int, float]]
    """Evaluations and the best fitness by then, whenever it rose."""
    parameters: Mapping[str, Any]
    device: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A portfolio that was looked at closely."""

    origin: str
    """The algorithm, or ENSEMBLE."""
    members: Members
    fitness: float
    series: Float64
    """Profit of each session, the mean of the members'."""
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Vote:
    """What all algorithms together say of one size."""

    weights: Mapping[str, float]
    """Of each that found something; they add up to 1."""
    votes: Mapping[int, float]
    """Of each strategy that somebody chose."""
    voters: Mapping[int, int]
    """How many algorithms chose it."""


@dataclass(frozen=True, slots=True)
class Share:
    """One member's part in a portfolio."""

    member: int
    profit: float
    """Its own over the number of members: they add up to the portfolio's."""
    profit_share: float
    """Of the portfolio's profit; NaN if that is 0."""
    risk_share: float
    """Its covariance with the portfolio over the portfolio's variance; they add up to 1."""
    kelly: float
    correlation: float
    """The mean with the other members."""
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Allocation:
    """How much capital each member gets by Kelly's rule; see `analysis`."""

    capital: float
    fractions: Mapping[int, float]
    utilisation: float
    """What they add up to: at most 1."""


@dataclass(frozen=True, slots=True)
class Shock:
    """The portfolio if the world were otherwise."""

    name: str
    fitness: float
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one set of sessions: all of them, or a zone's."""

    names: Sequence[str]
    """Of all strategies after ULTA."""
    sessions: Sessions
    """Those that counted."""
    ulta: Ulta
    regimes: Regimes
    money: Money
    """What profits are returns of."""
    correlations: Correlations | None
    """None where it was not asked for."""
    tried: Sequence[Tried]
    vote: Vote
    leaders: Sequence[Chosen]
    """The best of each algorithm over all sizes, the best first; the ensemble among them."""
    best: Chosen
    shares: Sequence[Share]
    shocks: Sequence[Shock]
    allocation: Allocation
    matrix: Float64
    """Correlations of the best one's members."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone's part."""

    name: str
    sessions: int
    """That counted."""
    weight: float
    """In the combination; where one portfolio was searched, its share of the sessions."""
    allocation: float
    """Of capital: by its profit; one that lost counts as if it had earned a hundredth."""
    outcome: Outcome | None
    """None where it has too few sessions or strategies to search in; see `why`."""
    why: str
    figures: Mapping[str, float]
    """Of its own portfolio; without one of the run's best in its sessions; empty without any."""


@dataclass(frozen=True, slots=True)
class Zoning:
    """All zones together."""

    zones: Sequence[Zone]
    outside: int
    """Sessions that lie in none."""
    combine: str
    fitness: float
    figures: Mapping[str, float]
    """Of the combined series."""
    dates: npt.NDArray[np.datetime64]
    series: Float64
    """Of each date, the weighted profits of its zones."""
    matrix: Float64
    """Correlations of the zones' daily profits."""


@dataclass(frozen=True, slots=True)
class Held:
    """The leaders in the last sessions, which the search did not see."""

    sessions: Sessions
    series: Float64
    """Of the best one."""
    figures: Mapping[str, float]
    fitness: float
    leaders: Mapping[str, tuple[float, Mapping[str, float]]]
    """Of each, by its origin: fitness and figures."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was read."""

    files: Sequence[str]
    data_hash: str
    strategies: int
    sessions: Sessions
    notes: Sequence[str]
    """What was assumed and mended, in words."""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run."""

    run: str
    """Its name: run_<YYYYmmdd_HHMMSS>."""
    started: str
    """ISO 8601, UTC."""
    source: Source
    terms: Portfolio
    device: str
    workers: int
    steps: Mapping[str, float]
    """Seconds of each step, in their order."""
    outcome: Outcome
    """Of the run; in mode zones that of the best zone."""
    zoning: Zoning | None
    """None where the file has no zones and none were asked for."""
    memory_peak_mib: float = field(default=0.0)
    held: Held | None = None
    """None where no sessions were held back, or none of those that were counts; see `held_why`."""
    held_why: str = ""


def leader_of(tried: Sequence[Tried]) -> Tried | None:
    """The best; of equals the first."""
    found = [one for one in tried if one.members]
    return max(found, key=lambda one: one.fitness) if found else None
