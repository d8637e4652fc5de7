"""Records of the contest for the champion's place: each with what it rests on, frozen."""

import msgspec

from liveopt.promotion.admission import Backtest
from liveopt.promotion.conditions import Condition
from liveopt.promotion.epoch import Track


class Evidence(msgspec.Struct, frozen=True):
    """What one variant had gathered; with the epoch's `rho`, its evidence follows from the sums.

    log 2 + 1/2 log(rho / (V + rho)) + S^2 / 2 (V + rho) + log Phi(S / sqrt(V + rho)).
    """

    variant: str
    total: float
    """S, in standard deviations of the difference."""
    squares: float
    count: float
    """Evidence bars with a difference."""
    spread: float
    """V, the larger of the squares and (squares + 2 count) / 3."""
    log_evidence: float
    log_weight: float | None
    """Share of the error that its slot has; None of none."""
    p_value: float
    """Valid at any time."""
    edge: float
    """Mean per evidence bar in standard deviations, and where it is with 95 % at any time."""
    low: float | None
    high: float | None
    unit: float
    """One standard deviation, as a log return of equity."""


class Leader(msgspec.Struct, frozen=True):
    """One of those with the most evidence, and what stops it."""

    variant: str
    log_evidence: float
    bars: float
    trades: int
    confidence: float | None
    stopped_by: tuple[str, ...]


class Looked(msgspec.Struct, frozen=True, tag=True):
    """A look at everybody's evidence."""

    at_ns: int
    symbol: str
    epoch: int
    bar: int
    """Evidence bars since the epoch began."""
    variants: int
    admitted: int
    """Ever in this epoch: how many comparisons the error is for."""
    fill: float
    allowed: int
    """Shadow worlds that may have been crossed by now."""
    crossed: int
    threshold: float | None
    """Log evidence that passes by the worlds' track; None while there is nothing to spend."""
    leaders: tuple[Leader, ...]


class Verdict(msgspec.Struct, frozen=True, tag=True):
    """A variant's evidence has passed; `holds` says whether the conditions do too."""

    at_ns: int
    id: str
    symbol: str
    epoch: int
    bar: int
    variant: str
    champion: str
    track: Track
    holds: bool
    evidence: Evidence
    conditions: tuple[Condition, ...]
    stopped_by: tuple[str, ...]
    """Codes of what does not hold, the evidence's own among them."""
    worst_trades: tuple[float, ...]
    """The worst returns on margin among its newest trades: the tail that it has shown."""
    rho: float
    alpha_each: float
    alpha_worlds: float
    threshold: float | None
    allowed: int
    crossed: int
    fill: float
    admitted: int
    runners_up: tuple[Leader, ...]


class Promoted(msgspec.Struct, frozen=True, tag=True):
    """Another champion. `earned` says that a verdict holds; a person's word alone does not."""

    at_ns: int
    symbol: str
    variant: str
    predecessor: str
    verdict: str
    earned: bool
    by: str
    why: str
    epoch: int
    """The one that begins."""


class Demoted(msgspec.Struct, frozen=True, tag=True):
    """The predecessor is champion again. `earned` says that the evidence against it sufficed."""

    at_ns: int
    symbol: str
    variant: str
    restored: str
    earned: bool
    by: str
    why: str
    evidence: float
    """Of the e-CUSUM; 1,000 demotes."""
    bars: int
    epoch: int


class Warned(msgspec.Struct, frozen=True, tag=True):
    """The champion is less than half as good as was promised; nothing is done about it."""

    at_ns: int
    symbol: str
    variant: str
    predecessor: str
    bars: int
    promised: float


class Admission(msgspec.Struct, frozen=True, tag=True):
    """Whether a proposal may join, and on what it was judged."""

    at_ns: int
    variant: str
    symbol: str
    admitted: bool
    conditions: tuple[Condition, ...]
    backtest: Backtest
    by: str
    replaces: str = ""
    """Who makes room for it; nobody where all are protected."""


class SeasonEnded(msgspec.Struct, frozen=True, tag=True):
    """The error of the worlds' track is spent."""

    at_ns: int
    symbol: str
    epoch: int
    renewed: bool
    """Whether another season begins, with an error of its own; else the other track goes on."""
